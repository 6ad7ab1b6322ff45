/** libcurl looks at the clock as often as time passes, and no more. */

import * as curl from "../mod.ts";
import { assertGreaterOrEqual, assertLess } from "./assert.ts";
import { assertCurlRejects } from "./fixtures/async_checks.ts";
import { curlFor } from "./fixtures/checks.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { CALLING } from "./fixtures/ways.ts";
import { test } from "./permissions.ts";

const LONG_MS = 300;

function takeLong(): void {
  const end = performance.now() + LONG_MS;
  while (performance.now() < end);
}

for (const [way, perform] of Object.entries(CALLING)) {
  test(SERVER, `${way} counts the time that a callback takes`, async () => {
    await using server = await startServer();
    using c = curlFor(`${server.url}/bytes/1000`);
    c.setopt(curl.HEADERFUNCTION, (line) => {
      // The last one, and all bytes are there.
      if (line.length === 2) takeLong();
    });
    c.setopt(curl.WRITEFUNCTION, () => {});
    await perform(c);
    assertLess(c.getinfo(curl.STARTTRANSFER_TIME), LONG_MS / 1000);
    // The two clocks may differ by a little.
    assertGreaterOrEqual(c.getinfo(curl.TOTAL_TIME), 0.9 * LONG_MS / 1000);
  });

  test(
    SERVER,
    `${way} is over when a callback has taken TIMEOUT_MS`,
    async () => {
      await using server = await startServer();
      using c = curlFor(`${server.url}/bytes/3000000`);
      c.setopt(curl.TIMEOUT_MS, LONG_MS / 2);
      c.setopt(curl.WRITEFUNCTION, takeLong);
      await assertCurlRejects(perform(c), curl.E_OPERATION_TIMEDOUT);
    },
  );
}
