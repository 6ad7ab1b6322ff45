/**
 * The transfer that a WebSocket is: its frames as streams of messages, and its
 * end.
 *
 * @module
 */

import { Output, Transfer } from "./asynchronous.ts";
import type { Curl } from "./curl.ts";
import { turnAtOnce, turnSoon } from "./engine.ts";
import {
  codedError,
  type Failure,
  startFailure,
  stateError,
} from "./errors.ts";
import * as call from "./ffi/websocket_call.ts";
import { targetOf } from "./options.ts";
import {
  E_GOT_NOTHING,
  E_OPERATION_TIMEDOUT,
  E_RECV_ERROR,
} from "./tables/constants.ts";
import type { AbortOptions } from "./types.ts";
import {
  acceptOf,
  closeInfo,
  closingPayload,
  type CurlWebSocketCloseInfo,
  type CurlWebSocketConnection,
  failurePayload,
  judge,
  Opcode,
} from "./websocket.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type Message = string | Bytes;

/** What the library tells beside opcodes. */
const OPENED = 16;
const VIOLATION = 17;

/** How long a server may take once both sides have said that they close. */
const PARTING = 1000;

/** A byte order mark is part of a text. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** How far it has come. */
const CONNECTING = 0;
/** The server has answered, and the answer is being judged. */
const ANSWERED = 1;
const OPEN = 2;
const OVER = 3;

/** The transfer that a WebSocket is. */
export class SocketTransfer extends Transfer {
  readonly opened = Promise.withResolvers<CurlWebSocketConnection>();
  readonly closed = Promise.withResolvers<Required<CurlWebSocketCloseInfo>>();
  readonly #curl: Curl;
  readonly #protocols: readonly string[];
  readonly #patience: number;
  #accept: Promise<string> | undefined;
  #state: number = CONNECTING;
  /** It is over, but the server's answer is still being judged. */
  #early: Failure | undefined;
  #readable: ReadableStreamDefaultController<Message> | undefined;
  #writable: WritableStreamDefaultController | undefined;
  /** What the library has no more, and nobody has read. */
  #rest: Message[] = [];
  /** What comes after that. */
  #end: Failure | "clean" | undefined;
  /** All that has come by the last turn was read. */
  #isDrained = true;
  /** A write waits until there is room. */
  #room: PromiseWithResolvers<void> | undefined;
  #hasSentClose = false;
  /** What the server's Close frame says. */
  #farewell: Required<CurlWebSocketCloseInfo> | undefined;
  /** Why it fails, though libcurl may be content. */
  #failure: Failure | undefined;
  /** The program wants no more of it. */
  #isAborted = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(curl: Curl, protocols: readonly string[], patience: number) {
    super(curl, targetOf("CurlWebSocket", curl));
    this.#curl = curl;
    this.#protocols = protocols;
    this.#patience = patience;
    // Who waits for neither still hears of it by the streams.
    this.opened.promise.catch(() => {});
    this.closed.promise.catch(() => {});
  }

  /** Starts it. */
  start(key: string, options: AbortOptions): void {
    this.#accept = acceptOf(key);
    try {
      this.begin(Output.socket, options);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Begins to close it. */
  close(payload: Bytes): void {
    if (this.#state !== OPEN) {
      const text = "The WebSocket was closed before it was open";
      this.#isAborted = true;
      return this.abort(stateError(text));
    }
    if (this.#hasSentClose) return;
    this.#sendClose(payload);
    this.#wait(this.#patience);
    this.#serve(false);
  }

  override abort(reason: unknown): void {
    if (this.#state !== OVER) super.abort(reason);
  }

  override handleEvent(): void {
    this.#isAborted = true;
    super.handleEvent();
  }

  /** There is something to read, or room to write. */
  protected override read(): void {
    const state = call.state(this.target.id);
    if (state & call.ROOM) {
      this.#room?.resolve();
      this.#room = undefined;
    }
    this.#serve((state & call.LAST) !== 0);
  }

  protected override receive(): void {}

  protected override succeed(): void {
    const text = "The server has closed the connection without a Close frame";
    this.fail(codedError(E_GOT_NOTHING, text));
  }

  protected override fail(error: unknown): void {
    // The server may have answered and left at once.
    if (this.#state === CONNECTING && !this.#isAborted) this.#serve(false);
    if (this.#state === ANSWERED) this.#early ??= { cause: error };
    else this.#conclude(error);
  }

  /** Reads what there is room for, or all of it. */
  #serve(all: boolean): void {
    while (this.#wants(all)) {
      const what = call.read(this.target.id);
      if (call.madeRoom()) turnSoon();
      this.#isDrained = what === 0;
      switch (what) {
        case 0:
          return;
        case OPENED:
          this.#greet(decoder.decode(call.seen()));
          break;
        case Opcode.text:
          this.#take(() => decoder.decode(call.seen()));
          break;
        case Opcode.binary:
          this.#take(call.taken);
          break;
        case Opcode.close:
          this.#hearClose(call.seen());
          break;
        case VIOLATION:
          this.#refuse(call.number(), decoder.decode(call.seen()));
          break;
      }
    }
  }

  /** Whether the next item may come. */
  #wants(all: boolean): boolean {
    if (this.#state === CONNECTING) return true;
    // Messages wait for the streams.
    if (this.#state === ANSWERED) return false;
    return all || this.#hasSentClose || this.#readable!.desiredSize! > 0;
  }

  /** What nobody waits for once the program has closed is of no use. */
  #take(message: () => Message): void {
    if (this.#readable === undefined) return;
    if (this.#rest.length === 0 && this.#readable.desiredSize! > 0) {
      this.#readable.enqueue(message());
    } else if (!this.#hasSentClose) this.#rest.push(message());
  }

  /** A reader has read what was in the stream. */
  #pull(): void {
    while (this.#rest.length > 0 && this.#readable!.desiredSize! > 0) {
      this.#readable!.enqueue(this.#rest.shift()!);
    }
    if (this.#end !== undefined) this.#finish(this.#end);
    else this.#serve(false);
  }

  /** The messages end like that. */
  #finish(end: Failure | "clean"): void {
    const readable = this.#readable;
    this.#end = end;
    if (readable === undefined || this.#rest.length > 0) return;
    if (end === "clean") readable.close();
    // What is in the stream would be lost.
    else if (readable.desiredSize! > 0) readable.error(end.cause);
    else return;
    this.#readable = undefined;
  }

  /** The server has answered: if as it should, this is open. */
  async #greet(response: string): Promise<void> {
    this.#state = ANSWERED;
    const answer = judge(response, await this.#accept!, this.#protocols);
    if (typeof answer === "string") {
      const text = `The server has answered, but no WebSocket's way: ${answer}`;
      this.#state = CONNECTING;
      this.#isAborted = true;
      this.#failure = { cause: codedError(E_RECV_ERROR, text) };
      if (this.#early !== undefined) this.#conclude(this.#early.cause);
      else this.abort(this.#failure.cause);
      return;
    }
    if (this.#isAborted) {
      this.#state = CONNECTING;
      if (this.#early !== undefined) this.#conclude(this.#early.cause);
      return;
    }
    this.#state = OPEN;
    this.opened.resolve({ ...answer, ...this.#streams() });
    if (this.#early !== undefined) this.#conclude(this.#early.cause);
    else this.read();
  }

  #streams(): Pick<CurlWebSocketConnection, "readable" | "writable"> {
    const readable = new ReadableStream<Message>({
      start: (controller) => {
        this.#readable = controller;
      },
      pull: () => this.#pull(),
      cancel: (reason) => {
        this.#readable = undefined;
        this.#rest = [];
        this.#closeFor(reason);
      },
    });
    const writable = new WritableStream<string | BufferSource>({
      start: (controller) => {
        this.#writable = controller;
      },
      write: (message) => this.#write(message),
      close: () => {
        this.#writable = undefined;
        this.close(closingPayload({}));
        return this.closed.promise.then(() => {});
      },
      abort: (reason) => {
        this.#writable = undefined;
        this.#closeFor(reason);
      },
    });
    return { readable, writable };
  }

  /** With the code and reason that are named, if they are. */
  #closeFor(reason: unknown): void {
    if (this.#state !== OPEN) return;
    let payload = closingPayload({});
    try {
      payload = closingPayload((reason ?? {}) as CurlWebSocketCloseInfo);
    } catch {
      // They are no code and reason to be sent.
    }
    this.close(payload);
  }

  #write(message: unknown): Promise<void> | undefined {
    const isText = typeof message === "string";
    const data = isText ? message : bytesOf(message);
    if (this.#hasSentClose) throw stateError("The WebSocket is closing");
    const opcode = isText ? Opcode.text : Opcode.binary;
    const status = call.send(this.target.id, opcode, data);
    if (status < 0) throw startFailure(status);
    // The answers to all that has come go together.
    if (this.#isDrained) turnAtOnce();
    else turnSoon();
    if (status === 0) return undefined;
    this.#room = Promise.withResolvers();
    return this.#room.promise;
  }

  #sendClose(payload: Bytes): void {
    if (this.#hasSentClose) return;
    this.#hasSentClose = true;
    call.send(this.target.id, Opcode.close, payload);
    turnSoon();
  }

  /** The server has so many milliseconds to go on or leave. */
  #wait(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const text = "The server has not answered the Close frame in time";
      this.abort(codedError(E_OPERATION_TIMEDOUT, text));
    }, milliseconds);
  }

  /** The server's Close frame, behind which nothing counts. */
  #hearClose(payload: Bytes): void {
    this.#farewell = closeInfo(payload);
    // It is told its own code.
    this.#sendClose(payload.slice(0, 2));
    if (this.#state === OVER) return;
    this.#wait(PARTING);
    this.#finish("clean");
    this.#refuseWrites(stateError("The WebSocket is closed"));
  }

  /** The server has done what it may not. */
  #refuse(code: number, text: string): void {
    this.#failure ??= {
      cause: codedError(E_RECV_ERROR, `The server breaks the rules: ${text}`),
    };
    this.#sendClose(failurePayload(code, text));
    if (this.#state !== OVER) this.#wait(PARTING);
  }

  #refuseWrites(error: unknown): void {
    this.#writable?.error(error);
    this.#writable = undefined;
    this.#room?.reject(error);
    this.#room = undefined;
  }

  /** libcurl is done with it. */
  #conclude(error: unknown): void {
    const wasOpen = this.#state === OPEN;
    this.#state = OVER;
    clearTimeout(this.#timer);
    if (this.#isAborted) this.#rest = [];
    else if (wasOpen) this.#serve(true);
    let cause = error;
    try {
      this.#curl.close();
    } catch (thrown) {
      this.#failure ??= { cause: thrown };
    }
    if (this.#failure !== undefined) cause = this.#failure.cause;
    else if (this.#farewell !== undefined) {
      this.#finish("clean");
      this.#refuseWrites(stateError("The WebSocket is closed"));
      this.closed.resolve(this.#farewell);
      return;
    }
    this.opened.reject(cause);
    this.closed.reject(cause);
    this.#finish({ cause });
    this.#refuseWrites(cause);
  }
}

/** The bytes of a message, whatever they are seen as. */
function bytesOf(message: unknown): Bytes {
  if (ArrayBuffer.isView(message)) {
    const { buffer, byteOffset, byteLength } = message;
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    // Another thread may write to it, or the buffer may shrink.
    return buffer instanceof ArrayBuffer && !buffer.resizable
      ? bytes as Bytes
      : new Uint8Array(bytes);
  }
  if (message instanceof ArrayBuffer) return new Uint8Array(message.slice(0));
  const given = message === null ? "null" : typeof message;
  throw new TypeError(
    `A message is a string, an ArrayBuffer or a view of one, not ${given}`,
  );
}
