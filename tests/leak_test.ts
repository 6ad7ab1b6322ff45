import { assertLess } from "./assert.ts";
import { CHILD } from "./fixtures/child.ts";
import { assertFlat, GROWTH, inChild } from "./fixtures/growth.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { test } from "./permissions.ts";
import { CASES, NOISE } from "./workers/leak_cases.ts";

const MODULE = new URL("./workers/leak_cases.ts", import.meta.url);

for (const name of Object.keys(CASES)) {
  test(
    [CHILD, SERVER, GROWTH],
    `memory and descriptors stay flat: ${name}`,
    async () => {
      await using server = await startServer();
      await assertFlat(MODULE, NOISE, name, server.url);
    },
  );
}

test(
  [CHILD, GROWTH],
  "memory stays flat: setopt(POSTFIELDS) 100 000 times in one callback",
  async () => {
    const growth = await inChild<number>(MODULE, "replaceInCallback(100_000)");
    // The bodies alone would be 100 MB.
    assertLess(growth, 20_000_000);
  },
);
