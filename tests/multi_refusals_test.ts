/**
 * What CurlMulti refuses, in PycURL's words.
 *
 * @module
 */

import * as curl from "../mod.ts";
import { assertEquals, assertStrictEquals, assertThrows } from "./assert.ts";
import { assertCurlError, curlFor, FILE } from "./fixtures/checks.ts";
import { test } from "./permissions.ts";
import { startWorker, WORKERS } from "./fixtures/workers.ts";

type Act = (multi: curl.CurlMulti, c: curl.Curl) => unknown;

/** Each method, as it is called on a multi handle with one Curl in it. */
const METHODS: Record<string, Act> = {
  perform: (multi) => multi.perform(),
  socketAction: (multi) => multi.socketAction(curl.SOCKET_TIMEOUT, 0),
  setopt: (multi) => multi.setopt(curl.M_MAXCONNECTS, 1),
  timeout: (multi) => multi.timeout(),
  fdset: (multi) => multi.fdset(),
  select: (multi) => multi.selectSync(0),
  notifyEnable: (multi) => multi.notifyEnable(curl.M_NOTIFY_EASY_DONE),
  notifyDisable: (multi) => multi.notifyDisable(curl.M_NOTIFY_EASY_DONE),
};
/** Those that libcurl allows in every callback. */
const ANYWHERE: Record<string, Act> = {
  infoRead: (multi) => multi.infoRead(),
};
const ADDING: Record<string, Act> = {
  addHandle: (multi, c) => multi.addHandle(c),
  removeHandle: (multi, c) => multi.removeHandle(c),
};

function refused(act: () => unknown): string {
  const error = assertThrows(act, curl.CurlError);
  assertStrictEquals(error.code, undefined, error.message);
  return error.message;
}

for (const [name, act] of Object.entries({ ...METHODS, ...ANYWHERE })) {
  Deno.test(`CurlMulti.${name}() is refused when it is closed`, () => {
    using c = curlFor(FILE);
    const multi = new curl.CurlMulti();
    multi.close();
    assertEquals(
      refused(() => act(multi, c)),
      `cannot invoke ${name}() - no multi handle`,
    );
  });
}

for (const method of ["assign", "unassign"] as const) {
  Deno.test(`CurlMulti.${method}() is refused when it is closed`, () => {
    const multi = new curl.CurlMulti();
    multi.close();
    assertEquals(
      refused(() => multi[method](0, {})),
      `cannot invoke ${method}() - no multi handle`,
    );
  });
}

for (const [name, act] of Object.entries(ADDING)) {
  Deno.test(`CurlMulti.${name}() is refused when it is closed`, () => {
    using c = curlFor(FILE);
    const multi = new curl.CurlMulti();
    multi.close();
    assertEquals(
      refused(() => act(multi, c)),
      "cannot add/remove handle - multi-stack is closed",
    );
  });
}

/** What an act comes to inside the callback of a handle in the multi handle. */
function inCallback(act: Act): string {
  using multi = new curl.CurlMulti({ closeHandles: true });
  using other = curlFor(FILE);
  const c = curlFor(FILE);
  let outcome: string | undefined;
  c.setopt(curl.WRITEFUNCTION, () => {
    if (outcome !== undefined) return;
    try {
      act(multi, other);
      outcome = "done";
    } catch (error) {
      outcome = (error as Error).message;
    }
  });
  multi.addHandle(c);
  multi.perform();
  assertEquals(multi.infoRead()[1].length, 1);
  return outcome!;
}

for (
  const [name, act] of Object.entries({
    ...METHODS,
    close: (multi) => multi.close(),
  } as Record<string, Act>)
) {
  Deno.test(`CurlMulti.${name}() is refused while it is at work`, () => {
    assertEquals(
      inCallback(act),
      `cannot invoke ${name}() - multi_perform() is currently running`,
    );
  });
}

for (const [name, act] of Object.entries(ADDING)) {
  Deno.test(`CurlMulti.${name}() is refused while it is at work`, () => {
    assertEquals(
      inCallback(act),
      "cannot add/remove handle - multi_perform() already running",
    );
  });
}

Deno.test("CurlMulti.infoRead() is allowed while it is at work", () => {
  assertEquals(inCallback(ANYWHERE.infoRead), "done");
});

Deno.test("CurlMulti.addHandle() refuses a closed Curl", () => {
  using multi = new curl.CurlMulti();
  const c = curlFor(FILE);
  c.close();
  assertEquals(refused(() => multi.addHandle(c)), "curl object already closed");
});

Deno.test("CurlMulti.addHandle() refuses a Curl that is in it", () => {
  using multi = new curl.CurlMulti({ closeHandles: true });
  const c = curlFor(FILE);
  multi.addHandle(c);
  assertEquals(
    refused(() => multi.addHandle(c)),
    "curl object already on this multi-stack",
  );
  assertEquals(multi.size, 1);
});

for (const [name, act] of Object.entries(ADDING)) {
  Deno.test(`CurlMulti.${name}() refuses a Curl of another CurlMulti`, () => {
    using other = new curl.CurlMulti({ closeHandles: true });
    using multi = new curl.CurlMulti();
    const c = curlFor(FILE);
    other.addHandle(c);
    assertEquals(
      refused(() => act(multi, c)),
      "cannot add/remove handle - curl object already on another multi-stack",
    );
    assertStrictEquals(c.multi(), other);
  });

  Deno.test(`CurlMulti.${name}() refuses a Curl that performs`, () => {
    using multi = new curl.CurlMulti();
    using c = curlFor(FILE);
    let text = "";
    c.setopt(curl.WRITEFUNCTION, () => {
      text = refused(() => act(multi, c));
    });
    c.performSync();
    assertEquals(
      text,
      "cannot add/remove handle - perform() of curl object already running",
    );
  });
}

Deno.test("CurlMulti.removeHandle() refuses a Curl that is not in it", () => {
  using multi = new curl.CurlMulti();
  using c = curlFor(FILE);
  assertEquals(
    refused(() => multi.removeHandle(c)),
    "curl object not on this multi-stack",
  );
});

const HELD: Record<string, (c: curl.Curl) => unknown> = {
  perform: (c) => c.performSync(),
  reset: (c) => c.reset(),
};

for (const [name, act] of Object.entries(HELD)) {
  Deno.test(`Curl.${name}() is refused in a CurlMulti`, () => {
    using multi = new curl.CurlMulti({ closeHandles: true });
    const c = curlFor(FILE);
    multi.addHandle(c);
    assertEquals(
      refused(() => act(c)),
      `cannot invoke ${name}() - the Curl object is in a CurlMulti; ` +
        "remove it first",
    );
  });

  Deno.test(`Curl.${name}() is refused while its CurlMulti is at work`, () => {
    const text = `cannot invoke ${name}() - perform() is currently running`;
    using multi = new curl.CurlMulti({ closeHandles: true });
    const [c, other] = [curlFor(FILE), curlFor(FILE)];
    const texts: string[] = [];
    c.setopt(curl.WRITEFUNCTION, () => {
      texts.push(refused(() => act(c)), refused(() => act(other)));
    });
    other.setopt(curl.WRITEFUNCTION, () => {});
    multi.addHandle(c);
    multi.addHandle(other);
    multi.perform();
    assertEquals(texts, [text, text]);
  });
}

Deno.test("calls on another handle are refused while a CurlMulti is at work", () => {
  using multi = new curl.CurlMulti({ closeHandles: true });
  const [c, other] = [curlFor(FILE), curlFor(FILE)];
  const acts: Record<string, (c: curl.Curl) => unknown> = {
    getinfo: (c) => c.getinfo(curl.RESPONSE_CODE),
    setopt: (c) => c.setopt(curl.TIMEOUT, 1),
    errstr: (c) => c.errstr(),
    pause: (c) => c.pause(curl.PAUSE_ALL),
    duphandle: (c) => c.duphandle(),
  };
  const texts: string[] = [];
  c.setopt(curl.WRITEFUNCTION, () => {
    for (const act of Object.values(acts)) {
      texts.push(refused(() => act(other)));
    }
  });
  other.setopt(curl.WRITEFUNCTION, () => {});
  multi.addHandle(c);
  multi.addHandle(other);
  multi.perform();
  assertEquals(
    texts,
    Object.keys(acts).map((name) =>
      `cannot invoke ${name}() - perform() is currently running`
    ),
  );
});

Deno.test("setopt(SHARE) is refused in a CurlMulti", () => {
  using multi = new curl.CurlMulti({ closeHandles: true });
  using share = new curl.CurlShare();
  const c = curlFor(FILE);
  multi.addHandle(c);
  assertCurlError(
    () => c.setopt(curl.SHARE, share),
    undefined,
    "the Curl object is in a CurlMulti",
  );
});

test(
  WORKERS,
  "CurlMulti.addHandle() refuses a function of another Worker",
  async () => {
    type Peer = typeof import("./workers/peer.ts");
    await using worker = await startWorker<Peer>(
      new URL("./workers/peer.ts", import.meta.url),
    );
    const handle = await worker.call("makeCurl", FILE);
    await worker.call("setCallback", handle, curl.WRITEFUNCTION);
    using multi = new curl.CurlMulti();
    using c = curl.Curl.fromHandle(handle);
    assertCurlError(
      () => multi.addHandle(c),
      undefined,
      "cannot invoke addHandle() - WRITEFUNCTION was set in another Worker",
    );
    assertEquals(multi.size, 0);
  },
);
