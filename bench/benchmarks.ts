/** What is measured, by whom, and what is aimed at. */

import { asynchronous } from "./asynchronous.ts";
import type { Benchmark, Setup } from "./benchmark.ts";
import { synchronous } from "./synchronous.ts";
import { websockets } from "./websockets.ts";

export const NAMES = [
  "get",
  "download",
  "calls",
  "headers",
  "locks",
  "startup",
  "await",
  "many",
  "multi",
  "http2",
  "stream",
  "upload",
  "mime",
  "slow",
  "workers",
  "timer",
  "echo",
  "echoes",
  "echo-large",
];

export function benchmarks(setup: Setup): Benchmark[] {
  return [
    ...synchronous(setup),
    ...asynchronous(setup),
    ...websockets(setup),
  ];
}
