/**
 * How processes and Workers end that have asynchronous transfers: a process
 * lives exactly as long as anything is pending.
 *
 * @module
 */

import * as curl from "../mod.ts";
import { assertEquals, assertFalse, assertStringIncludes } from "./assert.ts";
import { CHILD, runChild } from "./fixtures/child.ts";
import { FILE } from "./fixtures/checks.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { watchdog } from "./fixtures/watchdog.ts";
import { Gate, startWorker, type WorkerHandle } from "./fixtures/workers.ts";
import { test } from "./permissions.ts";
import { attachedTo, isAlive, shareOf, until } from "./workers/peers.ts";

const PREAMBLE = `
const [file, url] = Deno.args;
const curlTo = (url) => {
  const c = new curl.Curl();
  c.setopt(curl.URL, url);
  return c;
};
const last = () => console.log("last");
`;

/** What the process does; it says "last" where it is to end, and its code. */
const ENDINGS: Record<string, [script: string, code?: number]> = {
  "when a transfer of a file is over": [`
    curlTo(file).performText().then(last);`],
  "when a transfer is over, with its connection open": [`
    curlTo(url).performText().then(last);`],
  "when many transfers are over": [`
    const all = Array.from({ length: 100 }, () => curlTo(url).performText());
    Promise.all(all).then(last);`],
  "when a transfer is over that timers have held up": [`
    const c = curlTo(url);
    c.setopt(curl.WRITEFUNCTION, () =>
      new Promise((resolve) => setTimeout(resolve, 50)));
    c.perform().then(last);`],
  "when a stalled transfer was aborted": [`
    const controller = new AbortController();
    const { signal } = controller;
    curlTo(url + "/stall").performText({ signal }).catch(last);
    setTimeout(() => controller.abort(), 100);`],
  "when a stalled transfer was aborted at once": [`
    const controller = new AbortController();
    const { signal } = controller;
    curlTo(url + "/stall").performText({ signal }).catch(last);
    controller.abort();`],
  "when a transfer has timed out": [`
    const c = curlTo(url + "/stall");
    c.setopt(curl.TIMEOUT_MS, 50);
    c.performText().catch(last);`],
  "when a body was cancelled": [`
    const body = await curlTo(url + "/bytes/100000000").performStream();
    body.readable.cancel().then(last);`],
  "when a body was disposed of": [`
    {
      using body = await curlTo(url + "/bytes/100000000").performStream();
    }
    last();`],
  "when a body was read": [`
    const body = await curlTo(url + "/bytes/1000000").performStream();
    await new Response(body.readable).bytes();
    last();`],
  "with a signal that is never aborted": [`
    const { signal } = new AbortController();
    curlTo(url).performText({ signal }).then(last);`],
  "when a share of connections was closed": [`
    const share = new curl.CurlShare();
    share.share(curl.LOCK_DATA_CONNECT, curl.LOCK_DATA_COOKIE);
    const c = curlTo(url);
    c.setopt(curl.SHARE, share);
    c.performText();
    share.closeAsync().then(last);`],
  "with a share of connections that is open": [`
    const share = new curl.CurlShare();
    share.share(curl.LOCK_DATA_CONNECT, curl.LOCK_DATA_COOKIE);
    const c = curlTo(url);
    c.setopt(curl.SHARE, share);
    c.performText().then(last);`],
  "when closing a share was given up": [`
    const share = new curl.CurlShare({ detachOnClose: false });
    globalThis.held = curlTo(url);
    held.setopt(curl.SHARE, share);
    const controller = new AbortController();
    share.closeAsync({ signal: controller.signal }).catch(last);
    setTimeout(() => controller.abort(), 50);`],
  "when an unpaused transfer is over": [`
    const c = curlTo(url);
    let paused = true;
    c.setopt(curl.WRITEFUNCTION, () => {
      if (paused) setTimeout(() => c.unpause(), 50);
      return paused ? (paused = false, curl.WRITEFUNC_PAUSE) : undefined;
    });
    c.perform().then(last);`],
  "by Deno.exit() while transfers run": [
    `
    for (let i = 0; i < 20; i++) curlTo(url + "/stall").performText();
    await curlTo(url).performText();
    last();
    Deno.exit(3);`,
    3,
  ],
  "by Deno.exit() in a callback": [
    `
    const c = curlTo(url);
    curlTo(url + "/stall").performText();
    c.setopt(curl.WRITEFUNCTION, () => {
      last();
      Deno.exit(4);
    });
    c.perform();`,
    4,
  ],
  "by Deno.exit() in a callback on a share of connections": [
    `
    const share = new curl.CurlShare();
    share.share(curl.LOCK_DATA_CONNECT, curl.LOCK_DATA_COOKIE);
    const c = curlTo(url);
    c.setopt(curl.SHARE, share);
    c.setopt(curl.PREREQFUNCTION, () => {
      last();
      Deno.exit(5);
    });
    c.performText();`,
    5,
  ],
};

for (const [how, [script, expected = 0]] of Object.entries(ENDINGS)) {
  test([CHILD, SERVER], `a process ends ${how}`, async () => {
    await using server = await startServer();
    const { code, signal, stdout, stderr } = await runChild(
      PREAMBLE + script,
      { flags: ["--allow-ffi"], args: [FILE, server.url] },
    );
    assertEquals(
      { code, signal, stdout, stderr },
      { code: expected, signal: null, stdout: "last\n", stderr: "" },
    );
  });
}

test([CHILD, SERVER], "a process that fails ends its transfers", async () => {
  await using server = await startServer();
  const { code, signal, stderr } = await runChild(
    `${PREAMBLE}
    for (let i = 0; i < 20; i++) curlTo(url + "/stall").performText();
    await curlTo(url).performText();
    throw new Error("the end");`,
    { flags: ["--allow-ffi"], args: [FILE, server.url] },
  );
  assertEquals([code, signal], [1, null]);
  assertStringIncludes(stderr, "the end");
});

test([CHILD, SERVER], "a failure that nobody handles is reported", async () => {
  await using server = await startServer();
  const { code, stderr } = await runChild(
    `${PREAMBLE}
    const c = curlTo(url + "/status/404");
    c.setopt(curl.FAILONERROR, true);
    c.performText();`,
    { flags: ["--allow-ffi"], args: [FILE, server.url] },
  );
  assertEquals(code, 1);
  assertStringIncludes(stderr, "CurlError");
});

type Doomed = typeof import("./workers/async_doomed.ts");

function startDoomed(): Promise<WorkerHandle<Doomed>> {
  const module = new URL("./workers/async_doomed.ts", import.meta.url);
  return startWorker<Doomed>(module);
}

async function untilGone(handles: number[]): Promise<void> {
  for (const handle of handles) {
    await until(`handle ${handle} is gone`, () => !isAlive(handle));
  }
}

const KINDS: Record<string, number[]> = {
  "no share": [],
  "a share of names": [curl.LOCK_DATA_DNS],
  "a share of connections": [curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_CONNECT],
};

for (const [kind, kinds] of Object.entries(KINDS)) {
  test(
    SERVER,
    `Worker.terminate() ends its transfers, with ${kind}`,
    async () => {
      await using server = await startServer();
      await using _ = await watchdog("terminate()", 60);
      using share = shareOf(...kinds, curl.LOCK_DATA_PSL);
      using mine = attachedTo(share, `${server.url}/stall`);
      const body = mine.performText();
      await server.arrived(1);
      const number = kinds.length > 0 ? share.handle : 0;
      const worker = await startDoomed();
      const stalled = `${server.url}/stall`;
      const handles = [
        ...await worker.call("start", stalled, number, 20),
        ...await worker.call("open", `${server.url}/bytes/9999999`, number, 5),
        await worker.call("answerNever", `${server.url}/bytes/9999`, number),
      ];
      for (const handle of handles) assertEquals(isAlive(handle), true);
      worker.terminate();
      await untilGone(handles);
      // The others go on.
      await server.release();
      assertEquals(await body, "released\n");
      assertEquals(share.attached, 1);
      using c = attachedTo(share, server.url);
      assertEquals(await c.performText(), "home\n");
    },
  );

  test(
    SERVER,
    `Worker.terminate() in a callback ends its transfer, with ${kind}`,
    async () => {
      await using server = await startServer();
      await using _ = await watchdog("terminate() in a callback", 60);
      using share = shareOf(...kinds, curl.LOCK_DATA_PSL);
      const worker = await startDoomed();
      const gate = new Gate();
      const number = kinds.length > 0 ? share.handle : 0;
      worker.call("endInCallback", server.url, number, gate.buffer)
        .catch(() => {});
      const handle = await worker.event<number>("inside");
      worker.terminate();
      gate.open();
      await untilGone([handle]);
      using c = attachedTo(share, server.url);
      assertEquals(await c.performText(), "home\n");
    },
  );

  test(SERVER, `Worker.terminate() at any moment, with ${kind}`, async () => {
    await using server = await startServer();
    await using _ = await watchdog("terminate() at any moment", 60);
    using share = shareOf(...kinds, curl.LOCK_DATA_PSL);
    const number = kinds.length > 0 ? share.handle : 0;
    for (let round = 0; round < 5; round++) {
      const worker = await startDoomed();
      worker.call("performForever", server.url, number).catch(() => {});
      const handle = await worker.event<number>("inside");
      worker.terminate();
      await untilGone([handle]);
    }
    using c = attachedTo(share, server.url);
    assertEquals(await c.performText(), "home\n");
    assertFalse(share.closed);
  });
}
