/**
 * Runs the Rust tests with C and Rust built for a sanitizer:
 * `deno task sanitize [address|thread] [arguments of cargo test]`.
 *
 * @module
 */

const SHIM = new URL("../shim/", import.meta.url).pathname;

/** For each sanitizer, what rustc is told. */
const SANITIZERS: Record<string, string> = {
  address: "-Zsanitizer=address",
  // The standard library's code stays as it is: this sanitizer sees less then,
  // but takes its calls for what they are.
  thread: "-Zsanitizer=thread --cfg tsan " +
    "-Cunsafe-allow-abi-mismatch=sanitizer",
};

/** The target's name: with one given, the build scripts stay as they are. */
async function hostTarget(): Promise<string> {
  const { stdout } = await new Deno.Command("rustc", {
    args: ["--print", "host-tuple"],
    stderr: "inherit",
  }).output();
  return new TextDecoder().decode(stdout).trim();
}

async function runTests(
  sanitizer: string,
  target: string,
  args: string[],
): Promise<boolean> {
  const flag = `-fsanitize=${sanitizer} -fno-omit-frame-pointer -g1`;
  console.error(`The Rust tests with the ${sanitizer} sanitizer`);
  const { success } = await new Deno.Command("cargo", {
    args: [
      "test",
      "--release",
      "--locked",
      "--manifest-path",
      `${SHIM}Cargo.toml`,
      "--target",
      target,
      "--target-dir",
      `${SHIM}target/${sanitizer}`,
      ...args,
    ],
    env: {
      CARGO_PROFILE_RELEASE_DEBUG: "line-tables-only",
      CARGO_PROFILE_RELEASE_STRIP: "none",
      CFLAGS: flag,
      CXXFLAGS: flag,
      RUSTFLAGS: SANITIZERS[sanitizer],
      // A stable toolchain has the sanitizers, but not the flag.
      RUSTC_BOOTSTRAP: "1",
      TSAN_OPTIONS: `suppressions=${SHIM}tsan.supp`,
    },
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  return success;
}

const [first, ...rest] = Deno.args;
const isNamed = first in SANITIZERS;
const chosen = isNamed ? [first] : Object.keys(SANITIZERS);
const given = isNamed ? rest : Deno.args;
const args = given.length > 0 ? given : ["--tests"];
const target = await hostTarget();
for (const sanitizer of chosen) {
  if (!await runTests(sanitizer, target, args)) Deno.exit(1);
}
