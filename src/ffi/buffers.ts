/**
 * The buffers that the functions of src/ffi/ share for what they are answered.
 *
 * @module
 */

/** Room for the numbers that a call answers with. */
export const numbers: Float64Array<ArrayBuffer> = new Float64Array(8);

/** Where in `numbers` the length of a question's bytes is. */
export const LENGTH = 6;

/** Where in `numbers` the handle is that a question or an event is about. */
export const ABOUT = 7;

/** What stands for an empty buffer. */
export const NOTHING: Uint8Array<ArrayBuffer> = new Uint8Array(0);
/** For UTF-8. */
export const decoder: TextDecoder = new TextDecoder();
let scratch = new Uint8Array(1024);

/** Fetches bytes of unknown length: `give` tells how long they are in all. */
export function fetched(
  give: (room: Uint8Array<ArrayBuffer>) => number,
): Uint8Array {
  let length = give(scratch);
  while (length > scratch.length) {
    scratch = new Uint8Array(2 ** Math.ceil(Math.log2(length)));
    length = give(scratch);
  }
  return scratch.subarray(0, length);
}

/** The same as text. */
export function text(give: (room: Uint8Array<ArrayBuffer>) => number): string {
  return decoder.decode(fetched(give));
}
