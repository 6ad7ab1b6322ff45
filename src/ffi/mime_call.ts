/**
 * One function for each of the library's that is about mime trees.
 *
 * @module
 */

import { NOTHING, numbers } from "./buffers.ts";
import { library } from "./library.ts";

export { numbers } from "./buffers.ts";

/** The numbers of what a part is told by a string. */
export const Text = {
  name: 0,
  filename: 1,
  type: 2,
  encoder: 3,
  filedata: 4,
} as const;

/** The number of a header line among the texts that a part is told at once. */
export const HEADER = 5;

/** What a new part holds. */
export const Content = { none: 0, data: 1, source: 2, mime: 3 } as const;

/** Where in {@linkcode numbers} that of its source or mime is then. */
export const ADDED = 0;

/** The new mime's number, or a status below 0. */
export function mimeNew(curl: number): number {
  return library().shim_mime_new(curl);
}

/** Lets a mime go whose object is gone. */
export function mimeRelease(curl: number, mime: number): void {
  library().shim_mime_release(curl, mime);
}

/** Frees a mime that is attached to no part; gives a status. */
export function mimeClose(curl: number, mime: number): number {
  return library().shim_mime_close(curl, mime);
}

/**
 * Adds a part: see `shim_mime_add`.
 *
 * @returns its place, or a status below 0
 */
export function mimeAdd(
  curl: number,
  mime: number,
  content: number,
  texts: Uint8Array<ArrayBuffer> = NOTHING,
  data: Uint8Array<ArrayBuffer> = NOTHING,
  size: number = data.length,
): number {
  return library().shim_mime_add(
    curl,
    mime,
    content,
    texts,
    texts.length,
    data,
    size,
    numbers,
  );
}

/** Tells a part one of {@linkcode Text}; null takes it back. */
export function mimeText(
  curl: number,
  mime: number,
  part: number,
  what: number,
  text: Uint8Array<ArrayBuffer> | null,
): number {
  const bytes = text ?? NOTHING;
  return library().shim_mime_text(
    curl,
    mime,
    part,
    what,
    text === null ? 0 : 1,
    bytes,
    bytes.length,
  );
}

/** Gives a part its content. */
export function mimeData(
  curl: number,
  mime: number,
  part: number,
  data: Uint8Array<ArrayBuffer>,
): number {
  return library().shim_mime_data(curl, mime, part, data, data.length);
}

/** Gives a part header lines, packed as those of `shim_mime_add`. */
export function mimeHeaders(
  curl: number,
  mime: number,
  part: number,
  lines: Uint8Array<ArrayBuffer>,
): number {
  return library().shim_mime_headers(curl, mime, part, lines, lines.length);
}

/** The number that a part's content is asked for by, or a status below 0. */
export function mimeSource(
  curl: number,
  mime: number,
  part: number,
  size: number,
  seeks: boolean,
  isBlob: boolean,
): number {
  return library().shim_mime_source(
    curl,
    mime,
    part,
    size,
    seeks ? 1 : 0,
    isBlob ? 1 : 0,
  );
}

/** Attaches a mime to a part: see `shim_mime_subparts`. */
export function mimeSubparts(
  curl: number,
  mime: number,
  part: number,
  child: number,
): number {
  return library().shim_mime_subparts(
    curl,
    mime,
    part,
    child,
    numbers,
    NOTHING,
    0,
  );
}

/** Sets MIMEPOST: see `shim_setopt_mime`. */
export function setoptMime(curl: number, mime: number): number {
  return library().shim_setopt_mime(curl, mime, numbers, NOTHING, 0);
}
