/** The workflows that GitHub runs. */

import { assert } from "./assert.ts";
import { programPath, test } from "./permissions.ts";

const FOLDER = new URL("../.github/workflows/", import.meta.url);

test(
  { needs: ["read"], programs: ["actionlint"] },
  "actionlint finds nothing in the workflows",
  async () => {
    const files = [...Deno.readDirSync(FOLDER)].map(({ name }) => name);
    assert(files.length > 0);
    const { success, stdout } = await new Deno.Command(
      programPath("actionlint")!,
      { args: files, cwd: FOLDER },
    ).output();
    assert(success, new TextDecoder().decode(stdout));
  },
);
