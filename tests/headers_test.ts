/** header() and headers(): what a server has sent. */

import * as curl from "../mod.ts";
import { assert, assertEquals, assertThrows } from "./assert.ts";
import { curlFor, FILE } from "./fixtures/checks.ts";
import { chunked, head, informational, okay } from "./fixtures/http_answers.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { NGINX, startNginx } from "./fixtures/nginx.ts";
import { hold, request, type Script, send } from "./fixtures/script.ts";
import {
  type ScriptedServer,
  startScriptedServer,
} from "./fixtures/scripted_server.ts";
import { test } from "./permissions.ts";
import { during, shareOf } from "./workers/peers.ts";

/** A server that answers each request of a connection with the next of these. */
function answering(
  ...answers: (string | Uint8Array)[]
): Promise<ScriptedServer> {
  const script: Script = answers.flatMap((answer) => [request(), send(answer)]);
  return startScriptedServer({ scripts: [[...script, hold()]] });
}

const COOKIES = "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nX-Other:  b \t\r\n" +
  "set-cookie: c=2\r\nX-Empty:\r\nContent-Length: 4\r\n\r\nbody";

/** Names and values alone. */
function pairs(headers: curl.CurlHeader[]): [string, string][] {
  return headers.map(({ name, value }) => [name, value]);
}

test(SERVER, "headers() gives the headers as they came", async () => {
  await using server = await answering(COOKIES);
  using c = curlFor(server.url);
  c.performBytesSync();
  const origin = curl.H_HEADER;
  assertEquals(c.headers(), [
    { name: "Set-Cookie", value: "a=1", amount: 2, index: 0, origin },
    { name: "X-Other", value: "b", amount: 1, index: 0, origin },
    { name: "set-cookie", value: "c=2", amount: 2, index: 1, origin },
    { name: "X-Empty", value: "", amount: 1, index: 0, origin },
    { name: "Content-Length", value: "4", amount: 1, index: 0, origin },
  ]);
});

test(SERVER, "header() finds a header in whatever case", async () => {
  await using server = await answering(COOKIES);
  using c = curlFor(server.url);
  c.performBytesSync();
  const found = c.headers()[1];
  for (const name of ["X-Other", "x-other", "X-OTHER"]) {
    assertEquals(c.header(name), found);
  }
  assertEquals(c.header("x-empty")?.value, "");
});

test(SERVER, "header() gives each of those that share a name", async () => {
  await using server = await answering(COOKIES);
  using c = curlFor(server.url);
  c.performBytesSync();
  const values = [0, 1, 2].map((index) =>
    c.header("Set-Cookie", { index })?.value
  );
  assertEquals(values, ["a=1", "c=2", undefined]);
  assertEquals(c.header("Set-Cookie")?.amount, 2);
});

test(SERVER, "header() gives null for what was not sent", async () => {
  await using server = await answering(COOKIES);
  using c = curlFor(server.url);
  c.performBytesSync();
  for (const name of ["X-None", "", "é", "Set-Cookie:", "x".repeat(100_000)]) {
    assertEquals(c.header(name), null);
  }
  assertEquals(c.header("Set-Cookie", { origin: curl.H_TRAILER }), null);
  assertEquals(c.header("Set-Cookie", { index: 2 ** 31 - 1 }), null);
  assertEquals(c.header("Set-Cookie", { request: 1 }), null);
  assertEquals(c.headers({ request: 1 }), []);
});

Deno.test("header() and headers() find nothing before a transfer, nor in a file", () => {
  using c = curlFor(FILE);
  const look = () => [c.header("Date"), c.headers({ origin: curl.H_1XX })];
  assertEquals(look(), [null, []]);
  c.performBytesSync();
  assertEquals(look(), [null, []]);
});

test(SERVER, "headers() tells trailers and interim answers apart", async () => {
  await using server = await answering(
    informational(103, { Link: "early" }) + chunked(["x"], { Digest: "end" }),
  );
  using c = curlFor(server.url);
  assertEquals(c.performTextSync(), "x");
  const interim = { origin: curl.H_1XX };
  assertEquals(pairs(c.headers(interim)), [["Link", "early"]]);
  const trailer = { origin: curl.H_TRAILER };
  assertEquals(pairs(c.headers(trailer)), [["Digest", "end"]]);
  assertEquals(c.header("digest", trailer)?.origin, curl.H_TRAILER);
  assertEquals(c.header("digest"), null);
  const both = curl.H_TRAILER | curl.H_1XX;
  assertEquals(c.headers({ origin: both }).map(({ origin }) => origin), [
    curl.H_1XX,
    curl.H_TRAILER,
  ]);
});

test(SERVER, "headers() tells what a proxy said to CONNECT", async () => {
  await using proxy = await answering(
    head(200, { Via: "proxy" }),
    okay("hi", { Via: "server" }),
  );
  using c = curlFor("http://example.invalid/");
  c.setopt(curl.PROXY, proxy.url);
  c.setopt(curl.HTTPPROXYTUNNEL, true);
  assertEquals(c.performTextSync(), "hi");
  assertEquals(c.header("Via", { origin: curl.H_CONNECT })?.value, "proxy");
  assertEquals(c.header("Via")?.value, "server");
});

test(NGINX, "headers() tells HTTP/2's own fields apart", async () => {
  await using nginx = await startNginx();
  using c = curlFor(`${nginx.secureUrl}/small.txt`);
  c.setCaCerts(nginx.ca);
  c.performBytesSync();
  assertEquals(pairs(c.headers({ origin: curl.H_PSEUDO })), [[
    ":status",
    "200",
  ]]);
  assertEquals(c.header(":status"), null);
  assertEquals(c.header("Content-Length")?.value, "6");
});

test(
  SERVER,
  "headers() gives those of each request of a transfer",
  async () => {
    await using server = await startServer();
    using c = curlFor(`${server.url}/redirect/2`);
    c.setopt(curl.FOLLOWLOCATION, true);
    await c.performText();
    const location = (request?: number) =>
      c.header("location", { request })?.value;
    assertEquals([0, 1, 2, -1, undefined].map(location), [
      "/redirect/1?",
      "/",
      undefined,
      undefined,
      undefined,
    ]);
    assert(c.headers({ request: 0 }).some(({ name }) => name === "location"));
    assertEquals(c.headers({ request: 3 }), []);
  },
);

test(SERVER, "headers() gives those of the last transfer only", async () => {
  await using server = await answering(COOKIES, okay("x", { "X-New": "1" }));
  using c = curlFor(server.url);
  c.performBytesSync();
  using copy = c.duphandle();
  assertEquals(copy.headers(), []);
  c.performBytesSync();
  assertEquals(pairs(c.headers()), [["Content-Length", "1"], ["X-New", "1"]]);
  c.reset();
  assertEquals(c.headers().length, 2);
});

test(SERVER, "headers() gives each byte as a character", async () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte)
    .filter((byte) => byte > 32 && byte !== 127);
  const encode = (text: string) => new TextEncoder().encode(text);
  await using server = await answering(Uint8Array.from([
    ...encode("HTTP/1.1 200 OK\r\nX-\xe9: "),
    ...bytes,
    ...encode("\r\nX-Text: größe 📏\r\nX-Last: z\r\nContent-Length: 0\r\n\r\n"),
  ]));
  using c = curlFor(server.url);
  c.performBytesSync();
  const [raw, text, last] = c.headers();
  assertEquals(raw.name, "X-Ã©");
  assertEquals(raw.value, String.fromCharCode(...bytes));
  const sent = Uint8Array.from(text.value, (c) => c.charCodeAt(0));
  assertEquals(new TextDecoder().decode(sent), "größe 📏");
  assertEquals(last.value, "z");
  assertEquals(c.header("x-text"), text);
});

test(SERVER, "headers() gives very many and very long ones whole", async () => {
  const lines = Array.from(
    { length: 1000 },
    (_, i) => [`X-${i}`, `${i}`.repeat(i % 40)] as [string, string],
  );
  lines.push(["X-Long", "y".repeat(100_000)]);
  await using server = await answering(okay("", Object.fromEntries(lines)));
  using c = curlFor(server.url);
  c.performBytesSync();
  assertEquals(pairs(c.headers()).slice(1), lines);
  assertEquals(c.header("x-long")?.value.length, 100_000);
});

test(
  SERVER,
  "header() and headers() work in the Curl's own callbacks",
  async () => {
    await using server = await answering(COOKIES, COOKIES);
    using c = curlFor(server.url);
    const seen: number[] = [];
    during(c, () => {
      assertEquals(c.header("X-Other")?.value, "b");
      seen.push(c.headers().length);
    });
    c.unsetopt(curl.WRITEFUNCTION);
    c.setopt(curl.HEADERFUNCTION, () => {
      seen.push(c.headers().length);
    });
    await c.performBytes();
    // The line of the status and the empty line are no headers.
    assertEquals(seen, [5, 0, 1, 2, 3, 4, 5, 5]);
  },
);

for (const mode of ["performSync", "perform"] as const) {
  test(
    SERVER,
    `headers() works in a callback of ${mode}() on a share's engine`,
    async () => {
      await using server = await answering(COOKIES);
      using share = shareOf(curl.LOCK_DATA_COOKIE);
      using c = curlFor(server.url);
      c.setopt(curl.SHARE, share);
      let seen = 0;
      c.setopt(curl.WRITEFUNCTION, () => {
        seen = c.headers().length;
      });
      await c[mode]();
      assertEquals(seen, 5);
      assertEquals(c.headers().length, 5);
    },
  );
}

for (const method of ["header", "headers"] as const) {
  Deno.test(`${method}() refuses options of another type`, () => {
    using c = new curl.Curl();
    const look = (options: unknown) =>
      method === "header"
        ? c.header("a", options as curl.HeaderOptions)
        : c.headers(options as curl.HeadersOptions);
    for (const origin of [0, 32, -1, 1.5, NaN, "1", null, 1n, 2 ** 40]) {
      assertThrows(() => look({ origin }), TypeError, "a sum of H_*");
    }
    for (const request of ["1", null, 1.5, NaN, 1n, Infinity]) {
      assertThrows(
        () => look({ request }),
        TypeError,
        "whole number as request",
      );
    }
    for (const request of [-2, 2 ** 31, -(2 ** 31)]) {
      assertThrows(() => look({ request }), RangeError, "request can't be");
    }
  });
}

Deno.test("header() refuses an index that is none", () => {
  using c = new curl.Curl();
  for (const index of ["1", null, 1.5, NaN, 1n]) {
    const look = () => c.header("a", { index: index as number });
    assertThrows(look, TypeError, "whole number as index");
  }
  for (const index of [-1, 2 ** 31]) {
    assertThrows(() => c.header("a", { index }), RangeError, "index can't be");
  }
});

Deno.test("header() refuses a name that is none", () => {
  using c = new curl.Curl();
  for (const name of [5, null, undefined, {}, new Uint8Array(1)]) {
    const look = () => c.header(name as unknown as string);
    assertThrows(look, TypeError, "header() takes a string as name");
  }
  assertThrows(() => c.header("a\0"), TypeError, "NUL");
  assertThrows(() => c.header("\ud800"), TypeError, "lone surrogate");
});
