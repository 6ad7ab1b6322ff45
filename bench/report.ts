import type { Benchmark, Measure, Target } from "./benchmark.ts";
import type { Results } from "./run.ts";
import { ratio, summarise } from "./statistics.ts";

function digits(value: number): string {
  const size = Math.abs(value);
  if (size >= 100) return value.toFixed(0);
  return value.toFixed(size >= 10 ? 1 : 2);
}

/** A Markdown table, padded as `deno fmt` pads it. */
function table(rows: string[][]): string {
  const widths = rows[0].map((_, column) =>
    Math.max(3, ...rows.map((row) => row[column].length))
  );
  const line = (cells: string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i])).join(" | ")} |`;
  const rule = widths.map((width) => "-".repeat(width));
  const [head, ...body] = rows;
  return [head, rule, ...body].map(line).join("\n");
}

function cell(values: readonly number[] | undefined): string {
  if (values === undefined) return "";
  const { low, median, high } = summarise(values);
  return `${digits(median)} (${digits(low)}–${digits(high)})`;
}

function cells(measure: Measure, peer: string, results: Results): string[] {
  const values = results.get(peer)?.get(measure.key);
  if (measure.base === undefined) return [cell(values)];
  const base = results.get(measure.base)?.get(measure.key);
  const times = values && base ? ratio(values, base).toFixed(2) : "";
  return [cell(values), times];
}

function figures(benchmark: Benchmark, results: Results): string {
  const head = benchmark.measures.flatMap(({ title, base }) =>
    base === undefined ? [title] : [title, `× ${base}`]
  );
  const rows = [...results.keys()].map((peer) => [
    peer,
    ...benchmark.measures.flatMap((measure) => cells(measure, peer, results)),
  ]);
  return table([["", ...head], ...rows]);
}

/** One row about a target, or null if a peer of it did not run. */
function verdict(
  { key, peer, against, atLeast, atMost, unit }: Target,
  { measures }: Benchmark,
  results: Results,
): string[] | null {
  const values = results.get(peer)?.get(key);
  const base = against === undefined
    ? undefined
    : results.get(against)?.get(key);
  if (!values || (against !== undefined && !base)) return null;
  const reached = base ? ratio(values, base) : summarise(values).median;
  const suffix = unit ?? `× ${against}`;
  const goal = atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
  const passed = reached >= (atLeast ?? -Infinity) &&
    reached <= (atMost ?? Infinity);
  const title = measures.find((measure) => measure.key === key)?.title ?? key;
  return [
    `${title} of ${peer}`,
    `${goal} ${suffix}`,
    `${reached.toFixed(2)} ${suffix}`,
    passed ? "✅ reached" : "❌ falls short",
  ];
}

/** One benchmark's section: its figures, then its targets. */
export function section(benchmark: Benchmark, results: Results): string {
  const verdicts = benchmark.targets
    .map((target) => verdict(target, benchmark, results))
    .filter((row) => row !== null);
  const parts = [`## ${benchmark.title}`, figures(benchmark, results)];
  if (verdicts.length > 0) {
    parts.push(table([["", "target", "measured", ""], ...verdicts]));
  }
  return parts.join("\n\n");
}

export function list(lines: string[]): string {
  return lines.map((line) => `- ${line}`).join("\n");
}
