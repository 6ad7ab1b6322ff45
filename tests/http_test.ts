/** HTTP for real: what a server sees, and what comes back. */

import * as curl from "../mod.ts";
import { createCertificates } from "../tools/certificates.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertStringIncludes,
  assertThrows,
} from "./assert.ts";
import { assertCurlError, curlFor } from "./fixtures/checks.ts";
import { CHILD, runChild } from "./fixtures/child.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { NGINX, startNginx } from "./fixtures/nginx.ts";
import { patternBytes } from "./fixtures/pattern.ts";
import { seenBy } from "./fixtures/seen.ts";
import { test } from "./permissions.ts";

test(SERVER, "performTextSync() gets what is at the URL", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/echo?a=%20b&c`);
  const { method, url, bytes } = seenBy(c);
  assertEquals([method, url, bytes], ["GET", "/echo?a=%20b&c", 0]);
  assertEquals(c.getinfo(curl.RESPONSE_CODE), 200);
});

test(SERVER, "USERAGENT names this module and libcurl by default", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/echo`);
  const agent = `denocurl/0.1.0 libcurl/${curl.versionInfo().version}`;
  assertEquals(seenBy(c).headers["user-agent"], agent);
  c.reset();
  c.setopt(curl.URL, `${server.url}/echo`);
  assertEquals(seenBy(c).headers["user-agent"], agent);
  c.setopt(curl.USERAGENT, "Mine/1");
  assertEquals(seenBy(c).headers["user-agent"], "Mine/1");
  c.setopt(curl.USERAGENT, "");
  assertEquals(seenBy(c).headers["user-agent"], undefined);
});

test(SERVER, "POSTFIELDS posts a string as UTF-8", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/echo`);
  c.setopt(curl.POSTFIELDS, "größe=📏&x=\0&");
  const { method, body, headers } = seenBy(c);
  assertEquals([method, body], ["POST", "größe=📏&x=\0&"]);
  assertEquals(headers["content-type"], "application/x-www-form-urlencoded");
});

for (const name of ["POSTFIELDS", "COPYPOSTFIELDS"] as const) {
  test(SERVER, `${name} posts bytes, which are copied`, async () => {
    await using server = await startServer();
    using c = curlFor(`${server.url}/upload`);
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const digest = await crypto.subtle.digest("SHA-256", bytes);
    c.setopt(curl[name], bytes);
    bytes.fill(0);
    const sha256 = new Uint8Array(digest).toHex();
    assertEquals(JSON.parse(c.performTextSync()), { bytes: 256, sha256 });
  });
}

test(SERVER, "POSTFIELDS posts nothing when it is empty", async () => {
  await using server = await startServer();
  for (const empty of ["", new Uint8Array()]) {
    using c = curlFor(`${server.url}/echo`);
    c.setopt(curl.POSTFIELDS, empty);
    const { method, bytes, headers } = seenBy(c);
    assertEquals([method, bytes], ["POST", 0]);
    assertEquals(headers["content-length"], "0");
  }
});

test(SERVER, "POSTFIELDS replaced by a callback go with the next", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/echo`);
  const [first, second] = ["a", "b"].map((text) => text.repeat(2_000_000));
  let calls = 0;
  c.setopt(curl.POSTFIELDS, first);
  c.setopt(curl.NOPROGRESS, false);
  c.setopt(curl.XFERINFOFUNCTION, (_dltotal, _dlnow, _ultotal, sent) => {
    if (sent === 0 || sent === first.length) return;
    calls += 1;
    c.setopt(curl.POSTFIELDS, second);
  });
  assert(seenBy(c).body === first);
  assertGreater(calls, 0);
  assert(seenBy(c).body === second);
});

test(
  SERVER,
  "UPLOAD puts, and CUSTOMREQUEST names another method",
  async () => {
    await using server = await startServer();
    using c = curlFor(`${server.url}/echo`);
    const parts = ["abc", "def"];
    c.setopt(curl.UPLOAD, true);
    c.setopt(curl.INFILESIZE, 3);
    c.setopt(curl.READFUNCTION, () => parts.shift()!);
    const { method, body } = seenBy(c);
    assertEquals([method, body], ["PUT", "abc"]);
    parts.length = 2;
    parts.splice(0, 2, "def", "");
    c.setopt(curl.CUSTOMREQUEST, "PATCH");
    const patched = seenBy(c);
    assertEquals([patched.method, patched.body], ["PATCH", "def"]);
  },
);

test(SERVER, "NOBODY asks for the head alone", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/bytes/1000`);
  c.setopt(curl.NOBODY, true);
  assertEquals(c.performBytesSync().length, 0);
  assertEquals(c.getinfo(curl.CONTENT_LENGTH_DOWNLOAD_T), 1000);
  const [{ method }] = await server.requests();
  assertEquals(method, "HEAD");
});

test(SERVER, "HTTPHEADER adds, replaces and removes headers", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/echo`);
  const lines = ["X-One: 1", "X-Two: größe", "Accept:", "Host: other.example"];
  c.setopt(curl.HTTPHEADER, lines);
  const { headers } = seenBy(c);
  assertEquals(headers["x-one"], "1");
  assert(headers["x-two"] !== undefined);
  assertEquals(headers["accept"], undefined);
  assertEquals(headers["host"], "other.example");
  c.setopt(curl.HTTPHEADER, []);
  assertEquals(seenBy(c).headers["x-one"], undefined);
  c.setopt(curl.HTTPHEADER, new Set(["X-One: 2"]));
  assertEquals(seenBy(c).headers["x-one"], "2");
  c.unsetopt(curl.HTTPHEADER);
  assertEquals(seenBy(c).headers["x-one"], undefined);
});

test(SERVER, "FOLLOWLOCATION follows redirects", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/redirect/3`);
  assertEquals(c.performTextSync(), "moved\n");
  assertEquals(c.getinfo(curl.REDIRECT_URL), `${server.url}/redirect/2`);
  c.setopt(curl.FOLLOWLOCATION, true);
  assertEquals(c.performTextSync(), "home\n");
  assertEquals(c.getinfo(curl.REDIRECT_COUNT), 3);
  assertEquals(c.getinfo(curl.EFFECTIVE_URL), `${server.url}/`);
});

for (const [status, method] of [[303, "GET"], [307, "POST"]] as const) {
  test(
    SERVER,
    `FOLLOWLOCATION goes on with ${method} after ${status}`,
    async () => {
      await using server = await startServer();
      using c = curlFor(`${server.url}/redirect/1?status=${status}&to=/echo`);
      c.setopt(curl.FOLLOWLOCATION, true);
      c.setopt(curl.POSTFIELDS, "abc");
      const seen = seenBy(c);
      assertEquals(seen.method, method);
      assertEquals(seen.body, method === "POST" ? "abc" : "");
    },
  );
}

test(SERVER, "COOKIEFILE turns cookies on", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/cookies/set?a=1&b=2`);
  c.performTextSync();
  c.setopt(curl.URL, `${server.url}/cookies`);
  assertEquals(c.performTextSync(), "");
  c.setopt(curl.COOKIEFILE, "");
  c.setopt(curl.URL, `${server.url}/cookies/set?a=1&b=2`);
  c.performTextSync();
  c.setopt(curl.URL, `${server.url}/cookies`);
  assertEquals(c.performTextSync().split("; ").toSorted(), ["a=1", "b=2"]);
  c.setopt(curl.OPT_COOKIELIST, "ALL");
  c.setopt(curl.COOKIE, "by=hand");
  assertEquals(c.performTextSync(), "by=hand");
});

test(
  [SERVER, { needs: ["read", "write"] }],
  "COOKIEJAR is written when the handle is closed",
  async () => {
    await using server = await startServer();
    const path = await Deno.makeTempFile();
    try {
      const c = curlFor(`${server.url}/cookies/set?kept=yes`);
      c.setopt(curl.COOKIEJAR, path);
      c.performTextSync();
      assertEquals(await Deno.readTextFile(path), "");
      c.close();
      assertStringIncludes(await Deno.readTextFile(path), "kept\tyes");
      using next = curlFor(`${server.url}/cookies`);
      next.setopt(curl.COOKIEFILE, path);
      assertEquals(next.performTextSync(), "kept=yes");
    } finally {
      await Deno.remove(path);
    }
  },
);

test(SERVER, "RANGE and RESUME_FROM get a part", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/range/1000`);
  c.setopt(curl.RANGE, "10-19");
  assertEquals(c.performBytesSync(), patternBytes(10, 10));
  assertEquals(c.getinfo(curl.RESPONSE_CODE), 206);
  c.setopt(curl.RANGE, null);
  assertEquals(c.performBytesSync().length, 1000);
  c.setopt(curl.RESUME_FROM, 990);
  assertEquals(c.performBytesSync(), patternBytes(10, 990));
});

for (const coding of ["gzip", "deflate", "br", "zstd"]) {
  test(SERVER, `ACCEPT_ENCODING unpacks ${coding}`, async () => {
    await using server = await startServer();
    using c = curlFor(`${server.url}/${coding}?bytes=100000`);
    assert(c.performBytesSync().length < 100_000);
    c.setopt(curl.ACCEPT_ENCODING, "");
    assertEquals(c.performBytesSync(), patternBytes(100_000));
    c.setopt(curl.URL, `${server.url}/echo`);
    assertStringIncludes(seenBy(c).headers["accept-encoding"]!, coding);
  });
}

test(SERVER, "USERPWD logs in, and a wrong one does not", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/auth/basic?user=me&password=s:é`);
  c.setopt(curl.USERPWD, "me:wrong");
  c.performTextSync();
  assertEquals(c.getinfo(curl.RESPONSE_CODE), 401);
  assertEquals(c.getinfo(curl.HTTPAUTH_AVAIL), curl.HTTPAUTH_BASIC);
  c.setopt(curl.USERNAME, "me");
  c.setopt(curl.PASSWORD, "s:é");
  assertEquals(c.performTextSync(), "hello me\n");
});

test(SERVER, "performSync() uses its connection again", async () => {
  await using server = await startServer();
  using c = curlFor(server.url);
  const connects = () => {
    c.performTextSync();
    return c.getinfo(curl.NUM_CONNECTS);
  };
  assertEquals([connects(), connects(), connects()], [1, 0, 0]);
  c.setopt(curl.FRESH_CONNECT, true);
  assertEquals(connects(), 1);
  const requests = await server.requests();
  assertEquals(new Set(requests.map(({ client }) => client)).size, 2);
});

test(
  SERVER,
  "performSync() uses its connection again after a failure",
  async () => {
    await using server = await startServer();
    using c = curlFor(`${server.url}/bytes/10`);
    c.performBytesSync();
    c.setopt(curl.PREREQFUNCTION, () => curl.PREREQFUNC_ABORT);
    assertCurlError(() => c.performSync(), curl.E_ABORTED_BY_CALLBACK);
    c.setopt(curl.PREREQFUNCTION, null);
    assertEquals(c.performBytesSync().length, 10);
  },
);

test(NGINX, "HTTP_VERSION chooses between HTTP/1.1 and HTTP/2", async () => {
  await using nginx = await startNginx();
  using c = curlFor(`${nginx.secureUrl}/1M.bin`);
  c.setCaCerts(nginx.ca);
  for (
    const [wanted, used] of [
      [curl.CURL_HTTP_VERSION_NONE, curl.CURL_HTTP_VERSION_2],
      [curl.CURL_HTTP_VERSION_1_1, curl.CURL_HTTP_VERSION_1_1],
      [curl.CURL_HTTP_VERSION_2TLS, curl.CURL_HTTP_VERSION_2],
    ]
  ) {
    c.setopt(curl.HTTP_VERSION, wanted);
    c.setopt(curl.FRESH_CONNECT, true);
    assertEquals(c.performBytesSync(), patternBytes(2 ** 20));
    assertEquals(c.getinfo(curl.INFO_HTTP_VERSION), used);
  }
  const log = await nginx.log(3);
  const protocols = ["HTTP/2.0", "HTTP/1.1", "HTTP/2.0"];
  assertEquals(log.map(({ protocol }) => protocol), protocols);
});

test(NGINX, "performSync() uploads over HTTP/2", async () => {
  await using nginx = await startNginx();
  using c = curlFor(`${nginx.secureUrl}/put/file.bin`);
  const bytes = patternBytes(500_000);
  let at = 0;
  c.setCaCerts(nginx.ca);
  c.setopt(curl.UPLOAD, true);
  c.setopt(curl.INFILESIZE, bytes.length);
  c.setopt(curl.READFUNCTION, (size) => bytes.subarray(at, at += size));
  c.performTextSync();
  assertEquals(c.getinfo(curl.RESPONSE_CODE), 201);
  assertEquals(await Deno.readFile(`${nginx.files}/put/file.bin`), bytes);
});

test(NGINX, "SSLCERT_BLOB and SSLKEY_BLOB show who the client is", async () => {
  const { ca, server: tls, client, unknownClient } = await createCertificates();
  await using nginx = await startNginx({ tls, clientCa: ca });
  const whoAmI = (certificate?: { cert: string; key: string }) => {
    using c = curlFor(`${nginx.secureUrl}/client`);
    c.setCaCerts(ca);
    if (certificate) {
      c.setopt(curl.SSLCERT_BLOB, certificate.cert);
      c.setopt(curl.SSLKEY_BLOB, new TextEncoder().encode(certificate.key));
    }
    const text = c.performTextSync();
    return c.getinfo(curl.RESPONSE_CODE) === 200 ? text.split(" ")[0] : "no";
  };
  assertEquals(whoAmI(client), "SUCCESS");
  assertEquals(whoAmI(), "NONE");
  assertEquals(whoAmI(unknownClient), "no");
});

test(
  SERVER,
  "SSL_VERIFYPEER and SSL_VERIFYHOST can be turned off",
  async () => {
    const { ca, wrongHost: tls } = await createCertificates();
    await using server = await startServer({ tls });
    using c = curlFor(server.url);
    const failed = curl.E_PEER_FAILED_VERIFICATION;
    assertCurlError(() => c.performTextSync(), failed);
    c.setCaCerts(ca);
    assertCurlError(() => c.performTextSync(), failed);
    c.setopt(curl.SSL_VERIFYHOST, 0);
    assertEquals(c.performTextSync(), "home\n");
    c.reset();
    c.setopt(curl.URL, server.url);
    c.setopt(curl.SSL_VERIFYPEER, false);
    assertCurlError(() => c.performTextSync(), failed);
    c.setopt(curl.SSL_VERIFYHOST, false);
    assertEquals(c.performTextSync(), "home\n");
  },
);

test(SERVER, "PINNEDPUBLICKEY accepts one key alone", async () => {
  const { ca, server: tls, client } = await createCertificates();
  await using server = await startServer({ tls });
  using c = curlFor(server.url);
  c.setCaCerts(ca);
  c.setopt(curl.PINNEDPUBLICKEY, client.pin);
  const failed = curl.E_SSL_PINNEDPUBKEYNOTMATCH;
  assertCurlError(() => c.performTextSync(), failed);
  c.setopt(curl.PINNEDPUBLICKEY, tls.pin);
  assertEquals(c.performTextSync(), "home\n");
});

for (const form of ["a string", "bytes"]) {
  test(SERVER, `setCaCerts() trusts the authorities in ${form}`, async () => {
    const { ca, server: tls, unknownAuthority } = await createCertificates();
    await using server = await startServer({ tls });
    await using other = await startServer({ tls: unknownAuthority });
    using c = curlFor(server.url);
    const failed = curl.E_PEER_FAILED_VERIFICATION;
    assertCurlError(() => c.performTextSync(), failed);
    c.setCaCerts(form === "bytes" ? new TextEncoder().encode(ca) : ca);
    assertEquals(c.performTextSync(), "home\n");
    c.setopt(curl.URL, other.url);
    assertCurlError(() => c.performTextSync(), failed);
  });
}

Deno.test("setCaCerts() refuses what is neither a string nor bytes", () => {
  using c = new curl.Curl();
  for (const value of [5, null, undefined, {}, [], true]) {
    assertThrows(() => c.setCaCerts(value as never), TypeError, "CAINFO_BLOB");
  }
});

test(
  [CHILD, SERVER, { needs: ["write"] }],
  "Curl trusts the authorities in the file that SSL_CERT_FILE names",
  async () => {
    const { ca, server: tls } = await createCertificates();
    await using server = await startServer({ tls });
    const file = await Deno.makeTempFile({ suffix: ".pem" });
    try {
      await Deno.writeTextFile(file, ca);
      const perform = (name: string) =>
        runChild(
          `const c = new curl.Curl();
          c.setopt(curl.URL, Deno.args[0]);
          try {
            c.performSync();
          } catch (error) {
            console.log(error.code);
          }`,
          {
            flags: ["--allow-ffi"],
            args: [server.url],
            env: { SSL_CERT_FILE: name, SSL_CERT_DIR: "/nowhere" },
          },
        );
      assertEquals((await perform(file)).stdout, "home\n");
      const { stdout } = await perform("/nowhere");
      assertEquals(stdout, `${curl.E_PEER_FAILED_VERIFICATION}\n`);
    } finally {
      await Deno.remove(file);
    }
  },
);
