import { assertEquals, assertLess } from "./assert.ts";
import { CHILD, runChild } from "./fixtures/child.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { test } from "./permissions.ts";
import { CASES, type Growth } from "./workers/leak_cases.ts";

const MODULE = new URL("./workers/leak_cases.ts", import.meta.url).href;

/** Garbage that comes and goes; 100 000 rounds with 80 lost bytes are more. */
const NOISE = 8_000_000;

const LINUX = {
  skip: Deno.build.os !== "linux" && "there is no /proc/self/fd",
};

for (const name of Object.keys(CASES)) {
  test(
    [CHILD, SERVER, LINUX],
    `memory and descriptors stay flat: ${name}`,
    async () => {
      await using server = await startServer();
      const { code, stdout, stderr } = await runChild(
        `
      import { measure } from ${JSON.stringify(MODULE)};
      console.log(JSON.stringify(await measure(...Deno.args)));`,
        {
          // Nothing less lets a process look at /proc.
          flags: ["-A", "--v8-flags=--expose-gc"],
          args: [name, server.url],
        },
      );
      assertEquals({ code, stderr }, { code: 0, stderr: "" });
      const growth: Growth = JSON.parse(stdout);
      if (Deno.env.get("SHOW")) console.log(stdout);
      assertEquals(growth.descriptors, 0);
      assertEquals(growth.handles, 0);
      assertLess(growth.memory, NOISE);
    },
  );
}
