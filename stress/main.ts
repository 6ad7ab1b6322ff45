/**
 * `deno task stress [--seconds N] [--workers W] [--seed S]`: Workers in random
 * walks over handles and shares that all of them use, in legal and illegal
 * calls. The last line says whether every call came to what it may, nothing
 * hung, and nothing is left behind.
 *
 * @module
 */

import { Authority } from "../tools/certificates.ts";
import { makeBody } from "./body.ts";
import type { ProcessResult, ProcessSettings } from "./process.ts";
import { FILES } from "./settings.ts";
import type { Site } from "./walk.ts";

const USAGE = "deno task stress [--seconds N] [--workers W] [--seed S]";
/** What grows for another reason than a leak does not grow so often. */
const ROUNDS = 3;
/** How long the process may take beyond its seconds. */
const GRACE_MS = 90_000;
/** How much is kept of what the process says. */
const TAIL = 8_000;
const METER = /^(\s*\d+\s.*|\s*% Total.*|\s*Dload.*|\s*)$/;

interface Arguments {
  seconds: number;
  workers: number;
  seed: number;
}

function parse(args: readonly string[]): Arguments {
  const found: Arguments = {
    seconds: 60,
    workers: 8,
    seed: crypto.getRandomValues(new Uint32Array(1))[0],
  };
  for (let index = 0; index < args.length; index += 2) {
    const name = args[index].replace(/^--/, "");
    const value = Number(args[index + 1]);
    if (!(name in found) || !Number.isSafeInteger(value) || value < 0) {
      console.error(`Usage: ${USAGE}`);
      Deno.exit(2);
    }
    found[name as keyof Arguments] = value;
  }
  return found;
}

/** The files of file:// URLs and of the server. */
async function fill(folder: string): Promise<void> {
  const authority = await Authority.create();
  const other = await Authority.create("Another authority");
  const { cert, key } = await authority.issue();
  Deno.writeTextFileSync(`${folder}/ca.pem`, authority.cert);
  Deno.writeTextFileSync(`${folder}/other.pem`, other.cert);
  Deno.writeTextFileSync(`${folder}/server.crt`, cert);
  Deno.writeTextFileSync(`${folder}/server.key`, key);
  for (const shape of FILES) {
    const path = `${folder}/body-${shape.length}-${shape.seed}`;
    Deno.writeFileSync(path, makeBody(shape));
  }
}

function script(name: string): string {
  return new URL(name, import.meta.url).pathname;
}

/** Starts the server, which lives as long as its standard input. */
async function serve(folder: string): Promise<Site> {
  const server = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", script("server.ts"), folder],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  server.unref();
  const reader = server.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  const { port, securePort } = JSON.parse(value!);
  return {
    http: `http://127.0.0.1:${port}`,
    https: `https://127.0.0.1:${securePort}`,
    folder,
  };
}

/** Runs the process under stress; says what went wrong. */
async function run(settings: ProcessSettings): Promise<ProcessResult> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--v8-flags=--expose-gc",
      script("process.ts"),
      JSON.stringify(settings),
    ],
    // A proxy would not know this machine's server.
    env: {
      no_proxy: "*",
      // Far quicker to read than the system's.
      SSL_CERT_FILE: `${settings.site.folder}/ca.pem`,
    },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill("SIGKILL");
  }, settings.seconds * settings.rounds * 1000 + GRACE_MS);
  const said = await tail(child.stderr);
  const { success, code, signal } = await child.status;
  clearTimeout(timer);
  const { calls, notes, problem } = readResult(settings.result);
  const end = isLate
    ? "the process did not end"
    : signal
    ? `the process died of ${signal}`
    : `the process ended with ${code}`;
  return success || problem !== undefined
    ? { calls, notes, problem }
    : { calls, notes: [...notes, said], problem: end };
}

/** The last of what a process says, without libcurl's progress meters. */
async function tail(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const piece of stream.pipeThrough(new TextDecoderStream())) {
    const lines = piece.split(/[\r\n]+/);
    const said = lines.filter((line) => !METER.test(line));
    text = (text + said.join("\n")).slice(-TAIL);
  }
  return text;
}

function readResult(path: string): ProcessResult {
  try {
    return JSON.parse(Deno.readTextFileSync(path));
  } catch {
    // It did not come so far.
    return { calls: 0, notes: [], problem: undefined };
  }
}

const { seconds, workers, seed } = parse(Deno.args);
const folder = await Deno.makeTempDir({ prefix: "denocurl-stress-" });
let outcome: ProcessResult;
try {
  await fill(folder);
  const site = await serve(folder);
  console.log(`${workers} Workers for ${seconds} s, seed ${seed}`);
  const result = `${folder}/result.json`;
  outcome = await run({
    seconds,
    rounds: ROUNDS,
    workers,
    seed,
    site,
    result,
  });
} finally {
  Deno.removeSync(folder, { recursive: true });
}
const { calls, notes, problem } = outcome;
for (const note of notes) console.log(note);
if (problem !== undefined) console.log(problem);
const verdict = problem === undefined ? "passed" : "failed";
console.log(`stress: ${verdict}, ${calls} calls in ${seconds} s, seed ${seed}`);
Deno.exit(problem === undefined ? 0 : 1);
