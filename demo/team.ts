/** The demo's Workers. */

import { startWorker, type WorkerHandle } from "../tests/fixtures/workers.ts";

type Tasks = typeof import("./worker.ts");

/** A Worker that does the tasks of worker.ts. */
export type Member = WorkerHandle<Tasks>;

const PATIENCE_MS = 10 * 60_000;

/** Workers who are all set the same task. */
export class Team implements AsyncDisposable {
  readonly #members: Member[];

  private constructor(members: Member[]) {
    this.#members = members;
  }

  /** Starts so many Workers, numbered from 1. */
  static async start(size: number): Promise<Team> {
    const module = new URL("./worker.ts", import.meta.url);
    const starts = Array.from(
      { length: size },
      (_, index) =>
        startWorker<Tasks>(module, {
          name: `Worker ${index + 1}`,
          deadlineMs: PATIENCE_MS,
        }),
    );
    return new Team(await Promise.all(starts));
  }

  /** How many Workers there are. */
  get size(): number {
    return this.#members.length;
  }

  /**
   * Sets each the task; gives what each came to.
   *
   * @throws {Error} Once one has failed, with its name and words.
   */
  each<T>(task: (member: Member, number: number) => Promise<T>): Promise<T[]> {
    return Promise.all(this.#members.map(async (member, index) => {
      try {
        return await task(member, index + 1);
      } catch (cause) {
        throw new Error(`${member.name}: ${reasons(cause)}`, { cause });
      }
    }));
  }

  /** Ends all Workers. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.each((member) => member[Symbol.asyncDispose]());
  }
}

/** An error's words and those of its causes. */
function reasons(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined
    ? error.message
    : `${error.message}: ${reasons(error.cause)}`;
}
