/** sslsExport() and sslsImport(): TLS sessions that outlive their cache. */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertStringIncludes,
  assertThrows,
} from "./assert.ts";
import { assertCurlError, FILE } from "./fixtures/checks.ts";
import { NGINX, type Nginx, startNginx } from "./fixtures/nginx.ts";
import { test } from "./permissions.ts";
import { assertRefused, attachedTo, curlTo, shareOf } from "./workers/peers.ts";

const { LOCK_DATA_COOKIE, LOCK_DATA_DNS, LOCK_DATA_SSL_SESSION } = curl;

/** A handle on a new share of TLS sessions, that can ask the server. */
function curlOf(nginx: Nginx, ...kinds: number[]): curl.Curl {
  const share = shareOf(LOCK_DATA_SSL_SESSION, ...kinds);
  const c = attachedTo(share, `${nginx.secureUrl}/small.txt`);
  c.setCaCerts(nginx.ca);
  return c;
}

test(NGINX, "sslsExport() gives the sessions of the share", async () => {
  await using nginx = await startNginx({ tickets: true });
  using c = curlOf(nginx);
  assertEquals(c.sslsExport(), []);
  c.performBytesSync();
  const sessions = c.sslsExport();
  assertGreater(sessions.length, 0);
  for (const session of sessions) {
    assertStringIncludes(session.key!, `127.0.0.1:${nginx.securePort}`);
    assertEquals(session.shmac.length, 64);
    assertGreater(session.data.length, 100);
    assertGreater(session.validUntil, Date.now() / 1000);
    assertEquals([session.tlsVersion, session.alpn], [0x0304, "h2"]);
    assertEquals(session.earlydataMax, 0);
  }
  assertEquals(
    new Set(sessions.map(({ data }) => `${data}`)).size,
    sessions.length,
  );
});

for (const [name, without] of [["key", "shmac"], ["shmac", "key"]] as const) {
  test(
    NGINX,
    `sslsImport() by ${name} has the next connection resumed`,
    async () => {
      await using nginx = await startNginx({ tickets: true });
      using one = curlOf(nginx);
      one.performBytesSync();
      using other = curlOf(nginx);
      for (const session of one.sslsExport()) {
        other.sslsImport({ ...session, [without]: null });
      }
      other.performBytesSync();
      const resumed = (await nginx.log(2)).map((entry) => entry.resumed);
      assertEquals(resumed, [false, true]);
    },
  );
}

test(
  NGINX,
  "sslsImport() by shmac names nobody in the next sslsExport()",
  async () => {
    await using nginx = await startNginx({ tickets: true });
    using one = curlOf(nginx);
    one.performBytesSync();
    const [{ shmac, data }] = one.sslsExport();
    using other = curlOf(nginx);
    other.sslsImport({ shmac, data });
    const [session] = other.sslsExport();
    assertEquals([session.key, session.shmac], [null, shmac]);
  },
);

test(
  NGINX,
  "sslsExport() and sslsImport() work on a share with an engine",
  async () => {
    await using nginx = await startNginx({ tickets: true });
    using one = curlOf(nginx, LOCK_DATA_COOKIE);
    await one.performBytes();
    using other = curlOf(nginx, LOCK_DATA_COOKIE);
    for (const session of one.sslsExport()) other.sslsImport(session);
    await other.performBytes();
    const resumed = (await nginx.log(2)).map((entry) => entry.resumed);
    assertEquals(resumed, [false, true]);
  },
);

test(
  NGINX,
  "sslsImport() refuses sessions that are cut or garbled",
  async () => {
    await using nginx = await startNginx({ tickets: true });
    using c = curlOf(nginx);
    c.performBytesSync();
    const [{ shmac, data }] = c.sslsExport();
    using other = curlOf(nginx);
    for (const length of [0, 2, 100, 500]) {
      const cut = { shmac, data: data.slice(0, length) };
      assertThrows(() => other.sslsImport(cut), curl.CurlError);
    }
    const bad = curl.E_BAD_FUNCTION_ARGUMENT;
    assertCurlError(() => other.sslsImport({ data }), bad);
    assertCurlError(() => other.sslsImport({ data, key: "" }), bad);
    for (const length of [1, 63, 65]) {
      const wrong = { data, shmac: new Uint8Array(length) };
      assertCurlError(() => other.sslsImport(wrong), bad);
    }
    assertEquals(other.sslsExport(), []);
    assertEquals(other.performTextSync(), "hello\n");
  },
);

Deno.test("sslsExport() and sslsImport() tell whoever has no share of sessions", () => {
  using c = curlTo(FILE);
  const refused = () => {
    const text = " - between transfers, TLS sessions are kept by a CurlShare " +
      "of LOCK_DATA_SSL_SESSION, which the Curl object has to use";
    assertRefused(() => c.sslsExport(), `cannot invoke sslsExport()${text}`);
    const add = () => c.sslsImport({ key: "a", data: new Uint8Array(1) });
    assertRefused(add, `cannot invoke sslsImport()${text}`);
  };
  refused();
  using share = shareOf(LOCK_DATA_DNS);
  c.setopt(curl.SHARE, share);
  refused();
});

Deno.test("sslsImport() refuses what is no session", () => {
  using share = shareOf(LOCK_DATA_SSL_SESSION);
  using c = attachedTo(share, FILE);
  const data = new Uint8Array(1);
  const wrong: [session: unknown, text: string][] = [
    [{}, "a Uint8Array as data, not undefined"],
    [{ data: "x" }, "a Uint8Array as data, not string"],
    [{ data, shmac: "x" }, "a Uint8Array as shmac, not string"],
    [{ data, key: 5 }, "a string as key, not number"],
    [{ data, key: "\ud800" }, "lone surrogate"],
    [{ data, key: "a\0" }, "NUL"],
    [null, ""],
  ];
  for (const [session, text] of wrong) {
    const add = () => c.sslsImport(session as curl.SslSessionData);
    assertThrows(add, TypeError, text);
  }
});

Deno.test("versionInfo() names SSLS-EXPORT", () => {
  assert(curl.versionInfo().featureNames.includes("SSLS-EXPORT"));
});
