/**
 * What a Worker knows of the handles and shares that it uses. Of its own,
 * whose numbers nobody else has, it knows everything.
 *
 * @module
 */

import type * as curl from "../mod.ts";
import type { Outcome, Phase } from "./outcomes.ts";

/** A handle, and what is known of it. */
export class CurlEntry {
  readonly curl: curl.Curl;
  /** The same for copies, which have the same functions. */
  family: number;
  /** Whether others have its number. */
  isPublic: boolean;
  /** For good. */
  isClosed = false;
  /** A transfer runs whose end is foretold, so its options must stay. */
  isLocked = false;
  /** Whether it may have functions of others. */
  mayBeForeign: boolean;
  /** Whether a connection may be left that bars it from leaving a share. */
  mayHoldConnection = false;
  /** Its callbacks were asked while it went into a multi handle. */
  isHeardEarly = false;
  /** The share it was last attached to; says nothing if it is public. */
  share: ShareEntry | null = null;
  /** Whether it ever had cookies of others. */
  wasShared = false;
  /** Whether a stream may stand for one of its functions. */
  mayPipe = false;
  /** Its asynchronous transfers whose promise has not settled. */
  readonly flights = new Set<Frame>();
  /** What PRIVATE was set to. */
  kept: unknown = null;
  /** The multi handle that this Worker has it in. */
  multi: MultiEntry | null = null;
  /** Mimes that it may send, whose functions are asked then. */
  readonly mimes = new Set<object>();

  constructor(handle: curl.Curl, family: number, isPublic: boolean) {
    this.curl = handle;
    this.family = family;
    this.isPublic = isPublic;
    this.mayBeForeign = isPublic;
    this.mayHoldConnection = isPublic;
  }

  /** Whether a share, which others may have closed, has let it go. */
  get attachment(): "no" | "yes" | "maybe" {
    if (this.isPublic) return "maybe";
    if (this.share === null || this.share.isClosed) return "no";
    return this.share.isPublic ? "maybe" : "yes";
  }

  /** Its transfer in the multi handle that it is in. */
  get membership(): Frame | undefined {
    return this.multi?.members.get(this);
  }

  toString(): string {
    return `${this.isPublic ? "public" : "own"} curl ${this.curl.handle}`;
  }
}

/** A multi handle, and what is known of it. */
export class MultiEntry {
  readonly multi: curl.CurlMulti;
  isPublic: boolean;
  /** For good. */
  isClosed = false;
  /** The ends of its transfers are foretold. */
  isLocked = false;
  /** libcurl goes on to count a handle whose adding TIMERFUNCTION has ended. */
  mayMiscount: boolean;
  /** Sockets that its function was told of. */
  readonly sockets = new Set<number>();
  /** Those that this Worker has in it, and their transfers. */
  readonly members = new Map<CurlEntry, Frame>();

  constructor(multi: curl.CurlMulti, isPublic: boolean) {
    this.multi = multi;
    this.isPublic = isPublic;
    this.mayMiscount = isPublic;
  }

  /** The handle is in it. */
  take(entry: CurlEntry): void {
    if (this.members.has(entry)) return;
    this.members.set(entry, newFrame("member", entry));
    entry.multi = this;
  }

  /** The handle is in it no more. */
  lose(entry: CurlEntry): void {
    this.members.delete(entry);
    entry.multi = null;
  }

  toString(): string {
    return `${this.isPublic ? "public" : "own"} multi ${this.multi.handle}`;
  }
}

/** A share, and what is known of it. */
export class ShareEntry {
  readonly share: curl.CurlShare;
  isPublic: boolean;
  /** The kinds it shares, if it is not public. */
  readonly kinds = new Set<number>();
  /** How many asynchronous ones of its members have not settled. */
  flying = 0;
  /** How many closeAsync() of this Worker have not settled. */
  closings = 0;
  readonly #members = new Set<CurlEntry>();
  #isClosed = false;
  /** Of its members so far. */
  transfers = 0;

  constructor(share: curl.CurlShare, isPublic: boolean) {
    this.share = share;
    this.isPublic = isPublic;
  }

  /** For good. A closing that is under way may have come to its end. */
  get isClosed(): boolean {
    if (!this.#isClosed && this.closings > 0 && this.share.closed) {
      this.isClosed = true;
    }
    return this.#isClosed;
  }

  set isClosed(isClosed: boolean) {
    this.#isClosed = isClosed;
    if (isClosed) this.#members.clear();
  }

  /** Who is attached, if it is not public. */
  get members(): Set<CurlEntry> {
    if (this.isClosed) this.#members.clear();
    return this.#members;
  }

  toString(): string {
    return `${this.isPublic ? "public" : "own"} share ${this.share.handle}`;
  }
}

/** What may run callbacks, from its start to its end. */
export interface Frame {
  /**
   * A call, or an asynchronous transfer ("flight"), or one in a multi handle
   * ("member").
   */
  readonly kind:
    | "perform"
    | "pause"
    | "close"
    | "upkeep"
    | "mime"
    | "flight"
    | "member"
    | "multi";
  /** Whose call or transfer it is, unless it is a multi handle's. */
  readonly entry: CurlEntry | undefined;
  /** The multi handle that is called. */
  readonly multi: MultiEntry | undefined;
  /** What came by WRITEFUNCTION. */
  readonly pieces: Uint8Array[];
  /** How many questions were put. */
  heard: number;
  /** How many more calls its callbacks may make. */
  budget: number;
  /** Whether options were changed on the way. */
  isTouched: boolean;
  /** The callbacks that this Worker is in. */
  readonly answering: string[];
  /** How many promises of its functions have not settled. */
  promises: number;
  /** Whether a callback may have been another's with the same functions. */
  isAmbiguous: boolean;
  /** Whether it was aborted. */
  isAborted: boolean;
  /** Whether it may be over before the promise that was to fail it. */
  mayMissCause: boolean;
  /** Its end was told, if it is a multi handle's. */
  isTold: boolean;
  /** The handle that is added to a multi handle. */
  adding?: CurlEntry;
  /** Whether the multi handle is being closed. */
  isClosing: boolean;
  /** What is foretold. */
  name?: string;
  /** Hears the end that was foretold. */
  settled?(outcome: Outcome): void;
  /** Which exception its caller must find as the cause. */
  expected?: ExpectedCause;
}

/** How many calls a transfer's callbacks make in all. */
const BUDGET = 5;

/** One that begins. */
export function newFrame(
  kind: Frame["kind"],
  entry: CurlEntry | undefined,
  multi?: MultiEntry,
): Frame {
  return {
    kind,
    entry,
    multi,
    pieces: [],
    heard: 0,
    budget: BUDGET,
    isTouched: false,
    answering: [],
    promises: 0,
    isAmbiguous: false,
    isAborted: false,
    mayMissCause: false,
    isTold: false,
    isClosing: false,
  };
}

/** The very value, or a TypeError in these words. */
export type ExpectedCause = { readonly cause: unknown } | {
  readonly text: RegExp;
};

/** What the handle may be doing. */
export function phasesOf(
  entry: CurlEntry,
  frames: readonly Frame[],
): readonly Phase[] {
  if (entry.multi !== null) return memberPhases(entry, entry.multi, frames);
  const own = frames.filter((frame) => frame.entry === entry);
  if (entry.isClosed || own.some(({ kind }) => kind === "close")) {
    return ["closed"];
  }
  const more: Phase[] = entry.isPublic ? ["closed"] : [];
  if (own.some((frame) => frame.isAmbiguous && isAnswering(frame))) {
    // A copy has the same functions: perhaps it is asked, and this one over.
    return ["own", "elsewhere", "idle", ...more];
  }
  if (own.length > 0) {
    // An engine may ask for one while another waits.
    return own.some(isAnswering) ? ["own"] : ["elsewhere"];
  }
  if (entry.flights.size > 0) {
    const isOwn = [...entry.flights].some(isAnswering);
    return ["elsewhere", "idle", ...(isOwn ? ["own" as const] : []), ...more];
  }
  return entry.isPublic ? ["idle", "elsewhere", "closed"] : ["idle"];
}

function isAnswering({ answering, promises }: Frame): boolean {
  return answering.length > 0 || promises > 0;
}

function memberPhases(
  entry: CurlEntry,
  multi: MultiEntry,
  frames: readonly Frame[],
): readonly Phase[] {
  const isOwn = frames.some((frame) =>
    frame.entry === entry && isAnswering(frame)
  );
  if (isClosing(multi, frames) && multi.multi.closed) {
    // The handles in it may be closed, one after the other.
    if (isOwn) return ["closed"];
    return multi.multi.closeHandles ? ["idle", "closed"] : ["idle"];
  }
  const at = innermostOn(multi, frames);
  if (at !== undefined && entry.membership?.isAmbiguous) {
    // A copy has the same functions, and may be whom they are asked for.
    return ["own", "busy"];
  }
  if (isOwn) return ["own"];
  if (at === undefined) return ["member"];
  return isNotified(at) ? ["own"] : ["busy"];
}

/** Whether a multi handle is about to be closed by a call that is under way. */
export function isClosing(
  multi: MultiEntry,
  frames: readonly Frame[],
): boolean {
  return frames.some((frame) => frame.multi === multi && frame.isClosing);
}

/** The innermost of the calls under way in which a multi handle is at work. */
export function innermostOn(
  multi: MultiEntry,
  frames: readonly Frame[],
): Frame | undefined {
  return frames.findLast((frame) =>
    frame.multi === multi || frame.entry?.multi === multi
  );
}

/** Whether NOTIFYFUNCTION is asked, which comes between all other work. */
export function isNotified({ kind, answering }: Frame): boolean {
  return kind === "multi" && answering.at(-1) === "M_NOTIFYFUNCTION";
}

/** Numbers that all Workers have: slots of shared memory. */
export class Pool {
  static readonly CURLS = 24;
  static readonly SHARES = 10;
  static readonly MULTIS = 6;
  readonly #slots: Int32Array<SharedArrayBuffer>;

  constructor(buffer: SharedArrayBuffer) {
    this.#slots = new Int32Array(buffer);
  }

  /** Memory for a pool. */
  static buffer(): SharedArrayBuffer {
    return new SharedArrayBuffer(
      4 * (Pool.CURLS + Pool.SHARES + Pool.MULTIS),
    );
  }

  /** The number in a slot, of a handle that may be gone; 0 for none. */
  curl(slot: number): number {
    return Atomics.load(this.#slots, slot % Pool.CURLS);
  }

  putCurl(slot: number, handle: number): void {
    Atomics.store(this.#slots, slot % Pool.CURLS, handle);
  }

  share(slot: number): number {
    return Atomics.load(this.#slots, Pool.CURLS + slot % Pool.SHARES);
  }

  putShare(slot: number, handle: number): void {
    Atomics.store(this.#slots, Pool.CURLS + slot % Pool.SHARES, handle);
  }

  multi(slot: number): number {
    return Atomics.load(this.#slots, this.#multiSlot(slot));
  }

  putMulti(slot: number, handle: number): void {
    Atomics.store(this.#slots, this.#multiSlot(slot), handle);
  }

  #multiSlot(slot: number): number {
    return Pool.CURLS + Pool.SHARES + slot % Pool.MULTIS;
  }
}
