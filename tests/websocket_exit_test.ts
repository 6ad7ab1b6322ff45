/**
 * WebSockets whose isolate comes to its end, and many of them while memory and
 * file descriptors stay flat.
 *
 * @module
 */

import * as curl from "../mod.ts";
import { assertEquals } from "./assert.ts";
import { CHILD, runChild } from "./fixtures/child.ts";
import { type FrameScript, startFrameServer } from "./fixtures/frame_server.ts";
import { assertFlat, GROWTH } from "./fixtures/growth.ts";
import { SERVER } from "./fixtures/http_server.ts";
import { watchdog } from "./fixtures/watchdog.ts";
import { startWorker, WORKERS } from "./fixtures/workers.ts";
import { test } from "./permissions.ts";
import type { Phase } from "./workers/doomed_sockets.ts";
import { isAlive, shareOf, until } from "./workers/peers.ts";
import { CASES, NOISE } from "./workers/websocket_leak_cases.ts";
import { startWebSocketServer } from "./workers/websocket_server.ts";

const DOOMED = new URL("./workers/doomed_sockets.ts", import.meta.url);
const LEAKS = new URL("./workers/websocket_leak_cases.ts", import.meta.url);

const PHASES: Record<Phase, FrameScript["then"]> = {
  opening: "echo",
  idle: "echo",
  writing: "deaf",
  closing: "hold",
};

for (const [phase, then] of Object.entries(PHASES)) {
  for (const shared of [false, true]) {
    test(
      [SERVER, WORKERS],
      `Worker.terminate() frees its CurlWebSockets while ${phase}` +
        (shared ? " on a share of cookies" : ""),
      async () => {
        await using _ = await watchdog("terminating", 60);
        await using server = await startFrameServer();
        const url = await server.url({ then });
        using share = shareOf(curl.LOCK_DATA_COOKIE);
        const worker = await startWorker<
          typeof import("./workers/doomed_sockets.ts")
        >(DOOMED);
        const [first, last] = await worker.call(
          "open",
          url,
          shared ? share.handle : 0,
          phase as Phase,
          5,
        );
        worker.terminate();
        const handles = Array.from(
          { length: last - first + 1 },
          (_, i) => first + i,
        );
        await until("all are gone", () => !handles.some(isAlive));
        assertEquals(share.attached, 0);
        // The others go on.
        await using ws = new curl.CurlWebSocket(await server.url({}));
        await ws.opened;
      },
    );
  }
}

test(
  CHILD,
  "a process with an open CurlWebSocket ends by Deno.exit()",
  async () => {
    await using server = await startWebSocketServer();
    const { code, stdout, stderr } = await runChild(
      `
      const ws = new curl.CurlWebSocket(Deno.args[0] + "/echo");
      const { readable, writable } = await ws.opened;
      writable.getWriter().write(new Uint8Array(1 << 20));
      console.log((await readable.getReader().read()).value.length);
      Deno.exit(3);`,
      { flags: ["--allow-ffi", "--allow-read"], args: [server.url] },
    );
    assertEquals({ code, stdout, stderr }, {
      code: 3,
      stdout: `${1 << 20}\n`,
      stderr: "",
    });
  },
);

test(
  CHILD,
  "a CurlWebSocket that nobody holds goes on until it is closed",
  async () => {
    await using server = await startWebSocketServer();
    const { code, stdout, stderr } = await runChild(
      `
      async function start() {
        const { readable, writable } =
          await new curl.CurlWebSocket(Deno.args[0] + "/greet").opened;
        const reader = readable.getReader();
        reader.read().then(async ({ value }) => {
          console.log(value);
          await writable.close();
        });
      }
      await start();
      for (let i = 0; i < 10; i++) {
        gc();
        await new Promise((resolve) => setTimeout(resolve, 1));
      }`,
      {
        flags: ["--allow-ffi", "--allow-read", "--v8-flags=--expose-gc"],
        args: [server.url],
      },
    );
    assertEquals({ code, stdout, stderr }, {
      code: 0,
      stdout: "hi\n",
      stderr: "",
    });
  },
);

for (const name of Object.keys(CASES)) {
  test(
    [CHILD, SERVER, GROWTH],
    `memory and descriptors stay flat: ${name}`,
    async () => {
      await using server = await startWebSocketServer();
      await assertFlat(LEAKS, NOISE, name, server.url);
    },
  );
}
