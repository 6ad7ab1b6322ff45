/**
 * The options of a multi handle, and the kind of value that each takes.
 *
 * @module
 */

import { check } from "./errors.ts";
import * as multi from "./ffi/multi_call.ts";
import type { MultiCallbacks } from "./multi_callbacks.ts";
import {
  M_CHUNK_LENGTH_PENALTY_SIZE,
  M_CONTENT_LENGTH_PENALTY_SIZE,
  M_MAX_CONCURRENT_STREAMS,
  M_MAX_HOST_CONNECTIONS,
  M_MAX_PIPELINE_LENGTH,
  M_MAX_TOTAL_CONNECTIONS,
  M_MAXCONNECTS,
  M_NETWORK_CHANGED,
  M_NOTIFYDATA,
  M_NOTIFYFUNCTION,
  M_PIPELINING,
  M_PIPELINING_SERVER_BL,
  M_PIPELINING_SITE_BL,
  M_PUSHDATA,
  M_PUSHFUNCTION,
  M_QUICK_EXIT,
  M_RESOLVE_THREADS_MAX,
  M_SOCKETDATA,
  M_SOCKETFUNCTION,
  M_TIMERDATA,
  M_TIMERFUNCTION,
} from "./tables/constants.ts";

type Kind = "number" | "list" | "function" | "pointer" | "push";

/**
 * Each with the name it is told by. The namespace of all constants would become
 * an object of a thousand getters when the module is packed.
 */
const OPTIONS: ReadonlyMap<number, readonly [name: string, kind: Kind]> =
  new Map([
    [M_CHUNK_LENGTH_PENALTY_SIZE, ["M_CHUNK_LENGTH_PENALTY_SIZE", "number"]],
    [M_CONTENT_LENGTH_PENALTY_SIZE, [
      "M_CONTENT_LENGTH_PENALTY_SIZE",
      "number",
    ]],
    [M_MAXCONNECTS, ["M_MAXCONNECTS", "number"]],
    [M_MAX_CONCURRENT_STREAMS, ["M_MAX_CONCURRENT_STREAMS", "number"]],
    [M_MAX_HOST_CONNECTIONS, ["M_MAX_HOST_CONNECTIONS", "number"]],
    [M_MAX_PIPELINE_LENGTH, ["M_MAX_PIPELINE_LENGTH", "number"]],
    [M_MAX_TOTAL_CONNECTIONS, ["M_MAX_TOTAL_CONNECTIONS", "number"]],
    [M_NETWORK_CHANGED, ["M_NETWORK_CHANGED", "number"]],
    [M_NOTIFYDATA, ["M_NOTIFYDATA", "pointer"]],
    [M_NOTIFYFUNCTION, ["M_NOTIFYFUNCTION", "function"]],
    [M_PIPELINING, ["M_PIPELINING", "number"]],
    [M_PIPELINING_SERVER_BL, ["M_PIPELINING_SERVER_BL", "list"]],
    [M_PIPELINING_SITE_BL, ["M_PIPELINING_SITE_BL", "list"]],
    [M_PUSHDATA, ["M_PUSHDATA", "pointer"]],
    [M_PUSHFUNCTION, ["M_PUSHFUNCTION", "push"]],
    [M_QUICK_EXIT, ["M_QUICK_EXIT", "number"]],
    [M_RESOLVE_THREADS_MAX, ["M_RESOLVE_THREADS_MAX", "number"]],
    [M_SOCKETDATA, ["M_SOCKETDATA", "pointer"]],
    [M_SOCKETFUNCTION, ["M_SOCKETFUNCTION", "function"]],
    [M_TIMERDATA, ["M_TIMERDATA", "pointer"]],
    [M_TIMERFUNCTION, ["M_TIMERFUNCTION", "function"]],
  ]);

const encoder = new TextEncoder();

/** What options are set on. */
interface Target {
  readonly id: number;
  readonly callbacks: MultiCallbacks;
  /** Drives a call to its end. */
  drive(start: () => number): void;
}

/** Sets an option; throws what `CurlMulti.setopt` does. */
export function setMultiOption(
  target: Target,
  option: unknown,
  value: unknown,
): void {
  const [name, kind] = known(option);
  const number = option as number;
  switch (kind) {
    case "number":
      return setNumber(target, number, name, value);
    case "list":
      return setList(target, number, name, value);
    case "function":
      return setFunction(target, number, name, value);
    case "pointer":
      throw new TypeError(
        `${name} takes nothing here: its value in C is a pointer`,
      );
    case "push":
      throw new TypeError(
        `${name} is not supported: no server pushes any more`,
      );
  }
}

function known(option: unknown): readonly [name: string, kind: Kind] {
  const found = typeof option === "number" ? OPTIONS.get(option) : undefined;
  if (found === undefined) {
    throw new TypeError("invalid arguments to setopt");
  }
  return found;
}

function wrong(name: string, wanted: string, value: unknown): TypeError {
  const given = typeof value === "number" || value === null
    ? String(value)
    : typeof value;
  return new TypeError(`${name} takes ${wanted}, not ${given}`);
}

function setNumber(
  { id, drive }: Target,
  option: number,
  name: string,
  value: unknown,
): void {
  if (
    typeof value !== "number" && typeof value !== "boolean" &&
    typeof value !== "bigint"
  ) {
    throw wrong(name, "a number, a boolean or a bigint", value);
  }
  const number = Number(value);
  if (!Number.isInteger(number)) throw wrong(name, "a whole number", value);
  if (!Number.isSafeInteger(number)) {
    throw new RangeError(
      `${name}: ${value} is past the numbers that are exact`,
    );
  }
  drive(() => multi.multiSetoptNumber(id, option, number));
}

function setList(
  { id }: Target,
  option: number,
  name: string,
  value: unknown,
): void {
  if (value === null) return check(multi.multiSetoptList(id, option, null));
  const wanted = "an iterable of strings";
  if (typeof value !== "object" || !(Symbol.iterator in value)) {
    throw wrong(name, wanted, value);
  }
  const items: string[] = [];
  for (const item of value as Iterable<unknown>) {
    if (typeof item !== "string") throw wrong(name, wanted, item);
    if (item.includes("\0")) {
      throw new TypeError(
        `${name}: item ${items.length} holds a NUL character`,
      );
    }
    items.push(item + "\0");
  }
  const bytes = encoder.encode(items.join(""));
  check(multi.multiSetoptList(id, option, bytes));
}

function setFunction(
  { id, callbacks }: Target,
  option: number,
  name: string,
  value: unknown,
): void {
  if (value !== null && typeof value !== "function") {
    throw wrong(name, "a function or null", value);
  }
  check(multi.multiSetoptFunction(id, option, value !== null));
  callbacks.set(option, value as ((...args: unknown[]) => unknown) | null);
}
