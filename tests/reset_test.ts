/**
 * What libcurl remembers beyond its own reset.
 *
 * @module
 */

import * as curl from "../mod.ts";
import { assertEquals } from "./assert.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { test } from "./permissions.ts";

Deno.test("reset() forgets the list of RESOLVE before it is freed", () => {
  for (let round = 0; round < 200; round++) {
    using c = new curl.Curl();
    c.setopt(
      curl.RESOLVE,
      Array.from({ length: 50 }, (_, i) => `host${i}.invalid:80:127.0.0.1`),
    );
    c.reset();
    // Takes the freed memory, so that a stale list would be nonsense.
    using other = new curl.Curl();
    other.setopt(curl.HTTPHEADER, Array(50).fill(`X: ${"y".repeat(40)}`));
    c.setopt(curl.URL, import.meta.url);
    c.performBytesSync();
    assertEquals(c.getinfo(curl.RESPONSE_CODE), 0);
  }
});

test(
  SERVER,
  "reset() leaves a connection that was opened with CLOSESOCKETFUNCTION usable",
  async () => {
    await using server = await startServer();
    using c = new curl.Curl();
    let closed = 0;
    c.setopt(curl.CLOSESOCKETFUNCTION, () => {
      closed++;
    });
    c.setopt(curl.URL, `${server.url}/`);
    c.performBytesSync();
    c.reset();
    c.setopt(curl.URL, `${server.url}/`);
    // Closes the old connection, whose callback is set no longer.
    c.setopt(curl.FRESH_CONNECT, true);
    c.setopt(curl.MAXCONNECTS, 1);
    c.performBytesSync();
    c.close();
    assertEquals(closed, 0);
  },
);

test(SERVER, "duphandle() takes the list of RESOLVE along", async () => {
  await using server = await startServer();
  using c = new curl.Curl();
  c.setopt(curl.RESOLVE, [`elsewhere.test:${server.port}:127.0.0.1`]);
  c.setopt(curl.URL, `http://elsewhere.test:${server.port}/count`);
  using copy = c.duphandle();
  c.close();
  copy.performBytesSync();
  assertEquals(copy.getinfo(curl.RESPONSE_CODE), 200);
});
