/**
 * Bodies that tell what they should be: length and seed, then words that only
 * that seed gives. Whoever gets one can check it without knowing its URL.
 *
 * @module
 */

const HEAD = 8;
const STRIDE = 0x9e3779b9;

/** What a body is made from. */
export interface BodyShape {
  /** In bytes, at least 8. */
  readonly length: number;
  readonly seed: number;
}

/** The body of a shape. */
export function makeBody(
  { length, seed }: BodyShape,
): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(length / 4));
  words[0] = length;
  words[1] = seed;
  for (let index = 2; index < words.length; index++) {
    words[index] = wordAt(seed, index);
  }
  return new Uint8Array(words.buffer, 0, length);
}

function wordAt(seed: number, index: number): number {
  return Math.imul(seed + index, STRIDE) ^ index;
}

/** What is wrong with a body; undefined if it is what it says it is. */
export function bodyProblem(
  body: Uint8Array,
  expected?: BodyShape,
): string | undefined {
  if (body.length < HEAD) return `only ${body.length} bytes`;
  const padded = new Uint8Array(Math.ceil(body.length / 4) * 4);
  padded.set(body);
  const words = new Uint32Array(padded.buffer);
  const [length, seed] = words;
  if (body.length !== length) {
    return `${body.length} bytes in place of ${length}`;
  }
  const whole = Math.floor(length / 4);
  for (let index = 2; index < whole; index++) {
    if (words[index] !== wordAt(seed, index) >>> 0) {
      return `a wrong word ${index} of ${whole}`;
    }
  }
  if (expected && (expected.length !== length || expected.seed !== seed)) {
    return `${length} bytes of seed ${seed}, which is another URL's body`;
  }
}

/** Pieces, one behind the other. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const whole = new Uint8Array(length);
  let end = 0;
  for (const piece of pieces) {
    whole.set(piece, end);
    end += piece.length;
  }
  return whole;
}
