/**
 * TLS sessions out of libcurl's cache, and into it.
 *
 * @module
 */

import { check } from "./errors.ts";
import { decoder, NOTHING } from "./ffi/buffers.ts";
import { body } from "./ffi/call.ts";
import { sessionsExport, sessionsImport } from "./ffi/sessions_call.ts";

/**
 * A TLS session with a server. Whoever has it can read what it protects.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * using share = new curl.CurlShare();
 * share.share(curl.LOCK_DATA_SSL_SESSION);
 * using c = new curl.Curl();
 * c.setopt(curl.SHARE, share);
 * const sessions: curl.SslSession[] = c.sslsExport();
 * for (const { alpn, validUntil } of sessions) console.log(alpn, validUntil);
 * ```
 */
export interface SslSession {
  /**
   * Names the server and the settings that the session was made with; null for
   * one that was imported without.
   */
  readonly key: string | null;
  /** A salt and the key's hash: stands for the key, but names nobody. */
  readonly shmac: Uint8Array<ArrayBuffer>;
  /** The session, as libcurl packs it. */
  readonly data: Uint8Array<ArrayBuffer>;
  /** Until when it can be used, in seconds since 1970. */
  readonly validUntil: number;
  /** The version of TLS, as in its records: 0x0304 is 1.3. */
  readonly tlsVersion: number;
  /** The protocol that was agreed on, such as `h2`; null for none. */
  readonly alpn: string | null;
  /** How many bytes the server takes before the handshake is over. */
  readonly earlydataMax: number;
}

/**
 * What is needed to import a session: its data, and one of the others.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * // Sessions as the program has kept them.
 * const kept: curl.SslSessionData[] = [];
 * using share = new curl.CurlShare();
 * share.share(curl.LOCK_DATA_SSL_SESSION);
 * using c = new curl.Curl();
 * c.setopt(curl.SHARE, share);
 * for (const session of kept) c.sslsImport(session);
 * ```
 */
export interface SslSessionData {
  /** The key; is taken before `shmac`. */
  readonly key?: string | null;
  /** What stands for it. */
  readonly shmac?: Uint8Array | null;
  /** The session, as libcurl packed it. */
  readonly data: Uint8Array;
}

/** How many numbers stand before the bytes for each session. */
const FIGURES = 7;
const encoder = new TextEncoder();

/** All sessions; throws what `Curl.sslsExport` does. */
export function exportSessions(id: number): SslSession[] {
  check(sessionsExport(id));
  const packed = body();
  const [count] = new Float64Array(packed.buffer, 0, 1);
  const figures = new Float64Array(packed.buffer, 0, 1 + FIGURES * count);
  let end = figures.byteLength;
  const bytes = (length: number) =>
    packed.slice(end, end += Math.max(length, 0));
  const text = (length: number) => {
    const found = decoder.decode(bytes(length));
    return length < 0 ? null : found;
  };
  return Array.from({ length: count }, (_, at) => {
    const [key, shmac, data, alpn, validUntil, tlsVersion, earlydataMax] =
      figures.subarray(1 + FIGURES * at);
    return {
      key: text(key),
      shmac: bytes(shmac),
      data: bytes(data),
      alpn: text(alpn),
      validUntil,
      tlsVersion,
      earlydataMax,
    };
  });
}

/** Adds a session; throws what `Curl.sslsImport` does. */
export function importSession(id: number, session: SslSessionData): void {
  const { key, shmac, data } = session;
  check(sessionsImport(
    id,
    key === undefined || key === null ? NOTHING : keyBytes(key),
    shmac === undefined || shmac === null ? NOTHING : bytesOf("shmac", shmac),
    bytesOf("data", data),
  ));
}

function keyBytes(key: unknown): Uint8Array<ArrayBuffer> {
  if (typeof key !== "string") {
    throw new TypeError(
      `sslsImport() takes a string as key, not ${typeof key}`,
    );
  }
  if (!key.isWellFormed()) {
    throw new TypeError(
      "sslsImport(): the key holds a lone surrogate, which has no UTF-8",
    );
  }
  return encoder.encode(key);
}

/** A copy: others may write to shared memory. */
function bytesOf(what: string, value: unknown): Uint8Array<ArrayBuffer> {
  if (!(value instanceof Uint8Array)) {
    throw new TypeError(
      `sslsImport() takes a Uint8Array as ${what}, not ${typeof value}`,
    );
  }
  return new Uint8Array(value);
}
