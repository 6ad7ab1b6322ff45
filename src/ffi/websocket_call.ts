/**
 * Calls for WebSockets that run as transfers.
 *
 * @module
 */

import { LENGTH, NOTHING, numbers } from "./buffers.ts";
import { library } from "./library.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Short messages land here. */
const landing = new Uint8Array(64 * 1024);
let payload: Bytes = NOTHING;
/** Short texts are sent from here. */
const outgoing = new Uint8Array(16 * 1024);
const encoder = new TextEncoder();

/** Puts lines behind those of HTTPHEADER, each with a NUL behind; a status. */
export function addHeaders(id: number, lines: Bytes): number {
  return library().shim_websocket_headers(id, lines, lines.length);
}

/** What has come first, or 0; its bytes are `taken`, or lent by `seen`. */
export function read(id: number): number {
  let what = library().shim_websocket_read(
    id,
    numbers,
    landing,
    landing.length,
  );
  const length = numbers[LENGTH];
  if (length <= landing.length) {
    payload = landing.subarray(0, length);
  } else {
    const turns = numbers[1];
    payload = new Uint8Array(length);
    what = library().shim_websocket_read(id, numbers, payload, length);
    numbers[1] ||= turns;
  }
  return what;
}

/** Whether the last `read` has made room, which takes a turn to be used. */
export function madeRoom(): boolean {
  return numbers[1] !== 0;
}

/** The number of the last `read`. */
export function number(): number {
  return numbers[0];
}

/** The bytes of the last `read`, until the next. */
export function seen(): Bytes {
  return payload;
}

/** The same, to keep. */
export function taken(): Bytes {
  return payload.buffer === landing.buffer ? payload.slice() : payload;
}

/** Of {@linkcode state}: there is room for more frames to send. */
export const ROOM = 1;
/** Of {@linkcode state}: the last that counts has come. */
export const LAST = 2;

/** A sum of these. */
export function state(id: number): number {
  return library().shim_websocket_state(id);
}

/** A frame to send: 0, or 1 if that is all for now, or less if it failed. */
export function send(
  id: number,
  opcode: number,
  data: string | Bytes,
): number {
  if (typeof data !== "string") {
    return sendBytes(id, opcode, data, data.length);
  }
  // No character has more than three bytes for each of its 16 bits.
  if (data.length > outgoing.length / 3) {
    const bytes = encoder.encode(data);
    return sendBytes(id, opcode, bytes, bytes.length);
  }
  const { written } = encoder.encodeInto(data, outgoing);
  return sendBytes(id, opcode, outgoing, written);
}

function sendBytes(
  id: number,
  opcode: number,
  bytes: Bytes,
  length: number,
): number {
  return library().shim_websocket_send(
    id,
    opcode,
    length === 0 ? NOTHING : bytes,
    length,
  );
}
