/**
 * Turns the library's engine, on which the asynchronous transfers of this
 * isolate run, for as long as anything is pending, and passes on what it tells.
 *
 * A turn does what can be done at once, on this thread. Between turns, a call
 * on another thread waits for whatever comes first; it keeps the process alive.
 *
 * @module
 */

import { ABORT } from "./callbacks.ts";
import { startFailure } from "./errors.ts";
import * as call from "./ffi/call.ts";
import { IdMap } from "./id_map.ts";

/** What the engine tells beside the questions of callbacks. */
export const DONE = 64;
/** There is something for the reader of a body. */
export const DATA = 65;
/** Nothing keeps a share any more from being closed. */
export const CLOSABLE = 66;

/** Whom the engine tells about one handle. */
export interface Listener {
  /** Answers a question, by its slot's number, or hears an event. */
  hear(event: number): number;
  /** The engine can't go on. */
  lose(error: Error): void;
}

/** Somebody who waits for what comes of a stream. */
export interface Reader {
  /** The handle. */
  readonly id: number;
  /** Where the bytes may go; nothing if it waits no more. */
  room(): Uint8Array<ArrayBuffer> | undefined;
}

/** After so many milliseconds of turns the rest of the program has its own. */
const STREAK = 1;
/** The same for what flows. */
const MOMENT = 0.25;

const listeners = new IdMap<Listener>();
/** Whoever began to wait last for a stream. */
let reader: Reader | undefined;
/** A turn comes before anything else happens, or else it is to come later. */
let isDue = false;
/** One comes later, unless another comes before. */
let isExpected = false;
/** The rest of the program is about to have its turn. */
let isYielding = false;
/** A call on another thread waits for what the next turn is for. */
let isWaiting = false;
/** When the turns began that have followed one another without a wait; or 0. */
let streak = 0;

/** Starts a transfer; gives a status. */
export function start(
  id: number,
  output: number,
  listener: Listener,
): number {
  // First: nothing must fail once the transfer has started, at the stack's end
  // or for want of a permission.
  call.findEngine();
  turnSoon();
  const status = call.start(id, output);
  if (status === 0) listeners.set(id, listener);
  return status;
}

/** Ends a transfer: it is done in the next turn. */
export function cancel(id: number): void {
  call.cancel(id);
  turnSoon();
}

/** Has a share refuse newcomers, and tells when it can be closed: a status. */
export function expectClosing(share: number, listener: Listener): number {
  call.findEngine();
  turnSoon();
  const status = call.shareClosing(share, true);
  if (status === 0) listeners.set(share, listener);
  return status;
}

/** Takes that back, if the share is still open. */
export function stopClosing(share: number): void {
  listeners.delete(share);
  call.shareClosing(share, false);
  turnSoon();
}

/** Passes on what `numbers` are about, and gives the answer. */
export function hear(event: number): number {
  const id = call.numbers[call.ABOUT];
  const listener = listeners.get(id);
  if (event === DONE) listeners.delete(id);
  return listener?.hear(event) ?? ABORT;
}

/** Something of a handle's was changed: if a transfer runs, a turn is due. */
export function changed(id: number): void {
  if (listeners.has(id)) turnSoon();
}

/** Something was changed that only a turn makes use of. */
export function turnSoon(): void {
  if (!isDue) turnNext();
}

/** The same, for what somebody waits for: nothing else comes before. */
export function turnAtOnce(): void {
  if (!isDue || isExpected) turnNext();
}

function turnNext(): void {
  queueMicrotask(turn);
  isDue = true;
  isExpected = false;
}

/** Has turns bring what this reader waits for. */
export function bring(to: Reader): void {
  reader = to;
  turnOn();
}

/**
 * Has a turn for a transfer that may have more to do at once, time and again:
 * timers need not be later for it than for a long turn.
 */
export function turnOn(): void {
  // There is one when that is over.
  if (isWaiting) return;
  if (streak === 0 || performance.now() - streak < MOMENT) turnAtOnce();
  else if (!isDue) turnLater();
}

/** Has a turn after everything that is due by now. */
function turnLater(): void {
  isDue = true;
  isExpected = true;
  if (isYielding) return;
  isYielding = true;
  setImmediate(turnAgain);
}

function turnAgain(): void {
  isYielding = false;
  streak = 0;
  if (isExpected) turn();
}

function turn(): void {
  const now = performance.now();
  if (streak === 0) streak = now;
  else if (now - streak > STREAK) return turnLater();
  isDue = false;
  isExpected = false;
  // Whatever was left without an answer is aborted.
  let reply = ABORT;
  let event: number;
  let isEventful = false;
  while ((event = callTurn(reply)) > 0) {
    isEventful = true;
    try {
      reply = hear(event);
    } catch (error) {
      // Nothing of ours throws; if it does, the others still go on.
      reply = ABORT;
      reportError(error);
    }
  }
  if (event < 0) loseAll(startFailure(event));
  else if (call.numbers[0] > 0 && !isDue && !isWaiting) {
    // What has happened may lead to more before there is nothing but to wait.
    if (isEventful || call.numbers[1] !== 0) turnLater();
    else wait();
  }
}

function callTurn(reply: number): number {
  const room = reader?.room();
  if (room !== undefined) return call.turnFor(reader!.id, room, reply);
  reader = undefined;
  return call.turn(reply);
}

function wait(): void {
  isWaiting = true;
  call.wait().then(awake, awake);
}

function awake(): void {
  isWaiting = false;
  streak = 0;
  if (!isDue) turn();
}

function loseAll(error: Error): void {
  const lost = listeners.values();
  listeners.clear();
  for (const listener of lost) listener.lose(error);
}
