/**
 * One transfer after another, with its options.
 *
 * @module
 */

import * as asynchronous from "./asynchronous.ts";
import { type CurlBody, stream } from "./body_stream.ts";
import { Callbacks } from "./callbacks.ts";
import { CurlMulti } from "./curl_multi.ts";
import { CurlConnection } from "./curl_connection.ts";
import { CurlShare } from "./curl_share.ts";
import { check, failure, stateError } from "./errors.ts";
import * as call from "./ffi/call.ts";
import { curlMulti } from "./ffi/multi_call.ts";
import { HandleTable, made } from "./handle.ts";
import {
  type CurlHeader,
  findHeader,
  findHeaders,
  type HeaderOptions,
  type HeadersOptions,
} from "./headers.ts";
import {
  enlist,
  getInfo,
  getInfoRaw,
  type OptionTarget,
  setOption,
  unsetOption,
} from "./options.ts";
import {
  exportSessions,
  importSession,
  type SslSession,
  type SslSessionData,
} from "./sessions.ts";
import { CAINFO_BLOB, PAUSE_CONT } from "./tables/constants.ts";
import { introduce } from "./curl_mime.ts";
import { drive, leave, pause, performSync, upkeep } from "./transfer.ts";
import type {
  AbortOptions,
  CurlInfo,
  CurlOption,
  InfoValue,
  OptionValue,
  RawInfoValue,
} from "./types.ts";
import * as values from "./values.ts";

/**
 * The number of a Curl object, which may be posted to any Worker.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * using c = new curl.Curl();
 * const handle: curl.CurlHandle = c.handle;
 * console.log(curl.Curl.fromHandle(handle) === c); // true
 * ```
 */
export type CurlHandle = number;

const curls = new HandleTable<Curl>({
  name: "Curl",
  open: call.curlOpen,
  release: call.curlRelease,
});

/**
 * A libcurl handle: options, then transfers, each as often as wanted, which
 * reuse its connections.
 *
 * Any Worker may use it through its {@linkcode Curl.handle} while no transfer
 * runs on it. While one runs, its own callbacks may call whatever libcurl
 * allows there, and every other call is refused.
 *
 * @see {@link https://curl.se/libcurl/c/libcurl-easy.html}
 * @see {@link http://pycurl.io/docs/latest/curlobject.html}
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const file = Deno.makeTempFileSync();
 * Deno.writeTextFileSync(file, "hello");
 * using c = new curl.Curl();
 * c.setopt(curl.URL, `file://${file}`);
 * console.log(c.performTextSync()); // hello
 * ```
 */
export class Curl extends CurlConnection implements Disposable {
  static {
    const find = (object: object) =>
      #target in object ? object.#target : undefined;
    enlist(find);
    introduce(find);
  }

  readonly #id: CurlHandle;
  readonly #target: OptionTarget;
  #closed = false;
  /** Its connections are being closed, which can call back. */
  #closing = false;

  /**
   * Makes a handle with libcurl's defaults, and NOSIGNAL, since signals would
   * reach other threads.
   *
   * @throws {CurlError} if there is no memory for it
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * c.setopt(curl.URL, "https://example.com/");
   * ```
   */
  constructor() {
    super();
    const existing: unknown = arguments[0];
    this.#target = existing instanceof Reopened
      ? existing.target
      : newTarget(made(call.curlNew()));
    this.#id = this.#target.id;
    curls.add(this, this.#id);
  }

  /**
   * The Curl that another Worker has made. In the Worker that made it, this
   * gives the object itself. Functions of other Workers stay where they are:
   * a transfer that would need one is refused.
   *
   * @param handle its {@linkcode Curl.handle}
   * @throws {TypeError} if the handle is not a number
   * @throws {CurlError} if no Curl has it, or no longer
   *
   * @example
   * ```ts
   * import { Curl } from "@denocurl/curl";
   *
   * using c = new Curl();
   * console.log(Curl.fromHandle(c.handle) === c); // true
   * ```
   */
  static fromHandle(handle: CurlHandle): Curl {
    return curls.find(handle, (id) => reopened(newTarget(id)));
  }

  /**
   * The number to post to other Workers. It is never used again.
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * console.log(Number.isInteger(c.handle)); // true
   * ```
   */
  override get handle(): CurlHandle {
    return this.#id;
  }

  /**
   * Whether it was closed, by whichever Worker.
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * const c = new curl.Curl();
   * c.close();
   * console.log(c.closed); // true
   * ```
   */
  override get closed(): boolean {
    return this.#closed || call.curlClosed(this.#id) !== 0;
  }

  /**
   * Sets an option.
   *
   * Strings are copied; bytes and lists are, too. `null` takes the option
   * back as {@linkcode Curl.unsetopt} does.
   *
   * @param option one of the module's constants, such as `URL`
   * @param value what this option takes; its constant's type says what
   * @throws {TypeError} if the value is of another type
   * @throws {RangeError} if a number is out of range
   * @throws {CurlError} with libcurl's code if it refuses the value; without
   * one if the object is closed or a transfer is running
   *
   * @see {@link https://curl.se/libcurl/c/curl_easy_setopt.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * c.setopt(curl.URL, "https://example.com/");
   * c.setopt(curl.FOLLOWLOCATION, true);
   * c.setopt(curl.HTTPHEADER, ["Accept: text/plain"]);
   * c.setopt(curl.WRITEFUNCTION, (data) => console.log(data.length));
   * ```
   */
  setopt<O extends CurlOption>(option: O, value: OptionValue<O> | null): void {
    if (value === null) this.unsetopt(option);
    else setOption(this.#target, option, value);
  }

  /**
   * Takes an option back to what it is without being set.
   *
   * @param option one of those that can be taken back
   * @throws {TypeError} if it is not one of those
   * @throws {CurlError} if the object is closed or a transfer is running
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * c.setopt(curl.PROXY, "http://localhost:3128");
   * c.unsetopt(curl.PROXY);
   * ```
   */
  unsetopt(option: CurlOption): void {
    unsetOption(this.#target, option);
  }

  /**
   * Sets an option that takes a string, by nothing but a string.
   *
   * @param option one of the module's constants
   * @param value the string
   * @throws {TypeError} if the option takes something else
   * @throws {CurlError} as {@linkcode Curl.setopt} does
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * c.setoptString(curl.URL, "https://example.com/");
   * ```
   */
  setoptString(option: CurlOption, value: string): void {
    values.setString(this.#id, option, value);
  }

  /**
   * What libcurl knows of the last transfer, or of the handle.
   *
   * @param info one of the module's constants, such as `RESPONSE_CODE`
   * @returns the value; strings are decoded as UTF-8
   * @throws {TypeError} if the info is a pointer
   * @throws {CurlError} if libcurl has no such info, or the object is closed, or
   * a transfer is running and this is not one of its callbacks
   *
   * @see {@link https://curl.se/libcurl/c/curl_easy_getinfo.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * console.log(c.getinfo(curl.RESPONSE_CODE)); // 0
   * ```
   */
  getinfo<I extends CurlInfo>(info: I): InfoValue<I> {
    return getInfo(this.#target, info) as InfoValue<I>;
  }

  /**
   * As {@linkcode Curl.getinfo}, with strings as bytes.
   *
   * @param info one of the module's constants
   * @returns the value; bytes in place of strings
   * @throws as {@linkcode Curl.getinfo} does
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * c.setopt(curl.URL, "file:///etc/hostname");
   * console.log(c.getinfoRaw(curl.EFFECTIVE_URL) instanceof Uint8Array);
   * ```
   */
  getinfoRaw<I extends CurlInfo>(info: I): RawInfoValue<I> {
    return getInfoRaw(this.#target, info) as RawInfoValue<I>;
  }

  /**
   * A header of the last transfer's response, in upper or lower case.
   *
   * @param name its name
   * @param options `origin`: where to look, by default in the response's own
   * headers; `request`: in the answer to which request; `index`: which of those
   * that have the name
   * @returns the header; null if there is none
   * @throws {TypeError} if an argument is of another type, or the name holds a NUL
   * or a lone surrogate
   * @throws {RangeError} if `request` is below -1, or `index` below 0
   * @throws {CurlError} if the object is closed, or a transfer is running and
   * this is not one of its callbacks
   *
   * @see {@link https://curl.se/libcurl/c/curl_easy_header.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * c.setopt(curl.URL, "file:///etc/hostname");
   * c.performTextSync();
   * console.log(c.header("Content-Length")?.value); // undefined: it was a file
   * ```
   */
  header(name: string, options?: HeaderOptions): CurlHeader | null {
    return findHeader(this.#id, name, options);
  }

  /**
   * The headers of the last transfer's response, in the order in which they came.
   *
   * @param options `origin`: where to look, by default in the response's own
   * headers; `request`: in the answer to which request
   * @returns the headers; none if there was no such request
   * @throws {TypeError} if an option is of another type
   * @throws {RangeError} if `request` is below -1
   * @throws {CurlError} as {@linkcode Curl.header} does
   *
   * @see {@link https://curl.se/libcurl/c/curl_easy_nextheader.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * await using server = Deno.serve(
   *   { port: 0, onListen() {} },
   *   () => new Response(),
   * );
   * using c = new curl.Curl();
   * c.setopt(curl.URL, `http://localhost:${server.addr.port}/`);
   * await c.performText();
   * for (const { name, value } of c.headers()) console.log(name, value);
   * ```
   */
  headers(options?: HeadersOptions): CurlHeader[] {
    return findHeaders(this.#id, options);
  }

  /**
   * Does the transfer that the options describe. The body goes to WRITEFUNCTION
   * or WRITEDATA, else to standard output.
   *
   * The program goes on meanwhile, and any number of other handles may perform.
   * It does not end before the transfer is over.
   *
   * @param options `signal`: ends the transfer at once when it is aborted; the
   * handle can then be used again
   * @returns resolves when the transfer is over; rejects with the signal's
   * reason, or with what {@linkcode Curl.performSync} throws
   *
   * @see {@link https://curl.se/libcurl/c/curl_multi_add_handle.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * const file = Deno.makeTempFileSync();
   * Deno.writeTextFileSync(file, "12345");
   * using c = new curl.Curl();
   * c.setopt(curl.URL, `file://${file}`);
   * let bytes = 0;
   * c.setopt(curl.WRITEFUNCTION, async (data) => {
   *   bytes += data.length;
   *   await new Promise((resolve) => setTimeout(resolve, 10));
   * });
   * await c.perform({ signal: AbortSignal.timeout(10_000) });
   * console.log(bytes); // 5
   * ```
   */
  perform(options?: AbortOptions): Promise<void> {
    return asynchronous.perform(this, this.#target, options);
  }

  /**
   * As {@linkcode Curl.perform}, but gives the body. WRITEFUNCTION is not
   * called, and stays set.
   *
   * @param options as for {@linkcode Curl.perform}
   * @returns the body's bytes; rejects as {@linkcode Curl.perform} does
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * const file = Deno.makeTempFileSync();
   * Deno.writeFileSync(file, new Uint8Array([1, 2, 3]));
   * using c = new curl.Curl();
   * c.setopt(curl.URL, `file://${file}`);
   * console.log(await c.performBytes()); // Uint8Array(3) [ 1, 2, 3 ]
   * ```
   */
  performBytes(options?: AbortOptions): Promise<Uint8Array<ArrayBuffer>> {
    return asynchronous.collect(this, this.#target, call.collected, options);
  }

  /**
   * As {@linkcode Curl.performBytes}, but gives the body as text.
   *
   * @param options as for {@linkcode Curl.perform}
   * @returns the body, decoded as UTF-8; rejects as {@linkcode Curl.perform}
   * does
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * const file = Deno.makeTempFileSync();
   * Deno.writeTextFileSync(file, "hello");
   * using c = new curl.Curl();
   * c.setopt(curl.URL, `file://${file}`);
   * console.log(await c.performText()); // hello
   * ```
   */
  performText(options?: AbortOptions): Promise<string> {
    return asynchronous.collect(
      this,
      this.#target,
      call.collectedText,
      options,
    );
  }

  /**
   * As {@linkcode Curl.perform}, but gives the body as a stream, once the
   * headers are in. The server sends no faster than it is read. WRITEFUNCTION is
   * not called, and stays set.
   *
   * @param options as for {@linkcode Curl.perform}; a signal that is aborted
   * later makes the stream fail with its reason
   * @returns the body; rejects as {@linkcode Curl.perform} does for whatever
   * fails before the headers are in
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * const file = Deno.makeTempFileSync();
   * Deno.writeTextFileSync(file, "hello");
   * using c = new curl.Curl();
   * c.setopt(curl.URL, `file://${file}`);
   * await using body = await c.performStream();
   * for await (const piece of body.readable) {
   *   console.log(piece.length); // 5
   * }
   * ```
   */
  performStream(options?: AbortOptions): Promise<CurlBody> {
    return stream(this, this.#target, options);
  }

  /**
   * Does the transfer that the options describe, and returns when it is over.
   * The body goes to WRITEFUNCTION or WRITEDATA, else to standard output.
   *
   * @throws {TypeError} if WRITEDATA, HEADERDATA or READDATA is a stream, which
   * takes an asynchronous transfer
   * @throws {CurlError} with libcurl's code if it fails; if a callback threw,
   * `cause` is what it threw; without a code if the object is closed, a
   * transfer is running, or a callback was set in another Worker
   *
   * @see {@link https://curl.se/libcurl/c/curl_easy_perform.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * const file = Deno.makeTempFileSync();
   * Deno.writeTextFileSync(file, "12345");
   * using c = new curl.Curl();
   * c.setopt(curl.URL, `file://${file}`);
   * let bytes = 0;
   * c.setopt(curl.WRITEFUNCTION, (data) => {
   *   bytes += data.length;
   * });
   * c.performSync();
   * console.log(bytes); // 5
   * ```
   */
  performSync(): void {
    performSync(this.#target, false);
  }

  /**
   * As {@linkcode Curl.performSync}, but gives the body. WRITEFUNCTION is not
   * called, and stays set.
   *
   * @returns the body's bytes
   * @throws as {@linkcode Curl.performSync} does
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * const file = Deno.makeTempFileSync();
   * Deno.writeFileSync(file, new Uint8Array([1, 2, 3]));
   * using c = new curl.Curl();
   * c.setopt(curl.URL, `file://${file}`);
   * console.log(c.performBytesSync()); // Uint8Array(3) [ 1, 2, 3 ]
   * ```
   */
  performBytesSync(): Uint8Array<ArrayBuffer> {
    performSync(this.#target, true);
    return call.body();
  }

  /**
   * As {@linkcode Curl.performSync}, but gives the body as text.
   *
   * @returns the body, decoded as UTF-8
   * @throws as {@linkcode Curl.performSync} does
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * const file = Deno.makeTempFileSync();
   * Deno.writeTextFileSync(file, "hello");
   * using c = new curl.Curl();
   * c.setopt(curl.URL, `file://${file}`);
   * console.log(c.performTextSync()); // hello
   * ```
   */
  performTextSync(): string {
    return new TextDecoder().decode(this.performBytesSync());
  }

  /**
   * A new handle with the same options and callbacks. Connections, cookies,
   * and the share are not copied.
   *
   * @returns the copy
   * @throws {CurlError} if the object is closed or a transfer is running
   *
   * @see {@link https://curl.se/libcurl/c/curl_easy_duphandle.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * c.setopt(curl.URL, "https://example.com/");
   * using copy = c.duphandle();
   * console.log(copy.handle === c.handle); // false
   * ```
   */
  duphandle(): Curl {
    const id = made(call.curlDuphandle(this.#id));
    const { callbacks, kept } = this.#target;
    return reopened({ id, callbacks: callbacks.copy(), kept });
  }

  /**
   * Takes all options back. Connections, cookies, resolved names, TLS
   * sessions and the share stay.
   *
   * @throws {CurlError} if the object is closed or a transfer is running
   *
   * @see {@link https://curl.se/libcurl/c/curl_easy_reset.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * c.setopt(curl.NOBODY, true);
   * c.reset();
   * ```
   */
  reset(): void {
    check(call.curlReset(this.#id));
    this.#target.callbacks.clear();
    this.#target.kept = null;
  }

  /**
   * libcurl's text for the last failure, or nothing.
   *
   * @returns the text
   * @throws {CurlError} if the object is closed or a transfer is running
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * console.log(c.errstr() === ""); // true
   * ```
   */
  errstr(): string {
    const text = call.curlErrstr(this.#id);
    if (typeof text === "number") throw failure(text);
    return text;
  }

  /**
   * Pauses the running transfer, or lets it go on: a synchronous one in one of
   * its callbacks, an asynchronous one at any time.
   *
   * @param mask `PAUSE_RECV`, `PAUSE_SEND`, `PAUSE_ALL` or `PAUSE_CONT`
   * @throws {TypeError} if the mask is not a whole number
   * @throws {CurlError} if nothing is there to pause, or the transfer runs in
   * another Worker
   *
   * @see {@link https://curl.se/libcurl/c/curl_easy_pause.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * c.setopt(curl.XFERINFOFUNCTION, () => c.pause(curl.PAUSE_CONT));
   * ```
   */
  pause(mask: number): void {
    pause(this.#target, mask, false);
  }

  /**
   * Lets a paused transfer go on in both directions.
   *
   * @throws as {@linkcode Curl.pause} does
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * c.setopt(curl.XFERINFOFUNCTION, () => c.unpause());
   * ```
   */
  unpause(): void {
    pause(this.#target, PAUSE_CONT, true);
  }

  /**
   * Keeps idle connections alive which have been so for UPKEEP_INTERVAL_MS: by a
   * ping, in HTTP/2. These are the connections that its own transfers can use:
   * those of its share, those that its synchronous transfers have made, and those
   * that all asynchronous transfers of this Worker have left. On a share of cookies
   * or HSTS it is done soon after, by the share's own thread.
   *
   * @throws {CurlError} with libcurl's code if it fails; without one if the object
   * is closed or a transfer is running, or while its share waits for the answer of
   * a callback of this Worker
   *
   * @see {@link https://curl.se/libcurl/c/curl_easy_upkeep.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * c.setopt(curl.UPKEEP_INTERVAL_MS, 30_000);
   * c.upkeep();
   * ```
   */
  upkeep(): void {
    upkeep(this.#target);
  }

  /**
   * The TLS sessions of its share, to be kept for another process. Who has them
   * can read what they protect.
   *
   * @returns all that can still be used
   * @throws {CurlError} without a code if it uses no share of
   * LOCK_DATA_SSL_SESSION, which is where libcurl keeps sessions between
   * transfers; if the object is closed or a transfer is running
   *
   * @see {@link https://curl.se/libcurl/c/curl_easy_ssls_export.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using share = new curl.CurlShare();
   * share.share(curl.LOCK_DATA_SSL_SESSION);
   * using c = new curl.Curl();
   * c.setopt(curl.SHARE, share);
   * console.log(c.sslsExport()); // []
   * ```
   */
  sslsExport(): SslSession[] {
    return exportSessions(this.#id);
  }

  /**
   * Adds a TLS session to its share, for the next connection to the same server
   * to resume.
   *
   * @param session what {@linkcode Curl.sslsExport} has given
   * @throws {TypeError} if a part of it is of another type
   * @throws {CurlError} with libcurl's code if it is no session, or has neither
   * `key` nor `shmac`; without one as {@linkcode Curl.sslsExport} does
   *
   * @see {@link https://curl.se/libcurl/c/curl_easy_ssls_import.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using share = new curl.CurlShare();
   * share.share(curl.LOCK_DATA_SSL_SESSION);
   * using c = new curl.Curl();
   * c.setopt(curl.SHARE, share);
   * for (const session of c.sslsExport()) c.sslsImport(session);
   * ```
   */
  sslsImport(session: SslSessionData): void {
    importSession(this.#id, session);
  }

  /**
   * Trusts these authorities in place of the system's.
   *
   * @param pem their certificates, one behind the other
   * @throws {TypeError} if it is neither a string nor bytes
   * @throws {CurlError} as {@linkcode Curl.setopt} does
   *
   * @see {@link https://curl.se/libcurl/c/CURLOPT_CAINFO_BLOB.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * c.setCaCerts("-----BEGIN CERTIFICATE-----\n…");
   * ```
   */
  setCaCerts(pem: string | Uint8Array): void {
    values.setBlob(this.#id, CAINFO_BLOB, pem);
  }

  /**
   * The share that it uses, or null.
   *
   * @throws {CurlError} if the object is closed
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using share = new curl.CurlShare();
   * using c = new curl.Curl();
   * c.setopt(curl.SHARE, share);
   * console.log(c.share() === share); // true
   * ```
   */
  share(): CurlShare | null {
    if (this.closed) {
      throw stateError("cannot invoke share() - no curl handle");
    }
    for (;;) {
      const id = made(call.curlShare(this.#id));
      if (id === 0) return null;
      try {
        return CurlShare.fromHandle(id);
      } catch (error) {
        // Another Worker may have closed it meanwhile.
        if (call.curlShare(this.#id) === id) throw error;
      }
    }
  }

  /**
   * The multi handle that it is in, or null.
   *
   * @throws {CurlError} if the object is closed
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using multi = new curl.CurlMulti({ closeHandles: true });
   * const c = new curl.Curl();
   * multi.addHandle(c);
   * console.log(c.multi() === multi); // true
   * ```
   */
  multi(): CurlMulti | null {
    if (this.closed) {
      throw stateError("cannot invoke multi() - no curl handle");
    }
    for (;;) {
      const id = made(curlMulti(this.#id));
      if (id === 0) return null;
      try {
        return CurlMulti.fromHandle(id);
      } catch (error) {
        // Another Worker may have closed it meanwhile.
        if (curlMulti(this.#id) === id) throw error;
      }
    }
  }

  /**
   * Closes its connections and frees it, after removing it from its CurlMulti,
   * and detaching it from its share. Closing twice does nothing.
   *
   * @throws {CurlError} if a transfer is running, in whichever Worker, also in
   * one of its own callbacks; if its CurlMulti is at work, or another Worker's;
   * or if a callback threw meanwhile (`cause`), though it is closed
   *
   * @see {@link https://curl.se/libcurl/c/curl_easy_cleanup.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * const c = new curl.Curl();
   * c.close();
   * console.log(c.closed); // true
   * ```
   */
  close(): void {
    if (this.#closed || this.#closing) return;
    let first = -1;
    let thrown: unknown;
    this.#closing = true;
    try {
      thrown = leave(this.#target);
      drive(this.#target, () => first = call.curlClose(this.#id));
    } finally {
      this.#closing = false;
      // A callback that threw is told, but the handle is gone all the same.
      if (first >= 0) {
        this.#closed = true;
        curls.remove(this.#id);
        this.#target.kept = null;
        this.#target.callbacks.end();
      }
    }
    if (thrown !== undefined) throw thrown;
  }

  /**
   * Closes it.
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * {
   *   using c = new curl.Curl();
   *   c.setopt(curl.URL, "https://example.com/");
   * } // closed here
   * ```
   */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** Recognised by the constructor, which takes no argument otherwise. */
class Reopened {
  constructor(readonly target: OptionTarget) {}
}

function reopened(target: OptionTarget): Curl {
  return Reflect.construct(Curl, [new Reopened(target)]);
}

function newTarget(id: number): OptionTarget {
  return { id, callbacks: new Callbacks(), kept: null };
}
