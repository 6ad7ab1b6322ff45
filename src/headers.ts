/**
 * What libcurl keeps of the headers of a response.
 *
 * @module
 */

import { startFailure } from "./errors.ts";
import { decoder } from "./ffi/buffers.ts";
import * as call from "./ffi/headers_call.ts";
import {
  H_1XX,
  H_CONNECT,
  H_HEADER,
  H_PSEUDO,
  H_TRAILER,
} from "./tables/constants.ts";

/**
 * A header that a server has sent.
 *
 * Each byte of name and value is the character of the same number (Latin-1), as
 * in `fetch`: no byte gets lost that way, whatever the server meant by it. The
 * text of a value that is UTF-8 is
 * `new TextDecoder().decode(Uint8Array.from(value, (c) => c.charCodeAt(0)))`.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * await using server = Deno.serve(
 *   { port: 0, onListen() {} },
 *   () => new Response("hello"),
 * );
 * using c = new curl.Curl();
 * c.setopt(curl.URL, `http://localhost:${server.addr.port}/`);
 * await c.performText();
 * const header: curl.CurlHeader | null = c.header("content-type");
 * console.log(header?.value); // text/plain;charset=UTF-8
 * ```
 */
export interface CurlHeader {
  /** As the server wrote it; HTTP/2 and 3 have small letters only. */
  readonly name: string;
  /** Without blanks around it. */
  readonly value: string;
  /** How many headers of the same request and origins have this name. */
  readonly amount: number;
  /** Which of them this is, from 0. */
  readonly index: number;
  /** Where it stood: one of the `H_*`. */
  readonly origin: number;
}

/**
 * Which headers to look for.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const options: curl.HeadersOptions = {
 *   origin: curl.H_HEADER | curl.H_TRAILER,
 * };
 * using c = new curl.Curl();
 * console.log(c.headers(options)); // []
 * ```
 */
export interface HeadersOptions {
  /** Where they stood: a sum of `H_*`; by default `H_HEADER`. */
  origin?: number;
  /**
   * Of which request of the transfer: 0 for the first, 1 for the one that
   * followed the first redirect, and so on; by default -1, the last.
   */
  request?: number;
}

/**
 * Which header to look for.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const second: curl.HeaderOptions = { index: 1 };
 * using c = new curl.Curl();
 * console.log(c.header("Set-Cookie", second)); // null
 * ```
 */
export interface HeaderOptions extends HeadersOptions {
  /** Which of those that have the name, from 0, which is the default. */
  index?: number;
}

const ORIGINS = H_HEADER | H_TRAILER | H_CONNECT | H_1XX | H_PSEUDO;
const INT_MAX = 2 ** 31 - 1;
const encoder = new TextEncoder();

/** All headers; throws what `Curl.headers` does. */
export function findHeaders(
  id: number,
  { origin = H_HEADER, request = -1 }: HeadersOptions = {},
): CurlHeader[] {
  checkOrigin("headers", origin);
  checkWhole("headers", "request", request, -1);
  return unpack(call.headers(id, origin, request));
}

/** One header, or null; throws what `Curl.header` does. */
export function findHeader(
  id: number,
  name: string,
  { origin = H_HEADER, request = -1, index = 0 }: HeaderOptions = {},
): CurlHeader | null {
  if (typeof name !== "string") {
    throw new TypeError(`header() takes a string as name, not ${typeof name}`);
  }
  if (!name.isWellFormed()) {
    throw new TypeError(
      "header(): the name holds a lone surrogate, which has no UTF-8",
    );
  }
  checkOrigin("header", origin);
  checkWhole("header", "request", request, -1);
  checkWhole("header", "index", index, 0);
  const bytes = encoder.encode(name);
  return unpack(call.header(id, bytes, index, origin, request))[0] ?? null;
}

function checkOrigin(method: string, origin: unknown): void {
  if (
    typeof origin !== "number" || origin === 0 || (origin & ORIGINS) !== origin
  ) {
    throw new TypeError(
      `${method}() takes a sum of H_* as origin, not ${String(origin)}`,
    );
  }
}

function checkWhole(
  method: string,
  what: string,
  value: unknown,
  least: number,
): void {
  if (typeof value !== "number" || !Number.isInteger(value)) {
    throw new TypeError(
      `${method}() takes a whole number as ${what}, not ${String(value)}`,
    );
  }
  if (value < least || value > INT_MAX) {
    throw new RangeError(`${method}(): ${what} can't be ${value}`);
  }
}

/** How many numbers stand before the text for each header. */
const FIGURES = 5;

function unpack(bytes: Uint8Array | number): CurlHeader[] {
  if (typeof bytes === "number") throw startFailure(bytes);
  const [count] = new Uint32Array(bytes.buffer, bytes.byteOffset, 1);
  const found: CurlHeader[] = [];
  if (count === 0) return found;
  const figures = new Uint32Array(
    bytes.buffer,
    bytes.byteOffset,
    1 + FIGURES * count,
  );
  // One call for all of them: pieces of a string cost little.
  const text = decoder.decode(bytes.subarray(figures.byteLength));
  let end = 0;
  for (let at = 1; at < figures.length; at += FIGURES) {
    const middle = end + figures[at];
    const name = text.slice(end, middle);
    end = middle + figures[at + 1];
    found.push({
      name,
      value: text.slice(middle, end),
      amount: figures[at + 2],
      index: figures[at + 3],
      origin: figures[at + 4],
    });
  }
  return found;
}
