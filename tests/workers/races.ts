/** What several Workers do at the same time to see that nothing breaks. */

import * as curl from "../../mod.ts";
import { emit } from "../fixtures/worker_messages.ts";
import { Gate } from "../fixtures/workers.ts";

/** How many calls were let through, and in which words the others were not. */
export interface Tally {
  done: number;
  refused: Record<string, number>;
}

/** Calls this so often once the gate opens. */
function tally(
  gate: SharedArrayBuffer,
  rounds: number,
  act: (round: number) => void,
): Tally {
  const result: Tally = { done: 0, refused: {} };
  new Gate(gate).waitSync();
  for (let round = 0; round < rounds; round++) count(result, () => act(round));
  return result;
}

/** Makes a call, and takes it down; only refusals are not thrown. */
function count(result: Tally, act: () => void): void {
  try {
    act();
    result.done += 1;
  } catch (error) {
    if (!(error instanceof curl.CurlError) || error.code !== undefined) {
      throw error;
    }
    const times = result.refused[error.message] ?? 0;
    result.refused[error.message] = times + 1;
  }
}

/** Performs a handle until that has worked so often, each time with this many bytes. */
export function perform(
  handle: number,
  length: number,
  gate: SharedArrayBuffer,
  rounds: number,
): Tally {
  const c = curl.Curl.fromHandle(handle);
  const result = tally(gate, 0, () => {});
  while (result.done < rounds) {
    count(result, () => {
      const body = c.performBytesSync();
      if (body.length !== length) {
        throw new Error(`${body.length} bytes came, not ${length}`);
      }
    });
  }
  return result;
}

/** Performs a handle again and again until the gate opens; gives how often. */
export function performUntil(handle: number, gate: SharedArrayBuffer): number {
  const c = curl.Curl.fromHandle(handle);
  const end = new Gate(gate);
  const result: Tally = { done: 0, refused: {} };
  emit("performing");
  while (!end.isOpen) count(result, () => c.performBytesSync());
  return result.done;
}

/** Sets options of a handle and asks for infos. */
export function setAndGet(
  handle: number,
  gate: SharedArrayBuffer,
  rounds: number,
): Tally {
  const c = curl.Curl.fromHandle(handle);
  const calls = [
    () => c.setopt(curl.USERAGENT, "agent ".repeat(20)),
    () => c.setopt(curl.HTTPHEADER, ["A: 1", "B: 2", "C: 3"]),
    () => c.setopt(curl.POSTFIELDS, "x".repeat(100)),
    () => c.setopt(curl.TIMEOUT, 60),
    () => c.setopt(curl.COOKIELIST, "Set-Cookie: a=b; domain=x.example"),
    () => c.getinfo(curl.EFFECTIVE_URL),
    () => c.getinfo(curl.INFO_COOKIELIST),
    () => c.getinfo(curl.TOTAL_TIME),
    () => c.setopt(curl.HTTPGET, true),
    () => c.unsetopt(curl.HTTPHEADER),
    () => c.errstr(),
    () => c.duphandle().close(),
    () => c.share(),
  ];
  return tally(gate, rounds, (round) => calls[round % calls.length]());
}

/** Attaches a handle to a share and detaches it again. */
export function attachAndDetach(
  handle: number,
  share: number,
  gate: SharedArrayBuffer,
  rounds: number,
): Tally {
  const c = curl.Curl.fromHandle(handle);
  const shared = curl.CurlShare.fromHandle(share);
  return tally(gate, rounds, (round) => {
    if (round % 2 === 0) c.setopt(curl.SHARE, shared);
    else c.unsetopt(curl.SHARE);
  });
}

/** Performs a handle of its own on a share until somebody closes that. */
export function performUntilDetached(
  share: number,
  url: string,
  gate: SharedArrayBuffer,
  attached: SharedArrayBuffer,
): { detached: boolean; early: number; length: number } {
  const shared = curl.CurlShare.fromHandle(share);
  using c = new curl.Curl();
  c.setopt(curl.URL, url);
  c.setopt(curl.SHARE, shared);
  Atomics.add(new Int32Array(attached), 0, 1);
  new Gate(gate).waitSync();
  // How often it was detached from a share that was not closed after all.
  let early = 0;
  do {
    c.performBytesSync();
    if (c.share() === null && !shared.closed) early += 1;
  } while (!shared.closed);
  const detached = c.share() === null;
  return { detached, early, length: c.performBytesSync().length };
}

/** Closes the share again and again until it is closed. */
export function closeUntilClosed(
  share: number,
  gate: SharedArrayBuffer,
  expected: number,
): { refusals: string[]; halfDone: number } {
  const shared = curl.CurlShare.fromHandle(share);
  new Gate(gate).waitSync();
  const refusals = new Set<string>();
  let halfDone = 0;
  for (;;) {
    try {
      shared.close();
      return { refusals: [...refusals], halfDone };
    } catch (error) {
      refusals.add((error as Error).message);
      const { closed, attached } = shared;
      if (!closed && attached !== expected) halfDone += 1;
    }
  }
}

/** Makes shares, attaches a handle to each, and closes them under it. */
export function replaceShares(
  handle: number,
  gate: SharedArrayBuffer,
  rounds: number,
): Tally {
  const c = curl.Curl.fromHandle(handle);
  return tally(gate, rounds, () => {
    using share = new curl.CurlShare();
    c.setopt(curl.SHARE, share);
  });
}

/** Asks a handle for its share. */
export function askForShare(
  handle: number,
  gate: SharedArrayBuffer,
  rounds: number,
): Tally {
  const c = curl.Curl.fromHandle(handle);
  return tally(gate, rounds, () => c.share());
}
