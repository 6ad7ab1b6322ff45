/**
 * Everything that must pass before a commit: `deno task ok`. Stops at the
 * first step that fails, and shows what that said.
 *
 * @module
 */

const ROOT = new URL("../", import.meta.url);
const CARGO = ["--release", "--locked", "--manifest-path", "shim/Cargo.toml"];
const DOCUMENTS = ["mod.ts", "src/", "README.md", "docs/"];

const deno = (...args: string[]) => [Deno.execPath(), ...args];

/** What to run, the quick steps first. */
const STEPS: readonly (readonly string[])[] = [
  deno("fmt", "--check"),
  ["cargo", "fmt", "--check", "--manifest-path", "shim/Cargo.toml"],
  ["cargo", "fmt", "--check", "--manifest-path", "shim/loom/Cargo.toml"],
  deno("run", "-A", "tools/gen_tables.ts", "--check"),
  deno("run", "-A", "tools/gen_symbols.ts", "--check"),
  deno("run", "-A", "tools/gen_porting.ts", "--check"),
  deno("check"),
  deno("lint"),
  deno("doc", "--lint", "mod.ts"),
  deno("publish", "--dry-run", "--allow-dirty"),
  deno("task", "build"),
  deno("run", "-A", "tools/check_platforms.ts"),
  ["cargo", "clippy", "--all-targets", ...CARGO, "--", "-D", "warnings"],
  ["cargo", "test", "--quiet", ...CARGO],
  deno("task", "loom"),
  deno("test", "-A"),
  deno("test", "--allow-ffi"),
  deno("test", "-A", "--doc", ...DOCUMENTS),
];

function nameOf([program, ...args]: readonly string[]): string {
  return [program === Deno.execPath() ? "deno" : program, ...args].join(" ");
}

function elapsed(since: number): string {
  const seconds = (performance.now() - since) / 1000;
  return `${seconds.toFixed(1)} s`.padStart(7);
}

/** Runs a step; what it said if it failed. */
async function failureOf(
  [program, ...args]: readonly string[],
): Promise<string | undefined> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd: ROOT,
    stdin: "null",
  }).output();
  if (success) return undefined;
  const decoder = new TextDecoder();
  return decoder.decode(stdout) + decoder.decode(stderr);
}

const start = performance.now();
for (const step of STEPS) {
  const began = performance.now();
  const failure = await failureOf(step);
  const sign = failure === undefined ? "ok" : "FAILED";
  console.log(`${elapsed(began)} ${sign} ${nameOf(step)}`);
  if (failure !== undefined) {
    console.error(`\n${failure}`);
    Deno.exit(1);
  }
}
console.log(`${elapsed(start)} all is well`);
