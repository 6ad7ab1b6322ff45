/** What a Worker has under way when it is terminated. */

import * as curl from "../../mod.ts";
import { emit } from "../fixtures/worker_messages.ts";
import { Gate } from "../fixtures/workers.ts";

declare const self: { close(): void };

// What is only held by a variable could be collected while a test runs.
const held: unknown[] = [];

function make(url: string, share: number): curl.Curl {
  const c = new curl.Curl();
  held.push(c);
  c.setopt(curl.URL, url);
  c.setopt(curl.TIMEOUT, 60);
  if (share) c.setopt(curl.SHARE, curl.CurlShare.fromHandle(share));
  return c;
}

/** Starts transfers, and does not wait for them; gives their numbers. */
export function start(url: string, share: number, count: number): number[] {
  return Array.from({ length: count }, () => {
    const c = make(url, share);
    held.push(c.performText());
    return c.handle;
  });
}

/** Opens bodies that nobody reads. */
export async function open(
  url: string,
  share: number,
  count: number,
): Promise<number[]> {
  const made = Array.from({ length: count }, () => make(url, share));
  held.push(await Promise.all(made.map((c) => c.performStream())));
  return made.map(({ handle }) => handle);
}

/** Starts a transfer whose function never answers. */
export function answerNever(url: string, share: number): Promise<number> {
  const c = make(url, share);
  return new Promise((resolve) => {
    c.setopt(curl.WRITEFUNCTION, () => {
      resolve(c.handle);
      return new Promise(() => {});
    });
    held.push(c.perform());
  });
}

/** Ends JavaScript in a callback, once the gate opens. */
export async function endInCallback(
  url: string,
  share: number,
  gate: SharedArrayBuffer,
): Promise<void> {
  const c = make(url, share);
  c.setopt(curl.PREREQFUNCTION, () => {
    emit("inside", c.handle);
    new Gate(gate).waitSync();
    self.close();
    for (let i = 0; i < 1e9; i++);
    throw new Error("the Worker has outlived its end");
  });
  await c.performText();
}

/** Performs again and again. */
export async function performForever(
  url: string,
  share: number,
): Promise<void> {
  const c = make(url, share);
  for (let round = 0;; round++) {
    await c.performText();
    if (round === 3) emit("inside", c.handle);
  }
}
