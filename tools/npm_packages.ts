/**
 * Makes the npm packages: one for each platform whose library is named, and the
 * one that chooses among all of them.
 *
 * Run it as `deno run -A tools/npm_packages.ts [--out FOLDER] [PLATFORM=FILE…]`;
 * without a platform it is this machine's, with the local build.
 *
 * @module
 */

import names from "../npm/native/platforms.js";
import { RELEASE } from "../src/ffi/release.ts";
import { problemsOf } from "./npm/library_file.ts";
import { licences } from "./npm/licences.ts";
import {
  ownPlatform,
  type Platform,
  platformNamed,
  PLATFORMS,
} from "./npm/platforms.ts";
import { ROOT } from "./tables/output.ts";

const SCOPE = "@denocurl";

/** What all package.json have in common. */
const MANIFEST = {
  version: RELEASE,
  license: "MIT",
  homepage: "https://jsr.io/@denocurl/curl",
  repository: {
    type: "git",
    url: "git+https://github.com/denocurl/curl.git",
  },
  publishConfig: { access: "public" },
  type: "module",
};

/** The package's name, without the scope. */
function nameFor({ name }: Platform): string {
  return `native-${name}`;
}

/** Makes the package for a platform; its folder. */
export async function makePlatformPackage(
  out: string,
  platform: Platform,
  library: string,
): Promise<string> {
  const bytes = await Deno.readFile(library);
  const problems = problemsOf(bytes, platform, RELEASE);
  if (problems.length > 0) {
    throw new Error(
      `${library} can't be packed for ${platform.name} ${RELEASE}:\n` +
        problems.map((problem) => `  ${problem}`).join("\n"),
    );
  }
  const folder = await startPlatformPackage(out, platform);
  const { file } = platform;
  await Deno.writeFile(`${folder}/${file}`, bytes);
  await Deno.writeTextFile(`${folder}/index.js`, platformIndex(file));
  await Deno.writeTextFile(
    `${folder}/LICENCES.txt`,
    await licences(platform.target),
  );
  return folder;
}

/** The same without the library and its licences. */
export async function startPlatformPackage(
  out: string,
  platform: Platform,
): Promise<string> {
  const { os, cpu, libc, file, target } = platform;
  const description = `The native library of @denocurl/curl for ${target}`;
  return await start(out, nameFor(platform), description, {
    os: [os],
    cpu: [cpu],
    ...(libc === undefined ? {} : { libc: [libc] }),
    exports: { ".": "./index.js", "./library": `./${file}` },
    files: [file, "index.js", "LICENCES.txt"],
  });
}

function platformIndex(file: string): string {
  return `/** The URL of the native library of @denocurl/curl. */
export default import.meta.resolve("./${file}");
`;
}

/** Makes the package that chooses; its folder. */
export async function makeNativePackage(out: string): Promise<string> {
  if (PLATFORMS.some(({ name }) => !names.includes(name))) {
    throw new Error("npm/native/platforms.js lacks a platform");
  }
  const description =
    "Finds the native library of @denocurl/curl for the machine it runs on";
  const folder = await start(out, "native", description, {
    exports: { ".": { types: "./index.d.ts", default: "./index.js" } },
    files: ["index.js", "index.d.ts", "platforms.js"],
    optionalDependencies: Object.fromEntries(
      PLATFORMS.map((platform) => [`${SCOPE}/${nameFor(platform)}`, RELEASE]),
    ),
  });
  for (const file of ["index.js", "index.d.ts", "platforms.js"]) {
    await Deno.copyFile(`${ROOT}npm/native/${file}`, `${folder}/${file}`);
  }
  return folder;
}

/** A folder with what each package has. */
async function start(
  out: string,
  name: string,
  description: string,
  manifest: Record<string, unknown>,
): Promise<string> {
  const folder = `${out}/${name}`;
  await Deno.mkdir(folder, { recursive: true });
  const full = { name: `${SCOPE}/${name}`, description, ...MANIFEST };
  await Deno.writeTextFile(
    `${folder}/package.json`,
    `${JSON.stringify({ ...full, ...manifest }, null, 2)}\n`,
  );
  const readme = await Deno.readTextFile(`${ROOT}npm/README.md`);
  await Deno.writeTextFile(
    `${folder}/README.md`,
    readme.replace("{name}", full.name).replace("{description}", description),
  );
  await Deno.copyFile(`${ROOT}LICENSE`, `${folder}/LICENSE`);
  return folder;
}

async function main(args: string[]): Promise<void> {
  const flag = args.indexOf("--out");
  const out = flag < 0 ? `${ROOT}dist/npm` : args.splice(flag, 2)[1];
  if (args.length === 0) {
    const { name, file } = ownPlatform();
    args.push(`${name}=${ROOT}shim/target/release/${file}`);
  }
  console.log(await makeNativePackage(out));
  for (const arg of args) {
    const [, name, file] = /^([^=]+)=(.+)$/.exec(arg) ?? [];
    if (file === undefined) throw new Error(`Not PLATFORM=FILE: ${arg}`);
    console.log(await makePlatformPackage(out, platformNamed(name), file));
  }
}

if (import.meta.main) await main([...Deno.args]);
