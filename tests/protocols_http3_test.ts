/** HTTP/3 with a real server. */

import * as curl from "../mod.ts";
import { createCertificates } from "../tools/certificates.ts";
import { assert, assertEquals } from "./assert.ts";
import { CADDY, type CaddySettings, startCaddy } from "./fixtures/caddy.ts";
import { curlFor } from "./fixtures/checks.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { patternBytes } from "./fixtures/pattern.ts";
import { WAYS } from "./fixtures/ways.ts";
import { test } from "./permissions.ts";

const certificates = await createCertificates();

/** A server that lives as long as the stack, and handles for it. */
async function http3(
  stack: AsyncDisposableStack,
  settings: Partial<CaddySettings> = {},
): Promise<(path: string) => curl.Curl> {
  const { ca, server: tls } = certificates;
  const caddy = stack.use(await startCaddy({ tls, ...settings }));
  return (path) => {
    const c = stack.use(curlFor(`${caddy.url}${path}`));
    c.setCaCerts(ca);
    c.setopt(curl.HTTP_VERSION, curl.CURL_HTTP_VERSION_3ONLY);
    return c;
  };
}

async function upstream(stack: AsyncDisposableStack) {
  const { port } = stack.use(await startServer());
  return { upstream: port };
}

for (const way of WAYS) {
  test(CADDY, `${way.name} speaks HTTP/3`, async () => {
    await using stack = new AsyncDisposableStack();
    const handle = await http3(stack);
    const c = handle("/protocol");
    assertEquals(await way.text(c), "HTTP/3.0\n");
    assertEquals(c.getinfo(curl.INFO_HTTP_VERSION), curl.CURL_HTTP_VERSION_3);
    assertEquals(c.getinfo(curl.SCHEME), "https");
    assertEquals(await way.text(c), "HTTP/3.0\n");
    assertEquals(c.getinfo(curl.NUM_CONNECTS), 0);
  });

  for (const size of [0, 9_000, 20_000_000]) {
    test(CADDY, `${way.name} gets ${size} bytes over HTTP/3`, async () => {
      await using stack = new AsyncDisposableStack();
      const expected = patternBytes(size);
      const handle = await http3(stack, { files: { "file.bin": expected } });
      const c = handle("/file.bin");
      const got = await way.bytes(c);
      assertEquals(c.getinfo(curl.RESPONSE_CODE), 200);
      assertEquals(got.length, size);
      assert(got.every((byte, i) => byte === expected[i]));
    });
  }

  for (const size of [0, 10, 5_000_000]) {
    test(
      [CADDY, SERVER],
      `${way.name} uploads ${size} bytes over HTTP/3`,
      async () => {
        await using stack = new AsyncDisposableStack();
        const handle = await http3(stack, await upstream(stack));
        const c = handle("/upload");
        const bytes = patternBytes(size);
        let at = 0;
        c.setopt(curl.UPLOAD, true);
        c.setopt(curl.INFILESIZE, size);
        c.setopt(curl.READFUNCTION, (most) => bytes.subarray(at, at += most));
        const digest = await crypto.subtle.digest("SHA-256", bytes);
        const sha256 = new Uint8Array(digest).toHex();
        assertEquals(JSON.parse(await way.text(c)), { bytes: size, sha256 });
      },
    );
  }

  test(
    CADDY,
    `${way.name} refuses a wrong certificate over HTTP/3`,
    async () => {
      const { unknownAuthority, wrongHost, expired } = certificates;
      for (const tls of [unknownAuthority, wrongHost, expired]) {
        await using stack = new AsyncDisposableStack();
        const name = tls === wrongHost ? "other.invalid" : undefined;
        const handle = await http3(stack, { tls, name });
        const c = handle("/protocol");
        await way.fails(c, curl.E_PEER_FAILED_VERIFICATION);
        c.setopt(curl.SSL_VERIFYPEER, false);
        c.setopt(curl.SSL_VERIFYHOST, 0);
        assertEquals(await way.text(c), "HTTP/3.0\n");
      }
    },
  );

  test(
    CADDY,
    `${way.name} shows who the client is over HTTP/3`,
    async () => {
      await using stack = new AsyncDisposableStack();
      const { ca, client, unknownClient } = certificates;
      const handle = await http3(stack, { clientCa: ca });
      const c = handle("/protocol");
      await way.fails(c, curl.E_RECV_ERROR);
      for (
        const [{ cert, key }, isKnown] of [
          [client, true],
          [unknownClient, false],
        ] as const
      ) {
        c.setopt(curl.SSLCERT_BLOB, cert);
        c.setopt(curl.SSLKEY_BLOB, key);
        c.setopt(curl.FRESH_CONNECT, true);
        if (isKnown) assertEquals(await way.text(c), "HTTP/3.0\n");
        else await way.fails(c, curl.E_RECV_ERROR);
      }
    },
  );

  test(SERVER, `${way.name} fails where no HTTP/3 is spoken`, async () => {
    await using server = await startServer({ tls: certificates.server });
    using c = curlFor(server.url);
    c.setCaCerts(certificates.ca);
    c.setopt(curl.HTTP_VERSION, curl.CURL_HTTP_VERSION_3ONLY);
    await way.fails(c, curl.E_COULDNT_CONNECT);
    c.setopt(curl.HTTP_VERSION, curl.CURL_HTTP_VERSION_3);
    assertEquals(await way.text(c), "home\n");
  });
}

test(
  [CADDY, SERVER],
  "perform() gets many answers at once over one HTTP/3 connection",
  async () => {
    await using stack = new AsyncDisposableStack();
    const handle = await http3(stack, await upstream(stack));
    using share = new curl.CurlShare();
    share.share(curl.LOCK_DATA_CONNECT);
    const sizes = Array.from({ length: 40 }, (_, i) => i * 1000);
    const handles = sizes.map((size) => handle(`/bytes/${size}`));
    for (const c of handles) c.setopt(curl.SHARE, share);
    const bodies = await Promise.all(handles.map((c) => c.performBytes()));
    assertEquals(bodies, sizes.map((size) => patternBytes(size)));
    const connects = handles.map((c) => c.getinfo(curl.NUM_CONNECTS)!);
    assertEquals(connects.reduce((sum, count) => sum + count), 1);
    for (const c of handles) c.setopt(curl.SHARE, null);
  },
);

test(
  CADDY,
  "perform() waits for a WRITEFUNCTION's promise over HTTP/3",
  async () => {
    await using stack = new AsyncDisposableStack();
    const expected = patternBytes(1_000_000);
    const handle = await http3(stack, { files: { "file.bin": expected } });
    const c = handle("/file.bin");
    let got = 0;
    c.setopt(curl.WRITEFUNCTION, async (piece) => {
      const isRight = piece.every((byte, i) => byte === expected[got + i]);
      got += piece.length;
      await Promise.resolve();
      assert(isRight);
    });
    await c.perform();
    assertEquals(got, expected.length);
  },
);

test(
  CADDY,
  "ALTSVC has the next request use the HTTP/3 that an answer offered",
  async () => {
    await using stack = new AsyncDisposableStack();
    const handle = await http3(stack);
    const c = handle("/protocol");
    c.setopt(curl.HTTP_VERSION, curl.CURL_HTTP_VERSION_NONE);
    c.setopt(
      curl.ALTSVC_CTRL,
      curl.CURLALTSVC_H1 | curl.CURLALTSVC_H2 | curl.CURLALTSVC_H3,
    );
    c.setopt(curl.FRESH_CONNECT, true);
    assertEquals(c.performTextSync(), "HTTP/2.0\n");
    assertEquals(c.performTextSync(), "HTTP/3.0\n");
  },
);
