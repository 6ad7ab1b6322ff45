/**
 * The life of one asynchronous transfer: from its start to the promise that is
 * settled when it is over.
 *
 * @module
 */

import { signalOf } from "./abort.ts";
import { LATER, type Patient, WRITE } from "./callbacks.ts";
import * as engine from "./engine.ts";
import { abortedBy, type Failure, failure, startFailure } from "./errors.ts";
import * as call from "./ffi/call.ts";
import type { OptionTarget } from "./options.ts";
import { E_ABORTED_BY_CALLBACK, E_WRITE_ERROR } from "./tables/constants.ts";
import type { AbortOptions } from "./types.ts";

/** Where a body goes, as the library numbers it. */
export const Output = {
  function: 0,
  collected: 1,
  stream: 2,
  socket: 3,
} as const;

/** One of {@linkcode Output}. */
export type Output = typeof Output[keyof typeof Output];

/** How far a transfer has come. */
const RUNNING = 0;
/** libcurl is done; something of what it gave is still being written. */
const WRITING = 1;
const OVER = 2;

/** A transfer; what its caller gets is up to the classes that extend it. */
export abstract class Transfer implements engine.Listener, Patient {
  /** Its handle and functions. */
  protected readonly target: OptionTarget;
  /** A Curl that nobody held would be let go. */
  protected readonly owner: object;
  #signal: AbortSignal | undefined;
  #aborted: Failure | undefined;
  #state: number = RUNNING;
  /** A promise of WRITEFUNCTION's has not settled yet. */
  #isWriting = false;

  /** Starts nothing yet. */
  constructor(owner: object, target: OptionTarget) {
    this.owner = owner;
    this.target = target;
  }

  /** The body has to be taken over now: the next transfer may start. */
  protected abstract receive(): void;

  /** All went well. */
  protected abstract succeed(): void;

  /** It has failed, or was aborted. */
  protected abstract fail(error: unknown): void;

  /** The headers are in, or there is something to read. */
  protected read(): void {}

  /** Starts it, or throws. */
  protected begin(output: Output, options: AbortOptions | undefined): void {
    this.#signal = signalOf(options);
    try {
      // Calls handleEvent().
      this.#signal?.addEventListener("abort", this);
      const status = engine.start(this.target.id, output, this);
      if (status !== 0) throw startFailure(status);
    } catch (error) {
      // Nothing else is let go: another transfer may have the handle.
      this.#leave();
      throw error;
    }
  }

  /** Ends it with this in place of an error, unless it is over. */
  abort(reason: unknown): void {
    if (this.#aborted !== undefined) return;
    if (this.#state !== RUNNING) return this.#fail(reason);
    this.#aborted = { cause: reason };
    engine.cancel(this.target.id);
  }

  /** Its signal was aborted. */
  handleEvent(): void {
    this.abort(this.#signal?.reason);
  }

  /** Answers a question, or hears what has happened. */
  hear(event: number): number {
    if (event === engine.DONE) this.#done();
    else if (event === engine.DATA) {
      // Headers may be on their way as it is aborted.
      if (this.#aborted === undefined) this.read();
    } else return this.#answer(event);
    return 0;
  }

  /** Nothing will be heard any more. */
  lose(error: Error): void {
    this.#fail(error);
  }

  #answer(slot: number): number {
    const { callbacks, id } = this.target;
    const reply = callbacks.answer(slot, id, this);
    if (slot === WRITE && reply === LATER) this.#isWriting = true;
    return reply;
  }

  /** A function's promise has settled; `answer` tells what that means. */
  settle(slot: number, answer: () => number): void {
    const { callbacks, id } = this.target;
    if (slot === WRITE) this.#isWriting = false;
    if (this.#state === RUNNING) {
      call.settle(id, slot, callbacks.attempt(slot, answer));
      engine.turnSoon();
    } else if (this.#state === WRITING && slot === WRITE) {
      if (Number.isNaN(callbacks.attempt(slot, answer))) {
        this.#fail(abortedBy(E_WRITE_ERROR, callbacks.takeFailure()));
      } else this.#finish();
    }
  }

  /** A turn can send it at once. */
  hasMore(): void {
    if (this.#state === RUNNING) engine.turnOn();
  }

  #done(): void {
    const failed = this.#failure();
    if (failed !== undefined) return this.#fail(failed.cause);
    this.#state = WRITING;
    this.receive();
    if (!this.#isWriting) this.#finish();
  }

  #failure(): Failure | undefined {
    const status = call.numbers[0];
    const thrown = this.target.callbacks.takeFailure();
    if (this.#aborted !== undefined) return this.#aborted;
    if (status !== 0) return { cause: failure(status, thrown) };
    return thrown && { cause: abortedBy(E_ABORTED_BY_CALLBACK, thrown) };
  }

  #finish(): void {
    const written = this.target.callbacks.releaseStreams();
    if (written === undefined) return this.#succeed();
    written.then(
      () => this.#succeed(),
      (cause) => this.#fail(abortedBy(E_WRITE_ERROR, { cause })),
    );
  }

  #succeed(): void {
    if (this.#leave()) this.succeed();
  }

  #fail(error: unknown): void {
    if (!this.#leave()) return;
    this.target.callbacks.releaseStreams()?.catch(() => {});
    this.fail(error);
  }

  /** Whether it was not over already. */
  #leave(): boolean {
    if (this.#state === OVER) return false;
    this.#state = OVER;
    this.#signal?.removeEventListener("abort", this);
    return true;
  }
}

/** A transfer whose caller waits for its end. */
class Performance<T> extends Transfer {
  readonly #take: () => T;
  #result: T | undefined;
  #resolve!: (result: T) => void;
  #reject!: (reason: unknown) => void;

  constructor(owner: object, target: OptionTarget, take: () => T) {
    super(owner, target);
    this.#take = take;
  }

  run(output: Output, options: AbortOptions | undefined): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#resolve = resolve;
    this.#reject = reject;
    try {
      this.begin(output, options);
    } catch (error) {
      this.fail(error);
    }
    return promise;
  }

  protected override receive(): void {
    this.#result = this.#take();
  }

  protected override succeed(): void {
    this.#resolve(this.#result as T);
  }

  protected override fail(error: unknown): void {
    this.#reject(error);
  }
}

/** Does a transfer, whose functions get the body. */
export function perform(
  owner: object,
  target: OptionTarget,
  options: AbortOptions | undefined,
): Promise<void> {
  return new Performance(owner, target, nothing)
    .run(Output.function, options);
}

function nothing(): void {}

/** Does a transfer, and gives what `take` makes of its body. */
export function collect<T>(
  owner: object,
  target: OptionTarget,
  take: () => T,
  options: AbortOptions | undefined,
): Promise<T> {
  return new Performance(owner, target, take).run(Output.collected, options);
}
