/**
 * The functions of a multi handle itself, and what is assigned to its sockets.
 *
 * @module
 */

import { numeric, worded } from "./callbacks.ts";
import type { Failure } from "./errors.ts";
import * as call from "./ffi/call.ts";
import {
  M_NOTIFYFUNCTION,
  M_SOCKETFUNCTION,
  M_TIMERFUNCTION,
  POLL_REMOVE,
} from "./tables/constants.ts";

// deno-lint-ignore no-explicit-any -- the signatures have nothing in common
type Callback = (...args: any[]) => unknown;

/** The numbers of the slots, as shim/src/sys/trampolines/ has them. */
const SOCKET = 48;
const TIMER = 49;

/** libcurl's answer where a function has failed. */
const FAILED = -1;
/** The function has returned nothing. */
const NOTHING = Infinity;

/** The functions of one multi handle that this isolate answers. */
export class MultiCallbacks {
  readonly #owner: object;
  readonly #curlOf: (id: number) => object | null;
  readonly #functions = new Map<number, Callback>();
  readonly #assigned = new Map<number, unknown>();
  #failure: Failure | undefined;

  /** `curlOf` gives the object of a handle. */
  constructor(owner: object, curlOf: (id: number) => object | null) {
    this.#owner = owner;
    this.#curlOf = curlOf;
  }

  /** Sets or takes back the function of an option. */
  set(option: number, callback: Callback | null): void {
    if (callback === null) this.#functions.delete(option);
    else this.#functions.set(option, callback);
  }

  /** What SOCKETFUNCTION is told with a socket; undefined for nothing. */
  assign(socket: number, value: unknown): void {
    if (value === undefined) this.#assigned.delete(socket);
    else this.#assigned.set(socket, value);
  }

  /** Forgets all. */
  clear(): void {
    this.#functions.clear();
    this.#assigned.clear();
  }

  /** Answers what is asked of a slot. */
  answer(slot: number): number {
    switch (slot) {
      case SOCKET:
        return this.#askSocket();
      case TIMER:
        return this.#ask(M_TIMERFUNCTION, "M_TIMERFUNCTION", FAILED, [
          call.numbers[0],
        ]);
      default: {
        const [notification, id] = call.numbers;
        // libcurl goes on, whatever becomes of it.
        return this.#ask(M_NOTIFYFUNCTION, "M_NOTIFYFUNCTION", NOTHING, [
          notification,
          this.#curlOf(id),
        ]);
      }
    }
  }

  #askSocket(): number {
    const [what, socket, isAssigned] = call.numbers;
    const value = isAssigned === 1 ? this.#assigned.get(socket) : null;
    const answer = this.#ask(M_SOCKETFUNCTION, "M_SOCKETFUNCTION", FAILED, [
      what,
      socket,
      this.#owner,
      value ?? null,
    ]);
    // libcurl forgets it, too; another may have the number next.
    if (what === POLL_REMOVE) this.#assigned.delete(socket);
    return answer;
  }

  #ask(
    option: number,
    name: string,
    failed: number,
    args: unknown[],
  ): number {
    try {
      return numeric(this.#functions.get(option)?.(...args));
    } catch (cause) {
      this.#failure ??= { cause: worded(cause, name) };
      return failed;
    }
  }

  /** What a function threw first since the last look, if any did. */
  takeFailure(): Failure | undefined {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure;
  }

  /** Puts back what `takeFailure` has given. */
  keepFailure(failure: Failure | undefined): void {
    this.#failure = failure;
  }
}
