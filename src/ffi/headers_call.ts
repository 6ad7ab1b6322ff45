/**
 * One function for each of the library's that look headers up. What they give
 * is packed as shim/src/headers.rs says.
 *
 * @module
 */

import { fetched, NOTHING } from "./buffers.ts";
import { library } from "./library.ts";

/** All headers, to be used before the next call; or a status below 0. */
export function headers(
  id: number,
  origin: number,
  request: number,
): Uint8Array | number {
  let answer = 0;
  const bytes = fetched((room) => {
    answer = library().shim_headers(id, origin, request, room, room.length);
    return Math.max(answer, 0);
  });
  return answer < 0 ? answer : bytes;
}

/** The same of one header, if there is one. */
export function header(
  id: number,
  name: Uint8Array<ArrayBuffer>,
  index: number,
  origin: number,
  request: number,
): Uint8Array | number {
  let answer = 0;
  const bytes = fetched((room) => {
    answer = library().shim_header(
      id,
      name.length === 0 ? NOTHING : name,
      name.length,
      index,
      origin,
      request,
      room,
      room.length,
    );
    return Math.max(answer, 0);
  });
  return answer < 0 ? answer : bytes;
}
