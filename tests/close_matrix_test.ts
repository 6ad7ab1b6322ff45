/**
 * close() of everything, in every state, by whoever can call it: either it is
 * done, or it is refused and nothing has changed.
 *
 * @module
 */

import * as curl from "../mod.ts";
import { assertEquals, assertMatch, assertStrictEquals } from "./assert.ts";
import { watchdog } from "./fixtures/watchdog.ts";
import { Gate, type WorkerHandle, WORKERS } from "./fixtures/workers.ts";
import { test } from "./permissions.ts";
import {
  curlTo,
  during,
  type Peer,
  startPeer,
  stateOf,
} from "./workers/peers.ts";

/** This file: native code reads it without a permission of Deno's. */
const FILE = import.meta.url;

const KINDS = [
  "Curl",
  "CurlShare",
  "CurlShare without detachOnClose",
] as const;
const PHASES = [
  "idle",
  "performing here",
  "performing in another Worker",
  "closed already",
] as const;
const CLOSERS = ["its owner", "another Worker", "its own callback"] as const;

interface Case {
  kind: typeof KINDS[number];
  phase: typeof PHASES[number];
  /** Whether the Curl uses the share. */
  attached: boolean;
  closer: typeof CLOSERS[number];
}

/** How the Curl's and the share's close() end; undefined: it works. */
function expectedRefusal({ kind, phase, attached }: Case): RegExp | undefined {
  if (phase === "closed already") return undefined;
  const performing = phase !== "idle";
  if (kind === "Curl") {
    return performing
      ? /^cannot invoke close\(\) - perform\(\) is currently running$/
      : undefined;
  }
  if (!attached) return undefined;
  if (kind === "CurlShare without detachOnClose") {
    return /^cannot close CurlShare: still in use by 2 /;
  }
  return performing
    ? /^cannot close CurlShare: still in use by 1 active Curl object\(s\)$/
    : undefined;
}

/** A Curl and a share, and which of them is closed. */
class Pair implements Disposable {
  readonly c: curl.Curl = curlTo(FILE);
  /** Uses the share, too, if the Curl does, and never performs. */
  readonly idle: curl.Curl = curlTo(FILE);
  readonly share: curl.CurlShare;
  readonly #case: Case;

  constructor(theCase: Case) {
    const { kind, attached } = this.#case = theCase;
    const detachOnClose = kind !== "CurlShare without detachOnClose";
    this.share = new curl.CurlShare({ detachOnClose });
    this.share.share(curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_DNS);
    if (!attached) return;
    for (const c of [this.c, this.idle]) c.setopt(curl.SHARE, this.share);
  }

  get subject(): curl.Curl | curl.CurlShare {
    return this.#case.kind === "Curl" ? this.c : this.share;
  }

  /** For a Worker that closes it. */
  get order() {
    const { handle } = this.subject;
    const kind = this.subject instanceof curl.Curl ? "Curl" : "CurlShare";
    return { kind, handle, member: "close" } as const;
  }

  /** Asserts that close() has worked, or has changed nothing. */
  assertState(isClosed: boolean): void {
    const { kind, attached } = this.#case;
    const [curlClosed, shareClosed] = kind === "Curl"
      ? [isClosed, false]
      : [false, isClosed];
    assertEquals(this.c.closed, curlClosed);
    assertEquals(this.share.closed, shareClosed);
    const users = [this.c, this.idle]
      .filter((c) => attached && !shareClosed && !c.closed);
    assertEquals(this.share.attached, users.length);
    for (const c of [this.c, this.idle]) {
      if (c.closed) assertEquals(stateOf(c.handle), undefined);
      else assertStrictEquals(c.share(), users.includes(c) ? this.share : null);
    }
  }

  [Symbol.dispose](): void {
    this.c.close();
    this.idle.close();
    this.share.close();
  }
}

/** Closes the subject in this isolate; gives the outcome. */
function closeHere(pair: Pair): string {
  try {
    pair.subject.close();
    return "done";
  } catch (error) {
    if (!(error instanceof curl.CurlError)) throw error;
    assertEquals(error.code, undefined);
    return error.message;
  }
}

/** The closing Worker, told to close when a gate is opened. */
async function armed(pair: Pair, worker: WorkerHandle<Peer>) {
  const [gate, done] = [new Gate(), new Gate()];
  const outcome = worker.call(
    "whenOpen",
    gate.buffer,
    done.buffer,
    pair.order,
  );
  await worker.event("waiting");
  return { gate, done, outcome };
}

async function closeIdle(
  pair: Pair,
  { closer, phase }: Case,
): Promise<string> {
  if (phase === "closed already" && closer === "its owner") {
    assertEquals(closeHere(pair), "done");
  }
  if (closer === "its owner") return closeHere(pair);
  await using worker = await startPeer("closer");
  const { gate, done, outcome } = await armed(pair, worker);
  if (phase === "closed already") {
    assertEquals(closeHere(pair), "done");
  }
  gate.open();
  await done.wait();
  return await outcome;
}

async function closePerformingHere(
  pair: Pair,
  { closer }: Case,
  check: () => void,
): Promise<string> {
  if (closer !== "another Worker") {
    let outcome = "";
    during(pair.c, () => {
      outcome = closeHere(pair);
      check();
    });
    return outcome;
  }
  await using worker = await startPeer("closer");
  await using _ = await watchdog("another Worker's close()", 30);
  const { gate, done, outcome } = await armed(pair, worker);
  during(pair.c, () => {
    gate.open();
    done.waitSync();
    check();
  });
  return await outcome;
}

async function closePerformingElsewhere(
  pair: Pair,
  { closer }: Case,
  check: () => void,
): Promise<string> {
  await using performer = await startPeer("performer");
  await using worker = await startPeer("closer");
  const [entered, released] = [new Gate(), new Gate()];
  const inside = closer === "its own callback" ? pair.order : undefined;
  const performed = performer.call(
    "performHeld",
    pair.c.handle,
    entered.buffer,
    released.buffer,
    { inside },
  );
  await entered.wait();
  let outcome: string | undefined;
  if (closer === "its owner") outcome = closeHere(pair);
  if (closer === "another Worker") {
    const order = await armed(pair, worker);
    order.gate.open();
    outcome = await order.outcome;
  }
  if (outcome !== undefined) check();
  released.open();
  const own = await performed;
  if (outcome !== undefined) assertEquals(own, "done");
  return outcome ?? own;
}

function allCases(): Case[] {
  return KINDS.flatMap((kind) =>
    PHASES.flatMap((phase) =>
      [true, false].flatMap((attached) =>
        CLOSERS.map((closer) => ({ kind, phase, attached, closer }))
      )
    )
  ).filter(isPossible);
}

function isPossible({ phase, attached, closer }: Case): boolean {
  const performing = phase.startsWith("performing");
  if (closer === "its own callback" && !performing) return false;
  // A thread that performs is in its own callback whenever it can close.
  if (phase === "performing here" && closer === "its owner") return false;
  return !(phase === "closed already" && attached);
}

for (const theCase of allCases()) {
  const { kind, phase, attached, closer } = theCase;
  const refusal = expectedRefusal(theCase);
  const subject = kind === "Curl"
    ? "Curl.close()"
    : kind.replace("CurlShare", "CurlShare.close()");
  const curlIs = `${attached ? "an attached" : "a detached"} Curl is ${phase}`;
  const state = phase === "closed already"
    ? "it is closed already"
    : kind === "Curl" && !attached
    ? `the Curl is ${phase}`
    : curlIs;
  const name = `${subject} by ${closer} ${
    refusal ? "changes nothing" : "works"
  } when ${state}`;
  const needs = closer === "another Worker" ||
      phase === "performing in another Worker"
    ? WORKERS
    : {};

  test(needs, name, async () => {
    using pair = new Pair(theCase);
    const check = () => pair.assertState(refusal === undefined);
    const outcome = phase === "performing here"
      ? await closePerformingHere(pair, theCase, check)
      : phase === "performing in another Worker"
      ? await closePerformingElsewhere(pair, theCase, check)
      : await closeIdle(pair, theCase);
    assertMatch(outcome, refusal ?? /^done$/);
    check();
    // Whatever came before, everything can be closed in the end.
    pair[Symbol.dispose]();
    assertEquals(stateOf(pair.c.handle), undefined);
  });
}
