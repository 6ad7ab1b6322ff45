/**
 * Calls on multi handles, and handles going into them and leaving them.
 *
 * @module
 */

import * as curl from "../mod.ts";
import { bodyProblem, joined } from "./body.ts";
import { anyCurl, call, markClosed, newCurl, set } from "./curl_operations.ts";
import { hasRoom, remove } from "./flights.ts";
import { setFunctionOf } from "./curl_operations.ts";
import { type Habits, slot, WILD } from "./functions.ts";
import { makeMultiFunction, MULTI_SLOTS } from "./multi_functions.ts";
import {
  addResults,
  isReachable,
  multiFailed,
  multiResults,
  removeResults,
} from "./multi_outcomes.ts";
import {
  type CurlEntry,
  type Frame,
  isClosing,
  type MultiEntry,
  newFrame,
} from "./objects.ts";
import {
  type Allowed,
  CALLBACK_CODES,
  failed,
  inMulti,
  insideToo,
  noSuchHandle,
  type Outcome,
  running,
  TRANSFER_CODES,
  wrongRange,
  wrongType,
} from "./outcomes.ts";
import { goodTarget } from "./settings.ts";
import type { Pending, Walk } from "./walk.ts";

/** Seconds for `select`. */
const TIMEOUTS = [0, 0.002, 0.05, 1];

export function anyMulti(walk: Walk): MultiEntry {
  const { random, multis, frame } = walk;
  const at = frame?.multi ?? frame?.entry?.multi;
  if (at && random.chance(500)) return at;
  while (multis.length > 1) {
    const entry = random.pick(multis);
    if (!entry.isClosed || random.chance(400)) return entry;
    multis.splice(multis.indexOf(entry), 1);
  }
  return newMulti(walk);
}

/** One whose transfers may end in any way. */
function freeMulti(walk: Walk): MultiEntry {
  const entry = anyMulti(walk);
  return entry.isLocked ? newMulti(walk) : entry;
}

export function newMulti(walk: Walk): MultiEntry {
  const closeHandles = walk.random.chance(400);
  const { value } = walk.attempt(
    `new CurlMulti({ closeHandles: ${closeHandles} })`,
    ["ok"],
    () => new curl.CurlMulti({ closeHandles }),
  );
  if (value!.closeHandles !== closeHandles) {
    walk.fail(`closeHandles is ${value!.closeHandles}`);
  }
  return walk.addMulti(value!, false);
}

export function newBadMulti(walk: Walk): void {
  const argument = walk.random.pick([null, 5, { close: true }, {
    closeHandles: 1,
  }]);
  walk.attempt(
    `new CurlMulti(${Deno.inspect(argument)})`,
    [wrongType(/closeHandles/)],
    () => new curl.CurlMulti(argument as curl.CurlMultiOptions),
  );
}

export function publishMulti(walk: Walk): void {
  const entry = freeMulti(walk);
  entry.isPublic = true;
  entry.mayMiscount = true;
  walk.pool.putMulti(walk.random.next(), entry.multi.handle);
}

export function openMulti(walk: Walk): void {
  const handle = walk.pool.multi(walk.random.next());
  if (handle === 0) return;
  const { value } = walk.attempt(
    `CurlMulti.fromHandle(${handle})`,
    ["ok", noSuchHandle("CurlMulti")],
    () => curl.CurlMulti.fromHandle(handle),
    handle,
  );
  if (value !== undefined) walk.addMulti(value, true);
}

export function openWrongMulti(walk: Walk): void {
  const { random, curls } = walk;
  const handle = random.pick<unknown>([
    ...curls.map(({ curl }) => curl.handle),
    0,
    -1,
    0.1,
    "5",
    {},
  ]);
  walk.attempt(
    `CurlMulti.fromHandle(${String(handle)})`,
    [
      typeof handle === "number"
        ? noSuchHandle("CurlMulti")
        : wrongType(/^CurlMulti\.fromHandle\(\) takes a number/),
    ],
    () => curl.CurlMulti.fromHandle(handle as number),
  );
}

/** Forgets it with all that is in it, to be collected together. */
export function forgetMulti(walk: Walk): void {
  const multi = anyMulti(walk);
  const members = [...multi.members.keys()];
  const isInUse = (entry: CurlEntry) =>
    entry.isLocked || walk.frames.some((frame) => frame.entry === entry);
  if (
    multi.isLocked || members.some(isInUse) ||
    walk.frames.some((frame) => frame.multi === multi)
  ) return;
  walk.multis.splice(walk.multis.indexOf(multi), 1);
  for (const entry of members) {
    const place = walk.curls.indexOf(entry);
    // Its share would not know that it is gone.
    if (entry.attachment === "yes") continue;
    if (place >= 0) walk.curls.splice(place, 1);
  }
}

/** A call in which callbacks may run, those of these handles, too. */
function drive<T>(
  walk: Walk,
  multi: MultiEntry,
  what: string,
  allowed: readonly Allowed[],
  act: () => T,
  settings: Partial<Pick<Frame, "adding" | "isClosing">> & {
    others?: readonly Frame[];
  } = {},
): Outcome<T> {
  const { others = [], ...more } = settings;
  const frame = Object.assign(newFrame("multi", undefined, multi), more);
  const depth = walk.frames.push(frame);
  const { handle } = multi.multi;
  const outcome = walk.attempt(`${multi} ${what}`, allowed, act, handle);
  if (walk.frames.length !== depth) walk.fail("calls ended out of order");
  walk.frames.pop();
  learn(multi, outcome);
  checkCauses(walk, what, outcome, [frame, ...others]);
  return outcome;
}

/** Whether the cause of a failure is what one of these threw. */
function checkCauses(
  walk: Walk,
  what: string,
  { error }: Outcome,
  frames: readonly Frame[],
): void {
  if (frames.some(({ isAmbiguous, entry }) => isAmbiguous || entry?.mayPipe)) {
    return;
  }
  const expected = frames.flatMap((frame) => frame.expected ?? []);
  if (error === undefined || !("cause" in error)) {
    if (expected.length > 0) {
      walk.fail(`${what} lost what was thrown, ${Deno.inspect(expected)}`);
    }
    return;
  }
  const { cause } = error;
  const isRight = expected.some((one) =>
    "text" in one
      ? cause instanceof TypeError && one.text.test(cause.message)
      : cause === one.cause
  );
  if (!isRight) {
    walk.fail(
      `${what}: the cause is ${Deno.inspect(cause)}, not one of ${
        Deno.inspect(expected)
      }`,
    );
  }
}

/** Once closed, it stays so. */
function learn(multi: MultiEntry, { error }: Outcome): void {
  const text = error?.message ?? "";
  if (/ - (no multi handle|multi-stack is closed)$/.test(text)) {
    multi.isClosed = true;
  }
}

/** Puts a handle in; whether it is in then. */
export function addTo(
  walk: Walk,
  multi: MultiEntry,
  entry: CurlEntry,
): boolean {
  const before = entry.multi;
  const { error } = drive(
    walk,
    multi,
    `addHandle(${entry})`,
    addResults(walk, multi, entry),
    () => multi.multi.addHandle(entry.curl),
    { adding: entry },
  );
  if (error?.message === "curl object already closed") entry.isClosed = true;
  if (before !== null) return false;
  // A function of the multi handle may have failed, and it is in all the same.
  const isIn = error === undefined ||
    error instanceof curl.CurlError && error.code !== undefined &&
      entry.curl.multi() === multi.multi;
  if (isIn) {
    multi.take(entry);
    entry.membership!.isAmbiguous ||= entry.isHeardEarly;
  } else {
    multi.lose(entry);
    if (error instanceof curl.CurlError && error.code !== undefined) {
      multi.mayMiscount = true;
    }
  }
  return isIn;
}

export function add(walk: Walk): void {
  const { random, site } = walk;
  const multi = freeMulti(walk);
  const entry = random.chance(300) ? anyCurl(walk) : newCurl(walk);
  if (entry.isLocked) return;
  if (random.chance(700)) {
    set(walk, entry, curl.URL, goodTarget(random, site).url);
    setFunctionOf(walk, entry, slot("WRITEFUNCTION"));
  }
  addTo(walk, multi, entry);
}

/** Takes one out, which it is in or not. */
export function removeOne(walk: Walk): void {
  const multi = freeMulti(walk);
  const members = [...multi.members.keys()];
  const isMember = members.length > 0 && walk.random.chance(700);
  removeFrom(
    walk,
    multi,
    isMember ? walk.random.pick(members) : anyCurl(walk),
  );
}

export function removeFrom(
  walk: Walk,
  multi: MultiEntry,
  entry: CurlEntry,
): void {
  const member = multi.members.get(entry);
  const unread = member?.expected;
  const isWithin = isReachable(walk, multi, "notification");
  if (member && isWithin) member.expected = undefined;
  const { error } = drive(
    walk,
    multi,
    `removeHandle(${entry})`,
    removeResults(walk, multi, entry),
    () => multi.multi.removeHandle(entry.curl),
    { others: member && isWithin ? [member] : [] },
  );
  if (member === undefined) return;
  const isIn = error !== undefined && entry.curl.multi() === multi.multi;
  if (isIn) {
    if (isWithin) member.expected = unread;
  } else multi.lose(entry);
}

/** Does what can be done, for all or for a socket. */
export function perform(walk: Walk, multi: MultiEntry = anyMulti(walk)): void {
  const { random } = walk;
  const isWhole = random.chance(600);
  const socket = random.pick([
    curl.SOCKET_TIMEOUT,
    curl.SOCKET_TIMEOUT,
    ...multi.sockets,
  ]);
  const events = random.pick([0, 0, curl.CSELECT_IN, curl.CSELECT_OUT]);
  const method = isWhole ? "perform" : "socketAction";
  const outside = { from: "outside", asks: true } as const;
  const { value } = drive(
    walk,
    multi,
    isWhole ? "perform()" : `socketAction(${socket}, ${events})`,
    multiResults(walk, multi, method, outside, "ok", multiFailed()),
    () =>
      isWhole
        ? multi.multi.perform()
        : multi.multi.socketAction(socket, events),
  );
  if (value === undefined) return;
  const [code, running] = value;
  const isMuch = running > multi.members.size && !multi.mayMiscount;
  if (code !== 0 || running < 0 || isMuch) {
    walk.fail(
      `${multi} ${method}() gave ${value} with ${multi.members.size} in it`,
    );
  }
}

/** What has ended. */
export function readInfo(
  walk: Walk,
  multi: MultiEntry = freeMulti(walk),
): void {
  const max = walk.random.chance(300) ? walk.random.between(1, 2) : undefined;
  const { value } = walk.attempt(
    `${multi} infoRead(${max ?? ""})`,
    multiResults(walk, multi, "infoRead", { from: "anywhere" }, "ok"),
    () => multi.multi.infoRead(max),
    multi.multi.handle,
  );
  if (value === undefined) return;
  const [queued, ok, failures] = value;
  const count = ok.length + failures.length;
  if (queued > 0 && max === undefined || max !== undefined && count > max) {
    walk.fail(`infoRead(${max}) told ${count}, and ${queued} are left`);
  }
  for (const handle of ok) tell(walk, multi, handle, { value: undefined });
  for (const [handle, code, message, error] of failures) {
    if (code !== error.code || message !== error.message) {
      walk.fail(`infoRead() told ${code}, ${message} of ${error}`);
    }
    tell(walk, multi, handle, { error });
  }
}

/** The end of one transfer. */
function tell(
  walk: Walk,
  multi: MultiEntry,
  handle: curl.Curl,
  outcome: Outcome<void>,
): void {
  const entry = [...multi.members.keys()].find(({ curl }) => curl === handle);
  if (entry === undefined) {
    walk.fail(`infoRead() told of ${handle.handle}, which is not in`);
  }
  const frame = multi.members.get(entry)!;
  if (frame.isTold) walk.fail(`infoRead() told of ${entry} twice`);
  frame.isTold = true;
  if (entry.attachment === "yes") entry.share!.transfers++;
  const what = `${entry} in ${multi}`;
  walk.arrive(what, outcome);
  if (multi.isLocked) return frame.settled?.(outcome);
  walk.judge(what, ["ok", failed(TRANSFER_CODES)], outcome);
  walk.checkCause(frame, what, outcome);
  if (outcome.error || frame.isTouched || frame.isAmbiguous) return;
  const body = joined(frame.pieces);
  const problem = body.length > 0 ? bodyProblem(body) : undefined;
  if (problem) walk.fail(`${what} gave ${problem}`);
}

/** Closes it in the midst of whatever is in it. */
export function close(walk: Walk, multi: MultiEntry = freeMulti(walk)): void {
  const members = [...multi.members];
  const isWithin = isReachable(walk, multi, "outside");
  const unread = members.map(([, frame]) => frame.expected);
  if (isWithin) { for (const [, frame] of members) frame.expected = undefined; }
  const outside = { from: "outside", asks: true } as const;
  const results: Allowed[] = multi.isClosed || isClosing(multi, walk.frames)
    ? ["ok"]
    : multiResults(
      walk,
      multi,
      "close",
      outside,
      "ok",
      multiFailed(...CALLBACK_CODES),
      ...members.some(([entry]) => entry.isPublic)
        ? [running("close"), inMulti("close")]
        : [],
    );
  const wasOpen = !multi.multi.closed;
  const isNested = isClosing(multi, walk.frames);
  const { error } = drive(
    walk,
    multi,
    "close()",
    // Who gets in before closes it.
    multi.isPublic ? ["ok", ...results] : results,
    () => multi.multi.close(),
    {
      // One that nobody knows the state of asks only if it is being closed.
      isClosing: isWithin !== false,
      others: isWithin ? members.map(([, frame]) => frame) : [],
    },
  );
  if (isNested) return;
  if (!multi.multi.closed) {
    if (error === undefined) walk.fail(`${multi} is open after close()`);
    if (isWithin) {
      members.forEach(([, frame], index) => frame.expected = unread[index]);
    }
    return;
  }
  multi.isClosed = true;
  for (const [entry] of members) {
    multi.lose(entry);
    if (entry.curl.closed) markClosed(walk, entry);
    // Others may have begun with it as soon as it was out.
    else if (wasOpen && multi.multi.closeHandles && !entry.isPublic) {
      walk.fail(`${entry} is open after close() of its ${multi}`);
    }
  }
}

/** Waits, while everything else goes on. */
export function select(walk: Walk): void {
  if (!hasRoom(walk)) return;
  const multi = anyMulti(walk);
  const seconds = walk.random.pick(TIMEOUTS);
  const what = `${multi} select(${seconds})`;
  const results = selectResults(walk, multi, false);
  const { value } = walk.attempt(
    `${what} starts`,
    ["ok"],
    () => multi.multi.select(seconds),
    multi.multi.handle,
  );
  const settle = (outcome: Outcome<number>) => {
    remove(walk, pending);
    walk.arrive(what, outcome);
    walk.judge(what, results, outcome);
    checkCount(walk, what, outcome);
  };
  const pending: Pending = {
    what,
    settled: value!.then(
      (value) => settle({ value }),
      (error) => settle({ error }),
    ).catch((error) => walk.crash(error)),
    since: Date.now(),
  };
  walk.pending.push(pending);
}

export function selectSync(
  walk: Walk,
  multi: MultiEntry = anyMulti(walk),
): void {
  const what = `${multi} selectSync()`;
  const outcome = walk.attempt(
    what,
    selectResults(walk, multi, true),
    () => multi.multi.selectSync(0.01),
    multi.multi.handle,
  );
  checkCount(walk, what, outcome);
}

function selectResults(
  walk: Walk,
  multi: MultiEntry,
  asks: boolean,
): Allowed[] {
  const from = { from: "notification", asks } as const;
  return multiResults(walk, multi, "select", from, "ok", multiFailed());
}

function checkCount(walk: Walk, what: string, { value }: Outcome): void {
  if (value !== undefined && !((value as number) >= 0)) {
    walk.fail(`${what} gave ${value}`);
  }
}

/** Sets one of its functions, or takes it back. */
export function setFunction(walk: Walk): void {
  const multi = freeMulti(walk);
  const chosen = walk.random.pick(MULTI_SLOTS);
  if (walk.random.chance(700)) setFunctionIn(walk, multi, chosen, WILD);
  else {
    const from = "notification";
    walk.attempt(
      `${multi} setopt(${chosen.name}, null)`,
      multiResults(walk, multi, "setopt", { from }, "ok"),
      () => multi.multi.setopt(chosen.option, null),
      multi.multi.handle,
    );
  }
}

/** Has chance decide what a function of a multi handle does. */
export function setFunctionIn(
  walk: Walk,
  multi: MultiEntry,
  chosen: typeof MULTI_SLOTS[number],
  habits: Habits,
): void {
  const from = "notification";
  walk.attempt(
    `${multi} setopt(${chosen.name})`,
    multiResults(walk, multi, "setopt", { from }, "ok"),
    () => {
      const answer = makeMultiFunction(walk, multi, chosen, habits);
      multi.multi.setopt(chosen.option, answer as () => void);
    },
    multi.multi.handle,
  );
}

const NUMBERS: readonly [option: number, values: readonly number[]][] = [
  [curl.M_MAXCONNECTS, [0, 1, 3, 100]],
  [curl.M_MAX_HOST_CONNECTIONS, [0, 2]],
  [curl.M_MAX_TOTAL_CONNECTIONS, [0, 3]],
  [curl.M_MAX_CONCURRENT_STREAMS, [1, 100]],
  [curl.M_PIPELINING, [0, curl.PIPE_MULTIPLEX]],
  [curl.M_NETWORK_CHANGED, [1, 2]],
  [curl.M_QUICK_EXIT, [0, 1]],
];

/** Options that are numbers, for which it may close connections. */
export function setNumber(walk: Walk): void {
  const { random } = walk;
  const multi = freeMulti(walk);
  const [option, values] = random.pick(NUMBERS);
  const value = random.pick(values);
  const from = { from: "notification", asks: true } as const;
  const others = [...multi.members.values()];
  const unread = others.map(({ expected }) => expected);
  for (const frame of others) frame.expected = undefined;
  drive(
    walk,
    multi,
    `setopt(${option}, ${value})`,
    multiResults(walk, multi, "setopt", from, "ok", multiFailed()),
    () => multi.multi.setopt(option, value),
  );
  // What its connections' callbacks threw is told with the transfers.
  others.forEach((frame, index) => {
    frame.expected = unread[index] ?? frame.expected;
  });
}

/** What is wrong whatever the multi handle does. */
export function callBadly(walk: Walk): void {
  const { multi } = anyMulti(walk);
  const [what, refusal, act] = walk.random.pick<
    [string, Allowed, () => unknown]
  >([
    ["addHandle({})", wrongType(/^addHandle\(\) takes a Curl/), () => {
      multi.addHandle({} as curl.Curl);
    }],
    ["removeHandle(null)", wrongType(/^removeHandle\(\) takes a Curl/), () => {
      multi.removeHandle(null as unknown as curl.Curl);
    }],
    ["has(5)", wrongType(/^has\(\) takes a Curl/), () => {
      multi.has(5 as unknown as curl.Curl);
    }],
    ["socketAction(0.5)", wrongType(/^socketAction\(\) takes whole/), () => {
      multi.socketAction(0.5, 0);
    }],
    ["selectSync(-1)", wrongRange(/^invalid timeout period$/), () => {
      multi.selectSync(-1);
    }],
    ["selectSync(a)", wrongType(/^selectSync\(\) takes seconds/), () => {
      multi.selectSync("1" as unknown as number);
    }],
    ["infoRead(0)", wrongRange(/greater than zero$/), () => multi.infoRead(0)],
    ["setopt(99)", wrongType(/^invalid arguments to setopt$/), () => {
      multi.setopt(99, 1);
    }],
    ["setopt(function)", wrongType(/^M_TIMERFUNCTION takes a function/), () => {
      multi.setopt(curl.M_TIMERFUNCTION, 5);
    }],
    ["setopt(number)", wrongType(/^M_MAXCONNECTS takes a number/), () => {
      multi.setopt(curl.M_MAXCONNECTS, ["a"]);
    }],
    ["notifyEnable()", wrongType(/^notifyEnable requires/), () => {
      multi.notifyEnable();
    }],
    ["notifyDisable(-1)", wrongRange(/out of range$/), () => {
      multi.notifyDisable(-1);
    }],
    ["assign(a)", wrongType(/^assign\(\) takes whole numbers/), () => {
      multi.assign("1" as unknown as number, {});
    }],
  ]);
  walk.attempt(`multi ${what}`, [refusal], act, multi.handle);
}

/** Short calls that may be made nearly anywhere. */
export function callShortly(walk: Walk): void {
  const { random } = walk;
  const entry = freeMulti(walk);
  const { multi } = entry;
  const socket = random.pick([...entry.sockets, random.between(3, 60)]);
  const notification = random.pick([
    curl.M_NOTIFY_EASY_DONE,
    curl.M_NOTIFY_INFO_READ,
  ]);
  const BAD_SOCKET = failed([curl.E_MULTI_BAD_SOCKET]);
  const [method, from, results, act] = random.pick<
    [string, "anywhere" | "notification", Allowed[], () => unknown]
  >([
    ["timeout", "notification", ["ok"], () => multi.timeout()],
    ["fdset", "notification", ["ok"], () => multi.fdset()],
    [
      "assign",
      "anywhere",
      ["ok", BAD_SOCKET],
      () => multi.assign(socket, { socket }),
    ],
    ["unassign", "anywhere", ["ok", BAD_SOCKET], () => multi.unassign(socket)],
    [
      "notifyEnable",
      "notification",
      ["ok"],
      () => multi.notifyEnable(notification),
    ],
    [
      "notifyDisable",
      "notification",
      ["ok"],
      () => multi.notifyDisable(notification),
    ],
  ]);
  const allowed = multiResults(walk, entry, method, { from }, ...results);
  const { value } = walk.attempt(
    `${entry} ${method}()`,
    allowed,
    act,
    multi.handle,
  );
  const isRight = method === "timeout"
    ? value === undefined || Number.isInteger(value)
    : method !== "fdset" || value === undefined ||
      (value as number[][]).flat().every((fd) => fd >= 0);
  if (!isRight) walk.fail(`${entry} ${method}() gave ${value}`);
}

/** Whether all is as this Worker knows it. */
export function look(walk: Walk): void {
  const entry = anyMulti(walk);
  const { multi, members } = entry;
  const { value } = walk.attempt(
    `${entry} closed, size`,
    ["ok"],
    () => [multi.closed, multi.size] as const,
    multi.handle,
  );
  const [closed, size] = value!;
  const isMine = !entry.isPublic || members.size > 0;
  const isLeaving = isClosing(entry, walk.frames) ||
    walk.frames.some(({ adding }) => adding?.multi === entry);
  const isRight = isLeaving ||
    (entry.isClosed ? closed && size === 0 : !isMine ||
      !closed && size === members.size);
  if (!isRight) {
    walk.fail(`${entry}: closed ${closed}, ${size} in it, not ${members.size}`);
  }
  if (closed && !isLeaving) entry.isClosed = true;
  const one = anyCurl(walk);
  const phases = one.isPublic && one.multi === null;
  const outcome = call(
    walk,
    one,
    "multi()",
    // Not subject to what runs.
    { ...insideToo("multi", "ok"), elsewhere: ["ok"], busy: ["ok"] },
    () => one.curl.multi(),
  );
  if (outcome.value === undefined || phases || isLeaving) return;
  if (outcome.value !== (one.multi?.multi ?? null)) {
    walk.fail(`${one} is in ${outcome.value?.handle}, not in ${one.multi}`);
  }
}
