/**
 * Downloads a file with a progress bar. It goes on where an earlier try was cut
 * off, be it in this run or in one before.
 *
 *     deno run -A examples/download.ts URL FILE
 */

import * as curl from "../mod.ts";

const TRIES = 5;
const WIDTH = 40;

const [url, path] = Deno.args;
if (path === undefined) {
  console.error("usage: download.ts URL FILE");
  Deno.exit(2);
}

/** What another try may mend. */
const cutOff: unknown[] = [
  curl.E_PARTIAL_FILE,
  curl.E_RECV_ERROR,
  curl.E_HTTP2_STREAM,
  curl.E_OPERATION_TIMEDOUT,
];

using file = Deno.openSync(path, { append: true, create: true });
const size = () => file.statSync().size;
const before = size();

using c = new curl.Curl();
c.setopt(curl.URL, url);
c.setopt(curl.FOLLOWLOCATION, true);
c.setopt(curl.FAILONERROR, true);
// Half a minute without a byte is the end of a try.
c.setopt(curl.LOW_SPEED_LIMIT, 1);
c.setopt(curl.LOW_SPEED_TIME, 30);
c.setopt(curl.WRITEDATA, file);
c.setopt(curl.NOPROGRESS, !Deno.stderr.isTerminal());

for (let left = TRIES; left > 0; left--) {
  const present = size();
  c.setopt(curl.RESUME_FROM_LARGE, present);
  c.setopt(curl.XFERINFOFUNCTION, (total, now) => {
    if (total > 0) drawBar((present + now) / (present + total));
  });
  try {
    await c.perform();
    break;
  } catch (error) {
    const mayGoOn = error instanceof curl.CurlError &&
      cutOff.includes(error.code);
    if (!mayGoOn || left === 1) throw error;
    console.error(`\n${error.message}; going on at ${size()}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
console.log(`${before} bytes were there, ${size() - before} came`);

function drawBar(part: number): void {
  const bar = "#".repeat(Math.round(part * WIDTH)).padEnd(WIDTH, ".");
  const percent = `${Math.floor(100 * part)}`.padStart(3);
  const line = `\r${bar} ${percent} %${part === 1 ? "\n" : ""}`;
  Deno.stderr.writeSync(new TextEncoder().encode(line));
}
