import { assertEquals } from "./assert.ts";
import { CHILD, runChild } from "./fixtures/child.ts";
import { test } from "./permissions.ts";
import { CASES } from "./workers/gc_cases.ts";

const MODULE = new URL("./workers/gc_cases.ts", import.meta.url).href;

for (const name of Object.keys(CASES)) {
  test(CHILD, `when collected, ${name}`, async () => {
    const { code, stdout, stderr } = await runChild(
      `
      import { CASES } from ${JSON.stringify(MODULE)};
      await CASES[Deno.args[0]]();
      console.log("done");`,
      {
        flags: ["--allow-ffi", "--allow-read", "--v8-flags=--expose-gc"],
        args: [name],
      },
    );
    assertEquals({ code, stdout, stderr }, {
      code: 0,
      stdout: "done\n",
      stderr: "",
    });
  });
}
