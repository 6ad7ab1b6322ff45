/**
 * Runs the Rust tests and the Rust stress with the Rust and the C code built for
 * a sanitizer: `deno task sanitize [address|thread] [--seconds N] [--seed S]`.
 * Any report ends it with a failure.
 *
 * @module
 */

const SHIM = new URL("../shim/", import.meta.url).pathname;
const USAGE =
  "deno task sanitize [address|thread] [--seconds N] [--threads T] [--seed S]";

interface Sanitizer {
  /** For rustc. */
  readonly rustFlags: string;
  /** For cargo. */
  readonly args: readonly string[];
  /** The sanitizer's own settings. */
  readonly env: Readonly<Record<string, string>>;
  /** What it is blind to, for whoever reads the result. */
  readonly blind: string;
}

const SANITIZERS: Readonly<Record<string, Sanitizer>> = {
  address: {
    rustFlags: "-Zsanitizer=address --cfg asan",
    // Coroutines say which stack they are on.
    args: ["--features", "corosensei/sanitizer"],
    env: {
      // Coroutines don't say which stack was their last, so the heap that
      // stands in for it would never be freed, and fill the memory.
      ASAN_OPTIONS: "detect_leaks=1:strict_string_checks=1:" +
        "detect_stack_use_after_return=0",
    },
    blind: "Rust's standard library and assembly are not instrumented.",
  },
  thread: {
    // The standard library, too: where its locks are taken is to be seen.
    rustFlags: "-Zsanitizer=thread --cfg tsan",
    args: ["-Zbuild-std"],
    env: {
      TSAN_OPTIONS: "second_deadlock_stack=1:history_size=4:" +
        `suppressions=${SHIM}tsan.supp`,
    },
    blind: "Assembly is not instrumented.",
  },
};

interface Arguments {
  readonly sanitizers: readonly string[];
  readonly stress: readonly string[];
}

function parse(args: readonly string[]): Arguments {
  const rest = [...args];
  const sanitizers = rest[0] in SANITIZERS
    ? [rest.shift()!]
    : Object.keys(SANITIZERS);
  const stress = new Map([["--seconds", "120"], ["--threads", "4"]]);
  while (rest.length > 0) {
    const [name, value] = rest.splice(0, 2);
    if (!/^--(seconds|threads|seed)$/.test(name) || !/^\d+$/.test(value)) {
      console.error(`Usage: ${USAGE}`);
      Deno.exit(2);
    }
    stress.set(name, value);
  }
  return { sanitizers, stress: [...stress].flat() };
}

async function output(...args: readonly string[]): Promise<string> {
  const { stdout } = await new Deno.Command("rustc", {
    args: [...args],
    stderr: "inherit",
  }).output();
  return new TextDecoder().decode(stdout).trim();
}

/** What `-Zbuild-std` compiles. */
async function hasStandardLibrarySource(): Promise<boolean> {
  const root = await output("--print", "sysroot");
  try {
    Deno.statSync(`${root}/lib/rustlib/src/rust/library/Cargo.lock`);
    return true;
  } catch {
    return false;
  }
}

/** One call of cargo with everything built for a sanitizer. */
async function cargo(
  name: string,
  target: string,
  command: readonly string[],
  after: readonly string[] = [],
): Promise<boolean> {
  const { rustFlags, args, env } = SANITIZERS[name];
  const flags = `-fsanitize=${name} -fno-omit-frame-pointer -g1`;
  const { success, signal } = await new Deno.Command("cargo", {
    args: [
      ...command,
      "--release",
      "--locked",
      "--manifest-path",
      `${SHIM}Cargo.toml`,
      // With a target named, build scripts and macros stay as they are.
      "--target",
      target,
      "--target-dir",
      `${SHIM}target/${name[0]}san`,
      ...args,
      ...after,
    ],
    env: {
      ...env,
      CARGO_PROFILE_RELEASE_DEBUG: "line-tables-only",
      CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS: "true",
      CARGO_PROFILE_RELEASE_STRIP: "none",
      CFLAGS: flags,
      CXXFLAGS: flags,
      RUSTFLAGS: `${rustFlags} -Cforce-frame-pointers=yes`,
      // A stable toolchain has the sanitizers, but not the flags.
      RUSTC_BOOTSTRAP: "1",
    },
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  if (signal !== null) console.error(`Ended by ${signal}`);
  return success;
}

async function run({ sanitizers, stress }: Arguments): Promise<boolean> {
  const target = await output("--print", "host-tuple");
  if (sanitizers.includes("thread") && !await hasStandardLibrarySource()) {
    console.error(
      "The thread sanitizer needs the standard library's source: " +
        "rustup component add rust-src",
    );
    return false;
  }
  for (const name of sanitizers) {
    console.error(`Tests and stress with the ${name} sanitizer`);
    console.error(SANITIZERS[name].blind);
    const passed = await cargo(name, target, ["test", "--tests"]) &&
      await cargo(name, target, ["run", "--example", "stress"], [
        "--",
        ...stress,
      ]);
    console.error(
      `The ${name} sanitizer ${passed ? "has nothing to report" : "objects"}`,
    );
    if (!passed) return false;
  }
  return true;
}

Deno.exitCode = await run(parse(Deno.args)) ? 0 : 1;
