/**
 * Randomness that can be repeated.
 *
 * @module
 */

/** A xorshift generator of 32 bits. */
export class Random {
  /** What it started from. */
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed >>> 0;
    // 0 would stay 0.
    this.#state = this.seed || 0x9e3779b9;
  }

  /** The next of its numbers, from 0 up to 2³². */
  next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }

  /** A number from 0 up to, but not, `limit`. */
  below(limit: number): number {
    return this.next() % limit;
  }

  /** A number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True in so many of a thousand cases. */
  chance(perMille: number): boolean {
    return this.below(1000) < perMille;
  }

  /** One of the items. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  /** One of the items, the heavier the more often. */
  weighted<T extends { readonly weight: number }>(items: readonly T[]): T {
    const total = items.reduce((sum, { weight }) => sum + weight, 0);
    let left = this.below(total);
    for (const item of items) {
      left -= item.weight;
      if (left < 0) return item;
    }
    return items[items.length - 1];
  }
}

/** A seed of its own for each path of numbers below a seed. */
export function derivedSeed(seed: number, ...path: number[]): number {
  let hash = seed >>> 0;
  for (const step of path) {
    hash = Math.imul(hash ^ (step + 0x7ed55d16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash ^= hash >>> 16;
  }
  return hash >>> 0;
}
