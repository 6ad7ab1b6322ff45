export function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)];
  return low + (sorted[Math.ceil(at)] - low) * (at % 1);
}

/** Median and the quartiles around it. */
export interface Summary {
  low: number;
  median: number;
  high: number;
}

export function summarise(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  return {
    low: quantile(sorted, 0.25),
    median: quantile(sorted, 0.5),
    high: quantile(sorted, 0.75),
  };
}

/** The median of the ratios of each round, in which noise partly cancels. */
export function ratio(of: readonly number[], to: readonly number[]): number {
  return summarise(of.map((value, round) => value / to[round])).median;
}
