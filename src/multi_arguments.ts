/**
 * What is checked of the arguments of a CurlMulti's methods.
 *
 * @module
 */

import type { CurlMultiOptions } from "./multi_types.ts";

const YEAR = 365 * 24 * 60 * 60;

/** Whether the options of a new one close its handles with it. */
export function checkOptions(options: CurlMultiOptions): boolean {
  if (typeof options !== "object" || options === null) {
    throw new TypeError("CurlMulti takes { closeHandles }");
  }
  for (const name of Object.keys(options)) {
    if (name !== "closeHandles") {
      throw new TypeError(`CurlMulti takes { closeHandles }, not ${name}`);
    }
  }
  const { closeHandles = false } = options;
  if (typeof closeHandles !== "boolean") {
    throw new TypeError("closeHandles is true or false");
  }
  return closeHandles;
}

/** Throws unless it is a whole number, as C has them. */
export function checkInteger(method: string, value: unknown): void {
  if (typeof value !== "number" || (value | 0) !== value) {
    throw new TypeError(`${method}() takes whole numbers, not ${value}`);
  }
}

/** Throws unless it is seconds that can be waited. */
export function checkTimeout(method: string, timeout: unknown): void {
  if (typeof timeout !== "number") {
    throw new TypeError(`${method}() takes seconds, not ${typeof timeout}`);
  }
  if (!(timeout >= 0 && timeout < YEAR)) {
    throw new RangeError("invalid timeout period");
  }
}
