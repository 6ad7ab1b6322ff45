/**
 * The loop of a synchronous call of libcurl: it runs until a callback is due,
 * which is answered here, and goes on.
 *
 * @module
 */

import type { Callbacks } from "./callbacks.ts";
import { abortedBy, failure, startFailure } from "./errors.ts";
import { abandon, numbers, resume, strerror, waiting } from "./ffi/call.ts";
import { E_ABORTED_BY_CALLBACK } from "./tables/constants.ts";

const EASY = 0;

/**
 * Drives a call to its end.
 *
 * @param start starts it, and gives the slot of the callback that is asked, 0
 * for done, or a status below 0
 * @throws what the call failed with; `cause` is what a callback threw
 */
export function drive(
  id: number,
  start: () => number,
  callbacks: Callbacks,
): void {
  // Of the transfer whose callback this is called in.
  const outer = callbacks.takeFailure();
  const count = waiting();
  let slot: number;
  try {
    slot = start();
    while (slot > 0) slot = resume(id, callbacks.answer(slot, id));
  } catch (error) {
    // Nothing of ours throws, but the stack may be at its end anywhere.
    abandon(count);
    throw error;
  }
  const thrown = callbacks.takeFailure();
  callbacks.keepFailure(outer);
  if (slot < 0) throw startFailure(slot, thrown);
  if (numbers[0] !== 0) throw failure(numbers[0], thrown);
  if (thrown !== undefined) {
    throw abortedBy(
      thrown,
      E_ABORTED_BY_CALLBACK,
      strerror(EASY, E_ABORTED_BY_CALLBACK),
    );
  }
}
