/**
 * The classes of bugs of regressions_test.ts in the objects that Curl and
 * CurlShare work with: CurlMulti, CurlMime, CurlUrl, CurlWebSocket.
 *
 * @module
 */

import * as curl from "../mod.ts";
import { report } from "../src/ffi/call.ts";
import {
  assert,
  assertEquals,
  assertStrictEquals,
  assertThrows,
} from "./assert.ts";
import { assertUsable, curlFor, FILE } from "./fixtures/checks.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { WORKERS } from "./fixtures/workers.ts";
import { test } from "./permissions.ts";
import { refusal, startPeer } from "./workers/peers.ts";

/** What the library holds. */
function held(): string[] {
  return report().split("\n");
}

/** A constructor's error path: what it takes, and what it may not leave. */
const FAILING: Record<string, (c: curl.Curl, gone: curl.Curl) => unknown> = {
  "CurlShare with a wrong setting": () =>
    new curl.CurlShare({ detachOnClose: 1 } as never),
  "CurlMulti with a wrong setting": () =>
    new curl.CurlMulti({ closeHandles: 1 } as never),
  "CurlUrl of what is no URL": () => new curl.CurlUrl("http://a:99999/"),
  "CurlUrl of what is no string": () => new curl.CurlUrl(5 as never),
  "CurlMime of a closed Curl": (_, gone) => new curl.CurlMime(gone),
  "CurlMime of no Curl": () => new curl.CurlMime({} as never),
  "CurlMime.from() what is no form": (c) => curl.CurlMime.from(c, {} as never),
  "CurlMime.from() a form of a closed Curl": (_, gone) =>
    curl.CurlMime.from(gone, new FormData()),
  "CurlWebSocket with a wrong URL": () => new curl.CurlWebSocket("ftp://a/"),
  "CurlWebSocket with a wrong header": (c) =>
    new curl.CurlWebSocket("ws://127.0.0.1:1/", { curl: c, headers: ["\n"] }),
  "CurlWebSocket of a closed Curl": (_, gone) =>
    new curl.CurlWebSocket("ws://127.0.0.1:1/", { curl: gone }),
  "Curl.fromHandle() of what is gone": (_, gone) =>
    curl.Curl.fromHandle(gone.handle),
  "CurlMulti.fromHandle() of a Curl": (c) =>
    curl.CurlMulti.fromHandle(c.handle),
  "duphandle() of a closed Curl": (_, gone) => gone.duphandle(),
  "copy() of a closed CurlUrl": () => {
    const url = new curl.CurlUrl(FILE);
    url.close();
    return url.copy();
  },
};

for (const [name, make] of Object.entries(FAILING)) {
  Deno.test(`nothing is left of it when this fails: ${name}`, () => {
    using c = curlFor(FILE);
    const gone = new curl.Curl();
    gone.close();
    const before = held();
    for (let i = 0; i < 10; i++) assertThrows(() => make(c, gone));
    assertEquals(held().filter((line) => !before.includes(line)), []);
    assertUsable(c);
  });
}

test(
  WORKERS,
  "another Worker's pause() and unpause() leave a Curl in a CurlMulti alone",
  async () => {
    await using peer = await startPeer();
    using multi = new curl.CurlMulti({ closeHandles: true });
    const c = curlFor(FILE);
    c.setopt(curl.WRITEFUNCTION, () => {});
    multi.addHandle(c);
    for (const method of ["pause", "unpause"]) {
      const error = await peer.call("onCurl", c.handle, method, curl.PAUSE_ALL)
        .then(() => "not refused", (error) => error.message);
      assertEquals(
        error,
        `cannot invoke ${method}() - perform() is currently running on another thread`,
      );
    }
    multi.perform();
    assertEquals(multi.infoRead()[1], [c]);
  },
);

Deno.test("CurlMulti.addHandle() that is refused leaves both as they were", () => {
  using multi = new curl.CurlMulti();
  using c = curlFor(FILE);
  c.setopt(curl.WRITEDATA, new WritableStream());
  assertThrows(() => multi.addHandle(c), TypeError);
  assertEquals([multi.size, multi.has(c), c.multi()], [0, false, null]);
  assertUsable(c);
  c.setopt(curl.WRITEFUNCTION, () => {});
  multi.addHandle(c);
  multi.perform();
  assertEquals(multi.infoRead()[1].length, 1);
  multi.removeHandle(c);
});

Deno.test("CurlMulti.close() that is refused leaves it as it was", () => {
  using multi = new curl.CurlMulti({ closeHandles: true });
  const c = curlFor(FILE);
  let text = "";
  c.setopt(curl.WRITEFUNCTION, () => {
    text = refusal(() => multi.close());
  });
  multi.addHandle(c);
  multi.perform();
  assertEquals(
    text,
    "cannot invoke close() - multi_perform() is currently running",
  );
  assertEquals([multi.closed, multi.size, c.closed], [false, 1, false]);
  assertEquals(multi.infoRead()[1].length, 1);
});

Deno.test("Curl.duphandle() of one in a CurlMulti gives one that is in none", () => {
  using multi = new curl.CurlMulti({ closeHandles: true });
  const c = curlFor(FILE);
  let got = 0;
  c.setopt(curl.WRITEFUNCTION, (data) => {
    got += data.length;
  });
  multi.addHandle(c);
  using copy = c.duphandle();
  assertStrictEquals(copy.multi(), null);
  copy.performSync();
  const length = got;
  assert(length > 0);
  multi.perform();
  assertEquals(got, 2 * length);
});

for (
  const [name, option] of [
    ["M_SOCKETFUNCTION", curl.M_SOCKETFUNCTION],
    ["M_TIMERFUNCTION", curl.M_TIMERFUNCTION],
  ] as const
) {
  test(
    SERVER,
    `${name} fails nothing when its answer is -1 but for 2 ** 32`,
    async () => {
      await using server = await startServer();
      using multi = new curl.CurlMulti({ closeHandles: true });
      const c = curlFor(server.url);
      c.setopt(curl.WRITEFUNCTION, () => {});
      let calls = 0;
      multi.setopt(option, () => {
        calls += 1;
        return 2 ** 32 - 1;
      });
      multi.addHandle(c);
      while (multi.perform()[1] > 0) multi.selectSync(1);
      assertEquals(multi.infoRead()[1], [c]);
      assert(calls > 0);
    },
  );
}
