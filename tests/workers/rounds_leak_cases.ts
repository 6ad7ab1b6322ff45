/**
 * What is asynchronous, 100 000 times over, while memory and file descriptors
 * stay flat. Runs in a process of its own, with `--expose-gc`.
 */

import * as curl from "../../mod.ts";
import { leastGrowth, type State } from "./growth.ts";
import { curlTo } from "./peers.ts";

/** This file: native code reads it without a permission of Deno's. */
const FILE = import.meta.url;
const NOWHERE = "ws://127.0.0.1:1/";

/** The cases, by what a test of them is called; they are given a server. */
export const CASES: Record<string, (url: string) => () => Promise<unknown>> = {
  "a CurlWebSocket that is given up while it opens": () => async () => {
    const ws = new curl.CurlWebSocket(NOWHERE);
    ws.close();
    await ws.closed.catch(() => {});
  },
  "a CurlBody that is not read": () => {
    const c = curlTo(FILE);
    return async () => {
      await using _ = await c.performStream();
    };
  },
  "a CurlBody that is read to its end": () => {
    const c = curlTo(FILE);
    return async () => {
      const { readable } = await c.performStream();
      const reader = readable.getReader();
      while (!(await reader.read()).done);
    };
  },
  "performBytes() of a file": () => {
    const c = curlTo(FILE);
    return () => c.performBytes();
  },
  "requests on one handle": (url) => {
    const c = curlTo(url);
    return () => c.performBytes();
  },
  "CurlMulti.select()": () => {
    const multi = new curl.CurlMulti();
    return () => multi.select(0);
  },
};

const SECTION = 20_000;

/** A section that loses 10 bytes in each round loses as much. */
export const NOISE = 200_000;

/** Does a case's rounds, and gives what they left. */
export function measure(name: string, url: string): Promise<State> {
  const round = CASES[name](url);
  return leastGrowth(async () => {
    for (let i = 0; i < SECTION; i++) {
      await round();
      // What a WeakRef was made for lives to the end of its task.
      if (i % 1000 === 0) await nextTask();
    }
    await nextTask();
  }, NOISE);
}

function nextTask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
