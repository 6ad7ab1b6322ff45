/**
 * Option values on their way to libcurl, and infos on their way back. All
 * TypeErrors about values are worded here.
 *
 * @module
 */

import { check, failure } from "./errors.ts";
import * as call from "./ffi/call.ts";
import {
  InfoKind,
  infoKind,
  OptionKind,
  optionKind,
  optionName,
} from "./tables/kinds.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const INT64_MAX = 2n ** 63n - 1n;

/** Room for short strings; each option's value is copied out of it at once. */
const room = new Uint8Array(4096);
/** Up to here a loop is faster than a call of the encoder or decoder. */
const SHORT = 64;
/** How many bytes of UTF-8 one unit of a string can take. */
const WIDEST = 3;

/** A TypeError that names the option, what it takes, and what it was given. */
export function wrongType(
  option: number,
  wanted: string,
  value: unknown,
): TypeError {
  const name = optionName(option) ?? String(option);
  return new TypeError(`${name} takes ${wanted}, not ${described(value)}`);
}

/** The same for what a call was given. */
export function wrongArgument(
  call: string,
  wanted: string,
  value: unknown,
): TypeError {
  return new TypeError(`${call} takes ${wanted}, not ${described(value)}`);
}

/** Bytes of a call's argument, which nobody changes during the call. */
export function argumentBytes(
  call: string,
  wanted: string,
  value: unknown,
): Uint8Array<ArrayBuffer> {
  if (typeof value === "string") {
    if (value.isWellFormed()) return encoder.encode(value);
    throw new TypeError(
      `${call}: the string holds a lone surrogate, which has no UTF-8`,
    );
  }
  if (!(value instanceof Uint8Array)) throw wrongArgument(call, wanted, value);
  const { buffer } = value;
  if (buffer instanceof ArrayBuffer && buffer.detached) {
    throw new TypeError(`${call}: the bytes' ArrayBuffer is detached`);
  }
  return buffer instanceof ArrayBuffer && !buffer.resizable
    ? value as Uint8Array<ArrayBuffer>
    : new Uint8Array(value);
}

function described(value: unknown): string {
  switch (typeof value) {
    case "string":
      return "a string";
    case "number":
      return `the number ${value}`;
    case "bigint":
      return `the bigint ${value}`;
    case "object":
      return value === null
        ? "null"
        : `an object of ${value.constructor?.name ?? "no class"}`;
    case "function":
      return "a function";
    default:
      return String(value);
  }
}

/** Sets an option that takes a number. */
export function setNumber(id: number, option: number, value: unknown): void {
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) {
      if (Number.isInteger(value)) throw inexact(option, value);
      throw wrongType(option, "a whole number", value);
    }
    check(call.setoptNumber(id, option, value));
  } else if (typeof value === "boolean") {
    check(call.setoptNumber(id, option, value ? 1 : 0));
  } else if (typeof value === "bigint") {
    if (value > INT64_MAX || value < -INT64_MAX - 1n) {
      throw new RangeError(
        `${optionName(option)}: ${value} is more than 64 bits hold`,
      );
    }
    check(call.setoptBigint(id, option, value));
  } else {
    throw wrongType(option, "a number, a boolean or a bigint", value);
  }
}

function inexact(option: number, value: number): RangeError {
  return new RangeError(
    `${
      optionName(option)
    }: ${value} is past the numbers that are exact; use a bigint`,
  );
}

/** Sets an option that takes a string or bytes. */
export function setBytes(id: number, option: number, value: unknown): void {
  if (typeof value === "string") {
    setText(id, option, value);
  } else {
    const bytes = bytesOf(option, value, "a string or a Uint8Array");
    check(call.setoptBytes(id, option, bytes, bytes.length));
  }
}

/** Sets an option that takes a string, by nothing but a string. */
export function setString(id: number, option: number, value: unknown): void {
  if (typeof value !== "string") throw wrongType(option, "a string", value);
  switch (kindOf(option)) {
    case OptionKind.string:
    case OptionKind.bytes:
    case OptionKind.unknown:
      setText(id, option, value);
      break;
    default:
      throw new TypeError(
        `${optionName(option)} takes no string: set it by setopt()`,
      );
  }
}

function setText(id: number, option: number, value: string): void {
  if (value.length <= SHORT && writeAscii(value)) {
    check(call.setoptBytes(id, option, room, value.length));
    return;
  }
  checkText(option, value);
  if (value.length * WIDEST <= room.length) {
    const { written } = encoder.encodeInto(value, room);
    check(call.setoptBytes(id, option, room, written));
  } else {
    const bytes = encoder.encode(value);
    check(call.setoptBytes(id, option, bytes, bytes.length));
  }
}

/** Writes a string to `room`; false if it is more than ASCII. */
function writeAscii(value: string): boolean {
  for (let index = 0; index < value.length; index++) {
    const unit = value.charCodeAt(index);
    if (unit > 127) return false;
    room[index] = unit;
  }
  return true;
}

function checkText(option: number, value: string): void {
  if (!value.isWellFormed()) {
    throw new TypeError(
      `${
        optionName(option) ?? option
      }: the string holds a lone surrogate, which has no UTF-8`,
    );
  }
}

/** Sets an option that takes a list of strings. */
export function setList(id: number, option: number, value: unknown): void {
  const wanted = "an iterable of strings or Uint8Arrays";
  const iterable = typeof value === "object" && value !== null &&
    Symbol.iterator in value && !ArrayBuffer.isView(value);
  if (!iterable) throw wrongType(option, wanted, value);
  const items: Uint8Array[] = [];
  for (const item of value as Iterable<unknown>) {
    const bytes = typeof item === "string"
      ? textBytes(option, item)
      : bytesOf(option, item, wanted);
    if (bytes.includes(0)) {
      throw new TypeError(
        `${optionName(option)}: item ${items.length} holds a NUL character`,
      );
    }
    items.push(bytes);
  }
  const length = items.reduce((sum, item) => sum + item.length + 1, 0);
  const joined = new Uint8Array(length);
  let end = 0;
  for (const item of items) {
    joined.set(item, end);
    end += item.length + 1;
  }
  check(
    length === 0
      ? call.unsetopt(id, option)
      : call.setoptBytes(id, option, joined, length),
  );
}

/** Sets an option that takes the content of a file. */
export function setBlob(id: number, option: number, value: unknown): void {
  const bytes = typeof value === "string"
    ? textBytes(option, value)
    : value instanceof ArrayBuffer
    ? bytesOf(option, viewOf(option, value), "")
    : bytesOf(option, value, "a Uint8Array, an ArrayBuffer or a string");
  check(call.setoptBytes(id, option, bytes, bytes.length));
}

function viewOf(option: number, buffer: ArrayBuffer): Uint8Array {
  if (buffer.detached) throw detached(option);
  return new Uint8Array(buffer);
}

/** Bytes of a string for libcurl. */
export function textBytes(
  option: number,
  value: string,
): Uint8Array<ArrayBuffer> {
  checkText(option, value);
  return encoder.encode(value);
}

/** Bytes that nobody changes during the call. */
export function bytesOf(
  option: number,
  value: unknown,
  wanted: string,
): Uint8Array<ArrayBuffer> {
  if (!(value instanceof Uint8Array)) throw wrongType(option, wanted, value);
  const { buffer } = value;
  if (buffer instanceof ArrayBuffer) {
    if (buffer.detached) throw detached(option);
    if (!buffer.resizable) return value as Uint8Array<ArrayBuffer>;
  }
  // Other threads may write to shared memory, and a resizable buffer may end
  // before its view.
  return new Uint8Array(value);
}

function detached(option: number): TypeError {
  return new TypeError(
    `${optionName(option)}: the bytes' ArrayBuffer is detached`,
  );
}

/** The kind of an option's value; throws if libcurl has no such option. */
export function kindOf(option: unknown): OptionKind {
  if (typeof option !== "number") {
    throw new TypeError(
      `an option is one of the module's constants, not ${described(option)}`,
    );
  }
  const kind = optionKind(option);
  if (kind === OptionKind.unknown) checkConstant("option", option);
  return kind;
}

/** What libcurl's integers can't hold is no constant of the module. */
function checkConstant(what: string, value: number): void {
  if (value >>> 0 !== value) {
    throw new TypeError(
      `an ${what} is one of the module's constants, not ${described(value)}`,
    );
  }
}

type Getter = (id: number, info: number) => unknown;

const getters: Record<InfoKind, Getter> = {
  [InfoKind.unknown]: bytesInfo,
  [InfoKind.string]: bytesInfo,
  [InfoKind.long]: numberInfo,
  [InfoKind.double]: numberInfo,
  [InfoKind.socket]: numberInfo,
  [InfoKind.offT]: numberInfo,
  [InfoKind.list]: (id, info) => items(bytesInfo(id, info)),
  [InfoKind.certinfo]: (id, info) => certificates(bytesInfo(id, info)),
  [InfoKind.private]: bytesInfo,
  [InfoKind.unsupported]: bytesInfo,
};

/** An info's value, with strings left undecoded. */
export function getinfoRaw(id: number, info: number): unknown {
  return getters[kindOfInfo(info)](id, info);
}

function kindOfInfo(info: unknown): InfoKind {
  if (typeof info !== "number") {
    throw new TypeError(
      `an info is one of the module's constants, not ${described(info)}`,
    );
  }
  const kind = infoKind(info);
  if (kind === InfoKind.unknown) checkConstant("info", info);
  return kind;
}

/** An info's value, with strings decoded. */
export function getinfo(id: number, info: number): unknown {
  if (kindOfInfo(info) === InfoKind.string) {
    const bytes = borrowedInfo(id, info);
    return bytes === null ? null : decodeText(bytes);
  }
  return decoded(getinfoRaw(id, info));
}

function decodeText(bytes: Uint8Array): string {
  if (bytes.length > SHORT) return decoder.decode(bytes);
  let text = "";
  for (let index = 0; index < bytes.length; index++) {
    const unit = bytes[index];
    if (unit > 127) return decoder.decode(bytes);
    text += String.fromCharCode(unit);
  }
  return text;
}

function decoded(value: unknown): unknown {
  if (value instanceof Uint8Array) return decoder.decode(value);
  return Array.isArray(value) ? value.map(decoded) : value;
}

function numberInfo(id: number, info: number): number {
  check(call.getinfoNumber(id, info));
  return call.numbers[0];
}

/** Bytes that hold until the next call. */
function borrowedInfo(id: number, info: number): Uint8Array | null {
  const bytes = call.getinfoBytes(id, info);
  if (typeof bytes === "number") throw failure(bytes);
  return bytes;
}

function bytesInfo(id: number, info: number): Uint8Array | null {
  return borrowedInfo(id, info)?.slice() ?? null;
}

/** Splits a list whose items each end with NUL. */
function items(bytes: Uint8Array | null): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let start = 0; bytes !== null && start < bytes.length;) {
    const end = bytes.indexOf(0, start);
    found.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return found;
}

/** `name:value` lines, with an empty one behind each certificate. */
function certificates(
  bytes: Uint8Array | null,
): [Uint8Array, Uint8Array][][] {
  const chain: [Uint8Array, Uint8Array][][] = [];
  let lines: [Uint8Array, Uint8Array][] = [];
  for (const line of items(bytes)) {
    if (line.length === 0) {
      chain.push(lines);
      lines = [];
    } else {
      const colon = line.indexOf(58);
      lines.push([line.subarray(0, colon), line.subarray(colon + 1)]);
    }
  }
  return chain;
}
