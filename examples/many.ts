/**
 * Downloads many files at once, and shows how far each has come. Ctrl+C ends
 * those that are under way.
 *
 *     deno run -A examples/many.ts FOLDER URL...
 */

import * as curl from "../mod.ts";

const [folder, ...urls] = Deno.args;
if (urls.length === 0) {
  console.error("usage: many.ts FOLDER URL...");
  Deno.exit(2);
}

const stop = new AbortController();
Deno.addSignalListener("SIGINT", () => stop.abort(new Error("stopped")));

/** How far each has come, in words. */
const states = urls.map(() => "waits");
let failed = 0;

async function download(url: string, index: number): Promise<void> {
  using c = new curl.Curl();
  c.setopt(curl.URL, url);
  c.setopt(curl.FOLLOWLOCATION, true);
  c.setopt(curl.FAILONERROR, true);
  c.setopt(curl.NOPROGRESS, false);
  c.setopt(curl.XFERINFOFUNCTION, (total, now) => {
    states[index] = total > 0
      ? `${Math.floor(100 * now / total)} %`
      : `${now} bytes`;
  });
  try {
    const { pathname } = new URL(url);
    const path = `${folder}/${pathname.split("/").pop() || "index.html"}`;
    // The server sends as fast as the file is written.
    await using body = await c.performStream(stop);
    const file = await Deno.open(path, { write: true, createNew: true });
    try {
      await body.readable.pipeTo(file.writable);
    } catch (error) {
      await Deno.remove(path);
      throw error;
    }
    states[index] = `${c.getinfo(curl.SIZE_DOWNLOAD_T)} bytes: done`;
  } catch (error) {
    failed++;
    states[index] = error instanceof Error ? error.message : `${error}`;
  }
  if (!isTerminal) console.log(`${url}  ${states[index]}`);
}

const isTerminal = Deno.stdout.isTerminal();
let drawn = 0;

function draw(): void {
  const { columns } = Deno.consoleSize();
  const up = drawn > 0 ? `\x1b[${drawn}A` : "";
  const lines = urls.map((url, index) => `${url}  ${states[index]}`);
  // Longer ones would take two lines.
  const shown = lines.map((line) => `\x1b[K${line.slice(-columns + 1)}\n`);
  Deno.stdout.writeSync(new TextEncoder().encode(up + shown.join("")));
  drawn = lines.length;
}

const timer = isTerminal ? setInterval(draw, 100) : undefined;
await Promise.all(urls.map(download));
clearInterval(timer);
if (isTerminal) draw();
console.log(`${urls.length - failed} of ${urls.length} are there`);
Deno.exit(failed > 0 ? 1 : 0);
