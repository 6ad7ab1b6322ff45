/**
 * Asynchronous transfers whose end is foretold, which go on while the walk does
 * something else.
 *
 * @module
 */

import * as curl from "../mod.ts";
import { ASYNC_TWISTS, type AsyncForetold } from "./async_twists.ts";
import { bodyProblem, joined } from "./body.ts";
import { call, ownCurl, reset, set } from "./curl_operations.ts";
import { type Body, type Flight, hasRoom, launch } from "./flights.ts";
import { TAME } from "./functions.ts";
import type { CurlEntry, Frame } from "./objects.ts";
import {
  type Allowed,
  BLOB,
  failed,
  insideToo,
  type Outcome,
  running,
  SHARE_CLOSING,
  STREAM,
} from "./outcomes.ts";
import { mayBeClosing, performResults } from "./performing.ts";
import { readNot, readWhole } from "./readers.ts";
import { goodTarget, type Target } from "./settings.ts";
import { setHabit, setPlain, TWISTS } from "./twists.ts";
import type { Walk } from "./walk.ts";

/** How a transfer is aborted, if it is. */
type Abort = "at once" | "in a callback" | "later";

/** How its body is to be had. */
type Way = "perform" | "performBytes" | "performStream" | "given up";

/** A twist, on its way. */
interface Course {
  readonly name: string;
  readonly entry: CurlEntry;
  readonly target: Target;
  readonly foretold: AsyncForetold;
  readonly way: Way;
  readonly abort: Abort | undefined;
}

/** Starts a transfer with a twist; what it comes to is compared later. */
export function foretoldAsync(walk: Walk): void {
  if (!hasRoom(walk)) return;
  const entry = ownCurl(walk);
  if (entry.mayHoldConnection) return;
  const { random, site } = walk;
  const twists = random.chance(500) ? TWISTS : ASYNC_TWISTS;
  const twist = random.pick(twists);
  const abort = random.chance(250)
    ? random.pick<Abort>(["at once", "in a callback", "later"])
    : undefined;
  const schemes = abort === "in a callback" ? "http" : twist.schemes;
  const target = goodTarget(random, site, schemes);
  reset(walk, entry);
  entry.isLocked = true;
  set(walk, entry, curl.CAINFO, `${site.folder}/ca.pem`);
  set(walk, entry, curl.URL, target.url);
  setHabit(walk, entry, "WRITEFUNCTION", TAME);
  const isPlain = abort === "in a callback";
  const foretold: AsyncForetold = isPlain
    ? {}
    : twist.prepare(walk, entry, target);
  const way = foretold.collects === false
    ? "perform"
    : random.pick<Way>(["perform", "performBytes", "performStream"]);
  const isGivenUp = way === "performStream" && !isPlain && !foretold.codes &&
    foretold.status === undefined && random.chance(400);
  begin(walk, {
    name: isPlain ? "nothing" : twist.name,
    entry,
    target,
    foretold,
    way: isGivenUp ? "given up" : way,
    abort,
  });
}

function begin(walk: Walk, course: Course): void {
  const { name, entry, foretold, way, abort } = course;
  if (abort === "in a callback") {
    setPlain(walk, entry, curl.HEADERFUNCTION, "HEADERFUNCTION", () => {
      if (!flight.frame.isAborted) flight.abort();
    });
  }
  const refusals = mayBeClosing(entry) ? [SHARE_CLOSING] : [];
  const end: Allowed = foretold.codes ? failed(foretold.codes) : "ok";
  // Some that fail have sent what they can before.
  const ends: Allowed[] = way === "given up" ? ["ok"] : [end];
  const isCertain = abort === "at once" || abort === "in a callback";
  const flight: Flight = launch(walk, entry, {
    what: `${way} (${name}${abort ? `, aborted ${abort}` : ""})`,
    results: isCertain ? refusals : [...ends, ...refusals],
    isForetold: true,
    start(signal, frame) {
      frame.expected = foretold.expected;
      // Whoever does not want the body is not told why it failed.
      frame.mayMissCause ||= way === "given up";
      return start(walk, entry, way, signal);
    },
    settled: (outcome, frame) => settled(walk, course, outcome, frame),
  });
  if (refusals.length === 0) isRunning(walk, entry, foretold);
  if (abort === "at once") flight.abort();
  if (abort === "later") {
    setTimeout(() => {
      if (walk.pending.includes(flight)) flight.abort();
    }, walk.random.below(12));
  }
}

function start(
  { random }: Walk,
  { curl: handle }: CurlEntry,
  way: Way,
  signal: AbortSignal,
): Promise<Body> {
  switch (way) {
    case "perform":
      return handle.perform({ signal });
    case "performBytes":
      return handle.performBytes({ signal });
    case "performStream":
      return handle.performStream({ signal })
        .then((body) => readWhole(random, body));
    case "given up":
      return handle.performStream({ signal })
        .then((body) => readNot(random, body));
  }
}

/** Before the first turn, one that has begun certainly runs. */
function isRunning(
  walk: Walk,
  entry: CurlEntry,
  { streams }: AsyncForetold,
): void {
  const { random } = walk;
  if (random.chance(700)) return;
  const [method, act] = random.pick<[string, () => unknown]>([
    ["perform", () => entry.curl.performSync()],
    ["reset", () => entry.curl.reset()],
    ["errstr", () => entry.curl.errstr()],
    ["duphandle", () => entry.curl.duphandle()],
    ["close", () => entry.curl.close()],
    ["getinfo", () => entry.curl.getinfo(curl.RESPONSE_CODE)],
    ["setopt", () => entry.curl.setopt(curl.URL, "http://127.0.0.1:1/")],
  ]);
  const isPerform = method === "perform";
  const refusals = isPerform && streams
    ? [STREAM]
    : [running(method), ...isPerform ? [BLOB] : []];
  walk.attemptOn(entry, `${method}() as it runs`, refusals, act);
}

function settled(
  walk: Walk,
  { name, entry, target, foretold, way, abort }: Course,
  outcome: Outcome<Body>,
  frame: Frame,
): void {
  const { status, isOther, streams, codes } = foretold;
  if (abort === "in a callback" && frame.pieces.length > 0) {
    walk.fail(`${name}: a function was called after that`);
  }
  for (const { locked } of streams ?? []) {
    if (locked) walk.fail(`${name}: a stream is still locked`);
  }
  const isWhole = outcome.error === undefined && !codes && way !== "given up";
  if (isWhole && status !== undefined) {
    const { value } = call(
      walk,
      entry,
      "getinfo(RESPONSE_CODE)",
      insideToo("getinfo", "ok"),
      () => entry.curl.getinfo(curl.RESPONSE_CODE),
    );
    if (value !== status) {
      walk.fail(`${name}: the status is ${value}, not ${status}`);
    }
  }
  if (isWhole && !isOther) {
    const body = outcome.value ?? joined(foretold.pieces ?? frame.pieces);
    const problem = bodyProblem(body, target.shape);
    if (problem) walk.fail(`${name}: ${target.url} gave ${problem}`);
  }
  entry.isLocked = false;
  reset(walk, entry);
}

/** A signal that is aborted already: whatever the handle does, all stays. */
export function abortedBefore(walk: Walk): void {
  const entry = ownCurl(walk);
  const reason = { a: "reason" };
  const signal = AbortSignal.abort(reason);
  const results = performResults(walk, entry);
  const { value } = walk.attemptOn(
    entry,
    "perform(aborted)",
    ["ok"],
    () =>
      walk.random.pick([
        () => entry.curl.perform({ signal }),
        () => entry.curl.performText({ signal }),
        () => entry.curl.performStream({ signal }),
      ])(),
  );
  const wrong = (error?: unknown) => {
    if (error === reason) return;
    walk.fail(
      `${entry} aborted before gave ${Deno.inspect(error)}, of ${results}`,
    );
  };
  value!.then(() => wrong(), wrong).catch((error) => walk.crash(error));
  call(walk, entry, "errstr()", insideToo("errstr", "ok"), () => {
    entry.curl.errstr();
  });
}
