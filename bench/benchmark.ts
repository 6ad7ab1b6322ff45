/** What a benchmark says of itself, and how its peers are called. */

import type { Urls } from "./server.ts";

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
  /** If nobody says how many. */
  rounds?: number;
  /** Fewer would say too little, whoever says so. */
  minRounds?: number;
  measures: Measure[];
  targets: Target[];
  turns: Turn[];
}

export interface Setup {
  urls: Urls;
  seconds: number;
  /** A configuration that has the module as it is published. */
  packed: string;
  /** The C program. */
  c: string;
  /** The program for the locks, or null if it is not to be measured. */
  locks: string | null;
  /** A Python with pycurl, or null if there is none. */
  python: string | null;
}

export const OURS = "ours";
export const C = "C";
export const PYCURL = "PycURL";
export const FETCH = "fetch";

export function deno(script: string, ...options: string[]): string[] {
  const path = new URL(script, import.meta.url).pathname;
  const flags = ["-A", "--no-check", "--cached-only", ...options];
  return [Deno.execPath(), "run", ...flags, path];
}

export function pycurl(setup: Setup, ...args: string[]): Turn[] {
  if (setup.python === null) return [];
  const path = new URL("pycurl_bench.py", import.meta.url).pathname;
  return [{ peer: PYCURL, command: [setup.python, path, ...args] }];
}
