/**
 * What libcurl says about itself and its codes.
 *
 * @module
 */

import * as call from "./ffi/call.ts";
import { RELEASE } from "./ffi/release.ts";

/** The versions of this module and of libcurl, as PycURL's `version` has them. */
export const version: string = `denocurl/${RELEASE} libcurl/8.22.0`;

/**
 * What the linked libcurl is, and can do.
 *
 * @example
 * ```ts
 * import { type VersionInfo, versionInfo } from "@denocurl/curl";
 *
 * const info: VersionInfo = versionInfo();
 * console.log(info.featureNames.includes("HTTP3")); // true
 * ```
 */
export interface VersionInfo {
  /** The version of the native part of this module. */
  readonly shim: string;
  /** libcurl's version, such as `8.22.0`. */
  readonly version: string;
  /** The same as a number: 0xMMmmpp. */
  readonly versionNumber: number;
  /** libcurl's line about itself and all that is linked. */
  readonly text: string;
  /** What it was built for. */
  readonly host: string;
  /** A sum of `VERSION_*`. */
  readonly features: number;
  /** The same by names, with those that have no bit. */
  readonly featureNames: readonly string[];
  /** Schemes of URLs that it knows. */
  readonly protocols: readonly string[];
  /** The TLS library. */
  readonly sslVersion?: string;
  /** zlib. */
  readonly libzVersion?: string;
  /** The level of libidn2 that international host names are handled by. */
  readonly libidn?: string;
  /** The SSH library. */
  readonly libsshVersion?: string;
  /** brotli. */
  readonly brotliVersion?: string;
  /** nghttp2, for HTTP/2. */
  readonly nghttp2Version?: string;
  /** The libraries for HTTP/3. */
  readonly quicVersion?: string;
  /** zstd. */
  readonly zstdVersion?: string;
}

/**
 * What the linked libcurl is, and can do.
 *
 * The versions for libidn2, libpsl and the Kerberos library are those whose
 * behaviour is followed; other code does their work.
 *
 * @see {@link https://curl.se/libcurl/c/curl_version_info.html}
 *
 * @example
 * ```ts
 * import { versionInfo } from "@denocurl/curl";
 *
 * console.log(versionInfo().protocols.includes("https")); // true
 * ```
 */
export function versionInfo(): VersionInfo {
  return JSON.parse(call.version());
}

/**
 * libcurl's words for an `E_*`.
 *
 * @see {@link https://curl.se/libcurl/c/curl_easy_strerror.html}
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * console.log(curl.easyStrerror(curl.E_OPERATION_TIMEDOUT));
 * ```
 */
export function easyStrerror(code: number): string {
  return call.strerror(0, code);
}

/**
 * libcurl's words for a code of its multi interface.
 *
 * @see {@link https://curl.se/libcurl/c/curl_multi_strerror.html}
 *
 * @example
 * ```ts
 * import { multiStrerror } from "@denocurl/curl";
 *
 * console.log(multiStrerror(0)); // No error
 * ```
 */
export function multiStrerror(code: number): string {
  return call.strerror(1, code);
}

/**
 * libcurl's words for a `SHE_*`.
 *
 * @see {@link https://curl.se/libcurl/c/curl_share_strerror.html}
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * console.log(curl.shareStrerror(curl.SHE_IN_USE)); // Share currently in use
 * ```
 */
export function shareStrerror(code: number): string {
  return call.strerror(2, code);
}

/**
 * libcurl's words for a code of its URL interface.
 *
 * @see {@link https://curl.se/libcurl/c/curl_url_strerror.html}
 *
 * @example
 * ```ts
 * import { urlStrerror } from "@denocurl/curl";
 *
 * console.log(urlStrerror(0)); // No error
 * ```
 */
export function urlStrerror(code: number): string {
  return call.strerror(3, code);
}
