/**
 * What gives the content of mime parts while a transfer sends them: functions
 * of the program's, and Blobs.
 *
 * @module
 */

import { abortedBy, type Failure } from "./errors.ts";
import { E_ABORTED_BY_CALLBACK, MIMEPOST } from "./tables/constants.ts";
import type {
  MimeFreeCallback,
  MimeReadCallback,
  MimeSeekCallback,
} from "./types.ts";
import { wrongType } from "./values.ts";

/** Where one part of a body comes from, for one handle. */
export interface MimeSource {
  /** How many bytes there are still to give; infinite if nobody knows. */
  readonly remaining: number;
  /** So many it gives at once, however few are asked for. */
  readonly least: number;
  /** Counts the times that it was moved. */
  readonly round: number;
  /** Gives at most so many, as READFUNCTION does. */
  read(size: number): unknown;
  /** So many were taken over. */
  took(count: number): void;
  /** Moves to a place, as SEEKFUNCTION does. */
  seek(offset: number, origin: number): unknown;
  /** Throws if a transfer that can't wait can't read it. */
  refuse(): void;
  /** The same for a copy of the handle. */
  copy(): MimeSource;
  /** The handle asks for nothing any more. */
  release(): void;
}

/** All that a handle sends. */
export interface MimeBody {
  /** The source of this number. */
  find(source: number): MimeSource | undefined;
  /** Throws if a transfer that can't wait can't read it. */
  refuse(): void;
  /** The same for a copy of the handle, if it has sources. */
  copy(): MimeBody | undefined;
  /** The handle sends it no longer. */
  detach(): void;
  /** The handle is gone. */
  end(): void;
}

/** The program's functions, which a handle and its copies have in common. */
export interface MimeFunctions {
  readonly read: MimeReadCallback<unknown>;
  readonly seek: MimeSeekCallback<unknown> | undefined;
  readonly free: MimeFreeCallback<unknown> | undefined;
  readonly userdata: unknown;
}

/** What dataCb() was given. */
export class CallbackSource implements MimeSource {
  readonly #functions: MimeFunctions;
  readonly #size: number;
  readonly #holders: { count: number };
  #given = 0;
  readonly least = 0;
  round = 0;

  /** @param size how many bytes there are; infinite if nobody knows */
  constructor(
    size: number,
    functions: MimeFunctions,
    holders: { count: number } = { count: 0 },
  ) {
    this.#size = size;
    this.#functions = functions;
    this.#holders = holders;
    holders.count++;
  }

  get remaining(): number {
    return this.#size - this.#given;
  }

  read(size: number): unknown {
    const { read, userdata } = this.#functions;
    return read(userdata, size);
  }

  took(count: number): void {
    this.#given += count;
  }

  seek(offset: number, origin: number): unknown {
    const { seek, userdata } = this.#functions;
    this.round++;
    this.#given = offset;
    return seek?.(userdata, offset, origin);
  }

  refuse(): void {}

  copy(): MimeSource {
    return new CallbackSource(this.#size, this.#functions, this.#holders);
  }

  release(): void {
    const { free, userdata } = this.#functions;
    if (--this.#holders.count === 0) free?.(userdata);
  }
}

/** What is read of a Blob at a time: as much as one hop to its store is worth. */
const CHUNK = 256 * 1024;

/** A Blob, of which no more than a piece is in memory. */
export class BlobSource implements MimeSource {
  readonly #blob: Blob;
  #at = 0;
  readonly least: number = CHUNK;
  round = 0;

  constructor(blob: Blob) {
    this.#blob = blob;
  }

  get remaining(): number {
    return this.#blob.size - this.#at;
  }

  read(size: number): Promise<Uint8Array> {
    return this.#blob.slice(this.#at, this.#at + size).bytes();
  }

  took(count: number): void {
    this.#at += count;
  }

  seek(offset: number): void {
    this.round++;
    this.#at = offset;
  }

  refuse(): void {
    throw wrongType(
      MIMEPOST,
      "in a synchronous transfer strings, bytes, files and functions",
      this.#blob,
    );
  }

  copy(): MimeSource {
    return new BlobSource(this.#blob);
  }

  release(): void {}
}

/** What libcurl has copied with a handle. */
export class CopiedBody implements MimeBody {
  readonly #sources: Map<number, MimeSource>;

  /** @param originals the sources of the handle, by their numbers */
  constructor(originals: Iterable<[number, MimeSource]>) {
    const copies = [...originals].map(([number, source]): [
      number,
      MimeSource,
    ] => [number, source.copy()]);
    this.#sources = new Map(copies);
  }

  find(source: number): MimeSource | undefined {
    return this.#sources.get(source);
  }

  refuse(): void {
    for (const source of this.#sources.values()) source.refuse();
  }

  copy(): MimeBody {
    return new CopiedBody(this.#sources);
  }

  detach(): void {
    releaseAll(this.#sources.values());
    this.#sources.clear();
  }

  end(): void {
    this.detach();
  }
}

/** Lets all of them go; then throws what the first failure was. */
export function releaseAll(sources: Iterable<MimeSource>): void {
  let thrown: Failure | undefined;
  for (const source of sources) {
    try {
      source.release();
    } catch (cause) {
      thrown ??= { cause };
    }
  }
  if (thrown !== undefined) throw abortedBy(E_ABORTED_BY_CALLBACK, thrown);
}
