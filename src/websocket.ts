/**
 * The rules of WebSocket (RFC 6455) and of PycURL's calls for it: flags, close
 * codes, frames. No native call is made here.
 *
 * @module
 */

import {
  WS_BINARY,
  WS_CLOSE,
  WS_CONT,
  WS_PING,
  WS_PONG,
  WS_TEXT,
} from "./tables/constants.ts";

/**
 * What libcurl tells of a frame, or of a part of one.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * using c = new curl.Curl();
 * c.setopt(curl.WRITEFUNCTION, (data) => {
 *   const frame: curl.WsFrame | null = c.wsMeta();
 *   if (frame !== null) console.log(frame.flags & curl.WS_TEXT, data.length);
 * });
 * ```
 */
export interface WsFrame {
  /** Always 0; libcurl keeps it for later. */
  readonly age: number;
  /** `WS_*` bits: the frame's type, and `WS_CONT` if others follow it. */
  readonly flags: number;
  /** Where in the frame's payload this part begins, in bytes. */
  readonly offset: number;
  /** How many bytes of the payload are still to come. */
  readonly bytesleft: number;
  /** How many bytes this part has. */
  readonly len: number;
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

/**
 * How a WebSocket is, or was, closed.
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
 * const info: curl.CurlWebSocketCloseInfo = { closeCode: 4000, reason: "bye" };
 * await using ws = new curl.CurlWebSocket(url);
 * await ws.opened;
 * ws.close(info);
 * ```
 */
export interface CurlWebSocketCloseInfo {
  /**
   * The code, such as 1000 for "normal closure". 1005 stands for a Close frame
   * without any.
   */
  closeCode?: number;
  /** Why, in at most 123 bytes of UTF-8. */
  reason?: string;
}

/** The opcodes of whole messages and control frames. */
export const Opcode = { text: 1, binary: 2, close: 8 } as const;

/** Stands for a Close frame that has no code. */
export const NO_STATUS = 1005;

/** The payload of a control frame, and the part of it that is the code. */
const LONGEST_CONTROL = 125;
const CODE = 2;

const CONTROL = WS_PING | WS_PONG | WS_CLOSE;
const UINT_MAX = 2 ** 32 - 1;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A frame from libcurl's numbers, in the order of its struct. */
export function frameOf(numbers: ArrayLike<number>): WsFrame {
  return {
    age: numbers[0],
    flags: numbers[1],
    offset: numbers[2],
    bytesleft: numbers[3],
    len: numbers[4],
  };
}

/** Flags that PycURL takes, or it throws what PycURL says. */
export function checkFlags(flags: number): void {
  if (!Number.isSafeInteger(flags)) {
    throw new TypeError(`flags must be a sum of WS_*, not ${flags}`);
  }
  if (flags < 0) throw new RangeError("flags must be non-negative");
  if (flags > UINT_MAX) throw new RangeError("flags out of range for wsSend");
  if (flags & WS_TEXT && flags & WS_BINARY) {
    throw new RangeError("wsSend: cannot set both WS_TEXT and WS_BINARY");
  }
  const control = flags & CONTROL;
  if (control && flags & WS_CONT) {
    throw new RangeError(
      "wsSend: control frames cannot be fragmented " +
        "(WS_CONT forbidden with WS_PING/WS_PONG/WS_CLOSE)",
    );
  }
  if (control & (control - 1)) {
    throw new RangeError(
      "wsSend: only one of WS_PING / WS_PONG / WS_CLOSE may be set",
    );
  }
}

/** The size of a frame that is sent in parts. */
export function checkFragsize(fragsize: number): void {
  if (!Number.isSafeInteger(fragsize)) {
    throw new TypeError(`fragsize must be a whole number, not ${fragsize}`);
  }
  if (fragsize < 0) throw new RangeError("negative fragsize in wsSend");
}

/** The flags for data whose sender has named none, or those named. */
export function flagsFor(isText: boolean, flags: number | undefined): number {
  if (flags === undefined) return isText ? WS_TEXT : WS_BINARY;
  if (isText && flags & WS_BINARY) {
    throw new TypeError(
      "wsSend: a string is incompatible with WS_BINARY; " +
        "pass a Uint8Array for binary frames",
    );
  }
  if (isText && flags & WS_CLOSE) {
    throw new TypeError(
      "wsSend: a string is incompatible with WS_CLOSE; " +
        "use wsClose() or pass a Uint8Array",
    );
  }
  return flags;
}

/** Whether a Close frame may have this code. */
export function isCloseCode(code: number): boolean {
  return Number.isInteger(code) &&
    (code >= 1000 && code <= 1003 || code >= 1007 && code <= 1014 ||
      code >= 3000 && code <= 4999);
}

/** The payload of PycURL's Close frame, or it throws what PycURL says. */
export function closePayload(
  code: number | undefined,
  reason: string | Uint8Array | undefined,
): Uint8Array<ArrayBuffer> {
  if (code !== undefined && typeof code !== "number") {
    throw new TypeError(`wsClose: code must be a number, not ${typeof code}`);
  }
  if (code !== undefined && !isCloseCode(code)) {
    throw new RangeError(
      "wsClose: code must be a valid wire close status code",
    );
  }
  if (reason !== undefined && code === undefined) {
    throw new RangeError("wsClose: reason requires code (RFC 6455 §5.5.1)");
  }
  const bytes = reason === undefined ? new Uint8Array() : reasonBytes(reason);
  const length = code === undefined ? 0 : CODE + bytes.length;
  if (length > LONGEST_CONTROL) {
    throw new RangeError(
      `wsClose: payload too large (${length} bytes, max 125 including ` +
        "2-byte status code)",
    );
  }
  return code === undefined ? bytes : joined(code, bytes);
}

function reasonBytes(reason: string | Uint8Array): Uint8Array<ArrayBuffer> {
  if (typeof reason === "string") {
    if (!reason.isWellFormed()) {
      throw new TypeError(
        "wsClose: reason holds a lone surrogate, which has no UTF-8",
      );
    }
    return encoder.encode(reason);
  }
  if (!(reason instanceof Uint8Array)) {
    throw new TypeError("wsClose: reason must be a string or a Uint8Array");
  }
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(reason);
  } catch (cause) {
    throw new TypeError("wsClose: reason must be UTF-8", { cause });
  }
  return new Uint8Array(reason);
}

function joined(code: number, reason: Uint8Array): Uint8Array<ArrayBuffer> {
  const payload = new Uint8Array(CODE + reason.length);
  payload[0] = code >> 8;
  payload[1] = code & 0xff;
  payload.set(reason, CODE);
  return payload;
}

/**
 * The payload of a Close frame, by the rules of `WebSocketStream.close()`: the
 * code is 1000 or the program's own.
 */
export function closingPayload(
  { closeCode, reason = "" }: CurlWebSocketCloseInfo,
): Uint8Array<ArrayBuffer> {
  if (
    closeCode !== undefined && closeCode !== 1000 &&
    !(Number.isInteger(closeCode) && closeCode >= 3000 && closeCode <= 4999)
  ) {
    throw new RangeError(
      `closeCode must be 1000 or from 3000 to 4999, not ${closeCode}`,
    );
  }
  const bytes = encoder.encode(reason);
  if (CODE + bytes.length > LONGEST_CONTROL) {
    throw new RangeError(
      `reason must be at most 123 bytes long, not ${bytes.length}`,
    );
  }
  if (closeCode === undefined && bytes.length === 0) return bytes;
  return joined(closeCode ?? 1000, bytes);
}

/** The payload of a Close frame that says what the server did wrong. */
export function failurePayload(
  code: number,
  reason: string,
): Uint8Array<ArrayBuffer> {
  return joined(code, encoder.encode(reason));
}

/** What the payload of a Close frame says, which was found in order. */
export function closeInfo(
  payload: Uint8Array,
): Required<CurlWebSocketCloseInfo> {
  if (payload.length < CODE) return { closeCode: NO_STATUS, reason: "" };
  return {
    closeCode: payload[0] << 8 | payload[1],
    reason: decoder.decode(payload.subarray(CODE)),
  };
}

/** Subprotocols as the request's header has them; each is a token, and once. */
export function checkProtocols(protocols: Iterable<string>): string[] {
  const list = typeof protocols === "string" ? [protocols] : [...protocols];
  const seen = new Set<string>();
  for (const protocol of list) {
    if (
      typeof protocol !== "string" || !/^[!#$%&'*+.^_`|~\w-]+$/.test(protocol)
    ) {
      throw new TypeError(`"${protocol}" can't be the name of a subprotocol`);
    }
    if (seen.has(protocol.toLowerCase())) {
      throw new TypeError(`The subprotocol "${protocol}" is named twice`);
    }
    seen.add(protocol.toLowerCase());
  }
  return list;
}

/** What goes with the request's key into the answer (RFC 6455 §1.3). */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** A request's key, which no other has. */
export function newKey(): string {
  return base64(crypto.getRandomValues(new Uint8Array(16)));
}

/** What a server has to answer to a key. */
export async function acceptOf(key: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-1", encoder.encode(key + GUID));
  return base64(new Uint8Array(hash));
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/** What the server's response says. */
export interface Handshake {
  /** The subprotocol it has chosen, or nothing. */
  readonly protocol: string;
  /** The extensions it has chosen, or nothing. */
  readonly extensions: string;
}

/**
 * Judges a response to a request with this key and these subprotocols; what is
 * wrong with it, or what it says.
 */
export function judge(
  response: string,
  accept: string,
  protocols: readonly string[],
): Handshake | string {
  const headers = new Map<string, string>();
  for (const line of response.split(/\r?\n/).slice(1)) {
    const colon = line.indexOf(":");
    if (colon < 1) continue;
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  const protocol = headers.get("sec-websocket-protocol") ?? "";
  const extensions = headers.get("sec-websocket-extensions") ?? "";
  if (headers.get("upgrade")?.toLowerCase() !== "websocket") {
    return "its Upgrade is not to websocket";
  }
  const connection = headers.get("connection") ?? "";
  if (!connection.toLowerCase().split(/\s*,\s*/).includes("upgrade")) {
    return "its Connection is not an Upgrade";
  }
  if (headers.get("sec-websocket-accept") !== accept) {
    return "its Sec-WebSocket-Accept does not belong to the request";
  }
  if (protocol !== "" && !protocols.includes(protocol)) {
    return `it has chosen the subprotocol "${protocol}", which was not offered`;
  }
  if (protocol === "" && protocols.length > 0) {
    return "it has chosen none of the subprotocols that were offered";
  }
  if (extensions !== "") {
    return `it has chosen the extension "${extensions}", and none was offered`;
  }
  return { protocol, extensions };
}
