/**
 * Asynchronous calls on whatever there is, which nobody foretells, and shares
 * that close when they can.
 *
 * @module
 */

import * as curl from "../mod.ts";
import { allowed, anyCurl } from "./curl_operations.ts";
import { type Body, hasRoom, launch, remove } from "./flights.ts";
import {
  type CurlEntry,
  type Frame,
  phasesOf,
  type ShareEntry,
} from "./objects.ts";
import {
  type Allowed,
  failed,
  FOREIGN_CALLBACK,
  idleOnly,
  KEEPS_CONNECTION,
  NO_SHARE,
  type Outcome,
  SHARE_CLOSED,
  SHARE_CLOSING,
  SHARE_HOLDS_CONNECTION,
  SOURCE_IN_USE,
  TRANSFER_CODES,
} from "./outcomes.ts";
import { mayBeClosing, prepare } from "./performing.ts";
import { readNot, readWhole } from "./readers.ts";
import { anyShare, attach } from "./share_operations.ts";
import type { Pending, Walk } from "./walk.ts";

/** When a closing is given up at the latest. */
const CLOSING_MS = 1_000;

function startResults(walk: Walk, entry: CurlEntry): Allowed[] {
  const idle: Allowed[] = ["ok", failed(TRANSFER_CODES)];
  if (entry.mayBeForeign) idle.push(FOREIGN_CALLBACK);
  if (entry.mayHoldConnection) idle.push(KEEPS_CONNECTION);
  if (mayBeClosing(entry)) idle.push(SHARE_CLOSING);
  if (entry.mimes.size > 0) idle.push(SOURCE_IN_USE);
  return allowed(walk, entry, idleOnly("perform", ...idle));
}

/** A transfer with what is set, whoever set it. */
export function performAsync(
  walk: Walk,
  entry: CurlEntry = anyCurl(walk),
): void {
  const { random } = walk;
  if (entry.isLocked || !hasRoom(walk)) return;
  const isIdle = phasesOf(entry, walk.frames)[0] === "idle";
  if (isIdle && random.chance(700)) prepare(walk, entry);
  const { curl: handle } = entry;
  const [what, start] = random.pick<
    [string, (signal: AbortSignal, frame: Frame) => Promise<Body>]
  >([
    ["perform()", (signal) => handle.perform({ signal })],
    ["performBytes()", (signal) => handle.performBytes({ signal })],
    ["performStream()", async (signal) => {
      return await readWhole(random, await handle.performStream({ signal }));
    }],
    ["performStream(), given up", async (signal, frame) => {
      // Whoever does not want the body is not told why it failed.
      frame.mayMissCause = true;
      return await readNot(random, await handle.performStream({ signal }));
    }],
  ]);
  launch(walk, entry, {
    what,
    results: startResults(walk, entry),
    isForetold: false,
    start,
  });
}

/** Many at once on one share. */
export function performOnShare(walk: Walk): void {
  const { random, curls } = walk;
  const share = anyShare(walk);
  const some = curls.filter((entry) =>
    !entry.isLocked && phasesOf(entry, walk.frames)[0] === "idle"
  ).slice(-random.between(1, 4));
  for (const entry of some) {
    if (entry.attachment !== "yes") attach(walk, entry, share);
    performAsync(walk, entry);
  }
}

/** Lets go of one transfer, or of one closing. */
export function abortOne(walk: Walk): void {
  const some = walk.pending.filter(({ abortAt, frame }) =>
    abortAt !== undefined && !frame?.isAborted
  );
  if (some.length > 0) walk.random.pick(some).abort!();
}

/** What waiting for a share's end may come to. */
function closeResults({ share, isClosed, isPublic, members }: ShareEntry) {
  const results: Allowed[] = ["ok"];
  if (isClosed) return results;
  if (isPublic) results.push(NO_SHARE);
  const mayHold = [...members].some((member) => member.mayHoldConnection);
  if (share.detachOnClose && (isPublic || mayHold)) {
    results.push(SHARE_HOLDS_CONNECTION);
  }
  return results;
}

/** Closes a share when it is out of use, or gives up; whether it began to. */
export function closeAsync(walk: Walk, entry = anyShare(walk)): boolean {
  if (!hasRoom(walk)) return false;
  const { random } = walk;
  const controller = new AbortController();
  const reason = new Error("no longer waited for");
  let isAborted = false;
  const results = closeResults(entry);
  const what = `${entry} closeAsync()`;
  const { value } = walk.attempt(
    `${what} starts`,
    ["ok"],
    () => entry.share.closeAsync({ signal: controller.signal }),
    entry.share.handle,
  );
  const settle = (outcome: Outcome<void>) => {
    // Before the count changes: what came of it is looked up by that.
    const isClosed = outcome.error === undefined || entry.isClosed;
    remove(walk, pending);
    entry.closings--;
    walk.arrive(what, outcome);
    if (isClosed) entry.isClosed = true;
    if (isAborted && outcome.error as unknown === reason) return;
    const held = isClosed || entry.isPublic || entry.share.attached > 0;
    walk.judge(what, held ? [...results, ...closeResults(entry)] : results, {
      ...outcome,
    });
    if (outcome.error === undefined && !entry.share.closed) {
      walk.fail(`${what} is over, and the share is open`);
    }
  };
  entry.closings++;
  const pending: Pending = {
    what,
    settled: value!.then(
      () => settle({ value: undefined }),
      (error) => settle({ error }),
    ).catch((error) => walk.crash(error)),
    since: Date.now(),
    abortAt: Date.now() + random.below(CLOSING_MS),
    abort() {
      walk.note(`${what} is given up`);
      isAborted = true;
      controller.abort(reason);
    },
  };
  walk.pending.push(pending);
  return true;
}

/** Closes a share in use, and sees that nothing new begins on it. */
export function closeInUse(walk: Walk): void {
  const { random } = walk;
  const shares = walk.shares.filter((entry) =>
    !entry.isPublic && !entry.isClosed && entry.members.size > 0
  );
  if (shares.length === 0) return;
  const share = random.pick(shares);
  const member = random.pick([...share.members]);
  if (!hasRoom(walk) || member.isLocked) return;
  performAsync(walk, member);
  if (!closeAsync(walk, share)) return;
  const { value } = walk.attempt(
    "new Curl()",
    ["ok"],
    () => new curl.Curl(),
  );
  const other = walk.addCurl(value!, false);
  walk.attemptOn(
    other,
    `setopt(SHARE, ${share})`,
    share.isClosed ? [SHARE_CLOSED] : [SHARE_CLOSING],
    () => other.curl.setopt(curl.SHARE, share.share),
  );
}
