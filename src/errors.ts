/**
 * What goes wrong, and the status of a native call made into an exception.
 *
 * @module
 */

import { errorText, strerror } from "./ffi/call.ts";

/**
 * A failure of libcurl, or a call on an object that is in no state for it.
 *
 * @see {@link https://curl.se/libcurl/c/libcurl-errors.html}
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * using c = new curl.Curl();
 * c.setopt(curl.URL, "file:///does/not/exist");
 * try {
 *   c.performSync();
 * } catch (error) {
 *   if (!(error instanceof curl.CurlError)) throw error;
 *   console.log(error.code === curl.E_FILE_COULDNT_READ_FILE);
 * }
 * ```
 */
export class CurlError extends Error {
  /** The class's name. */
  override readonly name = "CurlError";
  /**
   * libcurl's code, one of the `E_*` (`SHE_*` for a share, `UE_*` for a URL,
   * `E_MULTI_*` for a multi handle); undefined when the object's state did not
   * allow the call.
   */
  readonly code: number | undefined;

  /**
   * Makes an error; the module itself throws them.
   *
   * @param message what went wrong
   * @param options `code`: libcurl's code; `cause`: what a callback threw
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * const error = new curl.CurlError("mine", { code: curl.E_GOT_NOTHING });
   * console.log(error.code); // 52
   * ```
   */
  constructor(
    message: string,
    options: { code?: number; cause?: unknown } = {},
  ) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = options.code;
  }
}

/** The statuses below 0, as shim/src/error.rs has them. */
const TYPE = -2;
const RANGE = -3;
const PANIC = -4;

/** The families of libcurl's codes, for transfers and for multi handles. */
const EASY = 0;
const MULTI = 1;
/** libcurl's code where a function of a multi handle fails. */
const MULTI_ABORTED_BY_CALLBACK = 11;

/** What a callback threw, kept until the transfer is over. */
export interface Failure {
  readonly cause: unknown;
}

/** Throws what a status other than 0 stands for. */
export function check(status: number): void {
  if (status !== 0) throw failure(status);
}

/** The exception for a status, whose text the library keeps. */
export function failure(status: number, thrown?: Failure): Error {
  const text = errorText();
  switch (status) {
    case TYPE:
      return new TypeError(text);
    case RANGE:
      return new RangeError(text);
    case PANIC:
      return new Error(text);
  }
  return new CurlError(text, {
    ...(status > 0 ? { code: status } : {}),
    ...thrown,
  });
}

/** What the library adds to libcurl's codes where a call has other answers. */
const CODES = -1000;

/** The exception for such a call's answer below 0. */
export function startFailure(answer: number, thrown?: Failure): Error {
  return failure(answer <= CODES ? CODES - answer : answer, thrown);
}

/** For an object that is not in a state for the call. */
export function stateError(text: string): CurlError {
  return new CurlError(text);
}

/** For what libcurl would have failed with, had it looked. */
export function codedError(code: number, text: string): CurlError {
  return new CurlError(text, { code });
}

/** A transfer that ended well for libcurl, but not for its callback. */
export function abortedBy(code: number, thrown?: Failure): CurlError {
  return new CurlError(strerror(EASY, code), { code, ...thrown });
}

/** A call on a multi handle that went well, but for one of its functions. */
export function crowdAborted(thrown: Failure): CurlError {
  const code = MULTI_ABORTED_BY_CALLBACK;
  return new CurlError(strerror(MULTI, code), { code, ...thrown });
}

/** A transfer that failed, in libcurl's words for it if there are any. */
export function transferError(
  code: number,
  text: string,
  thrown?: Failure,
): CurlError {
  return new CurlError(text || strerror(EASY, code), { code, ...thrown });
}
