/**
 * Proves by compiling that constants carry the types of their values: a line
 * below `@ts-expect-error` that compiles is an error itself.
 *
 * @module
 */

import { assertEquals } from "./assert.ts";
import {
  COPYPOSTFIELDS,
  CURLU,
  DEBUGFUNCTION,
  EFFECTIVE_URL,
  HSTSWRITEFUNCTION,
  HTTPHEADER,
  INFO_CERTINFO,
  INFO_PRIVATE,
  LOCK_DATA_DNS,
  OPENSOCKETFUNCTION,
  PRIVATE,
  READDATA,
  READFUNCTION,
  RESPONSE_CODE,
  SHARE,
  SSL_ENGINES,
  SSLCERT_BLOB,
  STDERR,
  TIMEOUT,
  TLS_SSL_PTR,
  TOTAL_TIME,
  URL,
  WRITEDATA,
  WRITEFUNCTION,
  XFERINFOFUNCTION,
} from "../src/tables/constants.ts";
import type {
  CurlInfo,
  CurlOption,
  CurlShareLike,
  InfoValue,
  OptionValue,
  RawInfoValue,
  StringOption,
} from "../src/types.ts";

/** Has the signature of `Curl.setopt`. */
function setopt<O extends CurlOption>(
  option: O,
  _value: OptionValue<O> | null,
): number {
  return option;
}

/** Has the signature of `Curl.getinfo`, and gives what it is told to. */
function getinfo<I extends CurlInfo>(_info: I, value: unknown): InfoValue<I> {
  return value as InfoValue<I>;
}

type Same<A, B> = [A] extends [B] ? [B] extends [A] ? true : false : false;

/** Compiles only if `A` and `B` are the same type. */
function same<A, B>(..._proof: Same<A, B> extends true ? [] : [never]): void {}

Deno.test("setopt() takes strings and their bytes for a string option", () => {
  assertEquals(setopt(URL, "https://example.com/"), 10002);
  setopt(URL, new Uint8Array(1));
  setopt(URL, null);
  // @ts-expect-error a number is no URL
  setopt(URL, 5);
  // @ts-expect-error neither is a list
  setopt(URL, ["https://example.com/"]);
});

Deno.test("setopt() takes numbers and booleans for a number option", () => {
  setopt(TIMEOUT, 5);
  setopt(TIMEOUT, 5n);
  setopt(TIMEOUT, true);
  // @ts-expect-error a string is no number
  setopt(TIMEOUT, "5");
});

Deno.test("setopt() takes bytes, lists and blobs for their options", () => {
  setopt(COPYPOSTFIELDS, new Uint8Array([0]));
  setopt(HTTPHEADER, ["A: 1", new Uint8Array(1)]);
  setopt(HTTPHEADER, new Set(["A: 1"]));
  // @ts-expect-error a list holds strings
  setopt(HTTPHEADER, [5]);
  setopt(SSLCERT_BLOB, new ArrayBuffer(1));
  // @ts-expect-error a blob has bytes
  setopt(SSLCERT_BLOB, 5);
});

Deno.test("setopt() infers the parameters of a callback", () => {
  setopt(WRITEFUNCTION, (data) => {
    same<typeof data, Uint8Array>();
    return data.length;
  });
  setopt(WRITEFUNCTION, (data) => void data);
  setopt(XFERINFOFUNCTION, (dltotal, dlnow) => dlnow > dltotal);
  setopt(READFUNCTION, (size) => "a".repeat(size));
  setopt(DEBUGFUNCTION, (type, data) => {
    same<typeof type, number>();
    same<typeof data, Uint8Array>();
  });
  setopt(OPENSOCKETFUNCTION, (purpose, { address, port }) => {
    same<typeof address, string>();
    return purpose + port;
  });
  setopt(HSTSWRITEFUNCTION, ({ host }, { index, total }) => {
    same<typeof host, string>();
    return index - total;
  });
  // @ts-expect-error a chunk is bytes
  setopt(WRITEFUNCTION, (data: string) => data.length);
  // @ts-expect-error a write callback answers with a number
  setopt(WRITEFUNCTION, () => "all");
});

Deno.test("setopt() takes every kind of writer and reader", () => {
  setopt(WRITEDATA, { writeSync: (data) => data.length });
  setopt(WRITEDATA, { write: (data: Uint8Array) => data });
  setopt(WRITEDATA, new WritableStream<Uint8Array>());
  setopt(READDATA, { readSync: () => null });
  setopt(READDATA, { read: (size: number) => "a".repeat(size) });
  setopt(READDATA, new ReadableStream<Uint8Array>());
  // @ts-expect-error a path is no writer
  setopt(WRITEDATA, "file");
});

Deno.test("setopt() takes shares for SHARE, anything for PRIVATE", () => {
  const share: CurlShareLike = { handle: 1 };
  setopt(SHARE, share);
  // @ts-expect-error a handle alone is no share
  setopt(SHARE, 1);
  setopt(PRIVATE, { anything: true });
});

Deno.test("setopt() takes parsed URLs for CURLU", () => {
  setopt(CURLU, { url: null, getpart: () => null });
  // @ts-expect-error a string is not parsed
  setopt(CURLU, "https://example.com/");
  // @ts-expect-error the web platform's have to be converted
  setopt(CURLU, new globalThis.URL("https://example.com/"));
});

Deno.test("setopt() refuses what is no option", () => {
  // @ts-expect-error a C pointer cannot be made in JavaScript
  setopt(STDERR, Deno.stderr);
  // @ts-expect-error an info is no option
  setopt(RESPONSE_CODE, 5);
  // @ts-expect-error nor is a kind of shared data
  setopt(LOCK_DATA_DNS, 5);
  // @ts-expect-error nor any number without a cast
  setopt(10002, "https://example.com/");
  setopt(10002 as StringOption, "https://example.com/");
});

Deno.test("setopt() takes anything when the option is not known", () => {
  const option: CurlOption = URL;
  assertEquals(setopt(option, 5), 10002);
});

Deno.test("getinfo() gives the type that the info carries", () => {
  const code = getinfo(RESPONSE_CODE, 200);
  same<typeof code, number>();
  const url = getinfo(EFFECTIVE_URL, null);
  same<typeof url, string | null>();
  // @ts-expect-error there may be no URL
  const certain: string = url;
  const time = getinfo(TOTAL_TIME, 0.5);
  same<typeof time, number>();
  const engines = getinfo(SSL_ENGINES, []);
  same<typeof engines, string[]>();
  const chain = getinfo(INFO_CERTINFO, []);
  same<typeof chain, [string, string][][]>();
  const kept = getinfo(INFO_PRIVATE, undefined);
  same<typeof kept, unknown>();
  const pointer = getinfo(TLS_SSL_PTR, 0);
  same<typeof pointer, never>();
  // @ts-expect-error an option is no info
  getinfo(URL, "");
  assertEquals([code, certain, time], [200, null, 0.5]);
});

Deno.test("getinfoRaw() gives bytes for strings", () => {
  same<RawInfoValue<typeof EFFECTIVE_URL>, Uint8Array | null>();
  same<RawInfoValue<typeof SSL_ENGINES>, Uint8Array[]>();
  same<
    RawInfoValue<typeof INFO_CERTINFO>,
    [name: Uint8Array, value: Uint8Array][][]
  >();
  same<RawInfoValue<typeof RESPONSE_CODE>, number>();
});
