/**
 * Synchronous transfers with whatever is set, and what any may come to.
 *
 * @module
 */

import * as curl from "../mod.ts";
import { bodyProblem, joined } from "./body.ts";
import {
  allowed,
  anyCurl,
  reset,
  set,
  setFunctionOf,
} from "./curl_operations.ts";
import { isWaitedFor, slot } from "./functions.ts";
import type { CurlEntry, Frame, MultiEntry } from "./objects.ts";
import {
  type Allowed,
  BLOB,
  failed,
  FOREIGN_CALLBACK,
  idleOnly,
  type Outcome,
  OWN_TURN,
  SHARE_CLOSING,
  SOURCE_IN_USE,
  STREAM,
  TRANSFER_CODES,
} from "./outcomes.ts";
import { goodTarget } from "./settings.ts";
import type { Walk } from "./walk.ts";

/** What a perform may come to, with whatever options. */
export function performResults(walk: Walk, entry: CurlEntry): Allowed[] {
  const turn = ownTurn(walk, entry);
  const idle: Allowed[] = turn === "yes"
    ? [OWN_TURN]
    : ["ok", failed(TRANSFER_CODES)];
  if (turn === "maybe") idle.push(OWN_TURN);
  if (entry.mayBeForeign) idle.push(FOREIGN_CALLBACK);
  if (mayBeClosing(entry)) idle.push(SHARE_CLOSING);
  if (entry.mimes.size > 0) idle.push(SOURCE_IN_USE);
  return allowed(
    walk,
    entry,
    idleOnly("perform", ...idle),
    ...(entry.mayPipe ? [STREAM] : []),
    ...(entry.mimes.size > 0 ? [BLOB] : []),
  );
}

const EXCLUSIVE = [
  curl.LOCK_DATA_COOKIE,
  curl.LOCK_DATA_CONNECT,
  curl.LOCK_DATA_HSTS,
];

/** Whether somebody may be closing its share. */
export function mayBeClosing(entry: CurlEntry): boolean {
  return entry.attachment === "maybe" ||
    entry.attachment === "yes" && entry.share!.closings > 0;
}

/** Whether its transfer runs on the engine of its share. */
function isElsewhere({ share }: CurlEntry): boolean {
  return share !== null && EXCLUSIVE.some((kind) => share.kinds.has(kind));
}

/** Whether it may: nobody knows what a public share is of. */
export function mayBeElsewhere(entry: CurlEntry): boolean {
  return entry.attachment === "maybe" || isElsewhere(entry);
}

/** Whether calls on it take the turns of shares that have an engine. */
export function mayTakeTurns(multi: MultiEntry): boolean {
  return multi.isPublic || [...multi.members.keys()].some(mayBeElsewhere);
}

/**
 * Whether a transfer would wait for itself: the engine of its share waits for
 * the answer of a callback that this Worker is in.
 */
export function ownTurn(walk: Walk, entry: CurlEntry): "no" | "yes" | "maybe" {
  if (entry.attachment === "no") return "no";
  if (entry.attachment === "maybe") return "maybe";
  if (!isElsewhere(entry)) return "no";
  const crowds = walk.frames.map((frame) => frame.multi ?? frame.entry?.multi);
  if (crowds.some((multi) => multi && mayTakeTurns(multi))) return "maybe";
  const others = walk.frames.filter((frame) =>
    frame.entry?.share === entry.share && frame.kind !== "close"
  );
  if ([entry, ...others.map((frame) => frame.entry!)].some(mayHold)) {
    return "maybe";
  }
  const asking = others.filter(({ answering }) => answering.some(isWaitedFor));
  // Nobody waits for what was aborted.
  if (asking.some(({ isAborted }) => isAborted)) return "maybe";
  return asking.length > 0 ? "yes" : "no";
}

function mayHold({ mayHoldConnection }: CurlEntry): boolean {
  return mayHoldConnection;
}

/** A transfer with what is set, whoever set it. */
export function perform(walk: Walk): void {
  const entry = anyCurl(walk);
  const { random } = walk;
  // A transfer in its place would not be the one that was foretold.
  if (entry.isLocked && entry.flights.size > 0) return;
  if (!entry.isLocked && random.chance(500)) prepare(walk, entry);
  transfer(walk, entry, performResults(walk, entry), random.chance(500));
}

/** Takes others' functions back. */
export function prepare(walk: Walk, entry: CurlEntry): void {
  const { random, site } = walk;
  if (random.chance(500)) reset(walk, entry);
  set(walk, entry, curl.URL, goodTarget(random, site).url);
  if (random.chance(500)) setFunctionOf(walk, entry, slot("WRITEFUNCTION"));
}

/** A perform, and what is true of any. */
export function transfer(
  walk: Walk,
  entry: CurlEntry,
  results: readonly Allowed[],
  collects: boolean,
): { outcome: Outcome<Uint8Array | void>; frame: Frame } {
  const share = entry.attachment === "yes" ? entry.share : null;
  const what = collects ? "performBytesSync()" : "performSync()";
  const result = walk.drive<Uint8Array | void>(
    "perform",
    entry,
    what,
    results,
    () => collects ? entry.curl.performBytesSync() : entry.curl.performSync(),
  );
  const { outcome, frame } = result;
  const { error } = outcome;
  const code = error instanceof curl.CurlError ? error.code : undefined;
  if (share && (error === undefined || code !== undefined)) share.transfers++;
  if (error === undefined && !frame.isTouched && !frame.isAmbiguous) {
    const body = collects ? outcome.value! : joined(frame.pieces);
    const problem = body.length > 0 ? bodyProblem(body) : undefined;
    if (problem) walk.fail(`${entry} ${what} gave ${problem}`);
  }
  return result;
}
