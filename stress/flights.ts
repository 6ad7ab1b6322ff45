/**
 * Asynchronous transfers from their start to what their promise comes to.
 *
 * @module
 */

import { bodyProblem, joined } from "./body.ts";
import { type CurlEntry, type Frame, newFrame } from "./objects.ts";
import type { Allowed, Outcome } from "./outcomes.ts";
import * as curl from "../mod.ts";
import type { Pending, Walk } from "./walk.ts";

/** More than these are not begun. */
const MOST_PENDING = 12;
/** After an abort, or from its start if its end is foretold. */
const LONGEST_MS = 20_000;
/** When what nobody foretells is aborted at the latest. */
const PATIENCE_MS = 3_000;
/** How long a Worker that has nothing else to do waits for one of them. */
const REST_MS = 50;

/** A body, or nothing if it went to a function. */
export type Body = Uint8Array | void;

/** How a transfer is to go. */
export interface Plan {
  /** The call in words. */
  readonly what: string;
  readonly results: readonly Allowed[];
  /** Whether nothing but what is allowed will end it. */
  readonly isForetold: boolean;
  /** Starts it; never throws. */
  start(signal: AbortSignal, frame: Frame): Promise<Body>;
  /** What else is true of its end. */
  settled?(outcome: Outcome<Body>, frame: Frame): void;
}

/** One that is under way. */
export interface Flight extends Pending {
  readonly frame: Frame;
  readonly reason: unknown;
  abort(): void;
}

export function hasRoom(walk: Walk): boolean {
  return walk.pending.length < MOST_PENDING;
}

/** Starts a transfer, and judges what it comes to. */
export function launch(walk: Walk, entry: CurlEntry, plan: Plan): Flight {
  const { random } = walk;
  const frame = newFrame("flight", entry);
  const controller = new AbortController();
  // Not one of a transfer's own failures.
  const reason = random.pick<unknown>([
    new Error("aborted by the walk"),
    "a reason",
    { a: "reason" },
  ]);
  const share = entry.attachment === "yes" ? entry.share : null;
  const { value: promise } = walk.attempt(
    `${entry} ${plan.what} starts`,
    ["ok"],
    () => plan.start(controller.signal, frame),
    entry.curl.handle,
  );
  const settle = (outcome: Outcome<Body>) => {
    remove(walk, flight);
    entry.flights.delete(frame);
    if (share) {
      share.flying--;
      if (wasStarted(outcome, frame, reason)) share.transfers++;
    }
    judge(walk, flight, plan, outcome);
  };
  const flight: Flight = {
    what: `${entry} ${plan.what}`,
    frame,
    reason,
    since: Date.now(),
    abortAt: plan.isForetold
      ? undefined
      : Date.now() + random.below(PATIENCE_MS),
    settled: promise!.then(
      (value) => settle({ value }),
      (error) => settle({ error }),
    ).catch((error) => walk.crash(error)),
    abort() {
      walk.note(`${flight.what} is aborted`);
      frame.isAborted = true;
      flight.since = Date.now();
      controller.abort(reason);
    },
  };
  walk.pending.push(flight);
  entry.flights.add(frame);
  if (share) share.flying++;
  return flight;
}

/** Whether its share has counted it. */
function wasStarted({ error }: Outcome, frame: Frame, reason: unknown) {
  if (error === undefined) return true;
  if (frame.isAborted && error === reason) return true;
  return error instanceof curl.CurlError && error.code !== undefined;
}

function judge(
  walk: Walk,
  { what, frame, reason }: Flight,
  plan: Plan,
  outcome: Outcome<Body>,
): void {
  const isReason = frame.isAborted && outcome.error === reason;
  walk.arrive(what, outcome);
  if (isReason) return plan.settled?.(outcome, frame);
  walk.judge(what, plan.results, outcome);
  walk.checkCause(frame, what, outcome);
  if (outcome.error === undefined && !frame.isTouched && !frame.isAmbiguous) {
    const body = outcome.value ?? joined(frame.pieces);
    const problem = body.length > 0 ? bodyProblem(body) : undefined;
    if (problem) walk.fail(`${what} gave ${problem}`);
  }
  plan.settled?.(outcome, frame);
}

/** It is over. */
export function remove(walk: Walk, pending: Pending): void {
  walk.pending.splice(walk.pending.indexOf(pending), 1);
}

/** Aborts what has had its time, and finds what does not end. */
export function tend(walk: Walk): void {
  const now = Date.now();
  for (const pending of [...walk.pending]) {
    const { what, abortAt, frame } = pending;
    if (now - pending.since > LONGEST_MS) {
      walk.fail(
        `${what} does not end${frame?.isAborted ? ", though aborted" : ""}`,
      );
    }
    const isAborted = frame?.isAborted || abortAt === undefined;
    if (!isAborted && now > abortAt) pending.abort?.();
  }
}

/** Lets everything else happen; at times waits for some of it. */
export async function rest(walk: Walk): Promise<void> {
  const { random, pending } = walk;
  const ms = random.chance(300) && pending.length > 0 ? REST_MS : 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  // What is awaited here is not what is left when the Worker ends.
  if (ms > 0) await Promise.race([late, random.pick(pending).settled]);
  else await late;
  clearTimeout(timer);
}
