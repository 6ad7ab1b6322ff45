/**
 * Streams in the place of functions: a transfer locks one when it first needs
 * it, and unlocks it at its end.
 *
 * @module
 */

import type { Failure } from "./errors.ts";
import { HEADERDATA } from "./tables/constants.ts";
import { wrongType } from "./values.ts";

const encoder = new TextEncoder();

/** So much of a stream is read before it is asked for, but for the last chunk. */
const AHEAD = 256 * 1024;
/** The same in chunks, which may be short. */
const CHUNKS_AHEAD = 256;

/** Those of all readers, by their functions. */
const readers = new WeakMap<object, ReaderStream>();
/** What was read of streams and not sent: the next transfer begins with it. */
const rests = new WeakMap<ReadableStream, Rest>();

/** A stream that stands for a function of one handle. */
export interface PipedStream {
  /** What libcurl calls. */
  readonly callback: (argument: never) => unknown;
  /** The error of a transfer that can't wait for the stream. */
  refusal(): TypeError;
  /** Unlocks it, and gives what is still being written unknown to libcurl. */
  release(): Promise<unknown> | undefined;
  /** What was read and not sent is not wanted any more. */
  rewind?(): void;
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

/** Chunks, and how many bytes they have. */
class Rest {
  readonly chunks: unknown[] = [];
  length = 0;

  static of(stream: ReadableStream): Rest {
    let rest = rests.get(stream);
    if (rest === undefined) rests.set(stream, rest = new Rest());
    return rest;
  }

  get isFull(): boolean {
    return this.length >= AHEAD || this.chunks.length >= CHUNKS_AHEAD;
  }

  push(chunk: unknown): void {
    const bytes = typeof chunk === "string" ? encoder.encode(chunk) : chunk;
    const length = bytes instanceof Uint8Array ? bytes.length : NaN;
    if (length === 0) return;
    this.chunks.push(bytes);
    // Whatever else it is, READFUNCTION has the words for it.
    this.length += length || 0;
  }

  clear(): void {
    this.chunks.length = 0;
    this.length = 0;
  }
}

/**
 * For READDATA: reads ahead while libcurl sends, so that each turn has several
 * chunks, and no transfer waits for a chunk that could be there.
 */
export class ReaderStream implements PipedStream {
  readonly #option: number;
  readonly #stream: ReadableStream<Uint8Array>;
  readonly #rest: Rest;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #round = 0;
  #isReading = false;
  /** What is being read is not wanted any more. */
  #isStale = false;
  /** No more comes, or this went wrong. */
  #end: Failure | "success" | undefined;
  #tell: (() => void) | undefined;
  /** A transfer waits. */
  #wanted: PromiseWithResolvers<void> | undefined;

  constructor(option: number, stream: ReadableStream<Uint8Array>) {
    this.#option = option;
    this.#stream = stream;
    this.#rest = Rest.of(stream);
    readers.set(this.callback, this);
  }

  /** That whose function this is. */
  static of(callback: object): ReaderStream | undefined {
    return readers.get(callback);
  }

  /** Never called: it stands for the stream. */
  readonly callback = (): void => {};

  /**
   * Waits until there is something to take, if there is nothing. `tell` is
   * called whenever as much is there as is read ahead.
   */
  ready(tell: () => void): Promise<void> | undefined {
    this.#tell = tell;
    this.#read();
    if (this.#rest.chunks.length > 0 || this.#end !== undefined) return;
    this.#wanted = Promise.withResolvers();
    return this.#wanted.promise;
  }

  /** Gives chunks to `send`, `most` bytes at most; how many: 0 at the end. */
  take(most: number, send: (chunk: unknown, most: number) => number): number {
    const { chunks } = this.#rest;
    let taken = 0;
    while (taken < most && chunks.length > 0) {
      // Out first, as it may be none that can be sent.
      const chunk = chunks.shift() as Uint8Array;
      const sent = send(chunk, most - taken);
      taken += sent;
      this.#rest.length -= sent;
      if (sent < chunk.length) chunks.unshift(chunk.subarray(sent));
    }
    if (chunks.length === 0) this.#rest.length = 0;
    if (taken === 0 && this.#end !== undefined && this.#end !== "success") {
      throw this.#end.cause;
    }
    this.#read();
    return taken;
  }

  /** How often the upload has gone on elsewhere. */
  get round(): number {
    return this.#round;
  }

  /** What comes next is not what was to be sent: the upload goes on elsewhere. */
  rewind(): void {
    this.#round++;
    this.#rest.clear();
    this.#isStale = this.#isReading;
    // Whoever waits does so for what is not wanted.
    this.#awake();
  }

  #read(): void {
    const reader = this.#reader ??= this.#stream.getReader();
    if (this.#isReading || this.#end !== undefined || this.#rest.isFull) return;
    this.#isReading = true;
    reader.read().then(
      ({ done, value }) => {
        if (reader !== this.#reader) return;
        this.#isReading = false;
        if (done) this.#end = "success";
        else if (!this.#isStale) this.#rest.push(value);
        this.#isStale = false;
        this.#goOn();
      },
      (cause) => {
        if (reader !== this.#reader) return;
        this.#isReading = false;
        this.#end = { cause };
        this.#goOn();
      },
    );
  }

  #goOn(): void {
    this.#read();
    const wanted = this.#wanted;
    if (!this.#isReading) {
      this.#awake();
      this.#tell?.();
    } else if (wanted !== undefined && this.#rest.chunks.length === 1) {
      // More may be there, which the same turn can send.
      setImmediate(() => {
        if (this.#wanted === wanted) this.#awake();
      });
    }
  }

  #awake(): void {
    this.#wanted?.resolve();
    this.#wanted = undefined;
  }

  refusal(): TypeError {
    return needsPromises(this.#option, this.#stream);
  }

  release(): undefined {
    this.#reader?.releaseLock();
    this.#reader = undefined;
    this.#isReading = false;
    this.#isStale = false;
    this.#end = undefined;
    this.#wanted = undefined;
    this.#tell = undefined;
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
