/**
 * One function for each of the library's. Nothing here keeps a buffer beyond
 * the call: a callback may call again.
 *
 * @module
 */

import { decoder, fetched, LENGTH, NOTHING, numbers, text } from "./buffers.ts";
import { library } from "./library.ts";

export { ABOUT, numbers } from "./buffers.ts";

/** The text of the last failure in this isolate. */
export function errorText(): string {
  return text((room) => library().shim_error(room, room.length));
}

/** libcurl's words for a code: 0 easy, 1 multi, 2 share, 3 url. */
export function strerror(family: number, code: number): string {
  return text((room) =>
    library().shim_strerror(family, code, room, room.length)
  );
}

/** The shim's version and libcurl's, as JSON. */
export function version(): string {
  return text((room) => library().shim_version(room, room.length));
}

/** Every live handle of the process and its state, a line each. */
export function report(): string {
  return text((room) => library().shim_report(room, room.length));
}

/** The new handle's id, or 0. */
export function curlNew(): number {
  return library().shim_curl_new();
}

/** Holds a handle that another isolate made. */
export function curlOpen(id: number): number {
  return library().shim_curl_open(id);
}

/** Lets a handle go. */
export function curlRelease(id: number): void {
  library().shim_curl_release(id);
}

/** 1 if the handle is closed, 0 if not, else a status below 0. */
export function curlClosed(id: number): number {
  return library().shim_curl_closed(id);
}

/** The copy's id, or 0. */
export function curlDuphandle(id: number): number {
  return library().shim_curl_duphandle(id);
}

/** Back to the defaults. */
export function curlReset(id: number): number {
  return library().shim_curl_reset(id);
}

/** A status: whether setopt (0), unsetopt (1) or getinfo (2) may be called. */
export function curlCheck(id: number, method: 0 | 1 | 2): number {
  return library().shim_curl_check(id, method);
}

/** The id of its share, or 0. */
export function curlShare(id: number): number {
  return library().shim_curl_share(id);
}

/** libcurl's text for the last failure of the handle, or a status below 0. */
export function curlErrstr(id: number): string | number {
  let status = 0;
  const found = text((room) => {
    status = library().shim_curl_errstr(id, room, room.length);
    return Math.max(status, 0);
  });
  return status < 0 ? status : found;
}

/** Sets an option to a number that is exact. */
export function setoptNumber(
  id: number,
  option: number,
  value: number,
): number {
  return library().shim_setopt_number(id, option, value);
}

/** Sets an option to a 64-bit number. */
export function setoptBigint(
  id: number,
  option: number,
  value: bigint,
): number {
  return library().shim_setopt_bigint(id, option, value);
}

/** Sets an option to bytes, or to a list whose items each end with NUL. */
export function setoptBytes(
  id: number,
  option: number,
  value: Uint8Array<ArrayBuffer>,
  length: number,
): number {
  return library().shim_setopt_bytes(
    id,
    option,
    length === 0 ? NOTHING : value,
    length,
  );
}

/** Tells whether a callback is set. */
export function setoptCallback(
  id: number,
  option: number,
  set: boolean,
): number {
  return library().shim_setopt_callback(id, option, set ? 1 : 0);
}

/** Attaches a handle to a share. */
export function setoptShare(id: number, share: number): number {
  return library().shim_setopt_share(id, share);
}

/** Takes an option back. */
export function unsetopt(id: number, option: number): number {
  return library().shim_unsetopt(id, option);
}

/** The value is in `numbers[0]`. */
export function getinfoNumber(id: number, info: number): number {
  return library().shim_getinfo_number(id, info, numbers);
}

/** The bytes, to be used before the next call; null for none; or a status. */
export function getinfoBytes(
  id: number,
  info: number,
): Uint8Array | null | number {
  let status = 0;
  let nothing = false;
  const bytes = fetched((room) => {
    status = library().shim_getinfo_bytes(
      id,
      info,
      numbers,
      room,
      room.length,
    );
    if (status !== 0) return 0;
    nothing = numbers[0] < 0;
    return Math.max(numbers[0], 0);
  });
  if (status !== 0) return status;
  return nothing ? null : bytes;
}

/**
 * What libcurl hands over lands here; as long as its biggest piece, or what it
 * receives right here.
 */
export let landing: Uint8Array<ArrayBuffer> = new Uint8Array(128 * 1024);
/** Taken while `landing` is lent. */
let spare: Uint8Array<ArrayBuffer> | undefined;

/** The number of this isolate's engine, once it is known. */
let engine = 0;

/** A call takes no more of a reader's room, however much there is. */
const ROOM_AT_MOST = 2 ** 30;

/** Whether a call would never end if the WRITEFUNCTION it asks paused it. */
export function pausesForGood(id: number): boolean {
  return library().shim_pauses_for_good(id) === 1;
}

/** How many transfers of this isolate wait for an answer. */
export function waiting(): number {
  return library().shim_waiting();
}

/** Ends all of them but the first `count`. */
export function abandon(count: number): void {
  library().shim_abandon(count);
}

/** Starts a transfer: see `shim_perform`. */
export function perform(id: number, collect: boolean): number {
  return library().shim_perform(
    id,
    collect ? 1 : 0,
    numbers,
    landing,
    landing.length,
  );
}

/** Pauses or unpauses: see `shim_pause`. */
export function pause(id: number, mask: number, unpause: boolean): number {
  return library().shim_pause(
    id,
    mask,
    unpause ? 1 : 0,
    numbers,
    landing,
    landing.length,
  );
}

/** Keeps idle connections alive: see `shim_upkeep`. */
export function upkeep(id: number): number {
  return library().shim_upkeep(id, numbers, landing, landing.length);
}

/** Ends a handle: see `shim_curl_close`. */
export function curlClose(id: number): number {
  return library().shim_curl_close(id, numbers, landing, landing.length);
}

/** Answers the callback that is asked, and goes on: see `shim_resume`. */
export function resume(id: number, reply: number): number {
  return library().shim_resume(id, reply, numbers, landing, landing.length);
}

/** Starts an asynchronous transfer; gives a status: see `shim_start`. */
export function start(id: number, output: number): number {
  return library().shim_start(id, output);
}

/** Answers what the last turn asked, and goes on: see `shim_turn`. */
export function turn(reply: number): number {
  return library().shim_turn(reply, numbers, landing, landing.length);
}

/**
 * The same for a reader that waits for the stream of a handle, with this room:
 * see `shim_turn_for`.
 */
export function turnFor(
  id: number,
  into: Uint8Array<ArrayBuffer>,
  reply: number,
): number {
  return library().shim_turn_for(
    id,
    into,
    Math.min(into.length, ROOM_AT_MOST),
    reply,
    numbers,
    landing,
    landing.length,
  );
}

/** Answers a callback that had put its answer off: see `shim_settle`. */
export function settle(id: number, slot: number, reply: number): number {
  return library().shim_settle(id, slot, reply);
}

/** Ends an asynchronous transfer. */
export function cancel(id: number): number {
  return library().shim_cancel(id);
}

/** Finds the engine, before something is left to it; start() tells failures. */
export function findEngine(): void {
  if (engine <= 0) engine = library().shim_engine();
}

/** Until there is something to do for a turn. */
export function wait(): Promise<number> {
  findEngine();
  return library().shim_wait(engine);
}

/** The body that has been collected, when a transfer is done. */
export function collected(): Uint8Array<ArrayBuffer> {
  const length = numbers[LENGTH];
  if (length <= landing.length) return landing.slice(0, length);
  const whole = new Uint8Array(length);
  library().shim_body(whole, length);
  return whole;
}

/** The same as text. */
export function collectedText(): string {
  const length = numbers[LENGTH];
  return decoder.decode(
    length <= landing.length ? landing.subarray(0, length) : collected(),
  );
}

/**
 * Fills in what has come of a body, and gives how much that is; less than 0, but
 * for the sign the same, if a turn has to follow.
 */
export function streamRead(
  id: number,
  room: Uint8Array<ArrayBuffer>,
): number {
  return room.length === 0 ? 0 : library().shim_stream_read(
    id,
    room,
    Math.min(room.length, ROOM_AT_MOST),
  );
}

/** All that has come of a body and was not read. */
export function streamRest(id: number): Uint8Array<ArrayBuffer>[] {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let length: number;
  while ((length = Math.abs(streamRead(id, landing))) > 0) {
    pieces.push(landing.slice(0, length));
  }
  return pieces;
}

/** The bytes that the callback is about, for it to keep. */
export function question(id: number): Uint8Array<ArrayBuffer> {
  const length = numbers[LENGTH];
  if (length <= landing.length) return landing.slice(0, length);
  const whole = new Uint8Array(length);
  library().shim_question(id, whole, length);
  return whole;
}

/** The same bytes without a copy, until `reclaim`. */
export function lend(id: number): Uint8Array<ArrayBuffer> {
  const length = numbers[LENGTH];
  if (length > landing.length) return question(id);
  const lent = landing;
  // The callback may start a transfer, which needs a place to land.
  landing = spare ?? new Uint8Array(lent.length);
  spare = undefined;
  return length === lent.length ? lent : lent.subarray(0, length);
}

/**
 * Takes lent bytes back by detaching them, so that whoever has kept them finds
 * nothing rather than the next piece. Memory stays flat so; new arrays would
 * pile up until the garbage collector comes. The next piece lands in the same
 * place, which is still in the processor's cache.
 */
export function reclaim(lent: Uint8Array<ArrayBuffer>): void {
  // The callback may have transferred them to somebody else.
  if (lent.buffer.detached) return;
  const taken = new Uint8Array(lent.buffer.transfer());
  spare = landing;
  landing = taken;
}

/** Bytes that go with the next answer; 1 if they are too many. */
export function answer(id: number, bytes: Uint8Array<ArrayBuffer>): number {
  return library().shim_answer(
    id,
    bytes.length === 0 ? NOTHING : bytes,
    bytes.length,
  );
}

/** The body that the last transfer collected. */
export function body(): Uint8Array<ArrayBuffer> {
  const length = library().shim_body_length();
  const whole = new Uint8Array(length);
  library().shim_body(length === 0 ? NOTHING : whole, length);
  return whole;
}

/** The new share's id, or 0. */
export function shareNew(detachOnClose: boolean): number {
  return library().shim_share_new(detachOnClose ? 1 : 0);
}

/** Holds a share that another isolate made. */
export function shareOpen(id: number): number {
  return library().shim_share_open(id);
}

/** Lets a share go. */
export function shareRelease(id: number): void {
  library().shim_share_release(id);
}

/** Shares or unshares kinds of data; bit n stands for kind n. */
export function shareSetopt(
  id: number,
  option: number,
  kinds: number,
): number {
  return library().shim_share_setopt(id, option, kinds);
}

/** Closes a share, or leaves it as it is. */
export function shareClose(id: number): number {
  return library().shim_share_close(id);
}

/** Announces that a share is to be closed, or takes it back. */
export function shareClosing(id: number, on: boolean): number {
  return library().shim_share_closing(id, on ? 1 : 0);
}

/** `numbers`: closed, detachOnClose, attached. */
export function shareState(id: number): number {
  return library().shim_share_state(id, numbers);
}

/** Fills in 24 numbers: see `shim_share_stats`. */
export function shareStats(
  id: number,
  figures: Float64Array<ArrayBuffer>,
): number {
  return library().shim_share_stats(id, figures);
}
