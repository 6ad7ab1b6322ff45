/** The picture of the benchmarks. */

import { draw, readPanels } from "../bench/picture.ts";
import { assert, assertEquals } from "./assert.ts";

const RESULTS = `# Benchmark results

- CPU: one

## A job

|        | requests/s       | × C  |
| ------ | ---------------- | ---- |
| ours   | 2000 (1900–2100) | 0.50 |
| C      | 4000 (1–2)       | 1.00 |
| other  | 5000 (1–2)       | 1.25 |

|            | target     | measured |            |
| ---------- | ---------- | -------- | ---------- |
| requests/s | ≥ 0.95 × C | 0.50 × C | ❌ falls short |

## Calls, ns

|      | ns       |
| ---- | -------- |
| ours | 12 (1–2) |
| C    | 10 (1–2) |
`;

Deno.test("readPanels() finds the jobs with a speed, and their peers", () => {
  assertEquals(readPanels(RESULTS), [{
    title: "A job",
    unit: "requests/s",
    bars: [{ peer: "ours", value: 2000 }, { peer: "C", value: 4000 }],
  }]);
});

Deno.test("draw() draws bars as long as the figures are large", () => {
  const svg = draw(readPanels(RESULTS));
  const [ours, c] = [...svg.matchAll(/<rect [^>]*width="(\d+)"/g)]
    .map(([, width]) => Number(width));
  assertEquals(ours * 2, c);
  assert(svg.includes(">2.0 k</text>"));
});

Deno.test("draw() writes names as text, whatever is in them", () => {
  const bars = [{ peer: "ours", value: 1 }, { peer: "C", value: 1 }];
  const svg = draw([{ title: "a<b & c", unit: "GB/s", bars }]);
  assert(svg.includes("a&lt;b &amp; c: GB/s"));
});
