/** Whose a mime's content is: when it is rewound, copied, and let go. */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "./assert.ts";
import { assertCurlRejects } from "./fixtures/async_checks.ts";
import { assertCurlError } from "./fixtures/checks.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { addReader, formAt, mimeFor, partsOf } from "./fixtures/mime.ts";
import { patternBytes } from "./fixtures/pattern.ts";
import { Gate, startWorker, WORKERS } from "./fixtures/workers.ts";
import { test } from "./permissions.ts";
import { isAlive, until } from "./workers/peers.ts";

type Doomed = typeof import("./workers/doomed.ts");

for (const name of ["unset", "replaced"]) {
  test(
    SERVER,
    `setopt(MIMEPOST) rewinds a mime that was sent and ${name}`,
    async () => {
      await using server = await startServer();
      const { c, mime } = mimeFor(formAt(server));
      using _ = c;
      const log = addReader(mime, patternBytes(1000));
      await c.performText();
      if (name === "unset") c.unsetopt(curl.MIMEPOST);
      else c.setopt(curl.MIMEPOST, new FormData());
      c.setopt(curl.MIMEPOST, mime);
      assertEquals(log.seeks, [[0, 0]]);
      assertEquals(partsOf(c.performTextSync())[0].bytes, 1000);
      assertEquals(partsOf(await c.performText())[0].bytes, 1000);
    },
  );
}

test(
  SERVER,
  "setopt(MIMEPOST) of what can't be rewound leaves nothing set",
  async () => {
    await using server = await startServer();
    const { c, mime } = mimeFor(formAt(server));
    using _ = c;
    const thrown = new RangeError("no");
    mime.add({ name: "x" }).dataCb(1, () => "x", {
      seek: () => {
        throw thrown;
      },
    });
    await c.performText();
    c.setopt(curl.MIMEPOST, new FormData());
    const error = assertCurlError(
      () => c.setopt(curl.MIMEPOST, mime),
      curl.E_SEND_FAIL_REWIND,
      "setopt(MIMEPOST): ",
    );
    assertStrictEquals(error.cause, thrown);
    const parent = new curl.CurlMime(c);
    const part = parent.addField("had", "content");
    assertCurlError(
      () => part.subparts(mime),
      curl.E_SEND_FAIL_REWIND,
      "subparts(): ",
    );
    c.setopt(curl.MIMEPOST, parent);
    assertEquals(partsOf(c.performTextSync()), [{ name: "had", value: "" }]);
    parent.close();
    mime.close();
  },
);

test(
  SERVER,
  "setopt(MIMEPOST)'s seek is refused what its handle can't do",
  async () => {
    await using server = await startServer();
    const { c, mime } = mimeFor(formAt(server));
    using _ = c;
    let calls = 0;
    mime.add({ name: "x" }).dataCb(1, () => "x", {
      seek: () => {
        calls += 1;
        for (
          const act of [
            () => c.close(),
            () => c.performSync(),
            () => c.setopt(curl.MIMEPOST, mime),
            () => mime.close(),
          ]
        ) {
          assertCurlError(act, undefined, "currently running");
        }
      },
    });
    await c.performText();
    c.unsetopt(curl.MIMEPOST);
    c.setopt(curl.MIMEPOST, mime);
    assertEquals(calls, 1);
    assertEquals(partsOf(c.performTextSync())[0].value, "x");
  },
);

Deno.test("dataCb() refuses what is no size or function", () => {
  using c = new curl.Curl();
  using mime = new curl.CurlMime(c);
  const part = mime.addpart();
  const dataCb = (...args: unknown[]) =>
    (part.dataCb as (...args: unknown[]) => void).apply(part, args);
  const read = () => "";
  for (const size of ["1", 1.5, NaN, undefined, {}]) {
    assertThrows(() => dataCb(size, read), TypeError, "dataCb() takes");
  }
  for (const size of [-2, 2 ** 53, -5n, 2n ** 64n]) {
    assertThrows(() => dataCb(size, read), RangeError, "dataCb(): the size");
  }
  for (const wrong of [undefined, null, "x", {}]) {
    assertThrows(() => dataCb(1, wrong), TypeError, "a function that reads");
  }
  for (const wrong of [5, "x", {}]) {
    assertThrows(() => dataCb(1, read, { seek: wrong }), TypeError, "as seek");
    assertThrows(() => dataCb(1, read, { free: wrong }), TypeError, "as free");
  }
  assertThrows(() => dataCb(1, read, null), TypeError, "{ seek, free,");
  for (const size of [-1, 0, 1n, null]) dataCb(size, read, { seek: null });
});

Deno.test("dataCb()'s free is called once, when the content is let go", () => {
  const release: Record<
    string,
    (mime: curl.CurlMime, part: curl.CurlMimePart, c: curl.Curl) => void
  > = {
    "close()": (mime) => mime.close(),
    "data()": (_, part) => part.data("x"),
    "filedata()": (_, part) =>
      part.filedata(new URL("../deno.json", import.meta.url)),
    "dataCb()": (_, part) => part.dataCb(1, () => "x"),
    "subparts()": (_, part, c) => part.subparts(new curl.CurlMime(c)),
    "Curl.close()": (_mime, _part, c) => c.close(),
  };
  for (const [name, act] of Object.entries(release)) {
    const { c, mime } = mimeFor("http://localhost/");
    let frees = 0;
    const part = mime.addpart();
    part.dataCb(1, () => "x", { free: () => void frees++ });
    c.unsetopt(curl.MIMEPOST);
    c.setopt(curl.MIMEPOST, mime);
    assertEquals(frees, 0);
    act(mime, part, c);
    assertEquals(frees, 1, name);
    mime.close();
    c.close();
    assertEquals(frees, 1, name);
  }
});

Deno.test("dataCb()'s free is called for a nested mime", () => {
  using c = new curl.Curl();
  const mime = new curl.CurlMime(c);
  let frees = 0;
  const free = () => void frees++;
  const inner = mime.addMultipart();
  inner.addpart().dataCb(1, () => "x", { free });
  inner.addMultipart().addpart().dataCb(1, () => "x", { free });
  inner.close();
  assertEquals(frees, 0);
  mime.close();
  assertEquals(frees, 2);
});

Deno.test("what dataCb()'s free throws is the cause, and all is let go", () => {
  using c = new curl.Curl();
  const mime = new curl.CurlMime(c);
  const thrown = new RangeError("no");
  let frees = 0;
  for (let i = 0; i < 3; i++) {
    mime.addpart().dataCb(1, () => "x", {
      free: () => {
        frees += 1;
        throw thrown;
      },
    });
  }
  const error = assertCurlError(
    () => mime.close(),
    curl.E_ABORTED_BY_CALLBACK,
  );
  assertStrictEquals(error.cause, thrown);
  assertEquals([frees, mime.closed], [3, true]);
});

test(
  SERVER,
  "duphandle() copies a mime, whatever becomes of the original",
  async () => {
    await using server = await startServer();
    for (const gone of ["mime", "curl", "part"]) {
      const { c, mime } = mimeFor(formAt(server));
      const part = mime.addField("text", "1");
      mime.addMultipart({ name: "inner" }).addField("nested", "2");
      using copy = c.duphandle();
      using again = copy.duphandle();
      const before = c.performTextSync();
      if (gone === "mime") mime.close();
      else if (gone === "curl") c.close();
      else part.data("changed");
      const nameless = (answer: string) =>
        answer.replaceAll(/-{24}\w+/g, "boundary");
      assertEquals(nameless(copy.performTextSync()), nameless(before));
      assertEquals(nameless(await again.performText()), nameless(before));
      c.close();
    }
  },
);

test(
  SERVER,
  "duphandle() copies dataCb()'s functions, and frees them last",
  async () => {
    await using server = await startServer();
    const { c, mime } = mimeFor(formAt(server));
    const bytes = patternBytes(1000);
    const log = addReader(mime, bytes);
    const copy = c.duphandle();
    await c.performText();
    mime.close();
    c.close();
    assertEquals(log.frees, 0);
    // libcurl has not begun to read the copy, so the function goes on at its end.
    const { cause } = await assertCurlRejects(
      copy.performText(),
      curl.E_ABORTED_BY_CALLBACK,
    );
    assertInstanceOf(cause, TypeError);
    assertEquals(partsOf(await copy.performText())[0].bytes, 1000);
    assertEquals(log.seeks, [[0, 0]]);
    const last = copy.duphandle();
    copy.close();
    assertEquals(log.frees, 0);
    last.setopt(curl.MIMEPOST, null);
    assertEquals(log.frees, 1);
    last.close();
    assertEquals(log.frees, 1);
  },
);

test(
  SERVER,
  "a copy's transfer is refused while it would read what the original does",
  async () => {
    await using server = await startServer();
    const { c, mime } = mimeFor(formAt(server));
    using _ = c;
    const late = Promise.withResolvers<string>();
    const asked = Promise.withResolvers<void>();
    mime.add({ name: "x" }).dataCb(1, () => {
      asked.resolve();
      return late.promise;
    });
    using copy = c.duphandle();
    const sent = c.performText();
    await asked.promise;
    const text = "cannot invoke perform() - a data callback or Blob of its " +
      "CurlMime is in use by a transfer of a copy (duphandle)";
    assertCurlError(() => copy.performTextSync(), undefined, text);
    await assertCurlRejects(copy.performText(), undefined, text);
    late.resolve("y");
    assertEquals(partsOf(await sent)[0].value, "y");
    assertEquals(partsOf(await copy.performText())[0].value, "y");
  },
);

test(
  [SERVER, WORKERS],
  "a mime's functions stay in their Worker, its strings do not",
  async () => {
    await using server = await startServer();
    const peer = new URL("./workers/peer.ts", import.meta.url);
    type Peer = typeof import("./workers/peer.ts");
    await using worker = await startWorker<Peer>(peer);
    const { c, mime } = mimeFor(formAt(server));
    using _ = c;
    mime.addField("a", "1");
    await worker.call("take", "Curl", c.handle);
    await worker.call("onCurl", c.handle, "performBytesSync");
    mime.add({ name: "b" }).dataCb(1, () => "x");
    const error = await assertRejects(
      () => worker.call("onCurl", c.handle, "performBytesSync"),
    );
    assertStringIncludes(
      (error as Error).message,
      "MIMEPOST was set in another Worker",
    );
    assertEquals(partsOf(c.performTextSync()).length, 2);
    await worker.call("onCurl", c.handle, "close");
    assert(mime.closed);
    assertCurlError(() => mime.addpart(), undefined, "no curl handle");
    mime.close();
  },
);

for (const kinds of [[], [curl.LOCK_DATA_COOKIE]]) {
  const where = kinds.length === 0 ? "" : " on a share of cookies";
  test(
    [SERVER, WORKERS],
    `Worker.terminate() in dataCb()'s read${where} frees what the Worker owned`,
    async () => {
      await using server = await startServer();
      const doomed = new URL("./workers/doomed.ts", import.meta.url);
      const worker = await startWorker<Doomed>(doomed);
      const gate = new Gate();
      using share = new curl.CurlShare();
      if (kinds.length > 0) share.share(...kinds);
      const call = worker.call(
        "endInMime",
        formAt(server),
        share.handle,
        gate.buffer,
      );
      const handle = await worker.event<number>("inside");
      call.catch(() => {});
      worker.terminate();
      gate.open();
      await until("the Curl is gone", () => !isAlive(handle));
      assertEquals(share.attached, 0);
    },
  );

  test(
    [SERVER, WORKERS],
    `Worker.terminate() while dataCb()'s promise is out${where} frees what the Worker owned`,
    async () => {
      await using server = await startServer();
      const doomed = new URL("./workers/doomed.ts", import.meta.url);
      const worker = await startWorker<Doomed>(doomed);
      using share = new curl.CurlShare();
      if (kinds.length > 0) share.share(...kinds);
      const call = worker.call("waitInMime", formAt(server), share.handle);
      const handle = await worker.event<number>("inside");
      call.catch(() => {});
      worker.terminate();
      await until("the Curl is gone", () => !isAlive(handle));
      assertEquals(share.attached, 0);
    },
  );
}
