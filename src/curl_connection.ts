/**
 * What a Curl can do with the connection that it keeps: raw bytes, and
 * WebSocket frames.
 *
 * @module
 */

import { frameOfHandle } from "./callbacks.ts";
import { startFailure, stateError } from "./errors.ts";
import { numbers } from "./ffi/buffers.ts";
import * as call from "./ffi/connection_call.ts";
import { WS_CLOSE } from "./tables/constants.ts";
import {
  checkFlags,
  checkFragsize,
  closePayload,
  flagsFor,
  frameOf,
  type WsFrame,
} from "./websocket.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Room for what comes; it is copied out at once. */
const room = new Uint8Array(64 * 1024);
/** More than that is never there at once. */
const MOST = 16 * 1024 * 1024;

const encoder = new TextEncoder();

/**
 * The part of a {@linkcode Curl} that needs a connection of its own: with
 * CONNECT_ONLY, `performSync()` only connects, and the rest is the program's.
 *
 * Nothing here waits. Where libcurl would have to, a `CurlError` with the code
 * `E_AGAIN` is thrown: the socket that ACTIVESOCKET tells is not ready. Two
 * Workers may send and receive at once: one call waits for the other to return.
 * DEBUGFUNCTION does not hear of these calls.
 *
 * @see {@link https://curl.se/libcurl/c/CURLOPT_CONNECT_ONLY.html}
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const c: curl.CurlConnection = new curl.Curl();
 * console.log(c.closed); // false
 * ```
 */
export abstract class CurlConnection {
  /**
   * The number to post to other Workers.
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * const c: curl.CurlConnection = new curl.Curl();
   * console.log(Number.isInteger(c.handle)); // true
   * ```
   */
  abstract get handle(): number;

  /**
   * Whether it was closed.
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * const c: curl.CurlConnection = new curl.Curl();
   * console.log(c.closed); // false
   * ```
   */
  abstract get closed(): boolean;

  /**
   * Sends bytes on the connection that CONNECT_ONLY has made.
   *
   * @param data what to send
   * @returns how many bytes were sent; the rest has to be sent again
   * @throws {TypeError} if it is not a Uint8Array
   * @throws {CurlError} with `E_AGAIN` if the socket takes nothing now, or with
   * libcurl's code if there is no such connection or it fails; without a code
   * if the object is closed or a transfer is running
   *
   * @see {@link https://curl.se/libcurl/c/curl_easy_send.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
   * using c = new curl.Curl();
   * c.setopt(curl.URL, `http://127.0.0.1:${listener.addr.port}`);
   * c.setopt(curl.CONNECT_ONLY, 1);
   * c.performSync();
   * console.log(c.send(new TextEncoder().encode("hello"))); // 5
   * listener.close();
   * ```
   */
  send(data: Uint8Array): number {
    return counted(call.send(this.handle, plain("send", data)));
  }

  /**
   * Receives what has come on the connection that CONNECT_ONLY has made.
   *
   * @param buffersize how many bytes at most
   * @returns the bytes; none if the peer has closed the connection
   * @throws {TypeError} if the size is not a whole number
   * @throws {RangeError} if it is less than 0
   * @throws {CurlError} with `E_AGAIN` if nothing has come, else as
   * {@linkcode CurlConnection.send} does
   *
   * @see {@link https://curl.se/libcurl/c/curl_easy_recv.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
   * using c = new curl.Curl();
   * c.setopt(curl.URL, `http://127.0.0.1:${listener.addr.port}`);
   * c.setopt(curl.CONNECT_ONLY, 1);
   * c.performSync();
   * try {
   *   c.recv(1024);
   * } catch (error) {
   *   console.log((error as curl.CurlError).code === curl.E_AGAIN); // true
   * }
   * listener.close();
   * ```
   */
  recv(buffersize: number): Uint8Array<ArrayBuffer> {
    const into = roomFor("recv", buffersize);
    return into.slice(0, counted(call.recv(this.handle, false, into)));
  }

  /**
   * As {@linkcode CurlConnection.recv}, into memory of one's own.
   *
   * @param buffer where the bytes go
   * @param nbytes how many at most; 0 for as many as fit
   * @returns how many have come; 0 if the peer has closed the connection
   * @throws {TypeError} if the buffer is not a Uint8Array, or the number no
   * whole one
   * @throws {RangeError} if the number is less than 0, or more than fit
   * @throws {CurlError} as {@linkcode CurlConnection.recv} does
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * console.log(c.recvInto(new Uint8Array(0))); // 0
   * ```
   */
  recvInto(buffer: Uint8Array, nbytes = 0): number {
    return filled(
      "recvInto",
      buffer,
      nbytes,
      (into) => call.recv(this.handle, true, into),
    );
  }

  /**
   * Sends a WebSocket frame: on the connection that CONNECT_ONLY = 2 has made,
   * or inside WRITEFUNCTION in answer to what it is called for. There libcurl
   * sends all of it before this returns, however long the server takes.
   *
   * @param data a string for a text, a Uint8Array for a binary message
   * @param flags the frame's type, a sum of `WS_*`; if it is left out, `WS_TEXT`
   * or `WS_BINARY` after the data
   * @param fragsize with `WS_OFFSET`, the size of the frame that this call and
   * those that follow send in parts
   * @returns how many bytes were taken; for the rest, call again with the rest
   * @throws {TypeError} if the data is neither, or a string that the flags allow
   * none for
   * @throws {RangeError} if the flags contradict each other, or a number is less
   * than 0
   * @throws {CurlError} with `E_AGAIN` if the socket takes nothing now, or with
   * libcurl's code if there is no WebSocket or it fails; without a code if the
   * object is closed, or a transfer is running and this is not its
   * WRITEFUNCTION
   *
   * @see {@link https://curl.se/libcurl/c/curl_ws_send.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * c.setopt(curl.WRITEFUNCTION, (data) => {
   *   if (c.wsMeta()?.flags === curl.WS_TEXT) c.wsSend(data, curl.WS_TEXT);
   * });
   * ```
   */
  wsSend(data: string | Uint8Array, flags?: number, fragsize = 0): number {
    checkFragsize(fragsize);
    if (flags !== undefined) checkFlags(flags);
    const isText = typeof data === "string";
    const bytes = isText ? encoded(data) : plain("wsSend", data);
    const type = flagsFor(isText, flags);
    return counted(call.wsSend(this.handle, false, bytes, type, fragsize));
  }

  /**
   * Receives what has come of a WebSocket frame, on the connection that
   * CONNECT_ONLY = 2 has made. Fragments are not put together, and a Close frame
   * is not answered; a ping is, but from libcurl 8.21 on only when something is
   * sent the next time.
   *
   * @param buffersize how many bytes at most; 0 tells what frame has come and
   * leaves its bytes, if it has any
   * @returns the bytes, and what frame they are of
   * @throws {TypeError} if the size is not a whole number
   * @throws {RangeError} if it is less than 0
   * @throws {CurlError} with `E_AGAIN` if nothing has come, `E_GOT_NOTHING` if
   * the server has closed the connection, else as
   * {@linkcode CurlConnection.send} does
   *
   * @see {@link https://curl.se/libcurl/c/curl_ws_recv.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * // What has come, or null if nothing has.
   * function receive(c: curl.Curl): Uint8Array | null {
   *   try {
   *     const [data] = c.wsRecv(65536);
   *     return data;
   *   } catch (error) {
   *     if ((error as curl.CurlError).code === curl.E_AGAIN) return null;
   *     throw error;
   *   }
   * }
   * using c = new curl.Curl();
   * c.setopt(curl.URL, "wss://example.com/");
   * c.setopt(curl.CONNECT_ONLY, 2);
   * // c.performSync();
   * // receive(c);
   * ```
   */
  wsRecv(
    buffersize: number,
  ): [data: Uint8Array<ArrayBuffer>, frame: WsFrame | null] {
    const into = roomFor("wsRecv", buffersize);
    const count = counted(call.wsRecv(this.handle, false, into));
    return [into.slice(0, count), receivedFrame()];
  }

  /**
   * As {@linkcode CurlConnection.wsRecv}, into memory of one's own.
   *
   * @param buffer where the bytes go
   * @param nbytes how many at most; 0 for as many as fit
   * @returns how many have come, and what frame they are of
   * @throws {TypeError} if the buffer is not a Uint8Array, or the number no
   * whole one
   * @throws {RangeError} if the number is less than 0, or more than fit
   * @throws {CurlError} as {@linkcode CurlConnection.wsRecv} does
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * const buffer = new Uint8Array(65536);
   * function receive(c: curl.Curl): Uint8Array {
   *   const [count] = c.wsRecvInto(buffer);
   *   return buffer.subarray(0, count);
   * }
   * using c = new curl.Curl();
   * c.setopt(curl.URL, "wss://example.com/");
   * c.setopt(curl.CONNECT_ONLY, 2);
   * // c.performSync();
   * // receive(c);
   * ```
   */
  wsRecvInto(
    buffer: Uint8Array,
    nbytes = 0,
  ): [count: number, frame: WsFrame | null] {
    const count = filled(
      "wsRecvInto",
      buffer,
      nbytes,
      (into) => call.wsRecv(this.handle, true, into),
    );
    return [count, receivedFrame()];
  }

  /**
   * What frame the piece is of that WRITEFUNCTION is called for. Also after an
   * `await` in it.
   *
   * @returns the frame; null outside WRITEFUNCTION, with `WS_RAW_MODE`, or if
   * this is no WebSocket
   * @throws {CurlError} if the object is closed
   *
   * @see {@link https://curl.se/libcurl/c/curl_ws_meta.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * console.log(c.wsMeta()); // null
   * ```
   */
  wsMeta(): WsFrame | null {
    if (this.closed) {
      throw stateError("cannot invoke wsMeta() - no curl handle");
    }
    return frameOfHandle(this.handle);
  }

  /**
   * Sends a WebSocket's Close frame, wherever {@linkcode CurlConnection.wsSend}
   * may send. The server's answer is for the program to receive.
   *
   * @param code why: 1000 to 1003, 1007 to 1014, or 3000 to 4999
   * @param reason the same in words, or their UTF-8
   * @returns how many bytes were taken: the code has two
   * @throws {TypeError} if an argument is of another type, or the reason not
   * UTF-8
   * @throws {RangeError} if the code is none of these, or the reason longer than
   * 123 bytes, or without a code
   * @throws {CurlError} as {@linkcode CurlConnection.wsSend} does
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * c.setopt(curl.WRITEFUNCTION, () => {
   *   c.wsClose(1000, "enough");
   * });
   * ```
   */
  wsClose(code?: number, reason?: string | Uint8Array): number {
    const payload = closePayload(code, reason);
    return counted(call.wsSend(this.handle, true, payload, WS_CLOSE, 0));
  }
}

function counted(count: number): number {
  if (count < 0) throw startFailure(count);
  return count;
}

function receivedFrame(): WsFrame | null {
  return numbers[5] === 0 ? null : frameOf(numbers);
}

function encoded(data: string): Bytes {
  if (!data.isWellFormed()) {
    throw new TypeError(
      "wsSend: the string holds a lone surrogate, which has no UTF-8",
    );
  }
  return encoder.encode(data);
}

function isPlain(bytes: Uint8Array): bytes is Bytes {
  const { buffer } = bytes;
  return buffer instanceof ArrayBuffer && !buffer.resizable;
}

/** A copy where other threads may write, or the buffer may shrink. */
function plain(method: string, data: unknown): Bytes {
  const bytes = checked(method, data, "data");
  return isPlain(bytes) ? bytes : new Uint8Array(bytes);
}

function checked(method: string, value: unknown, what: string): Uint8Array {
  if (!(value instanceof Uint8Array)) {
    const wanted = method === "wsSend"
      ? "a string or a Uint8Array"
      : "a Uint8Array";
    const given = value === null ? "null" : typeof value;
    throw new TypeError(`${method}: ${what} must be ${wanted}, not ${given}`);
  }
  if (value.buffer instanceof ArrayBuffer && value.buffer.detached) {
    throw new TypeError(`${method}: ${what} is detached`);
  }
  return value;
}

function checkSize(method: string, size: number): void {
  if (!Number.isSafeInteger(size)) {
    throw new TypeError(
      `${method}: the number of bytes must be whole, not ${size}`,
    );
  }
  if (size < 0) throw new RangeError(`negative buffersize in ${method}`);
}

function roomFor(method: string, size: number): Bytes {
  checkSize(method, size);
  return size <= room.length
    ? room.subarray(0, size)
    : new Uint8Array(Math.min(size, MOST));
}

/** Has a buffer filled by `receive`, which takes one that nobody else has. */
function filled(
  method: string,
  buffer: Uint8Array,
  nbytes: number,
  receive: (into: Bytes) => number,
): number {
  const whole = checked(method, buffer, "buffer");
  checkSize(method, nbytes);
  if (nbytes > whole.length) {
    throw new RangeError("buffer too small for requested bytes");
  }
  const wanted = nbytes === 0 ? whole : whole.subarray(0, nbytes);
  if (isPlain(wanted)) return counted(receive(wanted));
  const into = roomFor(method, wanted.length);
  const count = counted(receive(into));
  wanted.set(into.subarray(0, count));
  return count;
}
