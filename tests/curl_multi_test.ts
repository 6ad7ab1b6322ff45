/**
 * CurlMulti in one Worker: what each method does.
 *
 * @module
 */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertFalse,
  assertGreater,
  assertInstanceOf,
  assertNotStrictEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "./assert.ts";
import {
  assertCurlError,
  assertIsFile,
  assertUsable,
  curlFor,
  FILE,
} from "./fixtures/checks.ts";
import {
  SERVER,
  startServer,
  type TestServer,
} from "./fixtures/http_server.ts";
import { test } from "./permissions.ts";

const MISSING = "file:///does/not/exist";

/** A Curl for a URL, and what has come of its body. */
function collector(url: string): { c: curl.Curl; text: () => string } {
  const c = curlFor(url);
  const pieces: string[] = [];
  c.setopt(curl.WRITEFUNCTION, (data) => {
    pieces.push(new TextDecoder().decode(data));
  });
  return { c, text: () => pieces.join("") };
}

/** A multi handle with these in it, closed with them. */
function multiOf(...curls: curl.Curl[]): curl.CurlMulti {
  const multi = new curl.CurlMulti({ closeHandles: true });
  for (const c of curls) multi.addHandle(c);
  return multi;
}

/** Has all transfers come to their end. */
function performAll(multi: curl.CurlMulti): void {
  while (multi.perform()[1] > 0) multi.selectSync(1);
}

/** Goes on until the server has a request. */
async function arrive(
  server: TestServer,
  multi: curl.CurlMulti,
): Promise<void> {
  let isThere = false;
  server.arrived(1).then(() => isThere = true);
  while (!isThere) {
    multi.perform();
    await multi.select(0.01);
  }
  multi.perform();
}

Deno.test("new CurlMulti() refuses what is no option", () => {
  for (const options of [null, 1, { close: true }, { closeHandles: 1 }]) {
    assertThrows(
      () => new curl.CurlMulti(options as curl.CurlMultiOptions),
      TypeError,
    );
  }
});

Deno.test("CurlMulti.perform() gives 0 and how many transfers go on", () => {
  using multi = multiOf();
  assertEquals(multi.perform(), [0, 0]);
});

Deno.test("CurlMulti.perform() does all transfers of files at once", () => {
  const all = [collector(FILE), collector(FILE), collector(FILE)];
  using multi = multiOf(...all.map(({ c }) => c));
  assertEquals(multi.perform(), [0, 0]);
  for (const { text } of all) assertIsFile(text());
});

test(SERVER, "RESOLVE's entries go to a CurlMulti, too", async () => {
  await using server = await startServer();
  const c = curlFor(`http://name.test:${server.port}/`);
  c.setopt(curl.RESOLVE, [`name.test:${server.port}:127.0.0.1`]);
  assertEquals(c.performTextSync(), "home\n");
  c.setopt(curl.FRESH_CONNECT, true);
  c.setopt(curl.WRITEFUNCTION, () => {});
  using multi = multiOf(c);
  performAll(multi);
  assertEquals(multi.infoRead()[2], []);
});

test(SERVER, "CurlMulti.perform() does not wait for a server", async () => {
  await using server = await startServer();
  using multi = multiOf(curlFor(`${server.url}/stall`));
  assertEquals(multi.perform(), [0, 1]);
  await server.release();
});

test(
  SERVER,
  "CurlMulti has many transfers come to their end, with await select()",
  async () => {
    await using server = await startServer();
    const all = Array.from(
      { length: 20 },
      (_, i) => collector(`${server.url}/bytes/${i * 1000}`),
    );
    using multi = multiOf(...all.map(({ c }) => c));
    while (multi.perform()[1] > 0) await multi.select(10);
    const [queued, ok, failed] = multi.infoRead();
    assertEquals([queued, ok.length, failed.length], [0, 20, 0]);
    all.forEach(({ text }, i) => assertEquals(text().length, i * 1000));
  },
);

test(SERVER, "CurlMulti's handles share its connections", async () => {
  await using server = await startServer();
  using multi = multiOf();
  const all = [collector(`${server.url}/`), collector(`${server.url}/`)];
  for (const { c } of all) {
    multi.addHandle(c);
    performAll(multi);
    multi.infoRead();
    multi.removeHandle(c);
  }
  assertEquals(all.map(({ c }) => c.getinfo(curl.NUM_CONNECTS)), [1, 0]);
  for (const { c } of all) c.close();
});

Deno.test("CurlMulti.addHandle() adds a handle again after its removal", () => {
  const { c, text } = collector(FILE);
  using multi = multiOf(c);
  multi.perform();
  multi.removeHandle(c);
  const { length } = text();
  multi.addHandle(c);
  multi.perform();
  assertEquals(text().length, 2 * length);
});

Deno.test("CurlMulti.addHandle() refuses what is no Curl", () => {
  using multi = multiOf();
  for (const value of [null, 1, {}, multi, "c"]) {
    const call = () => multi.addHandle(value as unknown as curl.Curl);
    assertThrows(call, TypeError, "addHandle() takes a Curl");
    const remove = () => multi.removeHandle(value as unknown as curl.Curl);
    assertThrows(remove, TypeError, "removeHandle() takes a Curl");
    const has = () => multi.has(value as unknown as curl.Curl);
    assertThrows(has, TypeError, "has() takes a Curl");
  }
});

Deno.test("CurlMulti.addHandle() refuses a stream, which has to wait", () => {
  using c = curlFor(FILE);
  c.setopt(curl.WRITEDATA, new WritableStream());
  using multi = new curl.CurlMulti();
  assertThrows(() => multi.addHandle(c), TypeError);
  assertEquals(multi.size, 0);
});

Deno.test("CurlMulti.removeHandle() has the handle be as before", () => {
  using c = curlFor(FILE);
  using multi = new curl.CurlMulti();
  multi.addHandle(c);
  multi.removeHandle(c);
  assertStrictEquals(c.multi(), null);
  assertUsable(c);
});

test(SERVER, "CurlMulti.removeHandle() ends a transfer", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/stall`);
  using multi = new curl.CurlMulti();
  multi.addHandle(c);
  multi.perform();
  multi.removeHandle(c);
  assertEquals(multi.perform(), [0, 0]);
  assertUsable(c);
  await server.release();
});

Deno.test("CurlMulti.removeHandle() ignores a closed Curl", () => {
  using multi = multiOf();
  const c = curlFor(FILE);
  c.close();
  multi.removeHandle(c);
});

Deno.test("CurlMulti.has() and size tell what is in", () => {
  using c = curlFor(FILE);
  using other = curlFor(FILE);
  using multi = new curl.CurlMulti();
  multi.addHandle(c);
  assert(multi.has(c));
  assertFalse(multi.has(other));
  assertEquals(multi.size, 1);
  multi.removeHandle(c);
  assertFalse(multi.has(c));
  assertEquals(multi.size, 0);
});

Deno.test("Curl.multi() gives the multi handle that it is in", () => {
  using c = curlFor(FILE);
  using multi = new curl.CurlMulti();
  assertStrictEquals(c.multi(), null);
  multi.addHandle(c);
  assertStrictEquals(c.multi(), multi);
  multi.removeHandle(c);
  assertStrictEquals(c.multi(), null);
});

Deno.test("CurlMulti.fromHandle() gives the object itself", () => {
  using multi = multiOf();
  assertStrictEquals(curl.CurlMulti.fromHandle(multi.handle), multi);
});

Deno.test("CurlMulti.fromHandle() refuses numbers that are no handles", () => {
  using multi = multiOf();
  const { handle } = multi;
  multi.close();
  using c = curlFor(FILE);
  for (const number of [handle, c.handle, -1, 0.5, NaN]) {
    assertCurlError(() => curl.CurlMulti.fromHandle(number), undefined);
  }
  assertThrows(
    () => curl.CurlMulti.fromHandle("1" as unknown as number),
    TypeError,
  );
});

Deno.test("CurlMulti.infoRead() tells what went well, and what failed", () => {
  const { c } = collector(FILE);
  const bad = curlFor(MISSING);
  using multi = multiOf(c, bad);
  multi.perform();
  const [queued, ok, failed] = multi.infoRead();
  assertEquals(queued, 0);
  assertEquals(ok.length, 1);
  assertStrictEquals(ok[0], c);
  const [[failing, code, message, error]] = failed;
  assertStrictEquals(failing, bad);
  assertEquals(code, curl.E_FILE_COULDNT_READ_FILE);
  assertEquals([error.code, error.message], [code, message]);
  assertEquals(bad.errstr(), message);
});

Deno.test("CurlMulti.infoRead() tells a transfer once", () => {
  using multi = multiOf(collector(FILE).c);
  multi.perform();
  assertEquals(multi.infoRead()[1].length, 1);
  assertEquals(multi.infoRead(), [0, [], []]);
});

Deno.test("CurlMulti.infoRead() tells at most so many, and what is left", () => {
  using multi = multiOf(...[1, 2, 3].map(() => collector(FILE).c));
  multi.perform();
  const [queued, ok] = multi.infoRead(2);
  assertEquals([queued, ok.length], [1, 2]);
  assertEquals(multi.infoRead(2)[1].length, 1);
});

Deno.test("CurlMulti.infoRead() refuses a number that is not above 0", () => {
  using multi = multiOf();
  for (const max of [0, -1, NaN, "1" as unknown as number]) {
    assertThrows(
      () => multi.infoRead(max),
      RangeError,
      "argument to infoRead must be greater than zero",
    );
  }
});

Deno.test("CurlMulti.infoRead() gives what a callback threw as the cause", () => {
  const { c } = collector(FILE);
  const bad = curlFor(FILE);
  const thrown = new Error("no");
  bad.setopt(curl.WRITEFUNCTION, () => {
    throw thrown;
  });
  using multi = multiOf(bad, c);
  assertEquals(multi.perform(), [0, 0]);
  const [, ok, [[failing, code, , error]]] = multi.infoRead();
  assertEquals(ok.length, 1);
  assertStrictEquals(failing, bad);
  assertEquals(code, curl.E_WRITE_ERROR);
  assertInstanceOf(error, curl.CurlError);
  assertStrictEquals(error.cause, thrown);
});

Deno.test("CurlMulti.infoRead() tells of DEBUGFUNCTION, which libcurl ignores", () => {
  const { c } = collector(FILE);
  const thrown = new Error("no");
  c.setopt(curl.VERBOSE, true);
  c.setopt(curl.DEBUGFUNCTION, () => {
    throw thrown;
  });
  using multi = multiOf(c);
  multi.perform();
  const [, ok, [[, code, , error]]] = multi.infoRead();
  assertEquals(ok, []);
  assertEquals(error.code, code);
  assertStrictEquals(error.cause, thrown);
});

Deno.test("getinfo() may be called between infoRead() and removeHandle()", () => {
  const { c, text } = collector(FILE);
  using multi = multiOf(c);
  multi.perform();
  const [, [done]] = multi.infoRead();
  const { length } = new TextEncoder().encode(text());
  assertEquals(done.getinfo(curl.SIZE_DOWNLOAD), length);
  assertEquals(done.errstr(), "");
});

Deno.test("setopt() may be called before the first perform()", () => {
  using multi = multiOf();
  const { c, text } = collector(MISSING);
  multi.addHandle(c);
  c.setopt(curl.URL, FILE);
  multi.perform();
  assertIsFile(text());
});

test(SERVER, "setopt(POSTFIELDS) may be called before perform()", async () => {
  await using server = await startServer();
  const { c, text } = collector(`${server.url}/echo`);
  using multi = multiOf(c);
  c.setopt(curl.POSTFIELDS, "a=1");
  performAll(multi);
  assertEquals(JSON.parse(text()).body, "a=1");
});

test(
  SERVER,
  "the functions of a CurlMime are asked in a CurlMulti",
  async () => {
    await using server = await startServer();
    const { c, text } = collector(`${server.url}/form`);
    using mime = new curl.CurlMime(c);
    const part = mime.addpart();
    part.name("a");
    let rest: string | undefined = "hello";
    part.dataCb(5, () => {
      const given = rest ?? "";
      rest = undefined;
      return given;
    });
    c.setopt(curl.MIMEPOST, mime);
    using multi = new curl.CurlMulti();
    multi.addHandle(c);
    performAll(multi);
    assertEquals(multi.infoRead()[1].length, 1);
    assertEquals(JSON.parse(text()).parts[0].value, "hello");
    c.close();
  },
);

test(SERVER, "pause() and unpause() work between calls", async () => {
  await using server = await startServer();
  const { c, text } = collector(`${server.url}/bytes/5000000`);
  using multi = multiOf(c);
  while (text() === "") {
    multi.perform();
    multi.selectSync(1);
  }
  c.pause(curl.PAUSE_RECV);
  const { length } = text();
  for (let i = 0; i < 5; i++) assertEquals(multi.perform(), [0, 1]);
  assertEquals(text().length, length);
  c.unpause();
  performAll(multi);
  assertEquals(text().length, 5_000_000);
});

Deno.test("a callback may perform another Curl, or another multi handle", () => {
  const inner = collector(FILE);
  using other = multiOf(inner.c);
  using alone = curlFor(FILE);
  const c = curlFor(FILE);
  const outcomes: unknown[] = [];
  c.setopt(curl.WRITEFUNCTION, () => {
    outcomes.push(other.perform()[1], alone.performTextSync().length > 0);
  });
  using multi = multiOf(c);
  multi.perform();
  assertEquals(outcomes, [0, true]);
  assertIsFile(inner.text());
});

Deno.test("getinfo() works inside the handle's own callback", () => {
  const c = curlFor(FILE);
  const seen: unknown[] = [];
  c.setopt(curl.WRITEFUNCTION, () => {
    seen.push(c.getinfo(curl.EFFECTIVE_URL));
  });
  using multi = multiOf(c);
  multi.perform();
  assertEquals(seen, [FILE]);
});

Deno.test("CurlMulti.select() gives 0 at once when nothing goes on", async () => {
  const { c } = collector(FILE);
  using multi = multiOf(c);
  multi.perform();
  assertEquals(await multi.select(1000), 0);
  assertEquals(multi.selectSync(1000), 0);
});

for (const method of ["select", "selectSync"] as const) {
  test(
    SERVER,
    `CurlMulti.${method}() tells how many sockets are ready`,
    async () => {
      await using server = await startServer();
      const { c } = collector(`${server.url}/`);
      using multi = multiOf(c);
      let ready = 0;
      while (multi.perform()[1] > 0) ready += await multi[method](10);
      assertGreater(ready, 0);
    },
  );
}

test(SERVER, "CurlMulti.select() gives 0 when the time is over", async () => {
  await using server = await startServer();
  using multi = multiOf(curlFor(`${server.url}/stall`));
  await arrive(server, multi);
  assertEquals(await multi.select(0), 0);
  assertEquals(multi.selectSync(0.001), 0);
  await server.release();
});

for (
  const [what, act] of [
    ["perform()", (multi) => multi.perform()],
    ["addHandle()", (multi) => multi.addHandle(curlFor(FILE))],
    ["close()", (multi) => multi.close()],
  ] as [string, (multi: curl.CurlMulti) => unknown][]
) {
  test(SERVER, `CurlMulti.select() ends with ${what}`, async () => {
    await using server = await startServer();
    using multi = multiOf(curlFor(`${server.url}/stall`));
    multi.perform();
    const waits = multi.select(1000);
    act(multi);
    await waits;
    multi.close();
    await server.release();
  });
}

test(
  SERVER,
  "await CurlMulti.select() lets timers have their turn",
  async () => {
    await using server = await startServer();
    const { c } = collector(`${server.url}/bytes/200000000`);
    using multi = multiOf(c);
    let isTime = false;
    setTimeout(() => isTime = true);
    while (!isTime) {
      assertEquals(multi.perform(), [0, 1]);
      await multi.select(1);
    }
  },
);

Deno.test("CurlMulti.select() refuses times that make no sense", async () => {
  using multi = multiOf();
  for (const timeout of [-1, 365 * 24 * 60 * 60, NaN, Infinity]) {
    const text = "invalid timeout period";
    assertThrows(() => multi.selectSync(timeout), RangeError, text);
    await assertRejects(() => multi.select(timeout), RangeError, text);
  }
  assertThrows(() => multi.selectSync("1" as unknown as number), TypeError);
});

test(
  SERVER,
  "CurlMulti.fdset() gives the sockets, timeout() a time",
  async () => {
    await using server = await startServer();
    const { c } = collector(`${server.url}/stall`);
    using multi = multiOf(c);
    await arrive(server, multi);
    const [readable, , exceptional] = multi.fdset();
    assert(readable.includes(c.getinfo(curl.ACTIVESOCKET)));
    assertEquals(exceptional, []);
    assertGreater(multi.timeout(), -1);
    await server.release();
  },
);

const NUMBERS = [
  curl.M_CHUNK_LENGTH_PENALTY_SIZE,
  curl.M_CONTENT_LENGTH_PENALTY_SIZE,
  curl.M_MAXCONNECTS,
  curl.M_MAX_CONCURRENT_STREAMS,
  curl.M_MAX_HOST_CONNECTIONS,
  curl.M_MAX_PIPELINE_LENGTH,
  curl.M_MAX_TOTAL_CONNECTIONS,
  curl.M_NETWORK_CHANGED,
  curl.M_PIPELINING,
  curl.M_QUICK_EXIT,
  curl.M_RESOLVE_THREADS_MAX,
];
const LISTS = [curl.M_PIPELINING_SITE_BL, curl.M_PIPELINING_SERVER_BL];
const FUNCTIONS = [
  curl.M_SOCKETFUNCTION,
  curl.M_TIMERFUNCTION,
  curl.M_NOTIFYFUNCTION,
];

Deno.test("CurlMulti.setopt() takes every option of libcurl's", () => {
  using multi = multiOf();
  for (const option of NUMBERS) multi.setopt(option, 1);
  multi.setopt(curl.M_MAX_HOST_CONNECTIONS, true);
  multi.setopt(curl.M_MAXCONNECTS, 5n);
  for (const option of LISTS) {
    multi.setopt(option, ["a", "b"]);
    multi.setopt(option, []);
    multi.setopt(option, null);
  }
  for (const option of FUNCTIONS) {
    multi.setopt(option, () => {});
    multi.setopt(option, null);
  }
  multi.perform();
});

Deno.test("CurlMulti.setopt() refuses values of the wrong type", () => {
  using multi = multiOf();
  const wrong: [number, unknown][] = [
    ...NUMBERS.flatMap((option) =>
      [null, "1", 0.5, () => {}].map((v): [number, unknown] => [option, v])
    ),
    ...LISTS.flatMap((option) =>
      [1, "a", [1], ["a\0"]].map((v): [number, unknown] => [option, v])
    ),
    ...FUNCTIONS.flatMap((option) =>
      [1, "a", {}].map((v): [number, unknown] => [option, v])
    ),
    [curl.M_SOCKETDATA, 1],
    [curl.M_TIMERDATA, 1],
    [curl.M_NOTIFYDATA, 1],
    [curl.M_PUSHDATA, 1],
    [curl.M_PUSHFUNCTION, () => {}],
  ];
  for (const [option, value] of wrong) {
    const error = assertThrows(
      () => multi.setopt(option, value as number),
      TypeError,
    );
    assert(error.message.startsWith("M_"), error.message);
  }
});

Deno.test("CurlMulti.setopt() refuses what is no option", () => {
  using multi = multiOf();
  for (const option of [0, -1, 99, 12345, "M_MAXCONNECTS"]) {
    assertThrows(
      () => multi.setopt(option as number, 1),
      TypeError,
      "invalid arguments to setopt",
    );
  }
});

Deno.test("CurlMulti.setopt() refuses numbers that are out of range", () => {
  using multi = multiOf();
  for (const value of [-1, 2 ** 32, 2 ** 60, 2n ** 60n]) {
    assertThrows(() => multi.setopt(curl.M_MAXCONNECTS, value), RangeError);
  }
  assertCurlError(
    () => multi.setopt(curl.M_MAX_HOST_CONNECTIONS, -1),
    curl.E_MULTI_BAD_FUNCTION_ARGUMENT,
    "setopt failed",
  );
});

test(SERVER, "M_MAX_HOST_CONNECTIONS limits the connections", async () => {
  await using server = await startServer();
  const all = [1, 2, 3, 4].map(() => collector(`${server.url}/`));
  using multi = multiOf();
  multi.setopt(curl.M_MAX_HOST_CONNECTIONS, 1);
  for (const { c } of all) multi.addHandle(c);
  performAll(multi);
  assertEquals(multi.infoRead()[1].length, 4);
  const made = all.map(({ c }) => c.getinfo(curl.NUM_CONNECTS));
  assertEquals(made.reduce((sum, n) => sum + n), 1);
});

Deno.test("CurlMulti.close() lets the handles go, and leaves them open", () => {
  using c = curlFor(FILE);
  const multi = new curl.CurlMulti();
  multi.addHandle(c);
  multi.close();
  assert(multi.closed);
  assertEquals(multi.size, 0);
  assertStrictEquals(c.multi(), null);
  assertUsable(c);
});

Deno.test("CurlMulti.close() closes the handles with closeHandles", () => {
  const [c, removed] = [curlFor(FILE), curlFor(FILE)];
  const multi = multiOf(c, removed);
  multi.removeHandle(removed);
  multi.close();
  assert(c.closed);
  assertFalse(removed.closed);
  removed.close();
});

Deno.test("CurlMulti.close() does nothing the second time", () => {
  const multi = multiOf();
  multi.close();
  multi.close();
  assert(multi.closed);
});

test(SERVER, "CurlMulti.close() ends transfers that go on", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/stall`);
  const multi = new curl.CurlMulti();
  multi.addHandle(c);
  multi.perform();
  multi.close();
  assertUsable(c);
  await server.release();
});

test(
  SERVER,
  "CurlMulti.close() tells CLOSESOCKETFUNCTION of its connections",
  async () => {
    await using server = await startServer();
    const { c } = collector(`${server.url}/`);
    const sockets: number[] = [];
    c.setopt(curl.CLOSESOCKETFUNCTION, (fd) => {
      sockets.push(fd);
    });
    const multi = multiOf(c);
    performAll(multi);
    assertEquals(sockets, []);
    multi.close();
    assertEquals(sockets.length, 1);
  },
);

test(
  SERVER,
  "CurlMulti.close() tells what CLOSESOCKETFUNCTION threw, and is done",
  async () => {
    await using server = await startServer();
    const { c } = collector(`${server.url}/`);
    c.setopt(curl.CLOSESOCKETFUNCTION, () => {
      throw new Error("no");
    });
    const multi = multiOf(c);
    performAll(multi);
    const error = assertThrows(() => multi.close(), curl.CurlError);
    assertEquals((error.cause as Error).message, "no");
    assert(multi.closed);
    assert(c.closed);
  },
);

Deno.test("two CurlMulti objects have different handles", () => {
  using a = multiOf();
  using b = multiOf();
  assertNotStrictEquals(a.handle, b.handle);
});
