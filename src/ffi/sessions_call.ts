/**
 * One function for each of the library's that are about TLS sessions.
 *
 * @module
 */

import { NOTHING } from "./buffers.ts";
import { library } from "./library.ts";

/**
 * Packs all sessions as shim/src/sessions.rs says, for `body` to fetch; gives a
 * status.
 */
export function sessionsExport(id: number): number {
  return library().shim_sessions_export(id);
}

/** Adds a session; gives a status. */
export function sessionsImport(
  id: number,
  key: Uint8Array<ArrayBuffer>,
  shmac: Uint8Array<ArrayBuffer>,
  data: Uint8Array<ArrayBuffer>,
): number {
  const given = (bytes: Uint8Array<ArrayBuffer>) =>
    bytes.length === 0 ? NOTHING : bytes;
  return library().shim_sessions_import(
    id,
    given(key),
    key.length,
    given(shmac),
    shmac.length,
    given(data),
    data.length,
  );
}
