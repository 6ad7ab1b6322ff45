/**
 * Raw bytes and WebSocket frames on connections that handles keep, upkeep, and
 * TLS sessions.
 *
 * @module
 */

import * as curl from "../mod.ts";
import { bodyProblem, joined, makeBody } from "./body.ts";
import {
  allowed,
  anyCurl,
  call,
  close,
  newCurl,
  set,
} from "./curl_operations.ts";
import { answering } from "./functions.ts";
import type { CurlEntry, Frame } from "./objects.ts";
import {
  type Allowed,
  CALLBACK_CODES,
  failed,
  idleOnly,
  insideToo,
  noCurl,
  OWN_TURN,
  type Refusal,
  type Rule,
  state,
  wrongRange,
  wrongType,
} from "./outcomes.ts";
import { mayBeElsewhere, ownTurn } from "./performing.ts";
import { socketUrl } from "./settings.ts";
import type { Walk } from "./walk.ts";

/** What a connection, or none, may come to. */
const CODES = failed([
  curl.E_AGAIN,
  curl.E_UNSUPPORTED_PROTOCOL,
  curl.E_SEND_ERROR,
  curl.E_RECV_ERROR,
  curl.E_GOT_NOTHING,
  curl.E_BAD_FUNCTION_ARGUMENT,
  // HTTP/2 has no bytes that are not of a request.
  curl.E_HTTP2,
]);

/** How long an exchange may take that is foretold. */
const LONGEST_MS = 10_000;

/** Waits without turns of the loop. */
const pulse = new Int32Array(new SharedArrayBuffer(4));

/** For frames, which WRITEFUNCTION may send, too. */
function sending(method: string): Rule {
  const rule = idleOnly(method, "ok", CODES);
  const running = state(
    `cannot invoke ${method}() - perform() is currently running outside WRITEFUNCTION callback`,
  );
  return {
    ...rule,
    own: ["ok", CODES, running],
    elsewhere: [...rule.elsewhere, running],
    member: [...rule.member],
    busy: [running],
  };
}

/** Calls on any connection: that of a transfer, of a peer, or none. */
export function useConnection(walk: Walk): void {
  const entry = anyCurl(walk);
  // Only what is foretold may come of it.
  if (entry.isLocked) return;
  const { random } = walk;
  const { curl: handle } = entry;
  const bytes = makeBody({ length: random.between(8, 5000), seed: 1 });
  const size = random.pick([0, 1, 100, 70_000]);
  const [what, rule, act] = random.pick<[string, Rule, () => unknown]>([
    ["send()", idleOnly("send", "ok", CODES), () => handle.send(bytes)],
    ["recv()", idleOnly("recv", "ok", CODES), () => handle.recv(size)],
    [
      "recvInto()",
      idleOnly("recvInto", "ok", CODES),
      () => handle.recvInto(new Uint8Array(size)),
    ],
    ["wsSend()", sending("wsSend"), () => handle.wsSend(bytes)],
    ["wsSend()", sending("wsSend"), () => handle.wsSend("x", curl.WS_PING)],
    ["wsRecv()", idleOnly("wsRecv", "ok", CODES), () => handle.wsRecv(size)],
    [
      "wsRecvInto()",
      idleOnly("wsRecvInto", "ok", CODES),
      () => handle.wsRecvInto(new Uint8Array(size)),
    ],
    ["wsClose()", sending("wsClose"), () => handle.wsClose(1000, "enough")],
    [
      "wsMeta()",
      { ...insideToo("wsMeta", "ok"), elsewhere: ["ok"], busy: ["ok"] },
      () => handle.wsMeta(),
    ],
  ]);
  call(walk, entry, what, rule, act);
}

/** Arguments that are wrong whatever the handle does. */
export function useConnectionBadly(walk: Walk): void {
  const entry = anyCurl(walk);
  const { curl: handle } = entry;
  const bytes = new Uint8Array(8);
  const [what, refusal, act] = walk.random.pick<
    [string, Refusal, () => unknown]
  >([
    ["send(text)", wrongType(/^send: data must be/), () => {
      handle.send("x" as never);
    }],
    ["recv(-1)", wrongRange(/^negative buffersize in recv$/), () => {
      handle.recv(-1);
    }],
    ["recvInto(9)", wrongRange(/^buffer too small/), () => {
      handle.recvInto(bytes, 9);
    }],
    ["wsSend(flags)", wrongRange(/cannot set both/), () => {
      handle.wsSend(bytes, curl.WS_TEXT | curl.WS_BINARY);
    }],
    ["wsSend(text)", wrongType(/incompatible with WS_BINARY/), () => {
      handle.wsSend("x", curl.WS_BINARY);
    }],
    ["wsRecv(0.5)", wrongType(/must be whole/), () => handle.wsRecv(0.5)],
    ["wsClose(1)", wrongRange(/valid wire close/), () => handle.wsClose(1)],
  ]);
  walk.attemptOn(entry, what, [refusal], act);
}

/** Has a new handle keep a connection, for all to use. */
export function connect(walk: Walk): void {
  const { random, site } = walk;
  const entry = newCurl(walk);
  const isSocket = random.chance(700);
  const url = isSocket
    ? socketUrl(random, site, { greetings: random.below(4), most: 5 })
    : site.http;
  prepare(walk, entry, url, isSocket ? 2 : 1);
  if (performed(walk, entry) && random.chance(500)) {
    walk.publish(entry);
    walk.pool.putCurl(random.next(), entry.curl.handle);
  }
}

function prepare(
  walk: Walk,
  entry: CurlEntry,
  url: string,
  how: number,
): void {
  entry.mayHoldConnection = true;
  set(walk, entry, curl.CAINFO, `${walk.site.folder}/ca.pem`);
  set(walk, entry, curl.URL, url);
  set(walk, entry, curl.CONNECT_ONLY, how);
}

function performed(walk: Walk, entry: CurlEntry): boolean {
  const { outcome } = walk.drive(
    "perform",
    entry,
    "performSync() of CONNECT_ONLY",
    ["ok"],
    () => entry.curl.performSync(),
  );
  return outcome.error === undefined;
}

/** As soon as the socket is ready. */
function ready<T>(walk: Walk, entry: CurlEntry, act: () => T): T {
  const deadline = Date.now() + LONGEST_MS;
  for (;;) {
    const { value, error } = walk.attemptOn<T>(
      entry,
      "exchange",
      ["ok", failed([curl.E_AGAIN])],
      act,
    );
    if (error === undefined) return value!;
    if (Date.now() > deadline) walk.fail(`${entry} gets no answer`);
    Atomics.wait(pulse, 0, 0, 1);
  }
}

/** Messages there and back, frame by frame, on a handle of its own. */
export function exchange(walk: Walk): void {
  const { random, site } = walk;
  const entry = newCurl(walk);
  entry.isLocked = true;
  prepare(walk, entry, socketUrl(random, site), 2);
  performed(walk, entry);
  for (let left = random.between(1, 3); left > 0; left--) {
    const shape = {
      length: random.between(8, random.pick([100, 70_000])),
      seed: random.next(),
    };
    sendWhole(walk, entry, makeBody(shape));
    const problem = bodyProblem(receiveWhole(walk, entry), shape);
    if (problem) walk.fail(`${entry} got ${problem} back`);
  }
  if (random.chance(500)) {
    ready(walk, entry, () => entry.curl.wsClose(1000, "enough"));
  }
  close(walk, entry);
  entry.isLocked = false;
}

/** In as many calls as it takes. */
function sendWhole(walk: Walk, entry: CurlEntry, message: Uint8Array): void {
  let left = message;
  for (;;) {
    const count = ready(walk, entry, () => entry.curl.wsSend(left));
    left = left.subarray(count);
    if (left.length === 0) return;
  }
}

function receiveWhole(walk: Walk, entry: CurlEntry): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (;;) {
    const [piece, frame] = ready(
      walk,
      entry,
      () => entry.curl.wsRecv(100_000),
    );
    pieces.push(piece);
    if (frame?.flags !== curl.WS_BINARY) {
      walk.fail(`${entry} got a frame of ${frame?.flags}`);
    }
    if (frame.bytesleft === 0) return joined(pieces);
  }
}

/** A WebSocket whose WRITEFUNCTION answers, until the server has closed it. */
export function converse(walk: Walk): void {
  const { random, site } = walk;
  const entry = newCurl(walk);
  entry.isLocked = true;
  const greetings = random.between(1, 3);
  const url = socketUrl(random, site, { greetings });
  set(walk, entry, curl.CAINFO, `${site.folder}/ca.pem`);
  set(walk, entry, curl.URL, url);
  const pieces: Uint8Array[] = [];
  let heard = 0;
  const answer = (frame: Frame, data: Uint8Array) => {
    const meta = entry.curl.wsMeta();
    if (meta === null) walk.fail(`${entry} is told no frame`);
    if (meta.flags === curl.WS_CLOSE) return;
    pieces.push(data.slice());
    if (meta.bytesleft > 0) return;
    const problem = bodyProblem(joined(pieces.splice(0)));
    if (problem) walk.fail(`${entry} heard ${problem}`);
    if (frame.budget-- > 0 && random.chance(300)) walk.step();
    // The last greeting is echoed, and then it is enough.
    if (++heard === greetings) {
      entry.curl.wsSend(makeBody({ length: 8, seed: 1 }));
    }
    if (heard > greetings) entry.curl.wsClose(1000);
  };
  set(
    walk,
    entry,
    curl.WRITEFUNCTION,
    (data: Uint8Array) =>
      answering(
        walk,
        entry.family,
        "WRITEFUNCTION",
        (frame) => answer(frame, data),
      ),
  );
  walk.drive(
    "perform",
    entry,
    "performSync() of a WebSocket",
    ["ok", failed([curl.E_GOT_NOTHING, curl.E_RECV_ERROR])],
    () => entry.curl.performSync(),
  );
  if (heard !== greetings + 1) {
    walk.fail(`${entry} heard ${heard} messages, not ${greetings + 1}`);
  }
  close(walk, entry);
  entry.isLocked = false;
}

/** Has idle connections kept alive, and the dead ones closed. */
export function upkeep(walk: Walk): void {
  const entry = anyCurl(walk);
  const turn = ownTurn(walk, entry);
  const results: Allowed[] = ["ok", failed(CALLBACK_CODES)];
  // Its engine may wait for an answer that this Worker has not come to yet.
  if (turn !== "no" || mayBeElsewhere(entry)) results.push(OWN_TURN);
  walk.drive(
    "upkeep",
    entry,
    "upkeep()",
    allowed(walk, entry, idleOnly("upkeep", ...results)),
    () => entry.curl.upkeep(),
  );
}

function noSessions(method: string): Refusal {
  return state(
    new RegExp(
      `^cannot invoke ${method}\\(\\) - between transfers, TLS sessions are kept by a CurlShare`,
    ),
  );
}

function sessionResults(entry: CurlEntry, method: string): Allowed[] {
  const { attachment, share } = entry;
  if (attachment === "maybe") return ["ok", noSessions(method)];
  const keeps = attachment === "yes" &&
    share!.kinds.has(curl.LOCK_DATA_SSL_SESSION);
  return keeps ? ["ok"] : [noSessions(method)];
}

/** TLS sessions out of a share, and into another. */
export function exportSessions(walk: Walk): void {
  const entry = anyCurl(walk);
  const { value } = call(
    walk,
    entry,
    "sslsExport()",
    idleOnly("sslsExport", ...sessionResults(entry, "sslsExport")),
    () => entry.curl.sslsExport(),
  );
  if (value === undefined) return;
  const now = Date.now() / 1000;
  for (const session of value) {
    if (session.data.length === 0 || session.validUntil < now - 60) {
      walk.fail(`${entry} exported ${Deno.inspect(session)}`);
    }
    importSession(walk, session);
  }
}

function importSession(walk: Walk, session: curl.SslSessionData): void {
  const entry = anyCurl(walk);
  call(
    walk,
    entry,
    "sslsImport()",
    idleOnly("sslsImport", ...sessionResults(entry, "sslsImport")),
    () => entry.curl.sslsImport(session),
  );
}

/** What is no session. */
export function importNonsense(walk: Walk): void {
  const entry = anyCurl(walk);
  const results = sessionResults(entry, "sslsImport")
    // libcurl looks at it more closely when it is used.
    .flatMap((one) => one === "ok" ? [one, NONSENSE] : [one]);
  call(
    walk,
    entry,
    "sslsImport(nonsense)",
    { ...idleOnly("sslsImport", ...results), closed: [noCurl("sslsImport")] },
    () => {
      const data = new Uint8Array(walk.random.below(200)).fill(1);
      entry.curl.sslsImport({ key: "a", data });
    },
  );
}

const NONSENSE: Refusal = failed(
  Array.from({ length: 100 }, (_, index) => index + 1),
);
