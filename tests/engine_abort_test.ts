/** What an AbortSignal ends on the engine of a share, and when. */

import * as curl from "../mod.ts";
import { assert, assertEquals } from "./assert.ts";
import {
  assertRejectsWith,
  assertUsableAgain,
  METHODS,
} from "./fixtures/async_checks.ts";
import { assertIsFile, FILE } from "./fixtures/checks.ts";
import { curlOn } from "./fixtures/engines.ts";
import {
  SERVER,
  startServer,
  type TestServer,
} from "./fixtures/http_server.ts";
import { test } from "./permissions.ts";
import { shareOf } from "./workers/peers.ts";

function cookies(): curl.CurlShare {
  return shareOf(curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_CONNECT);
}

/** Has another transfer run on the share while `act` does, and end well. */
async function besides(
  share: curl.CurlShare,
  server: TestServer,
  act: (controller: AbortController) => Promise<void>,
): Promise<void> {
  using other = curlOn(share, `${server.url}/stall`);
  const arrived = (await server.requests()).length + 1;
  const body = other.performText();
  await server.arrived(arrived);
  await act(new AbortController());
  await server.release();
  assertEquals(await body, "released\n");
  assertEquals(share.attached, 2);
}

for (const method of METHODS) {
  Deno.test(`${method}() on a share starts nothing when it is aborted before`, async () => {
    using share = cookies();
    using c = curlOn(share, FILE);
    let called = false;
    c.setopt(curl.HEADERFUNCTION, () => void (called = true));
    const signal = AbortSignal.abort("before");
    await assertRejectsWith(c[method]({ signal }), "before");
    assert(!called);
    assertEquals(share.stats().transfers, 0);
    await assertUsableAgain(c);
  });

  Deno.test(`${method}() on a share rejects when aborted at once`, async () => {
    using share = cookies();
    using c = curlOn(share, FILE);
    c.setopt(curl.WRITEFUNCTION, () => {});
    const controller = new AbortController();
    const promise = c[method]({ signal: controller.signal });
    controller.abort("at once");
    await assertRejectsWith(promise, "at once");
    await assertUsableAgain(c);
  });

  test(
    SERVER,
    `${method}() on a share ends at once when it is aborted`,
    async () => {
      await using server = await startServer();
      using share = cookies();
      using c = curlOn(share, `${server.url}/stall`);
      await besides(share, server, async (controller) => {
        const promise = c[method]({ signal: controller.signal });
        await server.arrived(2);
        controller.abort("now");
        await assertRejectsWith(promise, "now");
        await assertUsableAgain(c);
      });
    },
  );
}

Deno.test("abort() after the end of a transfer on a share changes nothing", async () => {
  using share = cookies();
  using c = curlOn(share, FILE);
  const controller = new AbortController();
  assertIsFile(await c.performText({ signal: controller.signal }));
  const next = c.performText();
  controller.abort("too late");
  assertIsFile(await next);
});

/** How a transfer comes to wait for a promise that never settles. */
const WAITING: Record<
  string,
  (c: curl.Curl, wait: () => Promise<never>) => void
> = {
  WRITEFUNCTION: (c, wait) => c.setopt(curl.WRITEFUNCTION, wait),
  "WRITEDATA's write()": (c, wait) => c.setopt(curl.WRITEDATA, { write: wait }),
  "WRITEDATA's stream": (c, wait) =>
    c.setopt(curl.WRITEDATA, new WritableStream({ write: wait })),
  READFUNCTION: (c, wait) => {
    c.setopt(curl.UPLOAD, true);
    c.setopt(curl.READFUNCTION, wait);
  },
  "READDATA's stream": (c, wait) => {
    c.setopt(curl.UPLOAD, true);
    c.setopt(
      curl.READDATA,
      new ReadableStream({ pull: wait }, { highWaterMark: 0 }),
    );
  },
};

const KINDS = {
  "an isolate's engine": [curl.LOCK_DATA_PSL],
  "a share's engine": [curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_CONNECT],
};

for (const [name, arrange] of Object.entries(WAITING)) {
  for (const [kind, kinds] of Object.entries(KINDS)) {
    test(
      SERVER,
      `abort() does not wait for the promise of ${name}, on ${kind}`,
      async () => {
        await using server = await startServer();
        using share = shareOf(...kinds);
        using c = curlOn(share, `${server.url}/upload`);
        const waiting = Promise.withResolvers<void>();
        arrange(c, () => {
          waiting.resolve();
          return new Promise<never>(() => {});
        });
        const controller = new AbortController();
        const promise = c.perform({ signal: controller.signal });
        await waiting.promise;
        using other = curlOn(share, server.url);
        assertEquals(await other.performText(), "home\n");
        controller.abort("never mind");
        await assertRejectsWith(promise, "never mind");
        await assertUsableAgain(c);
      },
    );
  }
}

for (
  const name of [
    "OPENSOCKETFUNCTION",
    "SOCKOPTFUNCTION",
    "PREREQFUNCTION",
    "HEADERFUNCTION",
    "WRITEFUNCTION",
    "XFERINFOFUNCTION",
    "DEBUGFUNCTION",
  ] as const
) {
  test(SERVER, `abort() in ${name} ends its transfer on a share`, async () => {
    await using server = await startServer();
    using share = cookies();
    using c = curlOn(share, `${server.url}/bytes/1000000`);
    c.setopt(curl.FRESH_CONNECT, true);
    c.setopt(curl.NOPROGRESS, false);
    c.setopt(curl.XFERINFOFUNCTION, () => {});
    c.setopt(curl.VERBOSE, true);
    c.setopt(curl.DEBUGFUNCTION, () => {});
    c.setopt(curl.WRITEFUNCTION, () => {});
    await besides(share, server, async (controller) => {
      c.setopt(curl[name] as curl.CurlOption, () => controller.abort(name));
      const promise = c.perform({ signal: controller.signal });
      await assertRejectsWith(promise, name);
      await assertUsableAgain(c);
    });
  });
}
