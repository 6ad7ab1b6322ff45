/**
 * What is refused when a Curl or a share is closed, or a transfer is running:
 * each method in each state.
 *
 * @module
 */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertStrictEquals,
} from "./assert.ts";
import { Gate, WORKERS } from "./fixtures/workers.ts";
import { test } from "./permissions.ts";
import {
  assertRefused,
  curlTo,
  during,
  refusal,
  startPeer,
  stateOf,
} from "./workers/peers.ts";

/** This file: native code reads it without a permission of Deno's. */
const FILE = import.meta.url;

interface Method {
  /** What it is called in refusals. */
  word: string;
  call: (c: curl.Curl) => unknown;
  /** Whether libcurl allows it in the handle's own callbacks. */
  inside: boolean;
}

function method(
  word: string,
  call: (c: curl.Curl) => unknown,
  inside = true,
): Method {
  return { word, call, inside };
}

const PEM = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";

const METHODS: Record<string, Method> = {
  "setopt() of a number": method("setopt", (c) => c.setopt(curl.TIMEOUT, 5)),
  "setopt() of a 64-bit number": method(
    "setopt",
    (c) => c.setopt(curl.MAX_RECV_SPEED_LARGE, 10n ** 12n),
  ),
  "setopt() of a string": method(
    "setopt",
    (c) => c.setopt(curl.USERAGENT, "refused"),
  ),
  "setopt() of bytes": method(
    "setopt",
    (c) => c.setopt(curl.POSTFIELDS, "body"),
  ),
  "setopt() of a list": method(
    "setopt",
    (c) => c.setopt(curl.HTTPHEADER, ["A: b"]),
  ),
  "setopt() of a blob": method(
    "setopt",
    (c) => c.setopt(curl.SSLCERT_BLOB, PEM),
  ),
  "setopt() of a function": method(
    "setopt",
    (c) => c.setopt(curl.HEADERFUNCTION, () => {}),
  ),
  "setopt() of a writer": method(
    "setopt",
    (c) => c.setopt(curl.WRITEHEADER, { write: () => {} }),
  ),
  "setopt() of a reader": method(
    "setopt",
    (c) => c.setopt(curl.READDATA, { read: () => "" }),
  ),
  "setopt(PRIVATE)": method("setopt", (c) => c.setopt(curl.PRIVATE, {})),
  "setopt(COOKIELIST)": method(
    "setopt",
    (c) => c.setopt(curl.COOKIELIST, "Set-Cookie: a=b; domain=a.example"),
  ),
  "setoptString()": method(
    "setopt",
    (c) => c.setoptString(curl.USERAGENT, "refused"),
  ),
  "setCaCerts()": method("setopt", (c) => c.setCaCerts(PEM)),
  "unsetopt() of a string": method(
    "unsetopt",
    (c) => c.unsetopt(curl.CUSTOMREQUEST),
  ),
  "unsetopt() of a number": method(
    "unsetopt",
    (c) => c.unsetopt(curl.INFILESIZE),
  ),
  "unsetopt() of a list": method(
    "unsetopt",
    (c) => c.unsetopt(curl.HTTPHEADER),
  ),
  "unsetopt() of a function": method(
    "unsetopt",
    (c) => c.unsetopt(curl.HEADERFUNCTION),
  ),
  "getinfo() of a number": method(
    "getinfo",
    (c) => c.getinfo(curl.RESPONSE_CODE),
  ),
  "getinfo() of a string": method(
    "getinfo",
    (c) => c.getinfo(curl.EFFECTIVE_URL),
  ),
  "getinfo() of a list": method(
    "getinfo",
    (c) => c.getinfo(curl.INFO_COOKIELIST),
  ),
  "getinfo() of certificates": method(
    "getinfo",
    (c) => c.getinfo(curl.INFO_CERTINFO),
  ),
  "getinfo(INFO_PRIVATE)": method(
    "getinfo",
    (c) => c.getinfo(curl.INFO_PRIVATE),
  ),
  "getinfoRaw()": method("getinfo", (c) => c.getinfoRaw(curl.EFFECTIVE_URL)),
  "setopt(CURLU)": method("setopt", (c) => {
    using url = new curl.CurlUrl(FILE);
    c.setopt(curl.CURLU, url);
  }, false),
  "unsetopt(CURLU)": method("unsetopt", (c) => c.unsetopt(curl.CURLU), false),
  "header()": method("header", (c) => c.header("a")),
  "headers()": method("headers", (c) => c.headers()),
  "upkeep()": method("upkeep", (c) => c.upkeep(), false),
  "sslsExport()": method("sslsExport", (c) => c.sslsExport(), false),
  "sslsImport()": method(
    "sslsImport",
    (c) => c.sslsImport({ data: new Uint8Array(1) }),
    false,
  ),
  "errstr()": method("errstr", (c) => c.errstr()),
  "duphandle()": method("duphandle", (c) => c.duphandle().close()),
  "reset()": method("reset", (c) => c.reset(), false),
  "performSync()": method("perform", (c) => c.performSync(), false),
  "performBytesSync()": method("perform", (c) => c.performBytesSync(), false),
  "performTextSync()": method("perform", (c) => c.performTextSync(), false),
};

/** What another Worker keeps to itself: its transfer is not concerned. */
const LOCAL = ["setopt(PRIVATE)", "getinfo(INFO_PRIVATE)"];

for (const [name, { word, call }] of Object.entries(METHODS)) {
  Deno.test(`Curl.${name} throws when the Curl is closed`, () => {
    const c = curlTo(FILE);
    c.close();
    assertRefused(() => call(c), `cannot invoke ${word}() - no curl handle`);
  });
}

for (const name of ["pause", "unpause", "share"] as const) {
  Deno.test(`Curl.${name}() throws when the Curl is closed`, () => {
    const c = curlTo(FILE);
    c.close();
    assertRefused(
      () => name === "pause" ? c.pause(curl.PAUSE_ALL) : c[name](),
      `cannot invoke ${name}() - no curl handle`,
    );
  });
}

Deno.test("Curl.setopt(SHARE) throws when the Curl is closed", () => {
  const c = curlTo(FILE);
  c.close();
  using share = new curl.CurlShare();
  assertRefused(
    () => c.setopt(curl.SHARE, share),
    "cannot invoke setopt() - no curl handle",
  );
  assertEquals(share.attached, 0);
});

Deno.test("Curl.close() does nothing when the Curl is closed", () => {
  const c = curlTo(FILE);
  c.close();
  c.close();
  c[Symbol.dispose]();
  assert(c.closed);
});

for (const [name, { word, call, inside }] of Object.entries(METHODS)) {
  Deno.test(`Curl.${name} ${inside ? "works" : "is refused"} in the Curl's own callback`, () => {
    using c = curlTo(FILE);
    const refused = inside
      ? "not refused"
      : `cannot invoke ${word}() - perform() is currently running`;
    during(c, () => assertEquals(refusal(() => call(c)), refused));
    c.setopt(curl.URL, FILE);
    c.setopt(curl.MAX_RECV_SPEED_LARGE, 0);
    assertGreater(c.performBytesSync().length, 0);
  });
}

Deno.test("Curl.pause() and unpause() work in the Curl's own callback", () => {
  using c = curlTo(FILE);
  const { length } = c.performBytesSync();
  let got = 0;
  c.setopt(curl.WRITEFUNCTION, (data) => {
    got += data.length;
    c.pause(curl.PAUSE_CONT);
    c.unpause();
  });
  c.performSync();
  assertEquals(got, length);
});

Deno.test("Curl.reset() is refused in a callback of a transfer inside its own", () => {
  using outer = curlTo(FILE);
  using inner = curlTo(FILE);
  const running = "perform() is currently running";
  during(outer, () =>
    during(inner, () => {
      for (const c of [outer, inner]) {
        assertRefused(() => c.reset(), `cannot invoke reset() - ${running}`);
        assertRefused(() => c.close(), `cannot invoke close() - ${running}`);
        assertRefused(
          () => c.performSync(),
          `cannot invoke perform() - ${running}`,
        );
      }
    }));
});

test(
  WORKERS,
  "Curl refuses every method when another Worker performs it, and nothing has changed",
  async (context) => {
    using c = curlTo(FILE);
    const before = c.performTextSync();
    using share = new curl.CurlShare();
    await using peer = await startPeer();
    const [entered, released] = [new Gate(), new Gate()];
    const outcome = peer.call(
      "performHeld",
      c.handle,
      entered.buffer,
      released.buffer,
    );
    await entered.wait();

    for (const [name, { word, call }] of Object.entries(METHODS)) {
      if (LOCAL.includes(name)) continue;
      await context.step(name, () => {
        assertRefused(
          () => call(c),
          `cannot invoke ${word}() - perform() is currently running`,
        );
      });
    }
    for (const name of ["pause", "unpause"] as const) {
      await context.step(`${name}()`, () => {
        assertRefused(
          () => c[name](curl.PAUSE_ALL),
          `cannot invoke ${name}() - perform() is currently running on ` +
            "another thread",
        );
      });
    }
    await context.step("setopt(SHARE)", () => {
      const running = "cannot invoke setopt() - perform() is currently running";
      assertRefused(() => c.setopt(curl.SHARE, share), running);
      assertRefused(() => c.setopt(curl.SHARE, null), running);
      assertRefused(() => c.unsetopt(curl.SHARE), running);
      assertEquals(share.attached, 0);
    });
    await context.step("closed, handle and share() answer", () => {
      assertEquals(c.closed, false);
      assertStrictEquals(c.share(), null);
      assertStrictEquals(curl.Curl.fromHandle(c.handle), c);
    });

    released.open();
    assertEquals(await outcome, "done");
    assertEquals(stateOf(c.handle), "idle");
    c.unsetopt(curl.WRITEFUNCTION);
    assertEquals(c.performTextSync(), before);
  },
);

test(
  WORKERS,
  "Curl throws from every method when another Worker has closed it",
  async (context) => {
    const c = curlTo(FILE);
    await using peer = await startPeer();
    await peer.call("onCurl", c.handle, "close");
    assert(c.closed);
    for (const [name, { word, call }] of Object.entries(METHODS)) {
      if (LOCAL.includes(name)) continue;
      await context.step(name, () => {
        assertRefused(
          () => call(c),
          `cannot invoke ${word}() - no curl handle`,
        );
      });
    }
    for (const name of ["pause", "unpause", "share"] as const) {
      await context.step(`${name}()`, () => {
        assertRefused(
          () => name === "pause" ? c.pause(curl.PAUSE_ALL) : c[name](),
          `cannot invoke ${name}() - no curl handle`,
        );
      });
    }
    c.close();
  },
);

const SHARE_METHODS: Record<string, (share: curl.CurlShare) => unknown> = {
  setopt: (share) => share.setopt(curl.SH_SHARE, curl.LOCK_DATA_DNS),
  share: (share) => share.share(curl.LOCK_DATA_DNS),
  unshare: (share) => share.unshare(curl.LOCK_DATA_DNS),
};

for (const [name, call] of Object.entries(SHARE_METHODS)) {
  test(
    WORKERS,
    `CurlShare.${name}() throws when another Worker has closed the share`,
    async () => {
      const share = new curl.CurlShare();
      await using peer = await startPeer();
      await peer.call("onShare", share.handle, "close");
      assert(share.closed);
      assertEquals(share.attached, 0);
      const message = refusal(() => call(share));
      assert(
        [name, "setopt"].some((word) =>
          message === `cannot invoke ${word}() - no share handle`
        ),
        message,
      );
      share.close();
    },
  );
}

test(
  WORKERS,
  "Curl.setopt(SHARE) throws when another Worker has closed the share",
  async () => {
    const share = new curl.CurlShare();
    using c = curlTo(FILE);
    await using peer = await startPeer();
    await peer.call("onShare", share.handle, "close");
    assertRefused(() => c.setopt(curl.SHARE, share), "CurlShare is closed");
  },
);

test(
  WORKERS,
  "Curl.share() gives null when another Worker has closed the share",
  async () => {
    const share = new curl.CurlShare();
    using c = curlTo(FILE);
    c.setopt(curl.SHARE, share);
    await using peer = await startPeer();
    await peer.call("onShare", share.handle, "close");
    assertStrictEquals(c.share(), null);
    using next = new curl.CurlShare();
    c.setopt(curl.SHARE, next);
    assertStrictEquals(c.share(), next);
  },
);
