/**
 * Questions that change nothing, and whether all is as this Worker knows it.
 *
 * @module
 */

import * as curl from "../mod.ts";
import { allowed, anyCurl, call, ownCurl } from "./curl_operations.ts";
import { type CurlEntry, phasesOf } from "./objects.ts";
import { failed, insideToo, noCurl, type Rule, wrongType } from "./outcomes.ts";
import type { Walk } from "./walk.ts";

const GETINFO: Rule = insideToo("getinfo", "ok");

const NUMBERS: readonly curl.CurlInfo<number>[] = [
  curl.RESPONSE_CODE,
  curl.HTTP_CONNECTCODE,
  curl.TOTAL_TIME,
  curl.NAMELOOKUP_TIME_T,
  curl.SIZE_DOWNLOAD_T,
  curl.SPEED_DOWNLOAD_T,
  curl.CONTENT_LENGTH_DOWNLOAD_T,
  curl.NUM_CONNECTS,
  curl.REDIRECT_COUNT,
  curl.SSL_VERIFYRESULT,
  curl.INFO_HTTP_VERSION,
  curl.OS_ERRNO,
  curl.ACTIVESOCKET,
  curl.CONN_ID,
  curl.PRIMARY_PORT,
];

const TEXTS: readonly curl.CurlInfo<string | null>[] = [
  curl.EFFECTIVE_URL,
  curl.CONTENT_TYPE,
  curl.REDIRECT_URL,
  curl.PRIMARY_IP,
  curl.SCHEME,
  curl.INFO_CAINFO,
];

export function getNumber(walk: Walk): void {
  const entry = anyCurl(walk);
  const info = walk.random.pick(NUMBERS);
  const { value } = call(
    walk,
    entry,
    `getinfo(${info})`,
    GETINFO,
    () => entry.curl.getinfo(info),
  );
  if (value !== undefined && typeof value !== "number") {
    walk.fail(`getinfo(${info}) gave ${Deno.inspect(value)}`);
  }
}

export function getText(walk: Walk): void {
  const entry = anyCurl(walk);
  const info = walk.random.pick(TEXTS);
  const isRaw = walk.random.chance(300);
  const { value } = call(
    walk,
    entry,
    `getinfo(${info})`,
    GETINFO,
    () => isRaw ? entry.curl.getinfoRaw(info) : entry.curl.getinfo(info),
  );
  const isRight = value === undefined || value === null ||
    (isRaw ? value instanceof Uint8Array : typeof value === "string");
  if (!isRight) walk.fail(`getinfo(${info}) gave ${Deno.inspect(value)}`);
}

export function getList(walk: Walk): void {
  const entry = anyCurl(walk);
  const info = walk.random.pick([
    curl.INFO_COOKIELIST,
    curl.SSL_ENGINES,
    curl.INFO_CERTINFO,
  ]);
  const { value } = call(
    walk,
    entry,
    `getinfo(${info})`,
    GETINFO,
    () => entry.curl.getinfo<curl.CurlInfo<unknown>>(info),
  );
  if (value !== undefined && !Array.isArray(value)) {
    walk.fail(`getinfo(${info}) gave ${Deno.inspect(value)}`);
  }
}

/** Whatever was kept by this Worker's object. */
export function getPrivate(walk: Walk): void {
  const entry = anyCurl(walk);
  const { value, error } = call(
    walk,
    entry,
    "getinfo(INFO_PRIVATE)",
    GETINFO,
    () => entry.curl.getinfo(curl.INFO_PRIVATE),
  ) as { value?: unknown; error?: Error };
  if (error === undefined && value !== entry.kept) {
    walk.fail(`${entry} kept ${Deno.inspect(value)}, not ${entry.kept}`);
  }
}

export function getBad(walk: Walk): void {
  const entry = anyCurl(walk);
  const [info, refusal] = walk.random.pick([
    [curl.TLS_SESSION, wrongType(/^getinfo\(TLS_SESSION\): .*pointer/)],
    [0x10ffff, failed([curl.E_UNKNOWN_OPTION])],
    ["URL", wrongType(/^an info is one of/)],
  ]);
  const rule = allowed(walk, entry, GETINFO).filter((one) => one !== "ok");
  walk.attemptOn(
    entry,
    `getinfo(${info}, bad)`,
    [...rule, refusal],
    () => entry.curl.getinfo(info as curl.CurlInfo),
  );
}

/** Headers of what was last transferred, whatever that was. */
export function lookAtHeaders(walk: Walk): void {
  const entry = anyCurl(walk);
  const { random } = walk;
  const request = random.pick([-1, 0, 1]);
  const origin = random.pick([curl.H_HEADER, curl.H_HEADER | curl.H_TRAILER]);
  const { value } = call(
    walk,
    entry,
    "headers()",
    insideToo("headers", "ok"),
    () => entry.curl.headers({ request, origin }),
  );
  for (const { name, index, amount } of value ?? []) {
    if (name === "" || index >= amount) {
      walk.fail(`headers() gave ${name}, ${index} of ${amount}`);
    }
    const one = call(
      walk,
      entry,
      `header(${name})`,
      insideToo("header", "ok"),
      () => entry.curl.header(name, { request, origin, index }),
    );
    if (!entry.isPublic && one.value?.name !== name) {
      walk.fail(`header(${name}) gave ${Deno.inspect(one.value)}`);
    }
  }
}

/** The share of a handle; others' become known by it. */
export function shareOf(walk: Walk, entry: CurlEntry = anyCurl(walk)): void {
  const phases = phasesOf(entry, walk.frames);
  const { value } = walk.attemptOn(
    entry,
    "share()",
    phases.map((phase) => phase === "closed" ? noCurl("share") : "ok"),
    () => entry.curl.share(),
  );
  if (value === undefined) return;
  const expected = entry.attachment === "yes" ? entry.share!.share : null;
  const isRight = entry.attachment !== "maybe"
    ? value === expected
    : entry.isPublic || value === null || value === entry.share!.share;
  if (!isRight) {
    walk.fail(`${entry}: its share is ${value?.handle}, not ${entry.share}`);
  }
  if (value !== null && entry.isPublic) walk.addShare(value, true);
}

/** Whether everything of this Worker's own is as it must be. */
export function lookAtOwn(walk: Walk): void {
  for (const entry of walk.curls.filter(({ isPublic }) => !isPublic)) {
    const isClosed = phasesOf(entry, walk.frames)[0] === "closed";
    if (entry.curl.closed !== isClosed) {
      walk.fail(`${entry} closed is ${!isClosed}`);
    }
    if (!isClosed) shareOf(walk, entry);
  }
  for (const entry of walk.shares.filter(({ isPublic }) => !isPublic)) {
    const { share, isClosed, members, transfers } = entry;
    if (share.closed !== isClosed || share.attached !== members.size) {
      walk.fail(
        `${entry}: closed ${share.closed}, not ${isClosed}; attached ` +
          `${share.attached}, not ${members.size}`,
      );
    }
    const counted = isClosed ? transfers : share.stats().transfers;
    // Some may be over whose promises have not settled.
    const most = transfers + entry.flying;
    if (counted < transfers || counted > most) {
      walk.fail(`${entry} had ${counted} transfers, not ${transfers}–${most}`);
    }
  }
}

/** A handle that never had a share has no cookies of others. */
export function lookAtCookies(walk: Walk): void {
  const entry = ownCurl(walk);
  if (entry.wasShared) return;
  const { value } = call(
    walk,
    entry,
    "getinfo(INFO_COOKIELIST)",
    GETINFO,
    () => entry.curl.getinfo(curl.INFO_COOKIELIST),
  );
  const foreign = value?.find((line) =>
    /\towner-[1-9]/.test(line) &&
    !line.includes(`\towner-${entry.curl.handle}\t`)
  );
  if (foreign) walk.fail(`${entry} has the cookie ${foreign}`);
}
