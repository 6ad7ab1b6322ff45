/**
 * Waiting for a share to be out of use.
 *
 * @module
 */

import { signalOf } from "./abort.ts";
import { expectClosing, type Listener, stopClosing } from "./engine.ts";
import { check } from "./errors.ts";
import type { AbortOptions } from "./types.ts";

/** A share, as far as its closing goes. */
interface Closable {
  readonly handle: number;
  readonly closed: boolean;
  close(): void;
}

/** One that waits, and its signal. */
class Waiter {
  readonly settled = Promise.withResolvers<void>();
  readonly #closing: Closing;
  readonly #signal: AbortSignal | undefined;

  constructor(closing: Closing, signal: AbortSignal | undefined) {
    this.#closing = closing;
    this.#signal = signal;
    // Calls handleEvent().
    signal?.addEventListener("abort", this);
  }

  handleEvent(): void {
    this.#closing.leave(this);
    this.leave();
    this.settled.reject(this.#signal?.reason);
  }

  leave(): void {
    this.#signal?.removeEventListener("abort", this);
  }
}

/** The closing of one share: as long as anybody waits, it refuses newcomers. */
export class Closing implements Listener {
  readonly #share: Closable;
  readonly #waiters = new Set<Waiter>();

  constructor(share: Closable) {
    this.#share = share;
  }

  /** Waits until the share is closed. */
  wait(options: AbortOptions | undefined): Promise<void> {
    try {
      const signal = signalOf(options);
      if (this.#share.closed) {
        this.#share.close();
        return Promise.resolve();
      }
      if (this.#waiters.size === 0) {
        check(expectClosing(this.#share.handle, this));
      }
      const waiter = new Waiter(this, signal);
      this.#waiters.add(waiter);
      return waiter.settled.promise;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** One gives up; without any, the share is as it was. */
  leave(waiter: Waiter): void {
    this.#waiters.delete(waiter);
    if (this.#waiters.size === 0) stopClosing(this.#share.handle);
  }

  /** The share can be closed, or is closed already. */
  hear(): number {
    try {
      this.#share.close();
    } catch (error) {
      this.lose(error);
    }
    return 0;
  }

  /** The share was closed. */
  succeed(): void {
    for (const waiter of this.#taken()) waiter.settled.resolve();
  }

  /** It can't be closed. */
  lose(error: unknown): void {
    for (const waiter of this.#taken()) waiter.settled.reject(error);
  }

  /** Those who wait, who do so no longer. */
  #taken(): Waiter[] {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) waiter.leave();
    if (waiters.length > 0) stopClosing(this.#share.handle);
    return waiters;
  }
}
