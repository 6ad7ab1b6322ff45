/**
 * Calls for raw bytes and frames on the connection that a handle keeps. Counts
 * are 0 or more, failures are below 0.
 *
 * @module
 */

import { NOTHING, numbers } from "./buffers.ts";
import { library } from "./library.ts";

type Bytes = Uint8Array<ArrayBuffer>;

function passed(bytes: Bytes): Bytes {
  return bytes.length === 0 ? NOTHING : bytes;
}

/** Sends bytes: how many. */
export function send(id: number, data: Bytes): number {
  return library().shim_send(id, passed(data), data.length);
}

/** Receives bytes: how many. `into`: for recvInto. */
export function recv(id: number, into: boolean, room: Bytes): number {
  return library().shim_recv(id, into ? 1 : 0, passed(room), room.length);
}

/** Sends a frame, or a part of one: how many bytes. `close`: for wsClose. */
export function wsSend(
  id: number,
  close: boolean,
  data: Bytes,
  flags: number,
  size: number,
): number {
  return library().shim_ws_send(
    id,
    close ? 1 : 0,
    passed(data),
    data.length,
    flags,
    size,
  );
}

/**
 * Receives a part of a frame: how many bytes. What frame it is, is in
 * `numbers`. `into`: for wsRecvInto.
 */
export function wsRecv(id: number, into: boolean, room: Bytes): number {
  return library().shim_ws_recv(
    id,
    into ? 1 : 0,
    numbers,
    passed(room),
    room.length,
  );
}
