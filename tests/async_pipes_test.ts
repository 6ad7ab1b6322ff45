/** Streams as WRITEDATA, HEADERDATA and READDATA. */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertFalse,
  assertGreater,
  assertInstanceOf,
  assertLess,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "./assert.ts";
import {
  assertCurlRejects,
  assertRejectsWith,
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
import { head, okay } from "./fixtures/http_answers.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { patternBytes } from "./fixtures/pattern.ts";
import { expect, expectBytes, hold, request, send } from "./fixtures/script.ts";
import { startScriptedServer } from "./fixtures/scripted_server.ts";
import { test } from "./permissions.ts";

const MIB = 1 << 20;

/** A stream that keeps what is written to it. */
class Collector extends WritableStream<Uint8Array> {
  readonly pieces: Uint8Array[];
  closed = false;

  constructor(sink: UnderlyingSink<Uint8Array> = {}) {
    const pieces: Uint8Array[] = [];
    super({
      ...sink,
      async write(piece, controller) {
        await sink.write?.(piece, controller);
        pieces.push(piece);
      },
      close: () => {
        this.closed = true;
      },
    });
    this.pieces = pieces;
  }

  bytes(): Promise<Uint8Array> {
    return new Blob(this.pieces as BlobPart[]).bytes();
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes());
  }
}

for (const url of ["file:///dev/null", FILE, LONG_FILE]) {
  Deno.test(`WRITEDATA writes ${url} to a stream`, async () => {
    using c = curlFor(url);
    const whole = await c.performBytes();
    const stream = new Collector();
    c.setopt(curl.WRITEDATA, stream);
    await c.perform();
    assertEquals(await stream.bytes(), whole);
    assertFalse(stream.locked);
    assertFalse(stream.closed);
    // A second one goes behind the first.
    await c.perform();
    assertEquals((await stream.bytes()).length, 2 * whole.length);
    await stream.close();
    await assertUsableAgain(c);
  });
}

test(SERVER, "WRITEDATA and HEADERDATA write to streams", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/bytes/1000000`);
  const body = new Collector();
  const headers = new Collector({
    write: () => new Promise((resolve) => setTimeout(resolve, 1)),
  });
  c.setopt(curl.WRITEDATA, body);
  c.setopt(curl.HEADERDATA, headers);
  await c.perform();
  assertEquals(await body.bytes(), patternBytes(1_000_000));
  const text = await headers.text();
  assertStringIncludes(text, "HTTP/1.1 200 OK\r\n");
  assert(text.endsWith("\r\n\r\n"));
  assertFalse(body.locked || headers.locked);
  await c.performBytes();
  assertEquals((await headers.text()).length, 2 * text.length);
});

test(SERVER, "WRITEDATA comes as fast as the stream takes it", async () => {
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
  const { readable, writable } = new TransformStream<Uint8Array>();
  c.setopt(curl.WRITEDATA, writable);
  const performed = c.perform();
  const reader = readable.getReader();
  let read = (await reader.read()).value!.length;
  using other = curlFor(`${peers.url}/bytes/${16 * MIB}`);
  await other.performBytes();
  const [{ sent }] = await server.connections();
  assertLess(sent, 32 * MIB);
  assert(writable.locked);
  while (read < total) read += (await reader.read()).value!.length;
  await performed;
  assertEquals(read, total);
  assertFalse(writable.locked);
});

Deno.test("WRITEDATA's stream keeps what it gets", async () => {
  using c = curlFor(FILE);
  const stream = new Collector();
  c.setopt(curl.WRITEDATA, stream);
  await c.perform();
  await curlFor(LONG_FILE).performBytes();
  assertIsFile(await stream.text());
});

for (const option of ["WRITEDATA", "HEADERDATA"] as const) {
  test(SERVER, `perform() fails as ${option}'s stream does`, async () => {
    await using server = await startServer();
    using c = curlFor(`${server.url}/bytes/100000`);
    c.setopt(curl.WRITEFUNCTION, () => {});
    const thrown = new Error("full");
    const sinks: UnderlyingSink<Uint8Array>[] = [
      { write: () => Promise.reject(thrown) },
      {
        write() {
          throw thrown;
        },
      },
      { start: (controller) => controller.error(thrown) },
    ];
    for (const sink of sinks) {
      const stream = new WritableStream(sink);
      c.setopt(curl[option], stream);
      const error = await assertCurlRejects(c.perform(), curl.E_WRITE_ERROR);
      assertStrictEquals(error.cause, thrown);
      assertFalse(stream.locked);
    }
    await assertUsableAgain(c);
  });

  test(SERVER, `perform() fails when ${option} is locked`, async () => {
    await using server = await startServer();
    using c = curlFor(server.url);
    const stream = new Collector();
    const writer = stream.getWriter();
    c.setopt(curl.WRITEFUNCTION, () => {});
    c.setopt(curl[option], stream);
    const { cause } = await assertCurlRejects(
      c.perform(),
      curl.E_WRITE_ERROR,
    );
    assertInstanceOf(cause, TypeError);
    writer.releaseLock();
    await c.perform();
    assertGreater(stream.pieces.length, 0);
  });
}

test(SERVER, "abort() unlocks WRITEDATA's stream", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/bytes/1000000`);
  const called = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const stream = new WritableStream({
    write() {
      called.resolve();
      return released.promise;
    },
  });
  const controller = new AbortController();
  c.setopt(curl.WRITEDATA, stream);
  const promise = c.perform({ signal: controller.signal });
  await called.promise;
  controller.abort("enough");
  await assertRejectsWith(promise, "enough");
  assertFalse(stream.locked);
  released.resolve();
  await stream.close();
  await assertUsableAgain(c);
});

Deno.test("performSync() refuses streams, and says why", async () => {
  using c = curlFor(FILE);
  const refused = (act: () => unknown, option: string) =>
    assertThrows(act, TypeError, `${option} takes an object with synchronous`);
  c.setopt(curl.WRITEDATA, new Collector());
  refused(() => c.performSync(), "WRITEDATA");
  // It is not needed there.
  assertIsFile(c.performTextSync());
  c.setopt(curl.WRITEFUNCTION, () => {});
  c.performSync();
  c.setopt(curl.HEADERDATA, new Collector());
  refused(() => c.performSync(), "HEADERDATA");
  refused(() => c.performTextSync(), "HEADERDATA");
  c.unsetopt(curl.HEADERDATA);
  c.performSync();
  c.setopt(curl.READDATA, new ReadableStream());
  refused(() => c.performTextSync(), "READDATA");
  assertIsFile(await c.performText());
  c.reset();
  c.setopt(curl.URL, FILE);
  assertIsFile(c.performTextSync());
});

Deno.test("setopt() refuses what is neither a stream nor an object", () => {
  using c = curlFor(FILE);
  const read = () => c.setopt(curl.READDATA, new Collector() as never);
  assertThrows(read, TypeError, "READDATA takes a ReadableStream");
  const write = () => c.setopt(curl.WRITEDATA, new ReadableStream() as never);
  assertThrows(write, TypeError, "WRITEDATA takes a WritableStream");
});

Deno.test("duphandle() copies a stream that is set", async () => {
  using c = curlFor(FILE);
  const stream = new Collector();
  c.setopt(curl.WRITEDATA, stream);
  using copy = c.duphandle();
  assertThrows(() => copy.performSync(), TypeError, "WRITEDATA");
  await copy.perform();
  assertIsFile(await stream.text());
  c.unsetopt(curl.WRITEFUNCTION);
  await copy.perform();
  assertEquals(stream.pieces.length, 2);
});

test(SERVER, "a new WRITEDATA in a callback takes the rest", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/bytes/1000000`);
  const second = new Collector();
  const first = new Collector({
    write: () => c.setopt(curl.WRITEDATA, second),
  });
  c.setopt(curl.WRITEDATA, first);
  await c.perform();
  assertFalse(first.locked || second.locked);
  const both = new Blob([...first.pieces, ...second.pieces] as BlobPart[]);
  assertEquals(await both.bytes(), patternBytes(1_000_000));
  assertGreater(second.pieces.length, 0);
});

/** Streams of three megabytes, of many kinds. */
const SOURCES: Record<string, () => ReadableStream<Uint8Array>> = {
  "in one chunk": () => ReadableStream.from([patternBytes(3_000_000)]),
  "in small chunks": () =>
    ReadableStream.from(
      Array.from({ length: 3000 }, (_, i) => patternBytes(1000, 1000 * i)),
    ),
  "with empty chunks": () =>
    ReadableStream.from([
      new Uint8Array(),
      patternBytes(1_000_000),
      new Uint8Array(),
      new Uint8Array(),
      patternBytes(2_000_000, 1_000_000),
    ]),
  "as a byte stream": () => new Blob([patternBytes(3_000_000)]).stream(),
  "slowly": () => {
    let at = 0;
    return new ReadableStream({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        controller.enqueue(patternBytes(100_000, at));
        at += 100_000;
        if (at === 3_000_000) controller.close();
      },
    });
  },
};

for (const [how, source] of Object.entries(SOURCES)) {
  test(SERVER, `READDATA sends a stream ${how}`, async () => {
    await using server = await startServer();
    const digest = await crypto.subtle.digest(
      "SHA-256",
      patternBytes(3_000_000),
    );
    using share = new curl.CurlShare();
    share.share(curl.LOCK_DATA_COOKIE);
    for (const size of [undefined, 3_000_000, 3_000_000]) {
      using c = uploadTo(`${server.url}/upload`);
      const isLast = (await server.requests()).length === 2;
      if (isLast) c.setopt(curl.SHARE, share);
      if (size) c.setopt(curl.INFILESIZE, size);
      const stream = source();
      c.setopt(curl.READDATA, stream);
      assertEquals(JSON.parse(await c.performText()), {
        bytes: 3_000_000,
        sha256: new Uint8Array(digest).toHex(),
      });
      assertFalse(stream.locked);
    }
    const headers = (await server.requests()).map(({ headers }) =>
      Object.fromEntries(headers)
    );
    assertEquals(headers[0]["transfer-encoding"], "chunked");
    assertEquals(headers[1]["content-length"], "3000000");
  });
}

test(SERVER, "READDATA sends strings", async () => {
  await using server = await startServer();
  using c = uploadTo(`${server.url}/echo`);
  const strings = ["one ", "", "tw\u00f6"];
  c.setopt(curl.READDATA, ReadableStream.from(strings) as never);
  assertEquals(JSON.parse(await c.performText()).body, "one tw\u00f6");
});

test(SERVER, "READDATA of one transfer is WRITEDATA of another", async () => {
  await using server = await startServer();
  using from = curlFor(`${server.url}/bytes/5000000`);
  using to = uploadTo(`${server.url}/upload`);
  await using body = await from.performStream();
  to.setopt(curl.READDATA, body.readable);
  assertEquals(JSON.parse(await to.performText()).bytes, 5_000_000);
});

test(SERVER, "perform() fails as READDATA's stream does", async () => {
  await using server = await startServer();
  using c = uploadTo(`${server.url}/upload`);
  const thrown = new Error("unreadable");
  const failing = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.error(thrown);
    },
  });
  const locked = ReadableStream.from([new Uint8Array(1)]);
  locked.getReader();
  const wrong = ReadableStream.from([5]) as unknown as typeof failing;
  for (const stream of [failing, locked, wrong]) {
    c.setopt(curl.READDATA, stream);
    const aborted = curl.E_ABORTED_BY_CALLBACK;
    const { cause } = await assertCurlRejects(c.performText(), aborted);
    if (stream === failing) assertStrictEquals(cause, thrown);
    else assertInstanceOf(cause, TypeError);
    assertEquals(stream.locked, stream === locked);
  }
  await assertUsableAgain(c);
});

test(SERVER, "READDATA goes on where a transfer has left it", async () => {
  await using server = await startScriptedServer({
    scripts: [[request(), expectBytes(5), send(okay("one"))]],
  });
  using c = uploadTo(server.url);
  c.setopt(curl.INFILESIZE, 5);
  const stream = ReadableStream.from([
    new TextEncoder().encode("first"),
    new TextEncoder().encode("other"),
  ]);
  c.setopt(curl.READDATA, stream);
  c.setopt(curl.FORBID_REUSE, true);
  assertEquals(await c.performText(), "one");
  assertFalse(stream.locked);
  assertEquals(await c.performText(), "one");
  const [first, other] = await server.ended(2);
  assert(first.text.endsWith("\r\n\r\nfirst"));
  assert(other.text.endsWith("\r\n\r\nother"));
});

test(SERVER, "what was read ahead of a stream is sent next", async () => {
  await using server = await startScriptedServer({
    scripts: [[request(), expectBytes(5), send(okay("one"))]],
  });
  const stream = ReadableStream.from(
    ["first", "oth", "er", "thi", "rd-"].map((text) =>
      new TextEncoder().encode(text)
    ),
  );
  for (let round = 0; round < 3; round++) {
    using c = uploadTo(server.url);
    c.setopt(curl.INFILESIZE, 5);
    c.setopt(curl.FORBID_REUSE, true);
    c.setopt(curl.READDATA, stream);
    assertEquals(await c.performText(), "one");
    assertFalse(stream.locked);
  }
  const ended = await server.ended(3);
  const texts = ended.map(({ text }) => text.split("\r\n\r\n")[1]);
  assertEquals(texts, ["first", "other", "third"]);
});

test(SERVER, "READDATA comes as fast as the server takes it", async () => {
  await using server = await startScriptedServer({
    scripts: [[request(), hold()]],
  });
  await using peers = await startServer();
  const chunk = new Uint8Array(MIB / 4);
  let pulled = 0;
  using c = uploadTo(server.url);
  c.setopt(curl.HTTPHEADER, ["Expect:"]);
  c.setopt(
    curl.READDATA,
    new ReadableStream({
      pull(controller) {
        pulled += chunk.length;
        controller.enqueue(chunk);
      },
    }),
  );
  const controller = new AbortController();
  const promise = c.performText({ signal: controller.signal });
  using other = curlFor(`${peers.url}/bytes/${16 * MIB}`);
  await other.performBytes();
  assertGreater(pulled, 0);
  assertLess(pulled, 32 * MIB);
  controller.abort("enough");
  await assertRejectsWith(promise, "enough");
});

test(SERVER, "SEEKFUNCTION starts a stream again", async () => {
  await using server = await startScriptedServer({
    scripts: [[
      request(),
      expectBytes(7),
      send(head(307, { Location: "/next", "Content-Length": "0" })),
      request(),
      expectBytes(7),
      send(okay("taken")),
    ]],
  });
  using share = new curl.CurlShare();
  share.share(curl.LOCK_DATA_COOKIE);
  for (const own of [undefined, share]) {
    using c = uploadTo(server.url);
    if (own) c.setopt(curl.SHARE, own);
    c.setopt(curl.INFILESIZE, 7);
    c.setopt(curl.FOLLOWLOCATION, true);
    c.setopt(curl.FORBID_REUSE, false);
    let at = 0;
    c.setopt(curl.SEEKFUNCTION, (offset) => {
      at = offset;
      return curl.SEEKFUNC_OK;
    });
    const content = new TextEncoder().encode("content");
    c.setopt(
      curl.READDATA,
      new ReadableStream({
        pull(controller) {
          controller.enqueue(content.slice(at % 7, at % 7 + 1));
          at++;
        },
      }, { highWaterMark: 0 }),
    );
    assertEquals(await c.performText(), "taken");
  }
  const [first, second] = await server.ended(2);
  for (const { text } of [first, second]) {
    assertEquals(text.match(/\r\n\r\ncontent/g)?.length, 2);
  }
});

test(SERVER, "abort() unlocks READDATA's stream", async () => {
  await using server = await startServer();
  using c = uploadTo(`${server.url}/upload`);
  const called = Promise.withResolvers<void>();
  let give: ReadableStreamDefaultController<Uint8Array> | undefined;
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => void (give = controller),
    pull: () => called.resolve(),
  }, { highWaterMark: 0 });
  const controller = new AbortController();
  c.setopt(curl.READDATA, stream);
  const promise = c.performText({ signal: controller.signal });
  await called.promise;
  controller.abort("enough");
  await assertRejectsWith(promise, "enough");
  assertFalse(stream.locked);
  give!.enqueue(patternBytes(3));
  give!.close();
  assertEquals(JSON.parse(await c.performText()).bytes, 3);
});

test(SERVER, "READDATA can't be sent twice", async () => {
  await using server = await startScriptedServer({
    scripts: [[
      request(),
      expectBytes(7),
      send(head(307, { Location: "/next", "Content-Length": "0" })),
      hold(),
    ]],
  });
  using c = uploadTo(server.url);
  c.setopt(curl.INFILESIZE, 7);
  c.setopt(curl.FOLLOWLOCATION, true);
  const stream = new Blob(["content"]).stream();
  c.setopt(curl.READDATA, stream);
  await assertCurlRejects(c.performText(), curl.E_SEND_FAIL_REWIND, "rewind");
  assertFalse(stream.locked);
  await assertUsableAgain(c);
});

test(SERVER, "READDATA waits for 100 Continue", async () => {
  await using server = await startScriptedServer({
    scripts: [[
      expect(/expect: 100-continue[^]*\r\n\r\n/i),
      send(head(100)),
      expectBytes(7),
      send(okay("taken")),
    ], [
      request(),
      send(head(417, { "Content-Length": "0" })),
      request(),
      expectBytes(7),
      send(okay("taken without")),
    ]],
  });
  for (const expected of ["taken", "taken without"]) {
    using c = uploadTo(server.url);
    let wasRead = false;
    c.setopt(curl.INFILESIZE, 7);
    c.setopt(curl.HTTPHEADER, ["Expect: 100-continue"]);
    c.setopt(curl.FRESH_CONNECT, true);
    c.setopt(
      curl.READDATA,
      new ReadableStream({
        pull(controller) {
          wasRead = true;
          controller.enqueue(new TextEncoder().encode("content"));
          controller.close();
        },
      }, { highWaterMark: 0 }),
    );
    c.setopt(curl.HEADERFUNCTION, (line) => {
      if (/ (100|417) /.test(new TextDecoder().decode(line))) {
        assertFalse(wasRead);
      }
    });
    assertEquals(await c.performText(), expected);
    assert(wasRead);
  }
});

test(
  [SERVER, { needs: ["read", "write"] }],
  "WRITEDATA and READDATA take the streams of a file",
  async () => {
    await using server = await startServer();
    const path = await Deno.makeTempFile();
    try {
      const output = await Deno.open(path, { write: true });
      using c = curlFor(`${server.url}/bytes/300000`);
      c.setopt(curl.WRITEDATA, output.writable);
      await c.perform();
      await output.writable.close();
      assertEquals(await Deno.readFile(path), patternBytes(300_000));
      const input = await Deno.open(path);
      using upload = uploadTo(`${server.url}/upload`);
      upload.setopt(curl.READDATA, input.readable);
      assertEquals(JSON.parse(await upload.performText()).bytes, 300_000);
      assertCurlError(() => upload.pause(0), curl.E_BAD_FUNCTION_ARGUMENT);
    } finally {
      await Deno.remove(path);
    }
  },
);
