/** A Worker with a CurlMulti whose handles use the share of whoever started it. */

import * as curl from "../../mod.ts";
import { emit } from "../fixtures/worker_messages.ts";
import { Gate } from "../fixtures/workers.ts";

declare const self: { close(): void };

// What is only held by a variable could be collected while a test runs.
const held: unknown[] = [];

const HANDLES = 4;

function attached(share: number, url: string): curl.Curl {
  const c = new curl.Curl();
  c.setopt(curl.URL, url);
  c.setopt(curl.SHARE, curl.CurlShare.fromHandle(share));
  c.setopt(curl.WRITEFUNCTION, () => {});
  // The engine of the share waits for its answer.
  c.setopt(curl.SOCKOPTFUNCTION, () => curl.SOCKOPT_OK);
  held.push(c);
  return c;
}

/**
 * Transfers in a CurlMulti, and beside it on the share's engine, again and
 * again; how many went well.
 */
export async function mix(
  share: number,
  url: string,
  rounds: number,
): Promise<number> {
  using multi = new curl.CurlMulti();
  const handles = Array.from({ length: HANDLES }, () => attached(share, url));
  const other = attached(share, url);
  let count = 0;
  for (let round = 0; round < rounds; round++) {
    for (const c of handles) {
      c.setopt(curl.FRESH_CONNECT, round % 3 === 0);
      multi.addHandle(c);
    }
    other.setopt(curl.FRESH_CONNECT, round % 3 === 0);
    const text = other.performText();
    while (multi.perform()[1] > 0) {
      if (round % 2 === 0) multi.selectSync(0.01);
      else await multi.select(0.01);
    }
    const [, ok] = multi.infoRead();
    count += ok.length;
    for (const c of handles) multi.removeHandle(c);
    await text;
    other.performSync();
    count += 2;
  }
  return count;
}

/** Has transfers under way, and leaves them so. */
export function begin(share: number, url: string): number[] {
  const multi = new curl.CurlMulti();
  const handles = Array.from({ length: HANDLES }, () => attached(share, url));
  for (const c of handles) multi.addHandle(c);
  multi.perform();
  held.push(multi);
  return [multi, ...handles].map(({ handle }) => handle);
}

/** Ends in a callback, inside perform(). */
export function endInCallback(
  share: number,
  url: string,
  gate: SharedArrayBuffer,
): void {
  const multi = new curl.CurlMulti();
  const c = attached(share, url);
  held.push(multi);
  c.setopt(curl.WRITEFUNCTION, () => {
    emit("inside", [multi.handle, c.handle]);
    new Gate(gate).waitSync();
    self.close();
    for (let i = 0; i < 1e9; i++);
    throw new Error("the Worker has outlived its end");
  });
  multi.addHandle(c);
  while (multi.perform()[1] > 0) multi.selectSync(1);
}
