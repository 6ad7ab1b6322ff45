import type { Benchmark, Place, Turn } from "./benchmark.ts";
import type { Server } from "./server.ts";

/** What each peer measured: peer → key → a value per round. */
export type Results = Map<string, Map<string, number[]>>;

/** The cores to keep the server and the peers on, or null for any. */
interface Cores {
  server: string;
  peer: string | null;
}

function coresFor(place: Place, count: number): Cores {
  const last = String(count - 1);
  switch (place) {
    case "one core":
      return { server: last, peer: last };
    case "two cores":
      return { server: last, peer: `0-${count - 2}` };
    case "anywhere":
      return { server: `0-${count - 1}`, peer: null };
  }
}

/** No turn takes nearly as long, so one that does hangs. */
const LIMIT_MS = 120_000;

async function run(command: string[]): Promise<string> {
  const [program, ...args] = command;
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args,
    stdin: "null",
    signal: AbortSignal.timeout(LIMIT_MS),
  }).output();
  const decoder = new TextDecoder();
  if (!success) {
    throw new Error(`${command.join(" ")} failed\n${decoder.decode(stderr)}`);
  }
  return decoder.decode(stdout);
}

async function takeTurn(
  { command }: Turn,
  peerCores: string | null,
  server: Server,
): Promise<Record<string, number>> {
  const cpuBefore = server.cpu();
  const start = performance.now();
  const text = await run(
    peerCores === null ? command : ["taskset", "-c", peerCores, ...command],
  );
  const wall = performance.now() - start;
  const result: Record<string, number> = text === "" ? {} : JSON.parse(text);
  if (result.elapsed !== undefined) {
    result.busy = (server.cpu() - cpuBefore) / result.elapsed;
  }
  return { ...result, wall };
}

/** Lets the peers take turns, so that noise meets all of them alike. */
export async function runBenchmark(
  benchmark: Benchmark,
  rounds: number,
  cores: number,
  server: Server,
): Promise<Results> {
  const place = coresFor(benchmark.place, cores);
  for (const pid of server.pids) {
    await run(["taskset", "-pc", place.server, String(pid)]);
  }
  const results: Results = new Map();
  for (const { peer } of benchmark.turns) results.set(peer, new Map());
  for (let round = 1; round <= rounds; round++) {
    console.error(`${benchmark.title}: round ${round} of ${rounds}`);
    for (const turn of benchmark.turns) {
      const result = await takeTurn(turn, place.peer, server);
      const kept = results.get(turn.peer)!;
      for (const [key, value] of Object.entries(result)) {
        const values = kept.get(key);
        if (values === undefined) kept.set(key, [value]);
        else values.push(value);
      }
    }
  }
  return results;
}
