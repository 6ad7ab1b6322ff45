/**
 * Checks the types of the Rust part for every platform that is released, where
 * its target is installed (`rustup target add`). No C compiler is needed: cargo
 * is told what the build scripts would say.
 *
 * Run it as `deno run -A tools/check_platforms.ts [TARGET…]`; without a target
 * it is all of them but this machine's.
 *
 * @module
 */

import { PLATFORMS } from "./npm/platforms.ts";
import { ROOT, run } from "./tables/output.ts";

/** The name that aws-lc-sys links by has its version in it. */
function awsLc(): string {
  const manifest = Deno.readTextFileSync(`${ROOT}shim/Cargo.toml`);
  const version = /^aws-lc-sys = "=([\d.]+)"$/m.exec(manifest)?.[1];
  if (version === undefined) throw new Error("The crate pins no aws-lc-sys");
  return `aws_lc_${version.replaceAll(".", "_")}`;
}

async function isInstalled(target: string): Promise<boolean> {
  const args = ["--print", "target-libdir", "--target", target];
  try {
    return (await Deno.stat((await run("rustc", args)).trim())).isDirectory;
  } catch {
    return false;
  }
}

/** The arguments that have a target checked without its build scripts. */
function argumentsFor(target: string): string[] {
  // It chooses its declarations by the target's name.
  const name = target.replaceAll("-", "_");
  const settings = [
    "denocurl.rustc-cfg=[]",
    `${awsLc()}.rustc-cfg=["${name}"]`,
    // With musl, only the second makes a shared library.
    'rustflags=["-Dwarnings", "-Ctarget-feature=-crt-static"]',
  ];
  return [
    "--target",
    target,
    ...settings.flatMap((it) => ["--config", `target.${target}.${it}`]),
  ];
}

const others = PLATFORMS.map(({ target }) => target).filter((target) =>
  target !== Deno.build.target
);
const asked = Deno.args.length > 0 ? Deno.args : others;
const installed: string[] = [];
for (const target of asked) {
  if (await isInstalled(target)) installed.push(target);
  else console.log(`${target} is not checked: it is not installed`);
}
if (installed.length > 0) {
  const args = [
    "check",
    "--lib",
    "--keep-going",
    "--locked",
    "--manifest-path",
    `${ROOT}shim/Cargo.toml`,
    "--target-dir",
    `${ROOT}shim/target/platforms`,
    ...installed.flatMap(argumentsFor),
  ];
  const { code } = await new Deno.Command("cargo", { args }).spawn().status;
  if (code !== 0) Deno.exit(code);
  for (const target of installed) console.log(`${target} is well`);
}
