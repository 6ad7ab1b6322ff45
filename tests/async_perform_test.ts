/** perform() and its like: what they give, and how they fail. */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotStrictEquals,
  assertRejects,
  assertThrows,
} from "./assert.ts";
import {
  assertCurlRejects,
  assertUsableAgain,
  uploadTo,
} from "./fixtures/async_checks.ts";
import {
  assertCurlError,
  assertIsFile,
  curlFor,
  FILE,
  LONG_FILE,
} from "./fixtures/checks.ts";
import { lyingLength } from "./fixtures/http_answers.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { patternBytes } from "./fixtures/pattern.ts";
import { end, request, send } from "./fixtures/script.ts";
import { startScriptedServer } from "./fixtures/scripted_server.ts";
import { test } from "./permissions.ts";

const INFOS = {
  RESPONSE_CODE: curl.RESPONSE_CODE,
  SIZE_DOWNLOAD_T: curl.SIZE_DOWNLOAD_T,
  CONTENT_TYPE: curl.CONTENT_TYPE,
  EFFECTIVE_URL: curl.EFFECTIVE_URL,
  REDIRECT_COUNT: curl.REDIRECT_COUNT,
  SCHEME: curl.SCHEME,
} as const;

function infosOf(c: curl.Curl): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(INFOS).map(([name, info]) => [name, c.getinfo(info)]),
  );
}

/** What a transfer gives, and what the handle knows of it then. */
async function outcomes(url: string, isAsync: boolean): Promise<unknown[]> {
  using c = curlFor(url);
  c.setopt(curl.FOLLOWLOCATION, true);
  c.setopt(curl.ACCEPT_ENCODING, "");
  c.setopt(curl.USERPWD, "user:secret");
  const pieces: number[] = [];
  c.setopt(curl.WRITEFUNCTION, (data) => void pieces.push(...data));
  const headers: string[] = [];
  c.setopt(curl.HEADERFUNCTION, (line) => {
    headers.push(new TextDecoder().decode(line).replace(/^date:.*/i, ""));
  });
  const found: unknown[] = [];
  const bytes = isAsync ? await c.performBytes() : c.performBytesSync();
  found.push(bytes, infosOf(c));
  found.push(isAsync ? await c.performText() : c.performTextSync());
  const nothing = isAsync ? await c.perform() : c.performSync();
  found.push(nothing, Uint8Array.from(pieces), infosOf(c), headers);
  return found;
}

for (const url of [FILE, LONG_FILE, "file:///dev/null"]) {
  Deno.test(`perform() gives what performSync() does: ${url}`, async () => {
    assertEquals(await outcomes(url, true), await outcomes(url, false));
  });
}

for (
  const path of [
    "/",
    "/bytes/0",
    "/bytes/300000",
    "/bytes/300000?chunked",
    "/status/404",
    "/status/204",
    "/gzip?bytes=100000",
    "/redirect/3",
    "/auth/basic",
    "/trickle?ms=1&count=5",
  ]
) {
  test(SERVER, `perform() gives what performSync() does: ${path}`, async () => {
    await using server = await startServer();
    const url = server.url + path;
    assertEquals(await outcomes(url, true), await outcomes(url, false));
  });
}

const FAILURES: Record<string, (c: curl.Curl) => void> = {
  "no such file": (c) => c.setopt(curl.URL, "file:///does/not/exist"),
  "no such protocol": (c) => c.setopt(curl.URL, "nothing://localhost/"),
  "no such host": (c) => c.setopt(curl.URL, "http://[::1"),
  "an option that does not fit": (c) => c.setopt(curl.RANGE, "nonsense"),
};

for (const [what, arrange] of Object.entries(FAILURES)) {
  Deno.test(`perform() rejects as performSync() throws: ${what}`, async () => {
    using c = curlFor(FILE);
    arrange(c);
    c.setopt(curl.WRITEFUNCTION, () => {});
    let expected: curl.CurlError | undefined;
    try {
      c.performSync();
    } catch (error) {
      expected = error as curl.CurlError;
    }
    assertInstanceOf(expected, curl.CurlError);
    const details = c.errstr();
    for (const perform of ["perform", "performBytes", "performText"] as const) {
      const { code } = expected;
      const error = await assertCurlRejects(c[perform](), code);
      assertEquals(error.message, expected.message);
      assertEquals(c.errstr(), details);
    }
    await assertUsableAgain(c);
  });
}

test(SERVER, "perform() rejects with libcurl's code and words", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/status/404`);
  c.setopt(curl.FAILONERROR, true);
  const failed = curl.E_HTTP_RETURNED_ERROR;
  await assertCurlRejects(c.perform(), failed, "404");
  c.setopt(curl.URL, `${server.url}/stall`);
  c.setopt(curl.TIMEOUT_MS, 50);
  await assertCurlRejects(
    c.performBytes(),
    curl.E_OPERATION_TIMEDOUT,
    "timed out",
  );
  await assertUsableAgain(c);
});

test(SERVER, "perform() rejects when the body is cut off", async () => {
  await using server = await startScriptedServer({
    scripts: [[request(), send(lyingLength("half", 8)), end()]],
  });
  using c = curlFor(server.url);
  await assertCurlRejects(c.performText(), curl.E_PARTIAL_FILE);
  let seen = "";
  c.setopt(curl.WRITEFUNCTION, (data) => {
    seen += new TextDecoder().decode(data);
  });
  await assertCurlRejects(c.perform(), curl.E_PARTIAL_FILE);
  assertEquals(seen, "half");
  await assertUsableAgain(c);
});

Deno.test("performBytes() gives a new array each time", async () => {
  using c = curlFor(FILE);
  const [one, other] = [await c.performBytes(), await c.performBytes()];
  assertEquals(one, other);
  assertNotStrictEquals(one.buffer, other.buffer);
  one.fill(0);
  assertIsFile(new TextDecoder().decode(other));
});

Deno.test("performBytes() leaves WRITEFUNCTION set, and uncalled", async () => {
  using c = curlFor(FILE);
  let calls = 0;
  c.setopt(curl.WRITEFUNCTION, () => void calls++);
  await c.performBytes();
  await c.performText();
  assertEquals(calls, 0);
  await c.perform();
  assert(calls > 0);
});

const PERFORM = ["perform", "performBytes", "performText", "performStream"];

type Perform =
  | "perform"
  | "performBytes"
  | "performText"
  | "performStream";

for (const method of PERFORM as Perform[]) {
  Deno.test(`${method}() throws nothing, and rejects`, async () => {
    const c = curlFor(FILE);
    for (const signal of [5, null, "x", {}]) {
      const promise = c[method]({ signal } as unknown as curl.AbortOptions);
      await assertRejects(() => promise, TypeError, "AbortSignal");
    }
    const running = c.performBytes();
    const text = `cannot invoke perform() - perform() is currently running`;
    await assertCurlRejects(c[method](), undefined, text);
    await running;
    c.close();
    const closed = `cannot invoke perform() - no curl handle`;
    await assertCurlRejects(c[method](), undefined, closed);
  });
}

Deno.test("perform() while one runs leaves that one alone", async () => {
  using c = curlFor(FILE);
  const running = c.performText();
  const refused = (PERFORM as Perform[]).map((method) => c[method]());
  for (const promise of refused) {
    await assertCurlRejects(promise, undefined, "currently running");
  }
  assertIsFile(await running);
});

/** What is refused while a transfer runs, by the name in the message. */
const REFUSED: Record<string, (c: curl.Curl) => unknown> = {
  setopt: (c) => c.setopt(curl.URL, FILE),
  "setopt of PRIVATE": (c) => c.setopt(curl.PRIVATE, 5),
  "setopt of a function": (c) => c.setopt(curl.WRITEFUNCTION, () => {}),
  "setopt of a stream": (c) =>
    c.setopt(curl.WRITEDATA, new WritableStream<Uint8Array>()),
  unsetopt: (c) => c.unsetopt(curl.PROXY),
  "setopt by setoptString": (c) => c.setoptString(curl.URL, FILE),
  getinfo: (c) => c.getinfo(curl.RESPONSE_CODE),
  "getinfo of PRIVATE": (c) => c.getinfo(curl.INFO_PRIVATE),
  "getinfo by getinfoRaw": (c) => c.getinfoRaw(curl.EFFECTIVE_URL),
  perform: (c) => c.performSync(),
  "perform for bytes": (c) => c.performBytesSync(),
  duphandle: (c) => c.duphandle(),
  reset: (c) => c.reset(),
  errstr: (c) => c.errstr(),
  close: (c) => c.close(),
};

for (const [what, act] of Object.entries(REFUSED)) {
  const [method] = what.split(" ");
  const text = `cannot invoke ${method}() - perform() is currently running`;
  Deno.test(`${what} is refused while perform() runs`, async () => {
    const c = curlFor(FILE);
    c.setopt(curl.WRITEFUNCTION, () => {});
    try {
      const running = c.performText();
      assertCurlError(() => act(c), undefined, text);
      await Promise.resolve();
      assertIsFile(await running);
      act(c);
    } finally {
      c.close();
    }
  });
}

test(
  SERVER,
  "setopt() in a callback works while perform() runs",
  async () => {
    await using server = await startServer();
    using c = curlFor(`${server.url}/bytes/100000`);
    const seen = { first: 0, second: 0 };
    const codes = new Set<unknown>();
    c.setopt(curl.PRIVATE, "kept");
    c.setopt(curl.WRITEFUNCTION, (data) => {
      seen.first += data.length;
      codes.add(c.getinfo(curl.RESPONSE_CODE)).add(
        c.getinfo(curl.INFO_PRIVATE),
      );
      c.setopt(curl.PRIVATE, "changed");
      c.setopt(curl.WRITEFUNCTION, (data) => {
        seen.second += data.length;
        codes.add(c.getinfo(curl.INFO_PRIVATE));
      });
      assertThrows(() => c.close(), curl.CurlError, "currently running");
    });
    await c.perform();
    assertEquals(seen.first + seen.second, 100_000);
    assert(seen.first > 0 && seen.second > 0);
    assertEquals([...codes], [200, "kept", "changed"]);
  },
);

test(SERVER, "perform() runs 200 transfers at once", async () => {
  await using server = await startServer();
  const sizes = Array.from({ length: 200 }, (_, i) => 100 * i);
  const made = sizes.map((size) => curlFor(`${server.url}/bytes/${size}`));
  const stalled = curlFor(`${server.url}/stall`);
  const last = stalled.performText();
  const bodies = await Promise.all(made.map((c) => c.performBytes()));
  bodies.forEach((body, i) => assertEquals(body, patternBytes(sizes[i])));
  for (const c of made) assertEquals(c.getinfo(curl.RESPONSE_CODE), 200);
  await server.release();
  assertEquals(await last, "released\n");
  for (const c of [...made, stalled]) c.close();
});

test(SERVER, "perform() sends 200 bodies at once", async () => {
  await using server = await startServer();
  const all = Array.from({ length: 200 }, async (_, i) => {
    using c = uploadTo(`${server.url}/echo`);
    const parts = [`body ${i}`];
    c.setopt(curl.READFUNCTION, () => parts.pop() ?? "");
    return JSON.parse(await c.performText()).body;
  });
  assertEquals(
    await Promise.all(all),
    Array.from({ length: 200 }, (_, i) => `body ${i}`),
  );
});

Deno.test("perform() runs 3000 transfers at once", async () => {
  const made = Array.from({ length: 3000 }, () => curlFor(FILE));
  const bodies = await Promise.all(made.map((c) => c.performText()));
  for (const body of new Set(bodies)) assertIsFile(body);
  assertEquals(new Set(bodies).size, 1);
  for (const c of made) c.close();
});

Deno.test("perform() lets timers fire between transfers", async () => {
  using c = curlFor(FILE);
  let fired = false;
  setTimeout(() => fired = true, 0);
  let rounds = 0;
  for (; !fired && rounds < 100_000; rounds++) await c.performBytes();
  assert(fired, `no timer has fired in ${rounds} transfers`);
});

Deno.test("performStream() lets timers fire between pieces", async () => {
  let fired = false;
  setTimeout(() => fired = true, 0);
  let rounds = 0;
  for (; !fired && rounds < 10_000; rounds++) {
    using c = curlFor(FILE);
    await using body = await c.performStream();
    for await (const _ of body.readable);
  }
  assert(fired, `no timer has fired in ${rounds} streams`);
});

Deno.test("perform() goes on when nobody holds the Curl", async () => {
  const promises = Array.from(
    { length: 100 },
    () => curlFor(LONG_FILE).performBytes(),
  );
  // Collections come between.
  for (let i = 0; i < 200; i++) {
    new Uint8Array(1 << 20).fill(i);
    await Promise.resolve();
  }
  for (const body of await Promise.all(promises)) {
    assertInstanceOf(body, Uint8Array);
  }
});

test(SERVER, "performSync() works while perform() runs", async () => {
  await using server = await startServer();
  using stalled = curlFor(`${server.url}/stall`);
  using c = curlFor(server.url);
  const running = stalled.performText();
  await server.arrived(1);
  assertEquals(c.performTextSync(), "home\n");
  assertEquals(await c.performText(), "home\n");
  await server.release();
  assertEquals(await running, "released\n");
});

test(SERVER, "perform() reuses the connections of others", async () => {
  await using server = await startServer();
  for (let i = 0; i < 5; i++) {
    using c = curlFor(server.url);
    await c.performText();
  }
  const clients = (await server.requests()).map(({ client }) => client);
  assertEquals(new Set(clients).size, 1);
});
