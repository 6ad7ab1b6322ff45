/**
 * What the methods of mimes and their parts are given, as the library takes it.
 *
 * @module
 */

import { HEADER } from "./ffi/mime_call.ts";
import { filePath } from "./file_path.ts";
import { argumentBytes, wrongArgument } from "./values.ts";

/** What most of them take. */
export const TEXT = "a string or a Uint8Array";
/** The size of what has none. */
export const UNKNOWN = -1;

/** Bytes without NUL, or null. */
export function textBytes(
  call: string,
  value: unknown,
): Uint8Array<ArrayBuffer> | null {
  if (value === null) return null;
  const bytes = argumentBytes(call, `${TEXT} or null`, value);
  const place = bytes.indexOf(0);
  if (place < 0) return bytes;
  throw new TypeError(
    `${call}: the value holds a NUL character, at byte ${place}`,
  );
}

/** Those of a path. */
export function pathBytes(
  call: string,
  path: unknown,
): Uint8Array<ArrayBuffer> {
  if (path instanceof URL) {
    if (path.protocol !== "file:") {
      throw new TypeError(`${call} takes a file: URL, not ${path.href}`);
    }
    return textBytes(call, filePath(path))!;
  }
  if (path === null) throw wrongArgument(call, `${TEXT} or a URL`, path);
  return textBytes(call, path)!;
}

/** A text, or null, and what it is. */
type Told = readonly [what: number, text: Uint8Array<ArrayBuffer> | null];

/** Header lines. */
export function headerLines(headers: unknown): Told[] {
  const isList = typeof headers === "object" && headers !== null &&
    Symbol.iterator in headers && !ArrayBuffer.isView(headers);
  if (headers !== null && !isList) {
    throw wrongArgument("headers()", `an iterable of strings or null`, headers);
  }
  return [...headers as Iterable<unknown> ?? []].map((line) => {
    if (line === null) throw wrongArgument("headers()", TEXT, line);
    return [HEADER, textBytes("headers()", line)];
  });
}

/** All of them in one: each after what it is, and before a NUL. */
export function packed(told: readonly Told[]): Uint8Array<ArrayBuffer> {
  const length = told.reduce((sum, [, text]) => {
    return text === null ? sum : sum + text.length + 2;
  }, 0);
  const bytes = new Uint8Array(length);
  let end = 0;
  for (const [what, text] of told) {
    if (text === null) continue;
    bytes[end] = what;
    bytes.set(text, end + 1);
    end += text.length + 2;
  }
  return bytes;
}

/** The size of what functions give. */
export function sizeOf(datasize: unknown): number {
  if (datasize === null) return UNKNOWN;
  const size = typeof datasize === "bigint" ? Number(datasize) : datasize;
  if (typeof size !== "number" || !Number.isInteger(size)) {
    throw wrongArgument("dataCb()", "a whole number or null as size", datasize);
  }
  if (size < -1 || !Number.isSafeInteger(size)) {
    throw new RangeError(
      `dataCb(): the size must be from -1 to 2 ** 53 - 1, but is ${datasize}`,
    );
  }
  return size;
}

/** Throws if these are no options. */
export function checkOptions(call: string, options: unknown): void {
  if (typeof options !== "object" || options === null) {
    throw wrongArgument(call, "an object of options", options);
  }
}
