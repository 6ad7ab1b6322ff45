/**
 * WebSockets as streams of whole messages.
 *
 * @module
 */

import { Output, Transfer } from "./asynchronous.ts";
import { Curl, targetOf } from "./curl.ts";
import { CurlShare } from "./curl_share.ts";
import { turnSoon } from "./engine.ts";
import {
  check,
  codedError,
  type Failure,
  startFailure,
  stateError,
} from "./errors.ts";
import * as call from "./ffi/websocket_call.ts";
import {
  CONNECT_ONLY,
  E_GOT_NOTHING,
  E_OPERATION_TIMEDOUT,
  E_RECV_ERROR,
  SHARE,
  UPLOAD,
  URL as URL_OPTION,
  WS_OPTIONS,
  WS_RAW_MODE,
} from "./tables/constants.ts";
import type { AbortOptions } from "./types.ts";
import {
  acceptOf,
  checkProtocols,
  closeInfo,
  closingPayload,
  type CurlWebSocketCloseInfo,
  failurePayload,
  judge,
  newKey,
  Opcode,
} from "./websocket.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type Message = string | Bytes;

/** What the library tells beside opcodes. */
const OPENED = 16;
const VIOLATION = 17;

/** How long a server may take to close, in milliseconds. */
const PATIENCE = 10_000;
/** The same once both sides have said that they close. */
const PARTING = 1000;

const encoder = new TextEncoder();
/** A byte order mark is part of a text. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Settings of a {@linkcode CurlWebSocket}.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * await using server = Deno.serve(
 *   { port: 0, onListen() {} },
 *   (request) => Deno.upgradeWebSocket(request).response,
 * );
 * const url = `ws://localhost:${server.addr.port}/`;
 * using c = new curl.Curl();
 * c.setopt(curl.COOKIE, "name=me");
 * const options: curl.CurlWebSocketOptions = {
 *   curl: c,
 *   headers: ["Origin: https://example.com"],
 *   signal: AbortSignal.timeout(10_000),
 * };
 * await using ws = new curl.CurlWebSocket(url, options);
 * await ws.opened;
 * ```
 */
export interface CurlWebSocketOptions extends AbortOptions {
  /** Subprotocols to choose from, the best first. */
  protocols?: string | Iterable<string>;
  /** Lines to put behind those of HTTPHEADER, such as `Origin: …`. */
  headers?: Iterable<string>;
  /**
   * A Curl whose options, callbacks and share are used: proxies, cookies,
   * authentication, certificates, timeouts and so on. It is copied, and may be
   * used for any number of WebSockets.
   */
  curl?: Curl;
  /**
   * How many milliseconds the server may take to answer a Close frame; 10 000
   * if it is left out. After that the connection is closed without it.
   */
  closingTimeout?: number;
}

/**
 * What an open {@linkcode CurlWebSocket} has.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * await using server = Deno.serve(
 *   { port: 0, onListen() {} },
 *   (request) => Deno.upgradeWebSocket(request).response,
 * );
 * const url = `ws://localhost:${server.addr.port}/`;
 * await using ws = new curl.CurlWebSocket(url);
 * const connection: curl.CurlWebSocketConnection = await ws.opened;
 * await connection.writable.getWriter().write("hello");
 * ```
 */
export interface CurlWebSocketConnection {
  /**
   * The messages: strings are texts, arrays are binary. What nobody reads stays
   * with the server, but for some 256 KiB. Cancelling it closes the WebSocket.
   */
  readonly readable: ReadableStream<string | Uint8Array<ArrayBuffer>>;
  /**
   * Takes messages: strings for texts, bytes for binary ones. A write is done
   * when the message is on its way, but for some 256 KiB. Closing it closes the
   * WebSocket.
   */
  readonly writable: WritableStream<string | BufferSource>;
  /** The subprotocol that the server has chosen, or an empty string. */
  readonly protocol: string;
  /** Always empty: no extension is offered. */
  readonly extensions: string;
}

/** How far it has come. */
const CONNECTING = 0;
/** The server has answered, and the answer is being judged. */
const ANSWERED = 1;
const OPEN = 2;
const OVER = 3;

/** The transfer that a WebSocket is. */
class SocketTransfer extends Transfer {
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
    super(curl, targetOf(curl));
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
    const bytes = isText ? encoder.encode(message) : bytesOf(message);
    if (this.#hasSentClose) throw stateError("The WebSocket is closing");
    const opcode = isText ? Opcode.text : Opcode.binary;
    const status = call.send(this.target.id, opcode, bytes);
    if (status < 0) throw startFailure(status);
    turnSoon();
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

/**
 * A WebSocket by libcurl, in the shape of the web's `WebSocketStream`: whole
 * messages come and go by two streams, as fast as whoever is slower. Pings are
 * answered, whether anything else is sent or not, and Close frames are. Texts
 * are checked to be UTF-8.
 *
 * It runs beside the isolate's other transfers, without a thread of its own, and
 * the program does not end before it is closed. How to get to the server is what
 * a `Curl` says.
 *
 * @see {@link https://developer.mozilla.org/docs/Web/API/WebSocketStream}
 * @see {@link https://curl.se/libcurl/c/libcurl-ws.html}
 *
 * @example
 * ```ts
 * import { CurlWebSocket } from "@denocurl/curl";
 *
 * await using server = Deno.serve({ port: 0, onListen() {} }, (request) => {
 *   const { socket, response } = Deno.upgradeWebSocket(request);
 *   socket.onmessage = ({ data }) => socket.send(data);
 *   return response;
 * });
 * await using ws = new CurlWebSocket(`ws://localhost:${server.addr.port}/`);
 * const { readable, writable } = await ws.opened;
 * const writer = writable.getWriter();
 * await writer.write("hello");
 * for await (const message of readable) {
 *   console.log(message); // hello
 *   ws.close({ closeCode: 1000, reason: "enough" });
 * }
 * console.log(await ws.closed); // { closeCode: 1000, reason: "enough" }
 * ```
 */
export class CurlWebSocket implements AsyncDisposable {
  readonly #transfer: SocketTransfer;
  readonly #url: string;

  /**
   * Begins to open a WebSocket.
   *
   * @param url `ws:` or `wss:`; `http:` and `https:` stand for these
   * @param options subprotocols, headers, a signal, and a Curl with settings
   * @throws {TypeError} if the URL is none of these, or an option is of another
   * type, or a subprotocol can't be one or is named twice
   * @throws {RangeError} if the timeout is less than 0
   * @throws {CurlError} if the Curl is closed, or a transfer is running on it
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * await using server = Deno.serve(
   *   { port: 0, onListen() {} },
   *   (request) => Deno.upgradeWebSocket(request).response,
   * );
   * const url = `ws://localhost:${server.addr.port}/`;
   * await using ws = new curl.CurlWebSocket(url, { closingTimeout: 1000 });
   * await ws.opened;
   * ```
   */
  constructor(url: string | URL, options: CurlWebSocketOptions = {}) {
    const { protocols = [], headers = [], curl, closingTimeout } = options;
    this.#url = checkUrl(url);
    const offered = checkProtocols(protocols);
    const patience = checkTimeout(closingTimeout);
    if (curl !== undefined && !(curl instanceof Curl)) {
      throw new TypeError("curl must be a Curl");
    }
    const key = newKey();
    const own = curl?.duphandle() ?? new Curl();
    try {
      own.setopt(URL_OPTION, this.#url);
      own.setopt(CONNECT_ONLY, 0);
      own.setopt(UPLOAD, true);
      own.setopt(WS_OPTIONS, WS_RAW_MODE);
      addHeaders(own, headers, key, offered);
      const share = curl?.share() ?? null;
      if (share instanceof CurlShare) own.setopt(SHARE, share);
    } catch (error) {
      own.close();
      throw error;
    }
    this.#transfer = new SocketTransfer(own, offered, patience);
    this.#transfer.start(key, options);
  }

  /**
   * Where it goes to.
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * await using server = Deno.serve(
   *   { port: 0, onListen() {} },
   *   (request) => Deno.upgradeWebSocket(request).response,
   * );
   * const url = `ws://localhost:${server.addr.port}/`;
   * await using ws = new curl.CurlWebSocket(url);
   * console.log(ws.url === url); // true
   * await ws.opened;
   * ```
   */
  get url(): string {
    return this.#url;
  }

  /**
   * Resolves when it is open; rejects with a `CurlError` if it can't be, or with
   * the signal's reason.
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * await using server = Deno.serve(
   *   { port: 0, onListen() {} },
   *   (request) => Deno.upgradeWebSocket(request).response,
   * );
   * const url = `ws://localhost:${server.addr.port}/`;
   * await using ws = new curl.CurlWebSocket(url);
   * const { protocol } = await ws.opened;
   * console.log(protocol === ""); // true
   * ```
   */
  get opened(): Promise<CurlWebSocketConnection> {
    return this.#transfer.opened.promise;
  }

  /**
   * Resolves with the server's code and reason when both sides have said that
   * they close, and the connection is gone. Rejects with a `CurlError` if it was
   * cut, or the server broke the rules, or with the signal's reason.
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * await using server = Deno.serve(
   *   { port: 0, onListen() {} },
   *   (request) => Deno.upgradeWebSocket(request).response,
   * );
   * const url = `ws://localhost:${server.addr.port}/`;
   * await using ws = new curl.CurlWebSocket(url);
   * await ws.opened;
   * ws.close({ closeCode: 1000 });
   * console.log((await ws.closed).closeCode); // 1000
   * ```
   */
  get closed(): Promise<Required<CurlWebSocketCloseInfo>> {
    return this.#transfer.closed.promise;
  }

  /**
   * Begins to close it: nothing can be written any more, what was is still sent,
   * and the server is told. What it sends meanwhile is passed on to a reader
   * that waits, and dropped if there is none. Before it is open, there will be
   * no connection. Closing twice does nothing.
   *
   * @param info `closeCode`: 1000 or from 3000 to 4999; `reason`: at most 123
   * bytes of UTF-8
   * @throws {RangeError} if the code or the reason is not so
   *
   * @example
   * ```ts
   * import { CurlWebSocket } from "@denocurl/curl";
   *
   * const ws = new CurlWebSocket("ws://localhost:1/");
   * ws.close();
   * await ws.closed.catch((error) => console.log(error.message));
   * ```
   */
  close(info: CurlWebSocketCloseInfo = {}): void {
    this.#transfer.close(closingPayload(info));
  }

  /**
   * Closes it, and waits until it is closed, however that ends.
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * await using server = Deno.serve(
   *   { port: 0, onListen() {} },
   *   (request) => Deno.upgradeWebSocket(request).response,
   * );
   * {
   *   const url = `ws://localhost:${server.addr.port}/`;
   *   await using ws = new curl.CurlWebSocket(url);
   *   await ws.opened;
   * } // It is closed here.
   * ```
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.closed.catch(() => {});
  }
}

function checkUrl(url: string | URL): string {
  const parsed = new URL(url);
  if (parsed.protocol === "http:") parsed.protocol = "ws:";
  if (parsed.protocol === "https:") parsed.protocol = "wss:";
  if (parsed.protocol !== "ws:" && parsed.protocol !== "wss:") {
    throw new TypeError(
      `The URL of a WebSocket begins with ws: or wss:, not ${parsed.protocol}`,
    );
  }
  if (parsed.hash !== "" || parsed.href.endsWith("#")) {
    throw new TypeError("The URL of a WebSocket has no fragment");
  }
  return parsed.href;
}

function checkTimeout(timeout: unknown): number {
  if (timeout === undefined) return PATIENCE;
  if (typeof timeout !== "number" || Number.isNaN(timeout)) {
    throw new TypeError("closingTimeout must be a number of milliseconds");
  }
  if (timeout < 0) throw new RangeError("closingTimeout must be 0 or more");
  return timeout;
}

/** Those that were asked for, and those of the handshake. */
function addHeaders(
  { handle }: Curl,
  headers: Iterable<string>,
  key: string,
  protocols: readonly string[],
): void {
  const lines = typeof headers === "string" ? [headers] : [...headers];
  for (const line of lines) {
    if (typeof line !== "string" || /[\0\r\n]/.test(line)) {
      throw new TypeError("headers must be lines, without line breaks or NUL");
    }
  }
  lines.push(`Sec-WebSocket-Key: ${key}`);
  if (protocols.length > 0) {
    lines.push(`Sec-WebSocket-Protocol: ${protocols.join(", ")}`);
  }
  const text = lines.map((line) => `${line}\0`).join("");
  check(call.addHeaders(handle, encoder.encode(text)));
}
