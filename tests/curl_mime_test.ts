/** CurlMime and CurlMimePart: what is sent. */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertMatch,
  assertStringIncludes,
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
  // There the line break would be one between headers.
  assertCurlError(() => c.performTextSync(), curl.E_BAD_FUNCTION_ARGUMENT);
  const other = new curl.CurlMime(c);
  other.addField('a"b\\', "1");
  c.setopt(curl.MIMEPOST, other);
  const escaped = echoed(c.performTextSync()).body;
  assertStringIncludes(escaped, 'name="a\\"b\\\\"');
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
