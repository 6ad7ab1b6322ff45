/**
 * Transfers in a multi handle whose ends are foretold, in a program's loop.
 *
 * @module
 */

import * as curl from "../mod.ts";
import { joined } from "./body.ts";
import { close as closeCurl, newCurl, set } from "./curl_operations.ts";
import { TAME } from "./functions.ts";
import { MULTI_SLOTS } from "./multi_functions.ts";
import {
  addTo,
  close,
  newMulti,
  perform,
  readInfo,
  removeFrom,
  selectSync,
  setFunctionIn,
} from "./multi_operations.ts";
import type { CurlEntry, Frame, MultiEntry } from "./objects.ts";
import { type Allowed, failed, type Outcome } from "./outcomes.ts";
import { goodTarget, type Target } from "./settings.ts";
import { attach, newShare } from "./share_operations.ts";
import { compare } from "./transfers.ts";
import { type Foretold, setHabit, type Twist, TWISTS } from "./twists.ts";
import type { Walk } from "./walk.ts";

/** What a loop may take. */
const LONGEST_MS = 8_000;

/** Fresh handles in a fresh multi handle, each with a twist, to their ends. */
export function foretoldInMulti(walk: Walk): void {
  const { random } = walk;
  const multi = newMulti(walk);
  multi.isLocked = true;
  for (const slot of MULTI_SLOTS) {
    if (random.chance(400)) setFunctionIn(walk, multi, slot, TAME);
  }
  if (random.chance(400)) {
    walk.attempt(`${multi} notifyEnable()`, ["ok"], () => {
      multi.multi.notifyEnable(curl.M_NOTIFY_EASY_DONE);
    });
  }
  const entries: CurlEntry[] = [];
  for (let left = random.between(1, 4); left > 0; left--) {
    entries.push(enter(walk, multi));
  }
  run(walk, multi);
  leave(walk, multi, entries);
}

/** A new handle with a twist is in it. */
function enter(walk: Walk, multi: MultiEntry): CurlEntry {
  const { random, site } = walk;
  const entry = newCurl(walk);
  entry.isLocked = true;
  if (random.chance(200)) {
    const kinds = [curl.LOCK_DATA_DNS, curl.LOCK_DATA_SSL_SESSION];
    attach(walk, entry, newShare(walk, kinds));
  }
  const twist = random.pick(TWISTS);
  const target = goodTarget(random, site, twist.schemes);
  set(walk, entry, curl.CAINFO, `${site.folder}/ca.pem`);
  set(walk, entry, curl.URL, target.url);
  setHabit(walk, entry, "WRITEFUNCTION", TAME);
  const foretold = twist.prepare(walk, entry, target);
  if (!addTo(walk, multi, entry)) walk.fail(`${entry} is not in ${multi}`);
  const frame = entry.membership!;
  frame.name = twist.name;
  frame.settled = (outcome) => {
    settled(walk, { entry, frame, twist, target, foretold }, outcome);
  };
  return entry;
}

interface Course {
  readonly entry: CurlEntry;
  readonly frame: Frame;
  readonly twist: Twist;
  readonly target: Target;
  readonly foretold: Foretold;
}

function settled(
  walk: Walk,
  { entry, frame, twist, target, foretold }: Course,
  outcome: Outcome,
): void {
  const { codes } = foretold;
  const what = `${twist.name} in a multi handle`;
  const result: Allowed = codes ? failed(codes) : "ok";
  walk.judge(what, [result], outcome);
  walk.checkCause(frame, what, outcome);
  if (outcome.error !== undefined) return;
  compare(walk, entry, what, { foretold, target }, () => joined(frame.pieces));
}

/** The program's loop. */
function run(walk: Walk, multi: MultiEntry): void {
  const deadline = Date.now() + LONGEST_MS;
  const members = [...multi.members.values()];
  while (members.some(({ isTold }) => !isTold)) {
    perform(walk, multi);
    readInfo(walk, multi);
    selectSync(walk, multi);
    if (Date.now() > deadline) {
      const left = members.filter(({ isTold }) => !isTold);
      const names = left.map(({ name }) => name).join(", ");
      walk.fail(`in ${multi} there does not end: ${names}`);
    }
  }
}

/** Everything goes as it came, or with the multi handle. */
function leave(
  walk: Walk,
  multi: MultiEntry,
  entries: readonly CurlEntry[],
): void {
  const { random } = walk;
  for (const entry of entries) {
    if (random.chance(500)) removeFrom(walk, multi, entry);
  }
  close(walk, multi);
  if (!multi.isClosed) walk.fail(`${multi} is open`);
  for (const entry of entries) {
    if (!entry.isClosed) closeCurl(walk, entry);
    entry.isLocked = false;
  }
}
