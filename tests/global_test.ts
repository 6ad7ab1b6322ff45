/** What libcurl says about itself and its codes. */

import * as curl from "../mod.ts";
import { assert, assertEquals, assertMatch, assertThrows } from "./assert.ts";
import config from "../deno.json" with { type: "json" };

Deno.test("versionInfo() tells what is linked", () => {
  const info = curl.versionInfo();
  assertMatch(info.version, /^\d+\.\d+\.\d+$/);
  assertEquals(info.shim, config.version);
  const [major, minor, patch] = info.version.split(".").map(Number);
  assertEquals(info.versionNumber, major << 16 | minor << 8 | patch);
  assert(info.text.startsWith(`libcurl/${info.version} `));
  assert(info.text.includes(info.sslVersion!));
});

Deno.test("versionInfo() lists protocols and features by name", () => {
  const { protocols, featureNames } = curl.versionInfo();
  const wanted = ["file", "ftp", "http", "https", "rtsp", "sftp", "wss"];
  assertEquals(wanted.filter((name) => !protocols.includes(name)), []);
  const features = ["HSTS", "HTTP2", "IPv6", "SSL", "brotli", "libz", "zstd"];
  assertEquals(features.filter((name) => !featureNames.includes(name)), []);
});

Deno.test("versionInfo() sums features up as VERSION_* bits", () => {
  const { features, featureNames } = curl.versionInfo();
  const bits: [name: string, bit: number][] = [
    ["HTTP2", curl.VERSION_HTTP2],
    ["IPv6", curl.VERSION_IPV6],
    ["SSL", curl.VERSION_SSL],
    ["libz", curl.VERSION_LIBZ],
    ["NTLM", curl.VERSION_NTLM],
    ["PSL", curl.VERSION_PSL],
  ];
  for (const [name, bit] of bits) {
    const isThere = Math.floor(features / bit) % 2 === 1;
    assertEquals(isThere, featureNames.includes(name), name);
  }
});

Deno.test("versionInfo() gives an object of its own each time", () => {
  const first = curl.versionInfo() as { version: string };
  first.version = "changed";
  assert(curl.versionInfo().version !== "changed");
});

Deno.test("versionInfo() has every number of libcurl's own structure", () => {
  const info = curl.versionInfo();
  assert(info.age >= 11);
  const parts = (version: string) =>
    version.split("/").at(-1)!.split(".").map(Number);
  const brotli = parts(info.brotliVersion!);
  assertEquals(info.brotliVersionNumber, sum(brotli, 24, 12, 0));
  const nghttp2 = parts(info.nghttp2Version!);
  assertEquals(info.nghttp2VersionNumber, sum(nghttp2, 16, 8, 0));
  const [major, minor, patch] = parts(info.zstdVersion!);
  const zstd = major * 10_000 + minor * 100 + patch;
  assertEquals(info.zstdVersionNumber, zstd);
  assertEquals(
    [info.aresNumber, info.iconvVersionNumber, info.sslVersionNumber],
    [0, 0, 0],
  );
});

/** Each number, shifted to the left by so much. */
function sum(numbers: number[], ...shifts: number[]): number {
  return numbers.reduce((all, number, at) => all + number * 2 ** shifts[at], 0);
}

Deno.test("globalInit() and globalCleanup() change nothing", () => {
  for (const flags of [undefined, 0, curl.GLOBAL_ALL, curl.GLOBAL_ACK_EINTR]) {
    assertEquals(curl.globalInit(flags), undefined);
  }
  using c = new curl.Curl();
  c.setopt(curl.URL, import.meta.url);
  curl.globalCleanup();
  curl.globalCleanup();
  assert(c.performBytesSync().length > 0);
});

Deno.test("globalInit() refuses flags that are none", () => {
  for (const flags of [8, -1, 1.5, NaN, "1", null]) {
    const init = () => curl.globalInit(flags as number);
    assertThrows(init, RangeError, "invalid option to globalInit");
  }
});

Deno.test("version names this module and the linked libcurl", () => {
  const linked = curl.versionInfo().version;
  assertEquals(curl.version, `denocurl/${config.version} libcurl/${linked}`);
});

const STRERRORS: [
  name: string,
  strerror: (code: number) => string,
  known: Record<number, string>,
][] = [
  ["easyStrerror", curl.easyStrerror, {
    0: "No error",
    [curl.E_OPERATION_TIMEDOUT]: "Timeout was reached",
    [curl.E_COULDNT_CONNECT]: "Could not connect to server",
  }],
  ["multiStrerror", curl.multiStrerror, { 0: "No error" }],
  ["shareStrerror", curl.shareStrerror, {
    0: "No error",
    [curl.SHE_IN_USE]: "Share currently in use",
  }],
  ["urlStrerror", curl.urlStrerror, { 0: "No error" }],
];

for (const [name, strerror, known] of STRERRORS) {
  Deno.test(`${name}() gives libcurl's words`, () => {
    for (const [code, text] of Object.entries(known)) {
      assertEquals(strerror(Number(code)), text);
    }
  });

  Deno.test(`${name}() has words for any number`, () => {
    for (const code of [1, 2, -5, 12345, 2 ** 31 - 1, -(2 ** 31)]) {
      assert(strerror(code).length > 0, `${code}`);
    }
  });

  Deno.test(`${name}() refuses what is no code`, () => {
    for (const code of ["1", null, undefined, {}, NaN, 1.5, 1n]) {
      const words = () => strerror(code as number);
      try {
        assert(words().length > 0);
      } catch (error) {
        assert(error instanceof TypeError, `${name}(${code}): ${error}`);
      }
    }
  });
}

/** Old names of codes that libcurl uses no more. */
const RETIRED = [
  "E_BAD_CALLING_ORDER",
  "E_BAD_PASSWORD_ENTERED",
  "E_CONV_FAILED",
  "E_CONV_REQD",
  "E_FTP_COULDNT_GET_SIZE",
  "E_FTP_COULDNT_SET_ASCII",
  "E_FTP_WRITE_ERROR",
  "E_FUNCTION_NOT_FOUND",
  "E_HTTP_POST_ERROR",
  "E_LDAP_INVALID_URL",
  "E_LIBRARY_NOT_FOUND",
  "E_MALFORMAT_USER",
  "E_SHARE_IN_USE",
];

Deno.test("easyStrerror() knows every code that libcurl uses", () => {
  const unknown = curl.easyStrerror(999);
  const silent = Object.entries(curl).filter(([name, code]) =>
    /^E_(?!MULTI|CALL_MULTI|ALREADY_COMPLETE)/.test(name) &&
    curl.easyStrerror(code as number) === unknown
  );
  assertEquals(silent.map(([name]) => name).toSorted(), RETIRED);
});
