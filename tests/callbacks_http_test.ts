/** The callbacks of HTTP: trailers and HSTS. */

import * as curl from "../mod.ts";
import type { HstsEntry } from "../mod.ts";
import { createCertificates } from "../tools/certificates.ts";
import {
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertStringIncludes,
} from "./assert.ts";
import { assertCurlError, assertUsable, curlFor } from "./fixtures/checks.ts";
import { okay } from "./fixtures/http_answers.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { expect, send } from "./fixtures/script.ts";
import { startScriptedServer } from "./fixtures/scripted_server.ts";
import { test } from "./permissions.ts";

test(SERVER, "TRAILERFUNCTION adds headers after the body", async () => {
  await using server = await startScriptedServer({
    scripts: [[expect(/\r\n0\r\n(.+\r\n)*\r\n/), send(okay("done"))]],
  });
  using c = curlFor(server.url);
  const parts = ["body"];
  c.setopt(curl.UPLOAD, true);
  c.setopt(curl.HTTPHEADER, ["Trailer: X-Sum, X-Name"]);
  c.setopt(curl.READFUNCTION, () => parts.shift() ?? "");
  c.setopt(curl.TRAILERFUNCTION, () => {
    assertEquals(parts, []);
    return ["X-Sum: 42", "X-Name: größe"];
  });
  assertEquals(c.performTextSync(), "done");
  const [{ text }] = await server.ended(1);
  const [, sent] = text.split("\n0\r\n");
  assertEquals(sent, "X-Sum: 42\r\nX-Name: größe\r\n\r\n");
});

test(SERVER, "TRAILERFUNCTION aborts with TRAILERFUNC_ABORT", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/upload`);
  c.setopt(curl.UPLOAD, true);
  c.setopt(curl.READFUNCTION, () => "");
  c.setopt(curl.TRAILERFUNCTION, () => curl.TRAILERFUNC_ABORT);
  const aborted = curl.E_ABORTED_BY_CALLBACK;
  const error = assertCurlError(() => c.performTextSync(), aborted);
  assertEquals(error.cause, undefined);
  c.setopt(curl.TRAILERFUNCTION, () => curl.TRAILERFUNC_OK);
  assertEquals(JSON.parse(c.performTextSync()).bytes, 0);
});

test(SERVER, "TRAILERFUNCTION is refused what is no header line", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/upload`);
  c.setopt(curl.UPLOAD, true);
  c.setopt(curl.READFUNCTION, () => "");
  const wrong = ["A: 1\r\nB: 2", "A: 1\n", "A: \0", 5, null, ["A: 1"]];
  for (const line of wrong as string[]) {
    c.setopt(curl.TRAILERFUNCTION, () => ["X: 1", line]);
    const aborted = curl.E_ABORTED_BY_CALLBACK;
    const { cause } = assertCurlError(() => c.performTextSync(), aborted);
    assertInstanceOf(cause, TypeError);
    assertStringIncludes(cause.message, "TRAILERFUNCTION must return header");
  }
  assertUsable(c);
});

test(SERVER, "HSTSREADFUNCTION makes http: https:", async () => {
  const { ca, server: tls } = await createCertificates();
  await using server = await startServer({ tls });
  using c = curlFor(`http://localhost:${server.port}/`);
  const entries: (HstsEntry | null)[] = [
    { host: "example.com", expire: null, includeSubDomains: true },
    {
      host: "localhost",
      expire: "20991231 23:59:59",
      includeSubDomains: false,
    },
    null,
  ];
  c.setCaCerts(ca);
  c.setopt(curl.HSTS_CTRL, curl.CURLHSTS_ENABLE);
  c.setopt(curl.HSTSREADFUNCTION, () => entries.shift());
  c.setopt(curl.FOLLOWLOCATION, true);
  assertEquals(c.performTextSync(), "home\n");
  assertEquals(entries, []);
  assertEquals(c.getinfo(curl.SCHEME), "https");
});

test(
  SERVER,
  "HSTSREADFUNCTION is refused entries that make no sense",
  async () => {
    await using server = await startServer();
    using c = curlFor(server.url);
    const good = { host: "a.example", expire: null, includeSubDomains: false };
    const wrong = [
      { ...good, host: "" },
      { ...good, host: 5 },
      { ...good, host: "a\0b" },
      { ...good, host: "x".repeat(10_000) },
      { ...good, expire: "tomorrow" },
      { ...good, expire: undefined },
      { ...good, expire: new Date() },
    ];
    c.setopt(curl.HSTS_CTRL, curl.CURLHSTS_ENABLE);
    for (const entry of wrong as HstsEntry[]) {
      let isDone = false;
      c.setopt(curl.HSTSREADFUNCTION, () => {
        if (isDone) return null;
        isDone = true;
        return entry;
      });
      assertCurlError(() => c.performTextSync(), curl.E_ABORTED_BY_CALLBACK);
    }
    assertUsable(c);
  },
);

/** A handle with two entries to save, which were read. */
function withEntries(url: string): curl.Curl {
  const c = curlFor(url);
  const entries: (HstsEntry | null)[] = [
    { host: "a.example", expire: "20991231 23:59:59", includeSubDomains: true },
    { host: "b.example", expire: null, includeSubDomains: false },
    null,
  ];
  c.setopt(curl.HSTS_CTRL, curl.CURLHSTS_ENABLE);
  c.setopt(curl.HSTSREADFUNCTION, () => entries.shift());
  return c;
}

test(SERVER, "HSTSWRITEFUNCTION gets each entry at close()", async () => {
  await using server = await startServer();
  const c = withEntries(server.url);
  const heard: unknown[] = [];
  c.setopt(curl.HSTSWRITEFUNCTION, (...args) => {
    heard.push(args);
    return curl.CURLSTS_OK;
  });
  c.performTextSync();
  assertEquals(heard, []);
  c.close();
  assertEquals(heard, [
    [
      {
        host: "a.example",
        expire: "20991231 23:59:59",
        includeSubDomains: true,
      },
      { index: 0, total: 2 },
    ],
    [
      { host: "b.example", expire: null, includeSubDomains: false },
      { index: 1, total: 2 },
    ],
  ]);
});

test(
  SERVER,
  "HSTSREADFUNCTION takes what HSTSWRITEFUNCTION was given",
  async () => {
    await using server = await startServer();
    const saved: HstsEntry[] = [];
    const c = withEntries(server.url);
    c.setopt(curl.HSTSWRITEFUNCTION, (entry) => void saved.push(entry));
    c.performTextSync();
    c.close();
    assertEquals(saved.length, 2);
    using next = curlFor(server.url);
    next.setopt(curl.HSTS_CTRL, curl.CURLHSTS_ENABLE);
    next.setopt(curl.HSTSREADFUNCTION, () => saved.shift());
    assertEquals(next.performTextSync(), "home\n");
    assertEquals(saved, []);
  },
);

for (const answer of ["CURLSTS_DONE", "CURLSTS_FAIL"] as const) {
  test(SERVER, `HSTSWRITEFUNCTION ends with ${answer}`, async () => {
    await using server = await startServer();
    const c = withEntries(server.url);
    let calls = 0;
    c.setopt(curl.HSTSWRITEFUNCTION, () => {
      calls += 1;
      return curl[answer];
    });
    c.performTextSync();
    c.close();
    assertEquals([calls, c.closed], [1, true]);
  });
}

test(
  SERVER,
  "close() tells what HSTSWRITEFUNCTION threw, and closes",
  async () => {
    await using server = await startServer();
    const c = withEntries(server.url);
    const thrown = new Error("out");
    let calls = 0;
    c.setopt(curl.HSTSWRITEFUNCTION, () => {
      calls += 1;
      throw thrown;
    });
    c.performTextSync();
    const error = assertCurlError(() => c.close(), curl.E_ABORTED_BY_CALLBACK);
    assertStrictEquals(error.cause, thrown);
    assertEquals([calls, c.closed], [1, true]);
  },
);
