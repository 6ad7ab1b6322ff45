/**
 * Functions for callback options, which look where they are called and then do
 * what chance says: nothing, more calls, an odd answer, or an exception.
 *
 * @module
 */

import * as curl from "../mod.ts";
import type { CurlEntry, Frame } from "./objects.ts";
import type { Walk } from "./walk.ts";

// deno-lint-ignore no-explicit-any -- the signatures have nothing in common
type Arguments = any[];

/** A callback option, and how its functions answer. */
export interface Slot {
  readonly name: string;
  readonly option: curl.CurlOption;
  /** What lets the transfer go on. */
  go(frame: Frame, ...args: Arguments): unknown;
  /** What may end it. */
  readonly odd: readonly unknown[];
  /** What is refused with a TypeError. */
  readonly nonsense: readonly unknown[];
}

const NOT_NUMBERS = ["three", 0.5, {}, null];

/** Those that any transfer may ask. */
export const SLOTS: readonly Slot[] = [
  {
    name: "WRITEFUNCTION",
    option: curl.WRITEFUNCTION,
    go: (frame, data: Uint8Array) => {
      frame.pieces.push(data.slice());
    },
    odd: [0, 1_000_000, -1],
    nonsense: NOT_NUMBERS,
  },
  {
    name: "HEADERFUNCTION",
    option: curl.HEADERFUNCTION,
    go: (_, data: Uint8Array) => data.length,
    odd: [0, 1_000_000, -1],
    nonsense: NOT_NUMBERS,
  },
  {
    name: "XFERINFOFUNCTION",
    option: curl.XFERINFOFUNCTION,
    go: () => 0,
    odd: [1, true],
    nonsense: NOT_NUMBERS,
  },
  {
    name: "DEBUGFUNCTION",
    option: curl.DEBUGFUNCTION,
    go: () => {},
    odd: [5, "anything"],
    nonsense: [],
  },
  {
    name: "OPENSOCKETFUNCTION",
    option: curl.OPENSOCKETFUNCTION,
    go: () => {},
    odd: [curl.SOCKET_BAD],
    nonsense: NOT_NUMBERS,
  },
  {
    name: "SOCKOPTFUNCTION",
    option: curl.SOCKOPTFUNCTION,
    go: () => 0,
    odd: [1],
    nonsense: NOT_NUMBERS,
  },
  {
    name: "CLOSESOCKETFUNCTION",
    option: curl.CLOSESOCKETFUNCTION,
    go: () => {},
    odd: [],
    nonsense: NOT_NUMBERS,
  },
  {
    name: "PREREQFUNCTION",
    option: curl.PREREQFUNCTION,
    go: () => {},
    odd: [curl.PREREQFUNC_ABORT],
    nonsense: NOT_NUMBERS,
  },
  {
    name: "RESOLVER_START_FUNCTION",
    option: curl.RESOLVER_START_FUNCTION,
    go: () => {},
    odd: [1],
    nonsense: NOT_NUMBERS,
  },
  {
    name: "HSTSREADFUNCTION",
    option: curl.HSTSREADFUNCTION,
    go: () => null,
    odd: [{ host: "hsts.invalid", expire: null, includeSubDomains: false }],
    nonsense: [{ host: "" }, 5],
  },
  {
    name: "HSTSWRITEFUNCTION",
    option: curl.HSTSWRITEFUNCTION,
    go: () => {},
    odd: [1, 2],
    nonsense: NOT_NUMBERS,
  },
];

/** The slot of a name. */
export function slot(name: string): Slot {
  return SLOTS.find((slot) => slot.name === name)!;
}

/** What a function does beside going on, in so many of a thousand calls. */
export interface Habits {
  readonly throws: number;
  readonly odd: number;
  readonly nonsense: number;
  readonly calls: number;
  /** Promises of WRITEFUNCTION, in asynchronous transfers. */
  readonly promises: number;
}

export const WILD: Habits = {
  throws: 20,
  odd: 15,
  nonsense: 10,
  calls: 300,
  promises: 300,
};
export const TAME: Habits = {
  throws: 0,
  odd: 0,
  nonsense: 0,
  calls: 300,
  promises: 300,
};

/** Deeper inside one another, callbacks make no calls. */
export const DEEPEST = 4;

/** A function for a slot of a handle. */
export function makeFunction(
  walk: Walk,
  { family }: CurlEntry,
  slot: Slot,
  habits: Habits,
): (...args: Arguments) => unknown {
  const answer = (frame: Frame, ...args: Arguments) => {
    const { random } = walk;
    const isDeep = walk.frames.length >= DEEPEST;
    if (!isDeep && frame.budget > 0 && random.chance(habits.calls)) {
      frame.budget--;
      walk.step();
    }
    if (random.chance(habits.throws)) throwsNow(frame, slot.name);
    if (slot.odd.length > 0 && random.chance(habits.odd)) {
      return random.pick(slot.odd);
    }
    if (slot.nonsense.length > 0 && random.chance(habits.nonsense)) {
      frame.expected ??= { text: new RegExp(`^${slot.name} must return`) };
      return random.pick(slot.nonsense);
    }
    if (
      frame.kind === "flight" && slot.option === curl.WRITEFUNCTION &&
      random.chance(habits.promises)
    ) {
      return writeLater(walk, frame, args[0], random.chance(habits.throws));
    }
    return slot.go(frame, ...args);
  };
  return (...args) =>
    answering(walk, family, slot.name, (frame) => answer(frame, ...args));
}

/** What is lent stays as it is until the promise settles. */
async function writeLater(
  walk: Walk,
  frame: Frame,
  data: Uint8Array,
  throws: boolean,
): Promise<void> {
  if (frame.promises > 0 && !frame.isAmbiguous) {
    walk.fail("WRITEFUNCTION was called while its promise was pending");
  }
  frame.promises++;
  try {
    await new Promise((resolve) => setTimeout(resolve, walk.random.below(3)));
    frame.pieces.push(data.slice());
    if (throws) {
      frame.mayMissCause = true;
      throwsNow(frame, "WRITEFUNCTION");
    }
  } finally {
    frame.promises--;
  }
}

/** Answers a callback within what it belongs to. */
export function answering<T>(
  walk: Walk,
  family: number,
  name: string,
  answer: (frame: Frame) => T,
): T {
  const isOf = (entry: CurlEntry) => entry.family === family;
  return answeringFor(walk, isOf, name, answer);
}

/** The same, for one of several handles. */
export function answeringFor<T>(
  walk: Walk,
  isOf: (entry: CurlEntry) => boolean,
  name: string,
  answer: (frame: Frame) => T,
): T {
  const frame = heard(walk, isOf, name);
  return answeringIn(walk, frame, name, () => answer(frame));
}

/** Answers a callback within a call or transfer. */
export function answeringIn<T>(
  walk: Walk,
  frame: Frame,
  name: string,
  answer: () => T,
): T {
  const depth = walk.frames.length;
  if (walk.frame !== frame) walk.frames.push(frame);
  frame.answering.push(name);
  try {
    return answer();
  } finally {
    frame.answering.pop();
    walk.frames.length = depth;
  }
}

/**
 * What a callback belongs to: mostly the innermost call, but an engine may ask
 * for another transfer while that waits.
 */
function heard(
  walk: Walk,
  isOf: (entry: CurlEntry) => boolean,
  name: string,
): Frame {
  const flights = walk.pending.flatMap(({ frame }) => frame ?? []);
  // Nobody else is asked than who is at work.
  const multis = new Set(
    walk.frames.flatMap(({ multi, entry }) => multi ?? entry?.multi ?? []),
  );
  const members = [...multis].flatMap(({ members }) => [...members.values()]);
  const found = [...flights, ...members, ...walk.frames].filter((frame) => {
    const whose = frame.entry ?? frame.adding;
    return whose !== undefined && isOf(whose);
  });
  const frame = found.at(-1);
  if (frame?.entry === undefined && frame?.adding !== undefined) {
    // Connections of its own are closed; what is thrown is told later.
    frame.isAmbiguous = true;
    frame.adding.isHeardEarly = true;
  }
  if (frame === undefined) walk.fail(`${name} was called out of the blue`);
  // One of two of the same handle was refused, or is over.
  const isOther = (each: Frame) =>
    each !== frame && (each.entry !== frame.entry || each.kind === "flight");
  if (found.some(isOther)) {
    for (const each of found) each.isAmbiguous = true;
  }
  frame.heard++;
  walk.hear(name, frame);
  return frame;
}

/** Callbacks for whose answer the engine of a share waits. */
export function isWaitedFor(name: string): boolean {
  return !UNWAITED.has(name);
}

const UNWAITED = new Set([
  "WRITEFUNCTION",
  "HEADERFUNCTION",
  "READFUNCTION",
  "MIME_READ",
  "XFERINFOFUNCTION",
  "DEBUGFUNCTION",
]);

/** Throws what the caller of the transfer must find as the cause. */
export function throwsNow(frame: Frame, name: string): never {
  const cause = new Error(`thrown by ${name}`);
  frame.expected ??= { cause };
  throw cause;
}
