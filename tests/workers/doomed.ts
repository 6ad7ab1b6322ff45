/** What a Worker is in the midst of when it is terminated. */

import * as curl from "../../mod.ts";
import { emit } from "../fixtures/worker_messages.ts";
import { Gate } from "../fixtures/workers.ts";

declare const self: { close(): void };

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

/** Performs its own Curl, and never leaves its callback. */
export function stayInCallback(url: string, gate: SharedArrayBuffer): void {
  const owned = make(url);
  const c = curl.Curl.fromHandle(owned.curl);
  c.setopt(curl.WRITEFUNCTION, () => {
    emit("inside", owned);
    new Gate(gate).waitSync();
  });
  c.performSync();
}

/** Performs a Curl in a callback of another, and never leaves the inner one. */
export function stayInNestedCallback(
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
    new Gate(gate).waitSync();
  });
  curl.Curl.fromHandle(outer.curl).performSync();
}

/** Closes a Curl with a connection, and never leaves CLOSESOCKETFUNCTION. */
export function stayInClose(url: string, gate: SharedArrayBuffer): void {
  const c = new curl.Curl();
  held.push(c);
  c.setopt(curl.URL, url);
  c.setopt(curl.CLOSESOCKETFUNCTION, () => {
    emit("inside", c.handle);
    new Gate(gate).waitSync();
  });
  c.performBytesSync();
  c.close();
}

/** Performs a Curl that somebody else has made. */
export function performOthers(
  handle: number,
  gate: SharedArrayBuffer,
  callback: "WRITEFUNCTION" | "PREREQFUNCTION" | "DEBUGFUNCTION" =
    "WRITEFUNCTION",
): void {
  const c = curl.Curl.fromHandle(handle);
  held.push(c);
  c.setopt(curl[callback], () => {
    emit("inside");
    new Gate(gate).waitSync();
  });
  // Without WRITEFUNCTION the body would go to standard output.
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

/** The same, but stays in the callback. */
export function stayOnShare(
  url: string,
  share: number,
  gate: SharedArrayBuffer,
): string {
  const c = new curl.Curl();
  held.push(c);
  c.setopt(curl.URL, url);
  c.setopt(curl.SHARE, curl.CurlShare.fromHandle(share));
  c.setopt(curl.WRITEFUNCTION, () => {
    emit("inside", c.handle);
    new Gate(gate).waitSync();
  });
  c.performSync();
  return "done";
}

/** Ends its own Worker in a callback. */
export function endInCallback(url: string): void {
  const owned = make(url);
  const c = curl.Curl.fromHandle(owned.curl);
  c.setopt(curl.WRITEFUNCTION, () => {
    emit("inside", owned);
    self.close();
  });
  c.performSync();
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
