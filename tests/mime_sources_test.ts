/** dataCb(): functions that give the content of mime parts, in every way of
 * transfer. */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertInstanceOf,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "./assert.ts";
import {
  assertCurlRejects,
  assertUsableAgain,
} from "./fixtures/async_checks.ts";
import { assertCurlError, curlFor } from "./fixtures/checks.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import {
  addReader,
  digest,
  echoed,
  formAt,
  lengthOf,
  mimeFor,
  mimeOn,
  partsOf,
  WAYS,
} from "./fixtures/mime.ts";
import { patternBytes } from "./fixtures/pattern.ts";
import { test } from "./permissions.ts";

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
    `dataCb()'s content is sent after a 401 by ${name}`,
    async () => {
      await using server = await startServer();
      const { c, mime, stack } = mimeOn(kinds, `${server.url}/auth/basic`);
      using _ = stack;
      c.setopt(curl.HTTPAUTH, curl.HTTPAUTH_ANY);
      c.setopt(curl.USERPWD, "user:secret");
      const log = addReader(mime, patternBytes(1000));
      assertEquals(await send(c), "hello user\n");
      assertEquals(log.seeks, [[0, 0]]);
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
