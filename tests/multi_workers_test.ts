/**
 * One CurlMulti and several Workers; shares that its handles use; terminate().
 *
 * @module
 */

import * as curl from "../mod.ts";
import { assert, assertEquals, assertMatch, assertThrows } from "./assert.ts";
import { assertUsable, curlFor, FILE } from "./fixtures/checks.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import {
  Gate,
  startWorker,
  type WorkerHandle,
  WORKERS,
} from "./fixtures/workers.ts";
import { test } from "./permissions.ts";
import type { Owned } from "./workers/multi_peer.ts";
import { isAlive, until } from "./workers/peers.ts";

type Peer = typeof import("./workers/multi_peer.ts");

function startPeer(name = "peer"): Promise<WorkerHandle<Peer>> {
  const module = new URL("./workers/multi_peer.ts", import.meta.url);
  return startWorker<Peer>(module, { name });
}

async function untilGone({ multi, curls }: Owned): Promise<void> {
  for (const handle of [multi, ...curls]) {
    await until(`handle ${handle} is gone`, () => !isAlive(handle));
  }
}

test(WORKERS, "an empty CurlMulti serves whichever Worker comes", async () => {
  await using worker = await startPeer();
  using multi = new curl.CurlMulti();
  assertEquals(await worker.call("transfer", multi.handle, FILE), 1);
  using c = curlFor(FILE);
  c.setopt(curl.WRITEFUNCTION, () => {});
  multi.addHandle(c);
  multi.perform();
  assertEquals(multi.infoRead()[1].length, 1);
  multi.removeHandle(c);
  assertEquals(await worker.call("transfer", multi.handle, FILE), 1);
});

test(
  WORKERS,
  "CurlMulti.fromHandle() knows what the other Worker said",
  async () => {
    await using worker = await startPeer();
    using multi = new curl.CurlMulti({ closeHandles: true });
    multi.addHandle(curlFor(FILE));
    const ask = (what: string) => worker.call("attempt", multi.handle, what);
    assertEquals(await ask("closeHandles"), "true");
    assertEquals(await ask("size"), "1");
    assertEquals(await ask("closed"), "false");
  },
);

const OTHERS = "the handles in it are another Worker's";

for (
  const method of [
    "perform",
    "socketAction",
    "infoRead",
    "setopt",
    "timeout",
    "fdset",
    "select",
    "close",
  ]
) {
  test(
    WORKERS,
    `CurlMulti.${method}() is refused with another Worker's handles in it`,
    async () => {
      await using worker = await startPeer();
      using multi = new curl.CurlMulti({ closeHandles: true });
      multi.addHandle(curlFor(FILE));
      assertEquals(
        await worker.call("attempt", multi.handle, method),
        `cannot invoke ${method}() - ${OTHERS}`,
      );
      assertEquals(multi.size, 1);
    },
  );
}

for (const method of ["addHandle", "removeHandle"]) {
  test(
    WORKERS,
    `CurlMulti.${method}() is refused with another Worker's handles in it`,
    async () => {
      await using worker = await startPeer();
      using multi = new curl.CurlMulti({ closeHandles: true });
      multi.addHandle(curlFor(FILE));
      assertEquals(
        await worker.call("attempt", multi.handle, method),
        "cannot add/remove handle - the handles in the multi-stack are another " +
          "Worker's",
      );
    },
  );
}

test(
  WORKERS,
  "CurlMulti refuses calls that would need another Worker's function",
  async () => {
    await using worker = await startPeer();
    using multi = new curl.CurlMulti();
    multi.setopt(curl.M_TIMERFUNCTION, () => {});
    assertMatch(
      await worker.call("attempt", multi.handle, "perform"),
      /^cannot invoke perform\(\) - M_TIMERFUNCTION was set in another Worker/,
    );
  },
);

test(
  WORKERS,
  "CurlMulti.close() in another Worker closes it here",
  async () => {
    await using worker = await startPeer();
    using multi = new curl.CurlMulti();
    assertEquals(await worker.call("attempt", multi.handle, "close"), "done");
    assert(multi.closed);
    assertThrows(() => multi.perform(), curl.CurlError, "no multi handle");
  },
);

test(
  WORKERS,
  "CurlMulti: two Workers at once are served or refused",
  async () => {
    await using one = await startPeer("one");
    await using two = await startPeer("two");
    using multi = new curl.CurlMulti();
    const counts = await Promise.all(
      [one, two].map((worker) => worker.call("race", multi.handle, FILE, 500)),
    );
    assertEquals(counts, [500, 500]);
    assertEquals(multi.size, 0);
  },
);

for (const phase of ["added", "under way", "over and not removed"] as const) {
  test(
    SERVER,
    `CurlShare.close() is refused while a transfer in a CurlMulti is ${phase}`,
    async () => {
      await using server = await startServer();
      using share = new curl.CurlShare();
      share.share(curl.LOCK_DATA_DNS);
      using c = curlFor(phase === "under way" ? `${server.url}/stall` : FILE);
      c.setopt(curl.WRITEFUNCTION, () => {});
      c.setopt(curl.SHARE, share);
      using multi = new curl.CurlMulti();
      multi.addHandle(c);
      if (phase !== "added") multi.perform();
      assertThrows(
        () => share.close(),
        curl.CurlError,
        "cannot close CurlShare: still in use by 1 active Curl object(s)",
      );
      multi.removeHandle(c);
      share.close();
      assert(share.closed);
      assertUsable(c);
      await server.release();
    },
  );
}

for (const how of ["removeHandle()", "close()"] as const) {
  test(
    WORKERS,
    `CurlShare.closeAsync() waits for CurlMulti.${how}`,
    async () => {
      const share = new curl.CurlShare();
      share.share(curl.LOCK_DATA_DNS, curl.LOCK_DATA_SSL_SESSION);
      using c = curlFor(FILE);
      c.setopt(curl.SHARE, share);
      using multi = new curl.CurlMulti();
      multi.addHandle(c);
      const closing = share.closeAsync();
      using late = curlFor(FILE);
      assertThrows(
        () => late.setopt(curl.SHARE, share),
        curl.CurlError,
        "CurlShare is closing",
      );
      if (how === "close()") multi.close();
      else multi.removeHandle(c);
      await closing;
      assert(share.closed);
    },
  );
}

test(
  WORKERS,
  "CurlMulti.addHandle() refuses a share that is closing",
  async () => {
    const share = new curl.CurlShare();
    share.share(curl.LOCK_DATA_DNS);
    using c = curlFor(FILE);
    using other = curlFor(FILE);
    using multi = new curl.CurlMulti();
    for (const each of [c, other]) each.setopt(curl.SHARE, share);
    multi.addHandle(c);
    const closing = share.closeAsync();
    assertThrows(
      () => multi.addHandle(other),
      curl.CurlError,
      "CurlShare is closing",
    );
    multi.removeHandle(c);
    await closing;
  },
);

test(
  SERVER,
  "Worker.terminate() frees a CurlMulti with transfers under way",
  async () => {
    await using server = await startServer();
    const worker = await startPeer();
    const owned = await worker.call("begin", `${server.url}/stall`);
    assert(isAlive(owned.multi));
    worker.terminate();
    await untilGone(owned);
    await server.release();
  },
);

test(
  SERVER,
  "Worker.terminate() lets a share go that a CurlMulti's handle used",
  async () => {
    await using server = await startServer();
    const worker = await startPeer();
    const owned = await worker.call("begin", `${server.url}/stall`);
    using share = new curl.CurlShare();
    share.share(curl.LOCK_DATA_DNS);
    worker.terminate();
    await untilGone(owned);
    share.close();
    await server.release();
  },
);

for (const place of ["endInCallback", "endInNotification"] as const) {
  test(
    WORKERS,
    `Worker.terminate() frees a CurlMulti: ${place}()`,
    async () => {
      const worker = await startPeer();
      const gate = new Gate();
      const call = worker.call(place, FILE, gate.buffer);
      const owned = await worker.event<Owned>("inside");
      call.catch(() => {});
      worker.terminate();
      gate.open();
      await untilGone(owned);
    },
  );
}

test(SERVER, "Worker.terminate() ends CurlMulti.select()", async () => {
  await using server = await startServer();
  const worker = await startPeer();
  const call = worker.call("waitForever", `${server.url}/stall`);
  const owned = await worker.event<Owned>("inside");
  call.catch(() => {});
  worker.terminate();
  await untilGone(owned);
  await server.release();
});

test(
  WORKERS,
  "CurlMulti can be used when the Worker of its handles has ended",
  async () => {
    const worker = await startPeer();
    using multi = new curl.CurlMulti();
    assertEquals(await worker.call("transfer", multi.handle, FILE), 1);
    assertEquals(
      await worker.call("attempt", multi.handle, "addHandle"),
      "done",
    );
    assertEquals(multi.size, 1);
    worker.terminate();
    await until("nothing is in it", () => multi.size === 0);
    assertEquals(multi.perform(), [0, 0]);
  },
);
