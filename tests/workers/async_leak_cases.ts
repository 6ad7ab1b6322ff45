/**
 * Asynchronous transfers, done very often while memory and file descriptors
 * stay flat. Runs in a process of its own, with `--expose-gc`.
 */

import * as curl from "../../mod.ts";
import { leastGrowth, type State } from "./growth.ts";
import { attachedTo, curlTo, shareOf } from "./peers.ts";

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

/** In a section, what leaks 1 KB a round adds more than that. */
export const NOISE = 300_000;

/** Does a case's rounds, and gives what they left. */
export function measure(name: string, url: string): Promise<State> {
  const round = CASES[name](url);
  return leastGrowth(async () => {
    for (let i = 0; i < ROUNDS; i++) await round();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }, NOISE);
}
