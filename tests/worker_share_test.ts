/**
 * One share, many Workers: what they find in it, who waits for whom, and its end.
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
  assertRefused,
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

const ACTIVE = (count: number) =>
  `cannot close CurlShare: still in use by ${count} active Curl object(s)`;

for (const kind of ["COOKIE", "CONNECT", "HSTS", "DNS"] as const) {
  test(
    WORKERS,
    `Curl.performSync() does not wait when another Worker is in WRITEFUNCTION on the ${kind} share`,
    async () => {
      using share = shareOf(curl[`LOCK_DATA_${kind}`]);
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
      const body = await other.call(
        "onCurl",
        second.handle,
        "performTextSync",
      ) as string;
      assertGreater(body.length, 0);
      // The other one is still active.
      assertRefused(() => share.close(), ACTIVE(1));
      assertRefused(
        () => first.reset(),
        "cannot invoke reset() - perform() is currently running",
      );
      second.reset();
      released.open();
      assertEquals(await outcome, "done");
      share.close();
    },
  );
}

test(
  [SERVER, WORKERS],
  "Curl.performSync() of two Workers is on its way at once through one share",
  async () => {
    await using server = await startServer();
    using share = shareOf(curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_CONNECT);
    await using stack = new AsyncDisposableStack();
    const bodies = [];
    for (let i = 0; i < 2; i++) {
      const c = stack.use(attachedTo(share, `${server.url}/stall`));
      const peer = stack.use(await startPeer());
      bodies.push(peer.call("onCurl", c.handle, "performTextSync"));
    }
    // Neither is answered before both are there.
    await server.arrived(2);
    assertRefused(() => share.close(), ACTIVE(2));
    await server.release();
    assertEquals(await Promise.all(bodies), ["released\n", "released\n"]);
    share.close();
  },
);

for (const kind of ["COOKIE", "CONNECT", "HSTS"] as const) {
  test(
    [SERVER, WORKERS],
    `Curl.performSync() waits while another Worker answers SOCKOPTFUNCTION on the ${kind} share`,
    async () => {
      await using server = await startServer();
      using share = shareOf(curl[`LOCK_DATA_${kind}`]);
      using first = attachedTo(share, server.url);
      using second = attachedTo(share, FILE);
      await using one = await startPeer("one");
      await using other = await startPeer("other");
      const [entered, released] = [new Gate(), new Gate()];
      const outcome = one.call(
        "performHeld",
        first.handle,
        entered.buffer,
        released.buffer,
        { callback: "SOCKOPTFUNCTION" },
      );
      await entered.wait();
      const order: string[] = [];
      const body = other.call("onCurl", second.handle, "performTextSync")
        .then((text) => {
          order.push("second");
          return text as string;
        });
      await until("it waits", () => /^run/.test(stateOf(second.handle)!));
      // Both are active: the one in its callback, and the one that waits.
      assertRefused(() => share.close(), ACTIVE(2));
      assertRefused(
        () => second.reset(),
        "cannot invoke reset() - perform() is currently running",
      );
      order.push("released");
      released.open();
      assertEquals(await outcome, "done");
      assertGreater((await body).length, 0);
      assertEquals(order, ["released", "second"]);
    },
  );
}

for (const count of [2, 3]) {
  test(
    [SERVER, WORKERS],
    `Curl.performSync() is refused to one of ${count} Workers that would wait for each other in a ring`,
    async () => {
      await using server = await startServer();
      await using stack = new AsyncDisposableStack();
      const released = new Gate();
      const own = Array.from(
        { length: count },
        () => stack.use(shareOf(curl.LOCK_DATA_COOKIE)),
      );
      const outcomes = [];
      for (let i = 0; i < count; i++) {
        const outer = stack.use(attachedTo(own[i], server.url));
        const inner = stack.use(attachedTo(own[(i + 1) % count], server.url));
        const peer = stack.use(await startPeer());
        const entered = new Gate();
        outcomes.push(peer.call(
          "performHeld",
          outer.handle,
          entered.buffer,
          released.buffer,
          {
            callback: "SOCKOPTFUNCTION",
            inside: {
              kind: "Curl",
              handle: inner.handle,
              member: "performBytesSync",
            },
          },
        ));
        await entered.wait();
      }
      released.open();
      const ended = await Promise.all(outcomes);
      const refused = ended.filter((outcome) => outcome !== "done");
      assertEquals(refused.length, 1);
      assertMatch(refused[0], /^cannot invoke perform\(\) - .* for itself$/);
      for (const share of own) share.close();
    },
  );
}

for (const kinds of [["DNS"], ["COOKIE", "CONNECT"]] as const) {
  test(
    WORKERS,
    `CurlShare.close() is all or nothing when three Workers perform on a share of ${
      kinds.join(" and ")
    }`,
    async () => {
      await using stack = new AsyncDisposableStack();
      const [closer, ...performers] = await start<Races>(stack, 4, RACES);
      for (let round = 0; round < 5; round++) {
        const gate = new Gate();
        using share = shareOf(
          ...kinds.map((kind) => curl[`LOCK_DATA_${kind}`]),
        );
        const count = new SharedArrayBuffer(4);
        const performing = performers.map((worker) =>
          worker.call(
            "performUntilDetached",
            share.handle,
            FILE,
            gate.buffer,
            count,
          )
        );
        await until(
          "all are attached",
          () => Atomics.load(new Int32Array(count), 0) === 3,
        );
        const closing = closer.call(
          "closeUntilClosed",
          share.handle,
          gate.buffer,
          3,
        );
        gate.open();
        const { refusals, halfDone } = await closing;
        for (const refusal of refusals) {
          assert([1, 2, 3].map(ACTIVE).includes(refusal), refusal);
        }
        assertEquals(halfDone, 0);
        assert(share.closed);
        assertEquals(share.attached, 0);
        for (const one of await Promise.all(performing)) {
          const { detached, early, length } = one;
          assert(detached);
          assertEquals(early, 0);
          assertGreater(length, 0);
        }
      }
    },
  );
}

test(
  WORKERS,
  "two Workers attach and detach one Curl at once",
  async () => {
    const rounds = 10_000;
    using share = shareOf(curl.LOCK_DATA_COOKIE);
    using c = curlTo(FILE);
    await using stack = new AsyncDisposableStack();
    const workers = await start<Races>(stack, 2, RACES);
    const gate = new Gate();
    const running = workers.map((worker) =>
      worker.call(
        "attachAndDetach",
        c.handle,
        share.handle,
        gate.buffer,
        rounds,
      )
    );
    gate.open();
    for (const { done, refused } of await Promise.all(running)) {
      const sharing = "Curl object already sharing. Unshare first.";
      assertEquals(done + (refused[sharing] ?? 0), rounds);
    }
    assertEquals(share.attached, c.share() === null ? 0 : 1);
    c.unsetopt(curl.SHARE);
    assertEquals(share.attached, 0);
    share.share(curl.LOCK_DATA_DNS);
  },
);

test(
  WORKERS,
  "Curl.share() gives a share or null when another Worker closes shares under it",
  async () => {
    const rounds = 10_000;
    using c = curlTo(FILE);
    await using stack = new AsyncDisposableStack();
    const [one, other] = await start<Races>(stack, 2, RACES);
    const gate = new Gate();
    const replacing = one.call("replaceShares", c.handle, gate.buffer, rounds);
    const asking = other.call("askForShare", c.handle, gate.buffer, rounds);
    gate.open();
    assertEquals(await replacing, { done: rounds, refused: {} });
    assertEquals(await asking, { done: rounds, refused: {} });
    assertStrictEquals(c.share(), null);
  },
);

test(
  SERVER,
  "a share of names is used by all Workers when one of them has resolved",
  async () => {
    await using server = await startServer();
    using share = shareOf(curl.LOCK_DATA_DNS);
    await using stack = new AsyncDisposableStack();
    const [first, ...others] = await start<Transfers>(stack, 4, TRANSFERS);
    const url = `http://only-in-the-share.invalid:${server.port}/`;
    const resolve = [`only-in-the-share.invalid:${server.port}:127.0.0.1`];
    const [{ body }] = await first.call("get", [url], {
      share: share.handle,
      resolve,
    });
    assertEquals(body, "home\n");
    const gate = new Gate();
    const running = others.map((worker) =>
      worker.call("get", [url, url], {
        share: share.handle,
        fresh: true,
        gate: gate.buffer,
      })
    );
    gate.open();
    for (const answers of await Promise.all(running)) {
      assertEquals(answers.map(({ body }) => body), ["home\n", "home\n"]);
    }
    const error = await assertRejects(
      () => first.call("get", [url]),
      WorkerError,
    );
    assertEquals(error.code, curl.E_COULDNT_RESOLVE_HOST);
  },
);

for (const sharing of [true, false]) {
  test(
    SERVER,
    `TLS sessions ${
      sharing ? "are resumed" : "stay their own"
    } when Workers use HTTPS at once ${
      sharing ? "through a share" : "without a share"
    }`,
    async () => {
      const [count, rounds] = [4, 5];
      const certificates = await createCertificates();
      await using server = await startServer({ tls: certificates.server });
      await using relay = await startRelay(server);
      using share = shareOf(curl.LOCK_DATA_SSL_SESSION, curl.LOCK_DATA_DNS);
      const url = `https://localhost:${relay.port}/bytes/20000`;
      const settings = {
        share: sharing ? share.handle : undefined,
        ca: certificates.ca,
        fresh: true,
      };
      await using stack = new AsyncDisposableStack();
      const [first, ...workers] = await start<Transfers>(
        stack,
        count + 1,
        TRANSFERS,
      );
      await first.call("get", [url], settings);
      assertEquals((await relay.counts()).full, 1);

      const gate = new Gate();
      const running = workers.map((worker) =>
        worker.call("get", Array(sharing ? rounds : 1).fill(url), {
          ...settings,
          gate: gate.buffer,
        })
      );
      gate.open();
      const answers = (await Promise.all(running)).flat();
      for (const { body } of answers) assertEquals(body.length, 20_000);

      const { full, resumed } = await relay.counts();
      assertEquals(full + resumed, 1 + answers.length);
      if (sharing) assertGreaterOrEqual(resumed, rounds);
      else assertEquals(resumed, 0);
    },
  );
}

test(
  SERVER,
  "one connection of a share carries the requests of all Workers",
  async () => {
    await using server = await startServer();
    using share = shareOf(curl.LOCK_DATA_CONNECT);
    await using stack = new AsyncDisposableStack();
    const workers = await start<Transfers>(stack, 3, TRANSFERS);
    for (const worker of workers) {
      await worker.call("get", [server.url, server.url], {
        share: share.handle,
      });
    }
    const clients = (await server.requests()).map(({ client }) => client);
    assertEquals(clients.length, 6);
    assertEquals(new Set(clients).size, 1);
    const { transfers, connectionsMade, connectionsReused } = share.stats();
    assertEquals(
      { transfers, connectionsMade, connectionsReused },
      { transfers: 6, connectionsMade: 1, connectionsReused: 5 },
    );
  },
);
