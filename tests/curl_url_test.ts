/** A CurlUrl: its parts, what it refuses, and its end. */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "./assert.ts";
import { assertCurlError } from "./fixtures/checks.ts";

const FULL = "imap://user:pw;AUTH=NTLM@[fe80::1%25eth0]:8080/a/b?x=1#frag";

/** The properties, and what each is in FULL. */
const PARTS = {
  url: FULL,
  scheme: "imap",
  user: "user",
  password: "pw",
  options: "AUTH=NTLM",
  host: "[fe80::1]",
  port: "8080",
  path: "/a/b",
  query: "x=1",
  fragment: "frag",
  zoneid: "eth0",
};
type Part = keyof typeof PARTS;
const NAMES = Object.keys(PARTS) as Part[];

/** The constant of a property. */
function constantOf(name: Part): number {
  return curl[`UPART_${name.toUpperCase()}` as keyof typeof curl] as number;
}

/** All parts at once. */
function partsOf(url: curl.CurlUrl): Record<string, string | null> {
  return Object.fromEntries(NAMES.map((name) => [name, url[name]]));
}

Deno.test("new CurlUrl() takes a URL apart", () => {
  using url = new curl.CurlUrl(FULL);
  assertEquals(partsOf(url), PARTS);
});

for (const nothing of [undefined, null]) {
  Deno.test(`new CurlUrl(${nothing}) has no parts but a path`, () => {
    using url = new curl.CurlUrl(nothing);
    const none = Object.fromEntries(NAMES.map((name) => [name, null]));
    assertEquals(partsOf(url), { ...none, path: "/" });
  });
}

Deno.test("new CurlUrl() takes bytes", () => {
  const bytes = new TextEncoder().encode("xxhttps://é.example/xx");
  using url = new curl.CurlUrl(bytes.subarray(2, -2));
  assertEquals(url.host, "é.example");
});

Deno.test("new CurlUrl() takes flags", () => {
  using guessed = new curl.CurlUrl("ftp.example/a", curl.U_GUESS_SCHEME);
  assertEquals(guessed.url, "ftp://ftp.example/a");
  using other = new curl.CurlUrl("my://a/", curl.U_NON_SUPPORT_SCHEME);
  assertEquals(other.scheme, "my");
});

/** What libcurl refuses, and its code. */
const REFUSED: [url: string, code: number, flags?: number][] = [
  ["", curl.UE_MALFORMED_INPUT],
  ["this is not a url", curl.UE_MALFORMED_INPUT],
  ["http://a:99999/", curl.UE_BAD_PORT_NUMBER],
  ["my://a/", curl.UE_UNSUPPORTED_SCHEME],
  ["data:text/plain,x", curl.UE_BAD_SLASHES, curl.U_NON_SUPPORT_SCHEME],
  ["http://u@a/", curl.UE_USER_NOT_ALLOWED, curl.U_DISALLOW_USER],
  ["http:///", curl.UE_NO_HOST],
  ["http://a%20b/", curl.UE_BAD_HOSTNAME],
  ["http://[1/", curl.UE_BAD_IPV6],
  ["example.com", curl.UE_BAD_SCHEME],
  ["x".repeat(9_000_000), curl.UE_MALFORMED_INPUT],
];

for (const [text, code, flags] of REFUSED) {
  Deno.test(`new CurlUrl(${JSON.stringify(text.slice(0, 30))}) throws libcurl's code and words`, () => {
    const words = curl.urlStrerror(code);
    const make = () => new curl.CurlUrl(text, flags);
    assertEquals(assertCurlError(make, code).message, words);

    using url = new curl.CurlUrl(FULL);
    const set = () => url.setpart(curl.UPART_URL, text, flags);
    // Any other text is what is relative to the URL that is there.
    if (!text.includes("://")) return;
    assertCurlError(set, code);
    assertEquals(url.url, FULL);
  });
}

/** Another value for each part. */
const OTHERS: Record<Part, string> = {
  url: "ftp://example.org/z",
  scheme: "pop3",
  user: "né",
  password: "x",
  options: "AUTH=PLAIN",
  host: "example.org",
  port: "1",
  path: "/c",
  query: "y",
  fragment: "end",
  zoneid: "eth1",
};

for (const name of NAMES) {
  Deno.test(`CurlUrl.${name} sets the part`, () => {
    using url = new curl.CurlUrl(FULL);
    url[name] = OTHERS[name];
    assertEquals(url[name], OTHERS[name]);
    assertEquals(url.getpart(constantOf(name)), OTHERS[name]);
    url[name] = new TextEncoder().encode(PARTS[name]);
    assertEquals(url[name], PARTS[name]);
  });

  Deno.test(`CurlUrl.setpart() sets what CurlUrl.${name} reads`, () => {
    using url = new curl.CurlUrl(FULL);
    url.setpart(constantOf(name), OTHERS[name]);
    assertEquals(url[name], OTHERS[name]);
  });

  for (const nothing of [null, undefined]) {
    Deno.test(`CurlUrl.${name} set to ${nothing} takes the part away`, () => {
      using url = new curl.CurlUrl(FULL);
      url[name] = nothing;
      assertEquals(url[name], name === "path" ? "/" : null);
      url.url = FULL;
      url.setpart(constantOf(name), nothing);
      assertEquals(url[name], name === "path" ? "/" : null);
    });
  }

  Deno.test(`CurlUrl.${name} refuses what is no text, and changes nothing`, () => {
    using url = new curl.CurlUrl(FULL);
    const wrong = [true, {}, ["x"], 5n, new ArrayBuffer(1), () => {}];
    for (const value of name === "port" ? wrong : [...wrong, 5]) {
      assertThrows(
        () => url[name] = value as string,
        TypeError,
        "a URL part must be a string, a Uint8Array or null",
      );
    }
    for (const value of ["a\0", "\0", new Uint8Array([97, 0, 97])]) {
      assertThrows(() => url[name] = value, TypeError, "NUL");
    }
    for (const value of ["\ud800", "a\udc00b"]) {
      assertThrows(() => url[name] = value, TypeError, "lone surrogate");
    }
    assertEquals(partsOf(url), PARTS);
  });
}

Deno.test("CurlUrl.port takes a number, too", () => {
  using url = new curl.CurlUrl("http://a/");
  url.port = 9090;
  assertEquals(url.port, "9090");
  for (const port of [-1, 65536, 1.5, NaN, Infinity, 2 ** 60]) {
    assertCurlError(() => url.port = port, curl.UE_BAD_PORT_NUMBER);
  }
  assertEquals(url.url, "http://a:9090/");
});

Deno.test("CurlUrl.url goes on from what it was when it is relative", () => {
  using url = new curl.CurlUrl("https://a/b/c?d#e");
  const steps = [
    ["../f", "https://a/f"],
    ["?g", "https://a/f?g"],
    ["//h/i", "https://h/i"],
    ["/j", "https://h/j"],
  ];
  for (const [relative, whole] of steps) {
    url.url = relative;
    assertEquals(url.url, whole);
  }
});

/** What getpart() does with a flag: URL, part, flags, part again. */
const GETTING: Record<string, [string, number, number, string | null]> = {
  "a default port": [
    "https://a/",
    curl.UPART_PORT,
    curl.U_DEFAULT_PORT,
    "443",
  ],
  "no port that is the default": [
    "https://a:443/",
    curl.UPART_PORT,
    curl.U_NO_DEFAULT_PORT,
    null,
  ],
  "a decoded part": [
    "http://a/%C3%A9%20",
    curl.UPART_PATH,
    curl.U_URLDECODE,
    "/é ",
  ],
  "bytes that are no UTF-8 as U+FFFD": [
    "http://a/%ff",
    curl.UPART_PATH,
    curl.U_URLDECODE,
    "/\ufffd",
  ],
  "Punycode": [
    "http://räksmörgås.se/",
    curl.UPART_HOST,
    curl.U_PUNYCODE,
    "xn--rksmrgs-5wao1o.se",
  ],
  "a name out of Punycode": [
    "http://xn--rksmrgs-5wao1o.se/",
    curl.UPART_HOST,
    curl.U_PUNY2IDN,
    "räksmörgås.se",
  ],
  "an empty query": ["http://a/?", curl.UPART_QUERY, curl.U_GET_EMPTY, ""],
  "an encoded host": [
    "http://é/",
    curl.UPART_URL,
    curl.U_URLENCODE,
    "http://%C3%A9/",
  ],
};

for (const [name, [text, part, flags, found]] of Object.entries(GETTING)) {
  Deno.test(`CurlUrl.getpart() gives ${name} when it is told to`, () => {
    using url = new curl.CurlUrl(text);
    assertEquals(url.getpart(part, flags), found);
    assert(url.getpart(part) !== found);
  });
}

Deno.test("CurlUrl.getpart() tells a guessed scheme from one that is there", () => {
  using url = new curl.CurlUrl("example.com", curl.U_GUESS_SCHEME);
  assertEquals(url.getpart(curl.UPART_SCHEME), "http");
  const flags = curl.U_NO_GUESS_SCHEME;
  assertEquals(url.getpart(curl.UPART_SCHEME, flags), null);
});

Deno.test("CurlUrl.getpart() gives a default scheme when it is told to", () => {
  using url = new curl.CurlUrl();
  url.host = "a";
  assertEquals(url.url, null);
  const whole = url.getpart(curl.UPART_URL, curl.U_DEFAULT_SCHEME);
  assertEquals(whole, "https://a/");
});

/** What setpart() does with a flag: part, value, flags, URL. */
const SETTING: Record<string, [number, string, number, string]> = {
  "encodes": [
    curl.UPART_QUERY,
    "a=b c&é",
    curl.U_URLENCODE,
    "http://a/b?a%3Db+c%26%C3%A9",
  ],
  "appends to the query": [
    curl.UPART_QUERY,
    "d=e",
    curl.U_APPENDQUERY,
    "http://a/b?c&d=e",
  ],
  "leaves dots in the path": [
    curl.UPART_URL,
    "http://x/a/../b",
    curl.U_PATH_AS_IS,
    "http://x/a/../b",
  ],
  "allows a space": [
    curl.UPART_URL,
    "http://x/a b",
    curl.U_ALLOW_SPACE,
    "http://x/a b",
  ],
  "takes another scheme": [
    curl.UPART_SCHEME,
    "my",
    curl.U_NON_SUPPORT_SCHEME,
    "my://a/b?c",
  ],
  "takes no authority": [
    curl.UPART_URL,
    "my:///c",
    curl.U_NON_SUPPORT_SCHEME | curl.U_NO_AUTHORITY,
    "my:///c",
  ],
};

for (const [name, [part, value, flags, whole]] of Object.entries(SETTING)) {
  Deno.test(`CurlUrl.setpart() ${name} when it is told to`, () => {
    using url = new curl.CurlUrl("http://a/b?c");
    url.setpart(part, value, flags);
    assertEquals(url.url, whole);
  });
}

Deno.test("CurlUrl.getpart() and setpart() throw for a part there is not", () => {
  using url = new curl.CurlUrl(FULL);
  for (const part of [11, 9999, 2 ** 32 - 1]) {
    const code = curl.UE_UNKNOWN_PART;
    assertCurlError(() => url.getpart(part), code);
    assertCurlError(() => url.setpart(part, "x"), code);
    assertCurlError(() => url.setpart(part, null), code);
  }
  assertEquals(url.url, FULL);
});

for (const method of ["getpart", "setpart"] as const) {
  Deno.test(`CurlUrl.${method}() refuses parts and flags that are no such numbers`, () => {
    using url = new curl.CurlUrl(FULL);
    const act = (part: unknown, flags: unknown) =>
      method === "getpart"
        ? url.getpart(part as number, flags as number)
        : url.setpart(part as number, "x", flags as number);
    for (const value of [-1, 1.5, NaN, 2 ** 32, "1", null, {}, 1n, true]) {
      assertThrows(() => act(value, 0), TypeError, "takes one of the UPART_*");
      assertThrows(() => act(1, value), TypeError, "takes a sum of U_*");
    }
    assertEquals(url.url, FULL);
  });
}

Deno.test("CurlUrl.getpart() throws for what can't be decoded", () => {
  using url = new curl.CurlUrl("http://a/%00");
  const get = () => url.getpart(curl.UPART_PATH, curl.U_URLDECODE);
  assertCurlError(get, curl.UE_URLDECODE);
});

Deno.test("CurlUrl.setpart() refuses bytes whose buffer is detached", () => {
  using url = new curl.CurlUrl(FULL);
  const bytes = new Uint8Array([97]);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  assertThrows(() => url.host = bytes, TypeError);
  assertEquals(url.url, FULL);
});

Deno.test("CurlUrl.setpart() copies bytes of shared memory", () => {
  using url = new curl.CurlUrl(FULL);
  const bytes = new Uint8Array(new SharedArrayBuffer(1));
  bytes[0] = 97;
  url.query = bytes;
  assertEquals(url.query, "a");
});

Deno.test("CurlUrl.getpart() gives parts of any length whole", () => {
  using url = new curl.CurlUrl("http://a/");
  for (const length of [1000, 1023, 1024, 1025, 100_000, 3_900_000]) {
    url.query = "é".repeat(length);
    assertEquals(url.query, "é".repeat(length));
    assertEquals(url.url!.length, "http://a/?".length + length);
  }
});

Deno.test("CurlUrl.toString() gives the full URL", () => {
  using url = new curl.CurlUrl(FULL);
  assertEquals(`${url}`, FULL);
  assertEquals(String(url), url.url);
});

Deno.test("CurlUrl.toString() and toURL() throw when the URL is incomplete", () => {
  using url = new curl.CurlUrl();
  url.path = "/only-a-path";
  const text = "cannot serialise an incomplete URL";
  assertEquals(assertCurlError(() => `${url}`, undefined).message, text);
  assertEquals(assertCurlError(() => url.toURL(), undefined).message, text);
  assertEquals(url.url, null);
});

Deno.test("CurlUrl.copy() gives a URL that goes its own way", () => {
  using url = new curl.CurlUrl(FULL);
  using copy = url.copy();
  assert(copy instanceof curl.CurlUrl);
  assertEquals(partsOf(copy), PARTS);
  copy.host = "example.org";
  url.query = null;
  assertEquals(url.host, "[fe80::1]");
  assertEquals(copy.query, "x=1");
  url.close();
  assertStringIncludes(copy.toString(), "example.org");
});

for (
  const text of [
    "https://example.com/",
    "https://user:p%40w@example.com:8080/a%2Fb/c;d?e=f&g#h",
    "http://xn--rksmrgs-5wao1o.se/%C3%A9?%C3%B6",
    "http://[::1]:81/",
    "http://127.0.0.1/?",
    "http://a/#",
    "file:///a/b",
    "ftp://a/b",
    "ws://a/",
    "my://host/path",
    "my:///path",
  ]
) {
  Deno.test(`CurlUrl.from() and toURL() leave ${text} as it is`, () => {
    using url = curl.CurlUrl.from(new URL(text));
    assertEquals(url.toURL().href, text);
  });
}

for (const text of ["data:,x", "mailto:a@b.example", "blob:https://a/b"]) {
  Deno.test(`CurlUrl.from() throws for ${text}, which has no authority`, () => {
    const from = () => curl.CurlUrl.from(new URL(text));
    assertCurlError(from, curl.UE_BAD_SLASHES);
  });
}

Deno.test("CurlUrl.from() refuses what is no URL", () => {
  for (const value of ["http://a/", undefined, null, {}, 5]) {
    const from = () => curl.CurlUrl.from(value as unknown as URL);
    assertThrows(from, TypeError, "CurlUrl.from() takes a URL, not ");
  }
});

Deno.test("CurlUrl.toURL() writes a host in Punycode", () => {
  using url = new curl.CurlUrl("http://räksmörgås.se/");
  assertEquals(url.toURL().host, "xn--rksmrgs-5wao1o.se");
});

Deno.test("CurlUrl.toURL() throws for an IPv6 zone, which URL does not know", () => {
  using url = new curl.CurlUrl(FULL);
  assertThrows(() => url.toURL(), TypeError);
});

/** What a closed one refuses, and in which words. */
const CLOSED: Record<string, (url: curl.CurlUrl) => unknown> = {
  "getpart()": (url) => url.getpart(curl.UPART_HOST),
  "setpart()": (url) => url.setpart(curl.UPART_HOST, "a"),
  "setpart() of null": (url) => url.setpart(curl.UPART_HOST, null),
  "url": (url) => url.url,
  "host = …": (url) => url.host = "a",
  "toString()": (url) => url.toString(),
  "toURL()": (url) => url.toURL(),
  "copy()": (url) => url.copy(),
};

for (const [name, act] of Object.entries(CLOSED)) {
  Deno.test(`CurlUrl.${name} throws when it is closed`, () => {
    const url = new curl.CurlUrl(FULL);
    url.close();
    const verb = name === "copy()" ? "copy" : "use";
    assertEquals(
      assertCurlError(() => act(url), undefined).message,
      `cannot ${verb} a CurlUrl without a handle`,
    );
  });
}

Deno.test("CurlUrl.close() does nothing when it is closed", () => {
  const url = new curl.CurlUrl(FULL);
  assertEquals(url.closed, false);
  url.close();
  url.close();
  url[Symbol.dispose]();
  assertEquals(url.closed, true);
});

Deno.test("using closes a CurlUrl", () => {
  let kept: curl.CurlUrl;
  {
    using url = new curl.CurlUrl(FULL);
    kept = url;
  }
  assert(kept.closed);
});

Deno.test("a CurlUrl can't be posted to a Worker", () => {
  using url = new curl.CurlUrl(FULL);
  const copy = structuredClone(url) as unknown;
  assert(!(copy instanceof curl.CurlUrl));
  using c = new curl.Curl();
  const set = () => c.setopt(curl.CURLU, copy as curl.CurlUrl);
  assertThrows(set, TypeError, "CURLU takes a CurlUrl");
});
