/**
 * Four Workers do the same work with fetch, with Curls of their own, and with
 * Curls that share; then the share is closed under their hands.
 *
 *     deno task demo          against an HTTPS server of its own
 *     deno task demo URL      against that one, with fewer requests
 *
 * @module
 */

import * as curl from "../mod.ts";
import { closeInUse } from "./closing.ts";
import { type Counts, openOwnSite, openSite, type Site } from "./site.ts";
import { bold, type Cell, dim, green, Table } from "./table.ts";
import { Team } from "./team.ts";
import type { Figures } from "./worker.ts";

const WORKERS = 4;

/** How to do the work: a row of the table. */
interface Way {
  label: string;
  client: "Fetch" | "Curl";
  /** What the Curls share; nothing, if not given. */
  kinds?: number[];
}

const WAYS: Way[] = [
  { label: "fetch", client: "Fetch" },
  { label: "Curls that share nothing", client: "Curl" },
  {
    label: "… DNS, TLS sessions",
    client: "Curl",
    kinds: [curl.LOCK_DATA_DNS, curl.LOCK_DATA_SSL_SESSION],
  },
  {
    label: "… cookies, connections too",
    client: "Curl",
    kinds: [
      curl.LOCK_DATA_DNS,
      curl.LOCK_DATA_SSL_SESSION,
      curl.LOCK_DATA_COOKIE,
      curl.LOCK_DATA_CONNECT,
    ],
  },
];

const TABLE = new Table(27, [
  { heading: ["requests", "a second"], width: 9 },
  { heading: ["", "connections"], width: 13 },
  { heading: ["TLS hand", "full"], width: 8 },
  { heading: ["shakes", "resumed"], width: 9 },
  { heading: ["name", "lookups"], width: 9 },
  { heading: ["cookies", "all see"], width: 9 },
]);

async function demo(url?: string): Promise<void> {
  await using site = url === undefined ? await openOwnSite() : openSite(url);
  await using team = await Team.start(WORKERS);

  console.log(`${bold(site.name)}, ${curl.version.split(" ")[0]}`);
  console.log(dim(
    `${WORKERS} Workers × ${site.rounds} rounds × ${site.requests} requests; ` +
      "each round is a new client\n",
  ));
  await warmUp(team, site);
  TABLE.head();
  for (const way of WAYS) {
    TABLE.row(way.label, await measure(team, site, way), way.kinds && green);
  }
  console.log(dim(`\n${site.sources}\n`));
  await closeInUse(team, site);
}

/** Loads what is loaded at the first use, so that it isn't measured. */
async function warmUp(team: Team, site: Site): Promise<void> {
  const jobOf = (number: number) => ({ ...site.jobOf(number), rounds: 1 });
  await team.each((member, number) =>
    member.call("workWithFetch", jobOf(number))
  );
  await team.each((member, number) =>
    member.call("workWithCurl", jobOf(number))
  );
}

async function measure(team: Team, site: Site, way: Way): Promise<Cell[]> {
  const share = new curl.CurlShare();
  if (way.kinds) share.share(...way.kinds);
  const handle = way.kinds && share.handle;
  const jobOf = (number: number) => ({ ...site.jobOf(number), share: handle });

  const before = await site.count();
  const start = performance.now();
  const results = await team.each((member, number) =>
    member.call(`workWith${way.client}`, jobOf(number))
  );
  const seconds = (performance.now() - start) / 1000;
  const after = await site.count();

  const own = total(results);
  const wire = before && after && difference(after, before);
  const { connections, full, resumed } = wire ?? own ?? UNKNOWN;
  const cookies = await team.each((member, number) =>
    member.call(`cookiesOf${way.client}`, jobOf(number))
  );
  share.close();
  return [
    WORKERS * site.rounds * site.requests / seconds,
    connections,
    full,
    resumed,
    own && own.lookups,
    inAll(cookies),
  ];
}

const UNKNOWN = { connections: null, full: null, resumed: null };

function difference(after: Counts, before: Counts): Counts {
  return {
    connections: after.connections - before.connections,
    full: after.full - before.full,
    resumed: after.resumed - before.resumed,
  };
}

function total(results: (Figures | null)[]): Figures | null {
  const sum = { connections: 0, full: 0, resumed: 0, lookups: 0 };
  for (const figures of results) {
    if (!figures) return null;
    sum.connections += figures.connections;
    sum.full += figures.full;
    sum.resumed += figures.resumed;
    sum.lookups += figures.lookups;
  }
  return sum;
}

/** How many cookies are in every Worker's list. */
function inAll(lists: (string[] | null)[]): number | null {
  const [first, ...others] = lists;
  if (!first) return null;
  return first.filter((one) => others.every((list) => list?.includes(one)))
    .length;
}

try {
  await demo(Deno.args[0]);
} catch (error) {
  console.error(`demo: ${error instanceof Error ? error.message : error}`);
  Deno.exitCode = 1;
}
