import { assertEquals, assertLess } from "./assert.ts";
import { CHILD, runChild } from "./fixtures/child.ts";
import { test } from "./permissions.ts";
import type { State } from "./workers/growth.ts";
import { CASES, NOISE } from "./workers/rounds_leak_cases.ts";

const MODULE = new URL("./workers/rounds_leak_cases.ts", import.meta.url).href;

const LINUX = {
  skip: Deno.build.os !== "linux" && "there is no /proc/self/fd",
};

for (const name of Object.keys(CASES)) {
  test(
    [CHILD, LINUX],
    `memory and descriptors stay flat in 100 000 rounds: ${name}`,
    async () => {
      const { code, stdout, stderr } = await runChild(
        `
        import { measure } from ${JSON.stringify(MODULE)};
        console.log(JSON.stringify(await measure(...Deno.args)));
        Deno.exit();`,
        // Nothing less lets a process look at /proc.
        { flags: ["-A", "--v8-flags=--expose-gc"], args: [name] },
      );
      assertEquals({ code, stderr }, { code: 0, stderr: "" });
      const growth: State = JSON.parse(stdout);
      assertLess(growth.memory, NOISE);
      assertLess(growth.heap, NOISE);
      assertLess(growth.descriptors, 1);
      assertLess(growth.handles, 1);
    },
  );
}
