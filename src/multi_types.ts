/**
 * What a CurlMulti takes and gives.
 *
 * @module
 */

import type { Curl } from "./curl.ts";
import type { CurlMulti } from "./curl_multi.ts";
import type { CurlError } from "./errors.ts";

/** The number of a CurlMulti object, which may be posted to any Worker. */
export type MultiHandle = number;

/** How a CurlMulti is made. */
export interface CurlMultiOptions {
  /** Whether closing it closes the Curl objects in it, too. Default: false. */
  closeHandles?: boolean;
}

/**
 * Hears which socket libcurl wants to be watched: `what` is a `POLL_*`, and
 * `data` what {@linkcode CurlMulti.assign} was given for the socket, or null.
 * -1 ends all transfers.
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
 */
export type MultiTimerCallback = (milliseconds: number) => number | void;

/**
 * Hears an `M_NOTIFY_*`, and which Curl it is about, if it is about one.
 * Handles may be added and removed here.
 */
export type MultiNotifyCallback = (
  notification: number,
  curl: Curl | null,
) => void;

/** What an option of a CurlMulti takes; null takes back a function or list. */
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
 */
export type FailedTransfer = [
  curl: Curl,
  code: number,
  message: string,
  error: CurlError,
];
