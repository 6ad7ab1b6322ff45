/**
 * What ends a wait before its time.
 *
 * @module
 */

import type { AbortOptions } from "./types.ts";

/** The signal of a call that starts now; throws its reason if that is over. */
export function signalOf(
  options: AbortOptions | undefined,
): AbortSignal | undefined {
  const signal = options?.signal;
  if (signal === undefined) return undefined;
  if (!(signal instanceof AbortSignal)) {
    throw new TypeError("signal must be an AbortSignal");
  }
  signal.throwIfAborted();
  return signal;
}
