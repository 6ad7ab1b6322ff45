import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertFalse,
  assertGreater,
  assertMatch,
  assertStrictEquals,
  assertThrows,
} from "./assert.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { watchdog } from "./fixtures/watchdog.ts";
import { test } from "./permissions.ts";
import {
  assertRefused,
  attachedTo,
  curlTo,
  during,
  isAlive,
  refusal,
  shareOf,
} from "./workers/peers.ts";

/** This file: native code reads it without a permission of Deno's. */
const FILE = import.meta.url;

const RUNNING = "cannot invoke setopt() - perform() is currently running";
const SHARING = "Curl object already sharing. Unshare first.";

const COOKIE = "Set-Cookie: a=b; domain=example.com; path=/";

/** The two ways to detach a Curl. */
const DETACH: Record<string, (c: curl.Curl) => void> = {
  "setopt(SHARE, null)": (c) => c.setopt(curl.SHARE, null),
  "unsetopt(SHARE)": (c) => c.unsetopt(curl.SHARE),
};

Deno.test("Curl.share() gives the share that setopt(SHARE) was given", () => {
  using share = new curl.CurlShare();
  using c = curlTo(FILE);
  assertStrictEquals(c.share(), null);
  c.setopt(curl.SHARE, share);
  assertStrictEquals(c.share(), share);
});

Deno.test("Curl.share() answers in the Curl's own callback", () => {
  using share = new curl.CurlShare();
  using c = attachedTo(share, FILE);
  during(c, () => assertStrictEquals(c.share(), share));
});

Deno.test("Curl.setopt(SHARE) throws when the share is closed", () => {
  const share = new curl.CurlShare();
  share.close();
  using c = curlTo(FILE);
  assertRefused(() => c.setopt(curl.SHARE, share), "CurlShare is closed");
  assertStrictEquals(c.share(), null);
});

for (
  const value of [5, "share", true, {}, [], () => {}, { handle: 1 }, undefined]
) {
  Deno.test(`Curl.setopt(SHARE) throws a TypeError when given ${Deno.inspect(value)}`, () => {
    using c = curlTo(FILE);
    assertThrows(
      () => c.setopt(curl.SHARE, value as unknown as curl.CurlShare),
      TypeError,
      "SHARE takes a CurlShare, not ",
    );
  });
}

Deno.test("Curl.setopt(SHARE) throws a TypeError when given a Curl", () => {
  using c = curlTo(FILE);
  using other = curlTo(FILE);
  assertThrows(
    () => c.setopt(curl.SHARE, other as unknown as curl.CurlShare),
    TypeError,
    "SHARE takes a CurlShare, not an object of Curl",
  );
});

Deno.test("Curl.setopt(SHARE) throws when the Curl is sharing already", () => {
  using share = new curl.CurlShare();
  using other = new curl.CurlShare();
  using c = attachedTo(share, FILE);
  for (const next of [other, share]) {
    assertRefused(() => c.setopt(curl.SHARE, next), SHARING);
    assertStrictEquals(c.share(), share);
    assertEquals([share.attached, other.attached], [1, 0]);
  }
});

for (const [name, detach] of Object.entries(DETACH)) {
  Deno.test(`Curl.${name} detaches the Curl`, () => {
    using share = shareOf(curl.LOCK_DATA_COOKIE);
    using c = attachedTo(share, FILE);
    detach(c);
    assertStrictEquals(c.share(), null);
    assertEquals(share.attached, 0);
    c.setopt(curl.SHARE, share);
    assertStrictEquals(c.share(), share);
  });

  Deno.test(`Curl.${name} does nothing when the Curl is not sharing`, () => {
    using c = curlTo(FILE);
    detach(c);
    detach(c);
    assertStrictEquals(c.share(), null);
  });

  Deno.test(`Curl.${name} does nothing when the share is closed`, () => {
    const share = new curl.CurlShare();
    using c = attachedTo(share, FILE);
    share.close();
    detach(c);
    assertStrictEquals(c.share(), null);
  });

  Deno.test(`Curl.${name} is refused in the Curl's own callback`, () => {
    using share = new curl.CurlShare();
    using c = attachedTo(share, FILE);
    during(c, () => {
      assertRefused(() => detach(c), RUNNING);
      assertStrictEquals(c.share(), share);
      assertEquals(share.attached, 1);
    });
    detach(c);
  });
}

Deno.test("Curl.setopt(SHARE) is refused in the Curl's own callback", () => {
  using share = new curl.CurlShare();
  using c = curlTo(FILE);
  during(c, () => {
    assertRefused(() => c.setopt(curl.SHARE, share), RUNNING);
    assertStrictEquals(c.share(), null);
    assertEquals(share.attached, 0);
  });
  c.setopt(curl.SHARE, share);
  assertEquals(share.attached, 1);
});

Deno.test("Curl.setopt(SHARE) works in another Curl's callback", () => {
  using share = shareOf(curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_HSTS);
  using c = attachedTo(share, FILE);
  using other = curlTo(FILE);
  during(c, () => {
    other.setopt(curl.SHARE, share);
    assertEquals(share.attached, 2);
    other.unsetopt(curl.SHARE);
    assertEquals(share.attached, 1);
  });
});

Deno.test("Curl.duphandle() does not inherit the share", () => {
  using share = shareOf(curl.LOCK_DATA_COOKIE);
  using c = attachedTo(share, FILE);
  using copy = c.duphandle();
  assertStrictEquals(copy.share(), null);
  assertStrictEquals(c.share(), share);
  assertEquals(share.attached, 1);
  share.close();
  assertGreater(copy.performTextSync().length, 0);
});

Deno.test("Curl.duphandle() gives a copy that can use the same share", () => {
  using share = shareOf(curl.LOCK_DATA_COOKIE);
  using c = attachedTo(share, FILE);
  using copy = c.duphandle();
  copy.setopt(curl.SHARE, share);
  assertEquals(share.attached, 2);
  c.setopt(curl.COOKIELIST, COOKIE);
  assertEquals(copy.getinfo(curl.INFO_COOKIELIST).length, 1);
});

Deno.test("Curl.reset() keeps the share", () => {
  using share = shareOf(curl.LOCK_DATA_COOKIE);
  using c = attachedTo(share, FILE);
  using other = attachedTo(share, FILE);
  c.reset();
  assertStrictEquals(c.share(), share);
  assertEquals(share.attached, 2);
  assertRefused(() => c.setopt(curl.SHARE, share), SHARING);
  c.setopt(curl.COOKIELIST, COOKIE);
  assertEquals(other.getinfo(curl.INFO_COOKIELIST).length, 1);
});

Deno.test("CurlShare.close() detaches a Curl that was reset", () => {
  const share = shareOf(curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_CONNECT);
  using c = attachedTo(share, FILE);
  c.performBytesSync();
  c.reset();
  share.close();
  assert(share.closed);
  assertStrictEquals(c.share(), null);
  c.setopt(curl.URL, FILE);
  assertGreater(c.performBytesSync().length, 0);
});

Deno.test("Curl.close() detaches the Curl first", () => {
  using share = shareOf(curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_CONNECT);
  const c = attachedTo(share, FILE);
  c.performBytesSync();
  c.close();
  assertEquals(share.attached, 0);
  assertFalse(isAlive(c.handle));
  share.share(curl.LOCK_DATA_DNS);
});

Deno.test("Curl.close() closes a Curl whose share was closed before", () => {
  const share = shareOf(curl.LOCK_DATA_COOKIE);
  const c = attachedTo(share, FILE);
  share.close();
  c.close();
  assert(c.closed);
});

Deno.test("CurlShare keeps what is shared when its last Curl closes", () => {
  using share = shareOf(curl.LOCK_DATA_COOKIE);
  {
    using c = attachedTo(share, FILE);
    c.setopt(curl.COOKIELIST, COOKIE);
  }
  using next = attachedTo(share, FILE);
  assertEquals(next.getinfo(curl.INFO_COOKIELIST).length, 1);
});

Deno.test("Curl.performSync() runs in a callback of a transfer on the same share of names", () => {
  using share = shareOf(curl.LOCK_DATA_DNS, curl.LOCK_DATA_SSL_SESSION);
  using outer = attachedTo(share, FILE);
  using inner = attachedTo(share, FILE);
  let length = 0;
  during(outer, () => {
    length = inner.performBytesSync().length;
  });
  assertGreater(length, 0);
});

for (const kind of ["COOKIE", "CONNECT", "HSTS"] as const) {
  Deno.test(`Curl.performSync() runs in WRITEFUNCTION of a transfer on the same ${kind} share`, () => {
    using share = shareOf(curl[`LOCK_DATA_${kind}`]);
    using outer = attachedTo(share, FILE);
    using inner = attachedTo(share, FILE);
    let length = 0;
    during(outer, () => {
      length = inner.performBytesSync().length;
    });
    assertGreater(length, 0);
    assertEquals(outer.performBytesSync().length, length);
  });

  test(
    SERVER,
    `Curl.performSync() is refused in SOCKOPTFUNCTION of a transfer on the same ${kind} share`,
    async () => {
      await using server = await startServer();
      await using _ = await watchdog("SOCKOPTFUNCTION", 30);
      using share = shareOf(curl[`LOCK_DATA_${kind}`]);
      using outer = attachedTo(share, server.url);
      using inner = attachedTo(share, FILE);
      let text = "it was not called";
      outer.setopt(curl.SOCKOPTFUNCTION, () => {
        text = refusal(() => inner.performBytesSync());
      });
      assertEquals(outer.performTextSync(), "home\n");
      assertMatch(text, /^cannot invoke perform\(\) - .* for itself$/);
      assertGreater(inner.performBytesSync().length, 0);
      assertEquals(outer.performTextSync(), "home\n");
    },
  );
}

Deno.test("Curl.performSync() runs in a callback of a transfer on another share of cookies", () => {
  using share = shareOf(curl.LOCK_DATA_COOKIE);
  using other = shareOf(curl.LOCK_DATA_COOKIE);
  using outer = attachedTo(share, FILE);
  using inner = attachedTo(other, FILE);
  let length = 0;
  during(outer, () => {
    length = inner.performBytesSync().length;
  });
  assertGreater(length, 0);
});

for (const closing of ["inner", "outer"] as const) {
  Deno.test(`CurlShare.close() is refused in a callback that is nested when it is the ${closing} transfer's share`, () => {
    using shares = new DisposableStack();
    const inner = shares.use(shareOf(curl.LOCK_DATA_COOKIE));
    const outer = shares.use(shareOf(curl.LOCK_DATA_COOKIE));
    using first = attachedTo(outer, FILE);
    using second = attachedTo(inner, FILE);
    during(first, () =>
      during(second, () =>
        assertRefused(
          () => ({ inner, outer })[closing].close(),
          "cannot close CurlShare: still in use by 1 active Curl object(s)",
        )));
  });
}

Deno.test("Curl.getinfo(INFO_COOKIELIST) answers in a callback of a transfer on the same share", () => {
  using share = shareOf(curl.LOCK_DATA_COOKIE);
  using c = attachedTo(share, FILE);
  using other = attachedTo(share, FILE);
  let seen: string[][] = [];
  during(c, () => {
    other.setopt(curl.COOKIELIST, COOKIE);
    seen = [c, other].map((one) => one.getinfo(curl.INFO_COOKIELIST));
  });
  assertEquals(seen.map((list) => list.length), [1, 1]);
});
