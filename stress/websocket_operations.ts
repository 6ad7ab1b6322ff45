/**
 * CurlWebSockets, from their opening to whatever ends them.
 *
 * @module
 */

import * as curl from "../mod.ts";
import { bodyProblem, makeBody } from "./body.ts";
import { newCurl, set } from "./curl_operations.ts";
import { hasRoom, remove } from "./flights.ts";
import {
  type Allowed,
  failed,
  insideToo,
  noCurl,
  type Outcome,
  SHARE_CLOSED,
  SHARE_CLOSING,
  state,
  wrongRange,
  wrongType,
} from "./outcomes.ts";
import { allowed, anyCurl } from "./curl_operations.ts";
import { pause } from "./readers.ts";
import { anyShare, attach } from "./share_operations.ts";
import { socketUrl } from "./settings.ts";
import type { Pending, Walk } from "./walk.ts";

/** Deno's server does not always wait for its own Close frame to be read. */
const LEFT_BEHIND = failed([
  curl.E_GOT_NOTHING,
  curl.E_RECV_ERROR,
  curl.E_SEND_ERROR,
]);

/** How a WebSocket goes on when it is open. */
type Course = (walk: Walk, open: curl.CurlWebSocketConnection) => Promise<void>;

/** What a WebSocket that is left to itself may take. */
const PATIENCE_MS = 2_000;

/** A WebSocket that is closed before it is open. */
const TOO_EARLY = state("The WebSocket was closed before it was open");

/** A new WebSocket, with settings of a handle or without, and its course. */
export function openSocket(walk: Walk): void {
  if (!hasRoom(walk)) return;
  const { random, site } = walk;
  const entry = newCurl(walk);
  set(walk, entry, curl.CAINFO, `${site.folder}/ca.pem`);
  const results: Allowed[] = ["ok"];
  if (random.chance(300)) {
    // The copy that it makes is attached, too, so nothing is certain of it.
    const share = anyShare(walk);
    walk.publishShare(share);
    if (attach(walk, entry, share)) results.push(SHARE_CLOSED, SHARE_CLOSING);
  }
  const greetings = random.below(3);
  const courses = [talk, ignore, leave, giveUp];
  const course = random.pick(courses);
  const url = socketUrl(random, site, {
    greetings,
    most: course === ignore ? 2 : 0,
  });
  const controller = new AbortController();
  const { value: socket } = walk.attempt(
    `new CurlWebSocket() with ${entry}`,
    results,
    () =>
      new curl.CurlWebSocket(url, {
        curl: entry.curl,
        signal: controller.signal,
      }),
    entry.curl.handle,
  );
  if (socket === undefined) return;
  watch(walk, socket, controller, course);
}

/** Judges what becomes of it. */
function watch(
  walk: Walk,
  socket: curl.CurlWebSocket,
  controller: AbortController,
  course: Course,
): void {
  const what = `${socket.url} (${course.name})`;
  const reason = new Error("aborted by the walk");
  let isAborted = false;
  // The share may be about to close.
  const results: Allowed[] = ["ok", SHARE_CLOSING, SHARE_CLOSED, TOO_EARLY];
  if (course === ignore) results.push(LEFT_BEHIND);
  const settle = (outcome: Outcome) => {
    remove(walk, pending);
    walk.arrive(what, outcome);
    if (isAborted && outcome.error as unknown === reason) return;
    walk.judge(what, results, outcome);
  };
  const pending: Pending = {
    what,
    settled: run(walk, socket, course).then(
      (value) => settle({ value }),
      (error) => settle({ error }),
    ).catch((error) => walk.crash(error)),
    since: Date.now(),
    abortAt: Date.now() + walk.random.between(50, PATIENCE_MS),
    abort() {
      walk.note(`${what} is aborted`);
      isAborted = true;
      controller.abort(reason);
    },
  };
  walk.pending.push(pending);
}

async function run(
  walk: Walk,
  socket: curl.CurlWebSocket,
  course: Course,
): Promise<void> {
  const { random } = walk;
  if (random.chance(50)) socket.close({ closeCode: 3000, reason: "early" });
  const open = await socket.opened;
  await course(walk, open);
  if (random.chance(500)) socket.close({ closeCode: 1000, reason: "enough" });
  else if (course !== ignore) await socket[Symbol.asyncDispose]();
  const { closeCode } = await socket.closed;
  if (![1000, 1005, 3000].includes(closeCode)) {
    throw new Error(`the server closed with ${closeCode}`);
  }
}

/** Messages there and back, behind those that the server sends by itself. */
async function talk(
  { random }: Walk,
  { readable, writable }: curl.CurlWebSocketConnection,
): Promise<void> {
  const sent = Array.from({ length: random.between(1, 4) }, () => {
    const length = random.between(8, random.pick([100, 5000, 300_000]));
    return { length, seed: random.next() };
  });
  const isText = random.chance(300);
  const writer = writable.getWriter();
  const writes = Promise.all(
    sent.map((shape) => writer.write(isText ? text(shape) : makeBody(shape))),
  );
  // What is read tells why, if they fail.
  writes.catch(() => {});
  const reader = readable.getReader();
  for (const shape of sent) {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw new Error("the messages end too early");
      if (typeof value === "string") {
        if (value !== text(shape)) throw new Error("another text came back");
        break;
      }
      const problem = bodyProblem(value);
      if (problem) throw new Error(`a message came back as ${problem}`);
      if (bodyProblem(value, shape) === undefined) break;
      if (value.length !== GREETING) throw new Error("another message");
    }
    if (random.chance(200)) await pause(random.below(3));
  }
  await writes;
}

/** How long the messages are that the server sends by itself. */
const GREETING = 100;

function text({ length, seed }: { length: number; seed: number }): string {
  return `${seed} ${"ä".repeat(length / 4)}`;
}

/** Writes what nobody reads, to a server that leaves after two messages. */
async function ignore(
  { random }: Walk,
  { writable }: curl.CurlWebSocketConnection,
): Promise<void> {
  const writer = writable.getWriter();
  try {
    for (let left = random.between(3, 6); left > 0; left--) {
      await writer.write(makeBody({ length: 2000, seed: left }));
      await pause(1);
    }
  } catch (error) {
    // The server may have left, or the walk has had enough.
    if (!(error instanceof Error)) throw error;
  }
}

/** Cancels and aborts the streams. */
async function leave(
  { random }: Walk,
  { readable, writable }: curl.CurlWebSocketConnection,
): Promise<void> {
  const writer = writable.getWriter();
  if (random.chance(500)) {
    writer.write(makeBody({ length: 200_000, seed: 1 })).catch(() => {});
  }
  const ends = [
    () => readable.cancel({ closeCode: 3000 }),
    () => writer.abort("enough"),
    () => writer.close().catch(() => {}),
  ];
  await random.pick(ends)();
}

/** Does nothing, and is closed, aborted or terminated. */
async function giveUp(
  { random }: Walk,
  { readable }: curl.CurlWebSocketConnection,
): Promise<void> {
  await pause(random.below(40));
  if (random.chance(300)) await readable.getReader().read();
}

/** What is wrong whatever the server does. */
export function openSocketBadly(walk: Walk): void {
  const [what, refusal, act] = walk.random.pick<
    [string, Allowed, () => unknown]
  >([
    ["ftp:", wrongType(/begins with ws: or wss:/), () => {
      new curl.CurlWebSocket("ftp://localhost/");
    }],
    ["fragment", wrongType(/no fragment/), () => {
      new curl.CurlWebSocket("ws://localhost/#a");
    }],
    ["headers", wrongType(/^headers must be lines/), () => {
      new curl.CurlWebSocket("ws://localhost/", { headers: ["a\nb"] });
    }],
    ["timeout", wrongRange(/^closingTimeout must be/), () => {
      new curl.CurlWebSocket("ws://localhost/", { closingTimeout: -1 });
    }],
    ["curl", wrongType(/^curl must be a Curl/), () => {
      new curl.CurlWebSocket("ws://localhost/", { curl: {} as curl.Curl });
    }],
  ]);
  walk.attempt(`new CurlWebSocket(bad ${what})`, [refusal], act);
}

/** With a handle that is not idle, which is refused before anything begins. */
export function openSocketOnBusy(walk: Walk): void {
  const entry = anyCurl(walk);
  const results = allowed(walk, entry, insideToo("duphandle", "ok"));
  if (results.includes("ok") || results.length === 0) return;
  walk.attemptOn(
    entry,
    "new CurlWebSocket(busy)",
    [...results, noCurl("share"), failed([0])],
    () => new curl.CurlWebSocket("ws://127.0.0.1:1/", { curl: entry.curl }),
  );
}
