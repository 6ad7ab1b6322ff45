/** Our own peer: CurlMulti in a loop of the program's own, as C's is. */

import * as curl from "../mod.ts";
import { openHandle } from "./handles.ts";
import { measureMany, type Repeat } from "./measure.ts";
import { assert, report } from "./meter.ts";

type Select = (multi: curl.CurlMulti) => number | Promise<number>;

/** How the loop waits. */
const SELECTS: Record<string, Select> = {
  selectSync: (multi) => multi.selectSync(1),
  select: (multi) => multi.select(1),
};

/** Each handle begins again when it is done, until the time is over. */
async function repeatFor(
  multi: curl.CurlMulti,
  handles: readonly curl.Curl[],
  seconds: number,
  select: Select,
): Promise<[requests: number, connections: number]> {
  const end = performance.now() + seconds * 1000;
  let requests = 0;
  let connections = 0;
  let left = handles.length;
  for (const easy of handles) multi.addHandle(easy);
  while (left > 0) {
    multi.perform();
    const [, done, failed] = multi.infoRead();
    assert(failed.length === 0, "a transfer has failed");
    for (const easy of done) {
      connections += easy.getinfo(curl.NUM_CONNECTS);
      requests++;
      multi.removeHandle(easy);
      if (performance.now() < end) multi.addHandle(easy);
      else left--;
    }
    if (left > 0) {
      const waits = select(multi);
      if (typeof waits !== "number") await waits;
    }
  }
  return [requests, connections];
}

const [how, url, seconds, count] = Deno.args;
using multi = new curl.CurlMulti({ closeHandles: true });
let total = 0;
let connections = 0;
const handles = Array.from({ length: Number(count) }, () => {
  const easy = openHandle(url);
  easy.setopt(curl.WRITEFUNCTION, (data) => {
    total += data.length;
  });
  return easy;
});
const repeat: Repeat = async (seconds) => {
  total = 0;
  const found = await repeatFor(multi, handles, seconds, SELECTS[how]);
  connections += found[1];
  return [found[0], total];
};
report({ ...await measureMany(repeat, Number(seconds)), connections });
