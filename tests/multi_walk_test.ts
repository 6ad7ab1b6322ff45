/**
 * CurlMulti under calls in random order, beside a model that knows what each of
 * them comes to.
 *
 * @module
 */

import { Random } from "../stress/random.ts";
import * as curl from "../mod.ts";
import { assertEquals } from "./assert.ts";
import { curlFor, FILE } from "./fixtures/checks.ts";

const STEPS = 3000;
const CURLS = 6;
const MULTIS = 3;

const NOT_THERE = "file:///does/not/exist";

/** A Curl and what is to be true of it. */
interface Place {
  readonly c: curl.Curl;
  in: Box | undefined;
  fails: boolean;
  /** Its transfer is over, and not told. */
  isDone: boolean;
  /** It was told. */
  isOver: boolean;
}

/** A multi handle. */
interface Box {
  multi: curl.CurlMulti;
}

/** What a call comes to, in the words of the model or of the library. */
function outcome(act: () => unknown): string {
  try {
    return JSON.stringify(act()) ?? "done";
  } catch (error) {
    if (!(error instanceof curl.CurlError)) throw error;
    return error.message;
  }
}

class Walk {
  readonly #random: Random;
  readonly #places: Place[] = [];
  readonly #boxes: Box[] = [];

  constructor(seed: number) {
    this.#random = new Random(seed);
    for (let i = 0; i < CURLS; i++) this.#places.push(this.#newPlace());
    for (let i = 0; i < MULTIS; i++) {
      this.#boxes.push({ multi: new curl.CurlMulti() });
    }
  }

  #newPlace(): Place {
    const fails = this.#random.chance(300);
    const c = curlFor(fails ? NOT_THERE : FILE);
    c.setopt(curl.WRITEFUNCTION, () => {});
    return { c, in: undefined, fails, isDone: false, isOver: false };
  }

  step(): void {
    const place = this.#random.pick(this.#places);
    const box = this.#random.pick(this.#boxes);
    const acts = [
      () => this.#add(place, box),
      () => this.#add(place, box),
      () => this.#remove(place, box),
      () => this.#perform(box),
      () => this.#read(box),
      () => this.#use(place),
      () => this.#replace(place),
      () => this.#close(box),
    ];
    this.#random.pick(acts)();
    assertEquals(box.multi.size, this.#inside(box).length);
    assertEquals(place.c.multi(), place.in?.multi ?? null);
  }

  #inside(box: Box): Place[] {
    return this.#places.filter((place) => place.in === box);
  }

  #add(place: Place, box: Box): void {
    const expected = place.in === undefined
      ? "done"
      : place.in === box
      ? "curl object already on this multi-stack"
      : "cannot add/remove handle - curl object already on another multi-stack";
    assertEquals(outcome(() => box.multi.addHandle(place.c)), expected);
    place.in ??= box;
  }

  #remove(place: Place, box: Box): void {
    const expected = place.in === box
      ? "done"
      : place.in === undefined
      ? "curl object not on this multi-stack"
      : "cannot add/remove handle - curl object already on another multi-stack";
    assertEquals(outcome(() => box.multi.removeHandle(place.c)), expected);
    if (place.in === box) leave(place);
  }

  #perform(box: Box): void {
    const act = this.#random.chance(500)
      ? () => box.multi.perform()
      : () => box.multi.socketAction(curl.SOCKET_TIMEOUT, 0);
    assertEquals(outcome(act), "[0,0]");
    for (const place of this.#inside(box)) place.isDone ||= !place.isOver;
  }

  #read(box: Box): void {
    const [queued, ok, failed] = box.multi.infoRead();
    const done = this.#inside(box).filter(({ isDone }) => isDone);
    const told = [...ok, ...failed.map(([c]) => c)];
    assertEquals(queued, 0);
    assertEquals(told.length, done.length);
    for (const place of done) {
      assertEquals(told.includes(place.c), true);
      assertEquals(ok.includes(place.c), !place.fails);
      [place.isDone, place.isOver] = [false, true];
    }
  }

  #use(place: Place): void {
    place.c.getinfo(curl.RESPONSE_CODE);
    place.c.setopt(curl.TIMEOUT, 10);
    const expected = (method: string) =>
      `cannot invoke ${method}() - the Curl object is in a CurlMulti; ` +
      "remove it first";
    if (place.in !== undefined) {
      assertEquals(outcome(() => place.c.reset()), expected("reset"));
      assertEquals(outcome(() => place.c.performSync()), expected("perform"));
    } else if (!place.fails) {
      assertEquals(outcome(() => place.c.performSync()), "done");
    }
  }

  /** Another Curl in the place of one that is closed. */
  #replace(place: Place): void {
    place.c.close();
    leave(place);
    Object.assign(place, this.#newPlace());
  }

  #close(box: Box): void {
    if (this.#random.chance(700)) return;
    box.multi.close();
    for (const place of this.#inside(box)) leave(place);
    box.multi = new curl.CurlMulti();
  }

  end(): void {
    for (const { multi } of this.#boxes) multi.close();
    for (const { c } of this.#places) c.close();
  }
}

function leave(place: Place): void {
  place.in = undefined;
  place.isDone = place.isOver = false;
}

for (const seed of [1, 2, 3]) {
  Deno.test(`CurlMulti does what it should in any order (seed ${seed})`, () => {
    const walk = new Walk(seed);
    for (let i = 0; i < STEPS; i++) walk.step();
    walk.end();
  });
}
