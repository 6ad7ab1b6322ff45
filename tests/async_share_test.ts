/** CurlShare.closeAsync(), and asynchronous transfers of shares. */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertFalse,
  assertGreater,
  assertInstanceOf,
  assertRejects,
} from "./assert.ts";
import {
  assertCurlRejects,
  assertRejectsWith,
  assertUsableAgain,
} from "./fixtures/async_checks.ts";
import { assertCurlError, assertIsFile, FILE } from "./fixtures/checks.ts";
import {
  SERVER,
  startServer,
  type TestServer,
} from "./fixtures/http_server.ts";
import { Gate, WORKERS } from "./fixtures/workers.ts";
import { test } from "./permissions.ts";
import {
  attachedTo,
  cookieCurlTo,
  curlTo,
  isAlive,
  shareOf,
  startPeer,
  until,
} from "./workers/peers.ts";

/** A share with locks alone, and one whose transfers share more. */
const SHARES: Record<string, () => curl.CurlShare> = {
  "names": () => shareOf(curl.LOCK_DATA_DNS, curl.LOCK_DATA_SSL_SESSION),
  "connections": () =>
    shareOf(
      curl.LOCK_DATA_COOKIE,
      curl.LOCK_DATA_DNS,
      curl.LOCK_DATA_CONNECT,
      curl.LOCK_DATA_HSTS,
    ),
};

/** Whether a promise has settled, when all that is due was done. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = () => void (settled = true);
  promise.then(note, note);
  // A whole transfer of another handle comes between.
  using other = curlTo(FILE);
  await other.performText();
  await new Promise((resolve) => setTimeout(resolve, 0));
  return settled;
}

/** A transfer that a server holds up. */
async function stalledOn(
  share: curl.CurlShare,
  server: TestServer,
): Promise<{ c: curl.Curl; body: Promise<string> }> {
  const before = (await server.requests()).length;
  const c = attachedTo(share, `${server.url}/stall`);
  const body = c.performText();
  await server.arrived(before + 1);
  return { c, body };
}

for (const [kind, make] of Object.entries(SHARES)) {
  Deno.test(`closeAsync() closes a share of ${kind} that is idle`, async () => {
    const share = make();
    using c = attachedTo(share, FILE);
    await share.closeAsync();
    assert(share.closed);
    assertFalse(isAlive(share.handle));
    assertEquals(c.share(), null);
    await share.closeAsync();
    share.close();
    await assertUsableAgain(c);
  });

  test(SERVER, `closeAsync() waits for transfers of ${kind}`, async () => {
    await using server = await startServer();
    const share = make();
    const { c, body } = await stalledOn(share, server);
    using _ = c;
    const closed = share.closeAsync();
    assertFalse(await isSettled(closed));
    assertFalse(share.closed);
    await server.release();
    assertEquals(await body, "released\n");
    await closed;
    assert(share.closed);
    assertEquals(c.share(), null);
    await assertUsableAgain(c);
  });

  test(SERVER, `closeAsync() refuses newcomers to ${kind}`, async () => {
    await using server = await startServer();
    const share = make();
    const { c, body } = await stalledOn(share, server);
    using idle = attachedTo(share, FILE);
    using other = curlTo(FILE);
    const controller = new AbortController();
    const closed = share.closeAsync({ signal: controller.signal });
    const attach = () => other.setopt(curl.SHARE, share);
    assertCurlError(attach, undefined, "CurlShare is clos");
    for (const perform of ["perform", "performBytes"] as const) {
      const promise = idle[perform]();
      await assertCurlRejects(promise, undefined, "CurlShare is clos");
    }
    const sync = () => idle.performTextSync();
    assertCurlError(sync, undefined, "CurlShare is clos");
    controller.abort("changed my mind");
    await assertRejectsWith(closed, "changed my mind");
    // It is as usable as before.
    attach();
    assertIsFile(await idle.performText());
    assertIsFile(idle.performTextSync());
    assertEquals(share.attached, 3);
    assertCurlError(() => share.close(), undefined, "still in use by 1 active");
    await server.release();
    assertEquals(await body, "released\n");
    share.close();
    c.close();
  });

  test(SERVER, `many closeAsync() of ${kind} may wait at once`, async () => {
    await using server = await startServer();
    const share = make();
    const { c, body } = await stalledOn(share, server);
    using _ = c;
    const controllers = Array.from(
      { length: 3 },
      () => new AbortController(),
    );
    const waiting = controllers.map(({ signal }) =>
      share.closeAsync({ signal })
    );
    const last = share.closeAsync();
    controllers[1].abort(1);
    await assertRejectsWith(waiting[1], 1);
    controllers[0].abort(0);
    await assertRejectsWith(waiting[0], 0);
    using other = curlTo(FILE);
    const attach = () => other.setopt(curl.SHARE, share);
    assertCurlError(attach, undefined, "CurlShare is clos");
    await server.release();
    await body;
    await waiting[2];
    await last;
    controllers[2].abort("too late");
    assert(share.closed);
  });

  test(
    SERVER,
    `close() of ${kind} ends what closeAsync() waits for`,
    async () => {
      await using server = await startServer();
      const share = make();
      const { c, body } = await stalledOn(share, server);
      using _ = c;
      const closed = share.closeAsync();
      const refused = "still in use by 1 active";
      assertCurlError(() => share.close(), undefined, refused);
      await server.release();
      await body;
      // Either of them closes it.
      share.close();
      await closed;
      assert(share.closed);
    },
  );

  test(SERVER, `await using a share of ${kind} waits for its end`, async () => {
    await using server = await startServer();
    let body: Promise<string>;
    using c = curlTo(`${server.url}/slow?ms=50`);
    {
      await using share = make();
      c.setopt(curl.SHARE, share);
      body = c.performText();
    }
    assertEquals(c.share(), null);
    assertEquals(await body, "slow\n");
  });

  test(SERVER, `perform() runs 50 transfers on ${kind} at once`, async () => {
    await using server = await startServer();
    await using share = make();
    const paths = Array.from({ length: 50 }, (_, i) => `/bytes/${i * 1000}`);
    const made = paths.map((path) => attachedTo(share, server.url + path));
    const bodies = await Promise.all(made.map((c) => c.performBytes()));
    bodies.forEach(({ length }, i) => assertEquals(length, i * 1000));
    assertEquals(share.stats().transfers, 50);
    for (const c of made) c.close();
  });

  test(SERVER, `callbacks on ${kind} may perform and throw`, async () => {
    await using server = await startServer();
    await using share = make();
    using c = attachedTo(share, `${server.url}/bytes/100000`);
    using other = attachedTo(share, server.url);
    const bodies: Promise<string>[] = [];
    let size = 0;
    c.setopt(curl.WRITEFUNCTION, async (data) => {
      size += data.length;
      if (bodies.length < 3) bodies.push(other.performText());
      await Promise.all(bodies);
    });
    await c.perform();
    assertEquals(size, 100_000);
    assertEquals(new Set(await Promise.all(bodies)), new Set(["home\n"]));
    const thrown = new Error("out");
    c.setopt(curl.WRITEFUNCTION, () => {
      throw thrown;
    });
    const { cause } = await assertCurlRejects(c.perform(), curl.E_WRITE_ERROR);
    assertEquals(cause, thrown);
  });
}

Deno.test("closeAsync() throws nothing, and rejects", async () => {
  const share = new curl.CurlShare();
  const reason = { why: "aborted" };
  const signal = AbortSignal.abort(reason);
  await assertRejectsWith(share.closeAsync({ signal }), reason);
  assertFalse(share.closed);
  const wrong = share.closeAsync({ signal: 5 } as never);
  await assertRejects(() => wrong, TypeError, "AbortSignal");
  share.share(curl.LOCK_DATA_DNS);
  await share.closeAsync();
});

Deno.test("closeAsync() aborted at once changes nothing", async () => {
  const share = new curl.CurlShare();
  using c = attachedTo(share, FILE);
  const controller = new AbortController();
  const closed = share.closeAsync({ signal: controller.signal });
  controller.abort("never mind");
  await assertRejectsWith(closed, "never mind");
  assertFalse(share.closed);
  assertIsFile(await c.performText());
  await share.closeAsync();
});

Deno.test("closeAsync() waits for the last to detach", async () => {
  const share = new curl.CurlShare({ detachOnClose: false });
  const made = [attachedTo(share, FILE), attachedTo(share, FILE)];
  const closed = share.closeAsync();
  assertFalse(await isSettled(closed));
  made[0].unsetopt(curl.SHARE);
  assertFalse(await isSettled(closed));
  assertFalse(share.closed);
  made[1].close();
  await closed;
  assert(share.closed);
  await assertUsableAgain(made[0]);
  made[0].close();
});

test(SERVER, "closeAsync() rejects where close() would throw", async () => {
  await using server = await startServer();
  const share = shareOf(curl.LOCK_DATA_CONNECT);
  const c = attachedTo(share, server.url);
  c.setopt(curl.CONNECT_ONLY, 1);
  c.performSync();
  const refused = assertCurlError(() => share.close(), undefined);
  await assertCurlRejects(share.closeAsync(), undefined, refused.message);
  c.close();
  await share.closeAsync();
});

test(
  SERVER,
  "closeAsync() lets callbacks of the last transfer use it",
  async () => {
    await using server = await startServer();
    const share = shareOf(curl.LOCK_DATA_DNS);
    using c = attachedTo(share, `${server.url}/bytes/100000`);
    let closed: Promise<void> | undefined;
    let pieces = 0;
    c.setopt(curl.WRITEFUNCTION, () => {
      pieces += 1;
      closed ??= share.closeAsync();
      assertEquals(share.attached, 1);
    });
    await c.perform();
    await closed;
    assertGreater(pieces, 0);
    assert(share.closed);
  },
);

test(SERVER, "closeAsync() waits for a body that is read", async () => {
  await using server = await startServer();
  const share = shareOf(curl.LOCK_DATA_DNS);
  using c = attachedTo(share, `${server.url}/bytes/10000000`);
  const body = await c.performStream();
  const closed = share.closeAsync();
  assertFalse(await isSettled(closed));
  await body[Symbol.asyncDispose]();
  await closed;
});

test(
  SERVER,
  "performStream() rejects with the reason though headers are on their way",
  async () => {
    await using server = await startServer();
    using share = SHARES.connections();
    using c = attachedTo(share, `${server.url}/bytes/100000`);
    using other = attachedTo(share, `${server.url}/bytes/100000`);
    const controller = new AbortController();
    const reason = { why: "because" };
    const opened = c.performStream({ signal: controller.signal });
    // The engine goes on with both, and its letters wait for this isolate.
    for (let i = 0; i < 10; i++) other.performBytesSync();
    controller.abort(reason);
    await assertRejectsWith(opened, reason);
    await assertUsableAgain(other);
  },
);

test(
  SERVER,
  "transfers of a share begin though one that came first waits for a promise",
  async () => {
    await using server = await startServer();
    // Which of them finds the first still connecting is up to chance.
    for (let round = 0; round < 20; round++) {
      using share = SHARES.connections();
      using first = attachedTo(share, `${server.url}/upload`);
      first.setopt(curl.UPLOAD, true);
      const { promise, resolve } = Promise.withResolvers<string>();
      first.setopt(curl.READFUNCTION, () => promise);
      const uploaded = first.performBytes({
        signal: AbortSignal.timeout(60_000),
      });
      const others = Array.from(
        { length: 4 },
        () => attachedTo(share, `${server.url}/bytes/100`),
      );
      // They would fail for it, rather than wait for ever.
      for (const other of others) other.setopt(curl.TIMEOUT_MS, 10_000);
      const [last, ...rest] = others;
      const bodies = Promise.all(rest.map((other) => other.performBytes()));
      // This one keeps the promise from being settled until it is done.
      assertEquals(last.performBytesSync().length, 100);
      for (const body of await bodies) assertEquals(body.length, 100);
      resolve("");
      await uploaded.catch(() => {});
      for (const other of others) other.close();
    }
  },
);

test(WORKERS, "closeAsync() waits for transfers of other Workers", async () => {
  for (const make of Object.values(SHARES)) {
    const share = make();
    await using peer = await startPeer();
    const handle = await peer.call("makeCurl", FILE);
    await peer.call("onCurl", handle, "setopt", curl.SHARE, {
      share: share.handle,
    });
    const [entered, released] = [new Gate(), new Gate()];
    const call = peer.call(
      "performHeld",
      handle,
      entered.buffer,
      released.buffer,
    );
    await entered.wait();
    const closed = share.closeAsync();
    assertFalse(await isSettled(closed));
    released.open();
    await call;
    await closed;
    assert(share.closed);
    assertEquals(await peer.call("onCurl", handle, "share"), null);
  }
});

test(
  WORKERS,
  "closeAsync() of several Workers close a share once",
  async () => {
    const share = new curl.CurlShare({ detachOnClose: false });
    using c = attachedTo(share, FILE);
    await using peer = await startPeer();
    await peer.call("take", "CurlShare", share.handle);
    const there = peer.call("onShare", share.handle, "closeAsync");
    const controller = new AbortController();
    const here = share.closeAsync({ signal: controller.signal });
    assertFalse(await isSettled(here));
    controller.abort("here");
    await assertRejectsWith(here, "here");
    assertFalse(share.closed);
    c.unsetopt(curl.SHARE);
    await there;
    assert(share.closed);
    await share.closeAsync();
  },
);

test(WORKERS, "a Worker that ends takes its closeAsync() back", async () => {
  const share = new curl.CurlShare({ detachOnClose: false });
  using c = attachedTo(share, FILE);
  using other = curlTo(FILE);
  {
    await using peer = await startPeer();
    await peer.call("take", "CurlShare", share.handle);
    peer.call("onShare", share.handle, "closeAsync").catch(() => {});
    await until("the share is closing", () => {
      try {
        other.setopt(curl.SHARE, share);
        other.unsetopt(curl.SHARE);
        return false;
      } catch (error) {
        assertInstanceOf(error, curl.CurlError);
        return true;
      }
    });
  }
  await until("the share is open again", () => {
    try {
      other.setopt(curl.SHARE, share);
      return true;
    } catch {
      return false;
    }
  });
  assertIsFile(await c.performText());
  assertIsFile(await other.performText());
});

test(SERVER, "cookies of asynchronous transfers are shared", async () => {
  await using server = await startServer();
  await using share = shareOf(curl.LOCK_DATA_COOKIE);
  using c = cookieCurlTo(share, `${server.url}/cookies/set?a=1`);
  using other = cookieCurlTo(share, `${server.url}/cookies`);
  await c.performText();
  assertEquals(await other.performText(), "a=1");
  assertEquals(other.performTextSync(), "a=1");
  await using peer = await startPeer();
  const handle = await peer.call("makeCurl", `${server.url}/cookies`);
  await peer.call("onCurl", handle, "setopt", curl.SHARE, {
    share: share.handle,
  });
  await peer.call("onCurl", handle, "setopt", curl.COOKIEFILE, "");
  assertEquals(await peer.call("onCurl", handle, "performText"), "a=1");
});

test(SERVER, "transfers of a share run at once, in all Workers", async () => {
  await using server = await startServer();
  await using share = shareOf(curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_CONNECT);
  await using peer = await startPeer();
  const handle = await peer.call("makeCurl", `${server.url}/stall`);
  await peer.call("onCurl", handle, "setopt", curl.SHARE, {
    share: share.handle,
  });
  const there = peer.call("onCurl", handle, "performText");
  await server.arrived(1);
  const { c, body } = await stalledOn(share, server);
  using _ = c;
  using third = attachedTo(share, server.url);
  assertEquals(await third.performText(), "home\n");
  assertEquals(third.performTextSync(), "home\n");
  await server.release();
  assertEquals([await there, await body], ["released\n", "released\n"]);
});
