/** Options of a request: its line, its headers, its body. */

import * as curl from "../mod.ts";
import { assert, assertEquals, assertStringIncludes } from "./assert.ts";
import { assertCurlError, curlFor } from "./fixtures/checks.ts";
import { okay } from "./fixtures/http_answers.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { expect, expectBytes, hold, request, send } from "./fixtures/script.ts";
import {
  headOf,
  seenBy,
  startAnswering,
  startScripts,
} from "./fixtures/seen.ts";
import { test } from "./permissions.ts";

/** Which options lead to which method. */
const METHODS: [method: string, options: string, (c: curl.Curl) => void][] = [
  ["GET", "nothing", () => {}],
  ["GET", "HTTPGET after NOBODY", (c) => {
    c.setopt(curl.NOBODY, true);
    c.setopt(curl.HTTPGET, true);
  }],
  ["GET", "HTTPGET after POSTFIELDS", (c) => {
    c.setopt(curl.POSTFIELDS, "x");
    c.setopt(curl.HTTPGET, true);
  }],
  ["POST", "POST", (c) => {
    c.setopt(curl.POST, true);
    c.setopt(curl.READFUNCTION, () => "");
  }],
  ["PUT", "UPLOAD after POST", (c) => {
    c.setopt(curl.POST, true);
    c.setopt(curl.UPLOAD, true);
    c.setopt(curl.READFUNCTION, () => "");
  }],
  ["PUT", "PUT", (c) => {
    c.setopt(curl.PUT, true);
    c.setopt(curl.READFUNCTION, () => "");
  }],
  ["DELETE", "CUSTOMREQUEST", (c) => c.setopt(curl.CUSTOMREQUEST, "DELETE")],
  ["PATCH", "CUSTOMREQUEST and POSTFIELDS", (c) => {
    c.setopt(curl.POSTFIELDS, "x");
    c.setopt(curl.CUSTOMREQUEST, "PATCH");
  }],
  ["OPTIONS", "CUSTOMREQUEST and NOBODY", (c) => {
    c.setopt(curl.NOBODY, true);
    c.setopt(curl.CUSTOMREQUEST, "OPTIONS");
  }],
];

for (const [method, options, set] of METHODS) {
  test(SERVER, `performSync() asks by ${method} with ${options}`, async () => {
    await using server = await startServer();
    using c = curlFor(`${server.url}/echo`);
    set(c);
    c.performTextSync();
    const [seen] = await server.requests();
    assertEquals(seen.method, method);
    assertEquals(c.getinfo(curl.EFFECTIVE_METHOD), method);
  });
}

test(SERVER, "POST takes its body from READFUNCTION, in chunks", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/echo`);
  const parts = ["one", "two"];
  c.setopt(curl.POST, true);
  c.setopt(curl.READFUNCTION, () => parts.shift() ?? "");
  const { method, body, headers } = seenBy(c);
  assertEquals([method, body], ["POST", "onetwo"]);
  assertEquals(headers["transfer-encoding"], "chunked");
});

test(SERVER, "POSTFIELDSIZE sends a part of POSTFIELDS", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/echo`);
  c.setopt(curl.POSTFIELDS, "abcdef");
  for (const [size, body] of [[2, "ab"], [0, ""], [-1, "abcdef"]] as const) {
    c.setopt(curl.POSTFIELDSIZE, size);
    assertEquals(seenBy(c).body, body);
  }
});

test(SERVER, "REFERER says where the user came from", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/echo`);
  assertEquals(seenBy(c).headers["referer"], undefined);
  c.setopt(curl.REFERER, "http://example.com/from");
  assertEquals(seenBy(c).headers["referer"], "http://example.com/from");
});

test(SERVER, "ACCEPT_ENCODING asks for one coding alone", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/echo`);
  c.setopt(curl.ACCEPT_ENCODING, "br");
  assertEquals(seenBy(c).headers["accept-encoding"], "br");
  c.setopt(curl.ACCEPT_ENCODING, null);
  assertEquals(seenBy(c).headers["accept-encoding"], undefined);
});

test(SERVER, "HTTPHEADER sends a header without a value", async () => {
  await using server = await startAnswering();
  using c = curlFor(server.url);
  c.setopt(curl.HTTPHEADER, ["X-Empty;", "X-Same: 1", "X-Same: 2", "Host:"]);
  c.performTextSync();
  const lines = await headOf(server);
  assert(lines.includes("X-Empty:"), lines.join());
  assertEquals(lines.filter((line) => line.startsWith("X-Same")), [
    "X-Same: 1",
    "X-Same: 2",
  ]);
  assert(!lines.some((line) => line.startsWith("Host")), lines.join());
});

test(SERVER, "REQUEST_TARGET stands in the request line", async () => {
  await using server = await startAnswering();
  using c = curlFor(`${server.url}/path`);
  c.setopt(curl.CUSTOMREQUEST, "OPTIONS");
  c.setopt(curl.REQUEST_TARGET, "*");
  c.performTextSync();
  const [line] = await headOf(server);
  assertEquals(line, "OPTIONS * HTTP/1.1");
});

for (const [asIs, path] of [[false, "/b"], [true, "/a/../b"]] as const) {
  test(SERVER, `PATH_AS_IS that is ${asIs} asks for ${path}`, async () => {
    await using server = await startAnswering();
    using c = curlFor(`${server.url}/a/../b`);
    c.setopt(curl.PATH_AS_IS, asIs);
    c.performTextSync();
    const [line] = await headOf(server);
    assertEquals(line, `GET ${path} HTTP/1.1`);
  });
}

test(SERVER, "HTTP_VERSION asks by HTTP/1.0", async () => {
  await using server = await startAnswering();
  using c = curlFor(server.url);
  c.setopt(curl.HTTP_VERSION, curl.CURL_HTTP_VERSION_1_0);
  assertEquals(c.performTextSync(), "ok\n");
  const [line] = await headOf(server);
  assertEquals(line, "GET / HTTP/1.0");
});

test(SERVER, "HTTP_VERSION speaks HTTP/2 at once when told", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/echo`);
  c.setopt(curl.POSTFIELDS, "over HTTP/2");
  const { CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE, CURL_HTTP_VERSION_1_1 } = curl;
  assertEquals(seenBy(c).body, "over HTTP/2");
  assertEquals(c.getinfo(curl.INFO_HTTP_VERSION), CURL_HTTP_VERSION_1_1);
  c.setopt(curl.HTTP_VERSION, CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
  assertEquals(seenBy(c).body, "over HTTP/2");
  assertEquals(c.getinfo(curl.INFO_HTTP_VERSION), curl.CURL_HTTP_VERSION_2);
});

test(
  SERVER,
  "EXPECT_100_TIMEOUT_MS waits for 100 before the body",
  async () => {
    const size = 2 ** 20 + 1;
    await using server = await startScripts([
      expect(/Expect: 100-continue\r\n(.+\r\n)*\r\n/),
      send("HTTP/1.1 100 Continue\r\n\r\n"),
      expectBytes(size),
      send(okay("got it")),
    ]);
    using c = curlFor(server.url);
    c.setopt(curl.EXPECT_100_TIMEOUT_MS, 60_000);
    c.setopt(curl.POSTFIELDS, "x".repeat(size));
    assertEquals(c.performTextSync(), "got it");
  },
);

test(SERVER, "EXPECT_100_TIMEOUT_MS ends the wait", async () => {
  const size = 2 ** 20 + 1;
  await using server = await startScripts([
    request(),
    expectBytes(size),
    send(okay("got it")),
  ]);
  using c = curlFor(server.url);
  c.setopt(curl.EXPECT_100_TIMEOUT_MS, 1);
  c.setopt(curl.POSTFIELDS, "x".repeat(size));
  assertEquals(c.performTextSync(), "got it");
});

test(SERVER, "DEFAULT_PROTOCOL and PORT complete a URL", async () => {
  await using server = await startServer();
  using c = curlFor("127.0.0.1/echo?a");
  c.setopt(curl.PORT, server.port);
  c.setopt(curl.DEFAULT_PROTOCOL, "http");
  assertEquals(seenBy(c).url, "/echo?a");
  c.setopt(curl.DEFAULT_PROTOCOL, "file");
  const unread = curl.E_FILE_COULDNT_READ_FILE;
  assertCurlError(() => c.performTextSync(), unread, "/echo");
});

test(SERVER, "PROTOCOLS_STR lets no others through", async () => {
  await using server = await startServer();
  using c = curlFor(server.url);
  c.setopt(curl.PROTOCOLS_STR, "https,ftp");
  const unsupported = curl.E_UNSUPPORTED_PROTOCOL;
  assertCurlError(() => c.performTextSync(), unsupported, "http");
  c.setopt(curl.PROTOCOLS_STR, "ALL");
  assertEquals(c.performTextSync(), "home\n");
  assertEquals((await server.requests()).length, 1);
});

test(SERVER, "TRANSFER_ENCODING asks for a packed transfer", async () => {
  await using server = await startScripts([
    expect(/\r\nTE: gzip\r\n(.+\r\n)*\r\n/),
    send("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
    ...await gzipChunk("unpacked"),
    hold(),
  ]);
  using c = curlFor(server.url);
  c.setopt(curl.TRANSFER_ENCODING, true);
  assertEquals(c.performTextSync(), "unpacked");
});

/** Steps that send a text packed, as a chunk and the last one. */
async function gzipChunk(text: string) {
  const packed = await new Response(
    new Blob([text]).stream().pipeThrough(new CompressionStream("gzip")),
  ).bytes();
  return [
    send(`${packed.length.toString(16)}\r\n`),
    send(packed),
    send("\r\n0\r\n\r\n"),
  ];
}

test(
  SERVER,
  "INFILESIZE tells the length, and ends the body there",
  async () => {
    await using server = await startAnswering();
    using c = curlFor(`${server.url}/there`);
    c.setopt(curl.UPLOAD, true);
    c.setopt(curl.INFILESIZE, 4);
    c.setopt(curl.READFUNCTION, (size) => "abcdef".slice(0, size));
    c.performTextSync();
    const [{ text }] = await server.connections();
    assertStringIncludes(text, "\r\nContent-Length: 4\r\n");
    assert(text.endsWith("\r\n\r\nabcd"), text);
  },
);

test(SERVER, "INFILESIZE fails the transfer when there is less", async () => {
  await using server = await startScripts([request(), hold()]);
  using c = curlFor(`${server.url}/there`);
  const parts = ["abc"];
  c.setopt(curl.UPLOAD, true);
  c.setopt(curl.INFILESIZE, 4);
  c.setopt(curl.READFUNCTION, () => parts.shift() ?? "");
  assertCurlError(() => c.performTextSync(), curl.E_READ_ERROR);
});

for (const seeks of [true, false]) {
  const how = seeks ? "seeks" : "reads on";
  test(SERVER, `RESUME_FROM ${how} to the rest of an upload`, async () => {
    await using server = await startAnswering();
    using c = curlFor(`${server.url}/there`);
    const body = "0123456789";
    let at = 0;
    c.setopt(curl.UPLOAD, true);
    c.setopt(curl.INFILESIZE, body.length);
    c.setopt(curl.RESUME_FROM, 7);
    if (seeks) {
      c.setopt(curl.SEEKFUNCTION, (offset) => {
        at = offset;
        return curl.SEEKFUNC_OK;
      });
    }
    c.setopt(curl.READFUNCTION, (size) => body.slice(at, at += size));
    c.performTextSync();
    const [{ text }] = await server.connections();
    assertStringIncludes(text, "\r\nContent-Range: bytes 7-9/10\r\n");
    assert(text.endsWith("\r\n\r\n789"), text);
  });
}
