/** The states of a handle, and what it does besides options and infos. */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertNotEquals,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "./assert.ts";
import {
  assertCurlError,
  assertIsFile,
  assertUsable,
  curlFor,
  FILE,
  LONG_FILE,
} from "./fixtures/checks.ts";
import { CHILD, runChild } from "./fixtures/child.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { patternBytes } from "./fixtures/pattern.ts";
import { test } from "./permissions.ts";

Deno.test("Curl.handle is a number that no other object has", () => {
  using a = new curl.Curl();
  using b = new curl.Curl();
  using share = new curl.CurlShare();
  assert(Number.isSafeInteger(a.handle) && a.handle > 0);
  assertEquals(new Set([a.handle, b.handle, share.handle]).size, 3);
});

Deno.test("Curl.handle is not used again when the object is closed", () => {
  const first = new curl.Curl();
  first.close();
  using second = new curl.Curl();
  assertGreater(second.handle, first.handle);
});

Deno.test("Curl.fromHandle() gives the object itself where it was made", () => {
  using c = new curl.Curl();
  assertStrictEquals(curl.Curl.fromHandle(c.handle), c);
});

Deno.test("Curl.fromHandle() throws when no object has the handle", () => {
  using share = new curl.CurlShare();
  const closed = new curl.Curl();
  closed.close();
  const wrong = [closed.handle, share.handle, 0, -1, 1.5, 2 ** 52, NaN];
  for (const handle of [...wrong, Infinity, -(2 ** 32), 2 ** 64]) {
    assertCurlError(() => curl.Curl.fromHandle(handle), undefined, "handle");
  }
});

Deno.test("Curl.fromHandle() refuses what is not a number", () => {
  for (const value of ["1", 1n, null, undefined, {}, [1], true]) {
    assertThrows(() => curl.Curl.fromHandle(value as never), TypeError);
  }
});

Deno.test("Curl.closed tells whether it was closed", () => {
  const c = new curl.Curl();
  assertEquals(c.closed, false);
  c.close();
  assertEquals(c.closed, true);
});

Deno.test("Curl.close() does nothing when the object is closed", () => {
  const c = new curl.Curl();
  c.close();
  c.close();
  c[Symbol.dispose]();
  assertEquals(c.closed, true);
});

Deno.test("Curl[Symbol.dispose]() closes when its block ends by a throw", () => {
  let kept: curl.Curl | undefined;
  assertThrows(
    () => {
      using c = new curl.Curl();
      kept = c;
      throw new RangeError("out");
    },
    RangeError,
    "out",
  );
  assertEquals(kept?.closed, true);
});

/** Each call, with the name it has in the refusal's text. */
const CALLS: Record<string, [name: string, call: (c: curl.Curl) => unknown]> = {
  "setopt() of a number": ["setopt", (c) => c.setopt(curl.TIMEOUT, 1)],
  "setopt() of a string": ["setopt", (c) => c.setopt(curl.URL, FILE)],
  "setopt() of bytes": ["setopt", (c) => c.setopt(curl.POSTFIELDS, "a")],
  "setopt() of a list": ["setopt", (c) => c.setopt(curl.HTTPHEADER, ["A: 1"])],
  "setopt() of a blob": ["setopt", (c) => c.setopt(curl.CAINFO_BLOB, "a")],
  "setopt() of a function": [
    "setopt",
    (c) => c.setopt(curl.WRITEFUNCTION, () => {}),
  ],
  "setopt() of a writer": [
    "setopt",
    (c) => c.setopt(curl.WRITEDATA, { write: () => {} }),
  ],
  "setopt() of a reader": [
    "setopt",
    (c) => c.setopt(curl.READDATA, { read: () => "" }),
  ],
  "setopt() of PRIVATE": ["setopt", (c) => c.setopt(curl.PRIVATE, 1)],
  "unsetopt()": ["unsetopt", (c) => c.unsetopt(curl.CAINFO)],
  "unsetopt() of PRIVATE": ["unsetopt", (c) => c.unsetopt(curl.PRIVATE)],
  "setoptString()": ["setopt", (c) => c.setoptString(curl.URL, FILE)],
  "setCaCerts()": ["setopt", (c) => c.setCaCerts("a")],
  "getinfo() of a number": ["getinfo", (c) => c.getinfo(curl.RESPONSE_CODE)],
  "getinfo() of a string": ["getinfo", (c) => c.getinfo(curl.EFFECTIVE_URL)],
  "getinfo() of PRIVATE": ["getinfo", (c) => c.getinfo(curl.INFO_PRIVATE)],
  "getinfoRaw()": ["getinfo", (c) => c.getinfoRaw(curl.EFFECTIVE_URL)],
  "performSync()": ["perform", (c) => c.performSync()],
  "performBytesSync()": ["perform", (c) => c.performBytesSync()],
  "performTextSync()": ["perform", (c) => c.performTextSync()],
  "duphandle()": ["duphandle", (c) => c.duphandle()],
  "reset()": ["reset", (c) => c.reset()],
  "errstr()": ["errstr", (c) => c.errstr()],
  "pause()": ["pause", (c) => c.pause(curl.PAUSE_ALL)],
  "unpause()": ["unpause", (c) => c.unpause()],
  "share()": ["share", (c) => c.share()],
};

for (const [shown, [name, call]] of Object.entries(CALLS)) {
  Deno.test(`${shown} refuses when the object is closed`, () => {
    const c = new curl.Curl();
    c.close();
    const error = assertCurlError(() => call(c), undefined);
    assertEquals(error.message, `cannot invoke ${name}() - no curl handle`);
  });
}

Deno.test("CurlShare given to setopt() of a closed object stays free", () => {
  using share = new curl.CurlShare();
  const c = new curl.Curl();
  c.close();
  assertCurlError(() => c.setopt(curl.SHARE, share), undefined, "no curl");
  assertEquals(share.attached, 0);
});

Deno.test("performSync() hands the body to WRITEFUNCTION", () => {
  using c = curlFor(LONG_FILE);
  const decoder = new TextDecoder();
  const pieces: string[] = [];
  c.setopt(curl.WRITEFUNCTION, (data) => {
    pieces.push(decoder.decode(data, { stream: true }));
  });
  c.performSync();
  assertGreater(pieces.length, 1);
  assertEquals(pieces.join(""), c.performTextSync());
});

Deno.test("performSync() throws when there is no URL", () => {
  using c = new curl.Curl();
  assertCurlError(() => c.performSync(), curl.E_URL_MALFORMAT);
  assertUsable(c);
});

Deno.test("performBytesSync() leaves WRITEFUNCTION set, and aside", () => {
  using c = curlFor(FILE);
  let calls = 0;
  c.setopt(curl.WRITEFUNCTION, () => void calls++);
  const bytes = c.performBytesSync();
  assertEquals(calls, 0);
  assertIsFile(new TextDecoder().decode(bytes));
  c.performSync();
  assertEquals(calls, 1);
});

Deno.test("performBytesSync() gives no bytes when there is no body", () => {
  using c = curlFor(FILE);
  c.setopt(curl.NOBODY, true);
  assertEquals(c.performBytesSync(), new Uint8Array());
});

Deno.test("performBytesSync() gives bytes that the next one leaves alone", () => {
  using c = curlFor(FILE);
  const first = c.performBytesSync();
  const copy = first.slice();
  c.setopt(curl.URL, LONG_FILE);
  assertNotEquals(c.performBytesSync(), first);
  assertEquals(first, copy);
});

test(SERVER, "performBytesSync() gives a body of megabytes", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/bytes/3000000`);
  assertEquals(c.performBytesSync(), patternBytes(3_000_000));
});

test(
  SERVER,
  "performBytesSync() forgets the body of a transfer that failed",
  async () => {
    await using server = await startServer();
    using c = curlFor(`${server.url}/bytes/100000?chunked`);
    c.setopt(curl.MAXFILESIZE, 50_000);
    assertCurlError(() => c.performBytesSync(), curl.E_FILESIZE_EXCEEDED);
    c.setopt(curl.URL, `${server.url}/bytes/7`);
    assertEquals(c.performBytesSync(), patternBytes(7));
  },
);

test(SERVER, "performTextSync() decodes UTF-8, what is wrong too", async () => {
  await using server = await startServer();
  const sent = "größe 尺寸 📏";
  using c = curlFor(`${server.url}/respond?body=${encodeURIComponent(sent)}`);
  assertEquals(c.performTextSync(), sent);
  c.setopt(curl.URL, `${server.url}/bytes/200`);
  assertStringIncludes(c.performTextSync(), "\u007f\ufffd");
});

test(CHILD, "performSync() writes to standard output by default", async () => {
  const { stdout, code } = await runChild(
    `const c = new curl.Curl();
    c.setopt(curl.URL, Deno.args[0]);
    c.performSync();`,
    { flags: ["--allow-ffi"], args: [LONG_FILE] },
  );
  assertEquals(code, 0);
  assertEquals(stdout, await Deno.readTextFile(new URL(LONG_FILE)));
});

test(
  CHILD,
  "performSync() writes to standard output once WRITEFUNCTION is taken back",
  async () => {
    const { stdout } = await runChild(
      `const c = new curl.Curl();
      c.setopt(curl.URL, Deno.args[0]);
      c.setopt(curl.WRITEFUNCTION, () => {});
      c.performSync();
      console.log("nothing so far");
      c.unsetopt(curl.WRITEFUNCTION);
      c.performSync();
      c.setopt(curl.WRITEDATA, { write: () => console.log("\\nwritten") });
      c.performSync();
      c.reset();
      c.setopt(curl.URL, Deno.args[0]);
      c.performSync();`,
      { flags: ["--allow-ffi"], args: [FILE] },
    );
    const text = await Deno.readTextFile(new URL(FILE));
    assertEquals(stdout, `nothing so far\n${text}\nwritten\n${text}`);
  },
);

test(
  [CHILD, SERVER],
  "performSync() uploads standard input by default",
  async () => {
    await using server = await startServer();
    const { stdout } = await runChild(
      `const c = new curl.Curl();
      c.setopt(curl.URL, Deno.args[0]);
      c.setopt(curl.UPLOAD, true);
      console.log(JSON.parse(c.performTextSync()).body);
      c.setopt(curl.READFUNCTION, () => "");
      c.unsetopt(curl.READFUNCTION);
      console.log(JSON.parse(c.performTextSync()).body === "");`,
      { flags: ["-A"], args: [`${server.url}/echo`], input: "from outside" },
    );
    assertEquals(stdout, "from outside\ntrue\n");
  },
);

Deno.test("duphandle() copies options, callbacks and PRIVATE", () => {
  using c = curlFor(FILE);
  const kept = { mine: true };
  const seen: string[] = [];
  c.setopt(curl.PRIVATE, kept);
  c.setopt(curl.WRITEFUNCTION, () => void seen.push("write"));
  c.setopt(curl.NOPROGRESS, false);
  c.setopt(curl.XFERINFOFUNCTION, () => void seen.push("progress"));
  using copy = c.duphandle();
  assertNotEquals(copy.handle, c.handle);
  assertStrictEquals(copy.getinfo(curl.INFO_PRIVATE), kept);
  copy.performSync();
  assertEquals(new Set(seen), new Set(["write", "progress"]));
});

Deno.test("duphandle() makes a copy that goes its own way", () => {
  using c = curlFor(FILE);
  let mine = 0;
  let other = 0;
  c.setopt(curl.WRITEFUNCTION, () => void mine++);
  using copy = c.duphandle();
  copy.setopt(curl.WRITEFUNCTION, () => void other++);
  c.setopt(curl.PRIVATE, "later");
  c.performSync();
  copy.performSync();
  assertEquals([mine, other], [1, 1]);
  assertEquals(copy.getinfo(curl.INFO_PRIVATE), null);
});

Deno.test("duphandle() does not copy the share", () => {
  using share = new curl.CurlShare();
  using c = curlFor(FILE);
  c.setopt(curl.SHARE, share);
  using copy = c.duphandle();
  assertEquals(copy.share(), null);
  assertEquals(share.attached, 1);
});

test(
  SERVER,
  "duphandle() makes a copy that sends when the original is closed",
  async () => {
    await using server = await startServer();
    const c = curlFor(`${server.url}/echo`);
    c.setopt(curl.POSTFIELDS, "a\0b");
    c.setopt(curl.HTTPHEADER, ["X-Test: yes"]);
    using copy = c.duphandle();
    c.setopt(curl.POSTFIELDS, "other");
    c.setopt(curl.HTTPHEADER, ["X-Test: no"]);
    c.close();
    const { body, headers } = JSON.parse(copy.performTextSync());
    assertEquals([body, headers["x-test"]], ["a\0b", "yes"]);
  },
);

test(SERVER, "duphandle() copies the method and POSTFIELDSIZE", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/echo`);
  c.setopt(curl.POSTFIELDS, "12345");
  c.setopt(curl.POSTFIELDSIZE, 3);
  using posting = c.duphandle();
  assertEquals(JSON.parse(posting.performTextSync()).body, "123");
  c.setopt(curl.HTTPGET, true);
  using getting = c.duphandle();
  assertEquals(JSON.parse(getting.performTextSync()).method, "GET");
});

Deno.test("reset() takes options and PRIVATE back", () => {
  using c = curlFor(FILE);
  c.setopt(curl.PRIVATE, 1);
  c.setopt(curl.CUSTOMREQUEST, "FETCH");
  c.reset();
  assertEquals(c.getinfo(curl.INFO_PRIVATE), null);
  assertEquals(c.getinfo(curl.EFFECTIVE_METHOD), "GET");
  assertCurlError(() => c.performSync(), curl.E_URL_MALFORMAT);
});

test(SERVER, "reset() takes callbacks back", async () => {
  await using server = await startServer();
  using c = curlFor(server.url);
  c.setopt(curl.HEADERFUNCTION, () => {
    throw new Error("it is still there");
  });
  c.setopt(curl.OPENSOCKETFUNCTION, () => curl.SOCKET_BAD);
  assertCurlError(() => c.performTextSync(), curl.E_COULDNT_CONNECT);
  c.reset();
  c.setopt(curl.URL, server.url);
  assertEquals(c.performTextSync(), "home\n");
});

Deno.test("reset() keeps the share", () => {
  using share = new curl.CurlShare();
  using c = new curl.Curl();
  c.setopt(curl.SHARE, share);
  c.reset();
  assertStrictEquals(c.share(), share);
});

test(SERVER, "reset() keeps connections and cookies", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/cookies/set?a=b`);
  c.setopt(curl.COOKIEFILE, "");
  c.performTextSync();
  c.reset();
  c.setopt(curl.URL, `${server.url}/cookies`);
  assertEquals(c.performTextSync(), "a=b");
  assertEquals(c.getinfo(curl.NUM_CONNECTS), 0);
});

Deno.test("errstr() gives libcurl's text for the last failure", () => {
  using c = curlFor("file:///does/not/exist");
  assertEquals(c.errstr(), "");
  const error = assertCurlError(
    () => c.performSync(),
    curl.E_FILE_COULDNT_READ_FILE,
  );
  assertEquals(c.errstr(), error.message);
  assertStringIncludes(error.message, "/does/not/exist");
  c.setopt(curl.URL, FILE);
  c.performTextSync();
  assertEquals(c.errstr(), "");
});

Deno.test("errstr() gives each handle's own text, after each failure", () => {
  using c = curlFor("file:///does/not/exist");
  const failOn = (c: curl.Curl, path: string) => {
    c.setopt(curl.URL, `file://${path}`);
    const error = assertCurlError(
      () => c.performSync(),
      curl.E_FILE_COULDNT_READ_FILE,
    );
    assertStringIncludes(error.message, path);
    assertEquals(c.errstr(), error.message);
    return error.message;
  };
  failOn(c, "/does/not/exist/either/as/nobody/has/made/it");
  const first = failOn(c, "/nowhere");
  using copy = c.duphandle();
  assertEquals(copy.errstr(), "");
  failOn(copy, "/gone");
  assertEquals(c.errstr(), first);
  c.reset();
  assertEquals(c.errstr(), first);
  failOn(c, "/gone/too");
});

Deno.test("pause() and unpause() throw when nothing is running", () => {
  using c = curlFor(FILE);
  for (const act of [() => c.pause(curl.PAUSE_ALL), () => c.unpause()]) {
    assertCurlError(act, curl.E_BAD_FUNCTION_ARGUMENT);
  }
  assertUsable(c);
});

Deno.test("pause() refuses what is no sum of PAUSE_*", () => {
  using c = curlFor(FILE);
  for (const mask of ["1", 1.5, NaN, null, undefined, {}, 1n, 2 ** 40]) {
    assertThrows(() => c.pause(mask as number), TypeError, "PAUSE_*");
  }
});

test(
  SERVER,
  "unpause() in XFERINFOFUNCTION lets go on what WRITEFUNC_PAUSE held",
  async () => {
    await using server = await startServer();
    using c = curlFor(`${server.url}/bytes/100000`);
    const told: string[] = [];
    let size = 0;
    c.setopt(curl.WRITEFUNCTION, (data) => {
      if (told.length === 0) {
        told.push("paused");
        return curl.WRITEFUNC_PAUSE;
      }
      size += data.length;
    });
    c.setopt(curl.NOPROGRESS, false);
    c.setopt(curl.XFERINFOFUNCTION, () => {
      if (told.length !== 1) return;
      assertEquals(size, 0);
      told.push("unpaused");
      c.unpause();
    });
    c.performSync();
    assertEquals(told, ["paused", "unpaused"]);
    assertEquals(size, 100_000);
  },
);

test(
  SERVER,
  "pause() in WRITEFUNCTION holds the transfer until pause(PAUSE_CONT)",
  async () => {
    await using server = await startServer();
    using c = curlFor(`${server.url}/trickle?ms=1&bytes=10&count=5`);
    const sizes: number[] = [];
    let paused = false;
    c.setopt(curl.WRITEFUNCTION, (data) => {
      assertEquals(paused, false);
      sizes.push(data.length);
      paused = true;
      c.pause(curl.PAUSE_RECV);
    });
    c.setopt(curl.NOPROGRESS, false);
    c.setopt(curl.XFERINFOFUNCTION, () => {
      if (!paused) return;
      paused = false;
      c.pause(curl.PAUSE_CONT);
    });
    c.performSync();
    assertEquals(sizes.reduce((sum, size) => sum + size), 50);
  },
);
