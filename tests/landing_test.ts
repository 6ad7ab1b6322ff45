/** Pieces of a body that are received right where WRITEFUNCTION finds them. */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertStringIncludes,
} from "./assert.ts";
import { assertCurlRejects } from "./fixtures/async_checks.ts";
import { assertCurlError, curlFor } from "./fixtures/checks.ts";
import {
  SERVER,
  startServer,
  type TestServer,
} from "./fixtures/http_server.ts";
import { patternBytes } from "./fixtures/pattern.ts";
import { CALLING } from "./fixtures/ways.ts";
import { test } from "./permissions.ts";

const SIZE = 1_000_000;
const WHOLE = patternBytes(SIZE);

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, it) => sum + it.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** A handle whose server says how long the body is, unless it is chunked. */
function handleFor(server: TestServer, query = ""): curl.Curl {
  return curlFor(`${server.url}/bytes/${SIZE}${query}`);
}

for (const [way, perform] of Object.entries(CALLING)) {
  for (const query of ["", "?chunked"]) {
    const how = query === "" ? "a known length" : "chunks";
    test(SERVER, `${way} hands over a body of ${how} as it is`, async () => {
      await using server = await startServer();
      using c = handleFor(server, query);
      const pieces: Uint8Array[] = [];
      c.setopt(curl.WRITEFUNCTION, (piece) => void pieces.push(piece.slice()));
      for (let round = 0; round < 3; round++) {
        pieces.length = 0;
        await perform(c);
        assertGreater(pieces.length, 1);
        assertEquals(joined(pieces), WHOLE);
      }
    });
  }

  test(SERVER, `${way} takes each piece of a body back`, async () => {
    await using server = await startServer();
    using c = handleFor(server);
    const kept: Uint8Array[] = [];
    c.setopt(curl.WRITEFUNCTION, (piece) => void kept.push(piece));
    await perform(c);
    assertEquals(kept.map((piece) => piece.length), kept.map(() => 0));
  });

  test(
    SERVER,
    `${way} leaves a piece to whoever has transferred it`,
    async () => {
      await using server = await startServer();
      using c = handleFor(server);
      const taken: Uint8Array[] = [];
      c.setopt(curl.WRITEFUNCTION, (piece) => {
        const { byteOffset, length } = piece;
        taken.push(
          new Uint8Array(
            (piece.buffer as ArrayBuffer).transfer(),
            byteOffset,
            length,
          ),
        );
      });
      await perform(c);
      assertEquals(joined(taken), WHOLE);
    },
  );

  test(SERVER, `${way} keeps to BUFFERSIZE`, async () => {
    await using server = await startServer();
    using c = handleFor(server);
    c.setopt(curl.BUFFERSIZE, 2000);
    const pieces: Uint8Array[] = [];
    c.setopt(curl.WRITEFUNCTION, (piece) => void pieces.push(piece.slice()));
    await perform(c);
    assert(pieces.every(({ length }) => length <= 2000));
    assertEquals(joined(pieces), WHOLE);
  });

  test(
    SERVER,
    `a function that ${way} calls can use another handle`,
    async () => {
      await using server = await startServer();
      using c = handleFor(server);
      using other = curlFor(`${server.url}/bytes/200000`);
      const pieces: Uint8Array[] = [];
      const inner: Uint8Array[] = [];
      other.setopt(
        curl.WRITEFUNCTION,
        (piece) => void inner.push(piece.slice()),
      );
      c.setopt(curl.WRITEFUNCTION, (piece) => {
        inner.length = 0;
        other.performSync();
        assertEquals(joined(inner), WHOLE.subarray(0, 200_000));
        pieces.push(piece.slice());
      });
      await perform(c);
      assertEquals(joined(pieces), WHOLE);
    },
  );
}

test(
  SERVER,
  "a piece that was refused by WRITEFUNC_PAUSE comes again",
  async () => {
    await using server = await startServer();
    using c = handleFor(server);
    const pieces: Uint8Array[] = [];
    let calls = 0;
    c.setopt(curl.WRITEFUNCTION, (piece) => {
      calls += 1;
      if (calls % 3 === 2) {
        setTimeout(() => c.unpause(), 0);
        return curl.WRITEFUNC_PAUSE;
      }
      pieces.push(piece.slice());
    });
    await c.perform();
    assertGreater(calls, pieces.length);
    assertEquals(joined(pieces), WHOLE);
  },
);

test(SERVER, "a piece that was given away can't come again", async () => {
  await using server = await startServer();
  using c = handleFor(server);
  c.setopt(curl.WRITEFUNCTION, (piece) => {
    (piece.buffer as ArrayBuffer).transfer();
    return curl.WRITEFUNC_PAUSE;
  });
  const text = "WRITEFUNCTION must not return WRITEFUNC_PAUSE for a piece " +
    "whose buffer it has transferred";
  const rejected = await assertCurlRejects(c.perform(), curl.E_WRITE_ERROR);
  assertStringIncludes(String(rejected.cause), text);
  const thrown = assertCurlError(() => c.performSync(), curl.E_WRITE_ERROR);
  assertStringIncludes(String(thrown.cause), text);
});

test(
  SERVER,
  "a piece stays until the promise that is about it settles",
  async () => {
    await using server = await startServer();
    using c = handleFor(server);
    using other = handleFor(server);
    const pieces: Uint8Array[] = [];
    c.setopt(curl.WRITEFUNCTION, async (piece) => {
      await other.performBytes();
      pieces.push(piece.slice());
    });
    await c.perform();
    assertEquals(joined(pieces), WHOLE);
  },
);

test(SERVER, "a transfer ends in the midst of a body", async () => {
  await using server = await startServer();
  using c = handleFor(server);
  let calls = 0;
  c.setopt(curl.WRITEFUNCTION, () => {
    calls += 1;
    if (calls === 3) throw new Error("enough");
  });
  for (const perform of [CALLING.performSync, CALLING.perform]) {
    calls = 0;
    await assertCurlRejects(perform(c), curl.E_WRITE_ERROR);
    assertEquals(calls, 3);
  }
  c.unsetopt(curl.WRITEFUNCTION);
  assertEquals(c.performBytesSync(), WHOLE);
});
