/** What blocks, and what takes no transfer. */

import {
  type Benchmark,
  C,
  deno,
  FETCH,
  OURS,
  type Place,
  PYCURL,
  pycurl,
  type Setup,
} from "./benchmark.ts";

const BYTES = `${OURS}, performBytesSync`;
const THREADED = `${C}, a second thread`;
const SOURCES = `${OURS}, from sources`;

const CALLS = 1_000_000;
const LOCKS = 20_000_000;
const HEADERS = 100_000;

function gets(setup: Setup, place: Place): Benchmark {
  const args = [setup.urls.small, String(setup.seconds)];
  return {
    name: "get",
    title: `GET of 1 KiB, one after another, kept alive, ${place}`,
    place,
    measures: [
      { key: "rate", title: "requests/s", base: C },
      { key: "cpu", title: "CPU µs/request" },
      { key: "busy", title: "server busy" },
    ],
    targets: [{ key: "rate", peer: OURS, against: C, atLeast: 0.95 }],
    turns: [
      { peer: OURS, command: [...deno("ours.ts"), "get", ...args] },
      { peer: BYTES, command: [...deno("ours.ts"), "getBytes", ...args] },
      { peer: C, command: [setup.c, "get", ...args] },
      { peer: THREADED, command: [setup.c, "getThreaded", ...args] },
      ...pycurl(setup, "get", ...args),
      { peer: FETCH, command: [...deno("fetch.ts"), "many", ...args, "1"] },
    ],
  };
}

function downloads(setup: Setup, place: Place): Benchmark {
  const args = [setup.urls.large, setup.urls.small];
  return {
    name: "download",
    title: `Download of 1 GiB, counted by WRITEFUNCTION, ${place}`,
    place,
    measures: [
      { key: "speed", title: "GB/s", base: C },
      { key: "cpu", title: "CPU s" },
      { key: "growth", title: "growth MiB" },
      { key: "busy", title: "server busy" },
    ],
    targets: [
      { key: "speed", peer: OURS, against: C, atLeast: 0.95 },
      { key: "growth", peer: OURS, atMost: 16, unit: "MiB" },
    ],
    turns: [
      { peer: OURS, command: [...deno("ours.ts"), "download", ...args] },
      { peer: C, command: [setup.c, "download", ...args] },
      ...pycurl(setup, "download", ...args),
      { peer: FETCH, command: [...deno("fetch.ts"), "stream", ...args] },
    ],
  };
}

function calls(setup: Setup): Benchmark {
  const args = ["calls", setup.urls.small, String(CALLS)];
  return {
    name: "calls",
    title: "setopt and getinfo, ns per call",
    place: "anywhere",
    measures: [
      { key: "setNumber", title: "setopt number", base: C },
      { key: "setString", title: "setopt string", base: C },
      { key: "getNumber", title: "getinfo long", base: C },
      { key: "getDouble", title: "getinfo double", base: C },
      { key: "getString", title: "getinfo string", base: C },
    ],
    targets: [
      { key: "setNumber", peer: OURS, against: C, atMost: 5 },
      { key: "setNumber", peer: OURS, against: PYCURL, atMost: 1 },
      { key: "setString", peer: OURS, against: PYCURL, atMost: 1 },
    ],
    turns: [
      { peer: OURS, command: [...deno("ours.ts"), ...args] },
      { peer: C, command: [setup.c, ...args] },
      ...pycurl(setup, ...args),
    ],
  };
}

function headers(setup: Setup): Benchmark {
  const args = ["headers", setup.urls.headers, String(HEADERS)];
  return {
    name: "headers",
    title: "Iterating the 20 headers of a response, ns per header",
    place: "anywhere",
    measures: [{ key: "header", title: "ns", base: C }],
    targets: [{ key: "header", peer: OURS, against: C, atMost: 3 }],
    turns: [
      { peer: OURS, command: [...deno("ours.ts"), ...args] },
      { peer: C, command: [setup.c, ...args] },
    ],
  };
}

function locks(setup: Setup): Benchmark[] {
  if (setup.locks === null) return [];
  return [{
    name: "locks",
    title: "Lock and unlock, uncontended, ns per pair",
    place: "anywhere",
    measures: [{ key: "lock", title: "ns", base: C }],
    targets: [{ key: "lock", peer: OURS, against: C, atMost: 1.5 }],
    turns: [
      { peer: OURS, command: [setup.locks, String(LOCKS)] },
      { peer: C, command: [setup.c, "lock", String(LOCKS)] },
    ],
  }];
}

function startup({ urls, packed }: Setup): Benchmark {
  const published = deno("startup/ours.ts", `--config=${packed}`);
  return {
    name: "startup",
    title: "A whole process with one request, ms",
    place: "anywhere",
    minRounds: 20,
    measures: [{ key: "wall", title: "ms", base: FETCH }],
    targets: [{ key: "wall", peer: OURS, against: FETCH, atMost: 1.3 }],
    turns: [
      { peer: OURS, command: [...published, urls.small] },
      { peer: SOURCES, command: [...deno("startup/ours.ts"), urls.small] },
      { peer: FETCH, command: [...deno("startup/fetch.ts"), urls.small] },
    ],
  };
}

export function synchronous(setup: Setup): Benchmark[] {
  return [
    gets(setup, "one core"),
    gets(setup, "two cores"),
    downloads(setup, "one core"),
    downloads(setup, "two cores"),
    calls(setup),
    headers(setup),
    ...locks(setup),
    startup(setup),
  ];
}
