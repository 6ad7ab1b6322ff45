/**
 * A body that is read as it comes.
 *
 * @module
 */

import { Output, Transfer } from "./asynchronous.ts";
import { bring, type Reader, turnSoon } from "./engine.ts";
import type { Failure } from "./errors.ts";
import { getinfoNumber, numbers, streamRead, streamRest } from "./ffi/call.ts";
import type { OptionTarget } from "./options.ts";
import { RESPONSE_CODE } from "./tables/constants.ts";
import type { AbortOptions } from "./types.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The room of a reader that brings none of its own. */
const CHUNK = 64 * 1024;

/**
 * The body of a transfer that has its headers and goes on as fast as the body
 * is read: what nobody reads stays with the server, but for some 256 KiB.
 *
 * Whoever does not read to the end should cancel the stream or dispose of the
 * body; the transfer would wait for ever.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const file = Deno.makeTempFileSync();
 * Deno.writeTextFileSync(file, "hello");
 * using c = new curl.Curl();
 * c.setopt(curl.URL, `file://${file}`);
 * await using body = await c.performStream();
 * console.log(await new Response(body.readable).text()); // hello
 * ```
 */
export interface CurlBody extends AsyncDisposable, Disposable {
  /**
   * The response's status, such as 200; what `getinfo` tells as RESPONSE_CODE
   * when the transfer is over. 0 where the protocol has none.
   */
  readonly status: number;
  /**
   * The bytes: a byte stream, whose BYOB reader has them copied straight to
   * its buffers. It ends when the transfer is over. If that fails, what has
   * come before can still be read, then the stream fails with the `CurlError`;
   * if it is aborted, the stream fails at once, with the signal's reason.
   * Cancelling it ends the transfer, and waits for that.
   */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /**
   * Ends the transfer, if it is not over. The handle can be used again only
   * a little later, which `Symbol.asyncDispose` waits for. The stream fails
   * with an `AbortError`, unless it was read to its end.
   */
  [Symbol.dispose](): void;
  /** The same, and waits until the handle can be used again. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A transfer, and the source of the stream that its body is read from. */
class StreamedTransfer extends Transfer
  implements UnderlyingByteSource, Reader {
  readonly type = "bytes";
  readonly autoAllocateChunkSize = CHUNK;
  readonly #opened = Promise.withResolvers<CurlBody>();
  #isOpen = false;
  /** Until the stream is closed. */
  #controller: ReadableByteStreamController | undefined;
  /** What is left to read when the library has no more. */
  #rest: Bytes[] | undefined;
  #outcome: Failure | "success" | undefined;
  #over: PromiseWithResolvers<void> | undefined;

  open(options: AbortOptions | undefined): Promise<CurlBody> {
    try {
      this.begin(Output.stream, options);
    } catch (error) {
      this.#opened.reject(error);
    }
    return this.#opened.promise;
  }

  start(controller: ReadableByteStreamController): void {
    this.#controller = controller;
  }

  get id(): number {
    return this.target.id;
  }

  /** A reader waits that has found nothing. */
  pull(): void {
    if (!this.#serve() && this.#rest === undefined) bring(this);
  }

  /** That of the reader that waits, if one does. */
  room(): Bytes | undefined {
    if (this.#rest !== undefined) return undefined;
    return this.#controller?.byobRequest?.view as Bytes | undefined;
  }

  cancel(reason: unknown): Promise<void> {
    this.abort(reason);
    return this.over();
  }

  /** Ends it, unless all was read. */
  dispose(): Promise<void> {
    if (this.#controller !== undefined) {
      this.abort(new DOMException("The body was disposed of", "AbortError"));
    }
    return this.over();
  }

  /** When the handle can be used again. */
  over(): Promise<void> {
    if (this.#outcome !== undefined) return Promise.resolve();
    this.#over ??= Promise.withResolvers();
    return this.#over.promise;
  }

  override abort(reason: unknown): void {
    this.#rest = [];
    if (this.#outcome === undefined) return super.abort(reason);
    this.#outcome = { cause: reason };
    this.#serve();
  }

  protected override read(): void {
    this.#open(numbers[0]);
    this.#serve();
  }

  protected override receive(): void {
    this.#open(this.#status());
    this.#serve();
    this.#rest = streamRest(this.id);
  }

  protected override succeed(): void {
    this.#conclude("success");
  }

  protected override fail(error: unknown): void {
    if (this.#rest === undefined) {
      this.#serve();
      this.#rest = streamRest(this.id);
    }
    // What has come is worth reading, even if the end came with it.
    if (this.#rest.length > 0) this.#open(this.#status());
    if (!this.#isOpen) this.#opened.reject(error);
    this.#conclude({ cause: error });
  }

  #open(status: number): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#opened.resolve(new Body(this, status));
  }

  /** That of a transfer that is over. */
  #status(): number {
    return getinfoNumber(this.id, RESPONSE_CODE) === 0 ? numbers[0] : 0;
  }

  #conclude(outcome: Failure | "success"): void {
    this.#outcome = outcome;
    this.#serve();
    this.#over?.resolve();
  }

  /** Gives whoever reads what there is, if anything, and the end after that. */
  #serve(): boolean {
    const request = this.#controller?.byobRequest;
    const length = request ? this.#fill(request.view as Bytes) : 0;
    if (length > 0) request?.respond(length);
    if (this.#outcome !== undefined && this.#rest?.length === 0) this.#close();
    return length > 0;
  }

  #fill(room: Bytes): number {
    if (this.#rest === undefined) {
      const length = streamRead(this.id, room);
      // What was read has made room for more.
      if (length < 0) turnSoon();
      return Math.abs(length);
    }
    const [first] = this.#rest;
    if (first === undefined) return 0;
    const piece = first.subarray(0, room.length);
    room.set(piece);
    if (piece.length === first.length) this.#rest.shift();
    else this.#rest[0] = first.subarray(piece.length);
    return piece.length;
  }

  #close(): void {
    const controller = this.#controller;
    // Once: responding may have led here already.
    this.#controller = undefined;
    if (controller === undefined) return;
    if (this.#outcome !== "success") {
      return controller.error(this.#outcome?.cause);
    }
    try {
      controller.close();
      // A reader may wait.
      controller.byobRequest?.respond(0);
    } catch {
      // It reads elements of more bytes than are left: the stream has failed,
      // and says so.
    }
  }
}

class Body implements CurlBody {
  readonly readable: ReadableStream<Bytes>;
  readonly #transfer: StreamedTransfer;

  constructor(transfer: StreamedTransfer, readonly status: number) {
    this.#transfer = transfer;
    this.readable = new ReadableStream(transfer);
  }

  [Symbol.dispose](): void {
    this.#transfer.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#transfer.dispose();
  }
}

/** Starts a transfer, and gives its body once the headers are in. */
export function stream(
  owner: object,
  target: OptionTarget,
  options: AbortOptions | undefined,
): Promise<CurlBody> {
  return new StreamedTransfer(owner, target).open(options);
}
