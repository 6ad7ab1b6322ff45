/**
 * Transfers whose end is foretold: fresh options on a handle of this Worker's
 * own, and one twist.
 *
 * @module
 */

import * as curl from "../mod.ts";
import { bodyProblem, joined } from "./body.ts";
import { call, newCurl, ownCurl, reset, set } from "./curl_operations.ts";
import { TAME } from "./functions.ts";
import type { CurlEntry } from "./objects.ts";
import {
  type Allowed,
  failed,
  insideToo,
  OWN_TURN,
  SHARE_CLOSING,
} from "./outcomes.ts";
import { performResults, transfer } from "./performing.ts";
import { goodTarget, type Target } from "./settings.ts";
import { attach, newShare } from "./share_operations.ts";
import {
  type Foretold,
  setHabit,
  setPlain,
  type Twist,
  TWISTS,
} from "./twists.ts";
import type { Walk } from "./walk.ts";

/** An engine asks for one that waits for another on it. */
const INSIDE: Twist = {
  name: "a transfer inside",
  schemes: "http",
  prepare(walk, entry, target) {
    if (entry.attachment === "no") attach(walk, entry, newShare(walk));
    const { share } = entry;
    const { origin } = new URL(target.url);
    let isFirst = true;
    set(walk, entry, curl.FORBID_REUSE, true);
    setHabit(walk, entry, "CLOSESOCKETFUNCTION", TAME);
    setPlain(walk, entry, curl.HEADERFUNCTION, "HEADERFUNCTION", () => {
      if (!isFirst || share === null || walk.frames.length > 2) return;
      isFirst = false;
      const inner = newCurl(walk);
      if (!attach(walk, inner, share)) return;
      set(walk, inner, curl.CAINFO, `${walk.site.folder}/ca.pem`);
      set(walk, inner, curl.URL, `${origin}/slow/5000/5`);
      transfer(walk, inner, performResults(walk, inner), true);
    });
    return {};
  },
};

/** Does a transfer with a twist, and compares. */
export function foretold(walk: Walk): void {
  const entry = ownCurl(walk);
  if (entry.mayHoldConnection) return;
  const { random, site } = walk;
  const twist = random.pick([...TWISTS, INSIDE]);
  const target = goodTarget(random, site, twist.schemes);
  reset(walk, entry);
  entry.isLocked = true;
  try {
    set(walk, entry, curl.CAINFO, `${site.folder}/ca.pem`);
    set(walk, entry, curl.URL, target.url);
    setHabit(walk, entry, "WRITEFUNCTION", TAME);
    perform(walk, entry, twist, target);
  } finally {
    entry.isLocked = false;
  }
  // Not to be performed again with such options.
  reset(walk, entry);
}

function perform(
  walk: Walk,
  entry: CurlEntry,
  twist: Twist,
  target: Target,
): void {
  const foretold = twist.prepare(walk, entry, target);
  const { codes } = foretold;
  const collects = foretold.collects ?? walk.random.chance(500);
  const results = performResults(walk, entry);
  const refusals = results.filter((one) =>
    one === OWN_TURN || one === SHARE_CLOSING
  );
  const isRefused = refusals.length === results.length;
  const result: Allowed = codes ? failed(codes) : "ok";
  const { outcome, frame } = transfer(
    walk,
    entry,
    isRefused ? refusals : [result, ...refusals],
    collects,
  );
  if (outcome.error !== undefined || codes) return;
  compare(
    walk,
    entry,
    twist.name,
    { foretold, target },
    () => collects ? outcome.value! : joined(frame.pieces),
  );
}

/** Compares what a transfer that went well has brought. */
export function compare(
  walk: Walk,
  entry: CurlEntry,
  what: string,
  { foretold, target }: { foretold: Foretold; target: Target },
  body: () => Uint8Array,
): void {
  const { status, isOther } = foretold;
  if (status !== undefined) {
    const { value } = call(
      walk,
      entry,
      "getinfo(RESPONSE_CODE)",
      insideToo("getinfo", "ok"),
      () => entry.curl.getinfo(curl.RESPONSE_CODE),
    );
    if (value !== status) {
      walk.fail(`${what}: the status is ${value}, not ${status}`);
    }
  }
  if (isOther) return;
  const problem = bodyProblem(body(), target.shape);
  if (problem) walk.fail(`${what}: ${target.url} gave ${problem}`);
}
