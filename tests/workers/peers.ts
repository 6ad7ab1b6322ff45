/** What the tests of handles and shares have in common. */

import * as curl from "../../mod.ts";
import { report } from "../../src/ffi/call.ts";
import { startWorker, type WorkerHandle } from "../fixtures/workers.ts";

/** The functions of peer.ts. */
export type Peer = typeof import("./peer.ts");

/** Starts another isolate that can do what peer.ts can. */
export function startPeer(name = "peer"): Promise<WorkerHandle<Peer>> {
  return startWorker<Peer>(new URL("./peer.ts", import.meta.url), { name });
}

/** A handle with a URL, here and nowhere else. */
export function curlTo(url: string): curl.Curl {
  const c = new curl.Curl();
  c.setopt(curl.URL, url);
  return c;
}

/** A handle with a URL that uses a share. */
export function attachedTo(share: curl.CurlShare, url: string): curl.Curl {
  const c = curlTo(url);
  c.setopt(curl.SHARE, share);
  return c;
}

/** An open share of these kinds of data. */
export function shareOf(...kinds: number[]): curl.CurlShare {
  const share = new curl.CurlShare();
  share.share(...kinds);
  return share;
}

/** The same with its cookie engine on: the cookies are the share's alone. */
export function cookieCurlTo(share: curl.CurlShare, url: string): curl.Curl {
  const c = attachedTo(share, url);
  c.setopt(curl.COOKIEFILE, "");
  return c;
}

/** Performs, with this done once in the midst of it; what it threw is thrown. */
export function during(c: curl.Curl, act: () => void): void {
  let calls = 0;
  let failure: { cause: unknown } | undefined;
  c.setopt(curl.WRITEFUNCTION, () => {
    if (calls++ > 0) return;
    try {
      act();
    } catch (cause) {
      failure = { cause };
    }
  });
  c.performSync();
  if (failure) throw failure.cause;
  if (calls === 0) throw new Error("the transfer had no body to be in");
}

/** Asserts that the object's state refuses this, in these words. */
export function assertRefused(act: () => unknown, message: string): void {
  const given = refusal(act);
  if (given !== message) {
    throw new Error(`expected "${message}", but it says "${given}"`);
  }
}

/** The words in which the object's state refuses this. */
export function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof curl.CurlError && error.code === undefined) {
      return error.message;
    }
    throw error;
  }
  return "not refused";
}

/** Whether anything in the process still holds this handle. */
export function isAlive(handle: number): boolean {
  return stateOf(handle) !== undefined;
}

/** What the library says about a handle; undefined if it is gone. */
export function stateOf(handle: number): string | undefined {
  const pattern = new RegExp(`^(?:curl|multi|share) ${handle} (.*)$`, "m");
  return pattern.exec(report())?.[1];
}

/** Waits for a condition that nobody can be asked to tell of. */
export async function until(
  what: string,
  condition: () => boolean,
  deadlineMs = 10_000,
): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited too long until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
