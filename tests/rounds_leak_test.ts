import { CHILD } from "./fixtures/child.ts";
import { assertFlat, GROWTH } from "./fixtures/growth.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { test } from "./permissions.ts";
import { CASES, NOISE } from "./workers/rounds_leak_cases.ts";

const MODULE = new URL("./workers/rounds_leak_cases.ts", import.meta.url);

for (const name of Object.keys(CASES)) {
  test(
    [CHILD, SERVER, GROWTH],
    `memory and descriptors stay flat in 100 000 rounds: ${name}`,
    async () => {
      await using server = await startServer();
      await assertFlat(MODULE, NOISE, name, server.url);
    },
  );
}
