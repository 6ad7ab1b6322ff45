/** The leak and garbage cases of CurlMulti, each called as its test is. */

import * as curl from "../../mod.ts";
import { curlTo, isAlive } from "./peers.ts";

/** This file: native code reads it without a permission of Deno's. */
const FILE = import.meta.url;

function quiet(url: string): curl.Curl {
  const c = curlTo(url);
  c.setopt(curl.WRITEFUNCTION, () => {});
  return c;
}

/** For leak_cases.ts. */
export const LEAK_CASES: Record<string, {
  rounds: number;
  prepare: (url: string) => (round: number) => void;
}> = {
  "new CurlMulti() and close()": {
    rounds: 100_000,
    prepare: () => () => new curl.CurlMulti().close(),
  },
  "CurlMulti.addHandle() and removeHandle()": {
    rounds: 100_000,
    prepare: () => {
      const multi = new curl.CurlMulti();
      const c = quiet(FILE);
      return () => {
        multi.addHandle(c);
        multi.removeHandle(c);
      };
    },
  },
  "a transfer in a CurlMulti with all its functions": {
    rounds: 100_000,
    prepare: () => {
      const multi = new curl.CurlMulti();
      const c = quiet(FILE);
      multi.setopt(curl.M_SOCKETFUNCTION, () => {});
      multi.setopt(curl.M_TIMERFUNCTION, () => {});
      multi.setopt(curl.M_NOTIFYFUNCTION, () => {});
      multi.notifyEnable(curl.M_NOTIFY_EASY_DONE, curl.M_NOTIFY_INFO_READ);
      return () => {
        multi.addHandle(c);
        multi.socketAction(curl.SOCKET_TIMEOUT, 0);
        multi.infoRead();
        multi.removeHandle(c);
      };
    },
  },
  "a transfer in a CurlMulti whose callback throws": {
    rounds: 20_000,
    prepare: () => {
      const multi = new curl.CurlMulti();
      const c = curlTo(FILE);
      c.setopt(curl.WRITEFUNCTION, () => {
        throw new Error("no");
      });
      return () => {
        multi.addHandle(c);
        multi.perform();
        multi.infoRead();
        multi.removeHandle(c);
      };
    },
  },
  "closing a CurlMulti with a connection, in the midst of a transfer": {
    rounds: 500,
    prepare: (url) => () => {
      using multi = new curl.CurlMulti({ closeHandles: true });
      multi.addHandle(quiet(url));
      multi.perform();
      multi.selectSync(0.1);
      multi.perform();
    },
  },
};

/** What gc_cases.ts has to hand. */
interface Tools {
  collectUntil(what: string, condition: () => boolean): Promise<void>;
  collect(): Promise<void>;
  check(condition: boolean, what: string): void;
  apart<T>(act: () => T): T;
}

/** For gc_cases.ts. */
export function garbageCases(
  { collectUntil, collect, check, apart }: Tools,
): Record<string, () => Promise<void>> {
  return {
    "a CurlMulti lets its handle go": async () => {
      const handle = apart(() => new curl.CurlMulti().handle);
      check(isAlive(handle), "it lives until it is collected");
      await collectUntil("it is gone", () => !isAlive(handle));
    },
    "a CurlMulti and what is in it let their handles go": async () => {
      const handles = apart(() => {
        const multi = new curl.CurlMulti();
        const curls = [quiet(FILE), quiet(FILE)];
        for (const c of curls) multi.addHandle(c);
        multi.setopt(curl.M_TIMERFUNCTION, () => {
          multi.timeout();
        });
        curls[0].setopt(curl.PRIVATE, multi);
        multi.perform();
        return [multi.handle, ...curls.map((c) => c.handle)];
      });
      await collectUntil("all are gone", () => !handles.some(isAlive));
    },
    "a Curl that is in a CurlMulti lives on": async () => {
      using multi = new curl.CurlMulti({ closeHandles: true });
      const handle = apart(() => {
        const c = quiet(FILE);
        multi.addHandle(c);
        return c.handle;
      });
      for (let i = 0; i < 10; i++) await collect();
      check(isAlive(handle), "the CurlMulti keeps it");
      multi.perform();
      apart(() => {
        const [, [c]] = multi.infoRead();
        check(c.handle === handle, "it is told");
        multi.removeHandle(c);
      });
      await collectUntil("it is gone", () => !isAlive(handle));
    },
    "a CurlMulti lives on while a Curl is in it": async () => {
      const c = quiet(FILE);
      const handle = c.handle;
      apart(() => new curl.CurlMulti().addHandle(c));
      for (let i = 0; i < 10; i++) await collect();
      const multi = c.multi();
      check(multi !== null, "its Curl keeps it");
      multi!.removeHandle(c);
      check(c.performBytesSync().length > 0, "it performs again");
      check(isAlive(handle), "it is the same");
    },
    "a CurlMulti that waits in select() goes on": async () => {
      const waits = apart(() => {
        const multi = new curl.CurlMulti();
        multi.addHandle(quiet("http://127.0.0.1:9/"));
        multi.perform();
        return multi.select(0.2);
      });
      for (let i = 0; i < 5; i++) await collect();
      check(await waits >= 0, "it ends well");
    },
  };
}
