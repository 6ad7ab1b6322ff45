import { assertEquals, assertLess } from "./assert.ts";
import { CHILD, runChild } from "./fixtures/child.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { test } from "./permissions.ts";
import type { State } from "./workers/growth.ts";
import { CASES, NOISE } from "./workers/leak_cases.ts";

const MODULE = new URL("./workers/leak_cases.ts", import.meta.url).href;

const LINUX = {
  skip: Deno.build.os !== "linux" && "there is no /proc/self/fd",
};

async function inChild<T>(call: string, ...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await runChild(
    `
    import * as cases from ${JSON.stringify(MODULE)};
    console.log(JSON.stringify(await cases.${call}));`,
    // Nothing less lets a process look at /proc.
    { flags: ["-A", "--v8-flags=--expose-gc"], args },
  );
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  return JSON.parse(stdout);
}

for (const name of Object.keys(CASES)) {
  test(
    [CHILD, SERVER, LINUX],
    `memory and descriptors stay flat: ${name}`,
    async () => {
      await using server = await startServer();
      const growth = await inChild<State>(
        "measure(...Deno.args)",
        name,
        server.url,
      );
      assertLess(growth.memory, NOISE);
      assertLess(growth.heap, NOISE);
      assertLess(growth.descriptors, 1);
      assertLess(growth.handles, 1);
    },
  );
}

test(
  [CHILD, LINUX],
  "memory stays flat: setopt(POSTFIELDS) 100 000 times in one callback",
  async () => {
    const growth = await inChild<number>("replaceInCallback(100_000)");
    // The bodies alone would be 100 MB.
    assertLess(growth, 20_000_000);
  },
);
