/**
 * Where the API that is ported here is weak, by the numbers of its contract:
 * what goes wrong there must not go wrong here. Point 2 is about a multi
 * handle.
 *
 * @module
 */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertFalse,
  assertGreater,
  assertGreaterOrEqual,
  assertLessOrEqual,
  assertNotEquals,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "./assert.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { watchdog } from "./fixtures/watchdog.ts";
import { Gate, startWorker, WORKERS } from "./fixtures/workers.ts";
import { test } from "./permissions.ts";
import {
  assertRefused,
  attachedTo,
  cookieCurlTo,
  curlTo,
  during,
  shareOf,
  startPeer,
} from "./workers/peers.ts";
import { startWebSocketServer } from "./workers/websocket_server.ts";

type Transfers = typeof import("./workers/transfers.ts");
type Races = typeof import("./workers/races.ts");

const TRANSFERS = new URL("./workers/transfers.ts", import.meta.url);
const RACES = new URL("./workers/races.ts", import.meta.url);

/** This file: native code reads it without a permission of Deno's. */
const FILE = import.meta.url;

const HOLDS_CONNECTION =
  "cannot close CurlShare: an attached Curl object holds a connection " +
  "(CONNECT_ONLY); close that Curl first";

test(
  SERVER,
  "weak point 1: CurlShare.close() is refused when a CONNECT_ONLY Curl holds one of its connections",
  async () => {
    await using server = await startServer();
    await using _ = await watchdog("closing the share", 30);
    using share = shareOf(curl.LOCK_DATA_CONNECT, curl.LOCK_DATA_DNS);
    using idle = attachedTo(share, FILE);
    const c = attachedTo(share, server.url);
    using _c = c;
    c.setopt(curl.CONNECT_ONLY, 1);
    c.performSync();
    assertNotEquals(c.getinfo(curl.ACTIVESOCKET), curl.SOCKET_BAD);

    assertRefused(() => share.close(), HOLDS_CONNECTION);
    assertFalse(share.closed);
    assertEquals(share.attached, 2);
    assertStrictEquals(c.share(), share);
    assertStrictEquals(idle.share(), share);
    assertNotEquals(c.getinfo(curl.ACTIVESOCKET), curl.SOCKET_BAD);

    c.close();
    share.close();
    assert(share.closed);
    assertStrictEquals(idle.share(), null);
  },
);

test(
  SERVER,
  "weak point 1: CurlShare.close() never takes a CONNECT_ONLY Curl's own connection away",
  async () => {
    await using server = await startServer();
    await using _ = await watchdog("closing the share", 30);
    const share = shareOf(curl.LOCK_DATA_DNS);
    using c = attachedTo(share, server.url);
    c.setopt(curl.CONNECT_ONLY, 1);
    c.performSync();
    const socket = c.getinfo(curl.ACTIVESOCKET);
    try {
      share.close();
      assertStrictEquals(c.share(), null);
    } catch (error) {
      assertEquals((error as Error).message, HOLDS_CONNECTION);
      assertStrictEquals(c.share(), share);
    }
    assertEquals(c.getinfo(curl.ACTIVESOCKET), socket);
    c.close();
    share.close();
    assert(share.closed);
  },
);

test(
  SERVER,
  "weak point 1: CurlShare.close() is refused when a WebSocket holds one of its connections",
  async () => {
    await using server = await startWebSocketServer();
    await using _ = await watchdog("closing the share", 30);
    using share = shareOf(curl.LOCK_DATA_CONNECT);
    const c = attachedTo(share, server.url);
    using _c = c;
    c.setopt(curl.CONNECT_ONLY, 2);
    c.performSync();
    assertEquals(c.getinfo(curl.RESPONSE_CODE), 101);

    assertRefused(() => share.close(), HOLDS_CONNECTION);
    assertFalse(share.closed);
    assertStrictEquals(c.share(), share);

    c.close();
    share.close();
    assert(share.closed);
  },
);

test(
  [SERVER, WORKERS],
  "weak point 3: cookies that one Worker was sent are sent by another's next request",
  async () => {
    await using server = await startServer();
    using share = shareOf(curl.LOCK_DATA_COOKIE);
    await using one = await startWorker<Transfers>(TRANSFERS);
    await using other = await startWorker<Transfers>(TRANSFERS);
    const settings = { share: share.handle };
    const cookies = `${server.url}/cookies`;

    await one.call("get", [`${cookies}/set?first=1`], settings);
    const [answer] = await other.call("get", [cookies], settings);
    assertEquals(answer.body, "first=1");

    await other.call("get", [`${cookies}/set?second=2`], settings);
    using c = cookieCurlTo(share, cookies);
    assertEquals(c.performTextSync().split("; ").sort(), [
      "first=1",
      "second=2",
    ]);
  },
);

const EXCLUSIVE = {
  COOKIE: [curl.LOCK_DATA_COOKIE],
  CONNECT: [curl.LOCK_DATA_CONNECT],
  HSTS: [curl.LOCK_DATA_HSTS],
  "COOKIE, CONNECT and HSTS": [
    curl.LOCK_DATA_COOKIE,
    curl.LOCK_DATA_CONNECT,
    curl.LOCK_DATA_HSTS,
    curl.LOCK_DATA_DNS,
    curl.LOCK_DATA_SSL_SESSION,
  ],
};

for (const [name, kinds] of Object.entries(EXCLUSIVE)) {
  test(
    [SERVER, WORKERS],
    `weak point 3: a share of ${name} is correct when four Workers use it at once`,
    async () => {
      const rounds = 20;
      await using server = await startServer();
      using share = shareOf(...kinds);
      await using stack = new AsyncDisposableStack();
      const gate = new Gate();
      const running = [];
      for (let i = 0; i < 4; i++) {
        const worker = stack.use(await startWorker<Transfers>(TRANSFERS));
        const urls = Array.from({ length: rounds }, (_, round) => [
          `${server.url}/cookies/set?w${i}r${round}=${round}`,
          `${server.url}/cookies`,
        ]);
        running.push(worker.call("get", urls.flat(), {
          share: share.handle,
          gate: gate.buffer,
        }));
      }
      gate.open();
      const answers = await Promise.all(running);

      const connects = answers.flat().map(({ connects }) => connects);
      const made = connects.reduce((sum, count) => sum + count, 0);
      // Over HTTP/1.1 each request that is under way needs one.
      assertGreaterOrEqual(made, 1);
      assertLessOrEqual(made, 4);
      const stats = share.stats();
      assertEquals(stats.transfers, 4 * 2 * rounds);
      assertEquals(stats.connectionsMade, made);
      assertEquals(
        stats.connectionsReused,
        connects.filter((count) => count === 0).length,
      );

      if (kinds.includes(curl.LOCK_DATA_COOKIE)) {
        answers.forEach((own, i) =>
          own.filter((_, at) => at % 2 === 1).forEach(({ body }, round) =>
            assertStringIncludes(body, `w${i}r${round}=${round}`)
          )
        );
        using c = cookieCurlTo(share, `${server.url}/cookies`);
        assertEquals(c.performTextSync().split("; ").length, 4 * rounds);
      }
      assertEquals(share.attached, 0);
    },
  );
}

test(
  WORKERS,
  "weak point 4: only one Worker's transfer is let into a Curl at a time",
  async () => {
    const rounds = 400;
    using c = curlTo(FILE);
    const { length } = c.performBytesSync();
    await using stack = new AsyncDisposableStack();
    const gate = new Gate();
    const running = [];
    for (let i = 0; i < 3; i++) {
      const worker = stack.use(await startWorker<Races>(RACES));
      running.push(
        worker.call("perform", c.handle, length, gate.buffer, rounds),
      );
    }
    gate.open();
    for (const { done, refused } of await Promise.all(running)) {
      const text = "cannot invoke perform() - perform() is currently running";
      assertEquals(done, rounds);
      assertEquals(Object.keys(refused).filter((one) => one !== text), []);
    }
    assertEquals(c.performBytesSync().length, length);
  },
);

test(
  WORKERS,
  "weak point 5: a Curl that another Worker performs is out of reach, and its transfer goes on",
  async () => {
    using c = curlTo(FILE);
    const { length } = c.performBytesSync();
    await using peer = await startPeer();
    const entered = new Gate();
    const released = new Gate();
    const outcome = peer.call(
      "performHeld",
      c.handle,
      entered.buffer,
      released.buffer,
    );
    await entered.wait();
    const running = "perform() is currently running";
    assertRefused(
      () => c.setopt(curl.URL, "file:///nowhere"),
      `cannot invoke setopt() - ${running}`,
    );
    assertRefused(() => c.reset(), `cannot invoke reset() - ${running}`);
    assertRefused(
      () => c.getinfo(curl.TOTAL_TIME),
      `cannot invoke getinfo() - ${running}`,
    );
    released.open();
    assertEquals(await outcome, "done");
    assertEquals(c.getinfo(curl.SIZE_DOWNLOAD), length);
  },
);

test(
  SERVER,
  "weak point 6: DEBUGFUNCTION may use the cookies whose lock libcurl held when it was due",
  async () => {
    await using server = await startServer();
    await using _ = await watchdog("DEBUGFUNCTION", 30);
    using share = shareOf(curl.LOCK_DATA_COOKIE);
    using other = attachedTo(share, FILE);
    using c = cookieCurlTo(share, `${server.url}/cookies/set?a=1`);
    const told: string[] = [];
    let seen: number | undefined;
    c.setopt(curl.VERBOSE, true);
    c.setopt(curl.DEBUGFUNCTION, (_type, data) => {
      const text = new TextDecoder().decode(data);
      told.push(text);
      if (!text.startsWith("Added cookie a=")) return;
      other.setopt(curl.COOKIELIST, "Set-Cookie: b=2; domain=b.example");
      seen = other.getinfo(curl.INFO_COOKIELIST).length;
      c.setopt(curl.COOKIELIST, "Set-Cookie: c=3; domain=c.example");
    });
    assertEquals(c.performTextSync(), "set\n");
    assert(told.some((text) => text.startsWith("Added cookie a=")), "was told");
    assertEquals(seen, 2);
    assertEquals(c.getinfo(curl.INFO_COOKIELIST).length, 3);
  },
);

test(
  [SERVER, WORKERS],
  "weak point 6: DEBUGFUNCTION may wait for a Worker that uses the share of cookies",
  async () => {
    await using server = await startServer();
    await using _ = await watchdog("DEBUGFUNCTION", 30);
    using share = shareOf(curl.LOCK_DATA_COOKIE);
    using idle = attachedTo(share, FILE);
    const [due, done] = [new Gate(), new Gate()];
    await using peer = await startPeer();
    const outcomes = peer.call("useShareWhenOpen", due.buffer, done.buffer, {
      share: share.handle,
      attached: idle.handle,
    });
    await peer.event("waiting");

    using c = cookieCurlTo(share, `${server.url}/cookies/set?a=1`);
    c.setopt(curl.VERBOSE, true);
    let waited = 0;
    c.setopt(curl.DEBUGFUNCTION, (_type, data) => {
      const text = new TextDecoder().decode(data);
      if (!text.startsWith("Added cookie a=")) return;
      due.open();
      done.waitSync();
      waited += 1;
    });
    c.performTextSync();
    assertEquals(waited, 1);
    assertEquals(await outcomes, [
      "attached",
      "detached",
      "counted 2",
      "cannot close CurlShare: still in use by 1 active Curl object(s)",
      "closed the Curl",
    ]);
  },
);

test(
  {},
  "weak point 7: performSync() throws with what a callback threw as its cause",
  () => {
    using c = curlTo(FILE);
    const thrown = new RangeError("thrown in the callback");
    c.setopt(curl.WRITEFUNCTION, () => {
      throw thrown;
    });
    const error = assertThrows(() => c.performSync(), curl.CurlError);
    assertEquals(error.code, curl.E_WRITE_ERROR);
    assertStrictEquals(error.cause, thrown);
  },
);

test(
  {},
  "weak point 7: performSync() of the next transfer does not throw what was thrown before",
  () => {
    using c = curlTo(FILE);
    during(c, () => {});
    c.setopt(curl.WRITEFUNCTION, () => {
      throw new Error("once");
    });
    assertThrows(() => c.performSync(), curl.CurlError);
    assertGreater(c.performTextSync().length, 0);
  },
);
