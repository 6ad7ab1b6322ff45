/**
 * terminate() of a Worker at each moment: all that it owned is free soon after,
 * and the others go on.
 *
 * @module
 */

import * as curl from "../mod.ts";
import {
  assertEquals,
  assertFalse,
  assertGreater,
  assertMatch,
  assertStrictEquals,
} from "./assert.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
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
  curlTo,
  isAlive,
  refusal,
  shareOf,
  stateOf,
  until,
} from "./workers/peers.ts";
import type { Owned } from "./workers/doomed.ts";

type Doomed = typeof import("./workers/doomed.ts");

/** This file: native code reads it without a permission of Deno's. */
const FILE = import.meta.url;

function startDoomed(name = "doomed"): Promise<WorkerHandle<Doomed>> {
  const module = new URL("./workers/doomed.ts", import.meta.url);
  return startWorker<Doomed>(module, { name });
}

/** Terminates a Worker, whose calls then fail. */
function terminate(worker: WorkerHandle<Doomed>, ...calls: Promise<unknown>[]) {
  for (const call of calls) call.catch(() => {});
  worker.terminate();
}

async function untilGone(...handles: number[]): Promise<void> {
  for (const handle of handles) {
    await until(`handle ${handle} is gone`, () => !isAlive(handle));
  }
}

test(
  WORKERS,
  "Worker.terminate() frees what the Worker owned when it is idle",
  async () => {
    const worker = await startDoomed();
    const owned = await worker.call("make", FILE);
    assertEquals(stateOf(owned.curl), "idle");
    assertEquals(stateOf(owned.share), "open, 1 attached");
    worker.terminate();
    await untilGone(owned.curl, owned.share);
    assertMatch(
      refusal(() => curl.CurlShare.fromHandle(owned.share)),
      /^no CurlShare object has the handle/,
    );
  },
);

test(
  WORKERS,
  "Worker.terminate() detaches the Worker's Curl objects from others' shares",
  async () => {
    using share = shareOf(curl.LOCK_DATA_COOKIE);
    const worker = await startDoomed();
    await worker.call("performOnShare", FILE, share.handle);
    assertEquals(share.attached, 1);
    worker.terminate();
    await until("nobody is attached", () => share.attached === 0);
    share.share(curl.LOCK_DATA_DNS);
  },
);

test(
  WORKERS,
  "Worker.terminate() frees what the Worker owned when it is in a callback",
  async () => {
    const worker = await startDoomed();
    const gate = new Gate();
    const call = worker.call("endInCallback", FILE, gate.buffer);
    const owned = await worker.event<Owned>("inside");
    assertMatch(stateOf(owned.curl)!, /^running in isolate \d+$/);
    terminate(worker, call);
    gate.open();
    await untilGone(owned.curl, owned.share);
  },
);

test(
  WORKERS,
  "Worker.terminate() frees what the Worker owned when its transfers are nested",
  async () => {
    const worker = await startDoomed();
    const gate = new Gate();
    const call = worker.call("endInNestedCallback", FILE, gate.buffer);
    const all = await worker.event<Owned[]>("inside");
    terminate(worker, call);
    gate.open();
    await untilGone(...all.flatMap(({ curl, share }) => [curl, share]));
  },
);

test(
  SERVER,
  "a Worker that ends in a callback is gone though a turn tells of the transfer's end",
  async () => {
    await using server = await startServer();
    await using _ = await watchdog("a Worker that ends before a turn", 30);
    const worker = await startDoomed();
    const gate = new Gate();
    const urls = [`${server.url}/bytes/1000`, `${server.url}/stall`] as const;
    const call = worker.call("endBeforeTurn", ...urls, gate.buffer);
    const all = await worker.event<Owned[]>("inside");
    // The engine has told the end when it has done this as well.
    using share = curl.CurlShare.fromHandle(all[0].share as curl.ShareHandle);
    using c = attachedTo(share, urls[0]);
    await c.performText();
    c.unsetopt(curl.SHARE);
    call.catch(() => {});
    gate.open();
    await untilGone(...all.map(({ curl }) => curl));
    worker.terminate();
    await server.release();
  },
);

test(
  SERVER,
  "Worker.terminate() frees what the Worker owned when it is waiting for a server",
  async () => {
    await using server = await startServer();
    using share = shareOf(curl.LOCK_DATA_CONNECT);
    const worker = await startDoomed();
    const url = `${server.url}/stall`;
    const call = worker.call("performOnShare", url, share.handle);
    const handle = await worker.event<number>("about to perform");
    await server.arrived(1);
    terminate(worker, call);
    assertMatch(stateOf(handle)!, /^running/);
    await server.release();
    await untilGone(handle);
    assertEquals(share.attached, 0);
  },
);

test(
  SERVER,
  "Worker.terminate() frees what the Worker owned when it is in CLOSESOCKETFUNCTION of close()",
  async () => {
    await using server = await startServer();
    const worker = await startDoomed();
    const gate = new Gate();
    const call = worker.call("endInClose", server.url, gate.buffer);
    const handle = await worker.event<number>("inside");
    terminate(worker, call);
    gate.open();
    await untilGone(handle);
  },
);

for (
  const name of ["WRITEFUNCTION", "PREREQFUNCTION", "DEBUGFUNCTION"] as const
) {
  test(
    SERVER,
    `Worker.terminate() in ${name} gives a Curl back to its owner`,
    async () => {
      await using server = await startServer();
      using share = shareOf(curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_CONNECT);
      using c = attachedTo(share, `${server.url}/bytes/100000`);
      c.setopt(curl.VERBOSE, name === "DEBUGFUNCTION");
      const worker = await startDoomed();
      const gate = new Gate();
      const call = worker.call("performOthers", c.handle, gate.buffer, name);
      await worker.event("inside");
      assertMatch(stateOf(c.handle)!, /^running/);
      terminate(worker, call);
      gate.open();
      await until("the Curl is idle", () => stateOf(c.handle) === "idle");
      assertStrictEquals(c.share(), share);
      // The function is gone with its Worker, which perform() says.
      assertMatch(refusal(() => c.performSync()), new RegExp(name));
      c.reset();
      c.setopt(curl.URL, `${server.url}/bytes/1000`);
      assertEquals(c.performBytesSync().length, 1000);
    },
  );
}

test(
  [SERVER, WORKERS],
  "Worker.terminate() in a callback that the share's engine waits for lets the others perform",
  async () => {
    await using server = await startServer();
    using share = shareOf(curl.LOCK_DATA_COOKIE);
    await using other = await startDoomed("other");
    const worker = await startDoomed();
    const gate = new Gate();
    const call = worker.call(
      "holdShare",
      server.url,
      share.handle,
      gate.buffer,
      true,
      "SOCKOPTFUNCTION",
    );
    const gone = await worker.event<number>("inside");
    const length = other.call("performOnShare", FILE, share.handle);
    const waiting = await other.event<number>("about to perform");
    await until("the other waits", () => /^run/.test(stateOf(waiting) ?? ""));
    terminate(worker, call);
    gate.open();
    assertGreater(await length, 0);
    await untilGone(gone);
    assertEquals(share.attached, 1);
  },
);

test(
  [SERVER, WORKERS],
  "Worker.terminate() of one that waits for the share's engine leaves the others alone",
  async () => {
    await using server = await startServer();
    using share = shareOf(curl.LOCK_DATA_HSTS);
    await using holder = await startDoomed("holder");
    await using third = await startDoomed("third");
    const worker = await startDoomed();
    const gate = new Gate();
    const outcome = holder.call(
      "holdShare",
      server.url,
      share.handle,
      gate.buffer,
      false,
      "SOCKOPTFUNCTION",
    );
    await holder.event("inside");
    const call = worker.call("performOnShare", FILE, share.handle);
    const gone = await worker.event<number>("about to perform");
    const length = third.call("performOnShare", FILE, share.handle);
    const waiting = await third.event<number>("about to perform");
    for (const handle of [gone, waiting]) {
      await until("it waits", () => /^run/.test(stateOf(handle) ?? ""));
    }
    terminate(worker, call);
    gate.open();
    assertEquals(await outcome, "done");
    assertGreater(await length, 0);
    await untilGone(gone);
    assertEquals(share.attached, 2);
  },
);

test(
  WORKERS,
  "Worker.terminate() lets a share that it kept busy be closed",
  async () => {
    const share = shareOf(curl.LOCK_DATA_DNS);
    using c = attachedTo(share, FILE);
    const worker = await startDoomed();
    const gate = new Gate();
    const call = worker.call("performOthers", c.handle, gate.buffer);
    await worker.event("inside");
    assertEquals(
      refusal(() => share.close()),
      "cannot close CurlShare: still in use by 1 active Curl object(s)",
    );
    terminate(worker, call);
    gate.open();
    await until(
      "the share is closed",
      () => refusal(() => share.close()) === "not refused",
    );
    assertStrictEquals(c.share(), null);
    assertFalse(c.closed);
  },
);

test(
  WORKERS,
  "Worker.terminate() leaves a share alive that another's Curl uses",
  async () => {
    await using _ = await watchdog("a share without its Worker", 30);
    using c = curlTo(FILE);
    const worker = await startDoomed();
    const owned = await worker.call("make", FILE);
    {
      const share = curl.CurlShare.fromHandle(owned.share);
      c.setopt(curl.SHARE, share);
    }
    worker.terminate();
    await untilGone(owned.curl);
    assertEquals(stateOf(owned.share), "open, 1 attached");
    assertGreater(c.performBytesSync().length, 0);
    assertEquals(c.share()?.handle, owned.share);
  },
);

test(
  WORKERS,
  "Worker.terminate() frees what the Worker owned when its callback still returns",
  async () => {
    using share = shareOf(curl.LOCK_DATA_COOKIE);
    const worker = await startDoomed();
    const gate = new Gate();
    const call = worker.call(
      "holdShare",
      FILE,
      share.handle,
      gate.buffer,
      false,
    );
    const handle = await worker.event<number>("inside");
    terminate(worker, call);
    gate.open();
    await untilGone(handle);
    assertEquals(share.attached, 0);
  },
);

test(
  WORKERS,
  "a Worker that ends itself in a callback leaves nothing behind",
  async () => {
    const worker = await startDoomed();
    const gate = new Gate();
    worker.call("endInCallback", FILE, gate.buffer).catch(() => {});
    const owned = await worker.event<Owned>("inside");
    gate.open();
    await untilGone(owned.curl, owned.share);
    terminate(worker);
  },
);

test(
  WORKERS,
  "Worker.terminate() of many Workers that are performing leaves nothing behind",
  async () => {
    const workers = await Promise.all(
      Array.from({ length: 8 }, () => startDoomed()),
    );
    const calls = workers.map((worker) => worker.call("performForever", FILE));
    const owned = await Promise.all(
      workers.map((worker) => worker.event<Owned>("inside")),
    );
    workers.forEach((worker, i) => terminate(worker, calls[i]));
    await untilGone(...owned.flatMap(({ curl, share }) => [curl, share]));
  },
);
