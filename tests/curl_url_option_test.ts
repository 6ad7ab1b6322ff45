/** CURLU: a CurlUrl as the URL of transfers. */

import * as curl from "../mod.ts";
import { report } from "../src/ffi/call.ts";
import { assert, assertEquals, assertThrows } from "./assert.ts";
import { assertCurlError, assertIsFile, FILE } from "./fixtures/checks.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { WORKERS } from "./fixtures/workers.ts";
import { test } from "./permissions.ts";
import {
  assertRefused,
  during,
  shareOf,
  startPeer,
  until,
} from "./workers/peers.ts";

/** A handle whose URL is this one. */
function curlWith(url: curl.CurlUrl): curl.Curl {
  const c = new curl.Curl();
  c.setopt(curl.CURLU, url);
  c.setopt(curl.TIMEOUT, 10);
  return c;
}

Deno.test("CURLU is the URL of a transfer", () => {
  using url = new curl.CurlUrl(FILE);
  using c = curlWith(url);
  assertIsFile(c.performTextSync());
  assertEquals(c.getinfo(curl.EFFECTIVE_URL), url.url);
});

Deno.test("CURLU is the URL of an asynchronous transfer, of a file, too", async () => {
  using url = new curl.CurlUrl(FILE);
  using c = curlWith(url);
  assertIsFile(await c.performText());
});

Deno.test("CURLU goes before URL, whichever was set last", () => {
  using url = new curl.CurlUrl(FILE);
  using c = curlWith(url);
  c.setopt(curl.URL, "file:///does/not/exist");
  assertIsFile(c.performTextSync());
});

for (const way of ["setopt", "unsetopt"] as const) {
  Deno.test(`CURLU taken back by ${way}() takes URL with it, as in libcurl`, () => {
    using url = new curl.CurlUrl("file:///does/not/exist");
    using c = curlWith(url);
    c.setopt(curl.URL, FILE);
    if (way === "setopt") c.setopt(curl.CURLU, null);
    else c.unsetopt(curl.CURLU);
    assertCurlError(() => c.performTextSync(), curl.E_URL_MALFORMAT);
    c.setopt(curl.URL, FILE);
    assertIsFile(c.performTextSync());
  });
}

Deno.test("CURLU that is changed is so for the next transfer", () => {
  using url = new curl.CurlUrl("file:///does/not/exist");
  using c = curlWith(url);
  const code = curl.E_FILE_COULDNT_READ_FILE;
  assertCurlError(() => c.performTextSync(), code);
  url.url = FILE;
  assertIsFile(c.performTextSync());
  url.path = "/does/not/exist";
  assertCurlError(() => c.performTextSync(), code);
});

test(
  SERVER,
  "CURLU that is changed during a transfer leaves that as it is",
  async () => {
    await using server = await startServer();
    using url = new curl.CurlUrl(`${server.url}/redirect/2`);
    using c = curlWith(url);
    c.setopt(curl.FOLLOWLOCATION, true);
    const first = c.performText();
    url.path = "/echo";
    assertEquals(await first, "home\n");
    assertEquals(JSON.parse(await c.performText()).url, "/echo");
    c.setopt(curl.HEADERFUNCTION, () => url.close());
    assertEquals(JSON.parse(c.performTextSync()).url, "/echo");
  },
);

for (const way of ["closed", "empty"] as const) {
  Deno.test(`CURLU that is ${way} ${way === "closed" ? "stays what it was" : "is no URL"}`, () => {
    using url = new curl.CurlUrl(FILE);
    using c = curlWith(url);
    if (way === "closed") {
      url.close();
      assertIsFile(c.performTextSync());
    } else {
      url.url = null;
      assertCurlError(() => c.performTextSync(), curl.E_URL_MALFORMAT);
    }
  });
}

test(SERVER, "CURLU brings user, query and redirects along", async () => {
  await using server = await startServer();
  using url = new curl.CurlUrl(server.url);
  url.path = "/auth/basic";
  url.user = "user";
  url.password = "secret";
  using c = curlWith(url);
  assertEquals(c.performTextSync(), "hello user\n");
  url.path = "/echo";
  url.setpart(curl.UPART_QUERY, "a=b c", curl.U_URLENCODE);
  assertEquals(JSON.parse(c.performTextSync()).url, "/echo?a%3Db+c");
});

Deno.test("CURLU of one CurlUrl serves any number of Curl objects", () => {
  using url = new curl.CurlUrl(FILE);
  using one = curlWith(url);
  using other = curlWith(url);
  assertIsFile(one.performTextSync());
  one.close();
  assertIsFile(other.performTextSync());
});

Deno.test("CURLU is duphandle()'s, too, and follows the same CurlUrl", () => {
  using url = new curl.CurlUrl("file:///does/not/exist");
  using c = curlWith(url);
  using copy = c.duphandle();
  url.url = FILE;
  c.close();
  assertIsFile(copy.performTextSync());
  copy.unsetopt(curl.CURLU);
  assertCurlError(() => copy.performTextSync(), curl.E_URL_MALFORMAT);
});

Deno.test("CURLU is taken back by reset()", () => {
  using url = new curl.CurlUrl(FILE);
  using c = curlWith(url);
  c.reset();
  assertCurlError(() => c.performTextSync(), curl.E_URL_MALFORMAT);
});

Deno.test("setopt(CURLU) replaces one CurlUrl by another", () => {
  using wrong = new curl.CurlUrl("file:///does/not/exist");
  using url = new curl.CurlUrl(FILE);
  using c = curlWith(wrong);
  c.setopt(curl.CURLU, url);
  wrong.close();
  assertIsFile(c.performTextSync());
});

Deno.test("setopt(CURLU) refuses what is no CurlUrl, and changes nothing", () => {
  using url = new curl.CurlUrl(FILE);
  using c = curlWith(url);
  const invented = Object.create(curl.CurlUrl.prototype);
  for (const value of [FILE, 5, {}, new URL(FILE), invented, undefined]) {
    const set = () => c.setopt(curl.CURLU, value as curl.CurlUrl);
    assertThrows(set, TypeError);
  }
  assertIsFile(c.performTextSync());
});

Deno.test("setopt(CURLU) throws for a CurlUrl that is closed, and changes nothing", () => {
  using url = new curl.CurlUrl(FILE);
  using c = curlWith(url);
  using closed = new curl.CurlUrl();
  closed.close();
  assertRefused(
    () => c.setopt(curl.CURLU, closed),
    "setopt(option=CURLU) received a CurlUrl without a handle",
  );
  assertIsFile(c.performTextSync());
});

Deno.test("setopt(CURLU) and unsetopt(CURLU) are refused in a callback", () => {
  using url = new curl.CurlUrl(FILE);
  using c = curlWith(url);
  const running = "perform() is currently running";
  during(c, () => {
    const set = () => c.setopt(curl.CURLU, url);
    assertRefused(set, `cannot invoke setopt() - ${running}`);
    const unset = () => c.unsetopt(curl.CURLU);
    assertRefused(unset, `cannot invoke unsetopt() - ${running}`);
  });
  c.unsetopt(curl.WRITEFUNCTION);
  assertIsFile(c.performTextSync());
});

for (const kind of ["COOKIE", "DNS"] as const) {
  test(SERVER, `CURLU works on a share of ${kind}`, async () => {
    await using server = await startServer();
    using share = shareOf(curl[`LOCK_DATA_${kind}`]);
    using url = new curl.CurlUrl(server.url);
    using c = curlWith(url);
    c.setopt(curl.SHARE, share);
    for (const path of ["/echo?1", "/echo?2"]) {
      url.url = path;
      assertEquals(JSON.parse(c.performTextSync()).url, path);
      assertEquals(JSON.parse(await c.performText()).url, path);
    }
  });
}

test(
  WORKERS,
  "CURLU is followed by a transfer in another Worker, too",
  async () => {
    await using peer = await startPeer();
    using url = new curl.CurlUrl("file:///does/not/exist");
    using c = curlWith(url);
    await peer.call("take", "Curl", c.handle);
    url.url = FILE;
    const body = await peer.call("onCurl", c.handle, "performTextSync");
    assertIsFile(body as string);
    url.close();
    await peer.call("onCurl", c.handle, "performTextSync");
  },
);

test(
  WORKERS,
  "CURLU can be changed at any moment while other Workers perform",
  async () => {
    const peers = await Promise.all([startPeer("one"), startPeer("other")]);
    await using _first = peers[0];
    await using _second = peers[1];
    using url = new curl.CurlUrl(FILE);
    const curls = peers.map(() => curlWith(url));
    let running = true;
    const performing = Promise.all(peers.map(async (peer, i) => {
      const { handle } = curls[i];
      await peer.call("take", "Curl", handle);
      for (let round = 0; round < 200; round++) {
        await peer.call("onCurl", handle, "performTextSync");
      }
    })).finally(() => running = false);
    let changes = 0;
    while (running) {
      for (let i = 0; i < 500; i++) {
        url.fragment = `f${changes++}`;
        url.query = `q${changes}`;
      }
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    await performing;
    assert(changes > 0);
    for (const c of curls) c.close();
  },
);

test(
  WORKERS,
  "Worker.terminate() frees the CurlUrl objects of the Worker, but not their Curl's URL",
  async () => {
    const count = () => report().match(/^url /gm)?.length ?? 0;
    const before = count();
    const peer = await startPeer();
    const handle = await peer.call("makeUrls", 100, FILE);
    using c = curl.Curl.fromHandle(handle);
    peer.terminate();
    // The Curl has one.
    await until("the others are gone", () => count() === before + 1);
    assertIsFile(c.performTextSync());
    c.close();
    assertEquals(count(), before);
  },
);
