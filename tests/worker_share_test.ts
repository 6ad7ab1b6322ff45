/**
 * One share, many Workers: what they find in it, whose turn it is, and its end.
 *
 * @module
 */

import { createCertificates } from "../tools/certificates.ts";
import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertMatch,
  assertRejects,
  assertStrictEquals,
} from "./assert.ts";
import { startRelay } from "./fixtures/counting_relay.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import {
  Gate,
  startWorker,
  WorkerError,
  type WorkerHandle,
  WORKERS,
} from "./fixtures/workers.ts";
import { test } from "./permissions.ts";
import {
  attachedTo,
  curlTo,
  shareOf,
  startPeer,
  stateOf,
  until,
} from "./workers/peers.ts";

type Races = typeof import("./workers/races.ts");
type Transfers = typeof import("./workers/transfers.ts");

const RACES = new URL("./workers/races.ts", import.meta.url);
const TRANSFERS = new URL("./workers/transfers.ts", import.meta.url);

/** This file: native code reads it without a permission of Deno's. */
const FILE = import.meta.url;

/** Workers that end with the stack. */
async function start<Module extends object>(
  stack: AsyncDisposableStack,
  count: number,
  module: URL,
): Promise<WorkerHandle<Module>[]> {
  const workers = await Promise.all(
    Array.from({ length: count }, () => startWorker<Module>(module)),
  );
  return workers.map((worker) => stack.use(worker));
}

test(
  WORKERS,
  "Curl.performSync() waits for its turn when another Worker's transfer uses the share",
  async () => {
    using share = shareOf(curl.LOCK_DATA_COOKIE);
    using first = attachedTo(share, FILE);
    using second = attachedTo(share, FILE);
    await using one = await startPeer("one");
    await using other = await startPeer("other");
    const [entered, released] = [new Gate(), new Gate()];
    const outcome = one.call(
      "performHeld",
      first.handle,
      entered.buffer,
      released.buffer,
    );
    await entered.wait();
    let isDone = false;
    const body = other.call("onCurl", second.handle, "performTextSync")
      .then((text) => {
        isDone = true;
        return text as string;
      });
    await until("it waits", () => /^run/.test(stateOf(second.handle) ?? ""));
    // Both count as active: the one in its callback, and the one that waits.
    const error = await assertRejects(
      () => one.call("onShare", share.handle, "close"),
      WorkerError,
    ).catch(() => undefined);
    assertStrictEquals(error, undefined);
    assertEquals(isDone, false);
    released.open();
    assertEquals(await outcome, "done");
    assertGreater((await body).length, 0);
  },
);
