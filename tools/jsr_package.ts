/**
 * Lays out the package as it is published on JSR: what `deno.json` includes,
 * the import of the npm package that has the native library, and all of it in
 * one file. That file is what programs load, in a quarter of the time; the types
 * and the documentation are those of the sources.
 *
 * Run it as `deno run -A tools/jsr_package.ts [FOLDER]`; what is there is
 * replaced.
 *
 * @module
 */

import config from "../deno.json" with { type: "json" };
import { RELEASE } from "../src/ffi/release.ts";
import { ROOT } from "./tables/output.ts";

const PLATFORM = "src/ffi/platform.ts";
const SOURCE = "mod.ts";
const BUNDLE = "mod.js";
const HEAD = `/* @ts-self-types="./${SOURCE}" */\n`;
const NONE = "export const packaged: Packaged | undefined = undefined;";

/** Lays it out; the paths of all files in the folder. */
export async function makeJsrPackage(folder: string): Promise<string[]> {
  if (config.version !== RELEASE) {
    throw new Error(`deno.json has ${config.version}, the module ${RELEASE}`);
  }
  await Deno.mkdir(folder, { recursive: true });
  const files = config.publish.include.flatMap(filesOf);
  for (const file of files) {
    const target = `${folder}/${file}`;
    await Deno.mkdir(target.replace(/\/[^/]+$/, ""), { recursive: true });
    await Deno.copyFile(ROOT + file, target);
  }
  const source = await Deno.readTextFile(ROOT + PLATFORM);
  await Deno.writeTextFile(`${folder}/${PLATFORM}`, withImport(source));
  await bundle(folder);
  const { name, version, license } = config;
  const manifest = { name, version, license, exports: `./${BUNDLE}` };
  await Deno.writeTextFile(
    `${folder}/deno.json`,
    `${JSON.stringify(manifest, null, 2)}\n`,
  );
  return [...files, BUNDLE, "deno.json"];
}

async function bundle(folder: string): Promise<void> {
  const options = ["--quiet", "--no-npm", "--external", "npm:*"];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", ...options, "--output", BUNDLE, SOURCE],
    cwd: folder,
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const path = `${folder}/${BUNDLE}`;
  await Deno.writeTextFile(path, HEAD + await Deno.readTextFile(path));
}

/** A file, or all below a folder. */
function filesOf(entry: string): string[] {
  if (!entry.endsWith("/")) return [entry];
  return [...Deno.readDirSync(ROOT + entry)]
    .flatMap(({ name, isDirectory }) =>
      filesOf(`${entry}${name}${isDirectory ? "/" : ""}`)
    ).sort();
}

function withImport(source: string): string {
  if (!source.includes(NONE)) {
    throw new Error(`${PLATFORM} has no line "${NONE}"`);
  }
  const text = source
    .replace(/ \*\n \* A checkout has none:[^]*?\n \*\n/, " *\n")
    .replace(NONE, NONE.replace("= undefined", "= native"));
  return text.replace(
    "*/\n",
    `*/\n\nimport native from "npm:@denocurl/native@${RELEASE}";\n`,
  );
}

if (import.meta.main) {
  const folder = Deno.args[0] ?? `${ROOT}dist/jsr`;
  await Deno.remove(folder, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await makeJsrPackage(folder);
  console.log(folder);
}
