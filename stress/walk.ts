/**
 * One Worker's random walk: its objects, where it stands, and what it did last.
 *
 * @module
 */

import * as curl from "../mod.ts";
import {
  CurlEntry,
  type Frame,
  MultiEntry,
  newFrame,
  Pool,
  ShareEntry,
} from "./objects.ts";
import {
  type Allowed,
  describe,
  describeAllowed,
  isAllowed,
  type Outcome,
} from "./outcomes.ts";
import type { MimeEntry } from "./mime_operations.ts";
import { Random } from "./random.ts";
import type { UrlEntry } from "./url_operations.ts";

/** Where the server and the files are. */
export interface Site {
  /** http://…, without a slash at the end. */
  readonly http: string;
  /** https://…, likewise. */
  readonly https: string;
  /** Folder of body-LENGTH-SEED files, ca.pem, and room for more. */
  readonly folder: string;
}

/** What the watchdog sees of a Worker. */
export const PULSE = { steps: 0, operation: 1, handle: 2, depth: 3, size: 4 };

const HISTORY = 80;
const MOST_CURLS = 14;
const MOST_SHARES = 7;
const MOST_MULTIS = 5;

/** Something that a walk does now and then. */
export interface Operation {
  readonly name: string;
  readonly weight: number;
  run(walk: Walk): void;
}

/** Something asynchronous. */
export interface Pending {
  readonly what: string;
  /** Its transfer, if it is one. */
  readonly frame?: Frame;
  readonly settled: Promise<void>;
  /** When it is to be aborted; never if its end is foretold. */
  readonly abortAt?: number;
  /** When it began, or was aborted. */
  since: number;
  abort?(): void;
}

/** Ends the walk: what went wrong has been told. */
export class Stopped extends Error {}

/** What a walk is given. */
export interface Surroundings {
  readonly seed: number;
  readonly site: Site;
  /** Numbers of handles, for all Workers. */
  readonly pool: SharedArrayBuffer;
  /** For the watchdog. */
  readonly pulse: SharedArrayBuffer;
}

/** What the walk tells its Worker. */
export interface Hooks {
  failed(text: string): void;
  /** Runs the garbage collector. */
  collect(): void;
  /** The Worker is to end itself, here and now. */
  end(): void;
}

export class Walk {
  readonly random: Random;
  readonly site: Site;
  readonly pool: Pool;
  readonly hooks: Hooks;
  readonly curls: CurlEntry[] = [];
  readonly shares: ShareEntry[] = [];
  readonly multis: MultiEntry[] = [];
  readonly mimes: MimeEntry[] = [];
  readonly urls: UrlEntry[] = [];
  /** Numbers of handles that are closed for certain. */
  readonly stale: number[] = [];
  /** The calls that this Worker is in, the innermost last. */
  readonly frames: Frame[] = [];
  /** What was begun and has not settled. */
  readonly pending: Pending[] = [];
  readonly #operations: readonly Operation[];
  readonly #pulse: Int32Array<SharedArrayBuffer>;
  readonly #history: string[] = [];
  // A forgotten object comes back as long as it is not collected.
  readonly #curlEntries = new WeakMap<curl.Curl, CurlEntry>();
  readonly #shareEntries = new WeakMap<curl.CurlShare, ShareEntry>();
  readonly #multiEntries = new WeakMap<curl.CurlMulti, MultiEntry>();
  #families = 0;
  #isStopped = false;

  constructor(
    surroundings: Surroundings,
    operations: readonly Operation[],
    hooks: Hooks,
  ) {
    this.random = new Random(surroundings.seed);
    this.site = surroundings.site;
    this.pool = new Pool(surroundings.pool);
    this.hooks = hooks;
    this.#operations = operations;
    this.#pulse = new Int32Array(surroundings.pulse);
  }

  get steps(): number {
    return this.#pulse[PULSE.steps];
  }

  get frame(): Frame | undefined {
    return this.frames.at(-1);
  }

  /** Does one of the operations, at the top or in a callback. */
  step(): void {
    if (this.#isStopped) throw new Stopped();
    const operation = this.random.weighted(this.#operations);
    this.#pulse[PULSE.operation] = this.#operations.indexOf(operation);
    this.#pulse[PULSE.handle] = 0;
    this.#pulse[PULSE.depth] = this.frames.length;
    operation.run(this);
  }

  /** Makes a call, and fails unless it comes to something that is allowed. */
  attempt<T>(
    what: string,
    allowed: readonly Allowed[],
    call: () => T,
    handle = 0,
  ): Outcome<T> {
    if (this.#isStopped) throw new Stopped();
    Atomics.add(this.#pulse, PULSE.steps, 1);
    Atomics.store(this.#pulse, PULSE.handle, handle);
    const line = `${this.steps} ${"  ".repeat(this.frames.length)}${what}`;
    this.note(line);
    let outcome: Outcome<T>;
    try {
      outcome = { value: call() };
    } catch (error) {
      outcome = { error: error as Error };
    }
    if (this.#isStopped) throw new Stopped();
    if (this.#history.at(-1) === line) this.#history.pop();
    this.note(`${line} → ${describe(outcome)}`);
    this.judge(what, allowed, outcome);
    return outcome;
  }

  /** Fails unless something came to what is allowed. */
  judge(what: string, allowed: readonly Allowed[], outcome: Outcome): void {
    if (!isAllowed(outcome, allowed)) {
      const stack = outcome.error instanceof Error ? outcome.error.stack : "";
      this.fail(
        `${what} came to\n    ${describe(outcome)}\n  allowed is\n    ${
          describeAllowed(allowed)
        }\n${stack}`,
      );
    }
  }

  /** Tells what was done last, if this fails. */
  note(line: string): void {
    this.#history.push(line);
    if (this.#history.length > HISTORY) this.#history.shift();
  }

  /** As `attempt`; what it comes to tells whether the handle is closed. */
  attemptOn<T>(
    entry: CurlEntry,
    what: string,
    allowed: readonly Allowed[],
    call: () => T,
  ): Outcome<T> {
    const outcome = this.attempt(
      `${entry} ${what}`,
      allowed,
      call,
      entry.curl.handle,
    );
    const text = outcome.error?.message ?? "";
    if (/^cannot invoke \w+\(\) - no curl handle$/.test(text)) {
      entry.isClosed = true;
    }
    return outcome;
  }

  /**
   * A call that may run callbacks: an exception of theirs must be its cause,
   * and without one it must have none.
   */
  drive<T>(
    kind: Exclude<Frame["kind"], "flight" | "member" | "multi">,
    entry: CurlEntry,
    what: string,
    allowed: readonly Allowed[],
    call: () => T,
  ): { outcome: Outcome<T>; frame: Frame } {
    const frame = newFrame(kind, entry);
    const depth = this.frames.push(frame);
    const outcome = this.attemptOn(entry, what, allowed, call);
    if (this.frames.length !== depth) this.fail("calls ended out of order");
    this.frames.pop();
    this.checkCause(frame, what, outcome);
    return { outcome, frame };
  }

  /** Whether the cause of a failure is what a callback threw. */
  checkCause(frame: Frame, what: string, { error }: Outcome): void {
    const { expected, heard, mayMissCause } = frame;
    // What another function threw may have come here, or gone there.
    if (frame.isAmbiguous || frame.entry?.mayPipe) return;
    if (error === undefined) {
      if (expected && !mayMissCause) {
        this.fail(`${what} lost what its callback threw, ${show(expected)}`);
      }
      return;
    }
    const wasRefused = !(error instanceof curl.CurlError) ||
      error.code === undefined;
    if (wasRefused && heard > 0) {
      this.fail(`${what} was refused after ${heard} callbacks`);
    }
    const { cause } = error;
    if (mayMissCause && cause === undefined) return;
    // No function was there to throw.
    if (wasRefused && heard === 0 && cause === undefined) return;
    const isRight = expected === undefined
      ? !("cause" in error)
      : "text" in expected
      ? cause instanceof TypeError && expected.text.test(cause.message)
      : cause === expected.cause;
    if (!isRight) {
      this.fail(
        `${what}: the cause is ${Deno.inspect(cause)}, not ${show(expected)}`,
      );
    }
  }

  /** Says what is wrong, and ends the walk. */
  fail(text: string): never {
    if (!this.#isStopped) {
      this.#isStopped = true;
      this.hooks.failed(
        `step ${this.steps}: ${text}\n  the last calls:\n    ${
          this.#history.join("\n    ")
        }`,
      );
    }
    throw new Stopped();
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** A callback is asked. */
  hear(name: string, { kind, entry, multi }: Frame): void {
    const line = `  ${"  ".repeat(this.frames.length)}${name} in a ${kind} of `;
    if (this.#history.at(-1)?.startsWith(line)) return;
    this.note(`${line}${entry ?? multi}`);
  }

  /** What was begun has come to its end. */
  arrive(what: string, outcome: Outcome): void {
    if (this.#isStopped) throw new Stopped();
    Atomics.add(this.#pulse, PULSE.steps, 1);
    this.note(`${this.steps} ${what} ⇒ ${describe(outcome)}`);
  }

  /** Passes on what went wrong outside of a step. */
  crash(error: unknown): void {
    if (error instanceof Stopped || this.#isStopped) return;
    try {
      this.fail(error instanceof Error ? error.stack! : Deno.inspect(error));
    } catch {
      // That was to end the walk.
    }
  }

  newFamily(): number {
    return ++this.#families;
  }

  /** Keeps a handle; the object of a number is always the same one. */
  addCurl(
    handle: curl.Curl,
    isPublic: boolean,
    family: number = this.newFamily(),
  ): CurlEntry {
    let entry = this.#curlEntries.get(handle);
    if (entry === undefined) {
      entry = new CurlEntry(handle, family, isPublic);
      this.#curlEntries.set(handle, entry);
    }
    if (!this.curls.includes(entry)) this.curls.push(entry);
    this.#shorten();
    return entry;
  }

  addShare(share: curl.CurlShare, isPublic: boolean): ShareEntry {
    let entry = this.#shareEntries.get(share);
    if (entry === undefined) {
      entry = new ShareEntry(share, isPublic);
      this.#shareEntries.set(share, entry);
    }
    if (!this.shares.includes(entry)) this.shares.push(entry);
    this.#shorten();
    return entry;
  }

  addMulti(multi: curl.CurlMulti, isPublic: boolean): MultiEntry {
    let entry = this.#multiEntries.get(multi);
    if (entry === undefined) {
      entry = new MultiEntry(multi, isPublic);
      this.#multiEntries.set(multi, entry);
    }
    if (!this.multis.includes(entry)) this.multis.push(entry);
    this.#shorten();
    return entry;
  }

  /** Lets go of what is too much; it is collected, some day. */
  #shorten(): void {
    shorten(this.curls, MOST_CURLS, (entry) => this.isFree(entry));
    shorten(
      this.shares,
      MOST_SHARES,
      (entry) => entry.isPublic || entry.members.size === 0,
    );
    shorten(this.multis, MOST_MULTIS, (entry) => this.isFreeMulti(entry));
  }

  /** Whether nothing is lost if the Worker forgets the handle. */
  isFree(entry: CurlEntry): boolean {
    return !entry.isLocked && entry.flights.size === 0 &&
      entry.multi === null && entry.attachment !== "yes" &&
      !this.frames.some((frame) => frame.entry === entry);
  }

  /** The same of a multi handle. */
  isFreeMulti(entry: MultiEntry): boolean {
    return !entry.isLocked && entry.members.size === 0 &&
      !this.frames.some((frame) => frame.multi === entry);
  }

  /** From now on others have the number. */
  publish(entry: CurlEntry): void {
    if (entry.isPublic) return;
    const { share } = entry;
    entry.isPublic = true;
    entry.mayBeForeign = true;
    entry.mayHoldConnection = true;
    if (share) this.publishShare(share);
  }

  publishShare(entry: ShareEntry): void {
    entry.isPublic = true;
    for (const member of entry.members) member.wasShared = true;
    entry.members.clear();
  }
}

/** Takes the oldest away that are free; never the newest. */
function shorten<T>(
  entries: T[],
  most: number,
  isFree: (entry: T) => boolean,
): void {
  while (entries.length > most) {
    const index = entries.slice(0, -1).findIndex(isFree);
    if (index < 0) break;
    entries.splice(index, 1);
  }
}

function show(expected: Frame["expected"]): string {
  return expected === undefined
    ? "nothing"
    : "text" in expected
    ? String(expected.text)
    : Deno.inspect(expected.cause);
}
