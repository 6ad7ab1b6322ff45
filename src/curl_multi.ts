/**
 * Many transfers at once, in a loop of the program's own.
 *
 * @module
 */

import type { Curl } from "./curl.ts";
import { abortedBy, check, type Failure, startFailure } from "./errors.ts";
import { numbers } from "./ffi/call.ts";
import * as multi from "./ffi/multi_call.ts";
import { HandleTable, made } from "./handle.ts";
import { checkInteger, checkOptions, checkTimeout } from "./multi_arguments.ts";
import { type Member, MultiMembers } from "./multi_members.ts";
import { setMultiOption } from "./multi_options.ts";
import type {
  CurlMultiOptions,
  FailedTransfer,
  MultiHandle,
  MultiOptionValue,
} from "./multi_types.ts";
import { targetOf } from "./options.ts";
import { E_ABORTED_BY_CALLBACK } from "./tables/constants.ts";

/** After so many milliseconds without a wait the rest of the program has its turn. */
const STREAK = 1;

const multis = new HandleTable<CurlMulti>({
  name: "CurlMulti",
  open: multi.multiOpen,
  release: multi.multiRelease,
});

/** Tells the constructor that it is to take a handle up. */
const fromHandle = Symbol("fromHandle");

/**
 * libcurl's multi interface: any number of transfers, which go on whenever the
 * program calls {@linkcode CurlMulti.perform}, in one thread, over connections
 * that they share. For most programs `await` of {@linkcode Curl.perform} is
 * simpler and as fast; this is for those that have a loop of their own.
 *
 * Callbacks of the handles run inside the calls on the multi handle. One that
 * throws ends its own transfer, and {@linkcode CurlMulti.infoRead} tells what it
 * threw. A function of the multi handle itself that throws has the call throw in
 * which it ran.
 *
 * A Curl in a multi handle counts as performing until it is removed: it can't
 * perform or be reset, and a share can't be closed under it. Between two calls on
 * the multi handle, getinfo, setopt, pause and the like are allowed, and closing
 * it removes it.
 *
 * Handles may use a {@linkcode CurlShare} of COOKIE, CONNECT or HSTS: the calls
 * then wait for those on its other transfers, and these for them. In a callback,
 * such a call is refused on another multi handle with the same share.
 *
 * While handles are in it, the multi handle is that of the Worker that has
 * added them, and calls of others are refused.
 *
 * @see {@link https://curl.se/libcurl/c/libcurl-multi.html}
 * @see {@link http://pycurl.io/docs/latest/curlmultiobject.html}
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const file = Deno.makeTempFileSync();
 * Deno.writeTextFileSync(file, "12345");
 * using multi = new curl.CurlMulti({ closeHandles: true });
 * let bytes = 0;
 * for (let i = 0; i < 3; i++) {
 *   const c = new curl.Curl();
 *   c.setopt(curl.URL, `file://${file}`);
 *   c.setopt(curl.WRITEFUNCTION, (data) => {
 *     bytes += data.length;
 *   });
 *   multi.addHandle(c);
 * }
 * for (;;) {
 *   const [, running] = multi.perform();
 *   if (running === 0) break;
 *   await multi.select(1);
 * }
 * const [, ok, failed] = multi.infoRead();
 * console.log(ok.length, failed.length, bytes); // 3 0 15
 * ```
 */
export class CurlMulti implements Disposable {
  readonly #id: MultiHandle;
  readonly #closeHandles: boolean;
  readonly #members: MultiMembers;
  /** When the calls of `select` began that had nothing to wait for; or 0. */
  #streak = 0;
  #closed = false;
  #closing = false;

  /**
   * Makes a multi handle with nothing in it.
   *
   * @param options whether closing it closes what is in it
   * @throws {TypeError} if the options are anything else
   * @throws {CurlError} if there is no memory for it
   *
   * @example
   * ```ts
   * import { CurlMulti } from "@denocurl/curl";
   *
   * using multi = new CurlMulti({ closeHandles: true });
   * console.log(multi.closeHandles, multi.size); // true 0
   * ```
   */
  constructor(options: CurlMultiOptions = {}) {
    const existing = (options as { [fromHandle]?: number })?.[fromHandle];
    if (existing === undefined) {
      this.#closeHandles = checkOptions(options);
      this.#id = made(multi.multiNew(this.#closeHandles));
    } else {
      this.#id = existing;
      this.#closeHandles = multi.multiCloseHandles(existing) === 1;
    }
    this.#members = new MultiMembers(this, this.#id);
    multis.add(this, this.#id);
  }

  /**
   * The multi handle that another Worker has made. In the Worker that made it,
   * this gives the object itself.
   *
   * @param handle its {@linkcode CurlMulti.handle}
   * @throws {TypeError} if the handle is not a number
   * @throws {CurlError} if no CurlMulti has it, or no longer
   *
   * @example
   * ```ts
   * import { CurlMulti } from "@denocurl/curl";
   *
   * using multi = new CurlMulti();
   * console.log(CurlMulti.fromHandle(multi.handle) === multi); // true
   * ```
   */
  static fromHandle(handle: MultiHandle): CurlMulti {
    return multis.find(
      handle,
      (id) => new CurlMulti({ [fromHandle]: id } as CurlMultiOptions),
    );
  }

  /**
   * The number to post to other Workers. It is never used again.
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using multi = new curl.CurlMulti();
   * console.log(Number.isInteger(multi.handle)); // true
   * ```
   */
  get handle(): MultiHandle {
    return this.#id;
  }

  /**
   * Whether closing it closes the Curl objects in it.
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using multi = new curl.CurlMulti();
   * console.log(multi.closeHandles); // false
   * ```
   */
  get closeHandles(): boolean {
    return this.#closeHandles;
  }

  /**
   * Whether it was closed, by whichever Worker.
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * const multi = new curl.CurlMulti();
   * multi.close();
   * console.log(multi.closed); // true
   * ```
   */
  get closed(): boolean {
    return this.#closed || multi.multiClosed(this.#id) !== 0;
  }

  /**
   * How many Curl objects are in it, of whichever Worker.
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * using multi = new curl.CurlMulti();
   * multi.addHandle(c);
   * console.log(multi.size); // 1
   * ```
   */
  get size(): number {
    return this.#closed ? 0 : made(multi.multiSize(this.#id));
  }

  /**
   * Whether a Curl is in it; PycURL's `in`.
   *
   * @param curl any Curl
   * @throws {TypeError} if it is something else
   *
   * @example
   * ```ts
   * import { Curl, CurlMulti } from "@denocurl/curl";
   *
   * using c = new Curl();
   * using multi = new CurlMulti();
   * console.log(multi.has(c)); // false
   * ```
   */
  has(curl: Curl): boolean {
    const { id } = targetOf("has", curl);
    return !this.#closed && this.#members.holds(id);
  }

  /**
   * Adds a Curl, whose transfer begins with the next
   * {@linkcode CurlMulti.perform}. It is kept from being collected.
   *
   * @param curl one that is in no multi handle
   * @throws {TypeError} if it is no Curl, or its WRITEDATA, HEADERDATA or
   * READDATA is a stream, which takes an asynchronous transfer
   * @throws {CurlError} if it is closed, performs, or is in a multi handle
   * already; if a callback was set in another Worker; if this is closed, at
   * work, or full of another Worker's handles; or with libcurl's code
   *
   * @see {@link https://curl.se/libcurl/c/curl_multi_add_handle.html}
   *
   * @example
   * ```ts
   * import { Curl, CurlMulti } from "@denocurl/curl";
   *
   * using multi = new CurlMulti({ closeHandles: true });
   * const c = new Curl();
   * multi.addHandle(c);
   * console.log(multi.has(c), multi.size); // true 1
   * ```
   */
  addHandle(curl: Curl): void {
    this.#members.add(curl);
  }

  /**
   * Removes a Curl, which ends its transfer if it is not over. Then the Curl is
   * as it was, and can be added again. One that is closed is in no multi handle,
   * and is ignored.
   *
   * @param curl one that is in this multi handle
   * @throws {TypeError} if it is no Curl
   * @throws {CurlError} if it is not in this multi handle; if this is closed or
   * at work; or if a callback threw meanwhile (`cause`), though it is removed
   *
   * @see {@link https://curl.se/libcurl/c/curl_multi_remove_handle.html}
   *
   * @example
   * ```ts
   * import { Curl, CurlMulti } from "@denocurl/curl";
   *
   * using multi = new CurlMulti();
   * using c = new Curl();
   * multi.addHandle(c);
   * multi.removeHandle(c);
   * console.log(multi.size); // 0
   * ```
   */
  removeHandle(curl: Curl): void {
    this.#members.remove(curl);
  }

  /**
   * Does what can be done at once for all transfers. It does not wait.
   *
   * @returns libcurl's code, which is 0, and how many transfers are not over
   * @throws {CurlError} with libcurl's code if it fails as a whole, `cause`
   * being what a function of the multi handle threw; without a code if it is
   * closed or at work. What the callbacks of the handles throw is told by
   * {@linkcode CurlMulti.infoRead}.
   *
   * @see {@link https://curl.se/libcurl/c/curl_multi_perform.html}
   *
   * @example
   * ```ts
   * import { CurlMulti } from "@denocurl/curl";
   *
   * using multi = new CurlMulti();
   * console.log(multi.perform()); // [0, 0]
   * ```
   */
  perform(): [code: number, running: number] {
    this.#members.drive(() => multi.multiPerform(this.#id));
    return [0, numbers[1]];
  }

  /**
   * Does what can be done for one socket, or for what has come to its time.
   *
   * @param socket one that SOCKETFUNCTION has told, or `SOCKET_TIMEOUT`
   * @param events what it is ready for, a sum of `CSELECT_*`; 0 has libcurl look
   * @returns libcurl's code, which is 0, and how many transfers are not over
   * @throws {TypeError} if one of them is no whole number
   * @throws {CurlError} as {@linkcode CurlMulti.perform} does
   *
   * @see {@link https://curl.se/libcurl/c/curl_multi_socket_action.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using multi = new curl.CurlMulti();
   * console.log(multi.socketAction(curl.SOCKET_TIMEOUT, 0)); // [0, 0]
   * ```
   */
  socketAction(
    socket: number,
    events: number,
  ): [code: number, running: number] {
    checkInteger("socketAction", socket);
    checkInteger("socketAction", events);
    this.#members.drive(() =>
      multi.multiSocketAction(this.#id, socket, events)
    );
    return [0, numbers[1]];
  }

  /**
   * Waits until something can be done for a transfer: a socket is ready, or
   * libcurl's own time has come. Ends at once, with 0, if all transfers are
   * over, and when the multi handle is called otherwise.
   *
   * @param timeout how long at most, in seconds
   * @returns how many sockets are ready; 0 is as good a reason for a
   * {@linkcode CurlMulti.perform}
   * @throws {TypeError} if the timeout is no number
   * @throws {RangeError} if it is below 0, or a year or more
   * @throws {CurlError} if the multi handle is closed or at work
   *
   * @see {@link https://curl.se/libcurl/c/curl_multi_waitfds.html}
   *
   * @example
   * ```ts
   * import { CurlMulti } from "@denocurl/curl";
   *
   * using multi = new CurlMulti();
   * console.log(await multi.select(1)); // 0
   * ```
   */
  async select(timeout: number): Promise<number> {
    checkTimeout("select", timeout);
    const now = performance.now();
    if (this.#streak === 0) this.#streak = now;
    const looks = now - this.#streak < STREAK;
    const wait = made(multi.multiPrepare(this.#id, timeout, looks));
    if (wait === 0) return numbers[0];
    this.#streak = 0;
    try {
      return await multi.multiWait(wait);
    } finally {
      multi.multiForget(this.#id, wait);
    }
  }

  /**
   * As {@linkcode CurlMulti.select}, but blocks the thread. Nothing interrupts
   * it.
   *
   * @param timeout how long at most, in seconds
   * @returns how many sockets are ready
   * @throws as {@linkcode CurlMulti.select} does
   *
   * @example
   * ```ts
   * import { CurlMulti } from "@denocurl/curl";
   *
   * using multi = new CurlMulti();
   * console.log(multi.selectSync(1)); // 0
   * ```
   */
  selectSync(timeout: number): number {
    checkTimeout("selectSync", timeout);
    const count = multi.multiSelect(this.#id, timeout);
    if (count < 0) throw startFailure(count);
    return count;
  }

  /**
   * The sockets that libcurl waits for.
   *
   * @returns those to be read from, those to be written to, and none
   * @throws {CurlError} if the multi handle is closed or at work
   *
   * @see {@link https://curl.se/libcurl/c/curl_multi_fdset.html}
   *
   * @example
   * ```ts
   * import { CurlMulti } from "@denocurl/curl";
   *
   * using multi = new CurlMulti();
   * const [readable, writable] = multi.fdset();
   * console.log(readable.length, writable.length);
   * ```
   */
  fdset(): [readable: number[], writable: number[], exceptional: number[]] {
    const found = multi.multiFdset(this.#id);
    if (typeof found === "number") throw startFailure(found);
    const [readable, writable] = [new Set<number>(), new Set<number>()];
    for (let index = 0; index < found.length; index += 2) {
      if (found[index + 1] & 1) readable.add(found[index]);
      if (found[index + 1] & 2) writable.add(found[index]);
    }
    return [[...readable], [...writable], []];
  }

  /**
   * After how long libcurl wants to be called, whatever the sockets do.
   *
   * @returns milliseconds, or -1 for whenever a socket is ready
   * @throws {CurlError} if the multi handle is closed or at work
   *
   * @see {@link https://curl.se/libcurl/c/curl_multi_timeout.html}
   *
   * @example
   * ```ts
   * import { CurlMulti } from "@denocurl/curl";
   *
   * using multi = new CurlMulti();
   * console.log(multi.timeout()); // -1
   * ```
   */
  timeout(): number {
    check(multi.multiTimeout(this.#id));
    return numbers[0];
  }

  /**
   * The transfers that are over and were not told yet. Their handles stay in
   * until they are removed.
   *
   * @param max how many to tell at most
   * @returns how many are left to be told, those that went well, and those that
   * failed, each with libcurl's code, a message, and the error, whose `cause` is
   * what a callback threw
   * @throws {RangeError} if `max` is not above 0
   * @throws {CurlError} if the multi handle is closed, or another Worker's
   * handles are in it
   *
   * @see {@link https://curl.se/libcurl/c/curl_multi_info_read.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using multi = new curl.CurlMulti({ closeHandles: true });
   * const c = new curl.Curl();
   * c.setopt(curl.URL, "file:///does/not/exist");
   * multi.addHandle(c);
   * multi.perform();
   * const [queued, ok, failed] = multi.infoRead();
   * for (const [curl, code, message] of failed) {
   *   console.log(curl === c, code, message);
   * }
   * console.log(queued, ok.length); // 0 0
   * ```
   */
  infoRead(
    max: number = Infinity,
  ): [queued: number, ok: Curl[], failed: FailedTransfer[]] {
    if (typeof max !== "number" || !(max > 0)) {
      throw new RangeError("argument to infoRead must be greater than zero");
    }
    const ok: Curl[] = [];
    const failed: FailedTransfer[] = [];
    let queued = 0;
    for (let left = max; left > 0;) {
      const count = multi.multiDone(this.#id, left);
      if (count < 0) throw startFailure(count);
      queued = numbers[0];
      left -= count + this.#members.tell(count, ok, failed);
      if (queued === 0) break;
    }
    return [queued, ok, failed];
  }

  /**
   * Sets an option.
   *
   * @param option one of the constants `M_*`
   * @param value a number for most; a list of strings for
   * `M_PIPELINING_SITE_BL` and `M_PIPELINING_SERVER_BL`; a
   * {@linkcode MultiSocketCallback} for `M_SOCKETFUNCTION`, a
   * {@linkcode MultiTimerCallback} for `M_TIMERFUNCTION`, a
   * {@linkcode MultiNotifyCallback} for `M_NOTIFYFUNCTION`. `null` takes lists
   * and functions back.
   * @throws {TypeError} if there is no such option, the value is of another
   * type, or the option is one of a pointer in C, or `M_PUSHFUNCTION`
   * @throws {RangeError} if a number is out of range
   * @throws {CurlError} with libcurl's code if it refuses the value; without one
   * if the multi handle is closed or at work
   *
   * @see {@link https://curl.se/libcurl/c/curl_multi_setopt.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using multi = new curl.CurlMulti();
   * multi.setopt(curl.M_MAX_HOST_CONNECTIONS, 4);
   * multi.setopt(curl.M_PIPELINING, curl.PIPE_MULTIPLEX);
   * multi.setopt(curl.M_TIMERFUNCTION, (ms: number) => console.log(ms));
   * ```
   */
  setopt(option: number, value: MultiOptionValue): void {
    const target = {
      id: this.#id,
      callbacks: this.#members.functions,
      drive: (start: () => number) => this.#members.drive(start),
    };
    setMultiOption(target, option, value);
  }

  /**
   * Has SOCKETFUNCTION get an object with a socket, until that is removed.
   *
   * @param socket one that SOCKETFUNCTION was told
   * @param data the object; null or undefined as {@linkcode CurlMulti.unassign}
   * @throws {TypeError} if the socket is no whole number
   * @throws {CurlError} with libcurl's code if it knows no such socket; without
   * one if the multi handle is closed
   *
   * @see {@link https://curl.se/libcurl/c/curl_multi_assign.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using multi = new curl.CurlMulti();
   * multi.setopt(
   *   curl.M_SOCKETFUNCTION,
   *   (what: number, socket: number) => {
   *     if (what !== curl.POLL_REMOVE) multi.assign(socket, { since: Date.now() });
   *   },
   * );
   * ```
   */
  assign(socket: number, data: unknown): void {
    this.#assign("assign", socket, data ?? undefined);
  }

  /**
   * Takes that back.
   *
   * @param socket one that SOCKETFUNCTION was told
   * @throws as {@linkcode CurlMulti.assign} does
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using multi = new curl.CurlMulti();
   * multi.setopt(
   *   curl.M_SOCKETFUNCTION,
   *   (what: number, socket: number) => {
   *     if (what === curl.POLL_REMOVE) multi.unassign(socket);
   *   },
   * );
   * ```
   */
  unassign(socket: number): void {
    this.#assign("unassign", socket, undefined);
  }

  #assign(method: string, socket: number, data: unknown): void {
    checkInteger(method, socket);
    check(multi.multiAssign(this.#id, socket, data !== undefined));
    this.#members.functions.assign(socket, data);
  }

  /**
   * Has NOTIFYFUNCTION hear these.
   *
   * @param notifications one or more `M_NOTIFY_*`
   * @throws {TypeError} if there is none, or one is no whole number
   * @throws {CurlError} with libcurl's code if it knows no such notification;
   * without one if the multi handle is closed or at work
   *
   * @see {@link https://curl.se/libcurl/c/curl_multi_notify_enable.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using multi = new curl.CurlMulti();
   * multi.setopt(curl.M_NOTIFYFUNCTION, () => console.log(multi.infoRead()));
   * multi.notifyEnable(curl.M_NOTIFY_INFO_READ);
   * ```
   */
  notifyEnable(...notifications: number[]): void {
    this.#notify("notifyEnable", notifications, true);
  }

  /**
   * Has NOTIFYFUNCTION hear these no more.
   *
   * @param notifications one or more `M_NOTIFY_*`
   * @throws as {@linkcode CurlMulti.notifyEnable} does
   *
   * @see {@link https://curl.se/libcurl/c/curl_multi_notify_disable.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using multi = new curl.CurlMulti();
   * multi.notifyDisable(curl.M_NOTIFY_INFO_READ, curl.M_NOTIFY_EASY_DONE);
   * ```
   */
  notifyDisable(...notifications: number[]): void {
    this.#notify("notifyDisable", notifications, false);
  }

  #notify(method: string, notifications: number[], on: boolean): void {
    if (notifications.length === 0) {
      throw new TypeError(`${method} requires at least one notification`);
    }
    for (const notification of notifications) {
      checkInteger(method, notification);
      if (notification < 0) {
        throw new RangeError(`${method} notification value out of range`);
      }
    }
    for (const notification of notifications) {
      check(multi.multiNotify(this.#id, notification, on));
    }
  }

  /**
   * Removes all Curl objects, which ends their transfers, closes the
   * connections and frees it. With `closeHandles`, the Curl objects are closed
   * then. Closing twice does nothing.
   *
   * @throws {CurlError} if it is at work, or another Worker's handles are in it;
   * or if a callback threw meanwhile (`cause`), though it is closed
   *
   * @see {@link https://curl.se/libcurl/c/curl_multi_cleanup.html}
   *
   * @example
   * ```ts
   * import { CurlMulti } from "@denocurl/curl";
   *
   * const multi = new CurlMulti();
   * multi.close();
   * console.log(multi.closed); // true
   * ```
   */
  close(): void {
    if (this.#closed || this.#closing) return;
    this.#closing = true;
    const members = this.#members.all();
    // What infoRead() was not asked for.
    const unread = members.map(({ target }) => target.callbacks.takeFailure());
    let failure: Failure | undefined;
    try {
      this.#members.drive(() => multi.multiClose(this.#id));
    } catch (cause) {
      failure = { cause };
    }
    this.#closing = false;
    // A callback that threw is told, but the handle is gone all the same.
    if (multi.multiClosed(this.#id) !== 0) {
      this.#end();
      const thrown = this.#release(members);
      failure ??= thrown;
    } else {
      members.forEach(({ target }, index) => {
        target.callbacks.keepFailure(unread[index]);
      });
    }
    if (failure !== undefined) throw failure.cause;
  }

  /** Lets go of what was in it; gives the first failure. */
  #release(members: readonly Member[]): Failure | undefined {
    let first: Failure | undefined;
    for (const { curl, target } of members) {
      const thrown = target.callbacks.takeFailure();
      if (thrown !== undefined) {
        first ??= { cause: abortedBy(E_ABORTED_BY_CALLBACK, thrown) };
      }
      if (!this.#closeHandles) continue;
      try {
        curl.close();
      } catch (cause) {
        first ??= { cause };
      }
    }
    return first;
  }

  #end(): void {
    this.#closed = true;
    for (const { target } of this.#members.all()) {
      this.#members.forget(target.id);
    }
    this.#members.functions.clear();
    multis.remove(this.#id);
  }

  /**
   * Closes it, as {@linkcode CurlMulti.close} does.
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * const multi = new curl.CurlMulti();
   * {
   *   using closing = multi;
   *   console.log(closing.closed); // false
   * }
   * console.log(multi.closed); // true
   * ```
   */
  [Symbol.dispose](): void {
    this.close();
  }
}
