/**
 * The Autobahn test suite, with CurlWebSocket as the client, where its server
 * `wstest` is installed. docs/websocket.md tells how to install it, and what
 * comes out.
 *
 * @module
 */

import * as curl from "../mod.ts";
import { assertEquals } from "./assert.ts";
import { daemonNeeds, startDaemon } from "./fixtures/daemon.ts";
import { test } from "./permissions.ts";

/** What the suite says of a case: it has passed. */
const PASSED = ["OK", "NON-STRICT", "INFORMATIONAL"];
/** The families of compression, an extension that is not offered. */
const COMPRESSION = /^1[23]\./;

interface Verdict {
  behavior: string;
  behaviorClose: string;
}

async function textOf(url: string): Promise<string> {
  await using ws = new curl.CurlWebSocket(url);
  const { readable } = await ws.opened;
  return (await Array.fromAsync(readable)).join("");
}

/** Sends back what it gets, until the server closes. */
async function echo(url: string): Promise<void> {
  const ws = new curl.CurlWebSocket(url);
  const { readable, writable } = await ws.opened;
  await readable.pipeTo(writable).catch(() => {});
  await ws.closed.catch(() => {});
}

test(
  daemonNeeds("wstest"),
  "CurlWebSocket passes the cases of the Autobahn test suite",
  async () => {
    await using server = await startDaemon({
      program: "wstest",
      ports: 1,
      async configure(folder, [port]) {
        const spec = {
          url: `ws://127.0.0.1:${port}`,
          outdir: `${folder}/reports`,
          cases: ["*"],
        };
        await Deno.writeTextFile(`${folder}/spec.json`, JSON.stringify(spec));
        return ["-m", "fuzzingserver", "-s", `${folder}/spec.json`];
      },
    });
    const url = `ws://127.0.0.1:${server.ports[0]}`;
    const count = Number(await textOf(`${url}/getCaseCount`));
    for (let n = 1; n <= count; n++) {
      await echo(`${url}/runCase?case=${n}&agent=denocurl`);
    }
    await textOf(`${url}/updateReports?agent=denocurl`);
    const index = await Deno.readTextFile(
      `${server.folder}/reports/index.json`,
    );
    const verdicts: Record<string, Verdict> = JSON.parse(index).denocurl;
    const failed = Object.entries(verdicts).filter(([name, verdict]) =>
      COMPRESSION.test(name)
        ? verdict.behavior !== "UNIMPLEMENTED"
        : !PASSED.includes(verdict.behavior) ||
          !PASSED.includes(verdict.behaviorClose)
    );
    assertEquals(failed, []);
    assertEquals(Object.keys(verdicts).length, count);
  },
);
