/** What an AbortSignal ends, and when. */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertIsError,
  assertRejects,
} from "./assert.ts";
import {
  assertCurlRejects,
  assertRejectsWith,
  assertUsableAgain,
  METHODS,
  outlastTurn,
  uploadTo,
} from "./fixtures/async_checks.ts";
import { assertIsFile, curlFor, FILE } from "./fixtures/checks.ts";
import { head } from "./fixtures/http_answers.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { expectBytes, hold, request, send } from "./fixtures/script.ts";
import { startScriptedServer } from "./fixtures/scripted_server.ts";
import { test } from "./permissions.ts";

/** A signal that counts who listens to it. */
function countedSignal(): {
  controller: AbortController;
  signal: AbortSignal;
  listeners: () => number;
} {
  const controller = new AbortController();
  const { signal } = controller;
  let count = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: unknown[]) => {
    count += 1;
    addEventListener.apply(signal, args as never);
  };
  signal.removeEventListener = (...args: unknown[]) => {
    count -= 1;
    removeEventListener.apply(signal, args as never);
  };
  return { controller, signal, listeners: () => count };
}

for (const method of METHODS) {
  Deno.test(`${method}() starts nothing when it is aborted before`, async () => {
    using c = curlFor(FILE);
    let called = false;
    c.setopt(curl.PREREQFUNCTION, () => void (called = true));
    c.setopt(curl.HEADERFUNCTION, () => void (called = true));
    for (const reason of [new Error("why"), "text", null, 0]) {
      const signal = AbortSignal.abort(reason);
      const promise = c[method]({ signal });
      c.setopt(curl.PRIVATE, reason);
      await assertRejectsWith(promise, reason);
    }
    const promise = c[method]({ signal: AbortSignal.abort() });
    const error = await assertRejects(() => promise, DOMException);
    assertEquals(error.name, "AbortError");
    assert(!called);
    await assertUsableAgain(c);
  });

  Deno.test(`${method}() rejects with the reason when aborted at once`, async () => {
    using c = curlFor(FILE);
    const { controller, signal, listeners } = countedSignal();
    const reason = { why: "because" };
    const promise = c[method]({ signal });
    assertEquals(listeners(), 1);
    controller.abort(reason);
    await assertRejectsWith(promise, reason);
    assertEquals(listeners(), 0);
    await assertUsableAgain(c);
  });

  test(SERVER, `${method}() ends at once when it is aborted`, async () => {
    await using server = await startServer();
    using c = curlFor(`${server.url}/stall`);
    for (let round = 1; round <= 3; round++) {
      const { controller, signal, listeners } = countedSignal();
      const reason = Symbol("reason");
      const promise = c[method]({ signal });
      await server.arrived(round);
      controller.abort(reason);
      controller.abort("again");
      await assertRejectsWith(promise, reason);
      assertEquals(listeners(), 0);
    }
    await assertUsableAgain(c);
  });
}

Deno.test("abort() after the end of perform() changes nothing", async () => {
  using c = curlFor(FILE);
  const { controller, signal, listeners } = countedSignal();
  assertIsFile(await c.performText({ signal }));
  assertEquals(listeners(), 0);
  const next = c.performText();
  controller.abort("too late");
  assertIsFile(await next);
});

test(
  SERVER,
  "abort() as the transfer ends spares the handle's next one",
  async () => {
    await using server = await startServer();
    using c = curlFor(`${server.url}/bytes/5`);
    for (let round = 0; round < 20; round++) {
      const controller = new AbortController();
      c.setopt(curl.WRITEFUNCTION, () => {
        controller.abort("at last");
        outlastTurn();
      });
      const promise = c.perform({ signal: controller.signal });
      await assertRejectsWith(promise, "at last");
      c.unsetopt(curl.WRITEFUNCTION);
      assertEquals((await c.performBytes()).length, 5);
    }
  },
);

Deno.test("perform() leaves no listener behind when it can't start", async () => {
  const c = curlFor(FILE);
  c.close();
  const { signal, listeners } = countedSignal();
  await assertCurlRejects(c.perform({ signal }), undefined, "no curl handle");
  assertEquals(listeners(), 0);
});

test(SERVER, "perform() takes AbortSignal.timeout()", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/stall`);
  const signal = AbortSignal.timeout(50);
  const promise = c.performText({ signal });
  const error = await assertRejects(() => promise, DOMException);
  assertEquals(error.name, "TimeoutError");
  await assertUsableAgain(c);
});

test(SERVER, "abort() ends all transfers of a signal", async () => {
  await using server = await startServer();
  const { controller, signal, listeners } = countedSignal();
  const made = Array.from({ length: 100 }, () => {
    return curlFor(`${server.url}/stall`);
  });
  const all = made.map((c) => c.performText({ signal }));
  assertEquals(listeners(), 100);
  await server.arrived(50);
  controller.abort("all");
  for (const promise of all) await assertRejectsWith(promise, "all");
  assertEquals(listeners(), 0);
  for (const c of made) await assertUsableAgain(c);
  for (const c of made) c.close();
});

test(SERVER, "abort() leaves the other transfers alone", async () => {
  await using server = await startServer();
  using doomed = curlFor(`${server.url}/stall`);
  using other = curlFor(`${server.url}/stall`);
  const controller = new AbortController();
  const promise = doomed.performText({ signal: controller.signal });
  const otherPromise = other.performText();
  await server.arrived(2);
  controller.abort("one");
  await assertRejectsWith(promise, "one");
  await server.release();
  assertEquals(await otherPromise, "released\n");
});

/** The callbacks in which a transfer of an HTTP server's is aborted. */
const CALLBACKS: Record<string, curl.CurlOption> = {
  WRITEFUNCTION: curl.WRITEFUNCTION,
  HEADERFUNCTION: curl.HEADERFUNCTION,
  XFERINFOFUNCTION: curl.XFERINFOFUNCTION,
  DEBUGFUNCTION: curl.DEBUGFUNCTION,
  OPENSOCKETFUNCTION: curl.OPENSOCKETFUNCTION,
  SOCKOPTFUNCTION: curl.SOCKOPTFUNCTION,
  PREREQFUNCTION: curl.PREREQFUNCTION,
};

for (const [name, option] of Object.entries(CALLBACKS)) {
  test(SERVER, `abort() in ${name} ends the transfer`, async () => {
    await using server = await startServer();
    using c = curlFor(`${server.url}/bytes/1000000`);
    c.setopt(curl.NOPROGRESS, false);
    c.setopt(curl.VERBOSE, true);
    c.setopt(curl.DEBUGFUNCTION, () => {});
    c.setopt(curl.WRITEFUNCTION, () => {});
    const controller = new AbortController();
    let calls = 0;
    c.setopt(option, () => {
      calls += 1;
      controller.abort(name);
    });
    await assertRejectsWith(c.perform({ signal: controller.signal }), name);
    assertGreater(calls, 0);
    await assertUsableAgain(c);
  });
}

test(SERVER, "abort() in a callback of another transfer", async () => {
  await using server = await startServer();
  using doomed = curlFor(`${server.url}/stall`);
  using other = curlFor(server.url);
  const controller = new AbortController();
  const promise = doomed.performText({ signal: controller.signal });
  await server.arrived(1);
  const rejected = assertRejectsWith(promise, "by another");
  other.setopt(curl.WRITEFUNCTION, () => controller.abort("by another"));
  await other.perform();
  await rejected;
  const again = new AbortController();
  const next = doomed.performText({ signal: again.signal });
  await server.arrived(3);
  other.setopt(curl.WRITEFUNCTION, () => again.abort("by a sync one"));
  other.performSync();
  await assertRejectsWith(next, "by a sync one");
  await assertUsableAgain(doomed);
});

test(SERVER, "abort() does not wait for a function's promise", async () => {
  await using server = await startServer();
  for (const path of ["/bytes/5", "/bytes/1000000"]) {
    using c = curlFor(server.url + path);
    const controller = new AbortController();
    const never = Promise.withResolvers<void>();
    const called = Promise.withResolvers<void>();
    c.setopt(curl.WRITEFUNCTION, () => {
      called.resolve();
      return never.promise;
    });
    const promise = c.perform({ signal: controller.signal });
    await called.promise;
    controller.abort("now");
    await assertRejectsWith(promise, "now");
    // The next transfer has nothing to do with what the promise becomes.
    c.setopt(curl.WRITEFUNCTION, () => {});
    const next = c.perform();
    never.reject(new Error("too late"));
    await next;
    await assertUsableAgain(c);
  }
});

test(SERVER, "abort() ends an upload that waits for its bytes", async () => {
  await using server = await startServer();
  using c = uploadTo(`${server.url}/upload`);
  const controller = new AbortController();
  const called = Promise.withResolvers<void>();
  const never = Promise.withResolvers<string>();
  c.setopt(curl.READFUNCTION, () => {
    called.resolve();
    return never.promise;
  });
  const promise = c.performText({ signal: controller.signal });
  await called.promise;
  controller.abort("now");
  await assertRejectsWith(promise, "now");
  never.resolve("too late");
  await assertUsableAgain(c);
});

test(SERVER, "abort() ends a transfer that is paused", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/bytes/1000`);
  const controller = new AbortController();
  const called = Promise.withResolvers<void>();
  c.setopt(curl.WRITEFUNCTION, () => {
    called.resolve();
    return curl.WRITEFUNC_PAUSE;
  });
  const promise = c.perform({ signal: controller.signal });
  await called.promise;
  controller.abort("paused");
  await assertRejectsWith(promise, "paused");
  await assertUsableAgain(c);
});

test(SERVER, "abort() closes the connection", async () => {
  await using server = await startScriptedServer({
    scripts: [[
      request(),
      send(head(200, { "Content-Length": "100" })),
      send("a part"),
      hold(),
    ]],
  });
  using c = curlFor(server.url);
  const controller = new AbortController();
  c.setopt(curl.WRITEFUNCTION, () => controller.abort("enough"));
  const promise = c.perform({ signal: controller.signal });
  await assertRejectsWith(promise, "enough");
  const [{ outcome }] = await server.ended(1);
  assertEquals(outcome, "client left");
});

test(SERVER, "abort() wins over what a callback throws later", async () => {
  await using server = await startServer();
  using c = curlFor(server.url);
  const controller = new AbortController();
  c.setopt(curl.WRITEFUNCTION, () => {
    controller.abort("aborted");
    throw new Error("thrown");
  });
  const promise = c.perform({ signal: controller.signal });
  await assertRejectsWith(promise, "aborted");
  // Nothing of it is left for the next transfer.
  c.setopt(curl.URL, "file:///does/not/exist");
  const missing = curl.E_FILE_COULDNT_READ_FILE;
  const error = await assertCurlRejects(c.perform(), missing);
  assertEquals(error.cause, undefined);
});

test(SERVER, "abort() at any moment leaves the handle usable", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/bytes/2000000`);
  let aborted = 0;
  for (let round = 0; round < 200; round++) {
    const controller = new AbortController();
    let calls = 0;
    c.setopt(curl.WRITEFUNCTION, () => {
      if (++calls > round % 10) controller.abort(round);
    });
    try {
      const promise = c.perform({ signal: controller.signal });
      if (round % 7 === 0) controller.abort(round);
      await promise;
    } catch (reason) {
      assertEquals(reason, round);
      aborted += 1;
    }
    assertEquals(c.getinfo(curl.EFFECTIVE_URL), `${server.url}/bytes/2000000`);
  }
  assertGreater(aborted, 100);
  await assertUsableAgain(c);
});

test(SERVER, "abort() while a server waits for the body", async () => {
  await using server = await startScriptedServer({
    scripts: [[request(), expectBytes(1_000_000)]],
  });
  using c = uploadTo(server.url);
  c.setopt(curl.INFILESIZE, 1_000_000);
  const controller = new AbortController();
  let calls = 0;
  c.setopt(curl.READFUNCTION, () => {
    if (++calls === 5) controller.abort(new Error("no more"));
    return new Uint8Array(1000);
  });
  const promise = c.performText({ signal: controller.signal });
  const error = await promise.catch((error: unknown) => error);
  assertIsError(error, Error, "no more");
  await assertUsableAgain(c);
});
