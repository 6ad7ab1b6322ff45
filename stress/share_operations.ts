/**
 * Calls on shares, and handles going to them and leaving them.
 *
 * @module
 */

import * as curl from "../mod.ts";
import {
  allowed,
  anyCurl,
  close,
  leave,
  newCurl,
  set,
} from "./curl_operations.ts";
import { type CurlEntry, phasesOf, type ShareEntry } from "./objects.ts";
import {
  type Allowed,
  ALREADY_SHARING,
  failed,
  HOLDS_CONNECTION,
  NO_SHARE,
  noSuchHandle,
  SETTING_IDLE,
  SHARE_CLOSED,
  SHARE_CLOSING,
  SHARE_HOLDS_CONNECTION,
  shareAttached,
  shareInUse,
  state,
  wrongType,
} from "./outcomes.ts";
import { performResults, transfer } from "./performing.ts";
import { goodTarget } from "./settings.ts";
import { shareOf } from "./look.ts";
import type { Walk } from "./walk.ts";

const KINDS: readonly number[] = [
  curl.LOCK_DATA_COOKIE,
  curl.LOCK_DATA_DNS,
  curl.LOCK_DATA_SSL_SESSION,
  curl.LOCK_DATA_CONNECT,
  curl.LOCK_DATA_PSL,
  curl.LOCK_DATA_HSTS,
];

export function anyShare(walk: Walk): ShareEntry {
  const { random, shares, frame } = walk;
  // The share of the transfer that is running here.
  const share = frame?.entry?.share;
  if (share && random.chance(500)) return share;
  while (shares.length > 1) {
    const entry = random.pick(shares);
    if (!entry.isClosed || random.chance(600)) return entry;
    shares.splice(shares.indexOf(entry), 1);
  }
  return newShare(walk);
}

/** A share of any combination of kinds. */
export function newShare(
  walk: Walk,
  kinds: readonly number[] = anyKinds(walk),
): ShareEntry {
  const { random } = walk;
  const detachOnClose = random.chance(700);
  const { value } = walk.attempt(
    `new CurlShare({ detachOnClose: ${detachOnClose} })`,
    ["ok"],
    () =>
      detachOnClose && random.chance(500)
        ? new curl.CurlShare()
        : new curl.CurlShare({ detachOnClose }),
  );
  if (value!.detachOnClose !== detachOnClose) {
    walk.fail(`detachOnClose is ${value!.detachOnClose}`);
  }
  const entry = walk.addShare(value!, false);
  if (kinds.length > 0) shareKinds(walk, entry, kinds);
  return entry;
}

function anyKinds({ random }: Walk): number[] {
  const bits = random.below(1 << KINDS.length);
  return KINDS.filter((_, index) => bits & 1 << index);
}

export function newBadShare(walk: Walk): void {
  const argument = walk.random.pick([
    null,
    5,
    { detach: true },
    { detachOnClose: 1 },
  ]);
  walk.attempt(
    `new CurlShare(${Deno.inspect(argument)})`,
    [wrongType(/detachOnClose/)],
    () => new curl.CurlShare(argument as curl.CurlShareOptions),
  );
}

export function publishShare(walk: Walk): void {
  const entry = anyShare(walk);
  walk.publishShare(entry);
  walk.pool.putShare(walk.random.next(), entry.share.handle);
}

export function openShare(walk: Walk): void {
  const handle = walk.pool.share(walk.random.next());
  if (handle === 0) return;
  const { value } = walk.attempt(
    `CurlShare.fromHandle(${handle})`,
    ["ok", noSuchHandle("CurlShare")],
    () => curl.CurlShare.fromHandle(handle),
    handle,
  );
  if (value !== undefined) walk.addShare(value, true);
}

export function openWrongShare(walk: Walk): void {
  const { random, curls } = walk;
  const handle = random.pick<unknown>([
    ...curls.map(({ curl }) => curl.handle),
    0,
    -1,
    0.1,
    NaN,
    "5",
    {},
  ]);
  walk.attempt(
    `CurlShare.fromHandle(${String(handle)})`,
    [
      typeof handle === "number"
        ? noSuchHandle("CurlShare")
        : wrongType(/^CurlShare\.fromHandle\(\) takes a number/),
    ],
    () => curl.CurlShare.fromHandle(handle as number),
  );
}

export function forgetShare(walk: Walk): void {
  const entry = anyShare(walk);
  if (entry.members.size > 0) return;
  walk.shares.splice(walk.shares.indexOf(entry), 1);
}

/** What share() and unshare() may come to now. */
function kindResults(
  entry: ShareEntry,
  isSharing: boolean,
  kinds: readonly number[],
): Allowed[] {
  const inUse = failed([curl.SHE_IN_USE], /^Share currently in use$/);
  const noPsl = failed([curl.SHE_BAD_OPTION], /./);
  if (entry.isClosed) return [NO_SHARE];
  const unsharesPsl = !isSharing && kinds.includes(curl.LOCK_DATA_PSL);
  const open: Allowed = unsharesPsl ? noPsl : "ok";
  if (entry.isPublic) return [open, inUse, NO_SHARE];
  return entry.members.size > 0 ? [inUse] : [open];
}

/** Shares these kinds, or unshares them. */
function shareKinds(
  walk: Walk,
  entry: ShareEntry,
  kinds: readonly number[],
  isSharing = true,
): void {
  const { share } = entry;
  const isOne = kinds.length === 1 && walk.random.chance(500);
  const method = isOne ? "setopt" : isSharing ? "share" : "unshare";
  const { error } = walk.attempt(
    `${entry} ${method}(${isSharing ? "" : "not "}${kinds})`,
    kindResults(entry, isSharing, kinds),
    () =>
      isOne
        ? share.setopt(isSharing ? curl.SH_SHARE : curl.SH_UNSHARE, kinds[0])
        : share[method === "share" ? "share" : "unshare"](...kinds),
    share.handle,
  );
  learn(entry, error);
  if (error !== undefined) return;
  for (const kind of kinds) {
    if (isSharing) entry.kinds.add(kind);
    else entry.kinds.delete(kind);
  }
}

/** Once closed, it stays so. */
function learn(entry: ShareEntry, error: Error | undefined): void {
  if (error && /no share handle|CurlShare is closed/.test(error.message)) {
    entry.isClosed = true;
  }
}

export function changeKinds(walk: Walk): void {
  const { random } = walk;
  const kinds = Array.from(
    { length: random.between(1, 3) },
    () => random.pick(KINDS),
  );
  shareKinds(walk, anyShare(walk), kinds, random.chance(700));
}

export function changeKindsBadly(walk: Walk): void {
  const { share, isClosed, isPublic } = anyShare(walk);
  const refusals = [
    wrongType(/^(at least one LOCK_DATA_|invalid arguments to )/),
    ...(isClosed || isPublic ? [NO_SHARE] : []),
  ];
  const kind = walk.random.pick([0, 1, 9, -1, 2.5, NaN]);
  const isSharing = walk.random.chance(500);
  walk.attempt(
    `share ${share.handle} setopt(bad)`,
    refusals,
    walk.random.pick([
      () => share.setopt(curl.SH_SHARE, kind),
      () => share.setopt(99, curl.LOCK_DATA_DNS),
      () => isSharing ? share.share() : share.unshare(),
      () => share.share(curl.LOCK_DATA_DNS, kind),
    ]),
    share.handle,
  );
}

/** What attaching may come to now. */
function attachResults(
  walk: Walk,
  entry: CurlEntry,
  share: ShareEntry,
): Allowed[] {
  const refusals = allowed(walk, entry, SETTING_IDLE).filter((one) =>
    one !== "ok"
  );
  if (share.isClosed) return [...refusals, SHARE_CLOSED];
  const phases = phasesOf(entry, walk.frames);
  const results: Allowed[] = [...refusals];
  if (phases.includes("idle")) {
    if (entry.attachment !== "no") results.push(ALREADY_SHARING);
    if (entry.attachment !== "yes") results.push("ok");
    if (entry.mayHoldConnection) results.push(HOLDS_CONNECTION);
    if (share.isPublic || share.closings > 0) results.push(SHARE_CLOSING);
  }
  return share.isPublic ? [...results, SHARE_CLOSED] : results;
}

/** SHARE set on a handle. */
export function attach(
  walk: Walk,
  entry: CurlEntry = anyCurl(walk),
  share: ShareEntry = anyShare(walk),
): boolean {
  // By the handle, others come to know the share.
  if (entry.isPublic) walk.publishShare(share);
  const { error } = walk.attemptOn(
    entry,
    `setopt(SHARE, ${share})`,
    attachResults(walk, entry, share),
    () => entry.curl.setopt(curl.SHARE, share.share),
  );
  learn(share, error);
  if (error !== undefined) return false;
  entry.wasShared = true;
  if (entry.isPublic) return true;
  entry.share = share;
  if (!share.isPublic) share.members.add(entry);
  return true;
}

/** SHARE taken back. */
export function detach(
  walk: Walk,
  entry: CurlEntry = anyCurl(walk),
): void {
  const results = allowed(walk, entry, SETTING_IDLE);
  if (entry.mayHoldConnection) results.push(HOLDS_CONNECTION);
  const { error } = walk.attemptOn(
    entry,
    "unsetopt(SHARE)",
    results,
    () =>
      walk.random.chance(500)
        ? entry.curl.unsetopt(curl.SHARE)
        : entry.curl.setopt(curl.SHARE, null),
  );
  if (error === undefined && !entry.isPublic) leave(entry);
}

/** What closing a share may come to now. */
function closeResults(walk: Walk, entry: ShareEntry): Allowed[] {
  const { share, isClosed, isPublic, members } = entry;
  const holds = SHARE_HOLDS_CONNECTION;
  if (isClosed) return ["ok"];
  if (isPublic) {
    return share.detachOnClose
      ? ["ok", shareInUse(), holds]
      : ["ok", shareAttached()];
  }
  if (members.size === 0) return ["ok"];
  if (!share.detachOnClose) return [shareAttached(members.size)];
  const list = [...members];
  const phases = list.map((member) => phasesOf(member, walk.frames));
  const active = phases.filter((phase) => !phase.includes("idle")).length;
  const maybe = phases.filter((phase) => phase[0] !== "idle").length;
  const inUse = Array.from(
    { length: maybe - active + 1 },
    (_, index) => shareInUse(active + index),
  ).slice(active === 0 ? 1 : 0);
  if (active > 0) return inUse;
  const mayHold = list.some(({ mayHoldConnection }) => mayHoldConnection);
  return mayHold ? ["ok", holds, ...inUse] : ["ok", ...inUse];
}

/** All or nothing: it is closed and all are detached, or nothing changed. */
export function closeShare(walk: Walk): void {
  const entry = anyShare(walk);
  const { error } = walk.attempt(
    `${entry} close()`,
    closeResults(walk, entry),
    () => entry.share.close(),
    entry.share.handle,
  );
  const members = [...entry.members];
  if (error === undefined) {
    entry.isClosed = true;
    if (!entry.share.closed) walk.fail(`${entry} is open after close()`);
  }
  for (const member of members) shareOf(walk, member);
}

export function lookAtShare(walk: Walk): void {
  const entry = anyShare(walk);
  const { share } = entry;
  const { value } = walk.attempt(
    `${entry} closed, attached`,
    ["ok"],
    () => [share.closed, share.attached] as const,
    share.handle,
  );
  const [isClosed, attached] = value!;
  const isRight = entry.isClosed
    ? isClosed && attached === 0
    : entry.isPublic || !isClosed && attached === entry.members.size;
  if (!isRight) {
    walk.fail(`${entry}: closed ${isClosed}, ${attached} attached`);
  }
  if (isClosed) entry.isClosed = true;
}

export function lookAtStats(walk: Walk): void {
  const entry = anyShare(walk);
  const results: Allowed[] = entry.isClosed
    ? ["ok", state("cannot invoke stats() - no share handle")]
    : ["ok"];
  const { value } = walk.attempt(
    `${entry} stats()`,
    results,
    () => entry.share.stats(),
    entry.share.handle,
  );
  const figures = value && Object.values(value.locks);
  if (figures?.some(({ locks, contended }) => contended > locks)) {
    walk.fail(`${entry} stats() gave ${Deno.inspect(value)}`);
  }
}

/** What a program does: a new handle, a share, transfers. */
export function session(walk: Walk): void {
  const { random, site } = walk;
  const entry = newCurl(walk);
  attach(walk, entry);
  for (let left = random.between(1, 3); left > 0; left--) {
    if (entry.isLocked || entry.isPublic) return;
    set(walk, entry, curl.URL, goodTarget(random, site).url);
    transfer(walk, entry, performResults(walk, entry), random.chance(700));
  }
  if (entry.isPublic || random.chance(300)) return;
  if (random.chance(500)) detach(walk, entry);
  close(walk, entry);
}
