/**
 * Shares of cookies, connections or HSTS: the transfers of all Workers run on
 * one engine, at once, and each as it would without a share.
 *
 * @module
 */

import { Authority, createCertificates } from "../tools/certificates.ts";
import * as curl from "../mod.ts";
import { library } from "../src/ffi/library.ts";
import {
  assert,
  assertEquals,
  assertFalse,
  assertGreater,
  assertLess,
  assertMatch,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "./assert.ts";
import { CALLBACK_CASES } from "./fixtures/callback_cases.ts";
import { keepsToTheRules } from "./fixtures/callback_rules.ts";
import { assertCurlError, assertUsable } from "./fixtures/checks.ts";
import { startRelay } from "./fixtures/counting_relay.ts";
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
  assertRefused,
  attachedTo,
  isAlive,
  shareOf,
  startPeer,
  stateOf,
  until,
} from "./workers/peers.ts";

type Doomed = typeof import("./workers/doomed.ts");
type Transfers = typeof import("./workers/transfers.ts");

const DOOMED = new URL("./workers/doomed.ts", import.meta.url);
const TRANSFERS = new URL("./workers/transfers.ts", import.meta.url);

const ACTIVE = (count: number) =>
  `cannot close CurlShare: still in use by ${count} active Curl object(s)`;

const RUNNING = (method: string) =>
  `cannot invoke ${method}() - perform() is currently running`;

/** Workers that can transfer, and end with the stack. */
function startTransfers(
  stack: AsyncDisposableStack,
  count: number,
): Promise<WorkerHandle<Transfers>[]> {
  return Promise.all(
    Array.from(
      { length: count },
      async () => stack.use(await startWorker<Transfers>(TRANSFERS)),
    ),
  );
}

for (const subject of CALLBACK_CASES) {
  test(
    subject.needs,
    `${subject.name} keeps to the rules on a share of cookies`,
    async (context) => {
      await using _ = await watchdog(subject.name, 50);
      await keepsToTheRules(context, subject, [curl.LOCK_DATA_COOKIE]);
    },
  );
}

for (const how of ["get", "getAtOnce"] as const) {
  const way = how === "get" ? "one after another" : "at once";

  test(
    [NGINX, WORKERS],
    `eight Workers that each send requests ${way} make one connection of HTTP/2 through a share`,
    async () => {
      const [count, rounds] = [8, 5];
      await using nginx = await startNginx();
      await using relay = await startRelay({ port: nginx.securePort });
      using share = shareOf(
        curl.LOCK_DATA_COOKIE,
        curl.LOCK_DATA_CONNECT,
        curl.LOCK_DATA_DNS,
        curl.LOCK_DATA_SSL_SESSION,
      );
      await using stack = new AsyncDisposableStack();
      const workers = await startTransfers(stack, count);
      const gate = new Gate();
      const url = `https://localhost:${relay.port}/small.txt`;
      const running = workers.map((worker) =>
        worker.call(how, Array(rounds).fill(url), {
          share: share.handle,
          ca: nginx.ca,
          gate: gate.buffer,
        })
      );
      gate.open();
      const answers = (await Promise.all(running)).flat();
      assertEquals(answers.length, count * rounds);
      for (const { body } of answers) assertEquals(body, "hello\n");

      const { connections, full, resumed } = await relay.counts();
      assertEquals(
        { connections, full, resumed },
        { connections: 1, full: 1, resumed: 0 },
      );
      const log = await nginx.log(count * rounds);
      assertEquals(new Set(log.map((entry) => entry.connection)).size, 1);
      assertEquals(
        new Set(log.map((entry) => entry.protocol)),
        new Set(["HTTP/2.0"]),
      );
      const stats = share.stats();
      assertEquals(stats.transfers, count * rounds);
      assertEquals(stats.connectionsMade, 1);
      assertEquals(stats.connectionsReused, count * rounds - 1);
      assertEquals(share.attached, 0);
    },
  );

  test(
    [SERVER, WORKERS],
    `requests of four Workers, sent ${way}, are on their way at once in one connection`,
    async () => {
      const certificates = await createCertificates();
      await using server = await startServer({ tls: certificates.server });
      await using relay = await startRelay(server);
      using share = shareOf(curl.LOCK_DATA_CONNECT, curl.LOCK_DATA_COOKIE);
      await using stack = new AsyncDisposableStack();
      const workers = await startTransfers(stack, 4);
      const running = workers.map((worker) =>
        worker.call(how, [`https://localhost:${relay.port}/stall`], {
          share: share.handle,
          ca: certificates.ca,
        })
      );
      // None is answered before all are there.
      await server.arrived(4);
      assertRefused(() => share.close(), ACTIVE(4));
      await server.release();
      for (const [{ body }] of await Promise.all(running)) {
        assertEquals(body, "released\n");
      }
      assertEquals((await relay.counts()).connections, 1);
      share.close();
    },
  );

  test(
    [SERVER, WORKERS],
    `cookies that one Worker was sent go with another's requests ${way}`,
    async () => {
      await using server = await startServer();
      using share = shareOf(curl.LOCK_DATA_COOKIE);
      await using stack = new AsyncDisposableStack();
      const [one, other, third] = await startTransfers(stack, 3);
      const settings = { share: share.handle };
      const cookies = `${server.url}/cookies`;
      // A transfer that is under way does not keep them from it.
      const stalled = third.call(how, [`${server.url}/stall`], settings);
      await server.arrived(1);
      for (let round = 0; round < 5; round++) {
        await one.call(how, [`${cookies}/set?round=${round}`], settings);
        const answers = await other.call(how, [cookies, cookies], settings);
        assertEquals(
          answers.map(({ body }) => body),
          Array(2).fill(`round=${round}`),
        );
      }
      await server.release();
      assertEquals((await stalled)[0].body, "released\n");
    },
  );

  test(
    [SERVER, WORKERS],
    `a host that tells one Worker of HSTS is asked over HTTPS by all, ${way}`,
    async () => {
      const authority = await Authority.create();
      const tls = await authority.issue({ names: ["secure.example"] });
      await using server = await startServer({ tls });
      await using plain = await startServer();
      using share = shareOf(curl.LOCK_DATA_HSTS);
      await using stack = new AsyncDisposableStack();
      const [one, ...others] = await startTransfers(stack, 4);
      const settings = {
        share: share.handle,
        ca: authority.cert,
        connectTo: [
          `secure.example:443:127.0.0.1:${server.port}`,
          `secure.example:80:127.0.0.1:${plain.port}`,
        ],
      };
      const insecure = "http://secure.example/";
      const [before] = await others[0].call(how, [insecure], settings);
      assertEquals(before.body, "home\n");
      assertEquals((await plain.requests()).length, 1);

      await one.call(how, ["https://secure.example/hsts"], settings);
      const gate = new Gate();
      const running = others.map((worker) =>
        worker.call(how, [insecure, insecure], {
          ...settings,
          gate: gate.buffer,
        })
      );
      gate.open();
      for (const answers of await Promise.all(running)) {
        assertEquals(answers.map(({ body }) => body), ["home\n", "home\n"]);
      }
      assertEquals((await plain.requests()).length, 1);
      assertEquals((await server.requests()).length, 1 + 2 * others.length);
    },
  );
}

test(
  SERVER,
  "unpause() in XFERINFOFUNCTION lets a transfer on a share go on",
  async () => {
    await using server = await startServer();
    await using _ = await watchdog("a paused transfer", 30);
    using share = shareOf(curl.LOCK_DATA_COOKIE);
    using c = attachedTo(share, `${server.url}/bytes/1000000`);
    let pauses = 0;
    let isPaused = false;
    let size = 0;
    c.setopt(curl.TIMEOUT, 10);
    c.setopt(curl.WRITEFUNCTION, (data) => {
      assertFalse(isPaused, "it is called while the transfer is paused");
      if (pauses === 0) {
        pauses += 1;
        isPaused = true;
        return curl.WRITEFUNC_PAUSE;
      }
      size += data.length;
    });
    c.setopt(curl.NOPROGRESS, false);
    c.setopt(curl.XFERINFOFUNCTION, () => {
      if (!isPaused) return;
      isPaused = false;
      c.unpause();
    });
    c.performSync();
    assertEquals({ pauses, size }, { pauses: 1, size: 1_000_000 });
  },
);

test(
  SERVER,
  "XFERINFOFUNCTION is called, and ends a transfer on a share, while nothing comes",
  async () => {
    await using server = await startServer();
    using share = shareOf(curl.LOCK_DATA_COOKIE);
    using c = attachedTo(share, `${server.url}/stall`);
    let calls = 0;
    c.setopt(curl.TIMEOUT, 10);
    c.setopt(curl.NOPROGRESS, false);
    c.setopt(curl.XFERINFOFUNCTION, () => ++calls === 5 ? 1 : 0);
    assertCurlError(() => c.performTextSync(), curl.E_ABORTED_BY_CALLBACK);
    assertEquals(calls, 5);
  },
);

test(
  SERVER,
  "unpause() in another transfer's callback lets one on the same share go on",
  async () => {
    await using server = await startServer();
    await using _ = await watchdog("a paused transfer", 30);
    using share = shareOf(curl.LOCK_DATA_CONNECT);
    using c = attachedTo(share, `${server.url}/bytes/1000000`);
    using other = attachedTo(share, server.url);
    let isPaused = false;
    let hasPaused = false;
    let size = 0;
    c.setopt(curl.TIMEOUT, 10);
    other.setopt(curl.WRITEFUNCTION, () => {
      isPaused = false;
      c.unpause();
    });
    c.setopt(curl.WRITEFUNCTION, (data) => {
      if (!hasPaused) {
        isPaused = hasPaused = true;
        return curl.WRITEFUNC_PAUSE;
      }
      size += data.length;
    });
    c.setopt(curl.NOPROGRESS, false);
    c.setopt(curl.XFERINFOFUNCTION, () => {
      if (isPaused) other.performSync();
    });
    c.performSync();
    assertEquals(size, 1_000_000);
  },
);

for (const name of ["WRITEFUNCTION", "HEADERFUNCTION"] as const) {
  test(
    SERVER,
    `${name} that does not take all ends a transfer on a share`,
    async () => {
      await using server = await startServer();
      using share = shareOf(curl.LOCK_DATA_COOKIE);
      using c = attachedTo(share, `${server.url}/bytes/1000000`);
      for (const wrong of [-1, 1]) {
        let calls = 0;
        c.setopt(curl[name], (data: Uint8Array) => {
          calls += 1;
          return data.length + wrong;
        });
        const act = name === "WRITEFUNCTION"
          ? () => c.performSync()
          : () => c.performBytesSync();
        const { cause } = assertCurlError(act, curl.E_WRITE_ERROR);
        assertEquals({ cause, calls }, { cause: undefined, calls: 1 });
      }
      c.unsetopt(curl[name]);
      assertEquals(c.performBytesSync().length, 1_000_000);
      assertUsable(c);
    },
  );
}

test(
  SERVER,
  "READFUNCTION that gives too much ends a transfer on a share",
  async () => {
    await using server = await startServer();
    using share = shareOf(curl.LOCK_DATA_COOKIE);
    using c = attachedTo(share, `${server.url}/upload`);
    c.setopt(curl.UPLOAD, true);
    let calls = 0;
    c.setopt(curl.READFUNCTION, (size) => {
      calls += 1;
      return new Uint8Array(size + 1);
    });
    const { cause } = assertCurlError(
      () => c.performTextSync(),
      curl.E_ABORTED_BY_CALLBACK,
    );
    assertStringIncludes(String(cause), "READFUNCTION");
    assertEquals(calls, 1);
    const parts = ["abc", "", "never"];
    c.setopt(curl.READFUNCTION, () => parts.shift()!);
    assertEquals(JSON.parse(c.performTextSync()).bytes, 3);
    assertEquals(parts, ["never"]);
  },
);

for (const callback of ["WRITEFUNCTION", "SOCKOPTFUNCTION"] as const) {
  test(
    [SERVER, WORKERS],
    `a Curl that performs on a share is out of reach from elsewhere, and in ${callback} its own`,
    async () => {
      await using server = await startServer();
      using share = shareOf(curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_CONNECT);
      using c = attachedTo(share, server.url);
      await using peer = await startPeer();
      const [entered, released] = [new Gate(), new Gate()];
      const outcome = peer.call(
        "performHeld",
        c.handle,
        entered.buffer,
        released.buffer,
        {
          callback,
          inside: {
            kind: "Curl",
            handle: c.handle,
            member: "setopt",
            args: [curl.USERAGENT, "set inside"],
          },
        },
      );
      await entered.wait();
      const calls: Record<string, () => unknown> = {
        setopt: () => c.setopt(curl.USERAGENT, "x"),
        unsetopt: () => c.unsetopt(curl.USERAGENT),
        getinfo: () => c.getinfo(curl.EFFECTIVE_URL),
        duphandle: () => c.duphandle(),
        reset: () => c.reset(),
        perform: () => c.performBytesSync(),
        close: () => c.close(),
      };
      for (const [name, call] of Object.entries(calls)) {
        assertRefused(call, RUNNING(name));
      }
      released.open();
      assertEquals(await outcome, "done");
      assertEquals(c.getinfo(curl.RESPONSE_CODE), 200);
    },
  );

  test(
    [SERVER, WORKERS],
    `CurlShare.close() is refused to every Worker while one is in ${callback}`,
    async () => {
      await using server = await startServer();
      const share = shareOf(curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_CONNECT);
      using c = attachedTo(share, server.url);
      using idle = attachedTo(share, server.url);
      await using peer = await startPeer();
      await using other = await startPeer("other");
      const [entered, released] = [new Gate(), new Gate()];
      const outcome = peer.call(
        "performHeld",
        c.handle,
        entered.buffer,
        released.buffer,
        {
          callback,
          inside: { kind: "CurlShare", handle: share.handle, member: "close" },
        },
      );
      await entered.wait();
      assertRefused(() => share.close(), ACTIVE(1));
      const theirs = await other.call("onShare", share.handle, "close")
        .catch((error) => error.message);
      assertEquals(theirs, ACTIVE(1));
      assertEquals(share.attached, 2);
      assertStrictEquals(idle.share(), share);
      released.open();
      assertEquals(await outcome, ACTIVE(1));
      await other.call("onShare", share.handle, "close");
      assert(share.closed);
      assertEquals([c.share(), idle.share()], [null, null]);
      assertEquals(idle.performTextSync(), "home\n");
    },
  );
}

test(
  [SERVER, WORKERS],
  "CONNECT_ONLY connects while another Worker's transfer runs on the share",
  async () => {
    await using server = await startServer();
    using share = shareOf(curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_CONNECT);
    using c = attachedTo(share, `${server.url}/stall`);
    await using peer = await startPeer();
    const body = peer.call("onCurl", c.handle, "performTextSync");
    await server.arrived(1);
    const only = attachedTo(share, server.url);
    only.setopt(curl.CONNECT_ONLY, 1);
    only.performSync();
    assertGreater(only.getinfo(curl.ACTIVESOCKET), 0);
    only.close();
    await server.release();
    assertEquals(await body, "released\n");
    share.close();
  },
);

test(
  SERVER,
  "CurlShare.stats() counts what ran on the engine of a share",
  async () => {
    await using server = await startServer();
    using share = shareOf(curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_CONNECT);
    using c = attachedTo(share, `${server.url}/cookies/set?a=1`);
    c.setopt(curl.COOKIEFILE, "");
    c.performTextSync();
    await c.performText();
    c.setopt(curl.WRITEFUNCTION, () => {
      throw new Error("out");
    });
    assertThrows(() => c.performSync(), curl.CurlError);
    const before = share.stats();
    assertEquals(before.transfers, 3);
    assertEquals(before.connectionsMade + before.connectionsReused, 3);
    assertGreater(before.locks.cookie.locks, 0);
    assertEquals(before.locks.hsts.locks, 0);
    c.reset();
    c.setopt(curl.URL, "http://127.0.0.1:1/");
    assertCurlError(() => c.performSync(), curl.E_COULDNT_CONNECT);
    assertEquals(share.stats().transfers, 4);
  },
);

test(
  [SERVER, WORKERS],
  "CurlShare.closeAsync() sleeps while another Worker's transfer runs",
  async () => {
    await using server = await startServer();
    const share = shareOf(curl.LOCK_DATA_COOKIE);
    using c = attachedTo(share, `${server.url}/stall`);
    await using peer = await startPeer();
    const body = peer.call("onCurl", c.handle, "performTextSync");
    await server.arrived(1);
    let turns = 0;
    // deno-lint-ignore denocurl/one-caller
    const name = "shim_turn";
    const native = library() as Record<
      typeof name,
      (...args: never[]) => number
    >;
    const turn = native[name];
    native[name] = (...args) => {
      turns += 1;
      return turn(...args);
    };
    try {
      const closed = share.closeAsync();
      // Each goes to another thread and back.
      for (let i = 0; i < 100; i++) await server.requests();
      assertLess(turns, 50);
      await server.release();
      await closed;
    } finally {
      native[name] = turn;
    }
    assertEquals(await body, "released\n");
    assert(share.closed);
  },
);

/** How a Worker comes to be in this phase; it tells its Curl's number. */
type Phase = (
  worker: WorkerHandle<Doomed>,
  url: string,
  share: number,
  gate: SharedArrayBuffer,
) => [call: Promise<unknown>, entered: Promise<number>];

const held = (
  callback: import("./workers/doomed.ts").Held,
  ends: boolean,
): Phase =>
(worker, url, share, gate) => [
  worker.call(
    "holdShare",
    `${url}/bytes/5000000`,
    share,
    gate,
    ends,
    callback,
  ),
  worker.event<number>("inside"),
];

/** Nothing but the server ends a synchronous transfer that waits for it. */
const STALLED = "waits for a server";

const PHASES: Record<string, Phase> = {
  [STALLED]: (worker, url, share) => [
    worker.call("performOnShare", `${url}/stall`, share),
    worker.event<number>("about to perform"),
  ],
  "is in SOCKOPTFUNCTION": held("SOCKOPTFUNCTION", true),
  "is in PREREQFUNCTION, which returns": held("PREREQFUNCTION", false),
  "is in WRITEFUNCTION, with more to be told": held("WRITEFUNCTION", true),
  "is in WRITEFUNCTION, which returns": held("WRITEFUNCTION", false),
};

for (const [phase, enter] of Object.entries(PHASES)) {
  test(
    [SERVER, WORKERS],
    `the engine of a share goes on when a Worker is terminated that ${phase}`,
    async () => {
      await using server = await startServer();
      await using relay = await startRelay(server);
      const url = `http://127.0.0.1:${relay.port}`;
      const share = shareOf(curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_CONNECT);
      using c = attachedTo(share, `${url}/stall`);
      using d = attachedTo(share, url);
      await using bystander = await startPeer("bystander");
      const body = bystander.call("onCurl", c.handle, "performTextSync");
      await server.arrived(1);

      const worker = await startWorker<Doomed>(DOOMED);
      const gate = new Gate();
      const [call, entered] = enter(worker, url, share.handle, gate.buffer);
      call.catch(() => {});
      const gone = await entered;
      await until("it performs", () => /^run/.test(stateOf(gone) ?? ""));
      worker.terminate();
      gate.open();
      const isStalled = phase === STALLED;
      if (!isStalled) await until("its Curl is gone", () => !isAlive(gone));

      assertEquals(await d.performText(), "home\n");
      assertEquals(d.performTextSync(), "home\n");
      assertMatch(stateOf(c.handle)!, /^running/);
      assertRefused(() => share.close(), ACTIVE(isStalled ? 2 : 1));
      await server.release();
      assertEquals(await body, "released\n");
      await until("its Curl is gone", () => !isAlive(gone));
      assertEquals(share.attached, 2);
      share.close();
      // So are its connections.
      let open = 1;
      while (open > 0) ({ open } = await relay.counts());
    },
  );
}
