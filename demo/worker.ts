/** What a Worker of the demo can do; the main isolate calls these functions. */

import * as curl from "../mod.ts";
import { Gate } from "../tests/fixtures/workers.ts";
import { emit } from "../tests/fixtures/worker_messages.ts";
import { attempt } from "./attempt.ts";
import { type Figures, UNKNOWN } from "./figures.ts";

/** What a task is about. */
export interface Job {
  url: string;
  /** Where the server shows the cookies it is sent; else the jar is read. */
  cookiesUrl?: string;
  /** Whom to trust; else the system's certificates. */
  caCerts?: string;
  rounds: number;
  requests: number;
  share?: curl.ShareHandle;
  /** Take the figures on TLS from libcurl's own words. */
  trace: boolean;
}

/** Each round is a new client, which connects anew. */
export async function workWithFetch(job: Job): Promise<Figures> {
  for (let round = 0; round < job.rounds; round++) {
    using client = newFetchClient(job);
    for (let request = 0; request < job.requests; request++) {
      const response = await fetch(job.url, { client, redirect: "manual" });
      await response.bytes();
    }
  }
  return UNKNOWN;
}

function newFetchClient({ caCerts }: Job): Deno.HttpClient {
  return Deno.createHttpClient({ caCerts: caCerts ? [caCerts] : [] });
}

/** Each round is a new Curl, which knows only what is in the share. */
export function workWithCurl(job: Job): Figures {
  const figures = { connections: 0, full: 0, resumed: 0, lookups: 0 };
  for (let round = 0; round < job.rounds; round++) {
    using client = newCurl(job);
    const trace = { resuming: false };
    if (job.trace) follow(client, trace);
    client.setopt(curl.RESOLVER_START_FUNCTION, () => {
      figures.lookups++;
    });
    for (let request = 0; request < job.requests; request++) {
      trace.resuming = false;
      client.performBytesSync();
      figures.connections += client.getinfo(curl.NUM_CONNECTS);
      if (client.getinfo(curl.APPCONNECT_TIME_T) > 0) {
        figures[trace.resuming ? "resumed" : "full"]++;
      }
    }
  }
  return figures;
}

function newCurl(job: Job, share = shareOf(job)): curl.Curl {
  const client = new curl.Curl();
  client.setopt(curl.URL, job.url);
  client.setopt(curl.COOKIEFILE, "");
  if (job.caCerts) client.setCaCerts(job.caCerts);
  if (share) client.setopt(curl.SHARE, share);
  return client;
}

function shareOf({ share }: Job): curl.CurlShare | undefined {
  return share === undefined ? undefined : curl.CurlShare.fromHandle(share);
}

/** libcurl tells of a TLS session it reuses in its verbose text only. */
function follow(client: curl.Curl, trace: { resuming: boolean }): void {
  const decoder = new TextDecoder();
  client.setopt(curl.VERBOSE, true);
  client.setopt(curl.DEBUGFUNCTION, (type, data) => {
    if (type !== curl.INFOTYPE_TEXT) return;
    trace.resuming ||= decoder.decode(data).includes("SSL reusing session");
  });
}

/** The cookies that a new client has, where anybody can tell. */
export async function cookiesOfFetch(job: Job): Promise<string[] | null> {
  if (!job.cookiesUrl) return null;
  using client = newFetchClient(job);
  const response = await fetch(job.cookiesUrl, { client });
  return split(await response.text());
}

/** The same for a new Curl. */
export function cookiesOfCurl(job: Job): string[] {
  using client = newCurl(job);
  if (!job.cookiesUrl) return client.getinfo(curl.INFO_COOKIELIST);
  client.setopt(curl.URL, job.cookiesUrl);
  return split(client.performTextSync());
}

function split(cookies: string): string[] {
  return cookies.split("; ").filter(Boolean);
}

/** The Curl of the last scene, which outlives its share. */
let kept: { client: curl.Curl; share: curl.CurlShare };

/** Stays in the middle of a transfer until the gate opens. */
export function transfer(job: Job, doorstep: SharedArrayBuffer): string {
  const share = shareOf(job)!;
  const client = newCurl(job, share);
  kept = { client, share };
  const gate = new Gate(doorstep);
  client.setopt(curl.HEADERFUNCTION, () => {
    if (gate.isOpen) return;
    emit("transferring");
    gate.waitSync();
  });
  return request(client);
}

/** Tries to use the share again, then goes on without. */
export function goOn(): { refusal: string; alone: string } {
  using client = kept.client;
  const refusal = attempt(
    () => client.setopt(curl.SHARE, kept.share),
    "attached",
  );
  return { refusal, alone: request(client) };
}

function request(client: curl.Curl): string {
  const { length } = client.performBytesSync();
  return `HTTP ${client.getinfo(curl.RESPONSE_CODE)}, ${length} bytes`;
}
