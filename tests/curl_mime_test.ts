/** CurlMime and CurlMimePart: what is sent, and whose it is. */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "./assert.ts";
import { assertCurlError, curlFor, FILE } from "./fixtures/checks.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { echoed, formAt, mimeFor, partsOf, READABLE } from "./fixtures/mime.ts";
import { test } from "./permissions.ts";

const PATH = new URL("../deno.json", import.meta.url);
const BYTES = new Uint8Array([0, 255, 13, 10, 45, 45]);

test(SERVER, "addField() sends a field", async () => {
  await using server = await startServer();
  const { c, mime } = mimeFor(formAt(server));
  using _ = c;
  mime.addField("text", "größe\0\r\nend");
  mime.addField(new TextEncoder().encode("empty"), "");
  mime.addField("last", new TextEncoder().encode("bytes"));
  assertEquals(partsOf(c.performTextSync()), [
    { name: "text", value: "größe\0\r\nend" },
    { name: "empty", value: "" },
    { name: "last", value: "bytes" },
  ]);
});

test(SERVER, "addField() sends what a browser would of odd names", async () => {
  await using server = await startServer();
  const { c, mime } = mimeFor(`${server.url}/echo`);
  using _ = c;
  mime.addField('a"b\r\nc\\', "1");
  const { body } = echoed(c.performTextSync());
  assertStringIncludes(body, 'name="a%22b%0D%0Ac\\"');
  c.setopt(curl.MIME_OPTIONS, curl.MIMEOPT_FORMESCAPE);
  assertStringIncludes(
    echoed(c.performTextSync()).body,
    'name="a\\"b\r\nc\\\\"',
  );
});

for (
  const path of [PATH, PATH.pathname, new TextEncoder().encode(PATH.pathname)]
) {
  const kind = path.constructor.name;
  test([SERVER, READABLE], `addFile() sends a file by a ${kind}`, async () => {
    await using server = await startServer();
    const { c, mime } = mimeFor(formAt(server));
    using _ = c;
    mime.addFile("upload", path);
    const [part] = partsOf(c.performTextSync());
    assertEquals(part.name, "upload");
    assertEquals(part.filename, "deno.json");
    assertEquals(part.type, "application/octet-stream");
    assertEquals(part.bytes, Deno.readFileSync(PATH).length);
  });
}

test(SERVER, "add() sets all that a part has", async () => {
  await using server = await startServer();
  const { c, mime } = mimeFor(`${server.url}/echo`);
  using _ = c;
  const part = mime.add({
    name: "field",
    data: BYTES,
    filename: "value.bin",
    contentType: "image/x-test",
    headers: ["X-One: 1", new TextEncoder().encode("X-Two: 2")],
    encoder: "base64",
  });
  assertInstanceOf(part, curl.CurlMimePart);
  const { body, headers } = echoed(c.performTextSync());
  assertMatch(headers["content-type"], /^multipart\/form-data; boundary=/);
  assertStringIncludes(
    body,
    [
      'Content-Disposition: form-data; name="field"; filename="value.bin"',
      "Content-Type: image/x-test",
      "Content-Transfer-Encoding: base64",
      "X-One: 1",
      "X-Two: 2",
      "",
      "AP8NCi0t",
      "",
    ].join("\r\n"),
  );
});

test(SERVER, "addpart() and a part's methods do the same", async () => {
  await using server = await startServer();
  const { c, mime } = mimeFor(formAt(server));
  using _ = c;
  const part = mime.addpart();
  part.name("field");
  part.data("text");
  part.filename("value.txt");
  part.type("text/x-test");
  part.encoder("binary");
  part.headers(["X-Test: yes"]);
  const [{ name, filename, type, text }] = partsOf(c.performTextSync());
  assertEquals(
    { name, filename, type, text },
    { name: "field", filename: "value.txt", type: "text/x-test", text: "text" },
  );
});

test(
  SERVER,
  "a part's methods take back what they have set by null",
  async () => {
    await using server = await startServer();
    const { c, mime } = mimeFor(`${server.url}/echo`);
    using _ = c;
    const part = mime.add({
      name: "gone",
      filename: "gone",
      contentType: "gone/gone",
      encoder: "quoted-printable",
      headers: ["Gone: gone"],
      data: "=stays",
    });
    part.name(null);
    part.filename(null);
    part.type(null);
    part.encoder(null);
    part.headers(null);
    const { body } = echoed(c.performTextSync());
    assertFalse(body.includes("gone"), body);
    assertStringIncludes(body, "form-data\r\n\r\n=stays\r\n");
  },
);

test(
  [SERVER, READABLE],
  "filename(null) withdraws that of filedata()",
  async () => {
    await using server = await startServer();
    const { c, mime } = mimeFor(formAt(server));
    using _ = c;
    const part = mime.addpart();
    part.name("field");
    part.filedata(PATH);
    part.filename(null);
    const [{ value }] = partsOf(c.performTextSync());
    assertEquals(value, Deno.readTextFileSync(PATH));
  },
);

for (
  const [encoder, data, sent] of [
    ["base64", "größe", "Z3LDtsOfZQ=="],
    ["quoted-printable", "größe=", "gr=C3=B6=C3=9Fe=3D"],
    ["8bit", "größe", "größe"],
    ["7bit", "plain", "plain"],
    ["BINARY", "größe", "größe"],
  ]
) {
  test(SERVER, `encoder() sends the content as ${encoder}`, async () => {
    await using server = await startServer();
    const { c, mime } = mimeFor(`${server.url}/echo`);
    using _ = c;
    mime.addField("field", data, { encoder });
    const { body } = echoed(c.performTextSync());
    assertStringIncludes(body, `\r\n\r\n${sent}\r\n`);
    assertStringIncludes(
      body,
      `Content-Transfer-Encoding: ${encoder.toLowerCase()}`,
    );
  });
}

test(SERVER, "encoder(7bit) refuses to send more than ASCII", async () => {
  await using server = await startServer();
  const { c, mime } = mimeFor(`${server.url}/echo`);
  using _ = c;
  mime.addField("field", "größe", { encoder: "7bit" });
  assertCurlError(() => c.performTextSync(), curl.E_READ_ERROR);
  await c.performText().then(
    () => assert(false, "it was sent"),
    (error) => assertEquals(error.code, curl.E_READ_ERROR),
  );
});

Deno.test("encoder() refuses what libcurl does not know, and keeps the last", () => {
  const { c, mime } = mimeFor(FILE);
  using _ = c;
  const part = mime.addField("field", "größe", { encoder: "base64" });
  assertCurlError(
    () => part.encoder("rot13"),
    curl.E_BAD_FUNCTION_ARGUMENT,
    'encoder(): libcurl has none that is called "rot13"',
  );
});

test(SERVER, "addMultipart() nests parts", async () => {
  await using server = await startServer();
  const { c, mime } = mimeFor(`${server.url}/echo`);
  using _ = c;
  const inner = mime.addMultipart({ name: "inner" });
  assertInstanceOf(inner, curl.CurlMime);
  inner.addField("a", "1");
  const both = inner.addMultipart({ subtype: "alternative" });
  both.add({ data: "2" });
  const untyped = mime.addMultipart({ subtype: null });
  untyped.add({ data: "3" });
  const { body } = echoed(c.performTextSync());
  assertMatch(
    body,
    /form-data; name="inner"\r\nContent-Type: multipart\/mixed; boundary=/,
  );
  assertMatch(body, /Content-Type: multipart\/alternative; boundary=/);
  for (const text of ["1", "2", "3"]) {
    assertStringIncludes(body, `\r\n\r\n${text}\r\n`);
  }
});

test(SERVER, "subparts() sends what is added to the mime later", async () => {
  await using server = await startServer();
  const { c, mime } = mimeFor(`${server.url}/echo`);
  using _ = c;
  const inner = new curl.CurlMime(c);
  mime.addpart().subparts(inner);
  inner.add({ data: "later" });
  assertStringIncludes(echoed(c.performTextSync()).body, "later");
});

test(
  SERVER,
  "a CurlMime is sent as often as wanted, and extended",
  async () => {
    await using server = await startServer();
    const { c, mime } = mimeFor(formAt(server));
    using _ = c;
    mime.addField("a", "1");
    for (const names of ["a", "a,b", "a,b,c"]) {
      if (names.length > 1) mime.addField(names.slice(-1), "1");
      const sync = partsOf(c.performTextSync());
      const async = partsOf(await c.performText());
      assertEquals(sync.map(({ name }) => name).join(), names);
      assertEquals(async, sync);
    }
  },
);

test(
  SERVER,
  "setopt(MIMEPOST) replaces a mime, and may set it again",
  async () => {
    await using server = await startServer();
    const { c, mime } = mimeFor(formAt(server));
    using _ = c;
    mime.addField("first", "1");
    const other = new curl.CurlMime(c);
    other.addField("second", "2");
    for (const [set, name] of [[other, "second"], [mime, "first"]] as const) {
      c.setopt(curl.MIMEPOST, set);
      c.setopt(curl.MIMEPOST, set);
      assertEquals(partsOf(c.performTextSync())[0].name, name);
    }
  },
);

test(SERVER, "unsetopt(MIMEPOST) leaves the mime open", async () => {
  await using server = await startServer();
  for (const take of ["unsetopt", "null", "reset"] as const) {
    const { c, mime } = mimeFor(formAt(server));
    using _ = c;
    mime.addField("a", "1");
    if (take === "unsetopt") c.unsetopt(curl.MIMEPOST);
    else if (take === "null") c.setopt(curl.MIMEPOST, null);
    else c.reset();
    c.setopt(curl.URL, server.url);
    c.setopt(curl.HTTPGET, true);
    assertEquals(c.performTextSync(), "home\n");
    assertFalse(mime.closed);
    mime.addField("b", "2");
    c.setopt(curl.URL, formAt(server));
    c.setopt(curl.MIMEPOST, mime);
    assertEquals(partsOf(c.performTextSync()).length, 2);
  }
});

test(
  SERVER,
  "unsetopt(MIMEPOST) changes nothing where none is set",
  async () => {
    await using server = await startServer();
    using c = curlFor(server.url);
    c.unsetopt(curl.MIMEPOST);
    c.unsetopt(curl.HTTPPOST);
    assertEquals(c.performTextSync(), "home\n");
    assertEquals((await server.requests())[0].method, "GET");
  },
);

test(SERVER, "CurlMime.close() takes MIMEPOST back", async () => {
  await using server = await startServer();
  const { c, mime } = mimeFor(`${server.url}/echo`);
  using _ = c;
  mime.addField("a", "1");
  mime.close();
  mime.close();
  assert(mime.closed);
  const { bytes } = echoed(c.performTextSync());
  assertEquals(bytes, 0);
});

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

type ErrorClass = typeof TypeError | typeof curl.CurlError;

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
