/**
 * CurlMulti where something goes wrong: what a callback throws is told once, to
 * whom it concerns, and everything that was to end has ended.
 *
 * @module
 */

import * as curl from "../mod.ts";
import { assert, assertEquals, assertStrictEquals } from "./assert.ts";
import { assertCurlError, curlFor, FILE } from "./fixtures/checks.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { addReader, formAt, mimeFor, partsOf } from "./fixtures/mime.ts";
import { patternBytes } from "./fixtures/pattern.ts";
import { test } from "./permissions.ts";
import { assertRefused, refusal } from "./workers/peers.ts";

const thrown = new RangeError("mine");

function throwing(): never {
  throw thrown;
}

/** A Curl whose body makes its function throw. */
function failing(): curl.Curl {
  const c = curlFor(FILE);
  c.setopt(curl.WRITEFUNCTION, throwing);
  return c;
}

/** Asserts that infoRead() tells what the function threw. */
function assertTold(multi: curl.CurlMulti, c: curl.Curl): void {
  const [, , [[told, , , error]]] = multi.infoRead();
  assertStrictEquals(told, c);
  assertStrictEquals(error.cause, thrown);
}

Deno.test("CurlMulti.removeHandle() of another's Curl leaves what it threw", () => {
  using multi = new curl.CurlMulti({ closeHandles: true });
  using other = new curl.CurlMulti();
  const c = failing();
  multi.addHandle(c);
  multi.perform();
  assertRefused(
    () => other.removeHandle(c),
    "cannot add/remove handle - curl object already on another multi-stack",
  );
  assertTold(multi, c);
});

Deno.test("CurlMulti.close() leaves what a Curl threw when it is refused", () => {
  using multi = new curl.CurlMulti({ closeHandles: true });
  const c = failing();
  const other = curlFor(FILE);
  let text = "";
  other.setopt(curl.WRITEFUNCTION, () => {
    try {
      multi.close();
    } catch (error) {
      text = (error as Error).message;
    }
  });
  multi.addHandle(c);
  multi.perform();
  multi.addHandle(other);
  multi.perform();
  assertEquals(
    text,
    "cannot invoke close() - multi_perform() is currently running",
  );
  assertTold(multi, c);
});

test(
  SERVER,
  "CurlMulti.removeHandle() leaves nothing for the next transfer when two functions throw",
  async () => {
    await using server = await startServer();
    using multi = new curl.CurlMulti();
    using c = curlFor(`${server.url}/stall`);
    c.setopt(curl.VERBOSE, true);
    c.setopt(curl.DEBUGFUNCTION, () => {});
    multi.setopt(curl.M_SOCKETFUNCTION, (what: number) => {
      if (what === curl.POLL_REMOVE) throwing();
    });
    multi.addHandle(c);
    multi.socketAction(curl.SOCKET_TIMEOUT, 0);
    const later = new Error("later");
    c.setopt(curl.DEBUGFUNCTION, () => {
      throw later;
    });
    const error = assertCurlError(
      () => multi.removeHandle(c),
      curl.E_MULTI_ABORTED_BY_CALLBACK,
    );
    assertStrictEquals(error.cause, thrown);
    assertEquals(multi.size, 0);
    c.reset();
    c.setopt(curl.URL, FILE);
    await c.performBytes();
  },
);

test(
  SERVER,
  "CurlMulti.close() closes all handles though a function throws",
  async () => {
    await using server = await startServer();
    const multi = new curl.CurlMulti({ closeHandles: true });
    const curls = [0, 1, 2].map(() => curlFor(`${server.url}/stall`));
    for (const c of curls) multi.addHandle(c);
    multi.setopt(curl.M_SOCKETFUNCTION, (what: number) => {
      if (what === curl.POLL_REMOVE) throwing();
    });
    multi.socketAction(curl.SOCKET_TIMEOUT, 0);
    const error = assertCurlError(
      () => multi.close(),
      curl.E_MULTI_ABORTED_BY_CALLBACK,
    );
    assertStrictEquals(error.cause, thrown);
    assert(multi.closed);
    assertEquals(curls.map(({ closed }) => closed), [true, true, true]);
  },
);

Deno.test("CurlMulti.close() closes all handles though closing one throws", () => {
  const multi = new curl.CurlMulti({ closeHandles: true });
  const curls = [0, 1, 2].map(() => curlFor(FILE));
  for (const c of curls) {
    // It is asked when the handle is closed.
    c.setopt(curl.HSTS_CTRL, curl.CURLHSTS_ENABLE);
    let left = 1;
    c.setopt(
      curl.HSTSREADFUNCTION,
      () =>
        left-- > 0
          ? { host: "a.example", expire: null, includeSubDomains: true }
          : null,
    );
    c.setopt(curl.HSTSWRITEFUNCTION, throwing);
    c.setopt(curl.WRITEFUNCTION, () => {});
    multi.addHandle(c);
  }
  multi.perform();
  const error = assertCurlError(
    () => multi.close(),
    curl.E_ABORTED_BY_CALLBACK,
  );
  assertStrictEquals(error.cause, thrown);
  assertEquals(curls.map(({ closed }) => closed), [true, true, true]);
});

test(
  SERVER,
  "CurlMulti.perform() sends a mime whose parts functions give",
  async () => {
    await using server = await startServer();
    const body = patternBytes(50_000);
    using multi = new curl.CurlMulti({ closeHandles: true });
    const answers = new Map<curl.Curl, string>();
    for (let count = 0; count < 3; count++) {
      const { c, mime } = mimeFor(formAt(server));
      addReader(mime, body);
      answers.set(c, "");
      c.setopt(curl.WRITEFUNCTION, (data) => {
        answers.set(c, answers.get(c) + new TextDecoder().decode(data));
      });
      multi.addHandle(c);
    }
    while (multi.perform()[1] > 0) multi.selectSync(1);
    assertEquals(multi.infoRead()[1].length, 3);
    for (const answer of answers.values()) {
      assertEquals(partsOf(answer)[0].bytes, body.length);
    }
  },
);

test(
  SERVER,
  "CurlMulti.infoRead() in a callback of close() finds it closed",
  async () => {
    await using server = await startServer();
    using c = curlFor(`${server.url}/stall`);
    const multi = new curl.CurlMulti();
    multi.addHandle(c);
    let text = "";
    multi.setopt(curl.M_SOCKETFUNCTION, (what: number) => {
      if (what === curl.POLL_REMOVE) text = refusal(() => multi.infoRead());
    });
    multi.socketAction(curl.SOCKET_TIMEOUT, 0);
    multi.close();
    assertEquals(text, "cannot invoke infoRead() - no multi handle");
  },
);

Deno.test("data() of a Blob is refused in its own words while its Curl performs", () => {
  using c = curlFor(FILE);
  const part = new curl.CurlMime(c).addpart();
  c.setopt(curl.WRITEFUNCTION, () => {
    assertRefused(
      () => part.data(new Blob(["x"])),
      "cannot invoke data() - perform() is currently running",
    );
  });
  c.performSync();
});
