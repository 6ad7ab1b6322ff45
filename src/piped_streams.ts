/**
 * Streams in the place of functions: a transfer locks one when it first needs
 * it, and unlocks it at its end.
 *
 * @module
 */

import { HEADERDATA } from "./tables/constants.ts";
import { wrongType } from "./values.ts";

const END = new Uint8Array(0);
const encoder = new TextEncoder();

/** Those of all readers. */
const callbacks = new WeakSet<object>();

/** A stream that stands for a function of one handle. */
export interface PipedStream {
  /** What libcurl calls. */
  readonly callback: (argument: never) => unknown;
  /** The error of a transfer that can't wait for the stream. */
  refusal(): TypeError;
  /** Unlocks it, and gives what is still being written unknown to libcurl. */
  release(): Promise<unknown> | undefined;
  /** The same stream for another handle. */
  copy(): PipedStream;
}

/** For WRITEDATA and HEADERDATA. */
export class WriterStream implements PipedStream {
  readonly #option: number;
  readonly #stream: WritableStream<Uint8Array>;
  #writer: WritableStreamDefaultWriter<Uint8Array> | undefined;
  #unawaited: Promise<void> | undefined;

  constructor(option: number, stream: WritableStream<Uint8Array>) {
    this.#option = option;
    this.#stream = stream;
  }

  readonly callback = (data: Uint8Array): Promise<void> | undefined => {
    this.#writer ??= this.#stream.getWriter();
    // The bytes are lent, and the stream may keep what it gets.
    const written = this.#writer.write(data.slice());
    if (this.#option !== HEADERDATA) return written;
    // libcurl can't wait for a header. If this fails, so does all that follows.
    written.catch(() => {});
    this.#unawaited = written;
  };

  refusal(): TypeError {
    return needsPromises(this.#option, this.#stream);
  }

  release(): Promise<void> | undefined {
    const written = this.#unawaited;
    this.#unawaited = undefined;
    this.#writer?.releaseLock();
    this.#writer = undefined;
    return written;
  }

  copy(): PipedStream {
    return new WriterStream(this.#option, this.#stream);
  }
}

/** For READDATA. */
export class ReaderStream implements PipedStream {
  readonly #option: number;
  readonly #stream: ReadableStream<Uint8Array>;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;

  constructor(option: number, stream: ReadableStream<Uint8Array>) {
    this.#option = option;
    this.#stream = stream;
    callbacks.add(this.callback);
  }

  /** Whether a stream stands for this function. */
  static owns(callback: unknown): boolean {
    return callbacks.has(callback as object);
  }

  /** Gives its next chunk, however much is asked for. */
  readonly callback = async (): Promise<Uint8Array> => {
    this.#reader ??= this.#stream.getReader();
    for (;;) {
      const { done, value } = await this.#reader.read();
      if (done) return END;
      const chunk: unknown = value;
      const bytes = typeof chunk === "string" ? encoder.encode(chunk) : chunk;
      // Whatever else it is, READFUNCTION has the words for it. No bytes would
      // be the end.
      if (!(bytes instanceof Uint8Array) || bytes.length > 0) {
        return bytes as Uint8Array;
      }
    }
  };

  refusal(): TypeError {
    return needsPromises(this.#option, this.#stream);
  }

  release(): undefined {
    this.#reader?.releaseLock();
    this.#reader = undefined;
  }

  copy(): PipedStream {
    return new ReaderStream(this.#option, this.#stream);
  }
}

function needsPromises(option: number, stream: unknown): TypeError {
  return wrongType(
    option,
    "an object with synchronous methods, which a synchronous transfer can call",
    stream,
  );
}
