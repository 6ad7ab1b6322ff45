/** Content of mime parts that takes time: promises, Blobs and forms. */

import * as curl from "../mod.ts";
import {
  assertEquals,
  assertGreater,
  assertLessOrEqual,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "./assert.ts";
import { assertCurlRejects } from "./fixtures/async_checks.ts";
import {
  assertIsFile,
  assertUsable,
  curlFor,
  FILE,
} from "./fixtures/checks.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import {
  digest,
  formAt,
  mimeFor,
  mimeOn,
  partsOf,
  type SeenPart,
  WAITING,
} from "./fixtures/mime.ts";
import { patternBytes } from "./fixtures/pattern.ts";
import { test } from "./permissions.ts";

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
    assertEquals(partsOf(await copy.performText()).map(untold), expected);
  });
}

for (const kinds of [[], [curl.LOCK_DATA_COOKIE]]) {
  const where = kinds.length === 0 ? "" : " on a share of cookies";
  test(
    SERVER,
    `each of many transfers at once${where} reads its own mime`,
    async () => {
      await using server = await startServer();
      using share = new curl.CurlShare();
      if (kinds.length > 0) share.share(...kinds);
      const sent = Array.from({ length: 30 }, async (_, index) => {
        const { c, mime } = mimeFor(formAt(server));
        using _c = c;
        c.setopt(curl.SHARE, share);
        for (const name of ["a", "b"]) {
          const pieces = Array(5).fill(`${index}${name}`);
          mime.add({ name }).dataCb(null, async () => {
            await new Promise((resolve) => setTimeout(resolve, index % 3));
            return pieces.pop() ?? "";
          });
        }
        return partsOf(await c.performText()).map(({ value }) => value);
      });
      assertEquals(
        await Promise.all(sent),
        sent.map((_, index) => [`${index}a`.repeat(5), `${index}b`.repeat(5)]),
      );
    },
  );
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

Deno.test("CurlMime.from() fails with what the form fails with", async () => {
  using c = curlFor(FILE);
  const thrown = new Error("no more");
  let performed: Promise<string> | undefined;
  class Failing extends FormData {
    override [Symbol.iterator](): ReturnType<FormData["entries"]> {
      // The mime can't be closed then.
      performed = c.performText();
      throw thrown;
    }
  }
  const act = () => curl.CurlMime.from(c, new Failing());
  assertStrictEquals(assertThrows(act), thrown);
  assertIsFile(await performed!);
});

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
