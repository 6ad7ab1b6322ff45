import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertFalse,
  assertGreater,
  assertInstanceOf,
  assertMatch,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "./assert.ts";
import {
  assertRefused,
  attachedTo,
  curlTo,
  during,
  isAlive,
  shareOf,
} from "./workers/peers.ts";
import { report } from "../src/ffi/call.ts";

/** This file: native code reads it without a permission of Deno's. */
const FILE = import.meta.url;

const KINDS = {
  COOKIE: curl.LOCK_DATA_COOKIE,
  DNS: curl.LOCK_DATA_DNS,
  SSL_SESSION: curl.LOCK_DATA_SSL_SESSION,
  CONNECT: curl.LOCK_DATA_CONNECT,
  PSL: curl.LOCK_DATA_PSL,
  HSTS: curl.LOCK_DATA_HSTS,
};

/** A line for COOKIELIST. */
function cookie(value: string): string {
  return `Set-Cookie: name=${value}; domain=example.com; path=/`;
}

/** Whether two new handles see each other's cookies through the share. */
function sharesCookies(share: curl.CurlShare): boolean {
  using one = attachedTo(share, FILE);
  using other = attachedTo(share, FILE);
  one.setopt(curl.COOKIELIST, cookie("shared"));
  return other.getinfo(curl.INFO_COOKIELIST).length > 0;
}

const NOT_OPTIONS: [string, unknown][] = [
  ["null", null],
  ["a number", 5],
  ["a string", "detachOnClose"],
  ["a boolean", false],
  ["a function", () => {}],
  ["an unknown option", { detach: true }],
  ["PycURL's spelling", { detach_on_close: false }],
  ["a number as detachOnClose", { detachOnClose: 0 }],
  ["null as detachOnClose", { detachOnClose: null }],
];

for (const [what, options] of NOT_OPTIONS) {
  Deno.test(`new CurlShare() throws a TypeError when given ${what}`, () => {
    assertThrows(
      () => new curl.CurlShare(options as curl.CurlShareOptions),
      TypeError,
    );
  });
}

Deno.test("new CurlShare() leaves nothing behind when it throws", () => {
  const before = report();
  for (const [, options] of NOT_OPTIONS) {
    assertThrows(() => new curl.CurlShare(options as curl.CurlShareOptions));
  }
  assertEquals(report(), before);
});

Deno.test("CurlShare.detachOnClose says how the share was made", () => {
  using usual = new curl.CurlShare();
  using empty = new curl.CurlShare({});
  using detaching = new curl.CurlShare({ detachOnClose: true });
  using other = new curl.CurlShare({ detachOnClose: false });
  assertEquals(
    [usual, empty, detaching, other].map(({ detachOnClose }) => detachOnClose),
    [true, true, true, false],
  );
});

Deno.test("CurlShare.attached counts the Curl objects that use the share", () => {
  using share = new curl.CurlShare();
  assertEquals(share.attached, 0);
  using one = attachedTo(share, FILE);
  assertEquals(share.attached, 1);
  {
    using _other = attachedTo(share, FILE);
    assertEquals(share.attached, 2);
  }
  assertEquals(share.attached, 1);
  one.unsetopt(curl.SHARE);
  assertEquals(share.attached, 0);
});

Deno.test("CurlShare.handle names the share in report(), until it is closed", () => {
  const share = new curl.CurlShare();
  assert(isAlive(share.handle));
  share.close();
  assertFalse(isAlive(share.handle));
});

for (const [name, kind] of Object.entries(KINDS)) {
  Deno.test(`CurlShare.setopt() shares ${name}`, () => {
    using share = new curl.CurlShare();
    share.setopt(curl.SH_SHARE, kind);
  });
}

for (const [name, kind] of Object.entries(KINDS)) {
  if (kind === curl.LOCK_DATA_PSL) continue;
  Deno.test(`CurlShare.setopt() unshares ${name}`, () => {
    using share = shareOf(kind);
    share.setopt(curl.SH_UNSHARE, kind);
  });
}

Deno.test("CurlShare.share() shares cookies, and unshare() ends it", () => {
  using share = shareOf(curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_DNS);
  assert(sharesCookies(share));
  share.unshare(curl.LOCK_DATA_COOKIE);
  assertFalse(sharesCookies(share));
});

const NOT_SETOPT: [string, unknown, unknown][] = [
  ["an unknown option", 99, curl.LOCK_DATA_DNS],
  ["a string as option", "SHARE", curl.LOCK_DATA_DNS],
  ["undefined as option", undefined, curl.LOCK_DATA_DNS],
  ["LOCKFUNC, which is ours", 3, curl.LOCK_DATA_DNS],
  ["LOCK_DATA_SHARE, which is libcurl's own", curl.SH_SHARE, 1],
  ["no kind", curl.SH_SHARE, undefined],
  ["kind 0", curl.SH_SHARE, 0],
  ["an unknown kind", curl.SH_UNSHARE, 99],
  ["a kind past 32 bits", curl.SH_SHARE, 2 ** 32 + curl.LOCK_DATA_DNS],
  ["a fraction", curl.SH_SHARE, 2.5],
  ["NaN", curl.SH_SHARE, NaN],
  ["a string", curl.SH_SHARE, "3"],
  ["a bigint", curl.SH_SHARE, 3n],
  ["null", curl.SH_SHARE, null],
];

for (const [what, option, kind] of NOT_SETOPT) {
  Deno.test(`CurlShare.setopt() throws a TypeError when given ${what}`, () => {
    using share = new curl.CurlShare();
    assertThrows(
      () => share.setopt(option as number, kind as number),
      TypeError,
      "invalid arguments to setopt",
    );
  });
}

for (const method of ["share", "unshare"] as const) {
  Deno.test(`CurlShare.${method}() throws a TypeError when given nothing`, () => {
    using share = new curl.CurlShare();
    assertThrows(
      () => share[method](),
      TypeError,
      "at least one LOCK_DATA_* argument required",
    );
  });
}

Deno.test("CurlShare.share() shares nothing when one kind is wrong", () => {
  using share = new curl.CurlShare();
  assertThrows(() => share.share(curl.LOCK_DATA_COOKIE, 99), TypeError);
  assertFalse(sharesCookies(share));
});

Deno.test("CurlShare.unshare() unshares nothing when one kind is wrong", () => {
  using share = shareOf(curl.LOCK_DATA_COOKIE);
  assertThrows(() => share.unshare(curl.LOCK_DATA_COOKIE, 99), TypeError);
  assert(sharesCookies(share));
});

const UNSHARE_PSL: Record<string, (share: curl.CurlShare) => void> = {
  setopt: (share) => share.setopt(curl.SH_UNSHARE, curl.LOCK_DATA_PSL),
  unshare: (share) => share.unshare(curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_PSL),
};

for (const [method, unshare] of Object.entries(UNSHARE_PSL)) {
  Deno.test(`CurlShare.${method}() unshares nothing when PSL is among the kinds`, () => {
    using share = shareOf(curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_PSL);
    const error = assertThrows(() => unshare(share), curl.CurlError);
    assertEquals(error.code, curl.SHE_BAD_OPTION);
    assertEquals(error.code, 1);
    assertEquals(error.message, "Unknown share option");
    assert(sharesCookies(share));
  });
}

const CHANGES: Record<string, (share: curl.CurlShare) => void> = {
  "setopt(SH_SHARE)": (share) =>
    share.setopt(curl.SH_SHARE, curl.LOCK_DATA_COOKIE),
  "setopt(SH_UNSHARE)": (share) =>
    share.setopt(curl.SH_UNSHARE, curl.LOCK_DATA_COOKIE),
  "share()": (share) =>
    share.share(curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_CONNECT),
  "unshare()": (share) =>
    share.unshare(curl.LOCK_DATA_DNS, curl.LOCK_DATA_COOKIE),
};

for (const [name, change] of Object.entries(CHANGES)) {
  for (const sharing of [true, false]) {
    const what = sharing ? "shares" : "does not share";
    Deno.test(`CurlShare.${name} changes nothing when a Curl is attached and the share ${what} cookies`, () => {
      using share = shareOf(curl.LOCK_DATA_DNS);
      if (sharing) share.share(curl.LOCK_DATA_COOKIE);
      {
        using _c = attachedTo(share, FILE);
        const error = assertThrows(() => change(share), curl.CurlError);
        assertEquals(error.code, curl.SHE_IN_USE);
        assertEquals(error.code, 2);
        assertEquals(error.message, "Share currently in use");
      }
      assertEquals(sharesCookies(share), sharing);
      change(share);
    });
  }
}

Deno.test("CurlShare.setopt() is refused in a callback of an attached Curl", () => {
  using share = shareOf(curl.LOCK_DATA_DNS);
  using c = attachedTo(share, FILE);
  during(c, () => {
    const error = assertThrows(
      () => share.share(curl.LOCK_DATA_SSL_SESSION),
      curl.CurlError,
    );
    assertEquals(error.code, curl.SHE_IN_USE);
  });
});

Deno.test("CurlShare.close() detaches idle Curl objects, which stay open", () => {
  const share = shareOf(curl.LOCK_DATA_DNS);
  using one = attachedTo(share, FILE);
  using other = attachedTo(share, FILE);
  share.close();
  assert(share.closed);
  assertEquals(share.attached, 0);
  for (const c of [one, other]) {
    assertFalse(c.closed);
    assertStrictEquals(c.share(), null);
    assertStringIncludes(c.performTextSync(), "which stay open");
  }
});

for (const active of [1, 2]) {
  Deno.test(`CurlShare.close() detaches nobody when ${active} of its Curl objects are performing`, () => {
    using share = shareOf(curl.LOCK_DATA_DNS);
    using idle = attachedTo(share, FILE);
    using first = attachedTo(share, FILE);
    using second = attachedTo(share, FILE);
    const tryToClose = () => {
      assertRefused(
        () => share.close(),
        `cannot close CurlShare: still in use by ${active} active Curl object(s)`,
      );
      assertFalse(share.closed);
      assertEquals(share.attached, 3);
      for (const c of [idle, first, second]) {
        assertStrictEquals(c.share(), share);
      }
    };
    during(first, active === 1 ? tryToClose : () => during(second, tryToClose));
    assertGreater(idle.performTextSync().length, 0);
    share.close();
    assertEquals(
      [idle, first, second].map((c) => c.share()),
      [null, null, null],
    );
  });
}

Deno.test("CurlShare.close() is refused in its own Curl's callback, and works after it", () => {
  const share = shareOf(curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_CONNECT);
  using c = attachedTo(share, FILE);
  during(c, () => {
    assertRefused(
      () => share.close(),
      "cannot close CurlShare: still in use by 1 active Curl object(s)",
    );
  });
  share.close();
  assert(share.closed);
});

Deno.test("CurlShare.close() works in the callback of a Curl that is not attached", () => {
  const share = shareOf(curl.LOCK_DATA_COOKIE);
  using idle = attachedTo(share, FILE);
  using c = curlTo(FILE);
  during(c, () => share.close());
  assert(share.closed);
  assertStrictEquals(idle.share(), null);
});

Deno.test("CurlShare.close() without detachOnClose is refused while a Curl is attached", () => {
  using share = new curl.CurlShare({ detachOnClose: false });
  using one = attachedTo(share, FILE);
  using other = attachedTo(share, FILE);
  const error = assertThrows(() => share.close(), curl.CurlError);
  assertMatch(error.message, /^cannot close CurlShare: still in use by 2 /);
  assertStrictEquals(error.code, undefined);
  assertFalse(share.closed);
  assertEquals(share.attached, 2);
  one.unsetopt(curl.SHARE);
  assertThrows(() => share.close(), curl.CurlError);
  other.unsetopt(curl.SHARE);
  share.close();
  assert(share.closed);
});

Deno.test("CurlShare.close() does nothing when called twice", () => {
  const share = new curl.CurlShare();
  share.close();
  share.close();
  share[Symbol.dispose]();
  assert(share.closed);
});

Deno.test("CurlShare[Symbol.dispose]() closes the share", () => {
  const share = new curl.CurlShare();
  {
    using _share = share;
  }
  assert(share.closed);
});

Deno.test("CurlShare.setopt() throws after close()", () => {
  const share = new curl.CurlShare();
  share.close();
  assertRefused(
    () => share.setopt(curl.SH_SHARE, curl.LOCK_DATA_DNS),
    "cannot invoke setopt() - no share handle",
  );
});

for (const method of ["share", "unshare"] as const) {
  Deno.test(`CurlShare.${method}() throws after close()`, () => {
    const share = new curl.CurlShare();
    share.close();
    const error = assertThrows(() => share[method](curl.LOCK_DATA_DNS));
    assertInstanceOf(error, curl.CurlError);
    assertMatch(
      error.message,
      new RegExp(`^cannot invoke (setopt|${method})\\(\\) - no share handle$`),
    );
  });
}

Deno.test("CurlShare.stats() throws after close()", () => {
  const share = new curl.CurlShare();
  share.close();
  assertRefused(
    () => share.stats(),
    "cannot invoke stats() - no share handle",
  );
});

Deno.test("CurlShare.stats() counts transfers and the locks of shared kinds", () => {
  using share = shareOf(curl.LOCK_DATA_COOKIE);
  assertEquals(share.stats().transfers, 0);
  assertEquals(share.stats().locks.cookie.locks, 0);
  using c = attachedTo(share, FILE);
  c.setopt(curl.COOKIELIST, cookie("counted"));
  c.performBytesSync();
  const { transfers, locks } = share.stats();
  assertEquals(transfers, 1);
  assertGreater(locks.cookie.locks, 0);
  assertEquals(locks.cookie.contended, 0);
  assertEquals(locks.psl, { locks: 0, contended: 0, waited: 0 });
});
