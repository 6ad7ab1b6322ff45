import { CHILD } from "./fixtures/child.ts";
import { assertFlat, GROWTH } from "./fixtures/growth.ts";
import { test } from "./permissions.ts";
import { CASES, NOISE } from "./workers/rounds_leak_cases.ts";

const MODULE = new URL("./workers/rounds_leak_cases.ts", import.meta.url);

for (const name of Object.keys(CASES)) {
  test(
    [CHILD, GROWTH],
    `memory and descriptors stay flat in 100 000 rounds: ${name}`,
    () => assertFlat(MODULE, NOISE, name),
  );
}
