/** Our own peer: the asynchronous jobs. */

import * as curl from "../mod.ts";
import { countWith, getWith, openHandle } from "./handles.ts";
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

const ROOM = 1024 * 1024;

/** All streams on one connection. */
function useHttp2(easy: curl.Curl, ca: string): void {
  easy.setopt(curl.CAINFO, ca);
  easy.setopt(curl.PIPEWAIT, true);
  easy.setopt(curl.HTTP_VERSION, curl.CURL_HTTP_VERSION_2TLS);
}

/** HTTP/2 if there is a `ca`. */
async function getMany(
  getOf: (easy: curl.Curl) => Get,
  [url, seconds, count, ca = ""]: string[],
): Promise<void> {
  const handles = Array.from({ length: Number(count) }, () => openHandle(url));
  if (ca) { for (const easy of handles) useHttp2(easy, ca); }
  const gets = handles.map(getOf);
  let connections = 0;
  const first = handles.map((easy, i) => async () => {
    const size = await gets[i]();
    connections += easy.getinfo(curl.NUM_CONNECTS);
    return size;
  });
  const result = await measureMany(
    (seconds) => repeatFor(gets, seconds),
    Number(seconds),
    (seconds) => repeatFor(first, seconds),
  );
  report({ ...result, connections });
}

function many(...args: string[]): Promise<void> {
  return getMany(countWith, args);
}

function manyBytes(...args: string[]): Promise<void> {
  return getMany(getWith, args);
}

async function warmUp(url: string): Promise<void> {
  using easy = openHandle(url);
  await repeatFor([getWith(easy)], 0.1);
}

/** Reads into the same memory again and again. */
async function read(easy: curl.Curl): Promise<void> {
  await using body = await easy.performStream();
  const reader = body.readable.getReader({ mode: "byob" });
  let buffer = new ArrayBuffer(ROOM);
  let total = 0;
  for (;;) {
    const { value, done } = await reader.read(new Uint8Array(buffer));
    if (done) break;
    total += value.length;
    buffer = value.buffer;
  }
  assert(total === GIB, "the body was not 1 GiB");
}

async function iterateOver(easy: curl.Curl): Promise<void> {
  await using body = await easy.performStream();
  let total = 0;
  for await (const piece of body.readable) total += piece.length;
  assert(total === GIB, "the body was not 1 GiB");
}

async function count(easy: curl.Curl): Promise<void> {
  assert(await countWith(easy)() === GIB, "the body was not 1 GiB");
}

async function stream(url: string, small: string): Promise<void> {
  await warmUp(small);
  using easy = openHandle(url);
  await measureTransfer(() => read(easy));
}

async function iterate(url: string, small: string): Promise<void> {
  await warmUp(small);
  using easy = openHandle(url);
  await measureTransfer(() => iterateOver(easy));
}

async function upload(url: string, small: string): Promise<void> {
  await warmUp(small);
  using easy = openHandle(url);
  easy.setopt(curl.UPLOAD, true);
  await measureTransfer(() => {
    easy.setopt(curl.READDATA, source());
    return easy.perform();
  });
  assert(easy.getinfo(curl.RESPONSE_CODE) === 200, "not all has arrived");
}

async function mime(url: string, small: string, file: string): Promise<void> {
  await warmUp(small);
  using easy = openHandle(url);
  using form = new curl.CurlMime(easy);
  form.addFile("file", file);
  easy.setopt(curl.MIMEPOST, form);
  await measureTransfer(() => easy.perform());
  assert(easy.getinfo(curl.RESPONSE_CODE) === 200, "not all has arrived");
}

async function slow(...crowds: string[]): Promise<void> {
  let total = 0;
  const add = (data: Uint8Array) => {
    total += data.length;
  };
  const open = (url: string) => {
    const easy = openHandle(url);
    easy.setopt(curl.WRITEFUNCTION, add);
    return easy;
  };
  await measureCrowd({
    open,
    get: (easy) => easy.perform(),
    close: (easy) => easy.close(),
    total: () => total,
  }, crowds);
}

async function timer(url: string, small: string, ca: string): Promise<void> {
  await warmUp(small);
  using easy = openHandle(url);
  easy.setopt(curl.CAINFO, ca);
  await measureTimer(() => count(easy));
}

async function timerStream(
  url: string,
  small: string,
  ca: string,
): Promise<void> {
  await warmUp(small);
  using easy = openHandle(url);
  easy.setopt(curl.CAINFO, ca);
  await measureTimer(() => read(easy));
}

const JOBS: Record<string, (...args: string[]) => Promise<void>> = {
  many,
  manyBytes,
  stream,
  iterate,
  upload,
  mime,
  slow,
  timer,
  timerStream,
};

const [job, ...args] = Deno.args;
await JOBS[job](...args);
