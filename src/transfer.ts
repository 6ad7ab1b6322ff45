/**
 * The loop of a synchronous call of libcurl: it runs until a callback is due,
 * which is answered here, and goes on. And the calls that need it.
 *
 * @module
 */

import type { Callbacks } from "./callbacks.ts";
import { changed, hear } from "./engine.ts";
import {
  abortedBy,
  crowdAborted,
  type Failure,
  failure,
  startFailure,
} from "./errors.ts";
import * as call from "./ffi/call.ts";
import { E_ABORTED_BY_CALLBACK, PAUSE_ALL } from "./tables/constants.ts";

/** A handle, and who answers its callbacks. */
interface Target {
  readonly id: number;
  readonly callbacks: Callbacks;
  /** The multi handle that it is in. */
  readonly crowd?: Crowd;
}

/** Answers what is asked of a slot. */
interface Answerer {
  answer(slot: number, about: number): number;
}

/** A multi handle: its calls ask its own functions, and those of its handles. */
export interface Crowd {
  /** Its own handle. */
  readonly handle: number;
  /** Who answers a question about this handle, if it is one of these. */
  find(about: number): Answerer | undefined;
  /** What its own functions threw first since the last look. */
  takeFailure(): Failure | undefined;
  /** Puts back what `takeFailure` has given. */
  keepFailure(failure: Failure | undefined): void;
  /** Takes a handle out that is to be closed; throws as `removeHandle` does. */
  leave(id: number): void;
}

/** What is driven, inside a callback of the one before. */
interface Driven {
  readonly id: number;
  readonly callbacks?: Answerer;
  readonly crowd?: Crowd;
  readonly before: Driven | undefined;
}

let innermost: Driven | undefined;

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
 * Takes a handle that is to be closed out of its multi handle; throws if that is
 * at work.
 *
 * @returns what was thrown meanwhile, though the handle is out
 */
export function leave(target: Target): unknown {
  try {
    target.crowd?.leave(target.id);
  } catch (error) {
    if (target.crowd !== undefined) throw error;
    return error;
  }
}

/**
 * Drives a call to its end.
 *
 * @param start starts it, and gives the slot of the callback that is asked, 0
 * for done, or a status below 0
 * @throws what the call failed with; `cause` is what a callback threw
 */
export function drive(target: Target, start: () => number): void {
  const { id, callbacks, crowd } = target;
  // Of the calls in whose callbacks this one is made.
  const outer = callbacks.takeFailure();
  const outerCrowd = crowd?.takeFailure();
  const before = innermost;
  innermost = { id, callbacks, crowd, before };
  let slot: number;
  try {
    slot = answerAll(id, start);
  } finally {
    innermost = before;
  }
  const thrown = callbacks.takeFailure() ?? crowd?.takeFailure();
  callbacks.keepFailure(outer);
  crowd?.keepFailure(outerCrowd);
  conclude(slot, thrown);
  if (thrown !== undefined) throw abortedBy(E_ABORTED_BY_CALLBACK, thrown);
}

/**
 * Drives a call on a multi handle to its end.
 *
 * @param start as for {@linkcode drive}
 * @throws what the call failed with; `cause` is what a function of the multi
 * handle itself threw
 */
export function driveCrowd(crowd: Crowd, start: () => number): void {
  const outer = crowd.takeFailure();
  const before = innermost;
  innermost = { id: crowd.handle, crowd, before };
  let slot: number;
  try {
    slot = answerAll(crowd.handle, start);
  } finally {
    innermost = before;
  }
  const thrown = crowd.takeFailure();
  crowd.keepFailure(outer);
  conclude(slot, thrown);
  if (thrown !== undefined) throw crowdAborted(thrown);
}

/** Answers what the call `id` asks; gives 0, or the status below 0. */
function answerAll(id: number, start: () => number): number {
  const count = call.waiting();
  try {
    let slot = start();
    while (slot > 0) {
      // One around it, or an asynchronous transfer, may be asked meanwhile.
      const about = call.numbers[call.ABOUT];
      const reply = answererOf(about)?.answer(slot, about) ?? hear(slot);
      slot = call.resume(id, reply);
    }
    return slot;
  } catch (error) {
    // Nothing of ours throws, but the stack may be at its end anywhere.
    call.abandon(count);
    throw error;
  }
}

function answererOf(about: number): Answerer | undefined {
  for (let driven = innermost; driven; driven = driven.before) {
    if (driven.id === about && driven.callbacks) return driven.callbacks;
  }
  for (let driven = innermost; driven; driven = driven.before) {
    const member = driven.crowd?.find(about);
    if (member !== undefined) return member;
  }
}

function conclude(slot: number, thrown: Failure | undefined): void {
  if (slot < 0) throw startFailure(slot, thrown);
  const status = call.numbers[0];
  if (status !== 0) throw failure(status, thrown);
}
