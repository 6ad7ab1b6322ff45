/** Options of what is kept from one transfer to the next, and in files. */

import * as curl from "../mod.ts";
import { createCertificates } from "../tools/certificates.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "./assert.ts";
import { curlFor } from "./fixtures/checks.ts";
import { okay } from "./fixtures/http_answers.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { repeat, request, send } from "./fixtures/script.ts";
import { startScriptedServer } from "./fixtures/scripted_server.ts";
import { test } from "./permissions.ts";

const FILES = [SERVER, { needs: ["read", "write"] as const }];
const NEVER = 4_000_000_000;

/** Calls a function with the path of a temporary file of this content. */
async function withFile(
  content: string,
  use: (path: string) => void | Promise<void>,
): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, content);
    await use(path);
  } finally {
    await Deno.remove(path);
  }
}

/** A line of a cookie file in Netscape's format. */
function cookieLine(
  name: string,
  { domain = "127.0.0.1", path = "/", secure = false, expires = NEVER } = {},
): string {
  const tls = secure ? "TRUE" : "FALSE";
  const fields = [domain, "FALSE", path, tls, expires, name, "value"];
  return fields.join("\t") + "\n";
}

function cookiesOf(c: curl.Curl): string[] {
  return c.performTextSync().split("; ").filter(Boolean).toSorted();
}

test(FILES, "COOKIEFILE gives each server its own cookies", async () => {
  await using server = await startServer();
  // A server of this machine would be told secure ones without TLS, too.
  const domain = "mine.example";
  const content = "# Netscape HTTP Cookie File\n" +
    cookieLine("mine", { domain }) +
    cookieLine("other", { domain: "other.example" }) +
    cookieLine("path", { domain, path: "/elsewhere" }) +
    cookieLine("secure", { domain, secure: true }) +
    cookieLine("old", { domain, expires: 1 }) +
    cookieLine("session", { domain, expires: 0 });
  await withFile(content, (path) => {
    using c = curlFor(`http://${domain}/cookies`);
    c.setopt(curl.CONNECT_TO, [`::127.0.0.1:${server.port}`]);
    c.setopt(curl.COOKIEFILE, path);
    assertEquals(cookiesOf(c), ["mine=value", "session=value"]);
    assertEquals(c.getinfo(curl.INFO_COOKIELIST).length, 5);
  });
});

test(FILES, "COOKIEFILE takes header lines, and further files", async () => {
  await using server = await startServer();
  const headers = "Set-Cookie: header=value; domain=127.0.0.1; path=/\n";
  await withFile(headers, async (first) => {
    await withFile(cookieLine("second"), (second) => {
      using c = curlFor(`${server.url}/cookies`);
      c.setopt(curl.COOKIEFILE, first);
      c.setopt(curl.COOKIEFILE, second);
      assertEquals(cookiesOf(c), ["header=value", "second=value"]);
    });
  });
});

test(FILES, "COOKIESESSION leaves out cookies of an old session", async () => {
  await using server = await startServer();
  const content = cookieLine("kept") + cookieLine("session", { expires: 0 });
  await withFile(content, (path) => {
    using c = curlFor(`${server.url}/cookies`);
    c.setopt(curl.COOKIESESSION, true);
    c.setopt(curl.COOKIEFILE, path);
    assertEquals(cookiesOf(c), ["kept=value"]);
  });
});

test(SERVER, "OPT_COOKIELIST adds, and forgets", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/cookies`);
  c.setopt(curl.OPT_COOKIELIST, cookieLine("kept"));
  c.setopt(
    curl.OPT_COOKIELIST,
    "Set-Cookie: session=value; domain=127.0.0.1; path=/",
  );
  assertEquals(cookiesOf(c), ["kept=value", "session=value"]);
  c.setopt(curl.OPT_COOKIELIST, "SESS");
  assertEquals(cookiesOf(c), ["kept=value"]);
  c.setopt(curl.OPT_COOKIELIST, "ALL");
  assertEquals(cookiesOf(c), []);
});

test(FILES, "OPT_COOKIELIST writes and reads the files at once", async () => {
  await using server = await startServer();
  await withFile("", (path) => {
    using c = curlFor(`${server.url}/cookies`);
    c.setopt(curl.COOKIEJAR, path);
    c.setopt(curl.OPT_COOKIELIST, cookieLine("mine"));
    // Files are left alone until there was a transfer.
    assertEquals(cookiesOf(c), ["mine=value"]);
    c.setopt(curl.OPT_COOKIELIST, "FLUSH");
    assertStringIncludes(Deno.readTextFileSync(path), cookieLine("mine"));
    c.setopt(curl.OPT_COOKIELIST, "ALL");
    Deno.writeTextFileSync(path, cookieLine("later"));
    c.setopt(curl.COOKIEFILE, path);
    c.setopt(curl.OPT_COOKIELIST, "RELOAD");
    assertEquals(cookiesOf(c), ["later=value"]);
  });
});

test(FILES, "COOKIEJAR leaves out what the server has taken back", async () => {
  await using server = await startServer();
  await withFile(cookieLine("kept") + cookieLine("gone"), async (path) => {
    const c = curlFor(
      `${server.url}/cookies/set?gone=x&attributes=Path=/;Max-Age=0`,
    );
    c.setopt(curl.COOKIEFILE, path);
    c.setopt(curl.COOKIEJAR, path);
    c.performTextSync();
    c.close();
    const text = await Deno.readTextFile(path);
    assertStringIncludes(text, "\tkept\t");
    assert(!text.includes("\tgone\t"), text);
  });
});

test(FILES, "COOKIEFILE and COOKIE go together", async () => {
  await using server = await startServer();
  await withFile(cookieLine("mine"), (path) => {
    using c = curlFor(`${server.url}/cookies`);
    c.setopt(curl.COOKIEFILE, path);
    c.setopt(curl.COOKIE, "by=hand");
    assertEquals(cookiesOf(c), ["by=hand", "mine=value"]);
  });
});

test(FILES, "HSTS keeps in its file which hosts want TLS", async () => {
  const { ca, server: tls } = await createCertificates();
  await using server = await startServer({ tls });
  await withFile("", async (path) => {
    const c = curlFor(`https://localhost:${server.port}/hsts`);
    c.setCaCerts(ca);
    c.setopt(curl.HSTS_CTRL, curl.CURLHSTS_ENABLE);
    c.setopt(curl.HSTS, path);
    c.performTextSync();
    c.close();
    const text = await Deno.readTextFile(path);
    assertMatch(text, /^\.localhost "\d{8} \d\d:\d\d:\d\d"$/m);
    using next = curlFor(`http://localhost:${server.port}/hsts`);
    next.setCaCerts(ca);
    next.setopt(curl.HSTS_CTRL, curl.CURLHSTS_ENABLE);
    next.setopt(curl.HSTS, path);
    assertEquals(next.performTextSync(), "hsts\n");
    assertEquals(next.getinfo(curl.SCHEME), "https");
  });
});

/** A server that says that another has the same, and that other one. */
async function startWithAlternative() {
  await using stack = new AsyncDisposableStack();
  const { ca, server: tls } = await createCertificates();
  const other = stack.use(await startServer({ tls }));
  const answer = okay("here", {
    "Alt-Svc": `h2="localhost:${other.port}"; ma=3600`,
  });
  const { port } = stack.use(
    await startScriptedServer({
      tls,
      scripts: [[repeat([request(), send(answer)])]],
    }),
  );
  const running = stack.move();
  return {
    other,
    port,
    /** Performs with a new handle and this file. */
    perform(path: string, control = curl.CURLALTSVC_H1 | curl.CURLALTSVC_H2) {
      using c = curlFor(`https://localhost:${port}/`);
      c.setCaCerts(ca);
      c.setopt(curl.ALTSVC_CTRL, control);
      c.setopt(curl.ALTSVC, path);
      return c.performTextSync();
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

test(FILES, "ALTSVC keeps in its file where else to ask", async () => {
  await using servers = await startWithAlternative();
  const { other, port, perform } = servers;
  await withFile("", async (path) => {
    assertEquals(perform(path), "here");
    const line = `h1 localhost ${port} h2 localhost ${other.port} `;
    assertStringIncludes(await Deno.readTextFile(path), line);
    assertEquals(perform(path), "home\n");
    const [{ headers }] = await other.requests();
    const used = new Headers(headers).get("alt-used");
    assertEquals(used, `localhost:${other.port}`);
  });
});

test(FILES, "ALTSVC_CTRL says what is used and written", async () => {
  await using servers = await startWithAlternative();
  const { perform } = servers;
  await withFile("", async (path) => {
    const both = curl.CURLALTSVC_H1 | curl.CURLALTSVC_H2;
    perform(path, both | curl.CURLALTSVC_READONLYFILE);
    assertEquals(await Deno.readTextFile(path), "");
    perform(path, both);
    // The other one is known to speak HTTP/2.
    assertEquals(perform(path, curl.CURLALTSVC_H1), "here");
    assertEquals(perform(path, both), "home\n");
  });
});
