/**
 * WebSockets as streams of whole messages.
 *
 * @module
 */

import { Curl } from "./curl.ts";
import { CurlShare } from "./curl_share.ts";
import { check } from "./errors.ts";
import * as call from "./ffi/websocket_call.ts";
import { SocketTransfer } from "./socket_transfer.ts";
import {
  CONNECT_ONLY,
  SHARE,
  UPLOAD,
  URL as URL_OPTION,
  WS_OPTIONS,
  WS_RAW_MODE,
} from "./tables/constants.ts";
import type { AbortOptions } from "./types.ts";
import {
  checkProtocols,
  closingPayload,
  type CurlWebSocketCloseInfo,
  type CurlWebSocketConnection,
  newKey,
} from "./websocket.ts";

/** How long a server may take to close, in milliseconds. */
const PATIENCE = 10_000;

const encoder = new TextEncoder();

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
