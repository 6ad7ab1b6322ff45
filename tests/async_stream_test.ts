/** performStream(): a body that is read as it comes. */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertInstanceOf,
  assertLess,
  assertRejects,
  assertStrictEquals,
} from "./assert.ts";
import {
  assertCurlRejects,
  assertRejectsWith,
  assertUsableAgain,
} from "./fixtures/async_checks.ts";
import {
  assertCurlError,
  assertIsFile,
  curlFor,
  FILE,
  LONG_FILE,
} from "./fixtures/checks.ts";
import { head, lyingLength, okay } from "./fixtures/http_answers.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { patternBytes } from "./fixtures/pattern.ts";
import { end, hold, request, reset, send, waitFor } from "./fixtures/script.ts";
import { startScriptedServer } from "./fixtures/scripted_server.ts";
import { test } from "./permissions.ts";

type Body = curl.CurlBody;

const MIB = 1 << 20;

/** Ways to read a body to its end. */
const READERS: Record<string, (body: Body) => Promise<Uint8Array>> = {
  "Response.bytes()": ({ readable }) => new Response(readable).bytes(),
  "for await": async ({ readable }) => {
    return await new Blob(await Array.fromAsync(readable)).bytes();
  },
  "a default reader": async ({ readable }) => {
    const reader = readable.getReader();
    const parts: Uint8Array<ArrayBuffer>[] = [];
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return await new Blob(parts).bytes();
      assertGreater(value.length, 0);
      parts.push(value);
    }
  },
  "many reads at once": async ({ readable }) => {
    const reader = readable.getReader();
    const parts: Uint8Array<ArrayBuffer>[] = [];
    for (;;) {
      const reads = Array.from({ length: 50 }, () => reader.read());
      for (const { done, value } of await Promise.all(reads)) {
        if (done) return await new Blob(parts).bytes();
        parts.push(value);
      }
    }
  },
  "a BYOB reader": async ({ readable }) => {
    const reader = readable.getReader({ mode: "byob" });
    const parts: Uint8Array<ArrayBuffer>[] = [];
    let buffer = new ArrayBuffer(10_000);
    for (let round = 0;; round++) {
      const length = 1 + round * 37 % 9000;
      const view = new Uint8Array(buffer, round % 1000, length);
      const { done, value } = await reader.read(view);
      if (done) return await new Blob(parts).bytes();
      assertStrictEquals(value.byteOffset, round % 1000);
      parts.push(value.slice());
      buffer = value.buffer;
    }
  },
  "a BYOB reader with much room": async ({ readable }) => {
    const reader = readable.getReader({ mode: "byob" });
    const parts: Uint8Array<ArrayBuffer>[] = [];
    let buffer = new ArrayBuffer(MIB);
    for (;;) {
      const { done, value } = await reader.read(new Uint8Array(buffer, 100));
      if (done) return await new Blob(parts).bytes();
      parts.push(value.slice());
      buffer = value.buffer;
    }
  },
  "a BYOB reader that waits for full buffers": async ({ readable }) => {
    const reader = readable.getReader({ mode: "byob" });
    const parts: Uint8Array<ArrayBuffer>[] = [];
    for (;;) {
      const view = new Uint8Array(5000);
      const { done, value } = await reader.read(view, { min: 5000 });
      parts.push(value!);
      if (done || value!.length < 5000) {
        return await new Blob(parts).bytes();
      }
    }
  },
  "pipeThrough()": async ({ readable }) => {
    const through = readable.pipeThrough(new TransformStream());
    return await new Response(through).bytes();
  },
  "tee()": async ({ readable }) => {
    const [one, other] = readable.tee();
    const [bytes] = await Promise.all([
      new Response(one).bytes(),
      new Response(other).bytes(),
    ]);
    return bytes;
  },
};

for (const [how, read] of Object.entries(READERS)) {
  for (const url of ["file:///dev/null", FILE, LONG_FILE]) {
    Deno.test(`performStream() gives ${url} by ${how}`, async () => {
      using c = curlFor(url);
      const whole = await c.performBytes();
      for (let round = 0; round < 3; round++) {
        await using body = await c.performStream();
        assertEquals(await read(body), whole);
        assertEquals(c.getinfo(curl.SIZE_DOWNLOAD_T), whole.length);
      }
      await assertUsableAgain(c);
    });
  }

  test(SERVER, `performStream() gives bodies by ${how}`, async () => {
    await using server = await startServer();
    using c = curlFor(server.url);
    c.setopt(curl.FOLLOWLOCATION, true);
    c.setopt(curl.ACCEPT_ENCODING, "");
    for (
      const path of [
        "/",
        "/status/204",
        "/bytes/3000000",
        "/bytes/3000000?chunked",
        "/gzip?bytes=300000",
        "/redirect/2?to=/bytes/70000",
        "/trickle?ms=1&bytes=3&count=20",
      ]
    ) {
      c.setopt(curl.URL, server.url + path);
      const whole = await c.performBytes();
      await using body = await c.performStream();
      assertEquals(await read(body), whole, path);
    }
  });
}

test(SERVER, "performStream() resolves when the headers are in", async () => {
  await using server = await startScriptedServer({
    scripts: [[
      request(),
      waitFor("headers"),
      send(head(200, { "Content-Length": "4" })),
      waitFor("body"),
      send("body"),
    ]],
  });
  using c = curlFor(server.url);
  const lines: string[] = [];
  c.setopt(curl.HEADERFUNCTION, (line) => {
    lines.push(new TextDecoder().decode(line).trim());
  });
  const promise = c.performStream();
  await server.signal("headers");
  await using body = await promise;
  assertEquals(lines.length, 3);
  assertCurlError(() => c.errstr(), undefined, "currently running");
  const reader = body.readable.getReader();
  const read = reader.read();
  await server.signal("body");
  assertEquals(new TextDecoder().decode((await read).value), "body");
  assert((await reader.read()).done);
  assertEquals(c.getinfo(curl.RESPONSE_CODE), 200);
});

test(SERVER, "performStream() skips what is not the final answer", async () => {
  await using server = await startScriptedServer({
    scripts: [[
      request(),
      send(head(103, { Link: "</a>" })),
      send(head(302, { Location: "/next", "Content-Length": "0" })),
      request(),
      waitFor("last"),
      send(okay("last")),
    ]],
  });
  using c = curlFor(server.url);
  c.setopt(curl.FOLLOWLOCATION, true);
  let isResolved = false;
  const promise = c.performStream();
  promise.then(() => isResolved = true);
  // The same server's log shows that the second request has come.
  while ((await server.connections())[0]?.steps !== 4) await Promise.resolve();
  assert(!isResolved);
  await server.signal("last");
  await using body = await promise;
  assertEquals(await new Response(body.readable).text(), "last");
});

test(SERVER, "performStream() rejects before the headers", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/status/404`);
  c.setopt(curl.FAILONERROR, true);
  await assertCurlRejects(c.performStream(), curl.E_HTTP_RETURNED_ERROR);
  c.setopt(curl.FAILONERROR, false);
  c.setopt(curl.HEADERFUNCTION, () => {
    throw new Error("out");
  });
  const { cause } = await assertCurlRejects(
    c.performStream(),
    curl.E_WRITE_ERROR,
  );
  assertEquals(String(cause), "Error: out");
  await assertUsableAgain(c);
});

test(SERVER, "performStream() gives what came before a failure", async () => {
  await using server = await startScriptedServer({
    scripts: [
      [request(), send(lyingLength("x".repeat(100_000), 100_001)), end()],
      [request(), send(lyingLength("first", 10)), waitFor("read"), reset()],
    ],
  });
  using c = curlFor(server.url);
  await using body = await c.performStream();
  const parts: Uint8Array[] = [];
  const failure = await assertRejects(async () => {
    for await (const part of body.readable) parts.push(part);
  }, curl.CurlError);
  assertEquals(failure.code, curl.E_PARTIAL_FILE);
  assertEquals(parts.reduce((sum, { length }) => sum + length, 0), 100_000);

  await using other = await c.performStream();
  const reader = other.readable.getReader();
  assertEquals((await reader.read()).value?.length, 5);
  const rejected = assertCurlRejects(reader.read(), curl.E_RECV_ERROR);
  await server.signal("read");
  await rejected;
  await assertCurlRejects(reader.closed, curl.E_RECV_ERROR);
  await assertUsableAgain(c);
});

test(SERVER, "performStream() fails with what a callback throws", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/bytes/10000000`);
  const thrown = new Error("out");
  let isReading = false;
  c.setopt(curl.NOPROGRESS, false);
  c.setopt(curl.XFERINFOFUNCTION, () => {
    if (isReading) throw thrown;
  });
  await using body = await c.performStream();
  isReading = true;
  const promise = new Response(body.readable).bytes();
  const error = await assertRejects(() => promise, curl.CurlError);
  assertEquals(error.code, curl.E_ABORTED_BY_CALLBACK);
  assertStrictEquals(error.cause, thrown);
  await assertUsableAgain(c);
});

test(SERVER, "performStream() fails with its signal's reason", async () => {
  await using server = await startScriptedServer({
    scripts: [[
      request(),
      send(head(200, { "Content-Length": "100" })),
      send("first"),
      hold(),
    ]],
  });
  using c = curlFor(server.url);
  for (const when of ["while it is read", "before it is read"]) {
    const controller = new AbortController();
    const { signal } = controller;
    await using body = await c.performStream({ signal });
    const reader = body.readable.getReader();
    if (when === "before it is read") {
      controller.abort(when);
      await assertRejectsWith(reader.read(), when);
    } else {
      assertEquals((await reader.read()).value?.length, 5);
      const promise = reader.read();
      controller.abort(when);
      await assertRejectsWith(promise, when);
    }
    await assertRejectsWith(reader.closed, when);
    c.setopt(curl.PRIVATE, "idle");
  }
  await assertUsableAgain(c);
});

test(SERVER, "cancel() ends the transfer", async () => {
  await using server = await startScriptedServer({
    scripts: [[
      request(),
      send(head(200, { "Content-Length": `${MIB}` })),
      send("first"),
      hold(),
    ]],
  });
  using c = curlFor(server.url);
  for (let round = 1; round <= 4; round++) {
    const body = await c.performStream();
    const reader = body.readable.getReader();
    if (round > 1) await reader.read();
    const pending = round > 2 ? reader.read() : undefined;
    await reader.cancel("enough");
    c.setopt(curl.PRIVATE, "idle");
    if (pending) assertEquals(await pending, { done: true, value: undefined });
    assert((await reader.read()).done);
    await body[Symbol.asyncDispose]();
    const ended = await server.ended(round);
    assertEquals(ended[round - 1].outcome, "client left");
  }
  await assertUsableAgain(c);
});

Deno.test("cancel() after the end of the transfer drops the rest", async () => {
  using c = curlFor(FILE);
  const body = await c.performStream();
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertIsFile(await c.performText());
  await body.readable.cancel();
  await body[Symbol.asyncDispose]();
  assertIsFile(await c.performText());
});

test(SERVER, "await using ends a body that was not read", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/bytes/${64 * MIB}`);
  for (let round = 0; round < 5; round++) {
    let readable: ReadableStream;
    {
      await using body = await c.performStream();
      readable = body.readable;
      if (round % 2) { for await (const _ of readable) break; }
    }
    c.setopt(curl.PRIVATE, "idle");
    if (round % 2 === 0) {
      const reader = readable.getReader();
      const error = await assertRejects(() => reader.read(), DOMException);
      assertEquals(error.name, "AbortError");
    }
  }
  await assertUsableAgain(c);
});

test(SERVER, "using ends a body that was not read", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/bytes/${64 * MIB}`);
  let body: Body;
  {
    using disposed = body = await c.performStream();
    // Someone has it, which cancel() would refuse.
    disposed.readable.getReader();
  }
  await body[Symbol.asyncDispose]();
  await assertUsableAgain(c);
});

Deno.test("disposing changes nothing after a body was read", async () => {
  using c = curlFor(FILE);
  const body = await c.performStream();
  const { readable } = body;
  const reader = readable.getReader();
  while (!(await reader.read()).done);
  body[Symbol.dispose]();
  await body[Symbol.asyncDispose]();
  await reader.closed;
});

Deno.test("a body can be read while the next transfer runs", async () => {
  using c = curlFor(FILE);
  const bodies: Body[] = [];
  for (let i = 0; i < 20; i++) {
    bodies.push(await c.performStream());
    // The transfer is over as soon as its piece has come.
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  for (const { readable } of bodies) {
    assertIsFile(await new Response(readable).text());
  }
});

test(SERVER, "performStream() takes no more than is read", async () => {
  const total = 96 * MIB;
  await using server = await startScriptedServer({
    scripts: [[
      request(),
      send(head(200, { "Content-Length": `${total}` })),
      send(new Uint8Array(MIB), total / MIB),
    ]],
  });
  await using peers = await startServer();
  using c = curlFor(server.url);
  await using body = await c.performStream();
  const reader = body.readable.getReader({ mode: "byob" });
  let read = 0;
  for (const stop of [0, 30 * MIB, 60 * MIB]) {
    while (read < stop) {
      read += (await reader.read(new Uint8Array(MIB))).value!.length;
    }
    // Meanwhile as much comes as there is room for, and no more: the sockets
    // hold some megabytes.
    using other = curlFor(`${peers.url}/bytes/${16 * MIB}`);
    await other.performBytes();
    const [{ sent }] = await server.connections();
    assertLess(sent, read + 32 * MIB);
  }
  for (;;) {
    const { done, value } = await reader.read(new Uint8Array(MIB));
    if (done) break;
    read += value.length;
  }
  assertEquals(read, total);
});

test(SERVER, "performStream() streams 100 bodies at once", async () => {
  await using server = await startServer();
  const bodies = Array.from({ length: 100 }, async (_, i) => {
    using c = curlFor(`${server.url}/bytes/${i * 10_000}`);
    await using body = await c.performStream();
    return await new Response(body.readable).bytes();
  });
  for (const [i, body] of (await Promise.all(bodies)).entries()) {
    assertEquals(body, patternBytes(i * 10_000));
  }
});

test(SERVER, "performStream() keeps many open that nobody reads", async () => {
  await using server = await startServer();
  const opened = await Promise.all(
    Array.from({ length: 50 }, async () => {
      const c = curlFor(`${server.url}/bytes/${8 * MIB}`);
      return { c, body: await c.performStream() };
    }),
  );
  using other = curlFor(server.url);
  assertEquals(await other.performText(), "home\n");
  for (const { c, body } of opened) {
    await body[Symbol.asyncDispose]();
    c.close();
  }
});

test(SERVER, "callbacks come while a BYOB reader waits", async () => {
  await using server = await startServer();
  const expected = patternBytes(3_000_000);
  const whole = async () => {
    using c = curlFor(`${server.url}/bytes/3000000`);
    let calls = 0;
    c.setopt(curl.NOPROGRESS, false);
    c.setopt(curl.XFERINFOFUNCTION, () => void calls++);
    await using body = await c.performStream();
    const bytes = await READERS["a BYOB reader with much room"](body);
    assertEquals(bytes, expected);
    assertGreater(calls, 0);
  };
  await Promise.all([whole(), whole(), whole()]);
});

test(SERVER, "cancel() in a callback ends a read that waits", async () => {
  await using server = await startServer();
  for (const mode of ["byob", undefined] as const) {
    using c = curlFor(`${server.url}/bytes/${16 * MIB}`);
    let cancel = () => {};
    c.setopt(curl.NOPROGRESS, false);
    c.setopt(curl.XFERINFOFUNCTION, (_total, now) => {
      if (now > MIB) cancel();
    });
    await using body = await c.performStream();
    const reader = body.readable.getReader({ mode } as { mode: "byob" });
    let cancelled: Promise<void> | undefined;
    cancel = () => cancelled ??= reader.cancel();
    for (let isDone = false; !isDone;) {
      ({ done: isDone } = await reader.read(new Uint8Array(MIB)));
    }
    await cancelled;
    await assertUsableAgain(c);
  }
});

Deno.test("a BYOB reader gets whole elements, or a failure", async () => {
  using c = curlFor(FILE);
  const whole = await c.performBytes();
  await using body = await c.performStream();
  const reader = body.readable.getReader({ mode: "byob" });
  let elements = 0;
  const read = async () => {
    for (;;) {
      const { done, value } = await reader.read(new Uint16Array(7));
      if (done) return;
      elements += value.length;
    }
  };
  if (whole.length % 2) await assertRejects(read, TypeError);
  else await read();
  assertEquals(elements, Math.floor(whole.length / 2));
  await assertUsableAgain(c);
});

test(SERVER, "performStream() may be paused and unpaused", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/bytes/${16 * MIB}`);
  await using body = await c.performStream();
  c.pause(curl.PAUSE_RECV);
  const promise = new Response(body.readable).bytes();
  using other = curlFor(server.url);
  await other.performText();
  c.unpause();
  const bytes = await promise;
  assertInstanceOf(bytes, Uint8Array);
  assertEquals(bytes.length, 16 * MIB);
});

test(
  SERVER,
  "performStream() tells the status of the final response",
  async () => {
    await using server = await startServer();
    for (
      const [path, status] of [["/bytes/400000", 200], ["/status/404", 404], [
        "/redirect/2",
        200,
      ], ["/status/204", 204]] as const
    ) {
      using c = curlFor(server.url + path);
      c.setopt(curl.FOLLOWLOCATION, true);
      await using body = await c.performStream();
      assertEquals(body.status, status);
      await new Response(body.readable).bytes();
      assertEquals(c.getinfo(curl.RESPONSE_CODE), status);
    }
  },
);
