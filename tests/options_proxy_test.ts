/** Options of HTTP proxies: which one, who asks it, and what it is told. */

import * as curl from "../mod.ts";
import { createCertificates } from "../tools/certificates.ts";
import { assert, assertEquals, assertStringIncludes } from "./assert.ts";
import { assertCurlError, curlFor } from "./fixtures/checks.ts";
import { head, okay } from "./fixtures/http_answers.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { request, send } from "./fixtures/script.ts";
import { seenBy, startAnswering, startScripts } from "./fixtures/seen.ts";
import { PROXY_USER, SQUID, startSquid } from "./fixtures/squid.ts";
import { test } from "./permissions.ts";

const BOTH = [SERVER, SQUID];

test(BOTH, "PROXY asks a proxy, which knows the name", async () => {
  await using server = await startServer();
  await using squid = await startSquid({ names: ["only-there.example"] });
  using c = curlFor(`http://only-there.example:${server.port}/echo`);
  const unknown = curl.E_COULDNT_RESOLVE_HOST;
  assertCurlError(() => c.performTextSync(), unknown);
  c.setopt(curl.PROXY, squid.url);
  assertStringIncludes(seenBy(c).headers["via"]!, "squid");
  assertEquals(c.getinfo(curl.USED_PROXY), 1);
  const [{ method, url }] = await squid.log(1);
  assertEquals([method, url], ["GET", c.getinfo(curl.EFFECTIVE_URL)]);
});

test(BOTH, "HTTPPROXYTUNNEL goes through the proxy unseen", async () => {
  await using server = await startServer();
  await using squid = await startSquid();
  using c = curlFor(`${server.url}/echo`);
  c.setopt(curl.PROXY, squid.url);
  c.setopt(curl.HTTPPROXYTUNNEL, true);
  assertEquals(seenBy(c).headers["via"], undefined);
  assertEquals(c.getinfo(curl.HTTP_CONNECTCODE), 200);
});

test(BOTH, "PROXY tunnels to a server with TLS", async () => {
  const { ca, server: tls } = await createCertificates();
  await using server = await startServer({ tls });
  await using squid = await startSquid();
  using c = curlFor(server.url);
  c.setCaCerts(ca);
  c.setopt(curl.PROXY, squid.url);
  assertEquals(c.performTextSync(), "home\n");
  assertEquals(c.getinfo(curl.HTTP_CONNECTCODE), 200);
  assertEquals(c.getinfo(curl.INFO_HTTP_VERSION), curl.CURL_HTTP_VERSION_2);
});

for (const auth of ["basic", "digest"] as const) {
  for (const tunnel of [false, true]) {
    const how = tunnel ? "a tunnel" : "requests";
    test(BOTH, `PROXYUSERNAME logs in by ${auth} for ${how}`, async () => {
      await using server = await startServer();
      await using squid = await startSquid({ auth });
      using c = curlFor(server.url);
      c.setopt(curl.PROXY, squid.url);
      c.setopt(curl.PROXYAUTH, curl.HTTPAUTH_ANY);
      c.setopt(curl.HTTPPROXYTUNNEL, tunnel);
      c.setopt(curl.PROXYUSERNAME, PROXY_USER.name);
      c.setopt(curl.PROXYPASSWORD, PROXY_USER.password);
      assertEquals(c.performTextSync(), "home\n");
      const used = auth === "basic"
        ? curl.HTTPAUTH_BASIC
        : curl.HTTPAUTH_DIGEST;
      assertEquals(c.getinfo(curl.PROXYAUTH_USED), used);
    });
  }
}

test(BOTH, "PROXYUSERPWD has its two parts percent-encoded", async () => {
  await using server = await startServer();
  await using squid = await startSquid({ auth: "basic" });
  using c = curlFor(server.url);
  const { name, password } = PROXY_USER;
  c.setopt(curl.PROXY, squid.url);
  c.setopt(curl.PROXYUSERPWD, `${name}:${encodeURIComponent(password)}`);
  assertEquals(c.performTextSync(), "home\n");
});

test(BOTH, "PROXYUSERPWD that is wrong gets no further", async () => {
  await using server = await startServer();
  await using squid = await startSquid({ auth: "basic" });
  using c = curlFor(server.url);
  c.setopt(curl.PROXY, squid.url);
  c.setopt(curl.PROXYUSERPWD, "me:wrong");
  c.performTextSync();
  assertEquals(c.getinfo(curl.RESPONSE_CODE), 407);
  assertEquals(c.getinfo(curl.PROXYAUTH_AVAIL), curl.HTTPAUTH_BASIC);
  c.setopt(curl.HTTPPROXYTUNNEL, true);
  assertCurlError(() => c.performTextSync(), curl.E_COULDNT_CONNECT, "407");
  assertEquals(c.getinfo(curl.HTTP_CONNECTCODE), 407);
  assertEquals((await server.requests()).length, 0);
});

test(BOTH, "PROXY speaks TLS with an HTTPS proxy", async () => {
  await using server = await startServer();
  await using squid = await startSquid();
  using c = curlFor(server.url);
  c.setopt(curl.PROXY, squid.secureUrl);
  const failed = curl.E_PEER_FAILED_VERIFICATION;
  assertCurlError(() => c.performTextSync(), failed);
  c.setopt(curl.PROXY_CAINFO_BLOB, squid.ca);
  assertEquals(c.performTextSync(), "home\n");
  c.setopt(curl.HTTPPROXYTUNNEL, true);
  assertEquals(c.performTextSync(), "home\n");
});

test(BOTH, "PROXY_SSL_VERIFYPEER trusts any HTTPS proxy", async () => {
  await using server = await startServer();
  await using squid = await startSquid();
  using c = curlFor(server.url);
  c.setopt(curl.PROXY, squid.secureUrl);
  c.setopt(curl.PROXY_SSL_VERIFYPEER, false);
  assertEquals(c.performTextSync(), "home\n");
  c.setopt(curl.PROXY_PINNEDPUBLICKEY, `sha256//${btoa("x".repeat(32))}`);
  c.setopt(curl.FRESH_CONNECT, true);
  const notThis = curl.E_SSL_PINNEDPUBKEYNOTMATCH;
  assertCurlError(() => c.performTextSync(), notThis);
});

test(BOTH, "NOPROXY leaves the proxy out", async () => {
  await using server = await startServer();
  await using squid = await startSquid();
  using c = curlFor(`${server.url}/echo`);
  c.setopt(curl.PROXY, squid.url);
  for (
    const [list, via] of [
      ["example.com,127.0.0.0/8", false],
      [
        "example.com",
        true,
      ],
      ["*", false],
      ["", true],
    ] as const
  ) {
    c.setopt(curl.NOPROXY, list);
    assertEquals("via" in seenBy(c).headers, via, list);
  }
});

test(SERVER, "PROXY and PROXYPORT name no scheme but HTTP", async () => {
  await using server = await startAnswering();
  using c = curlFor("http://example.com/path");
  c.setopt(curl.PROXY, "127.0.0.1");
  c.setopt(curl.PROXYPORT, server.port);
  assertEquals(c.performTextSync(), "ok\n");
  const [{ text }] = await server.connections();
  assert(text.startsWith("GET http://example.com/path HTTP/1.1\r\n"), text);
});

/** A proxy that lets a tunnel through, and answers at its other end. */
function startTunnel() {
  return startScripts([
    request(),
    send(head(200, { "X-Proxy": "says" })),
    request(),
    send(okay("through")),
  ]);
}

/** To whom HTTPHEADER and PROXYHEADER are told. */
const TOLD = [
  ["HEADER_UNIFIED", ["X-Own", "X-Both"], ["X-Own", "X-Both"]],
  ["HEADER_SEPARATE", ["X-Proxy", "X-Both"], ["X-Own", "X-Both"]],
] as const;

for (const [name, proxy, server] of TOLD) {
  test(SERVER, `HEADEROPT of ${name} tells ${proxy} to the proxy`, async () => {
    await using tunnel = await startTunnel();
    using c = curlFor("http://example.com/");
    c.setopt(curl.PROXY, tunnel.url);
    c.setopt(curl.HTTPPROXYTUNNEL, true);
    c.setopt(curl.HEADEROPT, curl[name]);
    c.setopt(curl.HTTPHEADER, ["X-Own: 1", "X-Both: 1"]);
    c.setopt(curl.PROXYHEADER, ["X-Proxy: 1", "X-Both: 1"]);
    assertEquals(c.performTextSync(), "through");
    const [{ text }] = await tunnel.connections();
    const told = text.split("\r\n\r\n").map((lines) =>
      Array.from(lines.matchAll(/^(X-\w+):/gm), ([, header]) => header)
    );
    assertEquals(told, [[...proxy], [...server], []]);
  });
}

for (const suppress of [false, true]) {
  const what = suppress ? "hides" : "shows";
  test(
    SERVER,
    `SUPPRESS_CONNECT_HEADERS that is ${suppress} ${what} the proxy's answer`,
    async () => {
      await using tunnel = await startTunnel();
      using c = curlFor("http://example.com/");
      const heard: string[] = [];
      c.setopt(curl.PROXY, tunnel.url);
      c.setopt(curl.HTTPPROXYTUNNEL, true);
      c.setopt(curl.SUPPRESS_CONNECT_HEADERS, suppress);
      c.setopt(curl.HEADERFUNCTION, (line) => {
        heard.push(new TextDecoder().decode(line).trim());
      });
      c.performTextSync();
      assertEquals(heard.includes("X-Proxy: says"), !suppress);
      assert(heard.includes("Content-Length: 7"));
    },
  );
}

test(SERVER, "PROXYTYPE_HTTP_1_0 opens its tunnel by HTTP/1.0", async () => {
  await using tunnel = await startTunnel();
  using c = curlFor("http://example.com/");
  c.setopt(curl.PROXY, `127.0.0.1:${tunnel.port}`);
  c.setopt(curl.PROXYTYPE, curl.PROXYTYPE_HTTP_1_0);
  c.setopt(curl.HTTPPROXYTUNNEL, true);
  c.performTextSync();
  const [{ text }] = await tunnel.connections();
  assert(text.startsWith("CONNECT example.com:80 HTTP/1.0\r\n"), text);
});
