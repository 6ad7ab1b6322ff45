/**
 * What grows in a process while something is done again and again. For one that
 * was started with `--expose-gc`.
 */

import { report } from "../../src/ffi/call.ts";

const { gc } = globalThis as unknown as { gc(): void };

/** What there is of everything that could leak. */
export interface State {
  /** Bytes of memory outside the JavaScript heap. */
  memory: number;
  /** Bytes of what lives in that heap. */
  heap: number;
  /** File descriptors. */
  descriptors: number;
  /** Handles that are alive. */
  handles: number;
}

const SECTIONS = 5;
const MOST_SECTIONS = 15;

/**
 * Does sections of equal work, and gives the least that was added in any: what
 * leaks is added in each, whatever else grows is not.
 *
 * @param work does one section, of so many in all
 * @param noise bytes that a section may add and be flat
 */
export async function leastGrowth(
  work: (sections: number) => Promise<void>,
  noise: number,
): Promise<State> {
  const states: State[] = [];
  const least = (what: keyof State) =>
    Math.min(...states.slice(1).map((now, i) => now[what] - states[i][what]));
  for (;;) {
    await work(SECTIONS);
    gc();
    states.push(state());
    if (states.length < SECTIONS) continue;
    const growth = {
      memory: least("memory"),
      heap: least("heap"),
      descriptors: least("descriptors"),
      handles: least("handles"),
    };
    const isFlat = Math.max(growth.memory, growth.heap) < noise;
    if (isFlat || states.length === MOST_SECTIONS) return growth;
  }
}

/** What there is now. */
export function state(): State {
  const { rss, heapTotal, heapUsed } = Deno.memoryUsage();
  return {
    memory: rss - heapTotal,
    heap: heapUsed,
    descriptors: [...Deno.readDirSync("/proc/self/fd")].length,
    handles: report().split("\n").length,
  };
}
