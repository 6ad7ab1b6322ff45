/** The peer that uses Deno's own fetch. */

import { assert, cpu, peak, report } from "./meter.ts";

async function size(url: string): Promise<number> {
  return (await (await fetch(url)).bytes()).length;
}

async function repeatFor(url: string, seconds: number): Promise<number[]> {
  const end = performance.now() + seconds * 1000;
  let requests = 0;
  let total = 0;
  do {
    for (let i = 0; i < 16; i++) total += await size(url);
    requests += 16;
  } while (performance.now() < end);
  return [requests, total];
}

async function get(url: string, seconds: number): Promise<void> {
  const begun = performance.now();
  await repeatFor(url, seconds / 3);
  const cpuBefore = cpu();
  const start = performance.now();
  const [requests, total] = await repeatFor(url, seconds);
  const took = (performance.now() - start) / 1000;
  const spent = cpu() - cpuBefore;
  assert(total === 1024 * requests, "a body was not 1 KiB");
  report({
    get: requests / took,
    getCpu: spent / requests * 1e6,
    elapsed: (performance.now() - begun) / 1000,
  });
}

async function download(url: string, small: string): Promise<void> {
  await repeatFor(small, 0.1);
  let total = 0;
  const peakBefore = peak(true);
  const cpuBefore = cpu();
  const start = performance.now();
  const { body } = await fetch(url);
  assert(body !== null, "no body");
  for await (const chunk of body) total += chunk.length;
  const took = (performance.now() - start) / 1000;
  const spent = cpu() - cpuBefore;
  assert(total === 2 ** 30, "the body was not 1 GiB");
  report({
    download: total / took / 1e9,
    downloadCpu: spent,
    growth: peak() - peakBefore,
    elapsed: took,
  });
}

const [job, url, second] = Deno.args;
if (job === "get") await get(url, Number(second));
else await download(url, second);
