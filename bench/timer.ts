/** How late a timer is while something else goes on, or nothing. */

import { GIB } from "./measure.ts";
import { report } from "./meter.ts";
import { quantile } from "./statistics.ts";

const PERIOD_MS = 1;

/** A timer that is set anew each time it has gone off. */
class Timer {
  readonly late: number[] = [];
  #due = 0;
  #id: ReturnType<typeof setTimeout> | undefined;

  start(): void {
    this.#due = performance.now() + PERIOD_MS;
    this.#id = setTimeout(() => {
      this.late.push(performance.now() - this.#due);
      this.start();
    }, PERIOD_MS);
  }

  /** One that is overdue counts, too. */
  stop(): void {
    clearTimeout(this.#id);
    const late = performance.now() - this.#due;
    if (late > 0) this.late.push(late);
  }
}

/** Times a timer while `transfer` gets 1 GiB for the third time. */
export async function measureTimer(
  transfer: () => Promise<void>,
): Promise<void> {
  const begun = performance.now();
  await transfer();
  await transfer();
  const timer = new Timer();
  const start = performance.now();
  timer.start();
  await transfer();
  timer.stop();
  const took = (performance.now() - start) / 1000;
  report({
    ...lateness(timer),
    speed: GIB / took / 1e9,
    elapsed: (performance.now() - begun) / 1000,
  });
}

function lateness({ late }: Timer): { late: number; latest: number } {
  const sorted = late.toSorted((a, b) => a - b);
  return { late: quantile(sorted, 0.99), latest: sorted.at(-1)! };
}

if (import.meta.main) {
  const timer = new Timer();
  timer.start();
  await new Promise((done) => setTimeout(done, 1000));
  timer.stop();
  report(lateness(timer));
}
