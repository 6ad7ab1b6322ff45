/**
 * The loop of a synchronous call of libcurl: it runs until a callback is due,
 * which is answered here, and goes on. And the calls that need it.
 *
 * @module
 */

import type { Callbacks } from "./callbacks.ts";
import { changed, hear } from "./engine.ts";
import { abortedBy, failure, startFailure } from "./errors.ts";
import * as call from "./ffi/call.ts";
import { E_ABORTED_BY_CALLBACK, PAUSE_ALL } from "./tables/constants.ts";

/** A handle, and who answers its callbacks. */
interface Target {
  readonly id: number;
  readonly callbacks: Callbacks;
}

/** A handle that is driven, inside a callback of the one before. */
interface Driven extends Target {
  readonly before: Driven | undefined;
}

let innermost: Driven | undefined;

/** The functions of a handle that is driven. */
function drivenCallbacks(id: number): Callbacks | undefined {
  let driven = innermost;
  while (driven !== undefined && driven.id !== id) driven = driven.before;
  return driven?.callbacks;
}

/** Does a transfer; throws what `Curl.performSync` does. */
export function performSync(target: Target, collects: boolean): void {
  target.callbacks.refuseStreams(collects);
  drive(target, () => call.perform(target.id, collects));
}

/** Pauses a transfer, or lets it go on; throws what `Curl.pause` does. */
export function pause(target: Target, mask: number, unpause: boolean): void {
  if (typeof mask !== "number" || (mask & PAUSE_ALL) !== mask) {
    throw new TypeError(`pause() takes a sum of PAUSE_*, not ${mask}`);
  }
  drive(target, () => call.pause(target.id, mask, unpause));
  changed(target.id);
}

/** Keeps idle connections alive; throws what `Curl.upkeep` does. */
export function upkeep(target: Target): void {
  drive(target, () => call.upkeep(target.id));
}

/**
 * Drives a call to its end.
 *
 * @param start starts it, and gives the slot of the callback that is asked, 0
 * for done, or a status below 0
 * @throws what the call failed with; `cause` is what a callback threw
 */
export function drive({ id, callbacks }: Target, start: () => number): void {
  // Of the transfer whose callback this is called in.
  const outer = callbacks.takeFailure();
  const count = call.waiting();
  let slot: number;
  const before = innermost;
  innermost = { id, callbacks, before };
  try {
    slot = start();
    while (slot > 0) {
      // One around it, or an asynchronous transfer, may be asked meanwhile.
      const about = call.numbers[call.ABOUT];
      const reply = drivenCallbacks(about)?.answer(slot, about) ?? hear(slot);
      slot = call.resume(id, reply);
    }
  } catch (error) {
    // Nothing of ours throws, but the stack may be at its end anywhere.
    call.abandon(count);
    throw error;
  } finally {
    innermost = before;
  }
  const thrown = callbacks.takeFailure();
  callbacks.keepFailure(outer);
  if (slot < 0) throw startFailure(slot, thrown);
  const status = call.numbers[0];
  if (status !== 0) throw failure(status, thrown);
  if (thrown !== undefined) throw abortedBy(E_ABORTED_BY_CALLBACK, thrown);
}
