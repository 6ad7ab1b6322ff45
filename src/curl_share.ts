/**
 * A share, which many handles use in many Workers at once.
 *
 * @module
 */

import { Closing } from "./closing.ts";
import { check, stateError } from "./errors.ts";
import * as call from "./ffi/call.ts";
import { HandleTable, made } from "./handle.ts";
import {
  LOCK_DATA_CONNECT,
  LOCK_DATA_COOKIE,
  LOCK_DATA_DNS,
  LOCK_DATA_HSTS,
  LOCK_DATA_PSL,
  LOCK_DATA_SSL_SESSION,
  SH_SHARE,
  SH_UNSHARE,
} from "./tables/constants.ts";
import type { AbortOptions } from "./types.ts";

/**
 * The number of a share, which may be posted to any Worker.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * using share = new curl.CurlShare();
 * const handle: curl.ShareHandle = share.handle;
 * console.log(curl.CurlShare.fromHandle(handle) === share); // true
 * ```
 */
export type ShareHandle = number;

/**
 * How a share is made.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const options: curl.CurlShareOptions = { detachOnClose: false };
 * using share = new curl.CurlShare(options);
 * console.log(share.detachOnClose); // false
 * ```
 */
export interface CurlShareOptions {
  /**
   * Whether closing the share detaches the Curl objects that use it (the
   * default). If false, closing fails while any is attached.
   */
  detachOnClose?: boolean;
}

/**
 * What the lock of one kind of data has seen.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * using share = new curl.CurlShare();
 * const { dns }: Partial<Record<string, curl.LockStats>> = share.stats().locks;
 * console.log(dns?.locks);
 * ```
 */
export interface LockStats {
  /** How often it was taken. */
  locks: number;
  /** How often it had to be waited for. */
  contended: number;
  /** How long, in nanoseconds. */
  waited: number;
}

/**
 * What a share has done so far.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * using share = new curl.CurlShare();
 * const stats: curl.ShareStats = share.stats();
 * console.log(stats.transfers); // 0
 * ```
 */
export interface ShareStats {
  /** Transfers of the Curl objects attached to it. */
  transfers: number;
  /** Connections that those made. */
  connectionsMade: number;
  /** Transfers that needed no new connection. */
  connectionsReused: number;
  /** By the name of the kind of data. */
  locks: Record<
    "share" | "cookie" | "dns" | "sslSession" | "connect" | "psl" | "hsts",
    LockStats
  >;
}

const LOCKS = [
  "share",
  "cookie",
  "dns",
  "sslSession",
  "connect",
  "psl",
  "hsts",
] as const;

const KINDS: readonly number[] = [
  LOCK_DATA_COOKIE,
  LOCK_DATA_DNS,
  LOCK_DATA_SSL_SESSION,
  LOCK_DATA_CONNECT,
  LOCK_DATA_PSL,
  LOCK_DATA_HSTS,
];

const shares = new HandleTable<CurlShare>({
  name: "CurlShare",
  open: call.shareOpen,
  release: call.shareRelease,
});

/** Tells the constructor that it is to take a handle up. */
const fromHandle = Symbol("fromHandle");

/**
 * Data that Curl objects have in common: cookies, resolved names, TLS
 * sessions, connections, the public suffix list, HSTS.
 *
 * Any Worker may use it, through its {@linkcode CurlShare.handle}, at any time.
 * Names, TLS sessions and the public suffix list are locked one by one, so that
 * transfers run at the same time. libcurl does not support sharing cookies,
 * connections or HSTS between threads, so a share with any of these has a
 * thread of its own, on which the transfers of all Workers run side by side. To
 * send and keep cookies, each Curl object needs its cookie engine as well:
 * `c.setopt(COOKIEFILE, "")`.
 *
 * @see {@link http://pycurl.io/docs/latest/curlshareobject.html}
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * using share = new curl.CurlShare();
 * share.share(curl.LOCK_DATA_DNS, curl.LOCK_DATA_SSL_SESSION);
 * using c = new curl.Curl();
 * c.setopt(curl.SHARE, share);
 * console.log(share.attached); // 1
 * ```
 */
export class CurlShare implements AsyncDisposable, Disposable {
  readonly #id: ShareHandle;
  readonly #detachOnClose: boolean;
  #closed = false;
  #closing: Closing | undefined;

  /**
   * Makes a share of nothing yet.
   *
   * @param options whether closing it detaches what uses it
   * @throws {TypeError} if the options are anything else
   *
   * @example
   * ```ts
   * import { CurlShare } from "@denocurl/curl";
   *
   * using share = new CurlShare({ detachOnClose: false });
   * console.log(share.detachOnClose); // false
   * ```
   */
  constructor(options: CurlShareOptions = {}) {
    const existing = (options as { [fromHandle]?: number })?.[fromHandle];
    if (existing !== undefined) {
      this.#id = existing;
      check(call.shareState(existing));
      this.#detachOnClose = call.numbers[1] === 1;
    } else {
      this.#detachOnClose = checkOptions(options);
      this.#id = made(call.shareNew(this.#detachOnClose));
    }
    shares.add(this, this.#id);
  }

  /**
   * The share that another Worker has made.
   *
   * @param handle its {@linkcode CurlShare.handle}
   * @throws {TypeError} if the handle is not a number
   * @throws {CurlError} if no open share has it
   *
   * @example
   * ```ts
   * import { CurlShare } from "@denocurl/curl";
   *
   * using share = new CurlShare();
   * // In a Worker that was sent the number:
   * console.log(CurlShare.fromHandle(share.handle).attached); // 0
   * ```
   */
  static fromHandle(handle: ShareHandle): CurlShare {
    return shares.find(
      handle,
      (id) => new CurlShare({ [fromHandle]: id } as CurlShareOptions),
    );
  }

  /**
   * The number to post to other Workers. It is never used again.
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using share = new curl.CurlShare();
   * console.log(Number.isInteger(share.handle)); // true
   * ```
   */
  get handle(): ShareHandle {
    return this.#id;
  }

  /**
   * Whether the share was closed, by whichever Worker.
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * const share = new curl.CurlShare();
   * share.close();
   * console.log(share.closed); // true
   * ```
   */
  get closed(): boolean {
    return this.#closed || this.#state(0) === 1;
  }

  /**
   * Whether closing the share detaches the Curl objects that use it.
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using share = new curl.CurlShare();
   * console.log(share.detachOnClose); // true
   * ```
   */
  get detachOnClose(): boolean {
    return this.#detachOnClose;
  }

  /**
   * How many Curl objects use the share, in all Workers.
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using share = new curl.CurlShare();
   * using c = new curl.Curl();
   * c.setopt(curl.SHARE, share);
   * console.log(share.attached); // 1
   * ```
   */
  get attached(): number {
    return this.#closed ? 0 : this.#state(2);
  }

  #state(place: number): number {
    check(call.shareState(this.#id));
    return call.numbers[place];
  }

  /**
   * Shares or unshares one kind of data.
   *
   * @param option `SH_SHARE` or `SH_UNSHARE`
   * @param kind a `LOCK_DATA_*`
   * @throws {TypeError} for any other argument
   * @throws {CurlError} with code `SHE_IN_USE` while a Curl object is attached,
   * and `SHE_BAD_OPTION` for unsharing the public suffix list, which libcurl
   * can't do; without a code if the share is closed
   *
   * @see {@link https://curl.se/libcurl/c/curl_share_setopt.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using share = new curl.CurlShare();
   * share.setopt(curl.SH_SHARE, curl.LOCK_DATA_COOKIE);
   * ```
   */
  setopt(option: number, kind: number): void {
    this.#checkOpen("setopt");
    if (
      (option !== SH_SHARE && option !== SH_UNSHARE) || !KINDS.includes(kind)
    ) {
      throw new TypeError("invalid arguments to setopt");
    }
    check(call.shareSetopt(this.#id, option, 1 << kind));
  }

  /**
   * Shares some kinds of data. All are checked before the first is shared.
   *
   * @param kinds one or more `LOCK_DATA_*`
   * @throws {TypeError} if there is none, or one is something else
   * @throws {CurlError} as {@linkcode CurlShare.setopt} does
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using share = new curl.CurlShare();
   * share.share(curl.LOCK_DATA_DNS, curl.LOCK_DATA_COOKIE);
   * ```
   */
  share(...kinds: number[]): void {
    this.#each("share", SH_SHARE, kinds);
  }

  /**
   * Shares some kinds of data no longer. All are checked first.
   *
   * @param kinds one or more `LOCK_DATA_*`
   * @throws {TypeError} if there is none, or one is something else
   * @throws {CurlError} as {@linkcode CurlShare.setopt} does
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using share = new curl.CurlShare();
   * share.share(curl.LOCK_DATA_DNS);
   * share.unshare(curl.LOCK_DATA_DNS);
   * ```
   */
  unshare(...kinds: number[]): void {
    this.#each("unshare", SH_UNSHARE, kinds);
  }

  #each(method: string, option: number, kinds: number[]): void {
    this.#checkOpen(method);
    if (kinds.length === 0) {
      throw new TypeError("at least one LOCK_DATA_* argument required");
    }
    for (const kind of kinds) {
      if (!KINDS.includes(kind)) {
        throw new TypeError(`invalid arguments to ${method}`);
      }
    }
    const all = kinds.reduce((mask, kind) => mask | 1 << kind, 0);
    check(call.shareSetopt(this.#id, option, all));
  }

  #checkOpen(method: string): void {
    if (this.#closed) {
      throw stateError(`cannot invoke ${method}() - no share handle`);
    }
  }

  /**
   * Closes the share: detaches every Curl object that uses it, in whatever
   * Worker it lives, and frees it. The Curl objects stay open. If a transfer
   * is running on one of them, or if `detachOnClose` is false and any is
   * attached, it throws and nothing has changed. Closing twice does nothing.
   *
   * @throws {CurlError} if the share is in use
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * const share = new curl.CurlShare();
   * share.close();
   * console.log(share.closed); // true
   * ```
   */
  close(): void {
    if (this.#closed) return;
    check(call.shareClose(this.#id));
    this.#closed = true;
    this.#closing?.succeed();
    shares.remove(this.#id);
  }

  /**
   * Closes the share when it is out of use. From the call on, in whatever
   * Worker, no transfer starts on it, and nothing can be attached. Once those
   * that run are over, it detaches every Curl object and frees the share; if
   * `detachOnClose` is false, it waits until the last one was detached.
   *
   * Aborted, the share can be used as before, unless another call still waits.
   *
   * @param options `signal`: gives up
   * @returns resolves when the share is closed, by whichever call; rejects with
   * the signal's reason, or with a `CurlError` if an attached Curl object holds
   * a connection (CONNECT_ONLY)
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * const share = new curl.CurlShare();
   * using c = new curl.Curl();
   * c.setopt(curl.URL, "file:///etc/hostname");
   * c.setopt(curl.SHARE, share);
   * const body = c.performBytes();
   * await share.closeAsync();
   * console.log((await body).length > 0); // true
   * ```
   */
  closeAsync(options?: AbortOptions): Promise<void> {
    this.#closing ??= new Closing(this);
    return this.#closing.wait(options);
  }

  /**
   * Figures of the share so far.
   *
   * @throws {CurlError} if the share was closed by this object
   *
   * @example
   * ```ts
   * import { CurlShare } from "@denocurl/curl";
   *
   * using share = new CurlShare();
   * console.log(share.stats().locks.dns.contended); // 0
   * ```
   */
  stats(): ShareStats {
    this.#checkOpen("stats");
    const figures = new Float64Array(3 + 3 * LOCKS.length);
    check(call.shareStats(this.#id, figures));
    const locks = LOCKS.map((name, index) => {
      const [taken, contended, waited] = figures.subarray(3 + 3 * index);
      return [name, { locks: taken, contended, waited }] as const;
    });
    return {
      transfers: figures[0],
      connectionsMade: figures[1],
      connectionsReused: figures[2],
      locks: Object.fromEntries(locks) as ShareStats["locks"],
    };
  }

  /**
   * Closes the share, as {@linkcode CurlShare.close} does.
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * {
   *   using share = new curl.CurlShare();
   *   share.share(curl.LOCK_DATA_DNS);
   * } // closed here
   * ```
   */
  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Closes the share when it is out of use.
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * {
   *   await using share = new curl.CurlShare();
   *   share.share(curl.LOCK_DATA_DNS);
   * } // closed here, when no transfer uses it any more
   * ```
   */
  [Symbol.asyncDispose](): Promise<void> {
    return this.closeAsync();
  }
}

function checkOptions(options: CurlShareOptions): boolean {
  if (typeof options !== "object" || options === null) {
    throw new TypeError("CurlShare takes { detachOnClose }");
  }
  for (const name of Object.keys(options)) {
    if (name !== "detachOnClose") {
      throw new TypeError(`CurlShare takes { detachOnClose }, not ${name}`);
    }
  }
  const { detachOnClose = true } = options;
  if (typeof detachOnClose !== "boolean") {
    throw new TypeError("detachOnClose is true or false");
  }
  return detachOnClose;
}
