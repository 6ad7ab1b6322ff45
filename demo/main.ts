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
import { Measurement, type Way } from "./measurement.ts";
import { openOwnSite, openSite, type Site } from "./site.ts";
import { bold, dim, green, Table } from "./table.ts";
import { Team } from "./team.ts";

const WORKERS = 4;

const WAYS: Way[] = [
  { label: "fetch", client: "Fetch" },
  { label: "Curls, sharing nothing", client: "Curl" },
  {
    label: "  DNS, TLS sessions",
    client: "Curl",
    kinds: [curl.LOCK_DATA_DNS, curl.LOCK_DATA_SSL_SESSION],
  },
  {
    label: "  + cookies, connections",
    client: "Curl",
    kinds: [
      curl.LOCK_DATA_DNS,
      curl.LOCK_DATA_SSL_SESSION,
      curl.LOCK_DATA_COOKIE,
      curl.LOCK_DATA_CONNECT,
    ],
  },
];

const TABLE = new Table(25, [
  { heading: ["requests", "a second"], width: 9 },
  { heading: ["", "connections"], width: 13 },
  { heading: ["TLS", "full"], width: 6 },
  { heading: ["TLS", "resumed"], width: 9 },
  { heading: ["name", "lookups"], width: 9 },
  { heading: ["cookies", "all see"], width: 9 },
]);

const NOTES = [
  "A share of cookies or connections has one thread for all of them.",
];

async function demo(url?: string): Promise<void> {
  await using site = url === undefined ? await openOwnSite() : openSite(url);
  await using team = await Team.start(WORKERS);
  const { passes, rounds, requests } = site;
  const measurements = WAYS.map((way) => new Measurement(way, team, site));

  const [, libcurl] = curl.version.split(" ");
  console.log(`${bold(site.name)}, ${libcurl}`);
  console.log(dim(
    `${WORKERS} Workers × ${passes * rounds} rounds × ${requests} requests ` +
      "each way; every round begins with a new client\n",
  ));
  await warmUp(team, site);
  TABLE.head();
  // The ways take turns, so that a busy moment is not one way's alone.
  for (let pass = 0; pass < passes; pass++) {
    for (const measurement of measurements) await measurement.pass();
  }
  for (const measurement of measurements) {
    const { label, kinds } = measurement.way;
    TABLE.row(label, await measurement.end(), kinds && green);
  }
  console.log(dim(`\n${[...site.notes, ...NOTES].join("\n")}\n`));
  await closeInUse(team, site);
}

/** Loads what is loaded at the first use, so that it isn't measured. */
async function warmUp(team: Team, site: Site): Promise<void> {
  for (const task of ["workWithFetch", "workWithCurl"] as const) {
    await team.each((member, number) =>
      member.call(task, { ...site.jobOf(number), rounds: 1 })
    );
  }
}

try {
  await demo(Deno.args[0]);
} catch (error) {
  console.error(`demo: ${error instanceof Error ? error.message : error}`);
  Deno.exitCode = 1;
}
