/**
 * Bugs that other bindings of libcurl had to mend, in what they do with values:
 * numbers, blobs, codes, and memory that libcurl only points to.
 *
 * @module
 */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
  assertThrows,
} from "./assert.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { patternBytes } from "./fixtures/pattern.ts";
import { test } from "./permissions.ts";
import { curlTo } from "./workers/peers.ts";

/** This file: native code reads it without a permission of Deno's. */
const FILE = import.meta.url;

/** What the server's /echo has seen. */
interface Echo {
  body: string;
  headers: Record<string, string>;
}

function echo(c: curl.Curl): Echo {
  return JSON.parse(c.performTextSync());
}

const BLOBS = [
  "SSLCERT_BLOB",
  "SSLKEY_BLOB",
  "CAINFO_BLOB",
  "ISSUERCERT_BLOB",
  "PROXY_SSLCERT_BLOB",
] as const;

for (const name of BLOBS) {
  Deno.test(`Curl.setopt(${name}) throws a TypeError when given what is no blob`, () => {
    using c = curlTo(FILE);
    for (const value of [5, 5n, true, undefined, {}, [1, 2], () => {}]) {
      assertThrows(
        () => c.setopt(curl[name], value as unknown as string),
        TypeError,
        `${name} takes a Uint8Array, an ArrayBuffer or a string, not `,
      );
    }
    assertGreater(c.performBytesSync().length, 0);
  });
}

const OVERFLOWS: [string, (c: curl.Curl) => void][] = [
  ["2 ** 53", (c) => c.setopt(curl.TIMEOUT, 2 ** 53)],
  ["2 ** 64", (c) => c.setopt(curl.MAX_RECV_SPEED_LARGE, 2 ** 64)],
  ["2n ** 63n", (c) => c.setopt(curl.MAX_RECV_SPEED_LARGE, 2n ** 63n)],
  ["-(2n ** 63n) - 1n", (c) => c.setopt(curl.TIMEOUT, -(2n ** 63n) - 1n)],
  ["2n ** 64n", (c) => c.setopt(curl.TIMEOUT, 2n ** 64n)],
];

for (const [name, set] of OVERFLOWS) {
  Deno.test(`Curl.setopt() throws a RangeError when given ${name}`, () => {
    using c = curlTo(FILE);
    assertThrows(() => set(c), RangeError);
  });
}

test(
  SERVER,
  "Curl.setopt() keeps all bits of a 64-bit number",
  async () => {
    await using server = await startServer();
    using c = curlTo(`${server.url}/range/100`);
    for (const from of [2 ** 32 + 5, 2n ** 32n + 5n]) {
      c.setopt(curl.RESUME_FROM_LARGE, from);
      c.performBytesSync();
      const { headers } = (await server.requests()).at(-1)!;
      const range = headers.find(([name]) => name === "range")?.[1];
      assertEquals(range, "bytes=4294967301-");
    }
  },
);

Deno.test("WRITEFUNCTION aborts when its answer is right but for 2 ** 32", () => {
  using c = curlTo(FILE);
  c.setopt(curl.WRITEFUNCTION, (data) => data.length + 2 ** 32);
  const error = assertThrows(() => c.performSync(), curl.CurlError);
  assertEquals(error.code, curl.E_WRITE_ERROR);
});

/** Callbacks that go on when they answer 0, and how a transfer ends if not. */
const GO_ON_WITH_0: [
  string,
  number | undefined,
  (c: curl.Curl, answer: number) => void,
][] = [
  ["XFERINFOFUNCTION", curl.E_ABORTED_BY_CALLBACK, (c, answer) => {
    c.setopt(curl.NOPROGRESS, false);
    c.setopt(curl.XFERINFOFUNCTION, () => answer);
  }],
  ["PROGRESSFUNCTION", curl.E_ABORTED_BY_CALLBACK, (c, answer) => {
    c.setopt(curl.NOPROGRESS, false);
    c.setopt(curl.PROGRESSFUNCTION, () => answer);
  }],
  ["PREREQFUNCTION", curl.E_ABORTED_BY_CALLBACK, (c, answer) => {
    c.setopt(curl.PREREQFUNCTION, () => answer);
  }],
  ["SOCKOPTFUNCTION", curl.E_ABORTED_BY_CALLBACK, (c, answer) => {
    c.setopt(curl.SOCKOPTFUNCTION, () => answer);
  }],
  ["RESOLVER_START_FUNCTION", curl.E_ABORTED_BY_CALLBACK, (c, answer) => {
    c.setopt(curl.RESOLVER_START_FUNCTION, () => answer);
  }],
  ["OPENSOCKETFUNCTION", undefined, (c, answer) => {
    c.setopt(
      curl.OPENSOCKETFUNCTION,
      () => answer === 0 ? undefined : answer,
    );
  }],
];

for (const [name, code, set] of GO_ON_WITH_0) {
  test(
    SERVER,
    `${name} ends the transfer when its answer is 0 but for 2 ** 32`,
    async () => {
      await using server = await startServer();
      using c = curlTo(`http://localhost:${server.port}/`);
      set(c, 0);
      assertEquals(c.performTextSync(), "home\n");
      c.setopt(curl.FRESH_CONNECT, true);
      c.setopt(curl.DNS_CACHE_TIMEOUT, 0);
      set(c, 2 ** 32);
      const error = assertThrows(() => c.performTextSync(), curl.CurlError);
      if (code !== undefined) assertEquals(error.code, code, error.message);
    },
  );
}

Deno.test("Curl.setopt() throws libcurl's code when libcurl refuses the value", () => {
  using c = curlTo(FILE);
  const values: [curl.CurlOption<number>, number][] = [
    [curl.TIMEOUT as unknown as curl.CurlOption<number>, -1],
    [curl.HTTP_VERSION as unknown as curl.CurlOption<number>, 9999],
    [curl.SSLVERSION as unknown as curl.CurlOption<number>, 9999],
    [curl.TIMECONDITION as unknown as curl.CurlOption<number>, 99],
  ];
  for (const [option, value] of values) {
    const error = assertThrows(() => c.setopt(option, value), curl.CurlError);
    assert(error.code !== undefined && error.code > 0, String(error));
    assertMatch(error.message, /^setopt\([A-Z_]+\): /);
  }
  assertGreater(c.performBytesSync().length, 0);
});

Deno.test("Curl.performSync() throws libcurl's code and text", () => {
  using c = curlTo("file:///no/such/file");
  const error = assertThrows(() => c.performSync(), curl.CurlError);
  assertEquals(error.code, curl.E_FILE_COULDNT_READ_FILE);
  assertStringIncludes(error.message, "/no/such/file");
  assertEquals(c.errstr(), error.message);
  c.setopt(curl.URL, FILE);
  assertGreater(c.performBytesSync().length, 0);
  assertEquals(c.errstr(), "");
});

test(
  SERVER,
  "Curl.setopt(POSTFIELDS) is not concerned when its bytes change afterwards",
  async () => {
    await using server = await startServer();
    using c = curlTo(`${server.url}/echo`);
    const bytes = new TextEncoder().encode("as it was");
    c.setopt(curl.POSTFIELDS, bytes);
    bytes.fill(88);
    assertEquals(echo(c).body, "as it was");
    c.setopt(curl.POSTFIELDS, bytes);
    bytes.buffer.transfer();
    assertEquals(echo(c).body, "XXXXXXXXX");
  },
);

test(
  SERVER,
  "Curl.setopt(HTTPHEADER) is not concerned when its list changes afterwards",
  async () => {
    await using server = await startServer();
    using c = curlTo(`${server.url}/echo`);
    const list = ["X-One: 1", "X-Two: 2"];
    c.setopt(curl.HTTPHEADER, list);
    list[0] = "X-One: changed";
    list.length = 1;
    const { headers } = echo(c);
    assertEquals([headers["x-one"], headers["x-two"]], ["1", "2"]);
  },
);

test(
  SERVER,
  "Curl.setopt(POSTFIELDS) in a callback leaves the body that is being sent alone",
  async () => {
    await using server = await startServer();
    using c = curlTo(`${server.url}/upload`);
    const body = patternBytes(4_000_000);
    let replaced = 0;
    c.setopt(curl.POSTFIELDS, body);
    c.setopt(curl.NOPROGRESS, false);
    c.setopt(curl.XFERINFOFUNCTION, (_total, _now, _toSend, sent) => {
      if (sent === 0 || sent === body.length) return;
      // As long as the body, so that its memory would be taken again.
      c.setopt(curl.COPYPOSTFIELDS, new Uint8Array(body.length));
      c.setopt(curl.POSTFIELDS, new Uint8Array(body.length));
      replaced += 1;
    });
    const seen = JSON.parse(c.performTextSync());
    assertGreater(replaced, 0);
    const digest = await crypto.subtle.digest("SHA-256", body);
    assertEquals(seen, {
      bytes: body.length,
      sha256: new Uint8Array(digest).toHex(),
    });
    assertNotEquals(JSON.parse(c.performTextSync()).sha256, seen.sha256);
  },
);

test(
  SERVER,
  "Curl.setopt() of a list in a callback does not take the old list away",
  async () => {
    await using server = await startServer();
    using c = curlTo(`${server.url}/redirect/1?to=/echo`);
    c.setopt(curl.FOLLOWLOCATION, true);
    c.setopt(curl.HTTPHEADER, ["X-Hop: first"]);
    c.setopt(curl.CONNECT_TO, [`::127.0.0.1:${server.port}`]);
    const replace = () => {
      for (let i = 0; i < 100; i++) {
        c.setopt(curl.HTTPHEADER, [`X-Hop: later ${i}`, "X-More: yes"]);
        c.setopt(curl.CONNECT_TO, [`::127.0.0.1:${server.port}`, "a:1:b:2"]);
        c.setopt(curl.RESOLVE, [`name${i}.invalid:80:127.0.0.1`]);
      }
      c.unsetopt(curl.HTTPHEADER);
    };
    c.setopt(curl.PREREQFUNCTION, replace);
    c.setopt(curl.HEADERFUNCTION, replace);
    c.setopt(curl.SOCKOPTFUNCTION, replace);
    assertEquals(echo(c).body, "");
    assertEquals(echo(c).headers["x-hop"], undefined);
  },
);

Deno.test("Curl.reset() lets lists and bytes go that libcurl pointed to", () => {
  using c = curlTo(FILE);
  for (let i = 0; i < 100; i++) {
    c.setopt(curl.HTTPHEADER, ["A: 1", "B: 2"]);
    c.setopt(curl.POSTFIELDS, "x".repeat(1000));
    c.setopt(curl.MAIL_RCPT, ["a@b.example"]);
    c.reset();
    c.setopt(curl.URL, FILE);
    assertGreater(c.performBytesSync().length, 0);
  }
});
