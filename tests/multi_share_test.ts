/**
 * Handles of a share of cookies, connections or HSTS in a CurlMulti, beside
 * transfers on the share's own engine and other Workers'.
 *
 * @module
 */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertMatch,
  assertThrows,
} from "./assert.ts";
import { FILE } from "./fixtures/checks.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { NGINX, startNginx } from "./fixtures/nginx.ts";
import { watchdog } from "./fixtures/watchdog.ts";
import {
  Gate,
  startWorker,
  type WorkerHandle,
  WORKERS,
} from "./fixtures/workers.ts";
import { test } from "./permissions.ts";
import {
  attachedTo,
  cookieCurlTo,
  isAlive,
  refusal,
  shareOf,
  until,
} from "./workers/peers.ts";

type Sharing = typeof import("./workers/multi_sharing.ts");

const KINDS = {
  COOKIE: curl.LOCK_DATA_COOKIE,
  CONNECT: curl.LOCK_DATA_CONNECT,
  HSTS: curl.LOCK_DATA_HSTS,
};
const ALL = [
  ...Object.values(KINDS),
  curl.LOCK_DATA_DNS,
  curl.LOCK_DATA_SSL_SESSION,
];

const OWN_TURN =
  /a callback of a transfer on the same share is running, and the share waits/;

function startSharing(): Promise<WorkerHandle<Sharing>> {
  return startWorker<Sharing>(
    new URL("./workers/multi_sharing.ts", import.meta.url),
    { deadlineMs: 60_000 },
  );
}

/** The same handle, whose body goes nowhere. */
function quiet(c: curl.Curl): curl.Curl {
  c.setopt(curl.WRITEFUNCTION, () => {});
  return c;
}

/** Has all transfers come to their end; what infoRead() says. */
function performAll(multi: curl.CurlMulti) {
  while (multi.perform()[1] > 0) multi.selectSync(1);
  return multi.infoRead();
}

/** Does one transfer; fails unless it goes well. */
function transfer(multi: curl.CurlMulti, c: curl.Curl): void {
  multi.addHandle(c);
  assertEquals(performAll(multi), [0, [c], []]);
  multi.removeHandle(c);
}

for (const [name, kind] of Object.entries(KINDS)) {
  test(
    SERVER,
    `CurlMulti transfers for handles of a share of ${name}`,
    async () => {
      await using server = await startServer();
      using share = shareOf(kind);
      using multi = new curl.CurlMulti({ closeHandles: true });
      const all = [1, 2, 3].map(() =>
        quiet(attachedTo(share, `${server.url}/`))
      );
      for (const c of all) multi.addHandle(c);
      const [readable, writable] = multi.fdset();
      assertEquals([readable.length, writable.length], [0, 0]);
      while (multi.perform()[1] > 0) await multi.select(1);
      assertEquals(multi.infoRead()[1].length, 3);
      multi.close();
    },
  );

  test(
    SERVER,
    `CurlShare.close() is refused while a handle of ${name} is in a CurlMulti`,
    async () => {
      await using server = await startServer();
      using share = shareOf(kind);
      using c = quiet(attachedTo(share, `${server.url}/stall`));
      using multi = new curl.CurlMulti();
      multi.addHandle(c);
      multi.perform();
      assertThrows(() => share.close(), curl.CurlError, "still in use by 1");
      const closing = share.closeAsync();
      multi.removeHandle(c);
      await closing;
      await server.release();
    },
  );
}

test(SERVER, "cookies go from a CurlMulti to its share and back", async () => {
  await using server = await startServer();
  using share = shareOf(curl.LOCK_DATA_COOKIE);
  using multi = new curl.CurlMulti();
  using one = quiet(cookieCurlTo(share, `${server.url}/cookies/set?a=1`));
  using two = cookieCurlTo(share, `${server.url}/cookies`);
  transfer(multi, one);
  assertMatch(await two.performText(), /a=1/);
  two.setopt(curl.URL, `${server.url}/cookies/set?b=2`);
  await two.performText();
  one.setopt(curl.URL, `${server.url}/cookies`);
  let text = "";
  one.setopt(curl.WRITEFUNCTION, (data) => {
    text += new TextDecoder().decode(data);
  });
  transfer(multi, one);
  assertMatch(text, /a=1.*b=2|b=2.*a=1/);
});

test(
  SERVER,
  "connections go from a CurlMulti to its share and back",
  async () => {
    await using server = await startServer();
    using share = shareOf(curl.LOCK_DATA_CONNECT);
    using multi = new curl.CurlMulti();
    using one = quiet(attachedTo(share, `${server.url}/`));
    using two = attachedTo(share, `${server.url}/`);
    transfer(multi, one);
    await two.performText();
    transfer(multi, one);
    const made = [one, two].map((c) => c.getinfo(curl.NUM_CONNECTS));
    assertEquals(made, [0, 0]);
  },
);

test(
  SERVER,
  "a connection in use in a CurlMulti is no other's",
  async () => {
    await using server = await startServer();
    using share = shareOf(curl.LOCK_DATA_CONNECT);
    using multi = new curl.CurlMulti();
    using one = quiet(attachedTo(share, `${server.url}/stall`));
    using two = attachedTo(share, `${server.url}/`);
    multi.addHandle(one);
    let isThere = false;
    server.arrived(1).then(() => isThere = true);
    while (!isThere) {
      multi.perform();
      await multi.select(0.01);
    }
    for (let i = 0; i < 3; i++) await two.performText();
    two.upkeep();
    assertEquals(two.getinfo(curl.NUM_CONNECTS), 0);
    await server.release();
    assertEquals(performAll(multi), [0, [one], []]);
    multi.removeHandle(one);
  },
);

test(
  NGINX,
  "a transfer waits for no connection that a CurlMulti is making",
  async () => {
    await using _ = await watchdog("a connection of a CurlMulti's", 30);
    await using nginx = await startNginx();
    using share = shareOf(curl.LOCK_DATA_CONNECT);
    using multi = new curl.CurlMulti();
    using one = quiet(attachedTo(share, `${nginx.secureUrl}/small.txt`));
    using two = attachedTo(share, `${nginx.secureUrl}/small.txt`);
    for (const c of [one, two]) {
      c.setCaCerts(nginx.ca);
      c.setopt(curl.PIPEWAIT, true);
    }
    multi.addHandle(one);
    multi.perform();
    // Nothing goes on in the CurlMulti meanwhile.
    assertEquals(await two.performText(), "hello\n");
    assertEquals(performAll(multi), [0, [one], []]);
    multi.removeHandle(one);
  },
);

Deno.test("calls on a handle of a share may come between those of its CurlMulti", () => {
  using share = shareOf(...ALL);
  using multi = new curl.CurlMulti();
  using c = quiet(cookieCurlTo(share, FILE));
  multi.addHandle(c);
  c.setopt(curl.COOKIELIST, "Set-Cookie: a=1; domain=example.com");
  assertEquals(c.getinfo(curl.INFO_COOKIELIST).length, 1);
  assertEquals(c.getinfo(curl.ACTIVESOCKET), -1);
  assertEquals(c.errstr(), "");
  c.duphandle().close();
  assertEquals(performAll(multi), [0, [c], []]);
  multi.removeHandle(c);
});

test(
  SERVER,
  "pause() and unpause() work in a CurlMulti with a share",
  async () => {
    await using server = await startServer();
    using share = shareOf(...ALL);
    using multi = new curl.CurlMulti();
    using c = attachedTo(share, `${server.url}/bytes/5000000`);
    let bytes = 0;
    c.setopt(curl.WRITEFUNCTION, (data) => {
      bytes += data.length;
    });
    multi.addHandle(c);
    while (bytes === 0) {
      multi.perform();
      multi.selectSync(1);
    }
    c.pause(curl.PAUSE_RECV);
    const before = bytes;
    for (let i = 0; i < 5; i++) assertEquals(multi.perform(), [0, 1]);
    assertEquals(bytes, before);
    c.unpause();
    assertEquals(performAll(multi), [0, [c], []]);
    assertEquals(bytes, 5_000_000);
    multi.removeHandle(c);
  },
);

test(
  SERVER,
  "CurlMulti.perform() answers what the engine of its share asks",
  async () => {
    await using _ = await watchdog("an answer in perform()", 30);
    await using server = await startServer();
    using share = shareOf(...ALL);
    using multi = new curl.CurlMulti();
    using c = quiet(attachedTo(share, `${server.url}/`));
    using other = attachedTo(share, `${server.url}/`);
    let isAsked = false;
    other.setopt(curl.SOCKOPTFUNCTION, () => {
      isAsked = true;
      return curl.SOCKOPT_OK;
    });
    const text = other.performText();
    // Nobody else answers before this loop has come to its end.
    while (!isAsked) transfer(multi, c);
    assertEquals(await text, "home\n");
  },
);

for (
  const [what, act] of Object.entries({
    "performSync()": (c) => c.performSync(),
    "another CurlMulti's addHandle()": (c) => {
      using multi = new curl.CurlMulti();
      multi.addHandle(c);
    },
  } as Record<string, (c: curl.Curl) => void>)
) {
  test(
    SERVER,
    `${what} is refused in a callback of a CurlMulti with the same share`,
    async () => {
      await using _ = await watchdog(what, 30);
      await using server = await startServer();
      using share = shareOf(...ALL);
      using multi = new curl.CurlMulti();
      using c = attachedTo(share, `${server.url}/`);
      using other = quiet(attachedTo(share, `${server.url}/`));
      let text = "";
      c.setopt(curl.WRITEFUNCTION, () => {
        text = refusal(() => act(other));
      });
      transfer(multi, c);
      assertMatch(text, OWN_TURN);
      other.performSync();
    },
  );
}

test(
  SERVER,
  "a handle of a share may be added in NOTIFYFUNCTION",
  async () => {
    await using server = await startServer();
    using share = shareOf(...ALL);
    using multi = new curl.CurlMulti({ closeHandles: true });
    const first = quiet(new curl.Curl());
    first.setopt(curl.URL, FILE);
    const second = quiet(attachedTo(share, `${server.url}/`));
    multi.setopt(curl.M_NOTIFYFUNCTION, () => {
      if (!multi.has(second)) multi.addHandle(second);
    });
    multi.notifyEnable(curl.M_NOTIFY_EASY_DONE);
    multi.addHandle(first);
    performAll(multi);
    assertEquals(performAll(multi)[2], []);
    using other = attachedTo(share, `${server.url}/`);
    assertEquals(await other.performText(), "home\n");
    multi.close();
  },
);

test(
  SERVER,
  "several Workers transfer in CurlMultis and beside them with one share",
  async () => {
    await using _ = await watchdog("CurlMultis with one share", 55);
    await using server = await startServer();
    using share = shareOf(...ALL);
    await using stack = new AsyncDisposableStack();
    const rounds = 30;
    const workers = await Promise.all(
      [1, 2, 3].map(async () => stack.use(await startSharing())),
    );
    const counts = await Promise.all(
      workers.map((worker) =>
        worker.call("mix", share.handle, `${server.url}/`, rounds)
      ),
    );
    for (const count of counts) assertEquals(count, rounds * 6);
    const { transfers, connectionsMade } = share.stats();
    assertGreater(transfers, 0);
    assertLess(connectionsMade, transfers);
  },
);

test(
  SERVER,
  "Worker.terminate() leaves a share usable that its CurlMulti has used",
  async () => {
    await using server = await startServer();
    const share = shareOf(...ALL);
    const worker = await startSharing();
    const handles = await worker.call(
      "begin",
      share.handle,
      `${server.url}/stall`,
    );
    worker.terminate();
    for (const handle of handles) {
      await until(`handle ${handle} is gone`, () => !isAlive(handle));
    }
    using c = attachedTo(share, `${server.url}/`);
    assertEquals(await c.performText(), "home\n");
    share.close();
    assert(share.closed);
    await server.release();
  },
);

test(
  [SERVER, WORKERS],
  "Worker.terminate() in a callback of a CurlMulti gives the share's turn back",
  async () => {
    await using _ = await watchdog("the turn of a Worker that is gone", 30);
    await using server = await startServer();
    using share = shareOf(...ALL);
    const worker = await startSharing();
    const gate = new Gate();
    const call = worker.call(
      "endInCallback",
      share.handle,
      `${server.url}/`,
      gate.buffer,
    );
    const handles = await worker.event<number[]>("inside");
    call.catch(() => {});
    worker.terminate();
    gate.open();
    for (const handle of handles) {
      await until(`handle ${handle} is gone`, () => !isAlive(handle));
    }
    using c = attachedTo(share, `${server.url}/`);
    assertEquals(await c.performText(), "home\n");
  },
);
