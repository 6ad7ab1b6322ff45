/**
 * What an object of this isolate and a handle of the process have to do with
 * each other: one object for each handle, let go when it is collected.
 *
 * @module
 */

import { failure, startFailure, stateError } from "./errors.ts";

/** How one kind of handle is opened and let go. */
export interface HandleCalls {
  /** The class's name, for messages. */
  readonly name: string;
  /** Holds a handle that another isolate made; gives a status. */
  open(id: number): number;
  /** Lets it go. */
  release(id: number): void;
}

/** The objects of one class in this isolate, by their handles. */
export class HandleTable<T extends { readonly closed: boolean }> {
  readonly #calls: HandleCalls;
  readonly #objects = new Map<number, WeakRef<T>>();
  readonly #collected: FinalizationRegistry<number>;

  /** @param calls how its handles are opened and let go */
  constructor(calls: HandleCalls) {
    this.#calls = calls;
    this.#collected = new FinalizationRegistry((id) => {
      // It may be gone, or a new object may have taken it up meanwhile.
      const object = this.#objects.get(id);
      if (object !== undefined && object.deref() === undefined) {
        this.remove(id);
      }
    });
  }

  /** Keeps track of a new object. */
  add(object: T, id: number): void {
    this.#objects.set(id, new WeakRef(object));
    // To unregister it would take a token, which costs more than to look.
    this.#collected.register(object, id);
  }

  /** The object of a handle, or what `make` makes of it. */
  find(handle: number, make: (id: number) => T): T {
    if (typeof handle !== "number") {
      throw new TypeError(
        `${this.#calls.name}.fromHandle() takes a number, not ${typeof handle}`,
      );
    }
    const known = this.#objects.get(handle)?.deref();
    if (known?.closed === false) return known;
    if (!Number.isSafeInteger(handle) || handle < 1) {
      throw stateError(
        `no ${this.#calls.name} object has the handle ${handle}`,
      );
    }
    const status = this.#calls.open(handle);
    if (status !== 0) throw failure(status);
    return make(handle);
  }

  /** The object was closed: nothing is left to hold. */
  remove(id: number): void {
    this.#objects.delete(id);
    this.#calls.release(id);
  }
}

/** The id that a call answered with; below 0 it is what it failed with. */
export function made(id: number): number {
  if (id < 0) throw startFailure(id);
  return id;
}
