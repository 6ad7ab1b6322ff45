/** `deno task bench`: lets the peers take turns and compares them. */

import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import type { Benchmark } from "./benchmark.ts";
import { benchmarks, NAMES } from "./benchmarks.ts";
import {
  buildC,
  buildLocks,
  buildServer,
  findPycurl,
  packModule,
} from "./build.ts";
import { describe } from "./machine.ts";
import { drawResults } from "./picture.ts";
import { list, section } from "./report.ts";
import { runBenchmark } from "./run.ts";
import { startServer } from "./server.ts";

const ROUNDS = 9;
const USAGE = `deno task bench [--only ${NAMES.join("|")}]
  [--rounds ${ROUNDS}] [--seconds 1] [--peers ours,C,…]`;

function readOptions() {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      only: { type: "string" },
      peers: { type: "string" },
      rounds: { type: "string" },
      seconds: { type: "string", default: "1" },
    },
  });
  const { only, peers } = values;
  const rounds = values.rounds === undefined
    ? undefined
    : Number(values.rounds);
  const seconds = Number(values.seconds);
  if (
    (only !== undefined && !NAMES.includes(only)) ||
    !(rounds === undefined || Number.isInteger(rounds) && rounds > 0) ||
    !(seconds > 0)
  ) {
    throw new RangeError(`Cannot read the options: ${USAGE}`);
  }
  return { only, peers: peers?.split(","), rounds, seconds };
}

const options = readOptions();
const chosen = (name: string) => (options.only ?? name) === name;

/** Leaves out what is not asked for, or cannot be told apart here. */
function wanted(all: Benchmark[]): Benchmark[] {
  return all
    .filter(({ name, place }) =>
      chosen(name) && (place !== "two cores" || availableParallelism() > 1)
    )
    .map((benchmark) => ({
      ...benchmark,
      turns: benchmark.turns.filter(({ peer }) =>
        options.peers?.includes(peer) ?? true
      ),
    }));
}

const c = await buildC();
const packed = await packModule();
const locks = chosen("locks") ? await buildLocks() : null;
const python = await findPycurl();
const machine = await describe(c, python);
console.log(list(machine));

await using server = await startServer(await buildServer());
const { urls } = server;
const { seconds } = options;
const sections: string[] = [];
for (
  const benchmark of wanted(
    benchmarks({ urls, seconds, packed, c, locks, python }),
  )
) {
  const rounds = Math.max(
    options.rounds ?? benchmark.rounds ?? ROUNDS,
    benchmark.minRounds ?? 0,
  );
  const results = await runBenchmark(
    benchmark,
    rounds,
    availableParallelism(),
    server,
  );
  const text = section(benchmark, results);
  console.log(`\n${text}`);
  sections.push(text);
}

if (options.only === undefined && options.peers === undefined) {
  const head = "# Benchmark results\n\nWritten by `deno task bench`. " +
    "Medians of the rounds, with the quartiles in\nbrackets; × is the " +
    "median of the ratios of each round.";
  Deno.writeTextFileSync(
    new URL("results.md", import.meta.url),
    [head, list(machine), ...sections].join("\n\n") + "\n",
  );
  drawResults();
}
