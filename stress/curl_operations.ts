/**
 * Calls on handles.
 *
 * @module
 */

import * as curl from "../mod.ts";
import { makeFunction, type Slot, SLOTS, WILD } from "./functions.ts";
import { type CurlEntry, phasesOf } from "./objects.ts";
import {
  type Allowed,
  CLOSING,
  idleOnly,
  insideToo,
  noSuchHandle,
  type Outcome,
  pausing,
  type Refusal,
  type Rule,
  SETTING,
  SETTING_IDLE,
  wrongType,
} from "./outcomes.ts";
import {
  BAD_SETTINGS,
  caCertificate,
  goodSetting,
  goodTarget,
  NOT_UNSETTABLE,
  UNSETTABLE,
} from "./settings.ts";
import type { Walk } from "./walk.ts";

/** A handle that this Worker has, or a new one. */
export function anyCurl(walk: Walk): CurlEntry {
  const { random, curls, frame } = walk;
  if (frame?.entry && random.chance(300)) return frame.entry;
  while (curls.length > 2) {
    const entry = random.pick(curls);
    // Closed ones have little to show.
    const isOld = entry.isClosed && walk.isFree(entry) && random.chance(400);
    if (!isOld) return entry;
    curls.splice(curls.indexOf(entry), 1);
  }
  return newCurl(walk);
}

/** One whose options may change in any way, or a new one. */
export function freeCurl(walk: Walk): CurlEntry {
  const entry = anyCurl(walk);
  return entry.isLocked ? newCurl(walk) : entry;
}

/** A handle that nobody else has, on which nothing runs. */
export function ownCurl(walk: Walk): CurlEntry {
  const own = walk.curls.filter((entry) =>
    !entry.isPublic && !entry.isLocked &&
    phasesOf(entry, walk.frames)[0] === "idle"
  );
  return own.length > 0 ? walk.random.pick(own) : newCurl(walk);
}

/** What a call on a handle may come to now. */
export function allowed(
  walk: Walk,
  entry: CurlEntry,
  rule: Rule,
  ...more: Refusal[]
): Allowed[] {
  const phases = phasesOf(entry, walk.frames);
  return [...phases.flatMap((phase) => rule[phase]), ...more];
}

/** A call that a rule is for. */
export function call<T>(
  walk: Walk,
  entry: CurlEntry,
  what: string,
  rule: Rule,
  act: () => T,
): Outcome<T> {
  return walk.attemptOn(entry, what, allowed(walk, entry, rule), act);
}

export function newCurl(walk: Walk): CurlEntry {
  const { value } = walk.attempt("new Curl()", ["ok"], () => new curl.Curl());
  return walk.addCurl(value!, false);
}

/** Others get the number. */
export function publishCurl(walk: Walk): void {
  const entry = freeCurl(walk);
  if (walk.frames.some((frame) => frame.entry === entry)) return;
  walk.publish(entry);
  walk.pool.putCurl(walk.random.next(), entry.curl.handle);
}

/** A number of anybody's, whose handle may be gone. */
export function openCurl(walk: Walk): void {
  const handle = walk.pool.curl(walk.random.next());
  if (handle === 0) return;
  const { value } = walk.attempt(
    `Curl.fromHandle(${handle})`,
    ["ok", noSuchHandle("Curl")],
    () => curl.Curl.fromHandle(handle),
    handle,
  );
  if (value === undefined) return;
  if (value.handle !== handle) walk.fail(`it has the handle ${value.handle}`);
  walk.addCurl(value, true);
}

/** Numbers that no handle has, and what is no number. */
export function openWrongCurl(walk: Walk): void {
  const { random } = walk;
  const handle = random.pick<unknown>([
    ...walk.stale,
    ...walk.shares.map(({ share }) => share.handle),
    0,
    -3,
    1.5,
    NaN,
    Infinity,
    2 ** 60,
    "1",
    null,
    undefined,
    1n,
  ]);
  const refusal = typeof handle === "number"
    ? noSuchHandle("Curl")
    : wrongType(/^Curl\.fromHandle\(\) takes a number/);
  walk.attempt(
    `Curl.fromHandle(${String(handle)})`,
    [refusal],
    () => curl.Curl.fromHandle(handle as number),
  );
}

/** The object of a number is the same until it is closed. */
export function reopenCurl(walk: Walk): void {
  const entry = anyCurl(walk);
  const { value, error } = walk.attempt(
    `${entry} fromHandle()`,
    phasesOf(entry, walk.frames).map((phase) =>
      phase === "closed" ? noSuchHandle("Curl") : "ok"
    ),
    () => curl.Curl.fromHandle(entry.curl.handle),
  );
  if (error !== undefined) entry.isClosed = true;
  else if (value !== entry.curl) walk.fail(`${entry} has two objects`);
}

export function forgetCurl(walk: Walk): void {
  const entry = anyCurl(walk);
  if (!walk.isFree(entry)) return;
  walk.curls.splice(walk.curls.indexOf(entry), 1);
}

/** An option is set to a value it takes. */
export function setGood(walk: Walk): void {
  const entry = freeCurl(walk);
  const { option, value } = goodSetting(walk.random, walk.site);
  set(walk, entry, option, value);
}

/** Sets an option that can be set now. */
export function set(
  walk: Walk,
  entry: CurlEntry,
  option: curl.CurlOption,
  value: unknown,
): Outcome<void> {
  touch(walk, entry);
  const text = typeof value === "string" ? ` ${value.slice(0, 60)}` : "";
  const rule = option === curl.HSTS_CTRL ? SETTING_HSTS : SETTING;
  return call(walk, entry, `setopt(${option}${text})`, rule, () => {
    entry.curl.setopt(option, value as never);
  });
}

/** HSTSREADFUNCTION is about to add to what this would free. */
const SETTING_HSTS: Rule = {
  ...SETTING_IDLE,
  own: [...SETTING.own, ...SETTING_IDLE.own],
  member: [...SETTING.member, ...SETTING_IDLE.member],
};

/** A transfer on it may come out in another way. */
function touch(walk: Walk, entry: CurlEntry): void {
  const { membership } = entry;
  for (
    const frame of [
      ...walk.frames,
      ...entry.flights,
      ...membership ? [membership] : [],
    ]
  ) {
    if (frame.entry === entry) frame.isTouched = true;
  }
}

/** Leaves a connection behind that only this handle uses. */
export function connectOnly(walk: Walk): void {
  const { random, site } = walk;
  const entry = freeCurl(walk);
  entry.mayHoldConnection = true;
  // Whoever performs a WebSocket that is not left to the program never stops
  // listening.
  const { url } = goodTarget(random, site);
  if (set(walk, entry, curl.URL, url).error !== undefined) return;
  set(walk, entry, curl.CONNECT_ONLY, random.chance(500) ? 1 : 0);
}

export function setBad(walk: Walk): void {
  const entry = anyCurl(walk);
  const { option, value, refusal } = walk.random.pick(BAD_SETTINGS);
  const rule = [
    ...allowed(walk, entry, SETTING).filter((one) => one !== "ok"),
    refusal,
  ];
  walk.attemptOn(entry, `setopt(${option}, bad)`, rule, () => {
    entry.curl.setopt(option, value as never);
  });
}

export function unset(walk: Walk): void {
  const entry = freeCurl(walk);
  touch(walk, entry);
  const option = walk.random.pick(UNSETTABLE);
  call(walk, entry, `unsetopt(${option})`, SETTING, () => {
    if (walk.random.chance(500)) entry.curl.unsetopt(option);
    else entry.curl.setopt(option, null);
  });
}

export function unsetBad(walk: Walk): void {
  const entry = anyCurl(walk);
  const { option, refusal } = walk.random.pick(NOT_UNSETTABLE);
  const rule = [
    ...allowed(walk, entry, SETTING).filter((one) => one !== "ok"),
    refusal,
  ];
  walk.attemptOn(entry, `unsetopt(${option}, bad)`, rule, () => {
    entry.curl.unsetopt(option);
  });
}

export function setString(walk: Walk): void {
  const entry = freeCurl(walk);
  touch(walk, entry);
  call(walk, entry, "setoptString(USERAGENT)", SETTING, () => {
    entry.curl.setoptString(
      curl.USERAGENT,
      "x".repeat(walk.random.below(3000)),
    );
  });
}

export function setCaCerts(walk: Walk): void {
  const entry = freeCurl(walk);
  touch(walk, entry);
  call(walk, entry, "setCaCerts()", SETTING, () => {
    entry.curl.setCaCerts(caCertificate(walk.site));
  });
}

/** PRIVATE keeps any value, for this Worker's object alone. */
export function setPrivate(walk: Walk): void {
  const entry = anyCurl(walk);
  const value = walk.random.pick([1, "text", { an: "object" }, null]);
  const { error } = call(walk, entry, "setopt(PRIVATE)", SETTING, () => {
    entry.curl.setopt(curl.PRIVATE, value);
  });
  if (error === undefined) entry.kept = value;
}

export function setFunction(walk: Walk): void {
  setFunctionOf(walk, freeCurl(walk), walk.random.pick(SLOTS));
}

export function setFunctionOf(
  walk: Walk,
  entry: CurlEntry,
  slot: Slot,
): void {
  touch(walk, entry);
  const answer = makeFunction(walk, entry, slot, WILD);
  call(walk, entry, `setopt(${slot.name})`, SETTING, () => {
    entry.curl.setopt(slot.option, answer as never);
  });
}

export function unsetFunction(walk: Walk): void {
  const entry = freeCurl(walk);
  touch(walk, entry);
  const { name, option } = walk.random.pick(SLOTS);
  call(walk, entry, `unsetopt(${name})`, SETTING, () => {
    entry.curl.unsetopt(option);
  });
}

/** WRITEDATA and WRITEHEADER make functions of objects. */
export function setWriter(walk: Walk): void {
  const entry = freeCurl(walk);
  touch(walk, entry);
  const option = walk.random.pick([curl.WRITEDATA, curl.WRITEHEADER]);
  const writer = walk.random.pick([
    { writeSync: (data: Uint8Array) => Math.ceil(data.length / 2) },
    { write: () => {} },
    new WritableStream(),
  ]);
  call(walk, entry, `setopt(${option}, writer)`, SETTING, () => {
    entry.curl.setopt(option, writer);
  });
  if (writer instanceof WritableStream) entry.mayPipe = true;
}

export function reset(walk: Walk, entry: CurlEntry = freeCurl(walk)): void {
  const { error } = call(
    walk,
    entry,
    "reset()",
    idleOnly("reset", "ok"),
    () => {
      entry.curl.reset();
    },
  );
  if (error !== undefined) return;
  entry.kept = null;
  entry.mayBeForeign = entry.isPublic;
  // Functions that are set from now on are no copy's.
  entry.family = walk.newFamily();
  entry.mayPipe = false;
  entry.mimes.clear();
}

export function duplicate(walk: Walk): void {
  const entry = anyCurl(walk);
  const { value } = call(
    walk,
    entry,
    "duphandle()",
    insideToo("duphandle", "ok"),
    () => entry.curl.duphandle(),
  );
  if (value === undefined) return;
  const copy = walk.addCurl(value, false, entry.family);
  copy.kept = entry.kept;
  copy.mayBeForeign = entry.mayBeForeign;
  copy.mayHoldConnection = entry.mayHoldConnection;
  copy.mayPipe = entry.mayPipe;
  for (const mime of entry.mimes) copy.mimes.add(mime);
  copy.wasShared = entry.wasShared || entry.isPublic;
  if (value.share() !== null) walk.fail(`the copy ${copy} has a share`);
  // What it is set to do is another's to know.
  if (entry.isLocked) close(walk, copy);
}

export function close(walk: Walk, entry: CurlEntry = freeCurl(walk)): void {
  const isClosing = walk.frames.some((frame) =>
    frame.entry === entry && frame.kind === "close"
  );
  if (isClosing && entry.multi !== null) {
    // It may not be out yet: that goes on, and this does nothing.
    walk.attemptOn(entry, "close()", ["ok"], () => entry.curl.close());
    return;
  }
  // Its callbacks find it detached.
  if (phasesOf(entry, walk.frames).join() === "idle") leave(entry);
  const { outcome } = walk.drive(
    "close",
    entry,
    "close()",
    allowed(walk, entry, CLOSING),
    () => entry.curl.close(),
  );
  const code = (outcome.error as curl.CurlError | undefined)?.code;
  if (outcome.error !== undefined && code === undefined) return;
  if (!entry.curl.closed) walk.fail(`${entry} is not closed after close()`);
  markClosed(walk, entry);
}

/** It is closed for good. */
export function markClosed(walk: Walk, entry: CurlEntry): void {
  entry.multi?.lose(entry);
  entry.isClosed = true;
  leave(entry);
  walk.stale.push(entry.curl.handle);
  if (walk.stale.length > 5) walk.stale.shift();
}

/** It has no share any more. */
export function leave(entry: CurlEntry): void {
  entry.share?.members.delete(entry);
  entry.share = null;
}

/** Whether it is closed: once it is, it stays so. */
export function lookClosed(walk: Walk): void {
  const entry = anyCurl(walk);
  const { value } = walk.attempt(
    `${entry} closed`,
    ["ok"],
    () => entry.curl.closed,
  );
  const phases = phasesOf(entry, walk.frames);
  if (phases.includes("closed") ? phases.length === 1 && !value : value) {
    walk.fail(`${entry} closed is ${value} where it is ${phases}`);
  }
  if (value) entry.isClosed = true;
}

/** One of these. */
export function pause(walk: Walk): void {
  const entry = anyCurl(walk);
  const { random } = walk;
  // Only somebody who is asked later could let it go on.
  const masks = entry.isLocked
    ? [curl.PAUSE_CONT]
    : [curl.PAUSE_CONT, curl.PAUSE_RECV, curl.PAUSE_ALL];
  const mask = random.pick(masks);
  pauseBy(walk, entry, mask);
  if (mask !== curl.PAUSE_CONT) unpause(walk, entry);
}

function pauseBy(walk: Walk, entry: CurlEntry, mask: number): void {
  walk.drive(
    "pause",
    entry,
    `pause(${mask})`,
    pauseResults(walk, entry, "pause"),
    () => entry.curl.pause(mask),
  );
}

export function unpause(walk: Walk, entry: CurlEntry = anyCurl(walk)): void {
  walk.drive(
    "pause",
    entry,
    "unpause()",
    pauseResults(walk, entry, "unpause"),
    () => entry.curl.unpause(),
  );
}

/** A connection that was left open can be paused, too. */
function pauseResults(walk: Walk, entry: CurlEntry, method: string): Allowed[] {
  const results = allowed(walk, entry, pausing(method));
  // One that an engine runs can be paused at any time.
  const runs = entry.multi !== null ||
    [...walk.frames, ...entry.flights].some((frame) =>
      frame.entry === entry && frame.kind !== "close"
    );
  return entry.mayHoldConnection || runs ? ["ok", ...results] : results;
}

export function pauseBad(walk: Walk): void {
  const entry = anyCurl(walk);
  walk.attemptOn(
    entry,
    "pause(bad)",
    [wrongType(/^pause\(\) takes a sum of PAUSE_/)],
    () => entry.curl.pause(walk.random.pick([0.5, NaN, "1"]) as number),
  );
}

export function errstr(walk: Walk): void {
  const entry = anyCurl(walk);
  call(
    walk,
    entry,
    "errstr()",
    insideToo("errstr", "ok"),
    () => entry.curl.errstr(),
  );
}
