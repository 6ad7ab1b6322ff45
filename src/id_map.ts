/**
 * A map for ids that come and go all the time, often the same ones.
 *
 * @module
 */

/** So many ids that are gone are kept at least. */
const IDLE = 64;

/**
 * As a Map. That makes a new table after each few ids that were deleted, and the
 * old one, which refers to the new one, keeps its values: once one of them is
 * with V8's old objects, the young ones of all that follow are taken for live,
 * and so is every result of a transfer. Here ids stay for the next time.
 */
export class IdMap<V extends object> {
  #values = new Map<number, V | undefined>();
  /** How many ids have no value. */
  #idle = 0;

  /** The value of an id, if it has one. */
  get(id: number): V | undefined {
    return this.#values.get(id);
  }

  /** Whether an id has a value. */
  has(id: number): boolean {
    return this.#values.get(id) !== undefined;
  }

  /** Gives an id a value. */
  set(id: number, value: V): void {
    if (this.#idle > 0 && !this.has(id) && this.#values.has(id)) this.#idle--;
    this.#values.set(id, value);
  }

  /** Takes it back. */
  delete(id: number): void {
    if (!this.has(id)) return;
    this.#values.set(id, undefined);
    this.#idle++;
    const live = this.#values.size - this.#idle;
    if (this.#idle > Math.max(IDLE, live)) this.#forgetIdle();
  }

  #forgetIdle(): void {
    const values = new Map<number, V>();
    for (const [id, value] of this.#values) {
      if (value !== undefined) values.set(id, value);
    }
    this.#values = values;
    this.#idle = 0;
  }

  /** All values. */
  values(): V[] {
    return [...this.#values.values()].filter((value) => value !== undefined);
  }

  /** Takes all back. */
  clear(): void {
    this.#values = new Map();
    this.#idle = 0;
  }
}
