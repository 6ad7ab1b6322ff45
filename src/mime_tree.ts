/**
 * The trees of mimes in this isolate: what the parts hold, and what becomes of
 * it when they are given something else.
 *
 * @module
 */

import type { Callbacks } from "./callbacks.ts";
import { check, CurlError, stateError } from "./errors.ts";
import * as call from "./ffi/mime_call.ts";
import { made } from "./handle.ts";
import {
  BlobSource,
  CopiedBody,
  type MimeBody,
  type MimeSource,
  releaseAll,
} from "./mime_sources.ts";
import { drive } from "./transfer.ts";

/** The handle that mimes are of. */
export interface MimeTarget {
  /** The handle. */
  readonly id: number;
  /** Its functions. */
  readonly callbacks: Callbacks;
}

/** What is kept of a part's content. */
type Content =
  | { readonly number: number; readonly source: MimeSource }
  | MimeNode;

const collected = new FinalizationRegistry<readonly [number, number]>(
  ([curl, mime]) => call.mimeRelease(curl, mime),
);

const nodes = new WeakMap<object, MimeNode>();

/** What the object of a mime stands for. */
export function keepNode(mime: object, node: MimeNode): void {
  nodes.set(mime, node);
}

/** The same again; undefined for whatever is no mime. */
export function nodeOf(value: unknown): MimeNode | undefined {
  return typeof value === "object" && value !== null
    ? nodes.get(value)
    : undefined;
}

/** One mime. Whoever holds one of a tree holds all of it. */
export class MimeNode implements MimeBody {
  readonly #target: MimeTarget;
  /** The Curl, which a mime keeps from being collected. */
  readonly owner: unknown;
  readonly #id: number;
  /** It ends with what it is set as. */
  readonly #isBorrowed: boolean;
  readonly #contents = new Map<number, Content>();
  #parent: MimeNode | undefined;
  #closed = false;

  /**
   * Makes one, unless it is the library's `id`; throws what `new CurlMime()`
   * does.
   */
  constructor(
    target: MimeTarget,
    owner: unknown,
    isBorrowed: boolean,
    id: number = made(call.mimeNew(target.id)),
  ) {
    this.#target = target;
    this.owner = owner;
    this.#isBorrowed = isBorrowed;
    this.#id = id;
    collected.register(this, [target.id, this.#id], this);
  }

  get target(): MimeTarget {
    return this.#target;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Adds a part with all of this, or nothing; gives its place. */
  addPart(
    texts?: Uint8Array<ArrayBuffer>,
    data: Uint8Array<ArrayBuffer> | Blob | null = null,
  ): number {
    const { Content } = call;
    if (data === null) return this.#add(Content.none, texts);
    if (!(data instanceof Blob)) return this.#add(Content.data, texts, data);
    const part = this.#add(Content.source, texts, undefined, data.size);
    const number = call.numbers[call.ADDED];
    this.#contents.set(part, { number, source: new BlobSource(data) });
    return part;
  }

  /** Adds a part with a new mime in it, or nothing. */
  addChild(texts: Uint8Array<ArrayBuffer>): MimeNode {
    const part = this.#add(call.Content.mime, texts);
    const id = call.numbers[call.ADDED];
    const child = new MimeNode(this.#target, this.owner, this.#isBorrowed, id);
    child.#parent = this;
    this.#contents.set(part, child);
    return child;
  }

  #add(
    content: number,
    texts?: Uint8Array<ArrayBuffer>,
    data?: Uint8Array<ArrayBuffer>,
    size?: number,
  ): number {
    this.#check("addpart");
    const { id } = this.#target;
    return made(call.mimeAdd(id, this.#id, content, texts, data, size));
  }

  /** Tells a part one of `Text`, by the method of this name. */
  setText(
    part: number,
    what: keyof typeof call.Text,
    text: Uint8Array<ArrayBuffer> | null,
  ): void {
    this.#check(what);
    const { id } = this.#target;
    check(call.mimeText(id, this.#id, part, call.Text[what], text));
    if (what === "filedata") this.#replace(part, undefined);
  }

  /** Gives a part its content. */
  setData(part: number, data: Uint8Array<ArrayBuffer>): void {
    this.#check("data");
    check(call.mimeData(this.#target.id, this.#id, part, data));
    this.#replace(part, undefined);
  }

  /** Gives a part header lines. */
  setHeaders(part: number, lines: Uint8Array<ArrayBuffer>): void {
    this.#check("headers");
    check(call.mimeHeaders(this.#target.id, this.#id, part, lines));
  }

  /** Has a part's content come from somewhere. */
  setSource(
    part: number,
    method: "data" | "dataCb",
    seeks: boolean,
    make: () => MimeSource,
    size: number,
  ): void {
    this.#check(method);
    const number = made(call.mimeSource(
      this.#target.id,
      this.#id,
      part,
      size,
      seeks,
      method === "data",
    ));
    this.#replace(part, { number, source: make() });
  }

  /** Attaches another to a part. */
  setSubparts(part: number, child: MimeNode): void {
    this.#check("subparts");
    if (child.#closed) {
      throw stateError("subparts() received a closed mime object");
    }
    if (child.#target.id !== this.#target.id) {
      throw new TypeError(
        "subparts() requires both mime objects to use the same Curl handle",
      );
    }
    const { id } = this.#target;
    this.#rewinding(
      child,
      () => call.mimeSubparts(id, this.#id, part, child.#id),
      () => this.#replace(part, undefined),
    );
    child.#parent = this;
    this.#replace(part, child);
  }

  /** Has the handle send it. */
  send(): void {
    const { id, callbacks } = this.#target;
    this.#rewinding(
      this,
      () => call.setoptMime(id, this.#id),
      () => callbacks.setMime(undefined),
    );
    callbacks.setMime(this);
  }

  /** Once libcurl is at it, what was there before is lost. */
  #rewinding(mime: MimeNode, act: () => number, lost: () => void): void {
    const { callbacks } = this.#target;
    try {
      callbacks.rewinding(mime, () => drive(this.#target, act));
    } catch (error) {
      if (error instanceof CurlError && error.code !== undefined) lost();
      throw error;
    }
  }

  /**
   * Frees it, with all that is attached to it. One that is attached is closed
   * for the program only.
   */
  close(isCurlClosed: boolean): void {
    if (this.#closed) return;
    if (!isCurlClosed) check(call.mimeClose(this.#target.id, this.#id));
    if (this.#parent !== undefined) {
      this.#closed = true;
      return;
    }
    const { callbacks } = this.#target;
    const gone = this.#end();
    if (callbacks.mime === this) callbacks.setMime(undefined);
    releaseAll(gone);
  }

  /** The handle sends it no longer. */
  detach(): void {
    if (!this.#isBorrowed || this.#closed) return;
    call.mimeRelease(this.#target.id, this.#id);
    this.end();
  }

  /** The handle is gone, and it with that. */
  end(): void {
    if (!this.#closed) releaseAll(this.#end());
  }

  find(number: number): MimeSource | undefined {
    for (const [found, source] of this.#sources()) {
      if (found === number) return source;
    }
  }

  refuse(): void {
    for (const [, source] of this.#sources()) source.refuse();
  }

  copy(): MimeBody {
    return new CopiedBody(this.#sources());
  }

  /** Those of the whole tree. */
  *#sources(): Generator<[number: number, source: MimeSource]> {
    for (const content of this.#contents.values()) {
      if (content instanceof MimeNode) yield* content.#sources();
      else yield [content.number, content.source];
    }
  }

  #replace(part: number, content: Content | undefined): void {
    const before = this.#contents.get(part);
    if (content === undefined) this.#contents.delete(part);
    else this.#contents.set(part, content);
    if (before instanceof MimeNode) releaseAll(before.#end());
    else if (before !== undefined) releaseAll([before.source]);
  }

  /** The library has no use for it; gives what is to be released. */
  #end(): MimeSource[] {
    const sources = [...this.#sources()].map(([, source]) => source);
    this.#forget();
    return sources;
  }

  #forget(): void {
    this.#closed = true;
    collected.unregister(this);
    for (const content of this.#contents.values()) {
      if (content instanceof MimeNode) content.#forget();
    }
    this.#contents.clear();
  }

  #check(method: string): void {
    if (this.#closed) {
      throw stateError(`cannot invoke ${method}() - no mime handle`);
    }
  }
}
