/**
 * Writes generated files, or tells which of them are out of date.
 *
 * @module
 */

import { filePath } from "../../src/file_path.ts";

/** A formatter that reads standard input. */
export interface Formatter {
  readonly command: string;
  readonly args: readonly string[];
}

/** `deno fmt` for TypeScript. */
export const DENO_FMT: Formatter = {
  command: Deno.execPath(),
  args: ["fmt", "--no-config", "--ext", "ts", "-"],
};

/** `rustfmt` for the crate's edition. */
export const RUSTFMT: Formatter = {
  command: "rustfmt",
  args: ["--edition", "2024", "--emit", "stdout"],
};

/** A file to generate. */
export interface Output {
  /** From the repository's root. */
  readonly path: string;
  readonly text: string;
  readonly formatter?: Formatter;
}

/** The repository's root, as a path with a slash at its end. */
export const ROOT: string = filePath(new URL("../../", import.meta.url));

/** Runs a command; throws its error text if it fails. */
export async function run(
  command: string,
  args: readonly string[],
  input = "",
): Promise<string> {
  const child = new Deno.Command(command, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const written = writer.write(new TextEncoder().encode(input))
    .then(() => writer.close());
  const { success, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  if (!success) {
    throw new Error(`${command} failed: ${decoder.decode(stderr)}`);
  }
  await written;
  return decoder.decode(stdout);
}

async function current(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(ROOT + path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/**
 * Writes what has changed. With `check` nothing is written, and the process
 * ends with 1 if something would have been.
 */
export async function write(
  outputs: readonly Output[],
  { check }: { check: boolean },
): Promise<void> {
  const stale: string[] = [];
  for (const { path, text, formatter } of outputs) {
    const formatted = formatter === undefined
      ? text
      : await run(formatter.command, formatter.args, text);
    if (await current(path) === formatted) continue;
    stale.push(path);
    if (!check) await Deno.writeTextFile(ROOT + path, formatted);
  }
  for (const path of stale) {
    console.log(check ? `Out of date: ${path}` : `Written: ${path}`);
  }
  if (check && stale.length > 0) Deno.exit(1);
}
