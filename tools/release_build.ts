/**
 * Builds the native library as it is released, into `dist/lib/PLATFORM/`:
 * on Linux with zig's linker, which links with an old glibc wherever it runs,
 * and for each processor and libc; elsewhere for that machine only, on Windows
 * with clang-cl.
 *
 * Run it as `deno run -A tools/release_build.ts [PLATFORM…]`; without a name it
 * is this machine's.
 *
 * @module
 */

import { RELEASE } from "../src/ffi/release.ts";
import {
  elfProblemsOf,
  GLIBC,
  peProblemsOf,
  problemsOf,
} from "./npm/library_file.ts";
import { ownPlatform, type Platform, platformNamed } from "./npm/platforms.ts";
import { ROOT } from "./tables/output.ts";

const TARGET_DIR = `${ROOT}shim/target/release-build`;

/** Of its own accord, Rust makes no shared library with musl. */
const MUSL = { RUSTFLAGS: "-C target-feature=-crt-static" };
/**
 * Windows does not come with the compiler's own libraries; and Microsoft's takes
 * `char` for `signed char` where ngtcp2 and nghttp3 tell them apart.
 */
const WINDOWS = {
  RUSTFLAGS: "-C target-feature=+crt-static",
  CC_x86_64_pc_windows_msvc: "clang-cl",
  CXX_x86_64_pc_windows_msvc: "clang-cl",
};

/** What is to be run for a platform, and the changes of the environment. */
function cargo(platform: Platform) {
  const { os, libc, target } = platform;
  const isLinux = os === "linux";
  return {
    args: [
      isLinux ? "zigbuild" : "build",
      "--release",
      "--locked",
      "--lib",
      "--manifest-path",
      `${ROOT}shim/Cargo.toml`,
      "--target-dir",
      TARGET_DIR,
      "--target",
      libc === "glibc" ? `${target}.${GLIBC}` : target,
    ],
    env: environment(platform),
  };
}

function environment({ os, libc }: Platform): Record<string, string> {
  if (os === "win32") return WINDOWS;
  return libc === "musl" ? MUSL : {};
}

/** What may be missing. */
function need({ os, target }: Platform): string {
  switch (os) {
    case "linux":
      return `; it needs \`rustup target add ${target}\` ` +
        "and `pip install ziglang cargo-zigbuild`";
    case "win32":
      return "; it needs clang-cl, which comes with LLVM";
    default:
      return "";
  }
}

async function build(platform: Platform): Promise<string> {
  const { name, os, target, file } = platform;
  const { args, env } = cargo(platform);
  const { success } = await new Deno.Command("cargo", { args, env }).spawn()
    .status;
  if (!success) {
    throw new Error(`${name} was not built${need(platform)}`);
  }
  const built = `${TARGET_DIR}/${target}/release/${file}`;
  const bytes = await Deno.readFile(built);
  const problems = problemsOf(bytes, platform, RELEASE);
  if (os === "linux") problems.push(...elfProblemsOf(bytes, platform));
  if (os === "win32") problems.push(...peProblemsOf(bytes));
  if (problems.length > 0) {
    throw new Error(`${built} can't be released: ${problems.join(", ")}`);
  }
  const folder = `${ROOT}dist/lib/${name}`;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.copyFile(built, `${folder}/${file}`);
  return `${folder}/${file}`;
}

const platforms = Deno.args.length > 0
  ? Deno.args.map(platformNamed)
  : [ownPlatform()];
for (const platform of platforms) console.log(await build(platform));
