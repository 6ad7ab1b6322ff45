/**
 * The functions of one handle: each question of libcurl's goes to the one for
 * it, and the answer back. The first failure is kept for whoever ends the
 * transfer.
 *
 * @module
 */

import type { Failure } from "./errors.ts";
import * as call from "./ffi/call.ts";
import {
  CURLSTS_DONE,
  IOCTLFUNCTION,
  READFUNC_ABORT,
  READFUNC_PAUSE,
  READFUNCTION,
  SEEKFUNCTION,
  WRITEFUNC_PAUSE,
  WRITEFUNCTION,
} from "./tables/constants.ts";
import type { MimeBody, MimeSource } from "./mime_sources.ts";
import { optionName, optionSlot, SLOT_OPTION } from "./tables/kinds.ts";
import { type PipedStream, ReaderStream } from "./piped_streams.ts";
import { frameOf, type WsFrame } from "./websocket.ts";
import type { ChunkInfo, HstsEntry, SshKey, TrailerCallback } from "./types.ts";

// deno-lint-ignore no-explicit-any -- the signatures have nothing in common
type Callback = (...args: any[]) => unknown;

/** What the library takes for an answer other than a number: it has thrown. */
export const ABORT = NaN;
/** The function has returned nothing. */
const NOTHING = Infinity;
/** The answer comes later, when a promise has settled. */
export const LATER = -Infinity;

/** The frames whose pieces functions are called for, by handle. */
const frames = new Map<number, WsFrame>();
/** Where in a question's numbers it says whether there is one. */
const HAS_FRAME = 5;

/** The frame that the WRITEFUNCTION of a handle is called for. */
export function frameOfHandle(id: number): WsFrame | null {
  return frames.get(id) ?? null;
}

/** The slots whose functions may return promises. */
export const WRITE: number = optionSlot(WRITEFUNCTION);
const READ: number = optionSlot(READFUNCTION);

/** The slots whose functions start an upload again. */
const SEEK: number = optionSlot(SEEKFUNCTION);
const IOCTL: number = optionSlot(IOCTLFUNCTION);

/** The slots of mime parts, which are no options. */
const MIME_READ = 31;
const MIME_SEEK = 32;

/** Where in a question's numbers the source of a mime part is. */
const SOURCE = 5;

/** libcurl's word for an HSTS entry without an end. */
const UNLIMITED = "unlimited";

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** A transfer that can wait for a function's promise. */
export interface Patient {
  /** The promise has settled; `answer` tells what that means, or throws. */
  settle(slot: number, answer: () => number): void;
  /** There is more to send than when it was asked for last. */
  hasMore(): void;
}

/** Calls a function for a question, and gives its answer. */
type Ask = (callback: Callback, id: number, patient?: Patient) => number;

/** The slots, in the order of SLOT_OPTION, which starts at 1. */
const ASK: readonly Ask[] = [
  () => ABORT,
  askWrite,
  askBytes, // HEADERFUNCTION
  askRead,
  askNumbers(2), // SEEKFUNCTION
  askNumbers(4), // XFERINFOFUNCTION
  askNumbers(4), // PROGRESSFUNCTION
  askDebug,
  askOpenSocket,
  askNumbers(2), // SOCKOPTFUNCTION
  askNumbers(1), // CLOSESOCKETFUNCTION
  askSshKey,
  askSshHostKey,
  askPrereq,
  askTrailer,
  askNumbers(0), // RESOLVER_START_FUNCTION
  askFnmatch,
  askChunkBegin,
  askNumbers(0), // CHUNK_END_FUNCTION
  askHstsRead,
  askHstsWrite,
  askNumbers(1), // IOCTLFUNCTION
  askBytes, // INTERLEAVEFUNCTION
];

type Functions = (Callback | undefined)[];

/** Of those that have none. */
const NONE: Functions = [];

/** The functions of a handle that this isolate answers. */
export class Callbacks {
  #functions = NONE;
  /** Streams that stand for functions, by slot. */
  #streams: Map<number, PipedStream> | undefined;
  #failure: Failure | undefined;
  /** What is sent, if it is a mime. */
  #mime: MimeBody | undefined;
  /** A mime that libcurl rewinds before it is anything else's. */
  #rewound: MimeBody | undefined;

  /** Sets or takes back the function of a slot. */
  set(slot: number, callback: Callback | undefined): void {
    this.#forgetStream(slot);
    if (slot >= this.#functions.length && callback !== undefined) {
      // One that grows by itself takes room for 16 more.
      const longer: Functions = new Array(slot + 1);
      this.#functions.forEach((known, place) => longer[place] = known);
      this.#functions = longer;
    }
    if (slot < this.#functions.length) this.#functions[slot] = callback;
  }

  /** Sets a stream in the place of a function. */
  setStream(slot: number, stream: PipedStream): void {
    this.set(slot, stream.callback);
    this.#streams ??= new Map();
    this.#streams.set(slot, stream);
  }

  #forgetStream(slot: number): void {
    this.#streams?.get(slot)?.release()?.catch(() => {});
    this.#streams?.delete(slot);
  }

  /** The same functions, for a copy of the handle. */
  copy(): Callbacks {
    const copy = new Callbacks();
    copy.#functions = [...this.#functions];
    copy.#mime = this.#mime?.copy();
    for (const [slot, stream] of this.#streams ?? []) {
      copy.setStream(slot, stream.copy());
    }
    return copy;
  }

  /** Forgets them all. */
  clear(): void {
    this.releaseStreams()?.catch(() => {});
    this.#streams = undefined;
    this.#functions = NONE;
    this.setMime(undefined);
  }

  /** What is sent, if it is a mime. */
  get mime(): MimeBody | undefined {
    return this.#mime;
  }

  /** Sets or takes back what is sent. */
  setMime(mime: MimeBody | undefined): void {
    const before = this.#mime;
    this.#mime = mime;
    if (before !== mime) before?.detach();
  }

  /** Does something that may rewind a mime. */
  rewinding(mime: MimeBody, act: () => void): void {
    const before = this.#rewound;
    this.#rewound = mime;
    try {
      act();
    } finally {
      this.#rewound = before;
    }
  }

  /** Forgets them all, as the handle is gone. */
  end(): void {
    const mime = this.#mime;
    this.clear();
    mime?.end();
  }

  /** Throws if a transfer that can't wait would need a stream. */
  refuseStreams(collects: boolean): void {
    for (const [slot, stream] of this.#streams ?? []) {
      if (!collects || slot !== WRITE) throw stream.refusal();
    }
    this.#mime?.refuse();
  }

  /** Lets their streams go; what they are still writing, if anything. */
  releaseStreams(): Promise<unknown> | undefined {
    if (this.#streams === undefined) return undefined;
    const written = [...this.#streams.values()]
      .map((stream) => stream.release())
      .filter((promise) => promise !== undefined);
    return written.length === 0 ? undefined : Promise.all(written);
  }

  /** Answers what is asked of a slot; a promise needs a patient transfer. */
  answer(slot: number, id: number, patient?: Patient): number {
    if (slot >= MIME_READ) return this.#answerMime(slot, id, patient);
    const callback = this.#functions[slot];
    try {
      if (callback === undefined) throw new Error(`${title(slot)} is gone`);
      if (slot === SEEK || slot === IOCTL) this.#streams?.get(READ)?.rewind?.();
      return ASK[slot](callback, id, patient);
    } catch (cause) {
      return this.#abort(slot, cause);
    }
  }

  #answerMime(slot: number, id: number, patient?: Patient): number {
    const number = call.numbers[SOURCE];
    try {
      const source = this.#rewound?.find(number) ?? this.#mime?.find(number);
      if (source === undefined) throw new Error(`${title(slot)} is gone`);
      return slot === MIME_READ
        ? askSource(source, id, patient)
        : numeric(source.seek(call.numbers[0], call.numbers[1]));
    } catch (cause) {
      return this.#abort(slot, cause);
    }
  }

  /** What a promise for a slot means. */
  attempt(slot: number, answer: () => number): number {
    try {
      return answer();
    } catch (cause) {
      return this.#abort(slot, cause);
    }
  }

  #abort(slot: number, cause: unknown): number {
    this.#failure ??= { cause: worded(cause, title(slot)) };
    return ABORT;
  }

  /** Puts back what `takeFailure` has given. */
  keepFailure(failure: Failure | undefined): void {
    this.#failure = failure;
  }

  /** What a function threw first since the last look, if any did. */
  takeFailure(): Failure | undefined {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure;
  }
}

function title(slot: number): string {
  if (slot === MIME_READ) return "the read function of dataCb()";
  if (slot === MIME_SEEK) return "the seek function of dataCb()";
  return optionName(SLOT_OPTION[slot]) ?? `callback ${slot}`;
}

/** An answer that makes no sense; the slot's name is put in front later. */
class Nonsense extends TypeError {}

/** What a function threw; its name is put in front of what it should not. */
export function worded(cause: unknown, name: string): unknown {
  return cause instanceof Nonsense
    ? new TypeError(`${name} ${cause.message}`)
    : cause;
}

function nonsense(answer: unknown, wanted: string): Nonsense {
  const given = answer instanceof Promise
    ? "a promise, which only WRITEFUNCTION, READFUNCTION and dataCb()'s read " +
      "may return, and only in an asynchronous transfer"
    : typeof answer === "number" || answer === null
    ? String(answer)
    : typeof answer === "object" && answer !== null
    ? `an object of ${answer.constructor?.name ?? "no class"}`
    : String(typeof answer);
  return new Nonsense(`must return ${wanted}, but returned ${given}`);
}

/** A function's answer as a number. */
export function numeric(answer: unknown): number {
  if (answer === undefined) return NOTHING;
  if (typeof answer === "boolean") return answer ? 1 : 0;
  if (typeof answer !== "number" || !Number.isSafeInteger(answer)) {
    throw nonsense(answer, "a whole number or nothing");
  }
  return answer;
}

/** The body comes in many pieces: these are lent, not given. */
function askWrite(
  callback: Callback,
  id: number,
  patient?: Patient,
): number {
  const lent = call.lend(id);
  const { length } = lent;
  const isFramed = call.numbers[HAS_FRAME] === 1;
  if (isFramed) frames.set(id, frameOf(call.numbers));
  let isAwaited = false;
  try {
    const answer = callback(lent);
    if (answer === WRITEFUNC_PAUSE) {
      if (lent.buffer.detached) throw givenAway();
      if (call.pausesForGood(id)) throw endless();
    }
    if (patient === undefined || !(answer instanceof Promise)) {
      return numeric(answer);
    }
    const settled = untilTaken(answer, lent, isFramed ? id : undefined);
    isAwaited = true;
    return waitForWrite(patient, settled, length);
  } finally {
    if (!isAwaited) takeBack(lent, isFramed ? id : undefined);
  }
}

/** Apart, as what a closure uses is allocated where its function begins. */
function untilTaken(
  answer: Promise<unknown>,
  lent: Uint8Array<ArrayBuffer>,
  framed: number | undefined,
): Promise<unknown> {
  return answer.finally(() => takeBack(lent, framed));
}

function waitForWrite(
  patient: Patient,
  settled: Promise<unknown>,
  length: number,
): number {
  return wait(patient, WRITE, settled, (value) => taken(value, length));
}

function takeBack(
  lent: Uint8Array<ArrayBuffer>,
  framed: number | undefined,
): void {
  if (framed !== undefined) frames.delete(framed);
  call.reclaim(lent);
}

/** Has a transfer go on when a promise has settled. */
function wait(
  patient: Patient,
  slot: number,
  promise: Promise<unknown>,
  answer: (value: unknown) => number,
): number {
  promise.then(
    (value) => patient.settle(slot, () => answer(value)),
    (cause) =>
      patient.settle(slot, () => {
        throw cause;
      }),
  );
  return LATER;
}

/** A piece that is awaited was taken as a whole, or the transfer ends. */
function taken(value: unknown, length: number): number {
  if (value === WRITEFUNC_PAUSE) throw tooLate("WRITEFUNC_PAUSE");
  const count = numeric(value);
  return count === NOTHING || count === length ? NOTHING : ABORT;
}

function givenAway(): Nonsense {
  return new Nonsense(
    "must not return WRITEFUNC_PAUSE for a piece whose buffer it has transferred",
  );
}

function endless(): Nonsense {
  return new Nonsense(
    "must not return WRITEFUNC_PAUSE where nothing could unpause or end the " +
      "transfer: set XFERINFOFUNCTION, with NOPROGRESS 0, or TIMEOUT",
  );
}

function tooLate(name: string): Nonsense {
  return new Nonsense(
    `must return ${name} at once, but returned a promise of it`,
  );
}

function askBytes(callback: Callback, id: number): number {
  return numeric(callback(call.question(id)));
}

function askNumbers(count: number): Ask {
  return (callback) => numeric(callback(...call.numbers.slice(0, count)));
}

function askRead(callback: Callback, id: number, patient?: Patient): number {
  const size = call.numbers[0];
  const stream = ReaderStream.of(callback);
  if (stream !== undefined) return askStream(stream, size, id, patient);
  const answer = callback(size);
  if (answer === READFUNC_ABORT || answer === READFUNC_PAUSE) return answer;
  if (patient === undefined || !(answer instanceof Promise)) {
    return handOver(answer, size, id);
  }
  return wait(patient, READ, answer, (value) => giveLater(value, size, id));
}

/** Where it says how much of a stream may be handed over, if not at once. */
const KEPT = 1;

function askStream(
  stream: ReaderStream,
  size: number,
  id: number,
  patient?: Patient,
): number {
  const kept = call.numbers[KEPT];
  const most = Math.max(size, kept);
  const give = () =>
    stream.take(most, (chunk, most) => {
      const bytes = bytesOf(chunk).subarray(0, most);
      call.answer(id, bytes);
      return bytes.length;
    });
  const ready = stream.ready(() => patient?.hasMore());
  if (ready === undefined) return give();
  if (patient === undefined) return handOver(ready, size, id);
  const { round } = stream;
  return wait(patient, READ, ready, () => {
    // Where they are not kept they are asked for again, by libcurl itself.
    if (kept === 0) return LATER;
    // As it does after a rewind, which has made the question void.
    return stream.round === round ? give() : 0;
  });
}

function giveLater(value: unknown, most: number, id: number): number {
  if (value === READFUNC_PAUSE) throw tooLate("READFUNC_PAUSE");
  return value === READFUNC_ABORT ? ABORT : handOver(value, most, id);
}

/** Of a mime part: no more than it has, and no less in all. */
function askSource(source: MimeSource, id: number, patient?: Patient): number {
  const { remaining, round } = source;
  const size = Math.min(Math.max(call.numbers[0], source.least), remaining);
  const answer = source.read(size);
  if (answer === READFUNC_ABORT || answer === READFUNC_PAUSE) return answer;
  const took = (count: number) => {
    if (count === 0 && remaining > 0 && remaining < Infinity) {
      throw new Nonsense(`must return ${remaining} bytes more, but returned 0`);
    }
    // It may have been rewound while a promise had not settled.
    if (source.round === round) source.took(count);
    return count;
  };
  if (patient === undefined || !(answer instanceof Promise)) {
    return took(handOver(answer, size, id));
  }
  return wait(
    patient,
    MIME_READ,
    answer,
    (value) => took(giveLater(value, size, id)),
  );
}

/** Hands bytes to send over, and gives their number. */
function handOver(answer: unknown, size: number, id: number): number {
  const given = bytesOf(
    typeof answer === "string" ? encoder.encode(answer) : answer,
  );
  if (given.length > size) {
    throw new Nonsense(
      `must return at most ${size} bytes, but returned ${given.length}`,
    );
  }
  call.answer(id, given);
  return given.length;
}

function bytesOf(answer: unknown): Uint8Array<ArrayBuffer> {
  if (answer instanceof Uint8Array) return plain(answer);
  throw nonsense(
    answer,
    "a Uint8Array, a string, READFUNC_ABORT or READFUNC_PAUSE",
  );
}

/** A copy where other threads may write, or the buffer may shrink. */
function plain(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && buffer.detached) {
    throw new Nonsense("must return bytes, but those returned are detached");
  }
  return buffer instanceof ArrayBuffer && !buffer.resizable
    ? bytes as Uint8Array<ArrayBuffer>
    : new Uint8Array(bytes);
}

function askDebug(callback: Callback, id: number): number {
  callback(call.numbers[0], call.question(id));
  return NOTHING;
}

function askOpenSocket(callback: Callback, id: number): number {
  const [purpose, family, socktype, protocol, port] = call.numbers;
  const [address] = texts(id);
  return numeric(
    callback(purpose, { family, socktype, protocol, address, port }),
  );
}

function askSshKey(callback: Callback, id: number): number {
  const [isKnown, knownType, knownLength, foundType, match] = call.numbers;
  const keys = call.question(id);
  const known: SshKey | null = isKnown
    ? { key: keys.slice(0, knownLength), keytype: knownType }
    : null;
  const found = { key: keys.slice(knownLength), keytype: foundType };
  return verdict(callback(known, found, match));
}

function askSshHostKey(callback: Callback, id: number): number {
  return verdict(callback(call.numbers[0], call.question(id)));
}

/** For what nobody but the function can decide. */
function verdict(answer: unknown): number {
  if (answer === undefined) throw nonsense(answer, "a number");
  return numeric(answer);
}

function askPrereq(callback: Callback, id: number): number {
  const [port, localPort] = call.numbers;
  const [ip, localIp] = texts(id);
  return numeric(callback(ip, localIp, port, localPort));
}

function askTrailer(callback: Callback, id: number): number {
  const lines = (callback as TrailerCallback)();
  if (typeof lines === "number") return numeric(lines);
  if (!Array.isArray(lines)) throw nonsense(lines, "an array of header lines");
  for (const line of lines) {
    if (typeof line !== "string" || /[\0\r\n]/.test(line)) {
      throw new Nonsense(
        "must return header lines, without line breaks or NUL",
      );
    }
  }
  call.answer(id, encoder.encode(lines.join("\0")));
  return NOTHING;
}

function askFnmatch(callback: Callback, id: number): number {
  const [pattern, string] = texts(id);
  return verdict(callback(pattern, string));
}

function askChunkBegin(callback: Callback, id: number): number {
  const [remaining, filetype, flags] = call.numbers;
  const [filename, time, perm, user, group, target, ...counts] = texts(id);
  const [seconds, bits, uid, gid, size, hardlinks] = counts.map(Number);
  const info: ChunkInfo = {
    filename,
    filetype,
    time: seconds,
    perm: bits,
    uid,
    gid,
    size,
    hardlinks,
    flags,
    strings: {
      time: time || null,
      perm: perm || null,
      user: user || null,
      group: group || null,
      target: target || null,
    },
  };
  return numeric(callback(info, remaining));
}

function askHstsRead(callback: Callback, id: number): number {
  const entry = callback() as HstsEntry | null | undefined;
  if (entry === undefined || entry === null) return CURLSTS_DONE;
  if (
    typeof entry !== "object" || typeof entry.host !== "string" ||
    entry.host === "" || /\0/.test(entry.host) ||
    !(entry.expire === null || /^\d{8} \d\d:\d\d:\d\d$/.test(entry.expire))
  ) {
    throw nonsense(
      entry,
      'an entry { host, expire: "YYYYMMDD HH:MM:SS" or null, ' +
        "includeSubDomains }, or nothing",
    );
  }
  const subdomains = entry.includeSubDomains ? "1" : "0";
  const text = `${subdomains}${entry.expire ?? ""}\0${entry.host}`;
  call.answer(id, encoder.encode(text));
  return NOTHING;
}

function askHstsWrite(callback: Callback, id: number): number {
  const [subdomains, index, total] = call.numbers;
  const [expire, host] = texts(id);
  const entry: HstsEntry = {
    host,
    expire: expire === UNLIMITED ? null : expire,
    includeSubDomains: subdomains === 1,
  };
  return numeric(callback(entry, { index, total }));
}

/** Texts that were joined by NUL. */
function texts(id: number): string[] {
  return decoder.decode(call.question(id)).split("\0");
}
