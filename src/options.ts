/**
 * setopt and unsetopt, by the kind of value that an option takes, and what
 * getinfo gives back of them.
 *
 * @module
 */

import type { Callbacks } from "./callbacks.ts";
import { setMime } from "./curl_mime.ts";
import { CurlShare } from "./curl_share.ts";
import { CurlUrl, urlId } from "./curl_url.ts";
import { check, stateError } from "./errors.ts";
import * as call from "./ffi/call.ts";
import { setoptUrl } from "./ffi/url_call.ts";
import { setForm } from "./http_post.ts";
import {
  type PipedStream,
  ReaderStream,
  WriterStream,
} from "./piped_streams.ts";
import { readerFunction, writerFunction } from "./streams.ts";
import {
  HEADERFUNCTION,
  INFO_PRIVATE,
  READFUNCTION,
  WRITEFUNCTION,
  WRITEHEADER,
} from "./tables/constants.ts";
import type { Crowd } from "./transfer.ts";
import { isUnsettable, OptionKind, optionSlot } from "./tables/kinds.ts";
import * as values from "./values.ts";

/** The numbers of methods for `curlCheck`. */
const SETOPT = 0;
const UNSETOPT = 1;
const GETINFO = 2;

/** What options are set on: a handle, and what stays in JavaScript. */
export interface OptionTarget {
  /** The handle. */
  readonly id: number;
  /** Its functions. */
  readonly callbacks: Callbacks;
  /** What PRIVATE was set to. */
  kept: unknown;
  /** The multi handle that it is in. */
  crowd?: Crowd;
}

type FindTarget = (object: object) => OptionTarget | undefined;

let find: FindTarget = () => undefined;

/** Says how the target of an object is found, for what takes objects. */
export function enlist(findTarget: FindTarget): void {
  find = findTarget;
}

/** The target of a Curl; throws if it is something else. */
export function targetOf(method: string, object: unknown): OptionTarget {
  const target = typeof object === "object" && object !== null
    ? find(object)
    : undefined;
  if (target === undefined) {
    throw new TypeError(`${method}() takes a Curl, not ${typeof object}`);
  }
  return target;
}

type Setter = (target: OptionTarget, option: number, value: unknown) => void;

const setters: Record<OptionKind, Setter> = {
  [OptionKind.unknown]: ({ id }, option) => check(call.unsetopt(id, option)),
  [OptionKind.long]: ({ id }, option, value) => {
    values.setNumber(id, option, value);
  },
  [OptionKind.offT]: ({ id }, option, value) => {
    values.setNumber(id, option, value);
  },
  [OptionKind.string]: ({ id }, option, value) => {
    values.setBytes(id, option, value);
  },
  [OptionKind.bytes]: ({ id }, option, value) => {
    values.setBytes(id, option, value);
  },
  [OptionKind.list]: ({ id }, option, value) => {
    values.setList(id, option, value);
  },
  [OptionKind.blob]: ({ id }, option, value) => {
    values.setBlob(id, option, value);
  },
  [OptionKind.function]: setFunction,
  [OptionKind.share]: setShare,
  [OptionKind.writer]: (target, option, value) => {
    if (value instanceof WritableStream) {
      const stream = new WriterStream(option, value);
      setStream(target, functionOf(option), stream);
    } else {
      setFunction(target, functionOf(option), writerFunction(option, value));
    }
  },
  [OptionKind.reader]: (target, option, value) => {
    if (value instanceof ReadableStream) {
      setStream(target, READFUNCTION, new ReaderStream(option, value));
    } else setFunction(target, READFUNCTION, readerFunction(option, value));
  },
  [OptionKind.private]: (target, _option, value) => {
    check(call.curlCheck(target.id, SETOPT));
    target.kept = value;
  },
  [OptionKind.url]: ({ id }, option, value) => {
    if (!(value instanceof CurlUrl)) {
      throw values.wrongType(option, "a CurlUrl", value);
    }
    check(setoptUrl(id, urlId(value)));
  },
  [OptionKind.mime]: (target, _option, value) => setMime(target, value),
  [OptionKind.form]: (target, _option, value) => setForm(target, value),
  [OptionKind.unsupported]: (_target, option, value) => {
    throw values.wrongType(
      option,
      "nothing here: its value in C is a pointer",
      value,
    );
  },
};

/** Sets an option; throws what `Curl.setopt` does. */
export function setOption(
  target: OptionTarget,
  option: number,
  value: unknown,
): void {
  setters[values.kindOf(option)](target, option, value);
}

/** Takes an option back; throws what `Curl.unsetopt` does. */
export function unsetOption(target: OptionTarget, option: number): void {
  const kind = values.kindOf(option);
  if (kind === OptionKind.private) {
    check(call.curlCheck(target.id, UNSETOPT));
    target.kept = null;
    return;
  }
  if (kind === OptionKind.mime || kind === OptionKind.form) {
    check(call.unsetopt(target.id, option));
    target.callbacks.setMime(undefined);
    return;
  }
  const stands = kind === OptionKind.writer && isUnsettable(option)
    ? functionOf(option)
    : option;
  check(call.unsetopt(target.id, stands));
  const slot = optionSlot(stands);
  if (slot !== 0) target.callbacks.set(slot, undefined);
}

/** An info; throws what `Curl.getinfo` does. */
export function getInfo(target: OptionTarget, info: number): unknown {
  return info === INFO_PRIVATE
    ? privateValue(target)
    : values.getinfo(target.id, info);
}

/** The same, with strings left undecoded. */
export function getInfoRaw(target: OptionTarget, info: number): unknown {
  return info === INFO_PRIVATE
    ? privateValue(target)
    : values.getinfoRaw(target.id, info);
}

function privateValue({ id, kept }: OptionTarget): unknown {
  check(call.curlCheck(id, GETINFO));
  return kept;
}

/** The function that stands for an object to write to. */
function functionOf(option: number): number {
  return option === WRITEHEADER ? HEADERFUNCTION : WRITEFUNCTION;
}

function setFunction(
  { id, callbacks }: OptionTarget,
  option: number,
  value: unknown,
): void {
  if (typeof value !== "function") {
    throw values.wrongType(option, "a function", value);
  }
  check(call.setoptCallback(id, option, true));
  callbacks.set(
    optionSlot(option),
    value as (...args: unknown[]) => unknown,
  );
}

function setStream(
  { id, callbacks }: OptionTarget,
  option: number,
  stream: PipedStream,
): void {
  check(call.setoptCallback(id, option, true));
  callbacks.setStream(optionSlot(option), stream);
}

function setShare(
  { id }: OptionTarget,
  option: number,
  value: unknown,
): void {
  if (!(value instanceof CurlShare)) {
    throw values.wrongType(option, "a CurlShare", value);
  }
  // One that this isolate has closed is on no list any more.
  if (value.closed) throw stateError("CurlShare is closed");
  check(call.setoptShare(id, value.handle));
}
