/** What the demo runs against: a server of its own, or a URL. */

import * as curl from "../mod.ts";
import { startRelay } from "../tests/fixtures/counting_relay.ts";
import { startWorker } from "../tests/fixtures/workers.ts";
import { Authority } from "../tools/certificates.ts";
import type { Job } from "./worker.ts";

/** What can be counted on the wire. */
export interface Counts {
  connections: number;
  full: number;
  resumed: number;
}

/** How many requests every Worker makes. */
export interface Amount {
  passes: number;
  /** In a pass; each with a new client. */
  rounds: number;
  /** In a round. */
  requests: number;
}

/** Where the requests go, and how many. */
export interface Site extends Amount, AsyncDisposable {
  name: string;
  /** What to know about the figures. */
  notes: string[];
  jobOf(worker: number): Job;
  /** What went over the wire until now, if somebody counts there. */
  count(): Promise<Counts> | null;
}

/** Starts an HTTPS server, and a relay in front of it which counts. */
export async function openOwnSite(): Promise<Site> {
  await using stack = new AsyncDisposableStack();
  const authority = await Authority.create("The demo's authority");
  const { cert, key } = await authority.issue({ names: ["localhost"] });
  const module = new URL("./server.ts", import.meta.url);
  const server = stack.use(
    await startWorker<typeof import("./server.ts")>(module),
  );
  const port = await server.call("listen", { cert, key });
  const relay = stack.use(await startRelay({ port }));

  const origin = `https://localhost:${relay.port}`;
  const amount = { passes: 8, rounds: 8, requests: 8 };
  const running = stack.move();
  return {
    name: "An HTTPS server of our own",
    notes: [
      "A relay in front of the server counts connections and TLS handshakes,",
      "RESOLVER_START_FUNCTION the lookups. libcurl keeps two TLS sessions a host:",
      "Workers that connect in the same instant may find none left to resume.",
    ],
    ...amount,
    jobOf: (worker) => ({
      url: `${origin}/?worker=${worker}`,
      cookiesUrl: `${origin}/cookies`,
      caCerts: authority.cert,
      trace: false,
      ...amount,
    }),
    count: () => relay.counts(),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/**
 * Takes somebody's server, after one request to see that it is there.
 *
 * @throws {Error} When it is not, with the reason.
 */
export function openSite(address: string): Site {
  if (!/^https?:\/\//i.test(address)) {
    throw new Error(`${address} is not an http:// or https:// URL`);
  }
  const [url, status] = visit(address);
  const amount = { passes: 2, rounds: 2, requests: 3 };
  return {
    name: `${url} (HTTP ${status})`,
    notes: [
      "All figures are libcurl's own. A handshake counts as resumed if libcurl",
      "reused a session; it does not tell whether the server accepted that.",
    ],
    ...amount,
    jobOf: () => ({ url, trace: true, ...amount }),
    count: () => null,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Gives where the redirects end, so that all clients ask there. */
function visit(address: string): [url: string, status: number] {
  using client = new curl.Curl();
  client.setopt(curl.URL, address);
  client.setopt(curl.FOLLOWLOCATION, true);
  client.setopt(curl.CONNECTTIMEOUT, 10);
  try {
    client.performBytesSync();
  } catch (cause) {
    if (!(cause instanceof curl.CurlError)) throw cause;
    throw new Error(`cannot reach ${address}: ${cause.message}`, { cause });
  }
  return [
    client.getinfo(curl.EFFECTIVE_URL) ?? address,
    client.getinfo(curl.RESPONSE_CODE),
  ];
}
