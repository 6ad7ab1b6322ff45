/**
 * The Workers of the stress: starts them, has some die, and watches them all.
 *
 * @module
 */

import { Pool } from "./objects.ts";
import { OPERATIONS } from "./operations.ts";
import { derivedSeed, Random } from "./random.ts";
import { PULSE, type Site, type Surroundings } from "./walk.ts";
import type { FromWorker } from "./worker.ts";

/** How a team is to work. */
export interface TeamSettings {
  readonly seed: number;
  readonly workers: number;
  readonly site: Site;
}

/** What went wrong, or undefined. */
export type Verdict = string | undefined;

interface Member {
  readonly worker: Worker;
  /** How many were in its place before. */
  readonly generation: number;
  readonly seed: number;
  readonly pulse: Int32Array<SharedArrayBuffer>;
  /** How many steps there were at the last look that found more. */
  steps: number;
  /** When that was. */
  seen: number;
}

const HANG_MS = 20_000;
const LOOK_MS = 250;
const TERMINATE_MS = 1_200;

/** Workers that share a pool of handles. */
export class Team {
  readonly #settings: TeamSettings;
  readonly #random: Random;
  readonly #pool = Pool.buffer();
  readonly #members: Member[];
  readonly #verdict = Promise.withResolvers<Verdict>();
  #calls = 0;
  #started = 0;
  #ended = 0;
  #terminated = 0;

  /** Starts the Workers. */
  constructor(settings: TeamSettings) {
    this.#settings = settings;
    this.#random = new Random(derivedSeed(settings.seed, 0));
    this.#members = Array.from(
      { length: settings.workers },
      (_, index) => this.#start(index, 0),
    );
  }

  /** How many calls were made so far. */
  get calls(): number {
    return this.#members.reduce(
      (sum, { pulse }) => sum + pulse[PULSE.steps],
      this.#calls,
    );
  }

  /** How many Workers there were, and what became of them. */
  get history(): string {
    return `${this.#started} Workers, of which ${this.#ended} ended ` +
      `themselves and ${this.#terminated} were terminated`;
  }

  /** Lets them walk for a while. */
  async walk(ms: number): Promise<Verdict> {
    const over = setTimeout(() => this.#verdict.resolve(undefined), ms);
    const looks = setInterval(() => this.#look(), LOOK_MS);
    const end = Date.now() + ms;
    const reap = () => {
      if (Date.now() > end) return;
      this.#replace(this.#random.below(this.#members.length));
      timer = setTimeout(reap, this.#random.below(TERMINATE_MS));
    };
    let timer = setTimeout(reap, this.#random.below(TERMINATE_MS));
    try {
      return await this.#verdict.promise;
    } finally {
      clearTimeout(over);
      clearTimeout(timer);
      clearInterval(looks);
    }
  }

  /** Terminates them all. */
  terminate(): void {
    for (const member of this.#members) {
      this.#calls += member.pulse[PULSE.steps];
      member.worker.terminate();
    }
    this.#members.length = 0;
  }

  #start(index: number, generation: number): Member {
    this.#started++;
    const seed = derivedSeed(this.#settings.seed, index + 1, generation);
    const pulse = new SharedArrayBuffer(4 * PULSE.size);
    const worker = new Worker(new URL("./worker.ts", import.meta.url), {
      type: "module",
      name: `worker ${index}`,
    });
    const member = {
      worker,
      generation,
      seed,
      pulse: new Int32Array(pulse),
      steps: 0,
      seen: Date.now(),
    };
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.type === "failed") {
        this.#fail(`worker ${index}, seed ${seed}, ${data.text}`);
      } else if (this.#members[index] === member) {
        this.#ended++;
        this.#succeed(index, member);
      }
    };
    worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(`worker ${index}, seed ${seed}, died: ${event.message}`);
    };
    const { site } = this.#settings;
    const message: Surroundings = { seed, site, pool: this.#pool, pulse };
    worker.postMessage(message);
    return member;
  }

  #replace(index: number): void {
    const member = this.#members[index];
    member.worker.terminate();
    this.#terminated++;
    this.#succeed(index, member);
  }

  #succeed(index: number, { pulse, generation }: Member): void {
    this.#calls += pulse[PULSE.steps];
    this.#members[index] = this.#start(index, generation + 1);
  }

  #fail(text: string): void {
    this.#verdict.resolve(text);
  }

  /** Whether all go on. */
  #look(): void {
    const now = Date.now();
    for (const member of this.#members) {
      const steps = member.pulse[PULSE.steps];
      if (steps !== member.steps) {
        member.steps = steps;
        member.seen = now;
      }
    }
    const hanging = this.#members.some(({ seen }) => now - seen > HANG_MS);
    if (!hanging) return;
    const lines = this.#members.map((member, index) =>
      `  worker ${index}, seed ${member.seed}: ${described(member, now)}`
    );
    this.#fail(`a Worker hangs:\n${lines.join("\n")}`);
  }
}

function described({ pulse, steps, seen }: Member, now: number): string {
  const name = OPERATIONS[pulse[PULSE.operation]].name;
  const idle = ((now - seen) / 1000).toFixed(1);
  return `step ${steps}, "${name}" on ${pulse[PULSE.handle]}, ` +
    `in ${pulse[PULSE.depth]} callbacks, since ${idle} s`;
}
