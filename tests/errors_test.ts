/** CurlError, and which class a failure has. */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "./assert.ts";
import { curlFor, FILE } from "./fixtures/checks.ts";

Deno.test("CurlError carries libcurl's code and text", () => {
  using c = curlFor("file:///does/not/exist");
  const error = assertThrows(() => c.performSync(), curl.CurlError);
  assertInstanceOf(error, Error);
  assertEquals(error.name, "CurlError");
  assertEquals(error.code, curl.E_FILE_COULDNT_READ_FILE);
  assert(error.message.length > 0);
  assert(error.stack!.includes("errors_test.ts"));
});

Deno.test("CurlError has no code when the state is wrong", () => {
  const c = curlFor(FILE);
  c.close();
  const error = assertThrows(() => c.performSync(), curl.CurlError);
  assertEquals(error.code, undefined);
  assert(!("cause" in error));
});

Deno.test("CurlError has libcurl's words when a setopt() fails", () => {
  using c = new curl.Curl();
  const set = () => c.setopt(curl.TIMEOUT, -1);
  const error = assertThrows(set, curl.CurlError, "TIMEOUT");
  assertEquals(error.code, curl.E_BAD_FUNCTION_ARGUMENT);
  const words = curl.easyStrerror(curl.E_BAD_FUNCTION_ARGUMENT);
  assert(error.message.includes(words), error.message);
});

Deno.test("CurlError keeps its message after further failures", () => {
  using c = curlFor("file:///does/not/exist");
  const first = assertThrows(() => c.performSync(), curl.CurlError);
  const text = first.message;
  c.setopt(curl.URL, "");
  assertThrows(() => c.performSync(), curl.CurlError);
  assertThrows(() => c.setopt(curl.TIMEOUT, -1), curl.CurlError);
  assertEquals(first.message, text);
});

Deno.test("CurlError can be made, with a code and a cause", () => {
  const cause = new Error("inner");
  const error = new curl.CurlError("outer", { code: 5, cause });
  assertEquals([error.message, error.code], ["outer", 5]);
  assertStrictEquals(error.cause, cause);
  const plain = new curl.CurlError("alone");
  assertEquals(plain.code, undefined);
  assert(!("cause" in plain));
  assert("cause" in new curl.CurlError("none", { cause: undefined }));
});

Deno.test("a nested failure's text does not become the outer one's", () => {
  using c = curlFor(FILE);
  using other = curlFor("file:///does/not/exist");
  c.setopt(curl.WRITEFUNCTION, () => {
    assertThrows(() => other.performSync(), curl.CurlError, "exist");
    assertThrows(() => other.setopt(curl.TIMEOUT, -1), curl.CurlError);
    return 0;
  });
  const error = assertThrows(() => c.performSync(), curl.CurlError);
  assertEquals(error.code, curl.E_WRITE_ERROR);
  assertEquals(error.message, c.errstr());
  assert(!error.message.includes("exist"));
});

Deno.test("a failure has the class that its meaning asks for", () => {
  using c = new curl.Curl();
  const failures: [act: () => unknown, expected: string][] = [
    [() => c.setopt(curl.URL, 5 as never), "TypeError"],
    [() => c.setopt(curl.URL, "a\0b"), "TypeError"],
    [() => c.setopt(curl.TIMEOUT, 1.5), "TypeError"],
    [() => c.setopt(curl.TIMEOUT, 2 ** 60), "RangeError"],
    [() => c.setopt(curl.TIMEOUT, 2n ** 64n), "RangeError"],
    [() => c.unsetopt(curl.URL), "TypeError"],
    [() => c.getinfo(curl.TLS_SSL_PTR), "TypeError"],
    [() => c.setopt(curl.TIMEOUT, -1), "CurlError"],
    [() => c.setopt(9999 as curl.LongOption, 1), "CurlError"],
    [() => c.performSync(), "CurlError"],
    [() => curl.Curl.fromHandle(1e9), "CurlError"],
    [() => curl.Curl.fromHandle("1" as never), "TypeError"],
  ];
  for (const [act, expected] of failures) {
    const error = assertThrows(act, Error);
    assertEquals(error.constructor.name, expected, String(act));
  }
});
