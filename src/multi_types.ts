/**
 * What a CurlMulti takes and gives.
 *
 * @module
 */

import type { Curl } from "./curl.ts";
import type { CurlMulti } from "./curl_multi.ts";
import type { CurlError } from "./errors.ts";

/**
 * The number of a CurlMulti object, which may be posted to any Worker.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * using multi = new curl.CurlMulti();
 * const handle: curl.MultiHandle = multi.handle;
 * console.log(curl.CurlMulti.fromHandle(handle) === multi); // true
 * ```
 */
export type MultiHandle = number;

/**
 * How a CurlMulti is made.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const options: curl.CurlMultiOptions = { closeHandles: true };
 * using multi = new curl.CurlMulti(options);
 * console.log(multi.closeHandles); // true
 * ```
 */
export interface CurlMultiOptions {
  /** Whether closing it closes the Curl objects in it, too. Default: false. */
  closeHandles?: boolean;
}

/**
 * Hears which socket libcurl wants to be watched: `what` is a `POLL_*`, and
 * `data` what {@linkcode CurlMulti.assign} was given for the socket, or null.
 * -1 ends all transfers.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const callback: curl.MultiSocketCallback = (what, socket) =>
 *   console.log(socket, what === curl.POLL_REMOVE);
 * using multi = new curl.CurlMulti();
 * multi.setopt(curl.M_SOCKETFUNCTION, callback);
 * ```
 */
export type MultiSocketCallback = (
  what: number,
  socket: number,
  multi: CurlMulti,
  data: unknown,
) => number | void;

/**
 * Hears after how many milliseconds libcurl wants
 * `socketAction(SOCKET_TIMEOUT, 0)` to be called; -1 stops the timer. Returning
 * -1 ends all transfers.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const callback: curl.MultiTimerCallback = (milliseconds) =>
 *   console.log(milliseconds);
 * using multi = new curl.CurlMulti();
 * multi.setopt(curl.M_TIMERFUNCTION, callback);
 * ```
 */
export type MultiTimerCallback = (milliseconds: number) => number | void;

/**
 * Hears an `M_NOTIFY_*`, and which Curl it is about, if it is about one.
 * Handles may be added and removed here.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const callback: curl.MultiNotifyCallback = (notification) =>
 *   console.log(notification === curl.M_NOTIFY_INFO_READ);
 * using multi = new curl.CurlMulti();
 * multi.setopt(curl.M_NOTIFYFUNCTION, callback);
 * multi.notifyEnable(curl.M_NOTIFY_INFO_READ);
 * ```
 */
export type MultiNotifyCallback = (
  notification: number,
  curl: Curl | null,
) => void;

/**
 * What an option of a CurlMulti takes; null takes back a function or list.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const value: curl.MultiOptionValue = 4;
 * using multi = new curl.CurlMulti();
 * multi.setopt(curl.M_MAX_HOST_CONNECTIONS, value);
 * ```
 */
export type MultiOptionValue =
  | number
  | boolean
  | bigint
  | Iterable<string>
  | MultiSocketCallback
  | MultiTimerCallback
  | MultiNotifyCallback
  | null;

/**
 * A transfer that failed: PycURL's three, and the error that
 * {@linkcode Curl.performSync} would have thrown. Its `cause` is what a
 * callback threw, if one did.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * using c = new curl.Curl();
 * c.setopt(curl.URL, "file:///does/not/exist");
 * using multi = new curl.CurlMulti();
 * multi.addHandle(c);
 * while (multi.perform()[1] > 0) await multi.select(1);
 * const [, , failed] = multi.infoRead();
 * const [which, code]: curl.FailedTransfer = failed[0];
 * console.log(which === c, code === curl.E_FILE_COULDNT_READ_FILE);
 * ```
 */
export type FailedTransfer = [
  curl: Curl,
  code: number,
  message: string,
  error: CurlError,
];
