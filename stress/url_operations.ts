/**
 * Calls on URLs, and handles that are given them.
 *
 * @module
 */

import * as curl from "../mod.ts";
import { allowed, call, freeCurl } from "./curl_operations.ts";
import {
  type Allowed,
  type Outcome,
  type Refusal,
  SETTING_IDLE,
  state,
  wrongType,
} from "./outcomes.ts";
import { goodTarget } from "./settings.ts";
import type { Walk } from "./walk.ts";

/** A URL, which is this Worker's alone, and what is known of it. */
export class UrlEntry {
  readonly url: curl.CurlUrl;
  isClosed = false;
  /** What its parts were last set to, by their numbers. */
  readonly parts = new Map<number, string>();

  constructor(url: curl.CurlUrl) {
    this.url = url;
  }
}

const MOST_URLS = 6;

const CLOSED: Refusal = state(/^cannot (use|copy) a CurlUrl without a handle$/);
const CLOSED_OPTION: Refusal = state(
  "setopt(option=CURLU) received a CurlUrl without a handle",
);
const INCOMPLETE: Refusal = state("cannot serialise an incomplete URL");

/** A CurlError with one of the `UE_*`. */
const MALFORMED: Refusal = {
  type: "CurlError",
  codes: Array.from({ length: 40 }, (_, index) => index + 1),
  text: /./,
};

/** Parts, and values that each takes and gives back as they are. */
const PARTS: readonly [part: number, values: readonly string[]][] = [
  [curl.UPART_USER, ["name", "n%20n"]],
  [curl.UPART_PASSWORD, ["word", "%3A"]],
  [curl.UPART_HOST, ["localhost", "127.0.0.1"]],
  [curl.UPART_PORT, ["1", "2"]],
  [curl.UPART_PATH, ["/status/404", "/body/100/1", "/body/50/%32"]],
  [curl.UPART_QUERY, ["a=b", "", "x&y=%C3%A9"]],
  [curl.UPART_FRAGMENT, ["here", "%C3%A9"]],
];

function anyUrl(walk: Walk): UrlEntry {
  const { random, urls } = walk;
  if (urls.length === 0) return newUrl(walk);
  const entry = random.pick(urls);
  if (!entry.isClosed || random.chance(500)) return entry;
  urls.splice(urls.indexOf(entry), 1);
  return newUrl(walk);
}

function keep(walk: Walk, url: curl.CurlUrl): UrlEntry {
  const entry = new UrlEntry(url);
  walk.urls.push(entry);
  // Others are collected, some day.
  if (walk.urls.length > MOST_URLS) walk.urls.shift();
  return entry;
}

function attempt<T>(
  walk: Walk,
  { isClosed }: UrlEntry,
  what: string,
  act: () => T,
  ...results: Allowed[]
): Outcome<T> {
  return walk.attempt(`url ${what}`, isClosed ? [CLOSED] : results, act);
}

export function newUrl(walk: Walk): UrlEntry {
  const { random, site } = walk;
  const { url } = goodTarget(random, site);
  const make = random.pick<() => curl.CurlUrl>([
    () => new curl.CurlUrl(url),
    () => new curl.CurlUrl(new TextEncoder().encode(url)),
    () => curl.CurlUrl.from(new URL(url)),
  ]);
  const { value } = walk.attempt(`new CurlUrl(${url})`, ["ok"], make);
  if (value!.toString() !== url) walk.fail(`${url} became ${value}`);
  return keep(walk, value!);
}

export function newBadUrl(walk: Walk): void {
  const [value, refusal] = walk.random.pick<[unknown, Refusal]>([
    ["http://a:99999/", MALFORMED],
    ["http://[::1", MALFORMED],
    ["what://ever/", MALFORMED],
    ["a\0b", wrongType(/NUL/)],
    ["\ud800", wrongType(/surrogate/)],
    [5, wrongType(/^a URL part must be/)],
  ]);
  walk.attempt(`new CurlUrl(${Deno.inspect(value)})`, [refusal], () => {
    new curl.CurlUrl(value as string);
  });
}

/** Sets parts and finds them as they were set. */
export function setPart(walk: Walk): void {
  const { random } = walk;
  const entry = anyUrl(walk);
  const [part, values] = random.pick(PARTS);
  const value = random.pick(values);
  const { error } = attempt(walk, entry, `setpart(${part}, ${value})`, () => {
    entry.url.setpart(part, value);
  }, "ok");
  if (error === undefined) entry.parts.set(part, value);
}

export function setPartBadly(walk: Walk): void {
  const entry = anyUrl(walk);
  const [part, value] = walk.random.pick<[number, string]>([
    [curl.UPART_PORT, "99999"],
    [curl.UPART_HOST, "a b"],
    [curl.UPART_SCHEME, "1:"],
    [99, "a"],
  ]);
  attempt(walk, entry, `setpart(${part}, bad)`, () => {
    entry.url.setpart(part, value);
  }, MALFORMED);
}

/** All is as it was set. */
export function lookAtUrl(walk: Walk): void {
  const entry = anyUrl(walk);
  if (entry.url.closed !== entry.isClosed) {
    walk.fail(`a URL's closed is ${entry.url.closed}`);
  }
  for (const [part, expected] of entry.parts) {
    const { value } = attempt(
      walk,
      entry,
      `getpart(${part})`,
      () => entry.url.getpart(part, curl.U_GET_EMPTY),
      "ok",
    );
    if (value !== undefined && value !== expected) {
      walk.fail(`part ${part} is ${value}, not ${expected}`);
    }
  }
  attempt(
    walk,
    entry,
    "toString()",
    () => entry.url.toString(),
    "ok",
    INCOMPLETE,
  );
}

export function copyUrl(walk: Walk): void {
  const entry = anyUrl(walk);
  const { value } = attempt(
    walk,
    entry,
    "copy()",
    () => entry.url.copy(),
    "ok",
  );
  if (value === undefined) return;
  const copy = keep(walk, value);
  for (const [part, text] of entry.parts) copy.parts.set(part, text);
}

export function closeUrl(walk: Walk): void {
  const entry = anyUrl(walk);
  walk.attempt("url close()", ["ok"], () => entry.url.close());
  entry.isClosed = true;
}

/** Has a handle go to one, whatever becomes of that. */
export function setUrl(walk: Walk): void {
  const entry = freeCurl(walk);
  const { url, isClosed } = anyUrl(walk);
  const rule = isClosed
    ? { ...SETTING_IDLE, idle: [CLOSED_OPTION] }
    : SETTING_IDLE;
  const { error } = walk.attemptOn(
    entry,
    "setopt(CURLU)",
    [
      ...allowed(walk, entry, rule),
      // That it is closed is looked for first.
      ...(isClosed ? [CLOSED_OPTION] : []),
    ],
    () => entry.curl.setopt(curl.CURLU, url),
  );
  if (error === undefined && walk.random.chance(300)) {
    call(walk, entry, "unsetopt(CURLU)", SETTING_IDLE, () => {
      entry.curl.unsetopt(curl.CURLU);
    });
  }
}
