/** RESOLVE: libcurl's caches of names are several, its list is one. */

import * as curl from "../mod.ts";
import { assertEquals } from "./assert.ts";
import { curlFor } from "./fixtures/checks.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { test } from "./permissions.ts";

for (const order of ["sync, async, sync", "async, sync, async"]) {
  test(SERVER, `RESOLVE holds for every transfer: ${order}`, async () => {
    await using server = await startServer();
    using c = curlFor(`http://host.invalid:${server.port}/`);
    c.setopt(curl.RESOLVE, [`host.invalid:${server.port}:127.0.0.1`]);
    c.setopt(curl.FRESH_CONNECT, true);
    for (const way of order.split(", ")) {
      const body = way === "sync" ? c.performTextSync() : await c.performText();
      assertEquals(body, "home\n");
    }
  });
}

for (
  const kind of ["LOCK_DATA_DNS", "LOCK_DATA_SSL_SESSION", "LOCK_DATA_CONNECT"]
) {
  test(SERVER, `RESOLVE holds with and without ${kind} shared`, async () => {
    await using server = await startServer();
    using share = new curl.CurlShare();
    share.share(curl[kind as "LOCK_DATA_DNS"]);
    using c = curlFor(`http://host.invalid:${server.port}/`);
    c.setopt(curl.RESOLVE, [`host.invalid:${server.port}:127.0.0.1`]);
    c.setopt(curl.FRESH_CONNECT, true);
    for (const shared of [share, null, share]) {
      c.setopt(curl.SHARE, shared);
      assertEquals(c.performTextSync(), "home\n");
      assertEquals(await c.performText(), "home\n");
    }
    c.setopt(curl.SHARE, null);
  });
}
