/** Bad input: each is refused with its class and text, and changes nothing. */

import * as curl from "../mod.ts";
import type { CurlOption } from "../mod.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "./assert.ts";
import {
  assertCurlError,
  assertIsFile,
  assertUsable,
  curlFor,
  FILE,
} from "./fixtures/checks.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { test } from "./permissions.ts";

const TEXT = new TextEncoder();

Deno.test("setopt() refuses numbers past the exact ones", () => {
  using c = new curl.Curl();
  for (const option of [curl.TIMEOUT, curl.MAX_SEND_SPEED_LARGE]) {
    for (const value of [2 ** 53, -(2 ** 53), 2 ** 63, 1e300]) {
      assertThrows(() => c.setopt(option, value), RangeError, "bigint");
    }
    c.setopt(option, 2 ** 53 - 1);
  }
});

Deno.test("setopt() refuses bigints past 64 bits", () => {
  using c = new curl.Curl();
  for (const option of [curl.TIMEOUT, curl.MAX_SEND_SPEED_LARGE]) {
    for (const value of [2n ** 63n, -(2n ** 63n) - 1n, 2n ** 64n, 10n ** 99n]) {
      assertThrows(() => c.setopt(option, value), RangeError, "64 bits");
    }
    c.setopt(option, 2n ** 63n - 1n);
  }
});

Deno.test("setopt() hands 64-bit numbers over whole", () => {
  using c = curlFor(FILE);
  for (const from of [2n ** 62n + 1n, 2 ** 40, 2n ** 53n + 1n]) {
    c.setopt(curl.RESUME_FROM, from);
    assertCurlError(() => c.performTextSync(), curl.E_BAD_DOWNLOAD_RESUME);
  }
  c.setopt(curl.RESUME_FROM, 1);
  assert(!c.performTextSync().startsWith("{"));
});

Deno.test("setopt() throws libcurl's code for a number it does not take", () => {
  using c = curlFor(FILE);
  const bad = curl.E_BAD_FUNCTION_ARGUMENT;
  for (const option of [curl.TIMEOUT, curl.MAXFILESIZE, curl.PORT]) {
    assertCurlError(() => c.setopt(option, -2), bad);
    assertCurlError(() => c.setopt(option, -(2n ** 63n)), bad);
  }
  assertIsFile(c.performTextSync());
});

Deno.test("setopt() refuses a NUL inside a string", () => {
  using c = new curl.Curl();
  const values = ["\0", "a\0b", "ab\0", "é".repeat(3000) + "\0"];
  for (const value of [...values, ...values.map((v) => TEXT.encode(v))]) {
    assertThrows(() => c.setopt(curl.URL, value), TypeError, "NUL");
    assertThrows(() => c.setopt(curl.URL, value), TypeError, "URL");
  }
  assertThrows(() => c.setoptString(curl.URL, "a\0b"), TypeError, "NUL");
  for (const value of values) {
    const set = () => c.setopt(curl.HTTPHEADER, ["A: 1", value]);
    assertThrows(set, TypeError, "NUL");
  }
});

Deno.test("setopt() refuses a lone surrogate", () => {
  using c = new curl.Curl();
  for (const value of ["\ud800", "a\udc00b", "\ud83d".padStart(5000, "x")]) {
    for (
      const [option, given] of [
        [curl.URL, value],
        [curl.POSTFIELDS, value],
        [curl.HTTPHEADER, [value]],
        [curl.CAINFO_BLOB, value],
      ] as [CurlOption, unknown][]
    ) {
      assertThrows(() => c.setopt(option, given), TypeError, "surrogate");
    }
    const set = () => c.setoptString(curl.URL, value);
    assertThrows(set, TypeError, "surrogate");
  }
});

Deno.test("setopt() takes every well-formed string whole", () => {
  using c = new curl.Curl();
  const texts = ["é", "尺", "📏", "aé尺📏"];
  for (const length of [1, 63, 64, 65, 255, 256, 1365, 1366, 4096, 5000]) {
    for (const text of ["x", ...texts]) {
      const url = `file:///${text.repeat(length)}`;
      c.setopt(curl.URL, url);
      assertEquals(c.getinfo(curl.EFFECTIVE_URL), url);
      c.setopt(curl.URL, TEXT.encode(url));
      assertEquals(c.getinfo(curl.EFFECTIVE_URL), url);
    }
  }
});

Deno.test("setopt() refuses an empty blob as libcurl does", () => {
  using c = new curl.Curl();
  for (const empty of ["", new Uint8Array(), new ArrayBuffer(0)]) {
    const set = () => c.setopt(curl.CAINFO_BLOB, empty);
    assertCurlError(set, curl.E_BAD_FUNCTION_ARGUMENT);
  }
});

Deno.test("setopt() takes an empty string and empty bytes", () => {
  using c = curlFor(FILE);
  for (const empty of ["", new Uint8Array()]) {
    c.setopt(curl.USERAGENT, empty);
    c.setopt(curl.URL, empty);
    assertEquals(c.getinfo(curl.EFFECTIVE_URL), "");
    assertCurlError(() => c.performSync(), curl.E_URL_MALFORMAT);
  }
});

/** Each option that takes bytes, with what puts bytes into its value. */
const BYTES: [name: string, set: (c: curl.Curl, b: Uint8Array) => void][] = [
  ["URL", (c, bytes) => c.setopt(curl.URL, bytes)],
  ["POSTFIELDS", (c, bytes) => c.setopt(curl.POSTFIELDS, bytes)],
  ["COPYPOSTFIELDS", (c, bytes) => c.setopt(curl.COPYPOSTFIELDS, bytes)],
  ["HTTPHEADER", (c, bytes) => c.setopt(curl.HTTPHEADER, ["A: 1", bytes])],
  ["CAINFO_BLOB", (c, bytes) => c.setopt(curl.CAINFO_BLOB, bytes)],
  ["CAINFO_BLOB", (c, bytes) => c.setCaCerts(bytes)],
];

Deno.test("setopt() refuses bytes whose ArrayBuffer is detached", () => {
  using c = new curl.Curl();
  for (const [name, set] of BYTES) {
    const bytes = new Uint8Array(8);
    bytes.buffer.transfer();
    assertThrows(() => set(c, bytes), TypeError, "detached");
    assertThrows(() => set(c, bytes), TypeError, name);
  }
  const buffer = new ArrayBuffer(8);
  buffer.transfer();
  const set = () => c.setopt(curl.CAINFO_BLOB, buffer);
  assertThrows(set, TypeError, "detached");
});

Deno.test("setopt() takes bytes of a resizable ArrayBuffer", () => {
  using c = new curl.Curl();
  const url = TEXT.encode(FILE);
  const buffer = new ArrayBuffer(url.length, { maxByteLength: 1000 });
  const bytes = new Uint8Array(buffer);
  bytes.set(url);
  c.setopt(curl.URL, bytes);
  buffer.resize(3);
  assertIsFile(c.performTextSync());
  c.setopt(curl.URL, bytes);
  assertEquals(c.getinfo(curl.EFFECTIVE_URL), FILE.slice(0, 3));
});

Deno.test("setopt() refuses bytes that a resize has put out of reach", () => {
  using c = new curl.Curl();
  for (const [, set] of BYTES) {
    const buffer = new ArrayBuffer(16, { maxByteLength: 32 });
    const bytes = new Uint8Array(buffer, 8, 8);
    buffer.resize(4);
    assertThrows(() => set(c, bytes), TypeError);
  }
});

Deno.test("setopt() takes bytes of shared memory", () => {
  using c = new curl.Curl();
  const url = TEXT.encode(FILE);
  const bytes = new Uint8Array(new SharedArrayBuffer(url.length));
  bytes.set(url);
  c.setopt(curl.URL, bytes);
  bytes.fill(0);
  assertIsFile(c.performTextSync());
});

Deno.test("setopt() throws libcurl's code for a string of 100 MB", () => {
  using c = curlFor(FILE);
  const long = "x".repeat(100_000_000);
  const bad = curl.E_BAD_FUNCTION_ARGUMENT;
  assertCurlError(() => c.setopt(curl.URL, long), bad);
  assertCurlError(() => c.setopt(curl.USERAGENT, TEXT.encode(long)), bad);
  assertIsFile(c.performTextSync());
});

test(SERVER, "setopt() takes 100 MB for POSTFIELDS", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/upload`);
  c.setopt(curl.POSTFIELDS, "x".repeat(100_000_000));
  assertEquals(JSON.parse(c.performTextSync()).bytes, 100_000_000);
});

Deno.test("setopt() passes on what a list's iterator throws", () => {
  using c = curlFor(FILE);
  const broken = {
    *[Symbol.iterator]() {
      yield "A: 1";
      throw new SyntaxError("out");
    },
  };
  const set = () => c.setopt(curl.HTTPHEADER, broken);
  assertThrows(set, SyntaxError, "out");
  assertUsable(c);
});

Deno.test("setopt() notices when a list's iterator closes the handle", () => {
  const c = curlFor(FILE);
  function* closing() {
    c.close();
    yield "A: 1";
  }
  const set = () => c.setopt(curl.HTTPHEADER, closing());
  assertCurlError(set, undefined, "no curl handle");
});

Deno.test("setopt() refuses what only looks like a share", () => {
  using c = new curl.Curl();
  using share = new curl.CurlShare();
  const fake = { handle: share.handle };
  assertThrows(() => c.setopt(curl.SHARE, fake), TypeError, "CurlShare");
  const proxy = Object.create(curl.CurlShare.prototype);
  assertThrows(() => c.setopt(curl.SHARE, proxy), TypeError);
  assertEquals(share.attached, 0);
});

Deno.test("Curl's methods refuse a `this` that is no Curl", () => {
  const { performSync, setopt, close } = curl.Curl.prototype;
  for (const self of [undefined, {}, Object.create(curl.Curl.prototype)]) {
    assertThrows(() => performSync.call(self), TypeError);
    assertThrows(() => setopt.call(self, curl.TIMEOUT, 1), TypeError);
    assertThrows(() => close.call(self), TypeError);
  }
});

Deno.test("new Curl() makes a new handle whatever it is given", () => {
  const Class = curl.Curl as unknown as new (value: unknown) => curl.Curl;
  using known = new curl.Curl();
  const fake = { id: known.handle, callbacks: {}, kept: 1 };
  for (const value of [fake, known, known.handle, null]) {
    using c = new Class(value);
    assert(c.handle > known.handle);
    assertEquals(c.getinfo(curl.INFO_PRIVATE), null);
  }
});

Deno.test("Curl keeps its own when a subclass is made of it", () => {
  class Browser extends curl.Curl {
    pages = 0;
    get(url: string): string {
      this.pages += 1;
      this.setopt(curl.URL, url);
      return this.performTextSync();
    }
  }
  using browser = new Browser();
  assertIsFile(browser.get(FILE));
  assertEquals(browser.pages, 1);
  assertStrictEquals(curl.Curl.fromHandle(browser.handle), browser);
  using copy = browser.duphandle();
  assertInstanceOf(copy, curl.Curl);
});

/** Options whose old value shows at the server, and a value that fails. */
const KEPT: [name: string, old: [CurlOption, unknown], bad: unknown][] = [
  ["a string", [curl.USERAGENT, "old"], "a\0b"],
  ["a string", [curl.USERAGENT, "old"], "x".repeat(9_000_000)],
  ["a string", [curl.USERAGENT, "old"], 5],
  ["bytes", [curl.POSTFIELDS, "old"], "\ud800"],
  ["bytes", [curl.POSTFIELDS, "old"], 5],
  ["a list", [curl.HTTPHEADER, ["X-Test: old"]], ["X-Test: new", "a\0b"]],
  ["a list", [curl.HTTPHEADER, ["X-Test: old"]], ["X-Test: new", 5]],
  ["a list", [curl.HTTPHEADER, ["X-Test: old"]], "X-Test: new"],
];

for (const [name, [option, old], bad] of KEPT) {
  const shown = typeof bad === "string" && bad.length > 9
    ? "a long string"
    : JSON.stringify(bad);
  test(SERVER, `setopt() leaves ${name} as it was given ${shown}`, async () => {
    await using server = await startServer();
    using c = curlFor(`${server.url}/echo`);
    c.setopt(option, old);
    assertThrows(() => c.setopt(option, bad), Error);
    const seen = c.performTextSync();
    assertStringIncludes(seen, "old");
    assert(!seen.includes("new"));
  });
}

test(SERVER, "setopt() leaves a function as it was given no one", async () => {
  await using server = await startServer();
  using c = curlFor(server.url);
  let calls = 0;
  c.setopt(curl.WRITEFUNCTION, () => void calls++);
  for (const value of [5, "x", {}]) {
    const set = () => c.setopt(curl.WRITEFUNCTION, value as never);
    assertThrows(set, TypeError, "WRITEFUNCTION");
  }
  const stream = () => c.setopt(curl.WRITEDATA, new ReadableStream() as never);
  assertThrows(stream, TypeError);
  c.performSync();
  assertEquals(calls, 1);
});

test(SERVER, "setopt() refuses a POSTFIELDSIZE past POSTFIELDS", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/echo`);
  c.setopt(curl.POSTFIELDS, "12345");
  for (const size of [6, 2 ** 40, 2n ** 63n - 1n]) {
    const set = () => c.setopt(curl.POSTFIELDSIZE, size);
    assertThrows(set, RangeError, "POSTFIELDS");
  }
  assertEquals(JSON.parse(c.performTextSync()).body, "12345");
  c.setopt(curl.POSTFIELDSIZE, 3);
  assertEquals(JSON.parse(c.performTextSync()).body, "123");
  c.setopt(curl.POSTFIELDS, "ab");
  assertEquals(JSON.parse(c.performTextSync()).body, "ab");
});
