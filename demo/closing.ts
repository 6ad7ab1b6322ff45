/** The last scene: a share is closed while all Workers are in a transfer. */

import * as curl from "../mod.ts";
import { Gate } from "../tests/fixtures/workers.ts";
import { attempt } from "./attempt.ts";
import type { Site } from "./site.ts";
import { bold, green, yellow } from "./table.ts";
import type { Team } from "./team.ts";

/** Closes a share too early, then in time, and prints what each is told. */
export async function closeInUse(team: Team, site: Site): Promise<void> {
  const share = new curl.CurlShare();
  share.share(curl.LOCK_DATA_DNS, curl.LOCK_DATA_SSL_SESSION);
  const { handle } = share;
  const gate = new Gate();
  const close = () => attempt(() => share.close(), "done");

  console.log(bold(`Closing a share while ${team.size} Workers are using it`));
  const ended = team.each((member, number) =>
    member.call(
      "transfer",
      { ...site.jobOf(number), share: handle },
      gate.buffer,
    )
  );
  try {
    const begun = team.each((member) => member.event("transferring"));
    await Promise.race([begun, ended]);
    tell("main", "closes the share", yellow(close()));
    tell("", "and looks at it", state(share));
  } finally {
    gate.open();
  }
  tellEach("ends its transfer", await ended);
  tell("main", "closes the share", green(close()));
  tell("", "and looks at it", state(share));
  const after = await team.each((member) => member.call("goOn"));
  tellEach("sets SHARE again", after.map(({ refusal }) => yellow(refusal)));
  tellEach("goes on without it", after.map(({ alone }) => alone));
}

function state(share: curl.CurlShare): string {
  const { closed, attached } = share;
  return `${closed ? "closed" : "open"}, ${attached} Curls attached`;
}

function tellEach(what: string, results: string[]): void {
  results.forEach((result, index) => tell(`Worker ${index + 1}`, what, result));
}

function tell(who: string, what: string, result: string): void {
  console.log(`${who.padEnd(10)}${what.padEnd(19)}${result}`);
}
