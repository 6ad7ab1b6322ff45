/**
 * Curl.close() of a handle that is in a CurlMulti, in each phase of its transfer.
 *
 * @module
 */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertFalse,
  assertStrictEquals,
  assertThrows,
} from "./assert.ts";
import { curlFor, FILE } from "./fixtures/checks.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { startWorker, WORKERS } from "./fixtures/workers.ts";
import { test } from "./permissions.ts";

const RUNNING = "cannot invoke close() - perform() is currently running";

/** A Curl whose body goes nowhere. */
function quiet(url: string): curl.Curl {
  const c = curlFor(url);
  c.setopt(curl.WRITEFUNCTION, () => {});
  return c;
}

/** How close() is refused, if it is. */
function refusal(c: curl.Curl): string {
  const error = assertThrows(() => c.close(), curl.CurlError);
  assertStrictEquals(error.code, undefined);
  return error.message;
}

/** What has been done before close(), with the path that is asked for. */
const PHASES: Record<string, [string, (multi: curl.CurlMulti) => unknown]> = {
  "added": ["", () => {}],
  "under way": ["/stall", (multi) => multi.perform()],
  "over and not told": ["", performAll],
  "over and told": ["", (multi) => {
    performAll(multi);
    multi.infoRead();
  }],
};

function performAll(multi: curl.CurlMulti): void {
  while (multi.perform()[1] > 0) multi.selectSync(1);
}

for (const [phase, [path, act]] of Object.entries(PHASES)) {
  test(
    SERVER,
    `Curl.close() removes it from its CurlMulti when it is ${phase}`,
    async () => {
      await using server = await startServer();
      using multi = new curl.CurlMulti({ closeHandles: true });
      const c = quiet(server.url + path);
      multi.addHandle(c);
      act(multi);
      c.close();
      assert(c.closed);
      assertEquals(multi.size, 0);
      assertEquals(multi.perform(), [0, 0]);
      assertEquals(multi.infoRead(), [0, [], []]);
      const other = quiet(FILE);
      multi.addHandle(other);
      multi.perform();
      assertEquals(multi.infoRead(), [0, [other], []]);
      await server.release();
    },
  );
}

Deno.test("Curl.close() lets the others in its CurlMulti go on", () => {
  using multi = new curl.CurlMulti({ closeHandles: true });
  const [c, other] = [quiet(FILE), quiet(FILE)];
  multi.addHandle(c);
  multi.addHandle(other);
  c.close();
  multi.perform();
  assertEquals(multi.infoRead(), [0, [other], []]);
});

Deno.test("Curl.close() in a CurlMulti lets its share go", () => {
  using share = new curl.CurlShare();
  share.share(curl.LOCK_DATA_DNS);
  using multi = new curl.CurlMulti();
  const c = quiet(FILE);
  c.setopt(curl.SHARE, share);
  multi.addHandle(c);
  c.close();
  assertEquals(share.attached, 0);
});

Deno.test("a Curl and its CurlMulti can be disposed of in any order", () => {
  const c = quiet(FILE);
  {
    using multi = new curl.CurlMulti();
    using same = c;
    multi.addHandle(same);
  }
  assert(c.closed);
});

for (const subject of ["it", "another in it"] as const) {
  Deno.test(`Curl.close() is refused in a callback of ${subject}`, () => {
    using multi = new curl.CurlMulti({ closeHandles: true });
    const [c, other] = [curlFor(FILE), quiet(FILE)];
    let text = "";
    c.setopt(curl.WRITEFUNCTION, () => {
      text = refusal(subject === "it" ? c : other);
    });
    multi.addHandle(c);
    multi.addHandle(other);
    multi.perform();
    assertEquals(text, RUNNING);
    assertEquals(multi.infoRead()[1].length, 2);
  });
}

Deno.test("Curl.close() is refused in a function of its CurlMulti", () => {
  using multi = new curl.CurlMulti({ closeHandles: true });
  const c = quiet(FILE);
  const texts: string[] = [];
  multi.setopt(curl.M_NOTIFYFUNCTION, () => {
    texts.push(refusal(c));
  });
  multi.setopt(curl.M_TIMERFUNCTION, () => {
    texts.push(refusal(c));
  });
  multi.notifyEnable(curl.M_NOTIFY_EASY_DONE);
  multi.addHandle(c);
  multi.perform();
  assert(texts.length > 1);
  for (const text of texts) assertEquals(text, RUNNING);
  assertFalse(c.closed);
});

test(
  SERVER,
  "Curl.close() in a CurlMulti tells what a callback threw, and is done",
  async () => {
    await using server = await startServer();
    using multi = new curl.CurlMulti();
    const c = quiet(`${server.url}/stall`);
    const thrown = new Error("no");
    c.setopt(curl.CLOSESOCKETFUNCTION, () => {
      throw thrown;
    });
    multi.addHandle(c);
    multi.perform();
    const error = assertThrows(() => c.close(), curl.CurlError);
    assertStrictEquals(error.cause, thrown);
    assert(c.closed);
    assertEquals(multi.size, 0);
    await server.release();
  },
);

test(
  SERVER,
  "Curl.close() in a CurlMulti tells what a function of that threw",
  async () => {
    await using server = await startServer();
    using multi = new curl.CurlMulti();
    const c = quiet(`${server.url}/stall`);
    const thrown = new Error("no");
    multi.setopt(curl.M_SOCKETFUNCTION, (what: number) => {
      if (what === curl.POLL_REMOVE) throw thrown;
    });
    multi.addHandle(c);
    multi.socketAction(curl.SOCKET_TIMEOUT, 0);
    const error = assertThrows(() => c.close(), curl.CurlError);
    assertStrictEquals(error.cause, thrown);
    assert(c.closed);
    assertEquals(multi.size, 0);
    await server.release();
  },
);

test(
  WORKERS,
  "Curl.close() is refused in another Worker's CurlMulti",
  async () => {
    type Peer = typeof import("./workers/peer.ts");
    await using worker = await startWorker<Peer>(
      new URL("./workers/peer.ts", import.meta.url),
    );
    using multi = new curl.CurlMulti({ closeHandles: true });
    const c = quiet(FILE);
    multi.addHandle(c);
    const error = await worker.call("onCurl", c.handle, "close")
      .then(() => undefined, (error) => error);
    assertEquals(error?.message, RUNNING);
    assertFalse(c.closed);
    multi.perform();
    assertEquals(multi.infoRead()[1].length, 1);
  },
);
