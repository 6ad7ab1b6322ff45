/** What a Worker is in the midst of when it is terminated. */

import * as curl from "../../mod.ts";
import { emit } from "../fixtures/worker_messages.ts";
import { Gate } from "../fixtures/workers.ts";

declare const self: { close(): void };

/**
 * Ends JavaScript in this very place once the gate opens: terminate() alone
 * would let a callback return first.
 */
function endHere(gate: SharedArrayBuffer): void {
  new Gate(gate).waitSync();
  self.close();
  for (let i = 0; i < 1e9; i++);
  throw new Error("the Worker has outlived its end");
}

/** The callbacks in which a Worker can be held. */
export type Held =
  | "WRITEFUNCTION"
  | "SOCKOPTFUNCTION"
  | "PREREQFUNCTION"
  | "DEBUGFUNCTION";

// What is only held by a variable could be collected while a test runs.
const held: unknown[] = [];

/** The numbers of what the Worker owns. */
export interface Owned {
  curl: number;
  share: number;
}

/** Makes a share of cookies and a Curl that uses it. */
export function make(url: string): Owned {
  const share = new curl.CurlShare();
  share.share(curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_CONNECT);
  const c = new curl.Curl();
  c.setopt(curl.URL, url);
  c.setopt(curl.SHARE, share);
  held.push(share, c);
  return { curl: c.handle, share: share.handle };
}

/** Performs its own Curl, and ends in the callback. */
export function endInCallback(url: string, gate: SharedArrayBuffer): void {
  const owned = make(url);
  const c = curl.Curl.fromHandle(owned.curl);
  c.setopt(curl.WRITEFUNCTION, () => {
    emit("inside", owned);
    endHere(gate);
  });
  c.performSync();
}

/**
 * Ends in the callback of a synchronous transfer on a share while a turn of the
 * asynchronous ones is due, which JavaScript has all the same.
 */
export async function endBeforeTurn(
  url: string,
  stalled: string,
  gate: SharedArrayBuffer,
): Promise<void> {
  const [owned, waiting, other] = [make(url), make(stalled), make(url)];
  curl.Curl.fromHandle(waiting.curl).perform().catch(() => {});
  curl.Curl.fromHandle(other.curl).setopt(curl.WRITEFUNCTION, () => {});
  await curl.Curl.fromHandle(other.curl).perform();
  const c = curl.Curl.fromHandle(owned.curl);
  c.setopt(curl.WRITEFUNCTION, () => {
    emit("inside", [owned, waiting, other]);
    endHere(gate);
  });
  c.performSync();
}

/** Performs a Curl in a callback of another, and ends in the inner one. */
export function endInNestedCallback(
  url: string,
  gate: SharedArrayBuffer,
): void {
  const [outer, inner] = [make(url), make(url)];
  curl.Curl.fromHandle(outer.curl).setopt(
    curl.WRITEFUNCTION,
    () => curl.Curl.fromHandle(inner.curl).performSync(),
  );
  curl.Curl.fromHandle(inner.curl).setopt(curl.WRITEFUNCTION, () => {
    emit("inside", [outer, inner]);
    endHere(gate);
  });
  curl.Curl.fromHandle(outer.curl).performSync();
}

/** Closes a Curl with a connection, and ends in CLOSESOCKETFUNCTION. */
export function endInClose(url: string, gate: SharedArrayBuffer): void {
  const c = new curl.Curl();
  held.push(c);
  c.setopt(curl.URL, url);
  c.setopt(curl.CLOSESOCKETFUNCTION, () => {
    emit("inside", c.handle);
    endHere(gate);
  });
  c.performBytesSync();
  c.close();
}

/** Performs a Curl that somebody else has made, and ends in a callback. */
export function performOthers(
  handle: number,
  gate: SharedArrayBuffer,
  callback: Held = "WRITEFUNCTION",
): void {
  const c = curl.Curl.fromHandle(handle);
  held.push(c);
  c.setopt(curl[callback], () => {
    emit("inside");
    endHere(gate);
  });
  performQuietly(c, callback);
}

/** Without WRITEFUNCTION the body would go to standard output. */
function performQuietly(c: curl.Curl, callback: Held): void {
  if (callback === "WRITEFUNCTION") c.performSync();
  else c.performBytesSync();
}

/** Performs its own Curl, through somebody else's share. */
export function performOnShare(url: string, share: number): number {
  const c = new curl.Curl();
  held.push(c);
  c.setopt(curl.URL, url);
  c.setopt(curl.SHARE, curl.CurlShare.fromHandle(share));
  emit("about to perform", c.handle);
  return c.performBytesSync().length;
}

/** The same, but stays in a callback until the gate opens. */
export function holdShare(
  url: string,
  share: number,
  gate: SharedArrayBuffer,
  ends: boolean,
  callback: Held = "WRITEFUNCTION",
): string {
  const c = new curl.Curl();
  held.push(c);
  c.setopt(curl.URL, url);
  c.setopt(curl.SHARE, curl.CurlShare.fromHandle(share));
  c.setopt(curl[callback], () => {
    emit("inside", c.handle);
    if (ends) endHere(gate);
    new Gate(gate).waitSync();
  });
  performQuietly(c, callback);
  return "done";
}

/** Performs again and again, with a breath between. */
export async function performForever(url: string): Promise<void> {
  const owned = make(url);
  const c = curl.Curl.fromHandle(owned.curl);
  for (let round = 0;; round++) {
    c.performBytesSync();
    if (round === 3) emit("inside", owned);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

/** A Curl on a share, whose mime this function gives. */
function sendMime(url: string, share: number, read: () => unknown): curl.Curl {
  const c = new curl.Curl();
  const mime = new curl.CurlMime(c);
  held.push(c, mime);
  c.setopt(curl.URL, url);
  c.setopt(curl.SHARE, curl.CurlShare.fromHandle(share));
  mime.addpart().dataCb(10, read as () => string, { seek: () => {} });
  c.setopt(curl.MIMEPOST, mime);
  return c;
}

/** Sends a mime, and ends in the function that reads it. */
export function endInMime(
  url: string,
  share: number,
  gate: SharedArrayBuffer,
): void {
  const c = sendMime(url, share, () => {
    emit("inside", c.handle);
    endHere(gate);
  });
  c.performBytesSync();
}

/** Sends a mime of which a promise never settles. */
export async function waitInMime(url: string, share: number): Promise<void> {
  const c = sendMime(url, share, () => {
    setTimeout(() => emit("inside", c.handle), 0);
    return new Promise(() => {});
  });
  await c.performBytes();
}
