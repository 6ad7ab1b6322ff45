/** What goes on while the program does. */

import {
  type Benchmark,
  C,
  deno,
  FETCH,
  OURS,
  PYCURL,
  pycurl,
  type Setup,
} from "./benchmark.ts";

const FOR_AWAIT = `${OURS}, for await`;
const BYTES = `${OURS}, performBytes`;
const STREAM = `${OURS}, performStream`;
const AWAIT_SELECT = `${OURS}, await select`;
const TEAM = `${OURS}, 4 Workers, one share`;
const IDLE = "nothing";

const IN_FLIGHT = 64;
const CROWD = 10_000;
/** So many crowds of `IN_FLIGHT` come first. */
const CROWDS = 30;
const WORKERS = 4;

const RATE = [
  { key: "rate", title: "requests/s", base: C },
  { key: "cpu", title: "CPU µs/request" },
  { key: "busy", title: "server busy" },
];

const SPEED = [
  { key: "speed", title: "GB/s", base: C },
  { key: "cpu", title: "CPU s" },
  { key: "growth", title: "growth MiB" },
  { key: "busy", title: "server busy" },
];

function oneByOne({ urls, seconds, c }: Setup): Benchmark {
  const args = ["many", urls.small, String(seconds), "1"];
  return {
    name: "await",
    title: "GET of 1 KiB, each awaited before the next",
    place: "two cores",
    rounds: 7,
    measures: RATE,
    targets: [
      { key: "rate", peer: OURS, against: C, atLeast: 0.75 },
      { key: "rate", peer: OURS, against: FETCH, atLeast: 1.2 },
    ],
    turns: [
      { peer: OURS, command: [...deno("ours_async.ts"), ...args] },
      { peer: C, command: [c, ...args] },
      { peer: FETCH, command: [...deno("fetch.ts"), ...args] },
    ],
  };
}

function many(setup: Setup): Benchmark {
  const { urls, seconds, c } = setup;
  const args = ["many", urls.small, String(seconds), String(IN_FLIGHT)];
  return {
    name: "many",
    title: `GET of 1 KiB, ${IN_FLIGHT} in flight, HTTP/1.1, kept alive`,
    place: "two cores",
    rounds: 7,
    measures: RATE,
    targets: [
      { key: "rate", peer: OURS, against: C, atLeast: 0.85 },
      { key: "rate", peer: OURS, against: FETCH, atLeast: 2.5 },
    ],
    turns: [
      { peer: OURS, command: [...deno("ours_async.ts"), ...args] },
      {
        peer: BYTES,
        command: [...deno("ours_async.ts"), "manyBytes", ...args.slice(1)],
      },
      { peer: C, command: [c, ...args] },
      ...pycurl(setup, ...args),
      { peer: FETCH, command: [...deno("fetch.ts"), ...args] },
    ],
  };
}

function multi(setup: Setup): Benchmark {
  const { urls, seconds, c } = setup;
  const args = [urls.small, String(seconds), String(IN_FLIGHT)];
  return {
    name: "multi",
    title: `GET of 1 KiB, ${IN_FLIGHT} in a CurlMulti, HTTP/1.1, kept alive`,
    place: "two cores",
    rounds: 7,
    measures: RATE,
    targets: [{ key: "rate", peer: OURS, against: C, atLeast: 0.85 }],
    turns: [
      {
        peer: OURS,
        command: [...deno("ours_multi.ts"), "selectSync", ...args],
      },
      {
        peer: AWAIT_SELECT,
        command: [...deno("ours_multi.ts"), "select", ...args],
      },
      { peer: C, command: [c, "many", ...args] },
      ...pycurl(setup, "many", ...args),
    ],
  };
}

function http2(setup: Setup): Benchmark {
  const { urls, seconds, c } = setup;
  const count = String(IN_FLIGHT);
  const args = ["many", urls.http2, String(seconds), count, urls.ca];
  return {
    name: "http2",
    title: `GET of 1 KiB, ${IN_FLIGHT} in flight, HTTP/2 over TLS`,
    place: "two cores",
    rounds: 7,
    measures: [...RATE, { key: "connections", title: "connections" }],
    targets: [
      { key: "rate", peer: OURS, against: C, atLeast: 0.85 },
      { key: "rate", peer: OURS, against: FETCH, atLeast: 3 },
      { key: "rate", peer: OURS, against: PYCURL, atLeast: 1 },
      { key: "connections", peer: OURS, atMost: 1, unit: "connection" },
    ],
    turns: [
      { peer: OURS, command: [...deno("ours_async.ts"), ...args] },
      { peer: C, command: [c, ...args] },
      ...pycurl(setup, ...args),
      { peer: FETCH, command: [...deno("fetch.ts"), ...args] },
    ],
  };
}

function streams({ urls, c }: Setup): Benchmark {
  const args = [urls.large, urls.small];
  return {
    name: "stream",
    title: "Download of 1 GiB as a stream",
    place: "two cores",
    rounds: 5,
    measures: SPEED,
    targets: [OURS, FOR_AWAIT].flatMap((peer) => [
      { key: "speed", peer, against: C, atLeast: 0.9 },
      { key: "speed", peer, against: FETCH, atLeast: 1.3 },
      { key: "growth", peer, atMost: 16, unit: "MiB" },
    ]),
    turns: [
      { peer: OURS, command: [...deno("ours_async.ts"), "stream", ...args] },
      {
        peer: FOR_AWAIT,
        command: [...deno("ours_async.ts"), "iterate", ...args],
      },
      { peer: C, command: [c, "stream", ...args] },
      { peer: FETCH, command: [...deno("fetch.ts"), "stream", ...args] },
    ],
  };
}

function uploads({ urls, c }: Setup): Benchmark {
  const args = ["upload", urls.sink, urls.small];
  return {
    name: "upload",
    title: "Upload of 1 GiB of unknown length from a stream",
    place: "two cores",
    rounds: 5,
    measures: SPEED,
    targets: [{ key: "speed", peer: OURS, against: C, atLeast: 0.8 }],
    turns: [
      { peer: OURS, command: [...deno("ours_async.ts"), ...args] },
      { peer: C, command: [c, ...args] },
      { peer: FETCH, command: [...deno("fetch.ts"), ...args] },
    ],
  };
}

function forms({ urls, c }: Setup): Benchmark {
  const args = ["mime", urls.form, urls.small, urls.file];
  return {
    name: "mime",
    title: "Upload of a form with a file of 1 GiB",
    place: "two cores",
    rounds: 5,
    measures: SPEED,
    targets: [
      { key: "speed", peer: OURS, against: C, atLeast: 0.9 },
      { key: "growth", peer: OURS, atMost: 16, unit: "MiB" },
    ],
    turns: [
      { peer: OURS, command: [...deno("ours_async.ts"), ...args] },
      { peer: C, command: [c, ...args] },
    ],
  };
}

function slow({ urls, c }: Setup): Benchmark {
  const few = [urls.slow(IN_FLIGHT), String(IN_FLIGHT), String(CROWDS)];
  const args = ["slow", urls.slow(CROWD), String(CROWD), ...few];
  return {
    name: "slow",
    title: `${CROWD} transfers in flight, which all wait for the last`,
    place: "two cores",
    rounds: 3,
    measures: [
      { key: "memory", title: "KiB each", base: C },
      { key: "seconds", title: "seconds", base: C },
      { key: "cpu", title: "CPU s" },
      { key: "busy", title: "server busy" },
    ],
    targets: [{ key: "memory", peer: OURS, against: C, atMost: 1.5 }],
    turns: [
      { peer: OURS, command: [...deno("ours_async.ts"), ...args] },
      { peer: C, command: [c, ...args] },
      { peer: FETCH, command: [...deno("fetch.ts"), ...args] },
    ],
  };
}

function workers({ urls, seconds }: Setup): Benchmark {
  const args = [urls.small, String(seconds)];
  const each = String(IN_FLIGHT / WORKERS);
  return {
    name: "workers",
    title: `GET of 1 KiB, ${IN_FLIGHT} in flight from ${WORKERS} Workers`,
    place: "two cores",
    rounds: 7,
    measures: [
      { key: "rate", title: "requests/s", base: OURS },
      { key: "cpu", title: "CPU µs/request" },
      { key: "busy", title: "server busy" },
    ],
    targets: [{ key: "rate", peer: TEAM, against: OURS, atLeast: 0.8 }],
    turns: [
      {
        peer: TEAM,
        command: [...deno("ours_workers.ts"), ...args, String(WORKERS), each],
      },
      {
        peer: OURS,
        command: [
          ...deno("ours_async.ts"),
          "manyBytes",
          ...args,
          String(IN_FLIGHT),
        ],
      },
    ],
  };
}

function timers({ urls }: Setup): Benchmark {
  const args = [urls.secureLarge, urls.small, urls.ca];
  return {
    name: "timer",
    title: "How late a timer of 1 ms is during 1 GiB by HTTPS",
    place: "two cores",
    rounds: 5,
    measures: [
      { key: "late", title: "99 % within ms", base: FETCH },
      { key: "latest", title: "latest ms" },
      { key: "speed", title: "GB/s", base: FETCH },
      { key: "busy", title: "server busy" },
    ],
    targets: [OURS, STREAM].map((peer) => (
      { key: "late", peer, against: FETCH, atMost: 0.5 }
    )),
    turns: [
      { peer: OURS, command: [...deno("ours_async.ts"), "timer", ...args] },
      {
        peer: STREAM,
        command: [...deno("ours_async.ts"), "timerStream", ...args],
      },
      { peer: FETCH, command: [...deno("fetch.ts"), "timer", ...args] },
      { peer: IDLE, command: deno("timer.ts") },
    ],
  };
}

export function asynchronous(setup: Setup): Benchmark[] {
  return [
    oneByOne(setup),
    many(setup),
    multi(setup),
    http2(setup),
    streams(setup),
    uploads(setup),
    forms(setup),
    slow(setup),
    workers(setup),
    timers(setup),
  ];
}
