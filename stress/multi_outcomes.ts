/**
 * What calls on multi handles may come to.
 *
 * @module
 */

import * as curl from "../mod.ts";
import {
  innermostOn,
  isClosing,
  isNotified,
  type MultiEntry,
  phasesOf,
} from "./objects.ts";
import type { CurlEntry } from "./objects.ts";
import {
  type Allowed,
  BLOB,
  CALLBACK_CODES,
  failed,
  FOREIGN_CALLBACK,
  OWN_TURN,
  type Phase,
  type Refusal,
  SHARE_CLOSING,
  SOURCE_IN_USE,
  state,
  STREAM,
} from "./outcomes.ts";
import { mayBeClosing, mayBeElsewhere, mayTakeTurns } from "./performing.ts";
import type { Walk } from "./walk.ts";

/** Where a call may be made while another is under way. */
export type From =
  /** Not at all. */
  | "outside"
  /** In NOTIFYFUNCTION. */
  | "notification"
  /** In any callback. */
  | "anywhere";

/** Why a call on a multi handle is not made. */
type Hindrance = "closed" | "running" | "elsewhere";

const WORDS: Readonly<Record<Hindrance, string>> = {
  closed: "no multi handle",
  running: "multi_perform() is currently running",
  elsewhere: "the handles in it are another Worker's",
};

const ADDING_WORDS: Readonly<Record<Hindrance, string>> = {
  closed: "multi-stack is closed",
  running: "multi_perform() already running",
  elsewhere: "the handles in the multi-stack are another Worker's",
};

/** Whether a call can be made; undefined: whoever else has it decides. */
export function isReachable(
  walk: Walk,
  multi: MultiEntry,
  from: From,
): boolean | undefined {
  if (multi.isClosed) return false;
  const at = innermostOn(multi, walk.frames);
  if (at === undefined) {
    return multi.isPublic && multi.members.size === 0 ? undefined : true;
  }
  return from === "anywhere" ||
    from === "notification" && isNotified(at);
}

/** The refusals that a call may meet before all others. */
function hindrances(
  walk: Walk,
  multi: MultiEntry,
  from: From,
  words: (why: Hindrance) => Refusal,
): Refusal[] {
  if (multi.isClosed) return [words("closed")];
  switch (isReachable(walk, multi, from)) {
    case true:
      return isClosing(multi, walk.frames) ? [words("closed")] : [];
    case false:
      return [words("running")];
    default:
      return [words("closed"), words("running"), words("elsewhere")];
  }
}

/** What a call may come to now. `asks`: its callbacks have to be ours. */
export function multiResults(
  walk: Walk,
  multi: MultiEntry,
  method: string,
  { from, asks = false }: { from: From; asks?: boolean },
  ...results: Allowed[]
): Allowed[] {
  const words = (why: Hindrance) =>
    state(`cannot invoke ${method}() - ${WORDS[why]}`);
  const refusals = hindrances(walk, multi, from, words);
  if (isReachable(walk, multi, from) === false) return refusals;
  if (asks && multi.isPublic) refusals.push(FOREIGN_CALLBACK);
  if (mayTakeTurns(multi)) refusals.push(OWN_TURN);
  return [...refusals, ...results];
}

/** libcurl's codes, and that of a function of the multi handle that failed. */
export function multiFailed(...codes: number[]): Refusal {
  return failed([curl.E_MULTI_ABORTED_BY_CALLBACK, ...codes]);
}

function notAdded(why: string): Refusal {
  return state(`cannot add/remove handle - ${why}`);
}

const FROM_ANOTHER = notAdded("curl object already on another multi-stack");
const PERFORMING = notAdded("perform() of curl object already running");

function adding(walk: Walk, multi: MultiEntry): Refusal[] {
  const words = (why: Hindrance) => notAdded(ADDING_WORDS[why]);
  const refusals = hindrances(walk, multi, "notification", words);
  if (mayTakeTurns(multi)) refusals.push(OWN_TURN);
  return multi.isPublic ? [...refusals, FOREIGN_CALLBACK] : refusals;
}

/** What addHandle() may come to now. */
export function addResults(
  walk: Walk,
  multi: MultiEntry,
  entry: CurlEntry,
): Allowed[] {
  const results: Allowed[] = adding(walk, multi);
  if (entry.mayPipe) results.push(STREAM);
  if (entry.mimes.size > 0) results.push(BLOB);
  const phases = phasesOf(entry, walk.frames);
  // Whoever looks for the handle first does not find it.
  if (phases.includes("closed")) {
    results.push(state("curl object already closed"));
  }
  if (isReachable(walk, multi, "notification") === false) return results;
  const byPhase: Record<Phase, () => Allowed[]> = {
    idle: () => addingIdle(entry),
    own: () => taken(multi, entry),
    elsewhere: () => taken(multi, entry),
    member: () => taken(multi, entry),
    busy: () => taken(multi, entry),
    closed: () => [],
  };
  return [...results, ...phases.flatMap((phase) => byPhase[phase]())];
}

function addingIdle(entry: CurlEntry): Allowed[] {
  const results: Allowed[] = [multiFailed()];
  if (entry.mayBeForeign) results.push(FOREIGN_CALLBACK);
  if (entry.mimes.size > 0) results.push(SOURCE_IN_USE);
  if (mayBeClosing(entry)) results.push(SHARE_CLOSING);
  if (mayBeElsewhere(entry)) results.push(OWN_TURN);
  return ["ok", ...results];
}

function taken(multi: MultiEntry, entry: CurlEntry): Allowed[] {
  if (entry.multi === multi) {
    return [state("curl object already on this multi-stack")];
  }
  if (entry.multi !== null) return [FROM_ANOTHER];
  return entry.isPublic ? [PERFORMING, FROM_ANOTHER] : [PERFORMING];
}

/** What removeHandle() may come to now. */
export function removeResults(
  walk: Walk,
  multi: MultiEntry,
  entry: CurlEntry,
): Allowed[] {
  const results: Allowed[] = adding(walk, multi);
  if (isReachable(walk, multi, "notification") === false) return results;
  if (entry.multi === multi) {
    return ["ok", multiFailed(...CALLBACK_CODES), ...results];
  }
  const NOT_ON = state("curl object not on this multi-stack");
  const byPhase: Record<Phase, Allowed[]> = {
    idle: [NOT_ON],
    own: [PERFORMING],
    elsewhere: [PERFORMING, FROM_ANOTHER],
    member: [FROM_ANOTHER],
    busy: [FROM_ANOTHER],
    closed: ["ok"],
  };
  const phases = phasesOf(entry, walk.frames);
  return [
    ...results,
    ...phases.flatMap((phase) =>
      entry.multi !== null ? [FROM_ANOTHER] : byPhase[phase]
    ),
  ];
}
