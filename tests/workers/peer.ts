/**
 * Another isolate, for the tests of several Workers: it makes handles or takes
 * them up by their numbers, calls their methods, and holds on to them.
 */

import * as curl from "../../mod.ts";
import { emit } from "../fixtures/worker_messages.ts";
import { Gate } from "../fixtures/workers.ts";

/** What a share is called in arguments, since only its number can be posted. */
export interface SharedBy {
  share: number;
}

type Method = (...args: unknown[]) => unknown;
type CallbackName =
  | "WRITEFUNCTION"
  | "XFERINFOFUNCTION"
  | "DEBUGFUNCTION"
  | "SOCKOPTFUNCTION"
  | "PREREQFUNCTION";

// What is only held by a variable could be collected while a test runs.
const curls = new Map<number, curl.Curl>();
const shares = new Map<number, curl.CurlShare>();
const urls: curl.CurlUrl[] = [];

/** Makes a Curl; gives its number. */
export function makeCurl(url?: string): number {
  const c = new curl.Curl();
  if (url !== undefined) c.setopt(curl.URL, url);
  curls.set(c.handle, c);
  return c.handle;
}

/** Makes so many CurlUrl objects; gives the number of a Curl with the last. */
export function makeUrls(count: number, url: string): number {
  const handle = makeCurl();
  for (let i = 0; i < count; i++) {
    urls.push(new curl.CurlUrl(url));
    curlOf(handle).setopt(curl.CURLU, urls[i]);
  }
  return handle;
}

/** Makes a share of these kinds of data; gives its number. */
export function makeShare(...kinds: number[]): number {
  const share = new curl.CurlShare();
  if (kinds.length > 0) share.share(...kinds);
  shares.set(share.handle, share);
  return share.handle;
}

/** Calls a method of a Curl, or reads a property. */
export function onCurl(
  handle: number,
  member: string,
  ...args: unknown[]
): unknown {
  return call(curlOf(handle), member, args);
}

/** Calls a method of a share, or reads a property. */
export function onShare(
  handle: number,
  member: string,
  ...args: unknown[]
): unknown {
  return call(shareOf(handle), member, args);
}

/** Takes up a handle that was made elsewhere; gives it back. */
export function take(kind: "Curl" | "CurlShare", handle: unknown): number {
  const object = kind === "Curl"
    ? curl.Curl.fromHandle(handle as number)
    : curl.CurlShare.fromHandle(handle as number);
  return posted(object) as number;
}

/** Sets a callback that does nothing. */
export function setCallback(handle: number, option: number): void {
  curlOf(handle).setopt(option as curl.CallbackOption<() => void>, () => {});
}

/**
 * Performs, and is held in the first call of a callback until the second gate
 * opens. What `inside` asks for is done there; its outcome is given back.
 */
export function performHeld(
  handle: number,
  entered: SharedArrayBuffer,
  released: SharedArrayBuffer,
  settings: { callback?: CallbackName; inside?: Inside } = {},
): string {
  const c = curlOf(handle);
  const { callback = "WRITEFUNCTION", inside } = settings;
  let outcome = "no callback was called";
  let first = true;
  c.setopt(curl.WRITEFUNCTION, () => {});
  if (callback === "XFERINFOFUNCTION") c.setopt(curl.NOPROGRESS, false);
  if (callback === "DEBUGFUNCTION") c.setopt(curl.VERBOSE, true);
  c.setopt(curl[callback], () => {
    if (!first) return;
    first = false;
    new Gate(entered).open();
    emit("inside");
    new Gate(released).waitSync();
    outcome = inside ? attempt(() => onObject(inside)) : "done";
  });
  c.performSync();
  return outcome;
}

/** One call, in a form that can be posted. */
export interface Inside {
  kind: "Curl" | "CurlShare";
  handle: number;
  member: string;
  args?: unknown[];
}

/** Makes a call when the first gate opens, then opens the second. */
export function whenOpen(
  gate: SharedArrayBuffer,
  done: SharedArrayBuffer,
  act: Inside,
): string {
  onObject({ ...act, member: "handle", args: [] });
  emit("waiting");
  new Gate(gate).waitSync();
  try {
    return attempt(() => onObject(act));
  } finally {
    new Gate(done).open();
  }
}

/**
 * Uses a share when the first gate opens, in every way that does not wait for
 * its transfers; then opens the second.
 */
export function useShareWhenOpen(
  gate: SharedArrayBuffer,
  done: SharedArrayBuffer,
  { share, attached }: { share: number; attached: number },
): string[] {
  const shared = shareOf(share);
  const idle = curlOf(attached);
  const c = new curl.Curl();
  emit("waiting");
  new Gate(gate).waitSync();
  try {
    c.setopt(curl.SHARE, shared);
    const outcomes = ["attached"];
    idle.unsetopt(curl.SHARE);
    outcomes.push("detached", `counted ${shared.attached}`);
    outcomes.push(attempt(() => shared.close()));
    c.close();
    return [...outcomes, "closed the Curl"];
  } finally {
    new Gate(done).open();
  }
}

function onObject({ kind, handle, member, args = [] }: Inside): unknown {
  return kind === "Curl"
    ? onCurl(handle, member, ...args)
    : onShare(handle, member, ...args);
}

function attempt(act: () => unknown): string {
  try {
    act();
    return "done";
  } catch (error) {
    return (error as Error).message;
  }
}

function call(object: object, member: string, args: unknown[]): unknown {
  const value = (object as Record<string, unknown>)[member];
  if (typeof value !== "function") return value;
  return posted((value as Method).apply(object, args.map(received)));
}

function received(argument: unknown): unknown {
  return typeof argument === "object" && argument !== null &&
      "share" in argument
    ? shareOf((argument as SharedBy).share)
    : argument;
}

/** A Curl or a share is kept here, and its number posted. */
function posted(value: unknown): unknown {
  if (value instanceof curl.Curl) {
    curls.set(value.handle, value);
    return value.handle;
  }
  if (value instanceof curl.CurlShare) {
    shares.set(value.handle, value);
    return value.handle;
  }
  return value;
}

function curlOf(handle: number): curl.Curl {
  const known = curls.get(handle) ?? curl.Curl.fromHandle(handle);
  curls.set(handle, known);
  return known;
}

function shareOf(handle: number): curl.CurlShare {
  const known = shares.get(handle) ?? curl.CurlShare.fromHandle(handle);
  shares.set(handle, known);
  return known;
}
