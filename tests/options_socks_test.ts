/** Options of SOCKS proxies, of all four kinds. */

import * as curl from "../mod.ts";
import { assert, assertEquals, assertStringIncludes } from "./assert.ts";
import { assertCurlError, curlFor } from "./fixtures/checks.ts";
import { DANTED, startDanted } from "./fixtures/danted.ts";
import { okay } from "./fixtures/http_answers.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { expectBytes, request, send, type Step } from "./fixtures/script.ts";
import { startScripts } from "./fixtures/seen.ts";
import { SQUID, startSquid } from "./fixtures/squid.ts";
import { test } from "./permissions.ts";

/** Fails unless the server was asked by danted alone. */
async function assertThrough(
  danted: { log(): Promise<string> },
  server: Awaited<ReturnType<typeof startServer>>,
): Promise<void> {
  const log = await danted.log();
  for (const { client } of await server.requests()) {
    const hop = `${client.replace(":", ".")} 127.0.0.1.${server.port}`;
    assertStringIncludes(log, hop);
  }
}

for (const scheme of ["socks4", "socks5", "socks5h"]) {
  test([SERVER, DANTED], `PROXY goes through ${scheme}:`, async () => {
    await using server = await startServer();
    await using danted = await startDanted();
    using c = curlFor(server.url);
    c.setopt(curl.PROXY, `${scheme}://${danted.host}`);
    assertEquals(c.performTextSync(), "home\n");
    assertEquals(c.getinfo(curl.PRIMARY_PORT), danted.port);
    await assertThrough(danted, server);
  });
}

for (const kind of ["SOCKS4", "SOCKS5", "SOCKS5_HOSTNAME"] as const) {
  test([SERVER, DANTED], `PROXYTYPE_${kind} stands for a scheme`, async () => {
    await using server = await startServer();
    await using danted = await startDanted();
    using c = curlFor(server.url);
    c.setopt(curl.PROXY, danted.host);
    c.setopt(curl.PROXYTYPE, curl[`PROXYTYPE_${kind}`]);
    assertEquals(c.performTextSync(), "home\n");
    await assertThrough(danted, server);
  });
}

test([SERVER, DANTED], "socks5: finds the address, socks5h: not", async () => {
  await using server = await startServer();
  await using danted = await startDanted();
  using c = curlFor(`http://only-here.invalid:${server.port}/`);
  c.setopt(curl.RESOLVE, [`only-here.invalid:${server.port}:127.0.0.1`]);
  c.setopt(curl.PROXY, `socks5://${danted.host}`);
  assertEquals(c.performTextSync(), "home\n");
  c.setopt(curl.PROXY, `socks5h://${danted.host}`);
  assertCurlError(() => c.performTextSync(), curl.E_PROXY);
  const code = c.getinfo(curl.PROXY_ERROR);
  assertEquals(code, curl.PX_REPLY_HOST_UNREACHABLE);
});

test([SERVER, DANTED], "PROXY that reaches nobody says why", async () => {
  await using danted = await startDanted();
  using c = curlFor("http://127.0.0.1:1/");
  c.setopt(curl.PROXY, `socks5://${danted.host}`);
  assertCurlError(() => c.performTextSync(), curl.E_PROXY);
  const code = c.getinfo(curl.PROXY_ERROR);
  assertEquals(code, curl.PX_REPLY_CONNECTION_REFUSED);
});

test(
  [SERVER, DANTED, SQUID],
  "PRE_PROXY goes through SOCKS to an HTTP proxy",
  async () => {
    await using server = await startServer();
    await using danted = await startDanted();
    await using squid = await startSquid();
    using c = curlFor(`${server.url}/echo`);
    c.setopt(curl.PRE_PROXY, `socks5h://${danted.host}`);
    c.setopt(curl.PROXY, squid.url);
    assertStringIncludes(c.performTextSync(), "squid");
    assertStringIncludes(await danted.log(), ` 127.0.0.1.${squid.port}`);
  },
);

const encoder = new TextEncoder();
const port80 = [0, 80];

/** One answer that a proxy is to give, when so many bytes have come. */
function exchange(wanted: number, answer: number[]): Step[] {
  return [expectBytes(wanted), send(Uint8Array.from(answer))];
}

const served = [request(), send(okay("through"))];

function textBytes(text: string): number[] {
  return [text.length, ...encoder.encode(text)];
}

test(SERVER, "PROXY sends socks4a: the name", async () => {
  const asked = [
    ...[4, 1, ...port80, 0, 0, 0, 1],
    ...encoder.encode("me\0example.com\0"),
  ];
  await using server = await startScripts([
    ...exchange(asked.length, [0, 0x5a, 0, 0, 0, 0, 0, 0]),
    ...served,
  ]);
  using c = curlFor("http://example.com/");
  c.setopt(curl.PROXY, `socks4a://me@127.0.0.1:${server.port}`);
  assertEquals(c.performTextSync(), "through");
  const [{ received }] = await server.connections();
  assertEquals([...received.subarray(0, asked.length)], asked);
});

for (const accepted of [true, false]) {
  test(
    SERVER,
    `PROXYUSERPWD is ${accepted ? "accepted" : "refused"} by SOCKS5`,
    async () => {
      const greeting = [5, 2, 0, 2];
      const login = [1, ...textBytes("me"), ...textBytes("secret")];
      const asked = [5, 1, 0, 3, ...textBytes("example.com"), ...port80];
      await using server = await startScripts([
        ...exchange(greeting.length, [5, 2]),
        ...exchange(login.length, [1, accepted ? 0 : 1]),
        ...exchange(asked.length, [5, 0, 0, 1, 127, 0, 0, 1, 0, 80]),
        ...served,
      ]);
      using c = curlFor("http://example.com/");
      c.setopt(curl.PROXY, `socks5h://127.0.0.1:${server.port}`);
      c.setopt(curl.SOCKS5_AUTH, curl.HTTPAUTH_BASIC);
      c.setopt(curl.PROXYUSERPWD, "me:secret");
      if (accepted) {
        assertEquals(c.performTextSync(), "through");
      } else {
        assertCurlError(() => c.performTextSync(), curl.E_PROXY);
        const code = c.getinfo(curl.PROXY_ERROR);
        assertEquals(code, curl.PX_USER_REJECTED);
      }
      const [{ received }] = await server.ended(1);
      const wanted = [...greeting, ...login, ...(accepted ? asked : [])];
      assertEquals([...received.subarray(0, wanted.length)], wanted);
      assert(accepted || received.length === wanted.length);
    },
  );
}
