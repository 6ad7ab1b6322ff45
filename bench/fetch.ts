/** The peer that uses Deno's own fetch. */

import {
  type Get,
  GIB,
  measureCrowd,
  measureMany,
  measureTransfer,
  repeatFor,
  source,
} from "./measure.ts";
import { assert, report } from "./meter.ts";
import { measureTimer } from "./timer.ts";

function openClient(ca: string): Deno.HttpClient {
  return Deno.createHttpClient({ caCerts: [Deno.readTextFileSync(ca)] });
}

function getFrom(url: string, client?: Deno.HttpClient): Get {
  return async () => (await (await fetch(url, { client })).bytes()).length;
}

async function many(
  url: string,
  seconds: string,
  count: string,
  ca?: string,
): Promise<void> {
  const get = getFrom(url, ca === undefined ? undefined : openClient(ca));
  const gets = new Array(Number(count)).fill(get);
  report(
    await measureMany((seconds) => repeatFor(gets, seconds), Number(seconds)),
  );
}

async function warmUp(url: string): Promise<void> {
  await repeatFor([getFrom(url)], 0.1);
}

async function read(url: string, client?: Deno.HttpClient): Promise<void> {
  const { body } = await fetch(url, { client });
  assert(body !== null, "no body");
  let total = 0;
  for await (const chunk of body) total += chunk.length;
  assert(total === GIB, "the body was not 1 GiB");
}

async function stream(url: string, small: string): Promise<void> {
  await warmUp(small);
  await measureTransfer(() => read(url));
}

async function put(url: string): Promise<void> {
  const response = await fetch(url, { method: "PUT", body: source() });
  await response.bytes();
  assert(response.status === 200, "not all has arrived");
}

async function upload(url: string, small: string): Promise<void> {
  await warmUp(small);
  await measureTransfer(() => put(url));
}

async function slow(...crowds: string[]): Promise<void> {
  let total = 0;
  await measureCrowd({
    open: getFrom,
    get: async (get) => {
      const size = await get();
      total += size;
    },
    close() {},
    total: () => total,
  }, crowds);
}

async function timer(url: string, small: string, ca: string): Promise<void> {
  await warmUp(small);
  const client = openClient(ca);
  await measureTimer(() => read(url, client));
}

const JOBS: Record<string, (...args: string[]) => Promise<void>> = {
  many,
  stream,
  upload,
  slow,
  timer,
};

const [job, ...args] = Deno.args;
await JOBS[job](...args);
