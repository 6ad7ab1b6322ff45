/** Infos: every one of libcurl's, by the kind of its value. */

import * as curl from "../mod.ts";
import type { CurlInfo } from "../mod.ts";
import {
  INFO_KIND,
  INFO_NAME,
  INFO_NUMBER,
  InfoKind,
} from "../src/tables/kinds.ts";
import { createCertificates } from "../tools/certificates.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "./assert.ts";
import {
  assertCurlError,
  assertUsable,
  curlFor,
  FILE,
} from "./fixtures/checks.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { test } from "./permissions.ts";

type Kind = keyof typeof InfoKind;

function infosOf(...kinds: Kind[]): [name: string, info: CurlInfo][] {
  const wanted = kinds.map((kind) => InfoKind[kind] as number);
  const found = [...INFO_NUMBER].map((number, index) =>
    [INFO_NAME[index], number as CurlInfo] as [string, CurlInfo]
  ).filter(([name], index) => name !== "" && wanted.includes(INFO_KIND[index]));
  assertGreater(found.length, 0);
  return found;
}

/** What each kind of info gives; for strings, raw ones too. */
const CHECKS: Partial<Record<Kind, (value: unknown, raw: unknown) => boolean>> =
  {
    string: (value, raw) =>
      value === null
        ? raw === null
        : typeof value === "string" && raw instanceof Uint8Array &&
          new TextDecoder().decode(raw) === value,
    long: (value, raw) => Number.isSafeInteger(value) && raw === value,
    offT: (value, raw) => Number.isSafeInteger(value) && raw === value,
    socket: (value, raw) => Number.isSafeInteger(value) && raw === value,
    double: (value, raw) => Number.isFinite(value) && raw === value,
    list: (value, raw) => Array.isArray(value) && Array.isArray(raw),
    certinfo: (value, raw) => Array.isArray(value) && Array.isArray(raw),
  };

for (const [kind, isRight] of Object.entries(CHECKS)) {
  Deno.test(`getinfo() gives every ${kind} before a transfer and after`, () => {
    using c = new curl.Curl();
    const check = (when: string) => {
      for (const [name, info] of infosOf(kind as Kind)) {
        const value = c.getinfo(info);
        const raw = c.getinfoRaw(info);
        assert(isRight(value, raw), `${name} ${when}: ${value} ${raw}`);
      }
    };
    check("before");
    c.setopt(curl.URL, FILE);
    c.performTextSync();
    check("after");
    c.reset();
    check("after reset()");
  });
}

Deno.test("getinfo() refuses infos that are pointers", () => {
  using c = new curl.Curl();
  for (const [name, info] of infosOf("unsupported")) {
    const text =
      `getinfo(${name}): its value is a pointer, which JavaScript never`;
    assertThrows(() => c.getinfo(info), TypeError, text);
    assertThrows(() => c.getinfoRaw(info), TypeError, name);
  }
  assertUsable(c);
});

Deno.test("getinfo() refuses numbers that are no info", () => {
  using c = new curl.Curl();
  for (const number of [0, 1, 10002, 0x100000, 0x10ffff, 0x700001, 2 ** 31]) {
    const info = number as CurlInfo;
    const unknown = curl.E_UNKNOWN_OPTION;
    assertCurlError(() => c.getinfo(info), unknown, `${number}`);
    assertCurlError(() => c.getinfoRaw(info), unknown, `${number}`);
  }
});

const ODD = [0.5, 2 ** 32, -(2 ** 32)].map((more) => curl.EFFECTIVE_URL + more);

Deno.test("getinfo() refuses infos that are not even unsigned integers", () => {
  using c = new curl.Curl();
  for (const number of [...ODD, NaN, -1, Infinity]) {
    const info = number as CurlInfo;
    const error = assertThrows(() => c.getinfo(info), Error, `${number}`);
    assert(error instanceof TypeError || error instanceof curl.CurlError);
  }
});

Deno.test("getinfo() refuses them in optimised code, too", () => {
  using c = new curl.Curl();
  const get = (info: number) => c.getinfo(info as CurlInfo);
  for (let i = 0; i < 200_000; i++) get(curl.EFFECTIVE_URL);
  for (const number of ODD) {
    assertThrows(() => get(number), Error, `${number}`);
  }
});

Deno.test("getinfo() refuses an info that is not a number", () => {
  using c = new curl.Curl();
  for (const info of ["URL", undefined, null, {}, 1n, [curl.EFFECTIVE_URL]]) {
    const wrong = info as unknown as CurlInfo;
    assertThrows(() => c.getinfo(wrong), TypeError, "constants");
    assertThrows(() => c.getinfoRaw(wrong), TypeError, "constants");
  }
});

Deno.test("getinfoRaw() gives bytes that are the caller's to keep", () => {
  using c = new curl.Curl();
  c.setopt(curl.URL, FILE);
  const first = c.getinfoRaw(curl.EFFECTIVE_URL)!;
  c.setopt(curl.URL, "file:///other");
  c.getinfoRaw(curl.EFFECTIVE_URL);
  assertEquals(new TextDecoder().decode(first), FILE);
});

Deno.test("getinfo() gives strings longer than its first buffer", () => {
  using c = new curl.Curl();
  for (const length of [1000, 1023, 1024, 1025, 100_000]) {
    const url = "file:///".padEnd(length, "é");
    c.setopt(curl.URL, url);
    assertEquals(c.getinfo(curl.EFFECTIVE_URL), url);
  }
});

Deno.test("getinfo() gives COOKIELIST's cookies, each a string", () => {
  using c = new curl.Curl();
  assertEquals(c.getinfo(curl.INFO_COOKIELIST), []);
  for (const name of ["a", "b"]) {
    const line = `Set-Cookie: ${name}=ü; domain=example.com; path=/`;
    c.setopt(curl.OPT_COOKIELIST, line);
  }
  const cookies = c.getinfo(curl.INFO_COOKIELIST).toSorted();
  assertEquals(cookies, [
    ".example.com\tTRUE\t/\tFALSE\t0\ta\tü",
    ".example.com\tTRUE\t/\tFALSE\t0\tb\tü",
  ]);
  const [raw] = c.getinfoRaw(curl.INFO_COOKIELIST);
  assertInstanceOf(raw, Uint8Array);
  c.setopt(curl.OPT_COOKIELIST, "ALL");
  assertEquals(c.getinfo(curl.INFO_COOKIELIST), []);
});

test(SERVER, "getinfo() tells about the last transfer", async () => {
  await using server = await startServer();
  const url = `${server.url}/bytes/5000`;
  using c = curlFor(url);
  c.setopt(curl.REFERER, "http://example.com/");
  c.setopt(curl.POSTFIELDS, "12345");
  c.performBytesSync();
  const told: [CurlInfo, unknown][] = [
    [curl.CONTENT_LENGTH_DOWNLOAD, 5000],
    [curl.CONTENT_LENGTH_DOWNLOAD_T, 5000],
    [curl.CONTENT_LENGTH_UPLOAD_T, 5],
    [curl.CONTENT_TYPE, "application/octet-stream"],
    [curl.EFFECTIVE_METHOD, "POST"],
    [curl.EFFECTIVE_URL, url],
    [curl.FILETIME_T, -1],
    [curl.FTP_ENTRY_PATH, null],
    [curl.INFO_HTTP_VERSION, curl.CURL_HTTP_VERSION_1_1],
    [curl.INFO_REFERER, "http://example.com/"],
    [curl.LOCAL_IP, "127.0.0.1"],
    [curl.NUM_CONNECTS, 1],
    [curl.PRIMARY_IP, "127.0.0.1"],
    [curl.PRIMARY_PORT, server.port],
    [curl.REDIRECT_COUNT, 0],
    [curl.RESPONSE_CODE, 200],
    [curl.SCHEME, "http"],
    [curl.SIZE_DOWNLOAD, 5000],
    [curl.SIZE_DOWNLOAD_T, 5000],
    [curl.SIZE_UPLOAD_T, 5],
    [curl.SSL_ENGINES, []],
  ];
  for (const [info, value] of told) {
    assertEquals(c.getinfo(info), value, String(info));
  }
  const [{ client }] = await server.requests();
  assertEquals(client, `127.0.0.1:${c.getinfo(curl.LOCAL_PORT)}`);
});

test(SERVER, "getinfo() gives times that grow from step to step", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/slow?ms=20`);
  c.performTextSync();
  const steps = [
    [curl.NAMELOOKUP_TIME, curl.NAMELOOKUP_TIME_T],
    [curl.CONNECT_TIME, curl.CONNECT_TIME_T],
    [curl.PRETRANSFER_TIME, curl.PRETRANSFER_TIME_T],
    [curl.STARTTRANSFER_TIME, curl.STARTTRANSFER_TIME_T],
    [curl.TOTAL_TIME, curl.TOTAL_TIME_T],
  ];
  let before = 0;
  for (const [info, microseconds] of steps) {
    const seconds = c.getinfo(info);
    assertGreaterOrEqual(seconds, before);
    const difference = seconds * 1e6 - c.getinfo(microseconds);
    assertEquals(Math.round(difference), 0);
    before = seconds;
  }
  assertGreaterOrEqual(c.getinfo(curl.STARTTRANSFER_TIME_T), 20_000);
});

test(SERVER, "getinfo() gives ACTIVESOCKET while it is connected", async () => {
  await using server = await startServer();
  using c = curlFor(server.url);
  const opened: number[] = [];
  c.setopt(curl.SOCKOPTFUNCTION, (fd) => void opened.push(fd));
  assertEquals(c.getinfo(curl.ACTIVESOCKET), -1);
  c.performTextSync();
  assertEquals([c.getinfo(curl.ACTIVESOCKET)], opened);
  assertEquals([c.getinfo(curl.LASTSOCKET)], opened);
});

test(SERVER, "getinfo() gives CERTINFO's certificates", async () => {
  const { ca, server: tls } = await createCertificates();
  await using server = await startServer({ tls });
  using c = curlFor(server.url);
  c.setCaCerts(ca);
  c.setopt(curl.OPT_CERTINFO, true);
  assertEquals(c.getinfo(curl.INFO_CERTINFO), []);
  c.performTextSync();
  const chain = c.getinfo(curl.INFO_CERTINFO);
  assertEquals(chain.length, 1);
  const fields = new Map(chain[0]);
  assertEquals(fields.get("Subject"), "CN = localhost");
  assertEquals(fields.get("Issuer"), "CN = Test authority");
  assertEquals(fields.get("Cert"), tls.cert);
  assertMatch(fields.get("Expire date")!, /GMT$/);
  const [[[name, value]]] = c.getinfoRaw(curl.INFO_CERTINFO);
  assertEquals(new TextDecoder().decode(name), "Subject");
  assertEquals(new TextDecoder().decode(value), "CN = localhost");
});

test(SERVER, "getinfo() answers inside the handle's callbacks", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/status/418`);
  const seen: unknown[] = [];
  c.setopt(curl.WRITEFUNCTION, () => {
    seen.push(c.getinfo(curl.RESPONSE_CODE));
    seen.push(c.getinfo(curl.EFFECTIVE_URL));
    seen.push(c.getinfo(curl.INFO_COOKIELIST));
  });
  c.performSync();
  assertEquals(seen, [418, `${server.url}/status/418`, []]);
});

Deno.test("getinfo() tells of a transfer that failed", () => {
  using c = curlFor("file:///does/not/exist");
  const failed = curl.E_FILE_COULDNT_READ_FILE;
  const error = assertCurlError(() => c.performSync(), failed);
  assertStringIncludes(error.message, "/does/not/exist");
  assertEquals(c.getinfo(curl.EFFECTIVE_URL), "file:///does/not/exist");
  assertEquals(c.getinfo(curl.RESPONSE_CODE), 0);
  assertUsable(c);
});
