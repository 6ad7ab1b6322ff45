/**
 * Visits the pages of a site, with Workers that share names, TLS sessions,
 * cookies and connections. By HTTP/2, all of them use one connection.
 *
 *     deno run -A examples/crawler.ts URL [PAGES]
 */

import * as curl from "../mod.ts";
import type { Page } from "./crawler_worker.ts";

const WORKERS = 4;
/** Pages that one Worker visits at once. */
const AT_ONCE = 8;

const [first, most = "100"] = Deno.args;
if (first === undefined) {
  console.error("usage: crawler.ts URL [PAGES]");
  Deno.exit(2);
}

// Closed when the transfers are over, those of Workers that were terminated too.
await using share = new curl.CurlShare();
share.share(
  curl.LOCK_DATA_COOKIE,
  curl.LOCK_DATA_DNS,
  curl.LOCK_DATA_SSL_SESSION,
  curl.LOCK_DATA_CONNECT,
);

const start = new URL(first).href;
const seen = new Set([start]);
const waiting = [start];
let running = 0;
const { promise: finished, resolve, reject } = Promise.withResolvers<void>();

const workers = Array.from({ length: WORKERS }, () => {
  const url = new URL("./crawler_worker.ts", import.meta.url);
  return new Worker(url, { type: "module" });
});
/** Whoever is here can take a page; each Worker as often as it can. */
const free = Array.from({ length: AT_ONCE }, () => workers).flat();

function handOut(): void {
  while (waiting.length > 0 && free.length > 0) {
    running++;
    free.shift()!.postMessage({ share: share.handle, url: waiting.shift() });
  }
  if (running === 0) resolve();
}

for (const worker of workers) {
  worker.onmessage = ({ data: page }: MessageEvent<Page>) => {
    console.log(page.outcome, page.url);
    for (const link of page.links) {
      if (seen.has(link) || seen.size >= Number(most)) continue;
      seen.add(link);
      waiting.push(link);
    }
    running--;
    free.push(worker);
    handOut();
  };
  worker.onerror = (event) => reject(new Error(event.message));
}

try {
  handOut();
  await finished;
} finally {
  for (const worker of workers) worker.terminate();
}
const { connectionsMade } = share.stats();
console.log(`${seen.size} pages, ${connectionsMade} connections`);
