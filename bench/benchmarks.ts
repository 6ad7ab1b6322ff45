/** What is measured, by whom, and what is aimed at. */

/** A number that every turn of a benchmark reports under `key`. */
export interface Measure {
  key: string;
  title: string;
  /** The peer that others are divided by in the table. */
  base?: string;
}

/** `peer`'s `key`, divided by that of `against` where it is given. */
export interface Target {
  key: string;
  peer: string;
  against?: string;
  atLeast?: number;
  atMost?: number;
  /** What to print in place of a number with a unit. */
  unit?: string;
}

/** Where the server runs, seen from the peer. */
export type Place = "one core" | "two cores" | "anywhere";

export interface Turn {
  peer: string;
  command: string[];
}

export interface Benchmark {
  name: string;
  title: string;
  place: Place;
  /** Fewer rounds would say too little. */
  minRounds?: number;
  measures: Measure[];
  targets: Target[];
  turns: Turn[];
}

export interface Setup {
  small: string;
  large: string;
  seconds: number;
  /** The C program. */
  c: string;
  /** The program for the locks, or null if it is not to be measured. */
  locks: string | null;
  /** A Python with pycurl, or null if there is none. */
  python: string | null;
}

const OURS = "ours";
const BYTES = "ours, performBytesSync";
const C = "C";
const THREADED = "C, a second thread";
const PYCURL = "PycURL";
const FETCH = "fetch";

const CALLS = 1_000_000;
const LOCKS = 20_000_000;

function deno(script: string): string[] {
  const path = new URL(script, import.meta.url).pathname;
  return [Deno.execPath(), "run", "-A", "--no-check", "--cached-only", path];
}

function pycurl(setup: Setup, ...args: string[]): Turn[] {
  if (setup.python === null) return [];
  const path = new URL("pycurl_bench.py", import.meta.url).pathname;
  return [{ peer: PYCURL, command: [setup.python, path, ...args] }];
}

function gets(setup: Setup, place: Place): Benchmark {
  const args = [setup.small, String(setup.seconds)];
  return {
    name: "get",
    title: `GET of 1 KiB, one after another, kept alive, ${place}`,
    place,
    measures: [
      { key: "get", title: "requests/s", base: C },
      { key: "getCpu", title: "CPU µs/request" },
      { key: "busy", title: "server busy" },
    ],
    targets: [{ key: "get", peer: OURS, against: C, atLeast: 0.95 }],
    turns: [
      { peer: OURS, command: [...deno("ours.ts"), "get", ...args] },
      { peer: BYTES, command: [...deno("ours.ts"), "getBytes", ...args] },
      { peer: C, command: [setup.c, "get", ...args] },
      { peer: THREADED, command: [setup.c, "getThreaded", ...args] },
      ...pycurl(setup, "get", ...args),
      { peer: FETCH, command: [...deno("fetch.ts"), "get", ...args] },
    ],
  };
}

function downloads(setup: Setup, place: Place): Benchmark {
  const args = ["download", setup.large, setup.small];
  return {
    name: "download",
    title: `Download of 1 GiB, counted by WRITEFUNCTION, ${place}`,
    place,
    measures: [
      { key: "download", title: "GB/s", base: C },
      { key: "downloadCpu", title: "CPU s" },
      { key: "growth", title: "growth MiB" },
      { key: "busy", title: "server busy" },
    ],
    targets: [
      { key: "download", peer: OURS, against: C, atLeast: 0.95 },
      { key: "growth", peer: OURS, atMost: 16, unit: "MiB" },
    ],
    turns: [
      { peer: OURS, command: [...deno("ours.ts"), ...args] },
      { peer: C, command: [setup.c, ...args] },
      ...pycurl(setup, ...args),
      { peer: FETCH, command: [...deno("fetch.ts"), ...args] },
    ],
  };
}

function calls(setup: Setup): Benchmark {
  const args = ["calls", setup.small, String(CALLS)];
  return {
    name: "calls",
    title: "setopt and getinfo, ns per call",
    place: "anywhere",
    measures: [
      { key: "setNumber", title: "setopt number", base: C },
      { key: "setString", title: "setopt string", base: C },
      { key: "getNumber", title: "getinfo long", base: C },
      { key: "getDouble", title: "getinfo double", base: C },
      { key: "getString", title: "getinfo string", base: C },
    ],
    targets: [
      { key: "setNumber", peer: OURS, against: C, atMost: 5 },
      { key: "setNumber", peer: OURS, against: PYCURL, atMost: 1 },
      { key: "setString", peer: OURS, against: PYCURL, atMost: 1 },
    ],
    turns: [
      { peer: OURS, command: [...deno("ours.ts"), ...args] },
      { peer: C, command: [setup.c, ...args] },
      ...pycurl(setup, ...args),
    ],
  };
}

function locks(setup: Setup): Benchmark[] {
  if (setup.locks === null) return [];
  return [{
    name: "locks",
    title: "Lock and unlock, uncontended, ns per pair",
    place: "anywhere",
    measures: [{ key: "lock", title: "ns", base: C }],
    targets: [{ key: "lock", peer: OURS, against: C, atMost: 1.5 }],
    turns: [
      { peer: OURS, command: [setup.locks, String(LOCKS)] },
      { peer: C, command: [setup.c, "lock", String(LOCKS)] },
    ],
  }];
}

function startup(setup: Setup): Benchmark {
  return {
    name: "startup",
    title: "A whole process with one request, ms",
    place: "anywhere",
    minRounds: 20,
    measures: [{ key: "wall", title: "ms", base: FETCH }],
    targets: [{ key: "wall", peer: OURS, against: FETCH, atMost: 1.3 }],
    turns: [
      { peer: OURS, command: [...deno("startup/ours.ts"), setup.small] },
      { peer: FETCH, command: [...deno("startup/fetch.ts"), setup.small] },
    ],
  };
}

export const NAMES = ["get", "download", "calls", "locks", "startup"];

export function benchmarks(setup: Setup): Benchmark[] {
  return [
    gets(setup, "one core"),
    gets(setup, "two cores"),
    downloads(setup, "one core"),
    downloads(setup, "two cores"),
    calls(setup),
    ...locks(setup),
    startup(setup),
  ];
}
