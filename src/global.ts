/**
 * What libcurl says about itself and its codes.
 *
 * @module
 */

import * as call from "./ffi/call.ts";
import {
  GLOBAL_ACK_EINTR,
  GLOBAL_ALL,
  GLOBAL_DEFAULT,
} from "./tables/constants.ts";
import { RELEASE } from "./ffi/release.ts";

/** The versions of this module and of libcurl, as PycURL's `version` has them. */
export const version: string = `denocurl/${RELEASE} libcurl/8.22.0`;

/**
 * What the linked libcurl is, and can do. A version that is missing belongs to a
 * library that is not linked; its number is then 0.
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
  /** Which form of libcurl's own structure this is read from, from 0. */
  readonly age: number;
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
  /** Always 0: libcurl no longer uses it. */
  readonly sslVersionNumber: number;
  /** zlib. */
  readonly libzVersion?: string;
  /** c-ares, for names. */
  readonly ares?: string;
  /** The same as a number. */
  readonly aresNumber: number;
  /** The level of libidn2 that international host names are handled by. */
  readonly libidn?: string;
  /** iconv, which libcurl no longer uses. */
  readonly iconvVersionNumber: number;
  /** The SSH library. */
  readonly libsshVersion?: string;
  /** brotli. */
  readonly brotliVersion?: string;
  /** The same as a number: 0xMMmmmppp. */
  readonly brotliVersionNumber: number;
  /** nghttp2, for HTTP/2. */
  readonly nghttp2Version?: string;
  /** The same as a number: 0xMMmmpp. */
  readonly nghttp2VersionNumber: number;
  /** The libraries for HTTP/3. */
  readonly quicVersion?: string;
  /** Where libcurl looks for authorities by itself: a file. */
  readonly cainfo?: string;
  /** The same: a folder. */
  readonly capath?: string;
  /** zstd. */
  readonly zstdVersion?: string;
  /** The same as a number: 10507 for 1.5.7. */
  readonly zstdVersionNumber: number;
  /** Hyper, which libcurl no longer uses. */
  readonly hyperVersion?: string;
  /** libgsasl. */
  readonly gsaslVersion?: string;
  /** librtmp. */
  readonly rtmpVersion?: string;
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
 * Does nothing but look at its argument: libcurl starts by itself when it is
 * first needed. For programs that were written for PycURL.
 *
 * @param flags a sum of `GLOBAL_*`; by default `GLOBAL_DEFAULT`
 * @throws {RangeError} if it is no such sum
 *
 * @see {@link https://curl.se/libcurl/c/curl_global_init.html}
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * curl.globalInit(curl.GLOBAL_ALL);
 * ```
 */
export function globalInit(flags: number = GLOBAL_DEFAULT): void {
  const known = GLOBAL_ALL | GLOBAL_ACK_EINTR;
  if (typeof flags !== "number" || (flags & known) !== flags) {
    throw new RangeError("invalid option to globalInit");
  }
}

/**
 * Does nothing: libcurl is in use as long as any Worker may be. For programs that
 * were written for PycURL.
 *
 * @see {@link https://curl.se/libcurl/c/curl_global_cleanup.html}
 *
 * @example
 * ```ts
 * import { globalCleanup } from "@denocurl/curl";
 *
 * globalCleanup();
 * ```
 */
export function globalCleanup(): void {}

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
