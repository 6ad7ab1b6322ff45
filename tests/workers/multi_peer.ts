/** Another isolate with a CurlMulti, and what it is in when it is terminated. */

import * as curl from "../../mod.ts";
import { emit } from "../fixtures/worker_messages.ts";
import { Gate } from "../fixtures/workers.ts";

declare const self: { close(): void };

// What is only held by a variable could be collected while a test runs.
const held: unknown[] = [];

/** The numbers of what the Worker owns. */
export interface Owned {
  multi: number;
  curls: number[];
}

/** Ends JavaScript in this very place once the gate opens. */
function endHere(gate: SharedArrayBuffer): void {
  new Gate(gate).waitSync();
  self.close();
  for (let i = 0; i < 1e9; i++);
  throw new Error("the Worker has outlived its end");
}

function curlTo(url: string): curl.Curl {
  const c = new curl.Curl();
  c.setopt(curl.URL, url);
  c.setopt(curl.WRITEFUNCTION, () => {});
  return c;
}

function make(url: string, count = 2): [curl.CurlMulti, curl.Curl[], Owned] {
  const multi = new curl.CurlMulti();
  const curls = Array.from({ length: count }, () => curlTo(url));
  for (const c of curls) multi.addHandle(c);
  held.push(multi, ...curls);
  const owned = { multi: multi.handle, curls: curls.map((c) => c.handle) };
  return [multi, curls, owned];
}

/** Has handles in a multi handle, whose transfers have begun. */
export function begin(url: string): Owned {
  const [multi, , owned] = make(url);
  multi.perform();
  return owned;
}

/** Ends in a callback of a handle. */
export function endInCallback(url: string, gate: SharedArrayBuffer): void {
  const [multi, [c], owned] = make(url);
  c.setopt(curl.WRITEFUNCTION, () => {
    emit("inside", owned);
    endHere(gate);
  });
  while (multi.perform()[1] > 0) multi.selectSync(1);
}

/** Ends in the timer function, called in NOTIFYFUNCTION by addHandle(). */
export function endInNotification(url: string, gate: SharedArrayBuffer): void {
  const [multi, , owned] = make(url);
  const other = curlTo(url);
  held.push(other);
  multi.setopt(curl.M_NOTIFYFUNCTION, () => {
    multi.setopt(curl.M_TIMERFUNCTION, () => {
      emit("inside", owned);
      endHere(gate);
    });
    multi.addHandle(other);
  });
  multi.notifyEnable(curl.M_NOTIFY_EASY_DONE);
  while (multi.perform()[1] > 0) multi.selectSync(1);
}

/** Waits in select(), for long. */
export async function waitForever(url: string): Promise<void> {
  const [multi, , owned] = make(url);
  multi.perform();
  emit("inside", owned);
  while (multi.perform()[1] > 0) await multi.select(1000);
}

/** Calls a method of somebody else's CurlMulti; what comes of it. */
export function attempt(handle: number, method: string): string {
  try {
    const multi = curl.CurlMulti.fromHandle(handle);
    held.push(multi);
    const own = curlTo("file:///dev/null");
    const acts: Record<string, () => unknown> = {
      perform: () => multi.perform(),
      socketAction: () => multi.socketAction(curl.SOCKET_TIMEOUT, 0),
      infoRead: () => multi.infoRead(),
      setopt: () => multi.setopt(curl.M_MAXCONNECTS, 1),
      timeout: () => multi.timeout(),
      fdset: () => multi.fdset(),
      select: () => multi.selectSync(0),
      addHandle: () => multi.addHandle(own),
      removeHandle: () => multi.removeHandle(own),
      close: () => multi.close(),
      closed: () => multi.closed,
      size: () => multi.size,
      closeHandles: () => multi.closeHandles,
    };
    return JSON.stringify(acts[method]()) ?? "done";
  } catch (error) {
    return (error as Error).message;
  }
}

/** Does a transfer in somebody else's CurlMulti; how many went well. */
export function transfer(handle: number, url: string): number {
  const multi = curl.CurlMulti.fromHandle(handle);
  const c = curlTo(url);
  held.push(multi, c);
  multi.addHandle(c);
  while (multi.perform()[1] > 0) multi.selectSync(1);
  const [, ok] = multi.infoRead();
  multi.removeHandle(c);
  return ok.length;
}

/** The same until it was not refused so often; how many transfers went well. */
export function race(handle: number, url: string, rounds: number): number {
  const multi = curl.CurlMulti.fromHandle(handle);
  const c = curlTo(url);
  held.push(multi, c);
  let count = 0;
  for (let round = 0; round < rounds;) {
    try {
      multi.addHandle(c);
    } catch (error) {
      if (!(error instanceof curl.CurlError) || error.code !== undefined) {
        throw error;
      }
      continue;
    }
    round++;
    multi.perform();
    count += multi.infoRead()[1].length;
    multi.removeHandle(c);
  }
  return count;
}
