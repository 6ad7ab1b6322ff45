/** One way to do the work, and what came of it. */

import * as curl from "../mod.ts";
import { type Figures, sum } from "./figures.ts";
import type { Counts, Site } from "./site.ts";
import type { Cell } from "./table.ts";
import type { Team } from "./team.ts";
import type { Job } from "./worker.ts";

/** How to do the work. */
export interface Way {
  label: string;
  client: "Fetch" | "Curl";
  /** What the Curls share; nothing, if not given. */
  kinds?: number[];
}

/** Measures one way, in several passes. */
export class Measurement {
  readonly way: Way;
  readonly #team: Team;
  readonly #site: Site;
  readonly #share?: curl.CurlShare;
  readonly #passes: Figures[] = [];
  #seconds = 0;

  constructor(way: Way, team: Team, site: Site) {
    this.way = way;
    this.#team = team;
    this.#site = site;
    if (!way.kinds) return;
    this.#share = new curl.CurlShare();
    this.#share.share(...way.kinds);
  }

  /** Lets every Worker do its part once. */
  async pass(): Promise<void> {
    const before = await this.#site.count();
    const start = performance.now();
    const figures = await this.#team.each((member, number) =>
      member.call(`workWith${this.way.client}`, this.#job(number))
    );
    this.#seconds += (performance.now() - start) / 1000;
    const after = await this.#site.count();
    this.#passes.push({
      ...sum(figures),
      ...before && after && difference(after, before),
    });
  }

  /** Closes the share, and gives the row of the table. */
  async end(): Promise<Cell[]> {
    const cookies = await this.#team.each((member, number) =>
      member.call(`cookiesOf${this.way.client}`, this.#job(number))
    );
    this.#share?.close();
    const { rounds, requests } = this.#site;
    const all = this.#passes.length * this.#team.size * rounds * requests;
    const { connections, full, resumed, lookups } = sum(this.#passes);
    return [
      all / this.#seconds,
      connections,
      full,
      resumed,
      lookups,
      inAll(cookies),
    ];
  }

  #job(number: number): Job {
    return { ...this.#site.jobOf(number), share: this.#share?.handle };
  }
}

function difference(after: Counts, before: Counts): Counts {
  return {
    connections: after.connections - before.connections,
    full: after.full - before.full,
    resumed: after.resumed - before.resumed,
  };
}

/** How many cookies are in every Worker's list. */
function inAll(lists: (string[] | null)[]): number | null {
  const [first, ...others] = lists;
  if (!first) return null;
  return first.filter((one) => others.every((list) => list?.includes(one)))
    .length;
}
