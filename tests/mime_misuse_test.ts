/** CurlMime and CurlMimePart: how they end, and what they refuse. */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertFalse,
  assertStringIncludes,
  assertThrows,
} from "./assert.ts";
import { assertCurlError, curlFor, FILE } from "./fixtures/checks.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { echoed, formAt, mimeFor, partsOf } from "./fixtures/mime.ts";
import { test } from "./permissions.ts";

const PATH = new URL("../deno.json", import.meta.url);

type ErrorClass = typeof TypeError | typeof curl.CurlError;

Deno.test("CurlMime closes by using", () => {
  using c = new curl.Curl();
  let kept: curl.CurlMime;
  {
    using mime = new curl.CurlMime(c);
    assertFalse(mime.closed);
    kept = mime;
  }
  assert(kept.closed);
});

Deno.test("CurlMime.close() closes what is attached", () => {
  using c = new curl.Curl();
  const mime = new curl.CurlMime(c);
  const child = mime.addMultipart();
  const part = child.addpart();
  mime.close();
  assert(child.closed);
  assertCurlError(
    () => child.addpart(),
    undefined,
    "cannot invoke addpart() - no mime handle",
  );
  assertCurlError(
    () => part.name("x"),
    undefined,
    "cannot invoke name() - no mime handle",
  );
});

test(
  SERVER,
  "CurlMime.close() of one that is attached leaves it there",
  async () => {
    await using server = await startServer();
    const { c, mime } = mimeFor(`${server.url}/echo`);
    using _ = c;
    const child = mime.addMultipart();
    child.add({ data: "inside" });
    child.close();
    assert(child.closed);
    assertFalse(mime.closed);
    assertStringIncludes(echoed(c.performTextSync()).body, "inside");
  },
);

Deno.test("a part that is given something else closes the mime it had", () => {
  using c = new curl.Curl();
  for (
    const replace of [
      (part: curl.CurlMimePart) => part.data("x"),
      (part: curl.CurlMimePart) => part.dataCb(0, () => ""),
      (part: curl.CurlMimePart) => part.subparts(new curl.CurlMime(c)),
    ]
  ) {
    using mime = new curl.CurlMime(c);
    const child = new curl.CurlMime(c);
    const part = mime.addpart();
    part.subparts(child);
    const grandchild = child.addMultipart();
    replace(part);
    assert(child.closed);
    assert(grandchild.closed);
  }
});

Deno.test("a CurlMime is closed with its Curl", () => {
  const c = new curl.Curl();
  const mime = new curl.CurlMime(c);
  const part = mime.addpart();
  c.close();
  assert(mime.closed);
  for (const act of [() => mime.addpart(), () => part.data("x")]) {
    assertCurlError(act, undefined, "no curl handle");
  }
  mime.close();
});

Deno.test("a CurlMime of a closed Curl can't be made", () => {
  const c = new curl.Curl();
  c.close();
  assertCurlError(
    () => new curl.CurlMime(c),
    undefined,
    "cannot invoke CurlMime() - no curl handle",
  );
});

Deno.test("a CurlMime keeps its Curl and parts from misuse", async (context) => {
  using c = new curl.Curl();
  using other = new curl.Curl();
  const mime = new curl.CurlMime(c);
  const closed = new curl.CurlMime(c);
  closed.close();
  const foreign = new curl.CurlMime(other);
  const child = mime.addMultipart();
  const part = mime.addpart();
  const post = new curl.CurlMime(c);
  c.setopt(curl.MIMEPOST, post);
  const cases: [
    name: string,
    act: () => void,
    type: ErrorClass,
    text: string,
  ][] = [
    [
      "setopt() of a closed mime",
      () => c.setopt(curl.MIMEPOST, closed),
      curl.CurlError,
      "setopt(option=MIMEPOST) received a closed mime object",
    ],
    [
      "setopt() of an attached mime",
      () => c.setopt(curl.MIMEPOST, child),
      curl.CurlError,
      "setopt(option=MIMEPOST) received a mime object already attached as subparts",
    ],
    [
      "setopt() of another Curl's mime",
      () => c.setopt(curl.MIMEPOST, foreign),
      TypeError,
      "setopt(option=MIMEPOST) requires a CurlMime created with this Curl handle",
    ],
    [
      "subparts() of a closed mime",
      () => part.subparts(closed),
      curl.CurlError,
      "subparts() received a closed mime object",
    ],
    [
      "subparts() of another Curl's mime",
      () => part.subparts(foreign),
      TypeError,
      "subparts() requires both mime objects to use the same Curl handle",
    ],
    [
      "subparts() of an attached mime",
      () => part.subparts(child),
      curl.CurlError,
      "subparts() received a mime object already attached as subparts",
    ],
    [
      "subparts() of MIMEPOST",
      () => part.subparts(post),
      curl.CurlError,
      "subparts() received a mime object currently set as MIMEPOST",
    ],
    [
      "subparts() of its own mime",
      () => part.subparts(mime),
      TypeError,
      "subparts() does not accept the parent mime object",
    ],
    [
      "subparts() of its ancestor",
      () => child.addpart().subparts(mime),
      TypeError,
      "subparts() does not accept the parent mime object",
    ],
    [
      "subparts() of nothing",
      () => part.subparts(null as unknown as curl.CurlMime),
      TypeError,
      "subparts() takes a CurlMime, not null",
    ],
    [
      "a part of nowhere",
      () => void new curl.CurlMimePart(),
      TypeError,
      "a CurlMimePart is made by CurlMime.addpart()",
    ],
    [
      "a mime of no Curl",
      () => void new curl.CurlMime({ handle: c.handle }),
      TypeError,
      "CurlMime takes a Curl, not an object of Object",
    ],
  ];
  for (const [name, act, type, text] of cases) {
    await context.step(name, () => {
      const error = assertThrows(act, type);
      assertEquals(error.message, text);
      if (error instanceof curl.CurlError) assertEquals(error.code, undefined);
    });
  }
});

Deno.test("subparts() refuses more levels than libcurl can send", () => {
  using c = new curl.Curl();
  let deepest = new curl.CurlMime(c);
  for (let level = 1; level < 12; level++) deepest = deepest.addMultipart();
  assertThrows(() => deepest.addMultipart(), RangeError, "12 deep");
  const part = deepest.addpart();
  assertThrows(
    () => part.subparts(new curl.CurlMime(c)),
    RangeError,
    "12 deep",
  );
});

test(SERVER, "as many levels as are allowed can be sent", async () => {
  await using server = await startServer();
  const { c, mime } = mimeFor(`${server.url}/echo`);
  using _ = c;
  let deepest = mime;
  for (let level = 1; level < 12; level++) deepest = deepest.addMultipart();
  deepest.add({ data: "deep down", encoder: "base64" });
  assertStringIncludes(echoed(c.performTextSync()).body, btoa("deep down"));
});

Deno.test("addMultipart() adds nothing where it fails", () => {
  using c = new curl.Curl();
  using mime = new curl.CurlMime(c);
  for (
    const options of [{ name: 5 }, { subtype: 5 }, { name: "\0" }, 5, null]
  ) {
    assertThrows(
      () => mime.addMultipart(options as curl.MimeMultipartOptions),
      TypeError,
    );
  }
});

test(SERVER, "add() adds nothing where something is wrong", async () => {
  await using server = await startServer();
  const { c, mime } = mimeFor(formAt(server));
  using _ = c;
  const wrong: [options: object, type: ErrorClass][] = [
    [{ name: 5 }, TypeError],
    [{ name: "a\0b" }, TypeError],
    [{ data: 5 }, TypeError],
    [{ data: "\ud800" }, TypeError],
    [{ file: 5 }, TypeError],
    [{ file: new URL("http://localhost/") }, TypeError],
    [{ file: "/does/not/exist" }, curl.CurlError],
    [{ file: "/" }, curl.CurlError],
    [{ filename: 5 }, TypeError],
    [{ contentType: {} }, TypeError],
    [{ headers: "X: 1" }, TypeError],
    [{ headers: [5] }, TypeError],
    [{ encoder: "none" }, curl.CurlError],
    [{ data: "x", file: PATH }, TypeError],
  ];
  for (const [options, type] of wrong) {
    assertThrows(
      () => mime.add(options),
      type,
      undefined,
      Deno.inspect(options),
    );
  }
  const nothing = undefined as unknown as string;
  assertThrows(
    () => mime.addField("a", nothing),
    TypeError,
    "addField() takes",
  );
  assertThrows(() => mime.addFile("a", nothing), TypeError, "addFile() takes");
  mime.addField("good", "1");
  assertEquals(partsOf(c.performTextSync()), [{ name: "good", value: "1" }]);
});

Deno.test("filedata() names a file that can't be read, and keeps the content", () => {
  using c = new curl.Curl();
  using mime = new curl.CurlMime(c);
  const part = mime.addField("a", "1");
  for (const path of ["/does/not/exist", "/", ""]) {
    assertCurlError(
      () => part.filedata(path),
      curl.E_READ_ERROR,
      `filedata(${path}): Failed to open/read local data`,
    );
  }
});

for (const method of ["name", "filename", "type", "encoder"] as const) {
  Deno.test(`${method}() refuses what is no text`, () => {
    using c = new curl.Curl();
    using mime = new curl.CurlMime(c);
    const part = mime.addpart();
    const detached = new Uint8Array(4);
    detached.buffer.transfer();
    for (const value of [5, undefined, {}, ["x"], "a\0b", "\udc00", detached]) {
      assertThrows(
        () => part[method](value as string),
        TypeError,
        `${method}()`,
      );
    }
  });
}

Deno.test("a mime's methods are refused while its Curl performs", () => {
  using c = curlFor(FILE);
  const mime = new curl.CurlMime(c);
  const part = mime.addpart();
  const acts: Record<string, () => void> = {
    addpart: () => mime.addpart(),
    close: () => mime.close(),
    name: () => part.name("x"),
    data: () => part.data("x"),
    dataCb: () => part.dataCb(1, () => "x"),
    filedata: () => part.filedata(PATH),
    filename: () => part.filename("x"),
    type: () => part.type("x"),
    encoder: () => part.encoder("base64"),
    headers: () => part.headers(["X: 1"]),
    subparts: () => part.subparts(mime),
    CurlMime: () => new curl.CurlMime(c),
    setopt: () => c.setopt(curl.MIMEPOST, mime),
    unsetopt: () => c.unsetopt(curl.MIMEPOST),
  };
  let calls = 0;
  c.setopt(curl.WRITEFUNCTION, () => {
    calls += 1;
    for (const [name, act] of Object.entries(acts)) {
      assertCurlError(
        act,
        undefined,
        `cannot invoke ${name}() - perform() is currently running`,
      );
    }
  });
  c.performSync();
  assertEquals(calls, 1);
  assertFalse(mime.closed);
});
