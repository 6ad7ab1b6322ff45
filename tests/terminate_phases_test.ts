/** Workers that are terminated in each phase of their transfers. */

import * as curl from "../mod.ts";
import { assertEquals } from "./assert.ts";
import { lyingLength, okay } from "./fixtures/http_answers.ts";
import { SERVER } from "./fixtures/http_server.ts";
import {
  expectBytes,
  hold,
  request,
  type Script,
  send,
  waitFor,
} from "./fixtures/script.ts";
import { startScriptedServer } from "./fixtures/scripted_server.ts";
import { watchdog } from "./fixtures/watchdog.ts";
import { startWorker, WORKERS } from "./fixtures/workers.ts";
import { test } from "./permissions.ts";
import { attachedTo, isAlive, shareOf, until } from "./workers/peers.ts";

type Doomed = typeof import("./workers/async_doomed.ts");

const MODULE = new URL("./workers/async_doomed.ts", import.meta.url);

const KINDS: Record<string, number[]> = {
  "no share": [],
  "a share of names": [curl.LOCK_DATA_DNS],
  "a share of connections": [curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_CONNECT],
};

interface Phase {
  /** What leaves the transfer in it. */
  script: Script;
  /** How many of its steps come before. */
  steps: number;
  protocol?: "https:" | "ws:";
}

const PHASES: Record<string, Phase> = {
  "shakes hands for TLS": {
    script: [expectBytes(5), hold()],
    steps: 1,
    protocol: "https:",
  },
  "waits for an answer": { script: [request(), hold()], steps: 1 },
  "waits for the rest of the headers": {
    script: [request(), send("HTTP/1.1 200 OK\r\nContent-Le"), hold()],
    steps: 2,
  },
  "waits for the rest of the body": {
    script: [request(), send(lyingLength("short", 100)), hold()],
    steps: 2,
  },
  "waits for a WebSocket's handshake": {
    script: [request(), hold()],
    steps: 1,
    protocol: "ws:",
  },
};

/** Another transfer is under way meanwhile. */
const BYSTANDER: Script = [request(), waitFor("go"), send(okay("bystander"))];

for (const [kind, kinds] of Object.entries(KINDS)) {
  for (const [phase, { script, steps, protocol }] of Object.entries(PHASES)) {
    test(
      [SERVER, WORKERS],
      `Worker.terminate() ends a transfer that ${phase}, with ${kind}`,
      async () => {
        await using _ = await watchdog("terminate()", 60);
        await using server = await startScriptedServer({
          scripts: [BYSTANDER, script],
        });
        using share = shareOf(...kinds, curl.LOCK_DATA_PSL);
        using c = attachedTo(share, server.url);
        const connected = Promise.withResolvers<void>();
        c.setopt(curl.PREREQFUNCTION, () => connected.resolve());
        const body = c.performText();
        await connected.promise;

        const worker = await startWorker<Doomed>(MODULE);
        const number = kinds.length > 0 ? share.handle : 0;
        const url = server.url.replace("http:", protocol ?? "http:");
        const handles = await worker.call("start", url, number, 1);
        let reached = 0;
        while (reached < steps) {
          reached = (await server.connections())[1]?.steps ?? 0;
        }
        worker.terminate();
        for (const handle of handles) {
          await until("its Curl is gone", () => !isAlive(handle));
        }
        const [, { outcome }] = await server.ended(1);
        assertEquals(outcome, "client left");
        assertEquals(share.attached, 1);
        await server.signal("go");
        assertEquals(await body, "bystander");
      },
    );
  }
}
