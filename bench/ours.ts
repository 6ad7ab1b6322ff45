/** Our own peer: the same jobs through this library. */

import * as curl from "../mod.ts";
import { assert, cpu, peak, report } from "./meter.ts";

const AGENTS = Array.from({ length: 8 }, (_, i) => `benchmark-agent/1.0${i}`);

const count = { total: 0 };

function openHandle(url: string): curl.Curl {
  const easy = new curl.Curl();
  easy.setopt(curl.URL, url);
  easy.setopt(curl.NOSIGNAL, 1);
  easy.setopt(curl.HTTP_VERSION, curl.CURL_HTTP_VERSION_1_1);
  return easy;
}

function openCounting(url: string): curl.Curl {
  const easy = openHandle(url);
  easy.setopt(curl.WRITEFUNCTION, (data) => {
    count.total += data.length;
  });
  return easy;
}

/** The clock is looked at now and then only: a look costs 0.1 µs. */
function repeatFor(perform: () => void, seconds: number): number {
  const end = performance.now() + seconds * 1000;
  let requests = 0;
  do {
    for (let i = 0; i < 16; i++) perform();
    requests += 16;
  } while (performance.now() < end);
  return requests;
}

function measureGets(perform: () => void, seconds: number): void {
  const begun = performance.now();
  repeatFor(perform, seconds);
  count.total = 0;
  const cpuBefore = cpu();
  const start = performance.now();
  const requests = repeatFor(perform, seconds);
  const took = (performance.now() - start) / 1000;
  const spent = cpu() - cpuBefore;
  assert(count.total === 1024 * requests, "a body was not 1 KiB");
  report({
    rate: requests / took,
    cpu: spent / requests * 1e6,
    elapsed: (performance.now() - begun) / 1000,
  });
}

function get(url: string, seconds: string): void {
  using easy = openCounting(url);
  measureGets(() => easy.performSync(), Number(seconds));
}

function getBytes(url: string, seconds: string): void {
  using easy = openHandle(url);
  measureGets(() => {
    count.total += easy.performBytesSync().length;
  }, Number(seconds));
}

function download(url: string, small: string): void {
  using easy = openCounting(small);
  repeatFor(() => easy.performSync(), 0.1);
  easy.setopt(curl.URL, url);
  const peakBefore = peak(true);
  const begun = performance.now();
  easy.performSync();
  easy.performSync();
  count.total = 0;
  const cpuBefore = cpu();
  const start = performance.now();
  easy.performSync();
  const took = (performance.now() - start) / 1000;
  const spent = cpu() - cpuBefore;
  assert(count.total === 2 ** 30, "the body was not 1 GiB");
  report({
    speed: count.total / took / 1e9,
    cpu: spent,
    growth: peak() - peakBefore,
    elapsed: (performance.now() - begun) / 1000,
  });
}

function setNumbers(easy: curl.Curl, times: number): void {
  for (let i = 0; i < times; i++) {
    easy.setopt(curl.TIMEOUT_MS, 1000 + (i & 7));
  }
}

function setStrings(easy: curl.Curl, times: number): void {
  for (let i = 0; i < times; i++) easy.setopt(curl.USERAGENT, AGENTS[i & 7]);
}

function getNumbers(easy: curl.Curl, times: number): void {
  let sum = 0;
  for (let i = 0; i < times; i++) sum += easy.getinfo(curl.RESPONSE_CODE);
  assert(sum === 200 * times, "the response code was not 200");
}

function getDoubles(easy: curl.Curl, times: number): void {
  let sum = 0;
  for (let i = 0; i < times; i++) sum += easy.getinfo(curl.TOTAL_TIME);
  assert(sum > 0, "the transfer took no time");
}

function getStrings(easy: curl.Curl, times: number): void {
  let value: string | null = null;
  for (let i = 0; i < times; i++) value = easy.getinfo(curl.EFFECTIVE_URL);
  assert(value?.[0] === "h", "not a URL");
}

function calls(url: string, count: string): void {
  const times = Number(count);
  using easy = openCounting(url);
  easy.performSync();
  const jobs = {
    setNumber: setNumbers,
    setString: setStrings,
    getNumber: getNumbers,
    getDouble: getDoubles,
    getString: getStrings,
  };
  const result: Record<string, number> = {};
  for (const [name, run] of Object.entries(jobs)) {
    run(easy, times / 10);
    const start = performance.now();
    run(easy, times);
    result[name] = (performance.now() - start) / times * 1e6;
  }
  report(result);
}

function iterateHeaders(easy: curl.Curl, times: number): number {
  let [count, length] = [0, 0];
  for (let i = 0; i < times; i++) {
    for (const { name, value } of easy.headers()) {
      length += name.length + value.length;
      count++;
    }
  }
  assert(count === 20 * times && length > count, "there were not 20 headers");
  return count;
}

function headers(url: string, count: string): void {
  const times = Number(count);
  using easy = openCounting(url);
  easy.performSync();
  iterateHeaders(easy, times / 10);
  const start = performance.now();
  const iterated = iterateHeaders(easy, times);
  report({ header: (performance.now() - start) / iterated * 1e6 });
}

const JOBS: Record<string, (...args: [string, string]) => void> = {
  get,
  getBytes,
  download,
  calls,
  headers,
};

const [job, first = "", second = ""] = Deno.args;
JOBS[job](first, second);
