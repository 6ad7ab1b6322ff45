/**
 * The process under stress, which main.ts starts: bodies and progress meters may
 * go to its standard streams, and whatever it does to itself, main.ts goes on.
 *
 * @module
 */

import { versionInfo } from "../mod.ts";
import {
  leftovers,
  mebibytes,
  memoryProblem,
  problems,
  settledLeftovers,
  threads,
} from "./leftovers.ts";
import { derivedSeed } from "./random.ts";
import { Team, type TeamSettings, type Verdict } from "./team.ts";

/** What main.ts tells the process, as JSON. */
export interface ProcessSettings extends TeamSettings {
  readonly seconds: number;
  /** How often it is done if memory grows: a leak has it grow each time. */
  readonly rounds: number;
  /** Where the result is written. */
  readonly result: string;
}

/** What the process tells main.ts, as JSON. */
export interface ProcessResult {
  readonly calls: number;
  readonly notes: readonly string[];
  readonly problem: Verdict;
}

const REPORT_MS = 3_000;
const WARM_UP_SHARE = 0.2;
const LAST_WALK_MS = 400;

const settings: ProcessSettings = JSON.parse(Deno.args[0]);
const notes: string[] = [];
let calls = 0;

/** One team from its start until nothing is left of it. */
async function phase(
  number: number,
  ms: number,
): Promise<Verdict> {
  const team = new Team({
    ...settings,
    seed: derivedSeed(settings.seed, number),
  });
  const problem = await team.walk(ms);
  calls += team.calls;
  notes.push(`${team.calls} calls; ${team.history}`);
  // A Worker that hangs would not go, and what fails stays to be looked at.
  if (problem === undefined) team.terminate();
  return problem;
}

async function run(): Promise<Verdict> {
  versionInfo();
  const warmUp = settings.seconds * 1000 * WARM_UP_SHARE;
  const before = leftovers();
  let problem = await phase(1, warmUp);
  if (problem !== undefined) return problem;
  let warm = await settledLeftovers(before);
  if (warm.handles !== "") return `live handles when warm:\n${warm.handles}`;
  for (let round = 1;; round++) {
    problem = await phase(round + 1, settings.seconds * 1000 - warmUp);
    if (problem !== undefined) return problem;
    // What the process opens once is open now; what it leaks comes again.
    const after = await settledLeftovers(warm);
    notes.push(
      `left: ${after.stacks} stacks, ${after.threads} threads, ` +
        `${after.polls} polls (${warm.polls} when warm); resident ` +
        `${mebibytes(before)} at first, ${mebibytes(warm)} when warm, ` +
        `${mebibytes(after)} in the end`,
    );
    const left = problems({ ...warm, stacks: before.stacks }, after);
    const grown = memoryProblem(warm, after);
    if (left.length === 0 && grown === undefined) return undefined;
    if (left.length > 0 || round === settings.rounds) {
      return `left behind:\n${[...left, grown ?? []].flat().join("\n")}`;
    }
    warm = after;
  }
}

/** Every handle's state, or that there is no answer. */
function report(): Promise<string> {
  const worker = new Worker(new URL("./reporter.ts", import.meta.url), {
    type: "module",
  });
  return new Promise((resolve) => {
    worker.onmessage = ({ data }) => resolve(data);
    setTimeout(() => resolve("report() hangs, too"), REPORT_MS);
  });
}

const problem = await run();
if (problem !== undefined) {
  notes.push(`every handle:\n${await report()}`);
  notes.push(`every thread:\n${threads()}`);
}
const result: ProcessResult = { calls, notes, problem };
Deno.writeTextFileSync(settings.result, JSON.stringify(result));
if (problem === undefined) {
  // The process must survive its end in the midst of transfers, too.
  await new Team({ ...settings, seed: derivedSeed(settings.seed, 0) })
    .walk(LAST_WALK_MS);
}
Deno.exit(problem === undefined ? 0 : 1);
