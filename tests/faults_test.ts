/** What goes wrong outside: each fault has its code, and the handle goes on. */

import * as curl from "../mod.ts";
import { createCertificates } from "../tools/certificates.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertStringIncludes,
  assertThrows,
} from "./assert.ts";
import { CADDY, startCaddy } from "./fixtures/caddy.ts";
import {
  assertCurlError,
  assertUsable,
  curlFor,
  FILE,
} from "./fixtures/checks.ts";
import { CHILD, runChild } from "./fixtures/child.ts";
import { FAULTS } from "./fixtures/faults.ts";
import { chunked, head, lyingLength, okay } from "./fixtures/http_answers.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { cut, hold, request, send } from "./fixtures/script.ts";
import { startScriptedServer } from "./fixtures/scripted_server.ts";
import { WAYS } from "./fixtures/ways.ts";
import { test } from "./permissions.ts";

for (const [what, { script, code, text, set }] of Object.entries(FAULTS)) {
  test(SERVER, `performSync() throws when the server ${what}`, async () => {
    await using server = await startScriptedServer({
      scripts: [script, [request(), send(okay("well"))]],
    });
    using c = curlFor(server.url);
    set?.(c, server.url);
    const error = assertCurlError(() => c.performTextSync(), code, text);
    assertEquals(error.message, c.errstr() || curl.easyStrerror(code));
    assertEquals(error.cause, undefined);
    c.reset();
    c.setopt(curl.URL, server.url);
    c.setopt(curl.FRESH_CONNECT, true);
    assertEquals(c.performTextSync(), "well");
    assertUsable(c);
  });
}

for (const way of WAYS) {
  test(
    CADDY,
    `${way.name} fails by an alert after TLS's handshake`,
    async () => {
      const { ca, server: tls, client } = await createCertificates();
      await using caddy = await startCaddy({ tls, clientCa: ca });
      using c = curlFor(`${caddy.url}/protocol`);
      c.setCaCerts(ca);
      // There the client is done before the server has looked at its certificate.
      c.setopt(curl.SSLVERSION, curl.SSLVERSION_TLSv1_3);
      c.setopt(curl.HTTP_VERSION, curl.CURL_HTTP_VERSION_1_1);
      await way.fails(c, curl.E_RECV_ERROR, "_ALERT_");
      assertGreater(c.getinfo(curl.APPCONNECT_TIME), 0);
      c.setopt(curl.SSLCERT_BLOB, client.cert);
      c.setopt(curl.SSLKEY_BLOB, client.key);
      assertEquals(await way.text(c), "HTTP/1.1\n");
    },
  );
}

test(SERVER, "performSync() takes what was promised, and no more", async () => {
  await using server = await startScriptedServer({
    scripts: [[request(), send(lyingLength("hello and more", 5)), hold()]],
  });
  using c = curlFor(server.url);
  assertEquals(c.performTextSync(), "hello");
});

test(
  SERVER,
  "performSync() takes a chunked body with its trailers",
  async () => {
    await using server = await startScriptedServer({
      scripts: [[request(), send(chunked(["one", "two"], { "X-Sum": "6" }))]],
    });
    using c = curlFor(server.url);
    const lines: string[] = [];
    c.setopt(curl.HEADERFUNCTION, (data) => {
      lines.push(new TextDecoder().decode(data));
    });
    assertEquals(c.performTextSync(), "onetwo");
    assertEquals(lines.at(-1), "X-Sum: 6\r\n");
  },
);

for (
  const kind of [
    "expired",
    "notYetValid",
    "wrongHost",
    "selfSigned",
    "unknownAuthority",
  ] as const
) {
  test(SERVER, `performSync() refuses a certificate: ${kind}`, async () => {
    const made = await createCertificates();
    await using server = await startServer({ tls: made[kind] });
    await using good = await startServer({ tls: made.server });
    using c = curlFor(server.url);
    c.setCaCerts(made.ca);
    const failed = curl.E_PEER_FAILED_VERIFICATION;
    assertCurlError(() => c.performTextSync(), failed);
    assertEquals(await server.requests(), []);
    c.setopt(curl.URL, good.url);
    assertEquals(c.performTextSync(), "home\n");
  });
}

test(SERVER, "performSync() trusts no test authority by default", async () => {
  const { server: tls } = await createCertificates();
  await using server = await startServer({ tls });
  using c = curlFor(server.url);
  const failed = curl.E_PEER_FAILED_VERIFICATION;
  assertCurlError(() => c.performTextSync(), failed);
});

test(SERVER, "performSync() throws when https: meets no TLS", async () => {
  await using server = await startServer();
  using c = curlFor(server.url.replace("http:", "https:"));
  assertCurlError(() => c.performTextSync(), curl.E_SSL_CONNECT_ERROR);
  assertUsable(c);
});

test(SERVER, "performSync() throws when http: meets TLS", async () => {
  const { server: tls } = await createCertificates();
  await using server = await startServer({ tls });
  using c = curlFor(server.url.replace("https:", "http:"));
  const error = assertThrows(() => c.performTextSync(), curl.CurlError);
  assertGreater(error.code, 0);
  assertUsable(c);
});

test(SERVER, "performSync() throws when TLS is cut in the body", async () => {
  const { ca, server: tls } = await createCertificates();
  await using server = await startScriptedServer({
    tls,
    scripts: [[request(), send(head(200) + "no end"), cut()]],
  });
  using c = curlFor(server.url);
  c.setCaCerts(ca);
  assertCurlError(() => c.performTextSync(), curl.E_RECV_ERROR);
  assertUsable(c);
});

test(
  { needs: [{ name: "net", host: "127.0.0.1" }] },
  "performSync() throws when nobody listens",
  () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    listener.close();
    using c = curlFor(`http://127.0.0.1:${listener.addr.port}/`);
    assertCurlError(() => c.performTextSync(), curl.E_COULDNT_CONNECT);
    assertUsable(c);
  },
);

const BAD_URLS: [url: string, code: number][] = [
  ["", curl.E_URL_MALFORMAT],
  ["http://", curl.E_URL_MALFORMAT],
  ["http://[::1", curl.E_URL_MALFORMAT],
  ["http://127.0.0.1:99999/", curl.E_URL_MALFORMAT],
  ["http://a b/", curl.E_URL_MALFORMAT],
  ["unknown://example.com/", curl.E_UNSUPPORTED_PROTOCOL],
  ["http://example.onion/", curl.E_COULDNT_RESOLVE_HOST],
  ["file:///does/not/exist", curl.E_FILE_COULDNT_READ_FILE],
];

for (const [url, code] of BAD_URLS) {
  Deno.test(`performSync() throws for the URL "${url}"`, () => {
    using c = curlFor(url);
    const error = assertCurlError(() => c.performTextSync(), code);
    assertEquals(error.message, c.errstr() || curl.easyStrerror(code));
    assertUsable(c);
  });
}

Deno.test("performSync() throws when PROTOCOLS_STR forbids the URL", () => {
  using c = curlFor(FILE);
  c.setopt(curl.PROTOCOLS_STR, "http,https");
  assertCurlError(() => c.performTextSync(), curl.E_UNSUPPORTED_PROTOCOL);
});

test(SERVER, "performSync() throws when PROXY refuses", async () => {
  await using server = await startServer();
  using c = curlFor(server.url);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  c.setopt(curl.PROXY, `http://127.0.0.1:${listener.addr.port}`);
  assertCurlError(() => c.performTextSync(), curl.E_COULDNT_CONNECT);
  c.unsetopt(curl.PROXY);
  assertEquals(c.performTextSync(), "home\n");
});

for (
  const name of ["WRITEFUNCTION", "HEADERFUNCTION", "XFERINFOFUNCTION"] as const
) {
  test(
    SERVER,
    `${name} that outlasts TIMEOUT_MS ends the transfer`,
    async () => {
      await using server = await startServer();
      using c = curlFor(`${server.url}/bytes/10000000`);
      const idle = new Int32Array(new SharedArrayBuffer(4));
      let calls = 0;
      c.setopt(curl.TIMEOUT_MS, 500);
      c.setopt(curl.WRITEFUNCTION, () => {});
      c.setopt(curl.NOPROGRESS, name !== "XFERINFOFUNCTION");
      c.setopt(curl[name], () => {
        if (calls++ === 0) Atomics.wait(idle, 0, 0, 600);
      });
      assertCurlError(() => c.performSync(), curl.E_OPERATION_TIMEDOUT);
      assertGreater(calls, 0);
      assertUsable(c);
    },
  );
}

test(
  [CHILD, SERVER],
  "performSync() throws when there are no descriptors left",
  async () => {
    await using server = await startServer();
    const { stdout } = await runChild(
      `const [...urls] = Deno.args;
      const perform = (url) => {
        c.setopt(curl.URL, url);
        try {
          return c.performTextSync().length > 0 ? "fine" : "empty";
        } catch (error) {
          return error instanceof curl.CurlError ? error.code : error.name;
        }
      };
      using c = new curl.Curl();
      c.setopt(curl.FRESH_CONNECT, true);
      perform(urls[1]);
      const files = [];
      let full;
      try {
        while (true) files.push(Deno.openSync("/dev/null"));
      } catch (error) {
        full = error.message;
      }
      const without = urls.map(perform);
      for (const file of files) file.close();
      console.log(JSON.stringify({ full, without, with: urls.map(perform) }));`,
      {
        flags: ["--allow-ffi", "--allow-read"],
        args: [`${server.url}/bytes/10`, FILE],
        shell: "ulimit -n 64",
      },
    );
    const told = JSON.parse(stdout);
    assertStringIncludes(told.full, "Too many open files");
    const [http, file] = told.without;
    const codes = [curl.E_COULDNT_CONNECT, curl.E_OUT_OF_MEMORY];
    assert(codes.includes(http), String(http));
    const others = [curl.E_FILE_COULDNT_READ_FILE, curl.E_OUT_OF_MEMORY];
    assert(others.includes(file), String(file));
    assertEquals(told.with, ["fine", "fine"]);
  },
);
