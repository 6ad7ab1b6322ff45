/**
 * Asynchronous transfers, done very often while memory and file descriptors
 * stay flat. Runs in a process of its own, with `--expose-gc`.
 */

import * as curl from "../../mod.ts";
import { report } from "../../src/ffi/call.ts";
import type { State } from "./leak_cases.ts";
import { attachedTo, curlTo, shareOf } from "./peers.ts";

const { gc } = globalThis as unknown as { gc(): void };

/** Makes what is used again and again, and gives one round. */
type Prepare = (url: string) => () => Promise<unknown>;

/** The cases, by what a test of them is called. */
export const CASES: Record<string, Prepare> = {
  "2000 requests one after another on one handle": (url) => {
    const c = curlTo(url);
    return () => c.performBytes();
  },
  "a new Curl for each request": (url) => async () => {
    using c = curlTo(url);
    await c.performText();
  },
  "a body that a function takes by promises": (url) => {
    const c = curlTo(`${url}/bytes/100000`);
    c.setopt(curl.WRITEFUNCTION, async () => {});
    return () => c.perform();
  },
  "a body that is read as a stream": (url) => {
    const c = curlTo(`${url}/bytes/100000`);
    return async () => {
      await using body = await c.performStream();
      await new Response(body.readable).bytes();
    };
  },
  "a body that is not read to its end": (url) => {
    const c = curlTo(`${url}/bytes/1000000`);
    return async () => {
      await using body = await c.performStream();
      for await (const _ of body.readable) break;
    };
  },
  "a transfer that is aborted": (url) => {
    const c = curlTo(`${url}/bytes/100000`);
    return async () => {
      const controller = new AbortController();
      c.setopt(curl.WRITEFUNCTION, () => controller.abort());
      await c.perform({ signal: controller.signal }).catch(() => {});
    };
  },
  "a function that throws": (url) => {
    const c = curlTo(url);
    c.setopt(curl.WRITEFUNCTION, () => {
      throw new Error("out");
    });
    return () => c.perform().catch(() => {});
  },
  "streams in the place of functions": (url) => {
    const c = curlTo(`${url}/upload`);
    c.setopt(curl.UPLOAD, true);
    c.setopt(curl.WRITEDATA, new WritableStream<Uint8Array>());
    return () => {
      c.setopt(curl.READDATA, new Blob([new Uint8Array(10_000)]).stream());
      return c.perform();
    };
  },
  "a share that is closed behind its transfer": (url) => {
    const c = curlTo(url);
    return async () => {
      await using share = shareOf(curl.LOCK_DATA_COOKIE);
      c.setopt(curl.SHARE, share);
      c.performText();
    };
  },
  "a share whose closing is given up": (url) => {
    const share = new curl.CurlShare({ detachOnClose: false });
    const c = attachedTo(share, url);
    return async () => {
      const controller = new AbortController();
      const closed = share.closeAsync({ signal: controller.signal });
      controller.abort();
      await closed.catch(() => {});
      await c.performText();
    };
  },
};

const ROUNDS = 400;
const SECTIONS = 5;
const MOST_SECTIONS = 15;

/** In a section, what leaks 1 KB a round adds more than that. */
export const NOISE = 300_000;

/**
 * Does a case's rounds in sections, and gives the least that was added in any:
 * what leaks is added in each, whatever else grows is not.
 */
export async function measure(name: string, url: string): Promise<State> {
  const round = CASES[name](url);
  const states: State[] = [];
  const least = (what: keyof State) =>
    Math.min(...states.slice(1).map((now, i) => now[what] - states[i][what]));
  for (;;) {
    for (let i = 0; i < ROUNDS; i++) await round();
    await new Promise((resolve) => setTimeout(resolve, 0));
    gc();
    states.push(state());
    if (states.length < SECTIONS) continue;
    const growth = {
      memory: least("memory"),
      heap: least("heap"),
      descriptors: least("descriptors"),
      handles: least("handles"),
    };
    const isFlat = Math.max(growth.memory, growth.heap) < NOISE;
    if (isFlat || states.length === MOST_SECTIONS) return growth;
  }
}

function state(): State {
  const { rss, heapTotal, heapUsed } = Deno.memoryUsage();
  return {
    memory: rss - heapTotal,
    heap: heapUsed,
    descriptors: [...Deno.readDirSync("/proc/self/fd")].length,
    handles: report().split("\n").length,
  };
}
