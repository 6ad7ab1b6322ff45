/**
 * Downloads a file with a progress line, and goes on where an earlier try was
 * cut off.
 *
 *     deno run -A examples/download.ts URL FILE
 */

import * as curl from "../mod.ts";

const [url, path] = Deno.args;
if (path === undefined) {
  console.error("usage: download.ts URL FILE");
  Deno.exit(2);
}

using file = Deno.openSync(path, { append: true, create: true });
const present = file.statSync().size;

using c = new curl.Curl();
c.setopt(curl.URL, url);
c.setopt(curl.FOLLOWLOCATION, true);
c.setopt(curl.FAILONERROR, true);
c.setopt(curl.RESUME_FROM_LARGE, present);
c.setopt(curl.WRITEDATA, file);
c.setopt(curl.NOPROGRESS, false);
c.setopt(curl.XFERINFOFUNCTION, (total, now) => {
  if (total > 0 && Deno.stderr.isTerminal()) {
    const percent = Math.round(100 * (present + now) / (present + total));
    Deno.stderr.writeSync(new TextEncoder().encode(`\r${percent} %`));
  }
});
c.performSync();

const received = c.getinfo(curl.SIZE_DOWNLOAD_T);
const speed = c.getinfo(curl.SPEED_DOWNLOAD_T);
console.log(
  `${present} bytes were there, ${received} came (${speed} a second)`,
);
