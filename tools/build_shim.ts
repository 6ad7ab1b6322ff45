/**
 * Builds the native library, and shows how far that is: `deno task build`.
 *
 * @module
 */

import { Status } from "./build_status.ts";
import { ROOT } from "./tables/output.ts";

const SHIM = `${ROOT}shim/`;
const POLL_MS = 200;

/** The part of cargo's JSON messages that is read here. */
interface Message {
  reason: string;
  fresh?: boolean;
  filenames?: string[];
  package_id?: string;
  target?: { name: string; kind: string[] };
}

/** What cargo has told, apart from the steps. */
interface Outcome {
  success: boolean;
  library?: { path: string; fresh: boolean };
  /** Warnings and errors. */
  diagnostics: string[];
}

async function* linesOf(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== "") yield rest;
}

/** Turns what cargo and the build script say into steps. */
class Steps {
  readonly #status: Status;
  readonly #file: string;
  /** From here on the C libraries are what takes the time. */
  #compilesC = false;

  constructor(status: Status, file: string) {
    this.#status = status;
    this.#file = file;
  }

  /** A line of cargo's; false if it is a part of a warning or an error. */
  line(line: string): boolean {
    const [, verb, rest] = /^ *([A-Z][a-z]+) (.*)$/.exec(line) ?? [];
    switch (verb) {
      case "Blocking":
        this.#status.step("waiting for another build");
        return true;
      case "Compiling":
        if (!this.#compilesC) this.#crate(rest);
        return true;
      case "Downloading":
      case "Updating":
        this.#status.step("downloading crates");
        return true;
      case "Downloaded":
      case "Finished":
      case "Locking":
        return true;
      default:
        return false;
    }
  }

  message({ reason, fresh, package_id, target }: Message): void {
    const builder = reason === "compiler-artifact" &&
      target?.kind.includes("custom-build");
    if (builder && !fresh && package_id?.includes("aws-lc-sys")) {
      this.#compilesC = true;
      this.#status.step("compiling libcrypto");
    }
  }

  /** The build script writes down what it is at, a line each. */
  poll(): void {
    const line = Deno.readTextFileSync(this.#file).trim().split("\n").pop();
    if (!line) return;
    this.#compilesC = true;
    this.#status.step(line);
  }

  #crate(nameAndVersion: string): void {
    this.#status.step("compiling crates", nameAndVersion.split(" ")[0]);
  }
}

async function build(status: Status): Promise<Outcome> {
  const file = Deno.makeTempFileSync({ prefix: "denocurl-" });
  const steps = new Steps(status, file);
  const outcome: Outcome = { success: false, diagnostics: [] };
  const timer = setInterval(() => steps.poll(), POLL_MS);
  try {
    const cargo = new Deno.Command("cargo", {
      args: [
        "build",
        "--release",
        "--locked",
        "--manifest-path",
        `${SHIM}Cargo.toml`,
        // Where the loader looks, whatever CARGO_TARGET_DIR says.
        "--target-dir",
        `${SHIM}target`,
        "--message-format",
        "json-render-diagnostics",
      ],
      env: { DENOCURL_PROGRESS: file },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const said = (async () => {
      for await (const line of linesOf(cargo.stderr)) {
        if (!steps.line(line)) outcome.diagnostics.push(line);
      }
    })();
    for await (const line of linesOf(cargo.stdout)) {
      const message: Message = JSON.parse(line);
      steps.message(message);
      outcome.library = libraryOf(message) ?? outcome.library;
    }
    await said;
    outcome.success = (await cargo.status).success;
    return outcome;
  } finally {
    clearInterval(timer);
    Deno.removeSync(file);
  }
}

function libraryOf({ filenames, fresh, target }: Message): Outcome["library"] {
  if (target?.name !== "denocurl" || !target.kind.includes("cdylib")) return;
  const path = filenames?.find((name) => /\.(so|dylib|dll)$/.test(name));
  return path === undefined ? undefined : { path, fresh: fresh ?? false };
}

/** Such as `libcurl 8.22.0`, by the crate that brings its source. */
function title(): string {
  const lock = Deno.readTextFileSync(`${SHIM}Cargo.lock`);
  return `libcurl ${/\+curl-([0-9.]+)/.exec(lock)?.[1] ?? ""}`.trim();
}

async function main(): Promise<number> {
  const name = title();
  const status = new Status(name);
  let outcome: Outcome;
  try {
    using _line = status;
    outcome = await build(status);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.error(
      `${name} cannot be built: there is no cargo; see https://rustup.rs`,
    );
    return 1;
  }
  const { success, library, diagnostics } = outcome;
  if (diagnostics.length > 0) console.error(diagnostics.join("\n"));
  if (!success || library === undefined) {
    console.error(`${name} was not built [${status.elapsed}]`);
    return 1;
  }
  const path = library.path.replace(ROOT, "");
  console.error(
    library.fresh
      ? `${name} is up to date: ${path}`
      : `${name} built in ${status.elapsed}: ${path}`,
  );
  return 0;
}

Deno.exitCode = await main();
