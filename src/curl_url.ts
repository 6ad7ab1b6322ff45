/**
 * libcurl's parser of URLs.
 *
 * @module
 */

import { check, failure, stateError } from "./errors.ts";
import { decoder } from "./ffi/buffers.ts";
import {
  urlDuplicate,
  urlGet,
  urlNew,
  urlRelease,
  urlRemove,
  urlSet,
} from "./ffi/url_call.ts";
import { made } from "./handle.ts";
import {
  U_GET_EMPTY,
  U_NO_AUTHORITY,
  U_NON_SUPPORT_SCHEME,
  UPART_FRAGMENT,
  UPART_HOST,
  UPART_OPTIONS,
  UPART_PASSWORD,
  UPART_PATH,
  UPART_PORT,
  UPART_QUERY,
  UPART_SCHEME,
  UPART_URL,
  UPART_USER,
  UPART_ZONEID,
} from "./tables/constants.ts";

/**
 * What a part of a URL can be set to; null and undefined take it away.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const part: curl.CurlUrlPart = "example.org";
 * using url = new curl.CurlUrl("https://example.com/");
 * url.host = part;
 * console.log(url.url); // https://example.org/
 * ```
 */
export type CurlUrlPart = string | Uint8Array | null | undefined;

const encoder = new TextEncoder();
const collected = new FinalizationRegistry<number>(urlRelease);

/** The number that the library knows it by. */
export let urlId: (url: CurlUrl) => number;

/**
 * A URL and its parts, as libcurl reads and writes them.
 *
 * Each part is null when the URL has none. The properties read and write it as
 * it stands in the URL; {@linkcode CurlUrl.getpart} and
 * {@linkcode CurlUrl.setpart} take the `U_*` that decode, encode and so on.
 *
 * The option CURLU makes it the URL of a Curl's transfers. Each transfer reads
 * it when it starts: what is changed later is for the next one. A Curl goes on
 * with what a URL was when that has been closed or collected.
 *
 * It lives in the Worker that made it, and is no handle to be posted: post its
 * {@linkcode CurlUrl.url}.
 *
 * @see {@link https://curl.se/libcurl/c/libcurl-url.html}
 * @see {@link http://pycurl.io/docs/latest/curlurlobject.html}
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * using url = new curl.CurlUrl("https://example.com/path?a=1");
 * url.host = "example.org";
 * url.setpart(curl.UPART_QUERY, "b=é", curl.U_APPENDQUERY | curl.U_URLENCODE);
 * console.log(`${url}`); // https://example.org/path?a=1&b=%C3%A9
 *
 * using c = new curl.Curl();
 * c.setopt(curl.CURLU, url);
 * ```
 */
export class CurlUrl implements Disposable {
  static {
    urlId = (url) => url.#id;
  }

  readonly #id: number;
  #closed = false;

  /**
   * Makes an empty URL, or takes one apart.
   *
   * @param url what to parse; bytes are UTF-8
   * @param flags a sum of `U_*` for {@linkcode CurlUrl.setpart}
   * @throws {TypeError} if the URL is neither a string nor bytes, or holds a NUL
   * or a lone surrogate; or if the flags are no sum of `U_*`
   * @throws {CurlError} with one of the `UE_*` if it is no URL for libcurl
   *
   * @see {@link https://curl.se/libcurl/c/curl_url.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using url = new curl.CurlUrl("example.com", curl.U_DEFAULT_SCHEME);
   * console.log(url.scheme); // https
   * ```
   */
  constructor(url?: CurlUrlPart, flags: number = 0) {
    const given: unknown = url;
    this.#id = given instanceof Duplicate ? given.id : made(urlNew());
    collected.register(this, this.#id, this);
    if (given instanceof Duplicate || url === null || url === undefined) return;
    try {
      this.setpart(UPART_URL, url, flags);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * The same URL as one of the web platform's. Schemes that libcurl does not
   * know are kept.
   *
   * @param url what `new URL()` has made
   * @returns its parts for libcurl
   * @throws {TypeError} if it is no URL
   * @throws {CurlError} with one of the `UE_*` if libcurl can't hold it, such as
   * a `data:` URL, which has no authority
   *
   * @example
   * ```ts
   * import { CurlUrl } from "@denocurl/curl";
   *
   * using url = CurlUrl.from(new URL("../b", "https://example.com/a/"));
   * console.log(url.path); // /b
   * ```
   */
  static from(url: URL): CurlUrl {
    if (!(url instanceof URL)) {
      throw new TypeError(`CurlUrl.from() takes a URL, not ${typeof url}`);
    }
    return new CurlUrl(url.href, U_NON_SUPPORT_SCHEME | U_NO_AUTHORITY);
  }

  /**
   * Whether it was closed.
   *
   * @example
   * ```ts
   * import { CurlUrl } from "@denocurl/curl";
   *
   * const url = new CurlUrl("https://example.com/");
   * url.close();
   * console.log(url.closed); // true
   * ```
   */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * A part of the URL.
   *
   * @param part one of the `UPART_*`
   * @param flags a sum of `U_*`, such as `U_URLDECODE`
   * @returns the part, decoded as UTF-8; null if the URL has none
   * @throws {TypeError} if the part or the flags are no whole number from 0 on
   * @throws {CurlError} with one of the `UE_*` if the part is unknown or can't be
   * decoded; without a code if it was closed
   *
   * @see {@link https://curl.se/libcurl/c/curl_url_get.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using url = new curl.CurlUrl("https://example.com/a%20b");
   * console.log(url.getpart(curl.UPART_PATH, curl.U_URLDECODE)); // /a b
   * console.log(url.getpart(curl.UPART_PORT, curl.U_DEFAULT_PORT)); // 443
   * ```
   */
  getpart(part: number, flags: number = 0): string | null {
    checkNumbers("getpart", part, flags);
    const found = urlGet(this.#id, part, flags);
    if (typeof found === "number") throw failure(found);
    return found === null ? null : decoder.decode(found);
  }

  /**
   * Sets a part of the URL. The whole URL, `UPART_URL`, may be relative to what
   * it was before.
   *
   * @param part one of the `UPART_*`
   * @param value what to set it to; bytes are UTF-8. null or undefined takes the
   * part away, and `UPART_URL` all of them
   * @param flags a sum of `U_*`, such as `U_URLENCODE` or `U_APPENDQUERY`
   * @throws {TypeError} if the value is of another type, or holds a NUL or a lone
   * surrogate; if the part or the flags are no whole number from 0 on
   * @throws {CurlError} with one of the `UE_*` if libcurl refuses the value, which
   * changes nothing; without a code if it was closed
   *
   * @see {@link https://curl.se/libcurl/c/curl_url_set.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using url = new curl.CurlUrl("https://example.com/a/b");
   * url.setpart(curl.UPART_URL, "../c?d");
   * console.log(url.url); // https://example.com/c?d
   * ```
   */
  setpart(part: number, value: CurlUrlPart, flags: number = 0): void {
    checkNumbers("setpart", part, flags);
    check(
      value === null || value === undefined
        ? urlRemove(this.#id, part)
        : urlSet(this.#id, part, flags, bytesOf(value)),
    );
  }

  /**
   * The full URL; null if it lacks a scheme or a host.
   *
   * @example
   * ```ts
   * import { CurlUrl } from "@denocurl/curl";
   *
   * using url = new CurlUrl("https://example.com/a");
   * console.log(url.url); // https://example.com/a
   * ```
   */
  get url(): string | null {
    return this.getpart(UPART_URL);
  }

  set url(value: CurlUrlPart) {
    this.setpart(UPART_URL, value);
  }

  /**
   * The scheme, such as `https`.
   *
   * @example
   * ```ts
   * import { CurlUrl } from "@denocurl/curl";
   *
   * using url = new CurlUrl("https://example.com/");
   * console.log(url.scheme); // https
   * ```
   */
  get scheme(): string | null {
    return this.getpart(UPART_SCHEME);
  }

  set scheme(value: CurlUrlPart) {
    this.setpart(UPART_SCHEME, value);
  }

  /**
   * The user's name.
   *
   * @example
   * ```ts
   * import { CurlUrl } from "@denocurl/curl";
   *
   * using url = new CurlUrl("https://me@example.com/");
   * console.log(url.user); // me
   * ```
   */
  get user(): string | null {
    return this.getpart(UPART_USER);
  }

  set user(value: CurlUrlPart) {
    this.setpart(UPART_USER, value);
  }

  /**
   * The user's password.
   *
   * @example
   * ```ts
   * import { CurlUrl } from "@denocurl/curl";
   *
   * using url = new CurlUrl("https://me:secret@example.com/");
   * console.log(url.password); // secret
   * ```
   */
  get password(): string | null {
    return this.getpart(UPART_PASSWORD);
  }

  set password(value: CurlUrlPart) {
    this.setpart(UPART_PASSWORD, value);
  }

  /**
   * The login options, which IMAP, POP3 and SMTP have behind the password.
   *
   * @example
   * ```ts
   * import { CurlUrl } from "@denocurl/curl";
   *
   * using url = new CurlUrl("imap://me;AUTH=PLAIN@example.com/");
   * console.log(url.options); // AUTH=PLAIN
   * ```
   */
  get options(): string | null {
    return this.getpart(UPART_OPTIONS);
  }

  set options(value: CurlUrlPart) {
    this.setpart(UPART_OPTIONS, value);
  }

  /**
   * The host; an IPv6 address is in brackets, without its zone.
   *
   * @example
   * ```ts
   * import { CurlUrl } from "@denocurl/curl";
   *
   * using url = new CurlUrl("https://[::1]:8443/");
   * console.log(url.host); // [::1]
   * ```
   */
  get host(): string | null {
    return this.getpart(UPART_HOST);
  }

  set host(value: CurlUrlPart) {
    this.setpart(UPART_HOST, value);
  }

  /**
   * The port, if the URL names one. It can be set to a number, too.
   *
   * @example
   * ```ts
   * import { CurlUrl } from "@denocurl/curl";
   *
   * using url = new CurlUrl("https://example.com:8443/");
   * console.log(url.port); // 8443
   * ```
   */
  get port(): string | null {
    return this.getpart(UPART_PORT);
  }

  set port(value: CurlUrlPart | number) {
    this.setpart(
      UPART_PORT,
      typeof value === "number" ? String(value) : value,
    );
  }

  /**
   * The path; `/` if there is none.
   *
   * @example
   * ```ts
   * import { CurlUrl } from "@denocurl/curl";
   *
   * using url = new CurlUrl("https://example.com");
   * console.log(url.path); // /
   * ```
   */
  get path(): string | null {
    return this.getpart(UPART_PATH);
  }

  set path(value: CurlUrlPart) {
    this.setpart(UPART_PATH, value);
  }

  /**
   * The query, without its question mark.
   *
   * @example
   * ```ts
   * import { CurlUrl } from "@denocurl/curl";
   *
   * using url = new CurlUrl("https://example.com/?a=1");
   * console.log(url.query); // a=1
   * ```
   */
  get query(): string | null {
    return this.getpart(UPART_QUERY);
  }

  set query(value: CurlUrlPart) {
    this.setpart(UPART_QUERY, value);
  }

  /**
   * The fragment, without its number sign.
   *
   * @example
   * ```ts
   * import { CurlUrl } from "@denocurl/curl";
   *
   * using url = new CurlUrl("https://example.com/#top");
   * console.log(url.fragment); // top
   * ```
   */
  get fragment(): string | null {
    return this.getpart(UPART_FRAGMENT);
  }

  set fragment(value: CurlUrlPart) {
    this.setpart(UPART_FRAGMENT, value);
  }

  /**
   * The zone of an IPv6 address, such as `eth0`.
   *
   * @example
   * ```ts
   * import { CurlUrl } from "@denocurl/curl";
   *
   * using url = new CurlUrl("https://[fe80::1%25eth0]/");
   * console.log(url.zoneid); // eth0
   * ```
   */
  get zoneid(): string | null {
    return this.getpart(UPART_ZONEID);
  }

  set zoneid(value: CurlUrlPart) {
    this.setpart(UPART_ZONEID, value);
  }

  /**
   * A URL of the same parts, which go their own way from here on.
   *
   * @returns the copy
   * @throws {CurlError} if it was closed
   *
   * @see {@link https://curl.se/libcurl/c/curl_url_dup.html}
   *
   * @example
   * ```ts
   * import { CurlUrl } from "@denocurl/curl";
   *
   * using url = new CurlUrl("https://example.com/");
   * using other = url.copy();
   * other.host = "example.org";
   * console.log(url.host); // example.com
   * ```
   */
  copy(): CurlUrl {
    const id = made(urlDuplicate(this.#id));
    return Reflect.construct(CurlUrl, [new Duplicate(id)]);
  }

  /**
   * The full URL.
   *
   * @returns the same as {@linkcode CurlUrl.url}, but never null
   * @throws {CurlError} if it lacks a scheme or a host, or was closed
   *
   * @example
   * ```ts
   * import { CurlUrl } from "@denocurl/curl";
   *
   * using url = new CurlUrl("HTTP://example.com");
   * console.log(url.toString()); // http://example.com/
   * ```
   */
  toString(): string {
    return this.#whole(0);
  }

  /**
   * The same URL as one of the web platform's, which may write it differently: a
   * host in Punycode, say.
   *
   * @returns the URL
   * @throws {TypeError} if it is no URL for the web platform: one with an IPv6
   * zone is not
   * @throws {CurlError} as {@linkcode CurlUrl.toString} does
   *
   * @example
   * ```ts
   * import { CurlUrl } from "@denocurl/curl";
   *
   * using url = new CurlUrl("https://example.com/?a=1&b=2");
   * console.log(url.toURL().searchParams.get("b")); // 2
   * ```
   */
  toURL(): URL {
    return new URL(this.#whole(U_GET_EMPTY));
  }

  #whole(flags: number): string {
    const url = this.getpart(UPART_URL, flags);
    if (url === null) throw stateError("cannot serialise an incomplete URL");
    return url;
  }

  /**
   * Frees it. Closing twice does nothing.
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * const url = new curl.CurlUrl("https://example.com/");
   * url.close();
   * console.log(url.closed); // true
   * ```
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    collected.unregister(this);
    urlRelease(this.#id);
  }

  /**
   * Closes it.
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using url = new curl.CurlUrl("https://example.com/");
   * console.log(url.host); // example.com
   * ```
   */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** Recognised by the constructor, which otherwise makes a new one. */
class Duplicate {
  constructor(readonly id: number) {}
}

function checkNumbers(method: string, part: unknown, flags: unknown): void {
  if (!isUint(part)) {
    throw new TypeError(
      `${method}() takes one of the UPART_*, not ${String(part)}`,
    );
  }
  if (!isUint(flags)) {
    throw new TypeError(
      `${method}() takes a sum of U_* as flags, not ${String(flags)}`,
    );
  }
}

function isUint(value: unknown): boolean {
  return typeof value === "number" && value >>> 0 === value;
}

function bytesOf(value: unknown): Uint8Array<ArrayBuffer> {
  if (typeof value === "string") {
    if (!value.isWellFormed()) {
      throw new TypeError(
        "a URL part can't hold a lone surrogate, which has no UTF-8",
      );
    }
    return encoder.encode(value);
  }
  if (!(value instanceof Uint8Array)) {
    throw new TypeError(
      `a URL part must be a string, a Uint8Array or null, not ${typeof value}`,
    );
  }
  // A copy: others may write to shared memory.
  return new Uint8Array(value);
}
