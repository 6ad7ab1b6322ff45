/** What gives the content of mime parts while a transfer sends them. */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertInstanceOf,
  assertLessOrEqual,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "./assert.ts";
import {
  assertCurlRejects,
  assertUsableAgain,
} from "./fixtures/async_checks.ts";
import { assertCurlError, assertUsable, curlFor } from "./fixtures/checks.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import {
  echoed,
  formAt,
  lengthOf,
  mimeFor,
  partsOf,
  type SeenPart,
} from "./fixtures/mime.ts";
import { patternBytes } from "./fixtures/pattern.ts";
import { Gate, startWorker, WORKERS } from "./fixtures/workers.ts";
import { test } from "./permissions.ts";
import { isAlive, shareOf, until } from "./workers/peers.ts";

type Doomed = typeof import("./workers/doomed.ts");

/** The ways in which a transfer runs. */
const WAYS: Record<
  string,
  { kinds: number[]; send: (c: curl.Curl) => string | Promise<string> }
> = {
  "performTextSync()": { kinds: [], send: (c) => c.performTextSync() },
  "performText()": { kinds: [], send: (c) => c.performText() },
  "performTextSync() on a share of cookies": {
    kinds: [curl.LOCK_DATA_COOKIE],
    send: (c) => c.performTextSync(),
  },
  "performText() on a share of cookies": {
    kinds: [curl.LOCK_DATA_COOKIE],
    send: (c) => c.performText(),
  },
};

const WAITING = Object.entries(WAYS).filter(([name]) => !/Sync/.test(name));

/** A mime as `mimeFor` makes it, on a share if there are kinds. */
function mimeOn(
  kinds: number[],
  url: string,
): { c: curl.Curl; mime: curl.CurlMime; stack: DisposableStack } {
  const stack = new DisposableStack();
  const share = kinds.length === 0 ? null : stack.use(shareOf(...kinds));
  const { c, mime } = mimeFor(url);
  stack.use(c);
  if (share !== null) c.setopt(curl.SHARE, share);
  return { c, mime, stack };
}

async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** A part whose content functions give, of these bytes. */
function addReader(
  mime: curl.CurlMime,
  bytes: Uint8Array,
  options: { isSized?: boolean; seeks?: boolean; piece?: number } = {},
): { reads: number[]; seeks: [number, number][]; frees: number } {
  const { isSized = true, seeks = true, piece = Infinity } = options;
  const log = { reads: [], seeks: [], frees: 0 } as ReturnType<
    typeof addReader
  >;
  const state = { at: 0 };
  const part = mime.addpart();
  part.name("field");
  part.filename("field.bin");
  part.dataCb(isSized ? bytes.length : null, (own: typeof state, size) => {
    log.reads.push(size);
    const start = own.at;
    return bytes.subarray(start, own.at += Math.min(size, piece));
  }, {
    seek: seeks
      ? (own, offset, origin) => {
        log.seeks.push([offset, origin]);
        own.at = offset;
      }
      : null,
    free: (own) => {
      assertStrictEquals(own, state);
      log.frees += 1;
    },
    userdata: state,
  });
  return log;
}

for (const [name, { kinds, send }] of Object.entries(WAYS)) {
  for (const isSized of [true, false]) {
    const size = isSized ? "known" : "unknown";
    test(
      SERVER,
      `dataCb() gives content of ${size} size to ${name}`,
      async () => {
        await using server = await startServer();
        const { c, mime, stack } = mimeOn(kinds, formAt(server));
        using _ = stack;
        mime.addField("before", "1");
        const bytes = patternBytes(1_000_000);
        const { reads } = addReader(mime, bytes, { isSized, piece: 9999 });
        mime.addField("after", "2");
        const answer = await send(c);
        const parts = partsOf(answer);
        assertEquals(parts.map(({ name }) => name), [
          "before",
          "field",
          "after",
        ]);
        assertEquals(parts[1].bytes, bytes.length);
        assertEquals(parts[1].sha256, await digest(bytes));
        assertEquals(lengthOf(answer) === null, !isSized);
        assertGreater(reads.length, 99);
        if (isSized) assertEquals(reads.at(-1), bytes.length % 9999);
      },
    );
  }

  test(SERVER, `dataCb()'s content is sent again by ${name}`, async () => {
    await using server = await startServer();
    const { c, mime, stack } = mimeOn(kinds, formAt(server));
    using _ = stack;
    const log = addReader(mime, patternBytes(100_000));
    const first = await send(c);
    assertEquals(log.seeks, []);
    const second = await send(c);
    assertEquals(log.seeks, [[0, 0]]);
    assertEquals(partsOf(first), partsOf(second));
  });

  test(
    SERVER,
    `dataCb()'s content is sent after a redirect by ${name}`,
    async () => {
      await using server = await startServer();
      const url = `${server.url}/redirect/2?status=307&to=/form`;
      const { c, mime, stack } = mimeOn(kinds, url);
      using _ = stack;
      c.setopt(curl.FOLLOWLOCATION, true);
      const log = addReader(mime, patternBytes(1000));
      const [part] = partsOf(await send(c));
      assertEquals(part.sha256, await digest(patternBytes(1000)));
      assertEquals(log.seeks, [[0, 0], [0, 0]]);
    },
  );

  test(
    SERVER,
    `dataCb()'s content needs seek to be sent again by ${name}`,
    async () => {
      await using server = await startServer();
      const { c, mime, stack } = mimeOn(kinds, formAt(server));
      using _ = stack;
      addReader(mime, patternBytes(1000), { seeks: false });
      await send(c);
      for (const seeks of [false, true]) {
        if (seeks) {
          using part = new DisposableStack();
          part.defer(() => {});
          mime.addpart().dataCb(1, () => "x", {
            seek: () => curl.SEEKFUNC_FAIL,
          });
        }
        await assertCurlRejects(
          (async () => await send(c))(),
          curl.E_SEND_FAIL_REWIND,
        );
      }
      await assertUsableAgain(c);
    },
  );

  test(
    SERVER,
    `what dataCb()'s read throws is the cause in ${name}`,
    async () => {
      await using server = await startServer();
      const { c, mime, stack } = mimeOn(kinds, formAt(server));
      using _ = stack;
      const thrown = new RangeError("out");
      let calls = 0;
      mime.addField("before", "x".repeat(1000));
      mime.addpart().dataCb(10, () => {
        calls += 1;
        throw thrown;
      });
      const error = await assertCurlRejects(
        (async () => await send(c))(),
        curl.E_ABORTED_BY_CALLBACK,
      );
      assertStrictEquals(error.cause, thrown);
      assertEquals(calls, 1);
      await assertUsableAgain(c);
    },
  );

  test(
    SERVER,
    `what dataCb()'s seek throws is the cause in ${name}`,
    async () => {
      await using server = await startServer();
      const { c, mime, stack } = mimeOn(kinds, formAt(server));
      using _ = stack;
      const thrown = new RangeError("out");
      mime.add({ name: "x" }).dataCb(1, () => "x", {
        seek: () => {
          throw thrown;
        },
      });
      await send(c);
      const error = await assertCurlRejects(
        (async () => await send(c))(),
        curl.E_SEND_FAIL_REWIND,
      );
      assertStrictEquals(error.cause, thrown);
    },
  );

  test(SERVER, `dataCb()'s read ends ${name} by READFUNC_ABORT`, async () => {
    await using server = await startServer();
    const { c, mime, stack } = mimeOn(kinds, formAt(server));
    using _ = stack;
    mime.addpart().dataCb(10, () => curl.READFUNC_ABORT);
    const error = await assertCurlRejects(
      (async () => await send(c))(),
      curl.E_ABORTED_BY_CALLBACK,
    );
    assertEquals(error.cause, undefined);
  });

  for (
    const [what, answer] of [
      ["nothing", undefined],
      ["a number", 5],
      ["an object", {}],
      ["too many bytes", new Uint8Array(11)],
      ["too few bytes", ""],
    ] as const
  ) {
    test(SERVER, `dataCb()'s read is refused ${what} in ${name}`, async () => {
      await using server = await startServer();
      const { c, mime, stack } = mimeOn(kinds, formAt(server));
      using _ = stack;
      mime.addpart().dataCb(10, () => answer as string);
      const { cause } = await assertCurlRejects(
        (async () => await send(c))(),
        curl.E_ABORTED_BY_CALLBACK,
      );
      assertInstanceOf(cause, TypeError);
      assertStringIncludes(
        cause.message,
        "the read function of dataCb() must return",
      );
    });
  }

  test(SERVER, `dataCb()'s content is encoded by ${name}`, async () => {
    await using server = await startServer();
    const { c, mime, stack } = mimeOn(kinds, `${server.url}/echo`);
    using _ = stack;
    const part = mime.add({ encoder: "base64" });
    const pieces = ["gr", "ö", "ße"];
    part.dataCb(null, () => pieces.shift() ?? "");
    const { body } = echoed(await send(c));
    assertStringIncludes(body, "\r\n\r\nZ3LDtsOfZQ==\r\n");
  });

  test(
    SERVER,
    `dataCb()'s functions are called in a nested mime by ${name}`,
    async () => {
      await using server = await startServer();
      const { c, mime, stack } = mimeOn(kinds, `${server.url}/echo`);
      using _ = stack;
      let inner = mime;
      for (const text of ["one", "two", "three"]) {
        inner = inner.addMultipart();
        inner.addpart().dataCb(text.length, (_, size) => text.slice(0, size));
      }
      const { body } = echoed(await send(c));
      assert(/one[^]*two[^]*three/.test(body), body);
    },
  );

  test(
    SERVER,
    `dataCb()'s read may use its handle as libcurl allows in ${name}`,
    async () => {
      await using server = await startServer();
      const { c, mime, stack } = mimeOn(kinds, formAt(server));
      using _ = stack;
      mime.add({ name: "x" }).dataCb(1, () => {
        c.setopt(curl.PRIVATE, 5);
        c.setopt(curl.HTTPHEADER, ["X: 1"]);
        assertEquals(c.getinfo(curl.INFO_PRIVATE), 5);
        using copy = c.duphandle();
        copy.setopt(curl.URL, `${server.url}/`);
        for (const method of ["reset", "close", "performSync"] as const) {
          assertThrows(() => c[method](), curl.CurlError, "currently running");
        }
        using other = curlFor(new URL("../deno.json", import.meta.url).href);
        assertGreater(other.performBytesSync().length, 0);
        return "x";
      });
      assertEquals(partsOf(await send(c)).length, 1);
    },
  );
}

for (const [name, { kinds, send }] of WAITING) {
  test(SERVER, `dataCb()'s read may return promises in ${name}`, async () => {
    await using server = await startServer();
    const { c, mime, stack } = mimeOn(kinds, formAt(server));
    using _ = stack;
    const contents = ["first", "second", "x".repeat(200_000), ""];
    for (const [index, text] of contents.entries()) {
      mime.addField(`before${index}`, "-");
      let at = 0;
      const size = index % 2 === 0 ? text.length : null;
      mime.add({ name: `part${index}` }).dataCb(size, async (_, most) => {
        // Later than libcurl has sent what comes before it, and not.
        await new Promise((resolve) => setTimeout(resolve, at === 0 ? 20 : 0));
        const start = at;
        return text.slice(start, at += Math.min(most, 70_000));
      });
    }
    const values = partsOf(await send(c)).map(({ value }) => value);
    assertEquals(values, contents.flatMap((text) => ["-", text]));
  });

  test(
    SERVER,
    `dataCb()'s promises may settle at once in ${name}`,
    async () => {
      await using server = await startServer();
      const { c, mime, stack } = mimeOn(kinds, formAt(server));
      using _ = stack;
      for (let part = 0; part < 20; part++) {
        const pieces = Array(50).fill(`${part},`);
        mime.add({ name: "x" }).dataCb(
          null,
          () => Promise.resolve(pieces.pop() ?? ""),
        );
      }
      const values = partsOf(await send(c)).map(({ value }) => value);
      assertEquals(
        values,
        Array.from({ length: 20 }, (_, part) => `${part},`.repeat(50)),
      );
    },
  );

  test(
    SERVER,
    `a promise of dataCb()'s read that rejects is the cause in ${name}`,
    async () => {
      await using server = await startServer();
      const { c, mime, stack } = mimeOn(kinds, formAt(server));
      using _ = stack;
      const reason = new RangeError("out");
      mime.addpart().dataCb(10, () => Promise.reject(reason));
      const error = await assertCurlRejects(
        Promise.resolve(send(c)),
        curl.E_ABORTED_BY_CALLBACK,
      );
      assertStrictEquals(error.cause, reason);
    },
  );

  test(
    SERVER,
    `dataCb()'s read pauses with READFUNC_PAUSE in ${name}`,
    async () => {
      await using server = await startServer();
      const { c, mime, stack } = mimeOn(kinds, formAt(server));
      using _ = stack;
      mime.addField("before", "1");
      const paused = Promise.withResolvers<void>();
      const answers = [curl.READFUNC_PAUSE, "after"];
      mime.add({ name: "x" }).dataCb(5, () => {
        if (answers.length === 2) paused.resolve();
        return answers.shift()!;
      });
      const sent = Promise.resolve(send(c));
      await paused.promise;
      c.unpause();
      assertEquals(partsOf(await sent)[1].value, "after");
    },
  );

  test(
    SERVER,
    `an abort while dataCb()'s promise is out ends ${name}`,
    async () => {
      await using server = await startServer();
      const { c, mime, stack } = mimeOn(kinds, formAt(server));
      using _ = stack;
      const controller = new AbortController();
      const late = Promise.withResolvers<string>();
      let calls = 0;
      const part = mime.add({ name: "x" });
      part.dataCb(4, () => {
        calls += 1;
        queueMicrotask(() => controller.abort(new RangeError("enough")));
        return late.promise;
      }, { seek: () => {} });
      await assertRejects(
        () => c.performText({ signal: controller.signal }),
        RangeError,
        "enough",
      );
      late.resolve("late");
      part.dataCb(3, () => "new");
      assertEquals(partsOf(await send(c))[0].value, "new");
      assertEquals(calls, 1);
    },
  );

  test(SERVER, `a Blob of any size is sent by ${name}`, async () => {
    await using server = await startServer();
    const { c, mime, stack } = mimeOn(kinds, formAt(server));
    using _ = stack;
    const sizes = [0, 1, 262_144, 3_000_001];
    for (const size of sizes) {
      const file = new File([patternBytes(size)], "blob.bin", { type: "a/b" });
      mime.addField("blob", file);
    }
    const expected = await Promise.all(
      sizes.map(async (size) => ({
        name: "blob",
        filename: "blob.bin",
        type: "a/b",
        bytes: size,
        sha256: await digest(patternBytes(size)),
      })),
    );
    const untold = ({ text: _, ...part }: SeenPart) => part;
    assertEquals(partsOf(await send(c)).map(untold), expected);
    assertEquals(partsOf(await send(c)).map(untold), expected);
    using copy = c.duphandle();
    const both = [send(copy), curl.SHARE && "x"];
    assertEquals(partsOf(await both[0]).map(untold), expected);
  });
}

test(SERVER, "a Blob is read in pieces", async () => {
  await using server = await startServer();
  const { c, mime } = mimeFor(formAt(server));
  using _ = c;
  const blob = new Blob([patternBytes(2_000_000)]);
  const slices: number[] = [];
  Object.defineProperty(blob, "slice", {
    value(start: number, end: number) {
      slices.push(end - start);
      return Blob.prototype.slice.call(blob, start, end);
    },
  });
  mime.add({ name: "x", data: blob, filename: "x" });
  assertEquals(partsOf(await c.performText())[0].bytes, 2_000_000);
  assertGreater(slices.length, 3);
  assertLessOrEqual(Math.max(...slices), 256 * 1024);
});

test(SERVER, "a Blob needs an asynchronous transfer", async () => {
  await using server = await startServer();
  const { c, mime } = mimeFor(formAt(server));
  using _ = c;
  mime.addMultipart().add({ data: new Blob(["x"]) });
  assertThrows(
    () => c.performTextSync(),
    TypeError,
    "MIMEPOST takes in a synchronous transfer strings, bytes, files and " +
      "functions, not an object of Blob",
  );
  assertEquals((await server.requests()).length, 0);
  assertUsable(c);
});

test(
  SERVER,
  "a promise of dataCb()'s read needs an asynchronous transfer",
  async () => {
    await using server = await startServer();
    const { c, mime } = mimeFor(formAt(server));
    using _ = c;
    mime.addpart().dataCb(1, () => Promise.resolve("x"));
    const { cause } = assertCurlError(
      () => c.performTextSync(),
      curl.E_ABORTED_BY_CALLBACK,
    );
    assertInstanceOf(cause, TypeError);
    assertStringIncludes(cause.message, "a promise, which only");
  },
);

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

Deno.test("setopt(MIMEPOST)'s seek is refused what its handle can't do", () => {
  // What was sent once is rewound; a transfer that fails has begun to read.
  const { c, mime } = mimeFor("http://127.0.0.1:1/");
  using _ = c;
  let calls = 0;
  mime.addpart().dataCb(1, () => "x", { seek: () => void calls++ });
  assertThrows(() => c.performSync(), curl.CurlError);
  c.unsetopt(curl.MIMEPOST);
  c.setopt(curl.MIMEPOST, mime);
  assertLessOrEqual(calls, 1);
});

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
    mime.addpart().dataCb(1, () => "x");
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
      using share = shareOf(...kinds);
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
      using share = shareOf(...kinds);
      const call = worker.call("waitInMime", formAt(server), share.handle);
      const handle = await worker.event<number>("inside");
      call.catch(() => {});
      worker.terminate();
      await until("the Curl is gone", () => !isAlive(handle));
      assertEquals(share.attached, 0);
    },
  );
}

test(SERVER, "CurlMime.from() sends a form as fetch does", async () => {
  await using server = await startServer();
  const form = new FormData();
  form.append("text", "größe\nline\r\nend\r");
  form.append("na\nme", "1");
  form.append("file", new File(["hello"], "größe.txt", { type: "text/plain" }));
  form.append("blob", new Blob([patternBytes(1000)]));
  form.append("file", new File([], "empty"));
  const url = formAt(server);
  const fetched = await (await fetch(url, { method: "POST", body: form }))
    .json();
  using c = curlFor(url);
  using mime = curl.CurlMime.from(c, form);
  c.setopt(curl.MIMEPOST, mime);
  assertEquals(partsOf(await c.performText()), fetched.parts);
  mime.addField("more", "2");
  assertEquals(partsOf(await c.performText()).length, fetched.parts.length + 1);
});

test(
  SERVER,
  "setopt(MIMEPOST) takes a FormData, which is sent as it was",
  async () => {
    await using server = await startServer();
    const form = new FormData();
    form.append("text", "1");
    form.append("blob", new Blob([patternBytes(100_000)]));
    using c = curlFor(formAt(server));
    c.setopt(curl.MIMEPOST, form);
    form.append("later", "2");
    const first = await c.performText();
    assertEquals(partsOf(first).length, 2);
    assertEquals(partsOf(await c.performText()), partsOf(first));
    using copy = c.duphandle();
    c.setopt(curl.MIMEPOST, new FormData());
    assertEquals(partsOf(await copy.performText()), partsOf(first));
    assertEquals(partsOf(await c.performText()), []);
  },
);

Deno.test("CurlMime.from() refuses what is no form", () => {
  using c = new curl.Curl();
  for (const wrong of [null, {}, "a=b", new URLSearchParams()]) {
    assertThrows(
      () => curl.CurlMime.from(c, wrong as FormData),
      TypeError,
      "CurlMime.from() takes a FormData",
    );
  }
});
