/** Options: every one of libcurl's, by the kind of value that it takes. */

import * as curl from "../mod.ts";
import {
  isUnsettable,
  OPTION_KIND,
  OPTION_NAME,
  OPTION_NUMBER,
  OptionKind,
} from "../src/tables/kinds.ts";
import type { CurlOption } from "../mod.ts";
import {
  assert,
  assertEquals,
  assertGreater,
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
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { test } from "./permissions.ts";

type Kind = Exclude<keyof typeof OptionKind, "unknown">;

/** What each kind of option takes, in every form. */
const VALUES: Record<Kind, readonly unknown[]> = {
  long: [1, true, 1n],
  offT: [1, true, 1n, 0, 2 ** 40, 2n ** 62n],
  string: ["x", new TextEncoder().encode("x"), "é"],
  bytes: ["x", new Uint8Array([0, 1]), "a\0b", "", new Uint8Array()],
  list: [["x"], [], [new Uint8Array([120]), "y"], new Set(["x"]), [""]],
  blob: ["x", new Uint8Array([120, 0]), new ArrayBuffer(1)],
  function: [() => {}, async () => {}, class {}],
  share: [],
  writer: [{ write: () => {} }, { writeSync: () => 0 }],
  reader: [{ read: () => "" }, { readSync: () => null }],
  private: [1, "x", { a: 1 }, undefined, () => {}],
  url: [new curl.CurlUrl("http://localhost/")],
  mime: [new FormData()],
  form: [[], [["a", "b"]], new Set([["a", [curl.FORM_CONTENTS, "b"]]])],
  unsupported: [],
};

/** What each kind of option refuses. */
const WRONG: Record<Kind, readonly unknown[]> = {
  long: ["5", {}, [], () => {}, undefined, Symbol("5"), NaN, 1.5, Infinity],
  offT: ["5", {}, [], () => {}, undefined, Symbol("5"), NaN, 1.5, -Infinity],
  string: [5, 5n, true, {}, ["x"], () => {}, undefined, new ArrayBuffer(1)],
  bytes: [5, 5n, true, {}, ["x"], () => {}, undefined, new Float64Array(1)],
  list: ["x", 5, {}, new Uint8Array(1), () => {}, undefined, [5], [["x"]]],
  blob: [5, true, {}, ["x"], () => {}, undefined, new Int8Array(1)],
  function: [5, "x", {}, [], undefined, true],
  share: [5, "x", {}, { handle: 1 }, () => {}, undefined, true],
  writer: [5, "x", {}, () => {}, undefined, { readSync: () => 0 }],
  reader: [5, "x", {}, () => {}, undefined, { writeSync: () => 0 }],
  private: [],
  url: [5, "x", {}, new URL("http://a/"), () => {}, undefined, true],
  mime: [5, "x", {}, [], () => {}, undefined, new URLSearchParams()],
  form: [5, "x", {}, [5], [["a"]], [[1, "b"]], [["a", 1]], [["a", []]]],
  unsupported: [5, "x", {}, () => {}, undefined, true],
};

/** What this build of libcurl has not, whatever the value. */
const NOT_BUILT_IN: Record<string, number> = {
  DNS_INTERFACE: curl.E_UNKNOWN_OPTION,
  DNS_LOCAL_IP4: curl.E_UNKNOWN_OPTION,
  DNS_LOCAL_IP6: curl.E_UNKNOWN_OPTION,
  DNS_SERVERS: curl.E_UNKNOWN_OPTION,
  ECH: curl.E_NOT_BUILT_IN,
  HTTPSIG_ALGORITHM: curl.E_UNKNOWN_OPTION,
  HTTPSIG_HEADERS: curl.E_UNKNOWN_OPTION,
  HTTPSIG_KEY: curl.E_UNKNOWN_OPTION,
  HTTPSIG_KEYID: curl.E_UNKNOWN_OPTION,
  KRBLEVEL: curl.E_NOT_BUILT_IN,
  PROXY_TLSAUTH_PASSWORD: curl.E_NOT_BUILT_IN,
  PROXY_TLSAUTH_TYPE: curl.E_NOT_BUILT_IN,
  PROXY_TLSAUTH_USERNAME: curl.E_NOT_BUILT_IN,
  SSLENGINE: curl.E_SSL_ENGINE_NOTFOUND,
  SSL_FALSESTART: curl.E_NOT_BUILT_IN,
  TLSAUTH_PASSWORD: curl.E_NOT_BUILT_IN,
  TLSAUTH_TYPE: curl.E_NOT_BUILT_IN,
  TLSAUTH_USERNAME: curl.E_NOT_BUILT_IN,
};

/** Options that take certain strings only. */
const PARTICULAR: Record<string, string> = {
  PROTOCOLS_STR: "https,file",
  REDIR_PROTOCOLS_STR: "https",
};

/** Files that libcurl writes at the end: into nothing, in a test. */
const WRITTEN_AT_CLOSE = ["ALTSVC", "COOKIEJAR", "HSTS"];

function optionsOf(kind: Kind): [name: string, option: CurlOption][] {
  const found = [...OPTION_NUMBER].map((number, index) =>
    [OPTION_NAME[index], number as CurlOption] as [string, CurlOption]
  ).filter(([name], index) =>
    name !== "" && OPTION_KIND[index] === OptionKind[kind]
  );
  assertGreater(found.length, 0);
  return found;
}

const KINDS = Object.keys(VALUES) as Kind[];

/** Options that no value can be given to: they are pointers in C. */
const UNSUPPORTED =
  /DATA$|^(CONV_\w+|ERRORBUFFER|SSL_CTX_FUNCTION|STDERR|STREAM_DEPENDS(_E)?)$/;

/** Options whose names stand for those with 64 bits. */
const NARROW = ["INFILESIZE", "MAXFILESIZE", "POSTFIELDSIZE", "RESUME_FROM"];

// So that a new option, or a new kind, does not pass by unnoticed.
for (const [index, name] of OPTION_NAME.entries()) {
  if (name === "") continue;
  Deno.test(`setopt(${name}) takes a good value and refuses a bad one`, () => {
    const option = OPTION_NUMBER[index] as CurlOption;
    const code = OPTION_KIND[index];
    const kind = KINDS.find((kind) => OptionKind[kind] === code)!;
    if (!NARROW.includes(name) || option > 10_000) {
      const constants = curl as unknown as Record<string, number>;
      assertEquals(constants[`OPT_${name}`] ?? constants[name], option);
    }
    using share = new curl.CurlShare();
    using c = new curl.Curl();
    const [bad] = WRONG[kind];
    const good = kind === "share" ? share : PARTICULAR[name] ?? VALUES[kind][0];
    if (kind === "private") {
      assertEquals(name, "PRIVATE", "it takes whatever there is");
    } else {
      assertThrows(() => c.setopt(option, bad), TypeError, name);
    }
    if (name in NOT_BUILT_IN) {
      assertCurlError(() => c.setopt(option, good), NOT_BUILT_IN[name], name);
    } else if (kind === "unsupported") {
      assert(UNSUPPORTED.test(name), "it should take something");
    } else {
      c.setopt(option, good);
    }
    if (WRITTEN_AT_CLOSE.includes(name)) c.setopt(option, "/dev/null");
  });
}

for (const kind of KINDS.filter((kind) => VALUES[kind].length > 0)) {
  Deno.test(`setopt() takes what a ${kind} option takes`, () => {
    for (const [name, option] of optionsOf(kind)) {
      for (const value of VALUES[kind]) {
        using c = new curl.Curl();
        const set = () => c.setopt(option, value);
        if (name in NOT_BUILT_IN) {
          assertCurlError(set, NOT_BUILT_IN[name], name);
        } else if (name in PARTICULAR) {
          assertThrows(set, curl.CurlError, name);
          c.setopt(option, PARTICULAR[name]);
        } else {
          set();
        }
        if (WRITTEN_AT_CLOSE.includes(name)) c.setopt(option, "/dev/null");
      }
    }
  });
}

for (const kind of KINDS.filter((kind) => WRONG[kind].length > 0)) {
  Deno.test(`setopt() refuses what is nothing for a ${kind} option`, () => {
    for (const [name, option] of optionsOf(kind)) {
      using c = new curl.Curl();
      for (const value of WRONG[kind]) {
        assertThrows(() => c.setopt(option, value), TypeError, name);
      }
    }
  });
}

for (const kind of KINDS.filter((kind) => kind !== "unsupported")) {
  Deno.test(`unsetopt() takes back what it may of ${kind} options`, () => {
    for (const [name, option] of optionsOf(kind)) {
      using c = new curl.Curl();
      for (const take of ["unsetopt", "setopt"] as const) {
        const takeBack = () =>
          take === "setopt" ? c.setopt(option, null) : c.unsetopt(option);
        const [value] = WRITTEN_AT_CLOSE.includes(name)
          ? ["/dev/null"]
          : VALUES[kind];
        if (value !== undefined && !(name in NOT_BUILT_IN)) {
          c.setopt(option, PARTICULAR[name] ?? value);
        }
        if (isUnsettable(option) || kind === "private") {
          takeBack();
        } else {
          const text = `unsetopt() is not supported for ${name}`;
          assertThrows(takeBack, TypeError, text);
        }
      }
      assertUsable(c);
    }
  });
}

Deno.test("setopt() refuses numbers that are no option", () => {
  using c = new curl.Curl();
  const numbers = [0, 8, 9, 2, 20002, 9999, 10065 + 10000, 4_000_000_000];
  for (const number of numbers) {
    for (const value of [1, "x", null, () => {}, { write: () => {} }]) {
      assertCurlError(
        () => c.setopt(number as CurlOption, value),
        curl.E_UNKNOWN_OPTION,
        String(number),
      );
    }
  }
  assertUsable(c);
});

Deno.test("setopt() refuses options that are not even unsigned integers", () => {
  using c = new curl.Curl();
  for (const number of [-1, 10065.5, 10065 + 2 ** 32, NaN, Infinity]) {
    for (const act of ["setopt", "unsetopt", "setoptString"] as const) {
      const error = assertThrows(
        () => c[act](number as CurlOption, "x"),
        Error,
        String(number),
      );
      assert(error instanceof TypeError || error instanceof curl.CurlError);
    }
  }
});

Deno.test("setopt() refuses an option that is not a number", () => {
  using c = new curl.Curl();
  for (const option of ["URL", undefined, null, {}, 10002n, [10002]]) {
    const wrong = option as unknown as CurlOption;
    assertThrows(() => c.setopt(wrong, "x"), TypeError, "constants");
    assertThrows(() => c.setopt(wrong, null), TypeError, "constants");
    assertThrows(() => c.unsetopt(wrong), TypeError, "constants");
    assertThrows(() => c.setoptString(wrong, "x"), TypeError, "constants");
  }
});

Deno.test("setopt() refuses to let signals in by NOSIGNAL", () => {
  using c = new curl.Curl();
  c.setopt(curl.NOSIGNAL, 1);
  c.setopt(curl.NOSIGNAL, true);
  assertThrows(() => c.setopt(curl.NOSIGNAL, 0), RangeError, "NOSIGNAL");
  assertThrows(() => c.setopt(curl.NOSIGNAL, false), RangeError, "NOSIGNAL");
});

Deno.test("setopt() and unsetopt() show in what infos tell", () => {
  using c = new curl.Curl();
  c.setopt(curl.URL, new TextEncoder().encode("file:///étrange"));
  c.setopt(curl.CUSTOMREQUEST, "FETCH");
  assertEquals(c.getinfo(curl.EFFECTIVE_URL), "file:///étrange");
  assertEquals(c.getinfo(curl.EFFECTIVE_METHOD), "FETCH");
  c.unsetopt(curl.CUSTOMREQUEST);
  assertEquals(c.getinfo(curl.EFFECTIVE_METHOD), "GET");
});

Deno.test("setopt() copies strings and bytes", () => {
  using c = new curl.Curl();
  const bytes = new TextEncoder().encode(FILE);
  c.setopt(curl.URL, bytes);
  bytes.fill(0);
  assertIsFile(c.performTextSync());
});

Deno.test("setopt() takes a part of a larger buffer", () => {
  using c = new curl.Curl();
  const padded = new TextEncoder().encode(`xxxx${FILE}yyyy`);
  c.setopt(curl.URL, padded.subarray(4, -4));
  assertEquals(c.getinfo(curl.EFFECTIVE_URL), FILE);
});

Deno.test("setoptString() sets strings", () => {
  using c = new curl.Curl();
  c.setoptString(curl.URL, FILE);
  assertEquals(c.getinfo(curl.EFFECTIVE_URL), FILE);
});

Deno.test("setoptString() refuses options that take no string", () => {
  const kinds = ["long", "offT", "list", "function", "share", "writer"];
  for (
    const kind of [
      ...kinds,
      "reader",
      "private",
      "url",
      "unsupported",
    ] as Kind[]
  ) {
    for (const [name, option] of optionsOf(kind)) {
      using c = new curl.Curl();
      for (const value of ["1", "A: 1", "A: 1\0"]) {
        assertThrows(() => c.setoptString(option, value), TypeError, name);
      }
    }
  }
});

Deno.test("setoptString() refuses what is not a string", () => {
  using c = new curl.Curl();
  for (const value of [5, null, undefined, new Uint8Array(1), ["x"]]) {
    const wrong = value as unknown as string;
    assertThrows(() => c.setoptString(curl.URL, wrong), TypeError, "URL");
  }
});

Deno.test("setopt() of PRIVATE keeps the very value", () => {
  using c = new curl.Curl();
  for (const value of [{ a: 1 }, () => {}, 5n, NaN, undefined, ""]) {
    c.setopt(curl.PRIVATE, value);
    assertStrictEquals(c.getinfo(curl.INFO_PRIVATE), value);
    assertStrictEquals(c.getinfoRaw(curl.INFO_PRIVATE), value);
  }
  c.unsetopt(curl.PRIVATE);
  assertEquals(c.getinfo(curl.INFO_PRIVATE), null);
});

Deno.test("WRITEDATA takes a writer that takes less than it is given", () => {
  using c = curlFor(LONG_FILE);
  const taken: number[] = [];
  const writer = {
    writeSync(data: Uint8Array) {
      const some = Math.min(data.length, 1000);
      taken.push(...data.subarray(0, some));
      return some;
    },
  };
  c.setopt(curl.WRITEDATA, writer);
  c.performSync();
  assertEquals(Uint8Array.from(taken), c.performBytesSync());
});

Deno.test("WRITEDATA calls write() on its object, with all there is", () => {
  using c = curlFor(FILE);
  class Writer {
    text = "";
    write(data: Uint8Array) {
      this.text += new TextDecoder().decode(data);
    }
  }
  const writer = new Writer();
  c.setopt(curl.WRITEDATA, writer);
  c.performSync();
  assertIsFile(writer.text);
});

Deno.test("WRITEDATA gives write() bytes to keep", async () => {
  using c = curlFor(LONG_FILE);
  const kept: BlobPart[] = [];
  const write = (data: Uint8Array) => {
    kept.push(data as Uint8Array<ArrayBuffer>);
  };
  c.setopt(curl.WRITEDATA, { write });
  c.performSync();
  assertGreater(kept.length, 1);
  assertEquals(await new Blob(kept).text(), c.performTextSync());
});

Deno.test("WRITEDATA fails the transfer when write() takes less", () => {
  using c = curlFor(FILE);
  c.setopt(curl.WRITEDATA, { write: (data: Uint8Array) => data.length - 1 });
  assertCurlError(() => c.performSync(), curl.E_WRITE_ERROR);
  c.setopt(curl.WRITEDATA, { write: (data: Uint8Array) => data.length });
  c.performSync();
});

Deno.test("WRITEDATA and WRITEFUNCTION replace each other", () => {
  using c = curlFor(FILE);
  const seen: string[] = [];
  c.setopt(curl.WRITEDATA, { write: () => void seen.push("data") });
  c.setopt(curl.WRITEFUNCTION, () => void seen.push("function"));
  c.performSync();
  c.setopt(curl.WRITEDATA, { write: () => void seen.push("data") });
  c.performSync();
  assertEquals(seen, ["function", "data"]);
});

Deno.test("WRITEDATA fails when writeSync() answers nonsense", () => {
  for (const answer of [undefined, null, NaN, 0, -1, 1.5, 1e9, "all", {}]) {
    using c = curlFor(FILE);
    let calls = 0;
    const writeSync = () => {
      if (++calls > 10) throw new Error(`${answer} makes it ask for ever`);
      return answer as number;
    };
    c.setopt(curl.WRITEDATA, { writeSync });
    const perform = () => c.performSync();
    const { cause } = assertCurlError(perform, curl.E_WRITE_ERROR);
    assertStringIncludes(String(cause), "writeSync()");
    assertUsable(c);
  }
});

Deno.test("WRITEDATA fails when write() answers with a promise", () => {
  using c = curlFor(FILE);
  c.setopt(curl.WRITEDATA, { write: () => Promise.resolve() });
  const { cause } = assertCurlError(() => c.performSync(), curl.E_WRITE_ERROR);
  assert(cause instanceof TypeError, String(cause));
  assertStringIncludes(cause.message, "promise");
});

test({ needs: ["read", "write"] }, "WRITEDATA takes a Deno.FsFile", () => {
  const path = Deno.makeTempFileSync();
  try {
    using file = Deno.openSync(path, { write: true });
    using c = curlFor(LONG_FILE);
    c.setopt(curl.WRITEDATA, file);
    c.performSync();
    assertEquals(
      Deno.readFileSync(path),
      Deno.readFileSync(new URL(LONG_FILE)),
    );
  } finally {
    Deno.removeSync(path);
  }
});

test(SERVER, "WRITEHEADER takes a writer, and is taken back", async () => {
  await using server = await startServer();
  using c = curlFor(server.url);
  const lines: string[] = [];
  const write = (data: Uint8Array) => {
    lines.push(new TextDecoder().decode(data));
  };
  c.setopt(curl.WRITEHEADER, { write });
  c.performTextSync();
  assertEquals(lines[0], "HTTP/1.1 200 OK\r\n");
  assertEquals(lines.at(-1), "\r\n");
  lines.length = 0;
  c.unsetopt(curl.WRITEHEADER);
  c.performTextSync();
  assertEquals(lines, []);
});

test([SERVER, { needs: ["read"] }], "READDATA takes files", async () => {
  await using server = await startServer();
  using file = Deno.openSync(new URL(LONG_FILE));
  using c = curlFor(`${server.url}/upload`);
  c.setopt(curl.UPLOAD, true);
  c.setopt(curl.READDATA, file);
  const { bytes } = JSON.parse(c.performTextSync());
  assertEquals(bytes, Deno.statSync(new URL(LONG_FILE)).size);
});

test(
  SERVER,
  "READDATA calls read() on its object until it is empty",
  async () => {
    await using server = await startServer();
    class Reader {
      parts = ["one", new TextEncoder().encode("two"), ""];
      read(_size: number) {
        return this.parts.shift()!;
      }
    }
    using c = curlFor(`${server.url}/echo`);
    c.setopt(curl.UPLOAD, true);
    const reader = new Reader();
    c.setopt(curl.READDATA, reader);
    assertEquals(JSON.parse(c.performTextSync()).body, "onetwo");
    assertEquals(reader.parts, []);
  },
);

test(SERVER, "READDATA fails when readSync() answers nonsense", async () => {
  await using server = await startServer();
  for (const answer of [undefined, NaN, -1, 1.5, 1e9, "all", {}, 5n]) {
    using c = curlFor(`${server.url}/upload`);
    let calls = 0;
    const readSync = () => calls++ > 0 ? null : answer as number;
    c.setopt(curl.UPLOAD, true);
    c.setopt(curl.READDATA, { readSync });
    const perform = () => c.performTextSync();
    const aborted = curl.E_ABORTED_BY_CALLBACK;
    const { cause } = assertCurlError(perform, aborted);
    assertStringIncludes(String(cause), "readSync()");
    assertUsable(c);
  }
});
