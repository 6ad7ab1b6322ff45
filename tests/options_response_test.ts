/** Options of what comes back: what of it is taken, and what is refused. */

import { deflateSync, gzipSync } from "node:zlib";
import * as curl from "../mod.ts";
import { assert, assertEquals, assertLess } from "./assert.ts";
import { assertCurlError, curlFor } from "./fixtures/checks.ts";
import { chunked, head, lyingLength, okay } from "./fixtures/http_answers.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { patternBytes } from "./fixtures/pattern.ts";
import { end, request, send } from "./fixtures/script.ts";
import { headOf, startAnswering, startScripts } from "./fixtures/seen.ts";
import { test } from "./permissions.ts";

/** Answers one request, and closes the connection. */
function startOnce(answer: string) {
  return startScripts([request(), send(answer), end()]);
}

test(SERVER, "HEADER puts the head before the body", async () => {
  await using server = await startAnswering(okay("body"));
  using c = curlFor(server.url);
  c.setopt(curl.HEADER, true);
  const text = "HTTP/1.1 200 Status\r\nContent-Length: 4\r\n\r\nbody";
  assertEquals(c.performTextSync(), text);
  c.setopt(curl.HEADER, false);
  assertEquals(c.performTextSync(), "body");
});

test(SERVER, "HEADERFUNCTION hears trailers after the body", async () => {
  const answer = chunked(["body"], { "X-Sum": "42" });
  await using server = await startAnswering(answer);
  using c = curlFor(server.url);
  const heard: string[] = [];
  c.setopt(curl.WRITEFUNCTION, () => void heard.push("the body"));
  c.setopt(curl.HEADERFUNCTION, (line) => {
    heard.push(new TextDecoder().decode(line).trim());
  });
  c.performSync();
  assertEquals(heard.slice(heard.indexOf("the body")), [
    "the body",
    "X-Sum: 42",
  ]);
});

test(SERVER, "FAILONERROR fails from 400 on", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/status/399`);
  c.setopt(curl.FAILONERROR, true);
  c.performTextSync();
  for (const status of [400, 404, 500]) {
    c.setopt(curl.URL, `${server.url}/status/${status}`);
    const failed = curl.E_HTTP_RETURNED_ERROR;
    assertCurlError(() => c.performTextSync(), failed, `${status}`);
    assertEquals(c.getinfo(curl.RESPONSE_CODE), status);
  }
  c.setopt(curl.FAILONERROR, false);
  assertEquals(c.performTextSync(), "status 500\n");
});

for (const name of ["MAXFILESIZE", "MAXFILESIZE_LARGE"] as const) {
  test(SERVER, `${name} refuses what is longer`, async () => {
    await using server = await startServer();
    using c = curlFor(`${server.url}/bytes/1001`);
    c.setopt(curl[name], 1000);
    const exceeded = curl.E_FILESIZE_EXCEEDED;
    assertCurlError(() => c.performBytesSync(), exceeded);
    // Without a length, it is found out on the way.
    c.setopt(curl.URL, `${server.url}/bytes/1001?chunked`);
    assertCurlError(() => c.performBytesSync(), exceeded);
    c.setopt(curl.URL, `${server.url}/bytes/1000?chunked`);
    assertEquals(c.performBytesSync().length, 1000);
  });
}

test(SERVER, "HTTP_CONTENT_DECODING leaves a body packed", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/gzip?bytes=1000`);
  c.setopt(curl.ACCEPT_ENCODING, "gzip");
  c.setopt(curl.HTTP_CONTENT_DECODING, false);
  assertEquals(
    c.performBytesSync(),
    new Uint8Array(gzipSync(patternBytes(1000))),
  );
  c.setopt(curl.HTTP_CONTENT_DECODING, true);
  assertEquals(c.performBytesSync(), patternBytes(1000));
});

test(SERVER, "ACCEPT_ENCODING unpacks what is packed twice", async () => {
  const twice = new Uint8Array(gzipSync(deflateSync("unpacked")));
  const headers = {
    "Content-Encoding": "deflate, gzip",
    "Content-Length": `${twice.length}`,
  };
  await using server = await startScripts([
    request(),
    send(head(200, headers)),
    send(twice),
  ]);
  using c = curlFor(server.url);
  c.setopt(curl.ACCEPT_ENCODING, "");
  assertEquals(c.performTextSync(), "unpacked");
});

test(
  SERVER,
  "ACCEPT_ENCODING fails when the body is not packed so",
  async () => {
    await using server = await startAnswering(
      okay("this is not packed at all", { "Content-Encoding": "gzip" }),
    );
    using c = curlFor(server.url);
    assertEquals(c.performTextSync(), "this is not packed at all");
    c.setopt(curl.ACCEPT_ENCODING, "gzip");
    assertCurlError(() => c.performTextSync(), curl.E_BAD_CONTENT_ENCODING);
  },
);

test(SERVER, "HTTP_TRANSFER_DECODING leaves chunks as they are", async () => {
  await using server = await startOnce(chunked(["body"]));
  using c = curlFor(server.url);
  c.setopt(curl.HTTP_TRANSFER_DECODING, false);
  assertEquals(c.performTextSync(), "4\r\nbody\r\n0\r\n\r\n");
});

test(SERVER, "IGNORE_CONTENT_LENGTH reads until the end", async () => {
  await using server = await startOnce(lyingLength("all of it", 3));
  using c = curlFor(server.url);
  assertEquals(c.performTextSync(), "all");
  c.setopt(curl.IGNORE_CONTENT_LENGTH, true);
  assertEquals(c.performTextSync(), "all of it");
});

test(SERVER, "HTTP09_ALLOWED takes an answer without a head", async () => {
  await using server = await startOnce("just a body\n");
  using c = curlFor(server.url);
  const unsupported = curl.E_UNSUPPORTED_PROTOCOL;
  assertCurlError(() => c.performTextSync(), unsupported, "HTTP/0.9");
  c.setopt(curl.HTTP09_ALLOWED, true);
  assertEquals(c.performTextSync(), "just a body\n");
});

test(SERVER, "HTTP200ALIASES takes another status line", async () => {
  await using server = await startOnce("ICY 200 OK\r\n\r\nmusic");
  using c = curlFor(server.url);
  c.setopt(curl.HTTP200ALIASES, ["ICY 200"]);
  assertEquals(c.performTextSync(), "music");
  assertEquals(c.getinfo(curl.RESPONSE_CODE), 200);
});

const MODIFIED = "Thu, 01 Jan 2026 00:00:00 GMT";
const MODIFIED_AT = Date.parse(MODIFIED) / 1000;

/** Conditions, whether they are met by a document of that time. */
const CONDITIONS = [
  ["IFMODSINCE", -1, "If-Modified-Since", true],
  ["IFMODSINCE", 1, "If-Modified-Since", false],
  ["IFUNMODSINCE", 1, "If-Unmodified-Since", true],
  ["IFUNMODSINCE", -1, "If-Unmodified-Since", false],
] as const;

for (const [name, seconds, header, met] of CONDITIONS) {
  test(
    SERVER,
    `TIMECONDITION_${name} is ${met ? "" : "not "}met by a document of ${
      seconds < 0 ? "a second later" : "a second earlier"
    }`,
    async () => {
      await using server = await startAnswering(
        okay("body", { "Last-Modified": MODIFIED }),
      );
      using c = curlFor(server.url);
      const time = MODIFIED_AT + seconds;
      c.setopt(curl.TIMECONDITION, curl[`TIMECONDITION_${name}`]);
      c.setopt(curl.TIMEVALUE_LARGE, time);
      assertEquals(c.performTextSync(), met ? "body" : "");
      assertEquals(c.getinfo(curl.CONDITION_UNMET), met ? 0 : 1);
      const lines = await headOf(server);
      const line = `${header}: ${new Date(time * 1000).toUTCString()}`;
      assert(lines.includes(line), lines.join("\n"));
    },
  );
}

test(SERVER, "OPT_FILETIME asks when the document was modified", async () => {
  await using server = await startAnswering(
    okay("body", { "Last-Modified": MODIFIED }),
  );
  using c = curlFor(server.url);
  c.performTextSync();
  assertEquals(c.getinfo(curl.FILETIME_T), -1);
  c.setopt(curl.OPT_FILETIME, true);
  c.performTextSync();
  assertEquals(c.getinfo(curl.FILETIME_T), MODIFIED_AT);
});

test(SERVER, "RANGE takes several parts, and the last bytes", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/range/1000`);
  c.setopt(curl.RANGE, "-10");
  assertEquals(c.performBytesSync(), patternBytes(10, 990));
  c.setopt(curl.RANGE, "990-");
  assertEquals(c.performBytesSync(), patternBytes(10, 990));
  c.setopt(curl.RANGE, "0-1,5-6");
  c.performBytesSync();
  const { headers } = (await server.requests()).at(-1)!;
  assertEquals(new Headers(headers).get("range"), "bytes=0-1,5-6");
});

test(SERVER, "RESUME_FROM fails when the server begins anew", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/bytes/1000`);
  c.setopt(curl.RESUME_FROM, 500);
  assertCurlError(() => c.performBytesSync(), curl.E_RANGE_ERROR);
});

test(SERVER, "BUFFERSIZE limits the pieces of the body", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/bytes/100000`);
  const longest = () => {
    let length = 0;
    c.setopt(curl.WRITEFUNCTION, (data) => {
      length = Math.max(length, data.length);
    });
    c.performSync();
    return length;
  };
  c.setopt(curl.BUFFERSIZE, 1024);
  assertLess(longest(), 1025);
});

test(SERVER, "MAX_RECV_SPEED_LARGE holds a download back", async () => {
  await using server = await startServer();
  const size = 20_000_000;
  using c = curlFor(`${server.url}/bytes/${size}`);
  c.setopt(curl.MAX_RECV_SPEED_LARGE, 100_000);
  c.setopt(curl.TIMEOUT_MS, 500);
  assertCurlError(() => c.performBytesSync(), curl.E_OPERATION_TIMEDOUT);
  // Half a second at this speed, and what was on its way.
  assertLess(c.getinfo(curl.SIZE_DOWNLOAD_T), 1_000_000);
});

test(SERVER, "MAX_SEND_SPEED_LARGE holds an upload back", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/upload`);
  c.setopt(curl.POSTFIELDS, new Uint8Array(20_000_000));
  c.setopt(curl.MAX_SEND_SPEED_LARGE, 100_000);
  c.setopt(curl.TIMEOUT_MS, 500);
  assertCurlError(() => c.performBytesSync(), curl.E_OPERATION_TIMEDOUT);
  assertLess(c.getinfo(curl.SIZE_UPLOAD_T), 1_000_000);
});

test(SERVER, "LOW_SPEED_LIMIT ends a transfer that is too slow", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/stall`);
  c.setopt(curl.LOW_SPEED_LIMIT, 1000);
  c.setopt(curl.LOW_SPEED_TIME, 1);
  const late = curl.E_OPERATION_TIMEDOUT;
  assertCurlError(() => c.performBytesSync(), late, "too slow");
});
