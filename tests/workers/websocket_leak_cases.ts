/**
 * WebSockets, used very often while memory and file descriptors stay flat. Runs
 * in a process of its own, with `--expose-gc`.
 */

import * as curl from "../../mod.ts";
import { leastGrowth, type State } from "./growth.ts";

/** Makes what is used again and again, and gives one round. */
type Prepare = (url: string) => () => Promise<unknown>;

/** The whole life of one. */
const LIFE = "a CurlWebSocket that is opened, used and closed";

/** The cases, by what a test of them is called. */
export const CASES: Record<string, Prepare> = {
  [LIFE]: (url) => async () => {
    await using ws = new curl.CurlWebSocket(`${url}/echo`);
    const { readable, writable } = await ws.opened;
    await writable.getWriter().write(new Uint8Array(5000));
    await readable.getReader().read();
  },
  "a CurlWebSocket that is aborted amid its messages": (url) => async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const ws = new curl.CurlWebSocket(`${url}/echo`, { signal });
    const { writable } = await ws.opened;
    const write = writable.getWriter().write(new Uint8Array(300_000));
    controller.abort();
    await write.catch(() => {});
    await ws.closed.catch(() => {});
  },
  "a CurlWebSocket that can't be opened": () => async () => {
    const ws = new curl.CurlWebSocket("ws://127.0.0.1:1/");
    await ws.closed.catch(() => {});
  },
  "messages on one CurlWebSocket": (url) => {
    const ws = new curl.CurlWebSocket(`${url}/echo`);
    const streams = ws.opened.then(({ readable, writable }) => ({
      reader: readable.getReader(),
      writer: writable.getWriter(),
    }));
    return async () => {
      const { reader, writer } = await streams;
      const write = writer.write(new Uint8Array(100_000));
      await reader.read();
      await writer.write("text");
      await reader.read();
      await write;
    };
  },
  "frames on a connection of a Curl's own": (url) => () => {
    using c = new curl.Curl();
    c.setopt(curl.URL, `${url}/echo`);
    c.setopt(curl.CONNECT_ONLY, 2);
    c.performSync();
    c.wsSend("text");
    c.wsClose(1000);
    return Promise.resolve();
  },
};

/** Rounds of a section; 100 000 lives in all. */
const rounds = (name: string) => name === LIFE ? 20_000 : 200;

/** In a section, what leaks 15 bytes a life or 1.5 KB a round adds more. */
export const NOISE = 300_000;

/** Does a case's rounds, and gives what they left. */
export function measure(name: string, url: string): Promise<State> {
  const round = CASES[name](url);
  return leastGrowth(async () => {
    for (let i = 0; i < rounds(name); i++) await round();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }, NOISE);
}
