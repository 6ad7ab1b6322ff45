/**
 * One function for each of the library's that are about a CurlUrl.
 *
 * @module
 */

import { fetched, NOTHING, numbers } from "./buffers.ts";
import { library } from "./library.ts";

/** The new URL's id, or what it failed with. */
export function urlNew(): number {
  return library().shim_url_new();
}

/** The copy's id, or what it failed with. */
export function urlDuplicate(id: number): number {
  return library().shim_url_duplicate(id);
}

/** Frees a URL, once no Curl uses it. */
export function urlRelease(id: number): void {
  library().shim_url_release(id);
}

/** The part, to be used before the next call; null for none; or a status. */
export function urlGet(
  id: number,
  part: number,
  flags: number,
): Uint8Array | null | number {
  let status = 0;
  let nothing = false;
  const bytes = fetched((room) => {
    status = library().shim_url_get(
      id,
      part,
      flags,
      numbers,
      room,
      room.length,
    );
    if (status !== 0) return 0;
    nothing = numbers[0] < 0;
    return Math.max(numbers[0], 0);
  });
  if (status !== 0) return status;
  return nothing ? null : bytes;
}

/** Sets a part; gives a status. */
export function urlSet(
  id: number,
  part: number,
  flags: number,
  value: Uint8Array<ArrayBuffer>,
): number {
  const { length } = value;
  return library().shim_url_set(
    id,
    part,
    flags,
    length === 0 ? NOTHING : value,
    length,
  );
}

/** Takes a part away; gives a status. */
export function urlRemove(id: number, part: number): number {
  return library().shim_url_remove(id, part);
}

/** Sets CURLU of a Curl; gives a status. */
export function setoptUrl(id: number, url: number): number {
  return library().shim_setopt_url(id, url);
}
