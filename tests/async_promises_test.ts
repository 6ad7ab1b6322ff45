/** Promises of WRITEFUNCTION and READFUNCTION. */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertInstanceOf,
  assertStrictEquals,
  assertStringIncludes,
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
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { patternBytes } from "./fixtures/pattern.ts";
import { test } from "./permissions.ts";

const decoder = new TextDecoder();

test(SERVER, "WRITEFUNCTION's promise holds the next piece back", async () => {
  await using server = await startServer();
  for (const path of ["/bytes/1000000", "/bytes/1000000?chunked", "/bytes/1"]) {
    using c = curlFor(server.url + path);
    const whole = await c.performBytes();
    const pieces: Uint8Array[] = [];
    let inside = 0;
    c.setopt(curl.WRITEFUNCTION, async (data) => {
      assertEquals(++inside, 1);
      await new Promise((resolve) => setTimeout(resolve, 0));
      // The bytes are still there, and the next have not come.
      pieces.push(data.slice());
      inside -= 1;
      if (pieces.length % 2 === 0) return data.length;
    });
    await c.perform();
    assertEquals(inside, 0);
    assertEquals(await new Blob(pieces as BlobPart[]).bytes(), whole);
  }
});

Deno.test(
  "WRITEFUNCTION may return promises for a file of more than one piece",
  async () => {
    using c = curlFor(LONG_FILE);
    const whole = await c.performText();
    let text = "";
    let calls = 0;
    c.setopt(curl.WRITEFUNCTION, async (data) => {
      calls += 1;
      await Promise.resolve();
      text += decoder.decode(data);
    });
    await c.perform();
    assertEquals(text, whole);
    assertGreater(calls, 1);
  },
);

Deno.test("WRITEFUNCTION's bytes are lent until its promise settles", async () => {
  using c = curlFor(FILE);
  const { promise, resolve } = Promise.withResolvers<void>();
  let kept = new Uint8Array();
  c.setopt(curl.WRITEFUNCTION, (data) => {
    kept = data as Uint8Array<ArrayBuffer>;
    return promise;
  });
  const performed = c.perform();
  await new Promise((resolve) => setTimeout(resolve, 0));
  using other = curlFor(FILE);
  assertIsFile(await other.performText());
  assertIsFile(other.performTextSync());
  assertIsFile(decoder.decode(kept));
  resolve();
  await performed;
  assertEquals(kept.length, 0);
});

Deno.test("perform() waits for WRITEFUNCTION's last promise", async () => {
  using c = curlFor(FILE);
  let isWritten = false;
  c.setopt(curl.WRITEFUNCTION, async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    isWritten = true;
  });
  await c.perform();
  assert(isWritten);
});

const LATE: Record<string, [answer: () => Promise<never>, cause?: RegExp]> = {
  "rejects": [() => Promise.reject(new Error("late")), /Error: late/],
  "becomes a wrong count": [() => Promise.resolve(0 as never)],
  "becomes WRITEFUNC_PAUSE": [
    () => Promise.resolve(curl.WRITEFUNC_PAUSE as never),
    /TypeError: WRITEFUNCTION must return WRITEFUNC_PAUSE at once/,
  ],
  "becomes nonsense": [
    () => Promise.resolve("x" as never),
    /TypeError: WRITEFUNCTION must return a whole number or nothing/,
  ],
};

for (const [what, [answer, cause]] of Object.entries(LATE)) {
  const check = async (c: curl.Curl) => {
    for (const wait of [0, 1]) {
      let calls = 0;
      c.setopt(curl.WRITEFUNCTION, async () => {
        calls += 1;
        if (wait) await new Promise((resolve) => setTimeout(resolve, 2));
        return await answer();
      });
      const error = await assertCurlRejects(c.perform(), curl.E_WRITE_ERROR);
      assertEquals("cause" in error, cause !== undefined);
      if (cause) assert(cause.test(String(error.cause)), `${error.cause}`);
      assertEquals(calls, 1);
    }
    await assertUsableAgain(c);
  };

  Deno.test(`perform() fails when a promise for all ${what}`, async () => {
    using c = curlFor(FILE);
    await check(c);
  });

  test(SERVER, `perform() fails when a promise ${what}`, async () => {
    await using server = await startServer();
    using c = curlFor(`${server.url}/bytes/1000000`);
    await check(c);
  });
}

test(SERVER, "setopt() is allowed until a promise settles", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/bytes/100000`);
  const codes: number[] = [];
  let rest = 0;
  c.setopt(curl.WRITEFUNCTION, async () => {
    await new Promise((resolve) => setTimeout(resolve, 0));
    codes.push(c.getinfo(curl.RESPONSE_CODE));
    c.setopt(curl.WRITEFUNCTION, (data) => void (rest += data.length));
  });
  await c.perform();
  assertEquals(codes, [200]);
  assertGreater(rest, 0);
});

test(SERVER, "WRITEFUNCTION may await other transfers", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/bytes/100000`);
  using other = curlFor(server.url);
  const bodies = new Set<string>();
  c.setopt(curl.WRITEFUNCTION, async () => {
    bodies.add(await other.performText());
  });
  await c.perform();
  assertEquals([...bodies], ["home\n"]);
});

test(SERVER, "READFUNCTION's promise gives the bytes to send", async () => {
  await using server = await startServer();
  for (const path of ["/upload", "/redirect/1?status=307&to=/upload"]) {
    for (const size of [undefined, 300_000]) {
      using c = uploadTo(server.url + path);
      if (size) c.setopt(curl.INFILESIZE, size);
      c.setopt(curl.FOLLOWLOCATION, true);
      const whole = patternBytes(300_000);
      let at = 0;
      c.setopt(curl.SEEKFUNCTION, (offset) => {
        at = offset;
      });
      c.setopt(curl.READFUNCTION, async (size) => {
        // What was asked for before a rewind is sent no more.
        const part = whole.subarray(at, at + Math.min(size, 50_000));
        at += part.length;
        await new Promise((resolve) => setTimeout(resolve, 0));
        return part;
      });
      const { bytes, sha256 } = JSON.parse(await c.performText());
      const digest = await crypto.subtle.digest("SHA-256", whole);
      assertEquals([bytes, sha256], [
        300_000,
        new Uint8Array(digest).toHex(),
      ]);
    }
  }
});

test(
  SERVER,
  "READFUNCTION's promise may give strings, and no more",
  async () => {
    await using server = await startServer();
    using c = uploadTo(`${server.url}/echo`);
    const parts = ["one ", "tw\u00f6 ", "three"];
    c.setopt(curl.READFUNCTION, () => Promise.resolve(parts.shift() ?? ""));
    const { body } = JSON.parse(await c.performText());
    assertEquals(body, "one tw\u00f6 three");
  },
);

const LATE_READS: Record<string, [answer: unknown, cause?: RegExp]> = {
  "rejects": [Promise.reject(new Error("late")), /Error: late/],
  "becomes READFUNC_ABORT": [curl.READFUNC_ABORT],
  "becomes READFUNC_PAUSE": [
    curl.READFUNC_PAUSE,
    /TypeError: READFUNCTION must return READFUNC_PAUSE at once/,
  ],
  "becomes too many bytes": [
    new Uint8Array(1 << 22),
    /TypeError: READFUNCTION must return at most \d+ bytes/,
  ],
  "becomes nonsense": [5, /TypeError: READFUNCTION must return a Uint8Array/],
};
(LATE_READS.rejects[0] as Promise<unknown>).catch(() => {});

for (const [what, [answer, cause]] of Object.entries(LATE_READS)) {
  test(SERVER, `perform() fails when a promise to read ${what}`, async () => {
    await using server = await startServer();
    using c = uploadTo(`${server.url}/upload`);
    c.setopt(curl.READFUNCTION, async () => await answer as string);
    const aborted = curl.E_ABORTED_BY_CALLBACK;
    const error = await assertCurlRejects(c.performText(), aborted);
    assertEquals("cause" in error, cause !== undefined);
    if (cause) assert(cause.test(String(error.cause)), `${error.cause}`);
    await assertUsableAgain(c);
  });
}

Deno.test("performSync() waits for no promise", async () => {
  using c = curlFor(FILE);
  c.setopt(curl.WRITEFUNCTION, async () => {});
  const { cause } = assertCurlError(() => c.performSync(), curl.E_WRITE_ERROR);
  assertInstanceOf(cause, TypeError);
  assertStringIncludes(cause.message, "only in an asynchronous transfer");
  await c.perform();
  c.setopt(curl.WRITEDATA, { write: async () => {} });
  assertCurlError(() => c.performSync(), curl.E_WRITE_ERROR);
  await c.perform();
});

test(SERVER, "WRITEDATA's write() may return a promise", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/bytes/100000`);
  let size = 0;
  c.setopt(curl.WRITEDATA, {
    async write(data: Uint8Array) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      size += data.length;
      return "anything";
    },
  });
  await c.perform();
  assertEquals(size, 100_000);
});

test(SERVER, "a promise may throw anything", async () => {
  await using server = await startServer();
  using c = curlFor(server.url);
  for (const thrown of [undefined, null, 0, "text", Symbol("thrown")]) {
    c.setopt(curl.WRITEFUNCTION, () => Promise.reject(thrown));
    const error = await assertCurlRejects(c.perform(), curl.E_WRITE_ERROR);
    assert("cause" in error);
    assertStrictEquals(error.cause, thrown);
  }
  c.setopt(curl.WRITEFUNCTION, () => {});
  await c.perform();
});
