/**
 * Functions of multi handles themselves, which look where they are called and
 * then do what chance says.
 *
 * @module
 */

import * as curl from "../mod.ts";
import { DEEPEST, type Habits } from "./functions.ts";
import {
  type Frame,
  innermostOn,
  type MultiEntry,
  newFrame,
} from "./objects.ts";
import type { Walk } from "./walk.ts";

// deno-lint-ignore no-explicit-any -- the signatures have nothing in common
type Arguments = any[];

/** An option of a multi handle that takes a function. */
export interface MultiSlot {
  readonly name: string;
  readonly option: number;
  /** Looks at what it is called with. */
  check(walk: Walk, multi: MultiEntry, ...args: Arguments): void;
  /** What has libcurl end all transfers. */
  readonly odd: readonly unknown[];
}

export const MULTI_SLOTS: readonly MultiSlot[] = [
  {
    name: "M_SOCKETFUNCTION",
    option: curl.M_SOCKETFUNCTION,
    check(walk, multi, what, socket, object, data) {
      if (object !== multi.multi) walk.fail("SOCKETFUNCTION of another multi");
      if (data !== null && data.socket !== socket) {
        walk.fail(`socket ${socket} has the data of ${data.socket}`);
      }
      if (what === curl.POLL_REMOVE) multi.sockets.delete(socket);
      else multi.sockets.add(socket);
    },
    odd: [-1],
  },
  {
    name: "M_TIMERFUNCTION",
    option: curl.M_TIMERFUNCTION,
    check(walk, _multi, milliseconds) {
      if (!(milliseconds >= -1)) walk.fail(`a timer of ${milliseconds} ms`);
    },
    odd: [-1],
  },
  {
    name: "M_NOTIFYFUNCTION",
    option: curl.M_NOTIFYFUNCTION,
    check(walk, multi, _notification, handle) {
      const isIn = [...multi.members.keys()].some((entry) =>
        entry.curl === handle
      );
      if (handle !== null && !isIn) {
        walk.fail(`a notification of ${handle.handle}, which is not in`);
      }
    },
    odd: [],
  },
];

const NONSENSE = ["three", 0.5, {}, null];

/** A function for a slot of a multi handle. */
export function makeMultiFunction(
  walk: Walk,
  multi: MultiEntry,
  { name, check, odd }: MultiSlot,
  habits: Habits,
): (...args: Arguments) => unknown {
  return (...args) =>
    answering(walk, multi, name, (frame) => {
      const { random } = walk;
      check(walk, multi, ...args);
      const isDeep = walk.frames.length >= DEEPEST;
      if (!isDeep && frame.budget > 0 && random.chance(habits.calls)) {
        frame.budget--;
        walk.step();
      }
      if (random.chance(habits.throws)) {
        const cause = new Error(`thrown by ${name}`);
        frame.expected ??= { cause };
        throw cause;
      }
      if (odd.length > 0 && random.chance(habits.odd)) return random.pick(odd);
      if (random.chance(habits.nonsense)) {
        frame.expected ??= { text: new RegExp(`^${name} must return`) };
        return random.pick(NONSENSE);
      }
    });
}

/** Answers within the innermost call in which the multi handle is at work. */
function answering<T>(
  walk: Walk,
  multi: MultiEntry,
  name: string,
  answer: (frame: Frame) => T,
): T {
  const frame = innermostOn(multi, walk.frames);
  if (frame === undefined) walk.fail(`${name} was called out of the blue`);
  if (frame.adding) multi.take(frame.adding);
  frame.heard++;
  walk.hear(name, frame);
  const inner = newFrame("multi", undefined, multi);
  inner.answering.push(name);
  const depth = walk.frames.length;
  walk.frames.push(inner);
  try {
    return answer(frame);
  } finally {
    walk.frames.length = depth;
  }
}
