/**
 * Takes another libcurl: raises the crate that carries its source and all that
 * Cargo.lock holds, generates the tables anew, and tells which names are new,
 * gone, or without a page of curl's to look them up.
 *
 * Run it as `deno run -A tools/update_libcurl.ts [VERSION of curl-sys]`; without
 * a version it is the newest.
 *
 * @module
 */

import { ROOT, run } from "./tables/output.ts";

const MANIFEST = "shim/Cargo.toml";
const LOCK = "shim/Cargo.lock";
const CONSTANTS = "src/tables/constants.ts";
const GLOBAL = "src/global.ts";
const FUNCTIONS = "shim/src/sys/bindings.rs";

/** `curl-sys = { version = "=0.4.91"`, up to the version and after it. */
const PIN = /^(curl-sys = \{ version = ")([^"]+)(")/m;

function read(path: string): string {
  return Deno.readTextFileSync(ROOT + path);
}

function replace(path: string, find: RegExp, by: string): void {
  const text = read(path);
  if (!find.test(text)) throw new Error(`${path} has nothing like ${find}`);
  Deno.writeTextFileSync(ROOT + path, text.replace(find, by));
}

/** The version in Cargo.lock, such as `0.4.91+curl-8.22.0`. */
function locked(): string {
  return /name = "curl-sys"\nversion = "([^"]+)"/.exec(read(LOCK))![1];
}

/** What the module exports, with its documentation. */
function constants(): Map<string, string> {
  const declarations = read(CONSTANTS)
    .matchAll(/\/\*\*((?:(?!\*\/)[^])*)\*\/\nexport const (\w+)/g);
  return new Map([...declarations].map(([, doc, name]) => [name, doc]));
}

/** libcurl's functions, as its headers declare them. */
function functions(): Set<string> {
  const declarations = read(FUNCTIONS).matchAll(/pub fn (curl_\w+)/g);
  return new Set([...declarations].map(([, name]) => name));
}

function tell(title: string, names: Iterable<string>): void {
  const list = [...names];
  console.log(`${title}: ${list.length === 0 ? "none" : ""}`);
  for (const name of list) console.log(`  ${name}`);
}

const before = { version: locked(), names: constants(), calls: functions() };

const [wanted] = Deno.args;
const current = PIN.exec(read(MANIFEST))?.[2].replace("=", "");
const range = wanted === undefined ? `>=${current}` : `=${wanted}`;
replace(MANIFEST, PIN, `$1${range}$3`);
await run("cargo", ["update", "--manifest-path", ROOT + MANIFEST]);
replace(MANIFEST, PIN, `$1=${locked().replace(/\+.*/, "")}$3`);
await run("cargo", [
  "update",
  "--manifest-path",
  ROOT + MANIFEST,
  "--package",
  "curl-sys",
]);
const [, libcurl] = /\+curl-([\d.]+)/.exec(locked())!;
replace(GLOBAL, /libcurl\/[\d.]+(?=`;)/, `libcurl/${libcurl}`);
for (const tool of ["gen_tables", "gen_symbols"]) {
  await run(Deno.execPath(), ["run", "-A", `${ROOT}tools/${tool}.ts`]);
}

const after = { version: locked(), names: constants(), calls: functions() };
console.log(`curl-sys ${before.version} → ${after.version}`);
const fresh = [...after.names.keys()].filter((name) => !before.names.has(name));
tell("New names", fresh);
tell(
  "Names that are gone",
  [...before.names.keys()].filter((name) => !after.names.has(name)),
);
tell("New functions", after.calls.difference(before.calls));
tell("Functions that are gone", before.calls.difference(after.calls));
tell(
  "Names without a page of curl's",
  [...after.names].filter(([, doc]) => !doc.includes("https://curl.se/"))
    .map(([name]) => name),
);
console.log(
  "Then: deno task build (which checks every number, and that each patch in\n" +
    "shim/build/patches.rs still applies), deno task ok, and a line in CHANGELOG.md.",
);
