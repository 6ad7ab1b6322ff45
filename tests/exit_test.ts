/**
 * How a process ends that has handles, transfers and Workers: quietly, and with
 * the code that it was told.
 *
 * @module
 */

import { assertEquals } from "./assert.ts";
import { CHILD, runChild } from "./fixtures/child.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { test } from "./permissions.ts";

const HELPERS = new URL("./workers/peers.ts", import.meta.url).href;

const PREAMBLE = `
import { attachedTo, curlTo, shareOf, startPeer, stateOf, until } from ${
  JSON.stringify(HELPERS)
};
const [url, stall] = Deno.args;
const share = shareOf(curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_CONNECT);

function untilRunning({ handle }) {
  return until("it runs", () => stateOf(handle).startsWith("running"));
}
`;

/** What the process does in the end; it says "last" before that. */
const ENDINGS: Record<string, [script: string, code: number]> = {
  "with idle handles, a share and connections": [
    `
    const held = [attachedTo(share, url), curlTo(url)];
    for (const c of held) c.performBytesSync();
    console.log("last");`,
    0,
  ],
  "in a callback": [
    `
    const c = attachedTo(share, url);
    c.setopt(curl.WRITEFUNCTION, () => {
      console.log("last");
      Deno.exit(3);
    });
    c.performSync();
    console.log("never");`,
    3,
  ],
  "in a callback of a transfer inside another": [
    `
    const [outer, inner] = [attachedTo(share, url), curlTo(url)];
    outer.setopt(curl.WRITEFUNCTION, () => inner.performSync());
    inner.setopt(curl.WRITEFUNCTION, () => {
      console.log("last");
      Deno.exit(4);
    });
    outer.performSync();`,
    4,
  ],
  "in CLOSESOCKETFUNCTION of close()": [
    `
    const c = curlTo(url);
    c.setopt(curl.CLOSESOCKETFUNCTION, () => {
      console.log("last");
      Deno.exit(5);
    });
    c.performBytesSync();
    c.close();`,
    5,
  ],
  "with CLOSESOCKETFUNCTION and HSTSWRITEFUNCTION that nobody calls any more": [
    `
    const c = curlTo(url);
    let left = 1;
    c.setopt(curl.HSTS_CTRL, curl.CURLHSTS_ENABLE);
    c.setopt(curl.HSTSREADFUNCTION, () => left-- > 0
      ? { host: "a.example", expire: null, includeSubDomains: true } : null);
    c.setopt(curl.HSTSWRITEFUNCTION, () => console.log("never"));
    c.setopt(curl.CLOSESOCKETFUNCTION, () => console.log("never"));
    c.performBytesSync();
    console.log("last");`,
    0,
  ],
  "while a Worker is in a callback": [
    `
    const c = attachedTo(share, url);
    const peer = await startPeer();
    const gates = [new SharedArrayBuffer(4), new SharedArrayBuffer(4)];
    peer.call("performHeld", c.handle, ...gates);
    await peer.event("inside");
    console.log("last");
    Deno.exit(6);`,
    6,
  ],
  "while a Worker is in a callback that its share waits for": [
    `
    const [c, d] = [attachedTo(share, url), attachedTo(share, url)];
    const [one, other] = [await startPeer(), await startPeer()];
    const gates = [new SharedArrayBuffer(4), new SharedArrayBuffer(4)];
    one.call("performHeld", c.handle, ...gates, { callback: "SOCKOPTFUNCTION" });
    await one.event("inside");
    other.call("onCurl", d.handle, "performBytesSync");
    await untilRunning(d);
    console.log("last");
    Deno.exit(7);`,
    7,
  ],
  "while two Workers wait for a server through one share": [
    `
    const [c, d] = [attachedTo(share, stall), attachedTo(share, stall)];
    for (const { handle } of [c, d]) {
      const peer = await startPeer();
      peer.call("onCurl", handle, "performBytesSync");
    }
    await untilRunning(c);
    await untilRunning(d);
    console.log("last");
    Deno.exit(8);`,
    8,
  ],
};

for (const [how, [script, expected]] of Object.entries(ENDINGS)) {
  test([CHILD, SERVER], `a process ends ${how}`, async () => {
    await using server = await startServer();
    const { code, signal, stdout, stderr } = await runChild(
      PREAMBLE + script,
      {
        flags: ["--allow-ffi", "--allow-read"],
        args: [server.url, `${server.url}/stall`],
      },
    );
    assertEquals(
      { code, signal, stdout, stderr },
      { code: expected, signal: null, stdout: "last\n", stderr: "" },
    );
  });
}
