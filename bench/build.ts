/** Finds or builds what the peers need. */

import { ownPlatform } from "../tools/npm/platforms.ts";
import { makeJsrPackage } from "../tools/jsr_package.ts";
import { RELEASE } from "../src/ffi/release.ts";

const SHIM = new URL("../shim/", import.meta.url).pathname;
const OUT = `${SHIM}target/bench`;
const C = new URL("c/", import.meta.url).pathname;

/** The part of cargo's JSON messages that is read here. */
interface Message {
  reason: string;
  out_dir?: string;
  executable?: string | null;
  filenames?: string[];
  target?: { name: string };
}

async function output(program: string, args: string[]): Promise<string> {
  const { success, stdout } = await new Deno.Command(program, {
    args,
    stdin: "null",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`${program} ${args.join(" ")} failed`);
  return new TextDecoder().decode(stdout).trim();
}

/** Cargo reports its progress on stderr, and what it made on stdout. */
async function cargo(args: string[]): Promise<Message[]> {
  const [command, ...rest] = args;
  const lines = await output("cargo", [
    command,
    "--release",
    "--locked",
    "--manifest-path",
    `${SHIM}Cargo.toml`,
    "--message-format=json-render-diagnostics",
    ...rest,
  ]);
  return lines.split("\n").map((line) => JSON.parse(line));
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

async function cc(
  name: string,
  sources: string[],
  args: string[] = [],
): Promise<string> {
  Deno.mkdirSync(OUT, { recursive: true });
  const program = `${OUT}/${name}`;
  await output("cc", [
    "-O2",
    "-Wall",
    "-Wextra",
    ...sources.map((source) => C + source),
    ...args,
    "-o",
    program,
  ]);
  return program;
}

/**
 * Links the C program with the very objects that the shared library holds: the
 * same crate as an archive, and the headers its build script wrote.
 */
export async function buildC(): Promise<string> {
  const messages = await cargo([
    "rustc",
    "--lib",
    "--crate-type",
    "staticlib",
  ]);
  const includes = messages
    .filter((message) => message.reason === "build-script-executed")
    .map((message) => `${message.out_dir}/include`)
    .find((folder) => exists(`${folder}/curl/curl.h`));
  const archive = messages
    .flatMap((message) => message.filenames ?? [])
    .find((file) => file.endsWith("/libdenocurl.a"));
  if (includes === undefined || archive === undefined) {
    throw new Error("cargo named no libdenocurl.a, or no curl headers");
  }
  return await cc("bench", ["bench.c", "common.c", "multi.c"], [
    "-DCURL_STATICLIB",
    `-I${includes}`,
    archive,
    "-lpthread",
    "-ldl",
    "-lm",
  ]);
}

/** Builds the server for what nginx can't do. */
export function buildServer(): Promise<string> {
  return cc("server", ["server.c"]);
}

/** Builds the program that calls the share's lock callbacks. */
export async function buildLocks(): Promise<string> {
  const messages = await cargo(["build", "--example", "bench_lock"]);
  const program = messages.find((message) =>
    message.target?.name === "bench_lock" && message.executable
  )?.executable;
  if (!program) throw new Error("cargo named no bench_lock");
  return program;
}

/**
 * Packs the module as programs get it from JSR, with the local library; gives a
 * configuration that has it by its name.
 */
export async function packModule(): Promise<string> {
  const folder = `${OUT}/module`;
  Deno.mkdirSync(folder, { recursive: true });
  await makeJsrPackage(`${folder}/jsr`);
  const { name: platform } = ownPlatform();
  const url = `file://${SHIM}target/release/libdenocurl.so`;
  const native = JSON.stringify({ platform, name: platform, url });
  Deno.writeTextFileSync(`${folder}/native.js`, `export default ${native};`);
  const imports = {
    "@denocurl/curl": "./jsr/mod.js",
    [`npm:@denocurl/native@${RELEASE}`]: "./native.js",
  };
  const config = `${folder}/deno.json`;
  Deno.writeTextFileSync(config, JSON.stringify({ imports }));
  return config;
}

async function hasPycurl(python: string): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(python, {
      args: ["-c", "import pycurl"],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch {
    return false;
  }
}

/** A Python that can import pycurl: the system's, or one made for this. */
export async function findPycurl(): Promise<string | null> {
  if (await hasPycurl("python3")) return "python3";
  const folder = `${OUT}/venv`;
  const python = `${folder}/bin/python`;
  if (await hasPycurl(python)) return python;
  try {
    await output("python3", ["-m", "venv", folder]);
    await output(python, ["-m", "pip", "install", "--quiet", "pycurl"]);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return null;
  }
  return await hasPycurl(python) ? python : null;
}
