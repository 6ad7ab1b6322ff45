/**
 * One function for each of the library's for multi handles.
 *
 * @module
 */

import { decoder, fetched, LENGTH, NOTHING, numbers } from "./buffers.ts";
import { landing } from "./call.ts";
import { library } from "./library.ts";

/** The new handle's id, or a status below 0. */
export function multiNew(closeHandles: boolean): number {
  return library().shim_multi_new(closeHandles ? 1 : 0);
}

/** Holds a handle that another isolate made. */
export function multiOpen(id: number): number {
  return library().shim_multi_open(id);
}

/** Lets a handle go. */
export function multiRelease(id: number): void {
  library().shim_multi_release(id);
}

/** 1 if the handle is closed, 0 if not, else a status below 0. */
export function multiClosed(id: number): number {
  return library().shim_multi_closed(id);
}

/** 1 if its handles are to be closed with it. */
export function multiCloseHandles(id: number): number {
  return library().shim_multi_close_handles(id);
}

/** How many handles are in it, or a status below 0. */
export function multiSize(id: number): number {
  return library().shim_multi_size(id);
}

/** The id of the multi handle that a handle is in, or 0. */
export function curlMulti(id: number): number {
  return library().shim_curl_multi(id);
}

/** Adds a handle: see `shim_multi_add`. */
export function multiAdd(id: number, curl: number): number {
  return library().shim_multi_add(id, curl, numbers, landing, landing.length);
}

/** Removes a handle: see `shim_multi_remove`. */
export function multiRemove(id: number, curl: number): number {
  return library().shim_multi_remove(
    id,
    curl,
    numbers,
    landing,
    landing.length,
  );
}

/** Adds a handle where nothing can be asked: see `shim_multi_add_now`. */
export function multiAddNow(id: number, curl: number): number {
  return library().shim_multi_add_now(id, curl);
}

/** Removes a handle where nothing can be asked: see `shim_multi_remove_now`. */
export function multiRemoveNow(id: number, curl: number): number {
  return library().shim_multi_remove_now(id, curl);
}

/** Takes a handle out that is to be closed: see `shim_multi_leave`. */
export function multiLeave(curl: number): number {
  return library().shim_multi_leave(curl, numbers, landing, landing.length);
}

/** Does what can be done; how many are not over is in `numbers[1]` then. */
export function multiPerform(id: number): number {
  return library().shim_multi_perform(id, numbers, landing, landing.length);
}

/** The same for one socket. */
export function multiSocketAction(
  id: number,
  socket: number,
  how: number,
): number {
  return library().shim_multi_socket_action(
    id,
    socket,
    how,
    numbers,
    landing,
    landing.length,
  );
}

/** Ends it: see `shim_multi_close`. */
export function multiClose(id: number): number {
  return library().shim_multi_close(id, numbers, landing, landing.length);
}

/** Sets an option to a number. */
export function multiSetoptNumber(
  id: number,
  option: number,
  value: number,
): number {
  return library().shim_multi_setopt_number(
    id,
    option,
    value,
    numbers,
    landing,
    landing.length,
  );
}

/** Tells whether a function is set. */
export function multiSetoptFunction(
  id: number,
  option: number,
  set: boolean,
): number {
  return library().shim_multi_setopt_function(id, option, set ? 1 : 0);
}

/** Sets a list whose items each end with NUL, or takes it back. */
export function multiSetoptList(
  id: number,
  option: number,
  items: Uint8Array<ArrayBuffer> | null,
): number {
  const bytes = items === null || items.length === 0 ? NOTHING : items;
  return library().shim_multi_setopt_list(
    id,
    option,
    items === null ? 0 : 1,
    bytes,
    bytes.length,
  );
}

/** The handles of transfers that went well, as `multiDone` tells them. */
export const well: Float64Array<ArrayBuffer> = new Float64Array(64);

/**
 * How many transfers are over that went well, or a status below 0. See
 * `shim_multi_done` for what is in `numbers` of one that did not.
 */
export function multiDone(id: number, most: number): number {
  return library().shim_multi_done(
    id,
    well,
    Math.min(most, well.length),
    numbers,
    landing,
    landing.length,
  );
}

/** libcurl's text for the transfer that has failed. */
export function multiDoneText(): string {
  const length = Math.min(numbers[LENGTH], landing.length);
  return decoder.decode(landing.subarray(0, length));
}

/** `numbers[0]`: milliseconds, or less than 0. */
export function multiTimeout(id: number): number {
  return library().shim_multi_timeout(id, numbers);
}

/** Sockets, each followed by 1 to read, 2 to write, 3 for both; or a status. */
export function multiFdset(id: number): Int32Array | number {
  let status = 0;
  const bytes = fetched((room) => {
    status = library().shim_multi_fdset(id, room, room.length);
    return Math.max(status, 0);
  });
  return status < 0 ? status : new Int32Array(bytes.slice().buffer);
}

/** Whether something is assigned to a socket. */
export function multiAssign(
  id: number,
  socket: number,
  assigned: boolean,
): number {
  return library().shim_multi_assign(id, socket, assigned ? 1 : 0);
}

/** Has notifications come, or no more. */
export function multiNotify(
  id: number,
  notification: number,
  on: boolean,
): number {
  return library().shim_multi_notify(id, notification, on ? 1 : 0);
}

/** How many sockets are ready after at most so many seconds. */
export function multiSelect(id: number, timeout: number): number {
  return library().shim_multi_select(id, timeout);
}

/**
 * The number for `multiWait`, 0 for nothing to wait for, with the number of
 * sockets that are ready in `numbers[0]`, or a status.
 */
export function multiPrepare(
  id: number,
  timeout: number,
  looks: boolean,
): number {
  return library().shim_multi_prepare(id, timeout, looks ? 1 : 0, numbers);
}

/** How many sockets are ready, off this thread. */
export function multiWait(wait: number): Promise<number> {
  return library().shim_multi_wait(wait);
}

/** That wait is over. */
export function multiForget(id: number, wait: number): number {
  return library().shim_multi_forget(id, wait);
}
