/** HTTPPOST: PycURL's list of a form's fields. */

import * as curl from "../mod.ts";
import {
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "./assert.ts";
import { assertCurlError, curlFor } from "./fixtures/checks.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { echoed, formAt, partsOf, READABLE } from "./fixtures/mime.ts";
import { test } from "./permissions.ts";

const PATH = new URL("../deno.json", import.meta.url).pathname;
const README = new URL("../README.md", import.meta.url).pathname;

test(SERVER, "HTTPPOST sends names and values", async () => {
  await using server = await startServer();
  using c = curlFor(formAt(server));
  c.setopt(curl.HTTPPOST, [
    ["text", "größe\0"],
    [new TextEncoder().encode("bytes"), new Uint8Array([97, 98])],
    ["contents", [curl.FORM_CONTENTS, "1"]],
    ["empty", ""],
  ]);
  for (let round = 0; round < 2; round++) {
    assertEquals(partsOf(c.performTextSync()), [
      { name: "text", value: "größe\0" },
      { name: "bytes", value: "ab" },
      { name: "contents", value: "1" },
      { name: "empty", value: "" },
    ]);
  }
});

test([SERVER, READABLE], "HTTPPOST sends files and buffers", async () => {
  await using server = await startServer();
  using c = curlFor(formAt(server));
  c.setopt(curl.HTTPPOST, [
    ["plain", [curl.FORM_FILE, PATH]],
    ["typed", [curl.FORM_FILE, PATH, curl.FORM_CONTENTTYPE, "text/x-test"]],
    ["named", [curl.FORM_FILE, PATH, curl.FORM_FILENAME, "a.html"]],
    ["buffer", [curl.FORM_BUFFER, "b.HTML", curl.FORM_BUFFERPTR, "<p>"]],
    ["odd", [curl.FORM_BUFFERPTR, new Uint8Array([0]), curl.FORM_BUFFER, "c"]],
  ]);
  const bytes = Deno.readFileSync(PATH).length;
  const seen = partsOf(c.performTextSync()).map((part) => [
    part.name,
    part.filename,
    part.type,
    part.bytes,
  ]);
  assertEquals(seen, [
    ["plain", "deno.json", "application/octet-stream", bytes],
    ["typed", "deno.json", "text/x-test", bytes],
    ["named", "a.html", "application/octet-stream", bytes],
    ["buffer", "b.HTML", "text/html", 3],
    ["odd", "c", "application/octet-stream", 1],
  ]);
});

test(SERVER, "HTTPPOST sends several files of one name", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/echo`);
  c.setopt(curl.HTTPPOST, [[
    "files",
    [
      curl.FORM_FILE,
      PATH,
      curl.FORM_CONTENTTYPE,
      "text/x-first",
      curl.FORM_FILE,
      README,
      curl.FORM_FILENAME,
      "second.md",
    ],
  ]]);
  const { body } = echoed(c.performTextSync());
  assertMatch(
    body,
    /form-data; name="files"\r\nContent-Type: multipart\/mixed; boundary=/,
  );
  assertStringIncludes(
    body,
    'Content-Disposition: attachment; filename="deno.json"\r\n' +
      "Content-Type: text/x-first\r\n",
  );
  // A file without a type has that of the one before it.
  assertStringIncludes(
    body,
    'Content-Disposition: attachment; filename="second.md"\r\n' +
      "Content-Type: text/x-first\r\n",
  );
});

test(SERVER, "HTTPPOST and MIMEPOST replace each other", async () => {
  await using server = await startServer();
  using c = curlFor(formAt(server));
  const mime = new curl.CurlMime(c);
  mime.addField("mime", "1");
  for (let round = 0; round < 3; round++) {
    c.setopt(curl.HTTPPOST, [["form", "1"]]);
    assertEquals(partsOf(c.performTextSync())[0].name, "form");
    c.setopt(curl.MIMEPOST, mime);
    assertEquals(partsOf(c.performTextSync())[0].name, "mime");
  }
});

test(SERVER, "duphandle() takes HTTPPOST along", async () => {
  await using server = await startServer();
  for (const clear of ["unsetopt", "reset", "close"] as const) {
    const c = curlFor(formAt(server));
    c.setopt(curl.HTTPPOST, [["field", [curl.FORM_CONTENTS, "orig"]]]);
    using copy = c.duphandle();
    if (clear === "unsetopt") c.unsetopt(curl.HTTPPOST);
    else c[clear]();
    assertEquals(partsOf(copy.performTextSync())[0].value, "orig");
    copy.setopt(curl.HTTPPOST, [["field", "changed"]]);
    assertEquals(partsOf(copy.performTextSync())[0].value, "changed");
    c.close();
  }
});

test(
  SERVER,
  "HTTPPOST changes nothing where it is empty, or wrong",
  async () => {
    await using server = await startServer();
    using c = curlFor(formAt(server));
    c.setopt(curl.HTTPPOST, [["kept", "1"]]);
    c.setopt(curl.HTTPPOST, []);
    const wrong: [item: unknown, text: string][] = [
      [5, "must be an array of two elements"],
      [["a"], "must be an array of two elements"],
      [["a", "b", "c"], "must be an array of two elements"],
      [[1, "b"], "a string or a Uint8Array as its name"],
      [["a", 1], "as its value"],
      [["a", []], "a value for each FORM_* constant"],
      [["a", [curl.FORM_FILE]], "a value for each FORM_* constant"],
      [["a", [curl.FORM_FILE, 5]], "strings and Uint8Arrays as values"],
      [["a", [1, "b"]], "the unsupported option 1"],
      [["a", ["x", "b"]], "the unsupported option x"],
      [["a", [curl.FORM_FILENAME, "b"]], "must have one of FORM_CONTENTS"],
      [
        ["a", [curl.FORM_CONTENTS, "b", curl.FORM_CONTENTS, "c"]],
        "has one of its FORM_* constants twice",
      ],
      [
        ["a", [curl.FORM_CONTENTS, "b", curl.FORM_FILE, PATH]],
        "must have one of FORM_CONTENTS",
      ],
      [["a\0b", "c"], "NUL character"],
    ];
    for (const [item, text] of wrong) {
      const items = [["good", "1"], item] as Iterable<curl.FormField>;
      assertThrows(() => c.setopt(curl.HTTPPOST, items), TypeError, text);
    }
    assertCurlError(
      () => c.setopt(curl.HTTPPOST, [["a", [curl.FORM_FILE, "/not/there"]]]),
      curl.E_READ_ERROR,
      "filedata(/not/there)",
    );
    assertEquals(partsOf(c.performTextSync()), [{ name: "kept", value: "1" }]);
  },
);
