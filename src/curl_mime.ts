/**
 * Bodies of several parts, as forms and mails have them.
 *
 * @module
 */

import { check, stateError } from "./errors.ts";
import { mimeCheck, Text } from "./ffi/mime_call.ts";
import { BlobSource, CallbackSource } from "./mime_sources.ts";
import { MimeNode, type MimeTarget } from "./mime_tree.ts";
import { MIMEPOST } from "./tables/constants.ts";
import type {
  CurlLike,
  MimeFreeCallback,
  MimeReadCallback,
  MimeSeekCallback,
} from "./types.ts";
import { argumentBytes, wrongArgument, wrongType } from "./values.ts";

const TEXT = "a string or a Uint8Array";
const UNKNOWN = -1;

/** The functions of `dataCb()` besides the one that reads, and their data. */
export interface MimeDataOptions<U = undefined> {
  /** Goes back to the start when the part has to be sent again. */
  seek?: MimeSeekCallback<U> | null;
  /** Hears that none of the functions is called any more. */
  free?: MimeFreeCallback<U> | null;
  /** What each of them gets first. */
  userdata?: U;
}

/** What a new part is, beside its name and content. */
export interface MimePartOptions {
  /** The name that its file is to have at the other end. */
  filename?: string | Uint8Array | null;
  /** Its media type. */
  contentType?: string | Uint8Array | null;
  /** Header lines to add. */
  headers?: Iterable<string | Uint8Array> | null;
  /** How it is encoded, such as `base64`. */
  encoder?: string | Uint8Array | null;
}

/** What a part that has parts itself is. */
export interface MimeMultipartOptions {
  /** Its name. */
  name?: string | Uint8Array | null;
  /** What follows `multipart/` in its type; null leaves the type to libcurl. */
  subtype?: string | null;
}

/** What the methods of a part need, by which nobody else can make one. */
interface Place {
  readonly node: MimeNode;
  readonly part: number;
}

const places = new WeakMap<CurlMimePart, Place>();
const nodes = new WeakMap<CurlMime, MimeNode>();
const targets = new WeakMap<object, MimeTarget>();

/** Has mimes for a Curl made on this. */
export function introduce(curl: object, target: MimeTarget): void {
  targets.set(curl, target);
}

/** Stands for a Curl where the mime ends with what it is set as. */
class Borrower implements CurlLike {
  readonly handle: number;

  constructor(readonly target: MimeTarget) {
    this.handle = target.id;
  }
}

/**
 * One part of a {@linkcode CurlMime}; `addpart()` makes it.
 *
 * @see {@link https://curl.se/libcurl/c/curl_mime_addpart.html}
 */
export class CurlMimePart {
  /** Parts are made by `CurlMime.addpart()`. */
  constructor() {
    const place: unknown = arguments[0];
    if (!(place instanceof Placed)) {
      throw new TypeError("a CurlMimePart is made by CurlMime.addpart()");
    }
    places.set(this, place);
  }

  /**
   * Sets the part's name, that of the field in a form.
   *
   * @param name the name; null takes it back
   * @throws {TypeError} if it is of another type or holds a NUL
   * @throws {CurlError} if the mime or its Curl is closed, or a transfer is
   * running on the Curl
   *
   * @see {@link https://curl.se/libcurl/c/curl_mime_name.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * using mime = new curl.CurlMime(c);
   * const part = mime.addpart();
   * part.name("field");
   * part.data("value");
   * ```
   */
  name(name: string | Uint8Array | null): void {
    setText(this, "name", name);
  }

  /**
   * Sets the part's content, which is copied. A Blob is read while a transfer
   * sends it, which has to be an asynchronous one, piece by piece.
   *
   * @param data the content
   * @throws {TypeError} if it is of another type
   * @throws {CurlError} as {@linkcode CurlMimePart.name} does; with `cause` if
   * the `free` of what it replaces threw
   *
   * @see {@link https://curl.se/libcurl/c/curl_mime_data.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * using mime = new curl.CurlMime(c);
   * mime.addpart().data(new Uint8Array([0, 1, 2]));
   * mime.addpart().data(new Blob(["of any size"]));
   * ```
   */
  data(data: string | Uint8Array | Blob): void {
    const { node, part } = placeOf(this);
    if (data instanceof Blob) {
      const source = () => new BlobSource(data);
      node.setSource(part, "data", true, source, data.size);
    } else {
      const wanted = "a string, a Uint8Array or a Blob";
      node.setData(part, argumentBytes("data()", wanted, data));
    }
  }

  /**
   * Has functions give the part's content while a transfer sends it.
   *
   * In an asynchronous transfer `read` may return a promise. What is sent twice,
   * as after a redirect or by another transfer, is moved to its start by `seek`;
   * without that, such a transfer fails with `E_SEND_FAIL_REWIND`. A copy of the
   * handle, by `duphandle()`, calls the same functions, but not while the
   * original does.
   *
   * @param datasize the length of the content in bytes; null or -1 if it is not
   * known, and HTTP/1.1 then sends the body in chunks
   * @param read gives the next bytes
   * @param options `seek`, `free` and `userdata`, which is given to all three
   * @throws {TypeError} if something is of another type
   * @throws {RangeError} if the size is less than -1
   * @throws {CurlError} as {@linkcode CurlMimePart.data} does
   *
   * @see {@link https://curl.se/libcurl/c/curl_mime_data_cb.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * using mime = new curl.CurlMime(c);
   * using file = Deno.openSync(Deno.makeTempFileSync());
   * mime.addpart().dataCb(null, (_, size) => {
   *   const buffer = new Uint8Array(size);
   *   return buffer.subarray(0, file.readSync(buffer) ?? 0);
   * }, {
   *   seek: (_, offset) => void file.seekSync(offset, Deno.SeekMode.Start),
   * });
   * ```
   */
  dataCb<U = undefined>(
    datasize: number | bigint | null,
    read: MimeReadCallback<U>,
    options: MimeDataOptions<U> = {},
  ): void {
    const { node, part } = placeOf(this);
    const size = sizeOf(datasize);
    if (typeof read !== "function") {
      throw wrongArgument("dataCb()", "a function that reads", read);
    }
    if (typeof options !== "object" || options === null) {
      throw wrongArgument("dataCb()", "{ seek, free, userdata }", options);
    }
    const { seek, free, userdata } = options;
    for (const [name, value] of Object.entries({ seek, free })) {
      if ((value ?? undefined) !== undefined && typeof value !== "function") {
        throw wrongArgument("dataCb()", `a function or null as ${name}`, value);
      }
    }
    const functions = {
      read: read as MimeReadCallback<unknown>,
      seek: (seek ?? undefined) as MimeSeekCallback<unknown> | undefined,
      free: (free ?? undefined) as MimeFreeCallback<unknown> | undefined,
      userdata,
    };
    const length = size === UNKNOWN ? Infinity : size;
    const make = () => new CallbackSource(length, functions);
    node.setSource(part, "dataCb", functions.seek !== undefined, make, size);
  }

  /**
   * Has libcurl read the part's content from a file, and gives the part that
   * file's name as its filename. The file is opened when a transfer sends it.
   *
   * @param path the file
   * @throws {TypeError} if it is of another type or holds a NUL
   * @throws {CurlError} with `E_READ_ERROR` if there is no such file, or it
   * can't be read; as {@linkcode CurlMimePart.data} does
   *
   * @see {@link https://curl.se/libcurl/c/curl_mime_filedata.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * using mime = new curl.CurlMime(c);
   * const part = mime.addpart();
   * part.name("upload");
   * part.filedata(Deno.makeTempFileSync());
   * part.filename("notes.txt");
   * ```
   */
  filedata(path: string | URL | Uint8Array): void {
    const { node, part } = placeOf(this);
    node.setText(part, "filedata", pathBytes("filedata()", path));
  }

  /**
   * Sets the name that the part's file is to have at the other end.
   *
   * @param filename the name; null takes it back, also that of `filedata()`
   * @throws {TypeError} as {@linkcode CurlMimePart.name} does
   * @throws {CurlError} as {@linkcode CurlMimePart.name} does
   *
   * @see {@link https://curl.se/libcurl/c/curl_mime_filename.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * using mime = new curl.CurlMime(c);
   * const part = mime.addpart();
   * part.data("a,b\n1,2\n");
   * part.filename("table.csv");
   * ```
   */
  filename(filename: string | Uint8Array | null): void {
    setText(this, "filename", filename);
  }

  /**
   * Sets the part's media type.
   *
   * @param type the type; null leaves it to libcurl
   * @throws {TypeError} as {@linkcode CurlMimePart.name} does
   * @throws {CurlError} as {@linkcode CurlMimePart.name} does
   *
   * @see {@link https://curl.se/libcurl/c/curl_mime_type.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * using mime = new curl.CurlMime(c);
   * const part = mime.addpart();
   * part.data("{}");
   * part.type("application/json");
   * ```
   */
  type(type: string | Uint8Array | null): void {
    setText(this, "type", type);
  }

  /**
   * Sets how the part's content is encoded.
   *
   * @param encoding `binary`, `8bit`, `7bit`, `base64` or `quoted-printable`;
   * null takes it back
   * @throws {TypeError} as {@linkcode CurlMimePart.name} does
   * @throws {CurlError} with `E_BAD_FUNCTION_ARGUMENT` if it is something else;
   * as {@linkcode CurlMimePart.name} does
   *
   * @see {@link https://curl.se/libcurl/c/curl_mime_encoder.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * using mime = new curl.CurlMime(c);
   * const part = mime.addpart();
   * part.data("größe");
   * part.encoder("quoted-printable");
   * ```
   */
  encoder(encoding: string | Uint8Array | null): void {
    setText(this, "encoder", encoding);
  }

  /**
   * Sets header lines that the part has besides those that libcurl makes.
   *
   * @param headers the lines; null takes them back
   * @throws {TypeError} if it is no list of strings, or one holds a NUL
   * @throws {CurlError} as {@linkcode CurlMimePart.name} does
   *
   * @see {@link https://curl.se/libcurl/c/curl_mime_headers.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * using mime = new curl.CurlMime(c);
   * const part = mime.addpart();
   * part.data("<p>");
   * part.headers(["Content-ID: <first>"]);
   * ```
   */
  headers(headers: Iterable<string | Uint8Array> | null): void {
    const { node, part } = placeOf(this);
    node.setHeaders(part, headerBytes(headers));
  }

  /**
   * Has all of another mime as the part's content. That mime is then this one's:
   * it may still be filled, and is closed with this one.
   *
   * @param mime one of the same Curl that is neither attached nor set as MIMEPOST
   * @throws {TypeError} if it is something else, of another Curl, or one that
   * this part is itself in
   * @throws {RangeError} if that would be more than 12 mimes inside one another
   * @throws {CurlError} if it is closed, attached to a part already, or set as
   * MIMEPOST; with `E_SEND_FAIL_REWIND` if it was sent before and can't be moved
   * to its start: the part is then left without content; as
   * {@linkcode CurlMimePart.data} does
   *
   * @see {@link https://curl.se/libcurl/c/curl_mime_subparts.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * using mime = new curl.CurlMime(c);
   * const inner = new curl.CurlMime(c);
   * inner.addpart().data("text");
   * mime.addpart().subparts(inner);
   * ```
   */
  subparts(mime: CurlMime): void {
    const { node, part } = placeOf(this);
    const child = nodeOf(mime);
    if (child === undefined) {
      throw wrongArgument("subparts()", "a CurlMime", mime);
    }
    node.setSubparts(part, child);
  }
}

/** Recognised by the constructor of a part. */
class Placed implements Place {
  constructor(readonly node: MimeNode, readonly part: number) {}
}

/**
 * A body of several parts, to be set as MIMEPOST of the Curl that it is made
 * for: a form by HTTP, a mail by SMTP or IMAP.
 *
 * It may be sent as often as wanted, and changed whenever no transfer runs. It
 * is closed with its Curl; to close it earlier, while it is set, takes MIMEPOST
 * back.
 *
 * @see {@link https://curl.se/libcurl/c/curl_mime_init.html}
 * @see {@link http://pycurl.io/docs/latest/mime.html}
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * using c = new curl.Curl();
 * using mime = new curl.CurlMime(c);
 * mime.addField("title", "Notes");
 * mime.addFile("upload", Deno.makeTempFileSync(), { contentType: "text/plain" });
 * c.setopt(curl.URL, "http://localhost/upload");
 * c.setopt(curl.MIMEPOST, mime);
 * // await c.performText();
 * ```
 */
export class CurlMime implements Disposable {
  /**
   * Makes one without parts.
   *
   * @param curl the handle that is to send it
   * @throws {TypeError} if it is no Curl
   * @throws {CurlError} if the Curl is closed, or a transfer is running on it
   */
  constructor(curl: CurlLike) {
    const isBorrowed = curl instanceof Borrower;
    const target = isBorrowed ? curl.target : targetOf(curl);
    const owner = isBorrowed ? undefined : curl;
    nodes.set(this, new MimeNode(target, owner, isBorrowed));
  }

  /**
   * A mime with the entries of a form. Files are read while a transfer sends
   * them, which has to be an asynchronous one, piece by piece.
   *
   * `setopt(MIMEPOST, formData)` does the same and closes it by itself.
   *
   * @param curl the handle that is to send it
   * @param formData the form
   * @throws {TypeError} if they are something else
   * @throws {CurlError} if the Curl is closed, or a transfer is running on it
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * const form = new FormData();
   * form.append("title", "Notes");
   * form.append("upload", new File(["hello"], "hello.txt"));
   * using c = new curl.Curl();
   * using mime = curl.CurlMime.from(c, form);
   * mime.addField("more", "parts");
   * c.setopt(curl.MIMEPOST, mime);
   * ```
   */
  static from(curl: CurlLike, formData: FormData): CurlMime {
    if (!(formData instanceof FormData)) {
      throw wrongArgument("CurlMime.from()", "a FormData", formData);
    }
    const mime = new CurlMime(curl);
    try {
      for (const [name, value] of formData) addEntry(mime, name, value);
    } catch (error) {
      mime.close();
      throw error;
    }
    return mime;
  }

  /** Whether it was closed, or its Curl was. */
  get closed(): boolean {
    const node = ownNode(this);
    return node.closed || isCurlClosed(node);
  }

  /**
   * Adds a part.
   *
   * @returns the part, without name and content
   * @throws {CurlError} if it or its Curl is closed, or a transfer is running on
   * the Curl
   *
   * @see {@link https://curl.se/libcurl/c/curl_mime_addpart.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * using mime = new curl.CurlMime(c);
   * const part = mime.addpart();
   * part.name("field");
   * part.data("value");
   * ```
   */
  addpart(): CurlMimePart {
    const node = ownNode(this);
    return Reflect.construct(CurlMimePart, [new Placed(node, node.addPart())]);
  }

  /**
   * Adds a part that is described at once. Nothing is added if something is
   * wrong with it. A File as `data` gives the part its name and type.
   *
   * @param options its name, its `data` or the path of its `file`, and the rest
   * @returns the part
   * @throws {TypeError} if something is of another type, or both `data` and
   * `file` are given
   * @throws {CurlError} with `E_READ_ERROR` if the file can't be read, or
   * `E_BAD_FUNCTION_ARGUMENT` if there is no such encoder; as
   * {@linkcode CurlMime.addpart} does
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * using mime = new curl.CurlMime(c);
   * mime.add({ name: "field", data: "value", contentType: "text/plain" });
   * ```
   */
  add(
    options: MimePartOptions & {
      name?: string | Uint8Array | null;
      data?: string | Uint8Array | Blob | null;
      file?: string | URL | Uint8Array | null;
    } = {},
  ): CurlMimePart {
    return add(this, "add()", options);
  }

  /**
   * Adds a field of a form, as {@linkcode CurlMime.add} does.
   *
   * @param name its name
   * @param value its content
   * @param options the rest
   * @returns the part
   * @throws as {@linkcode CurlMime.add} does
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * using mime = new curl.CurlMime(c);
   * mime.addField("field", "value", { encoder: "base64" });
   * ```
   */
  addField(
    name: string | Uint8Array,
    value: string | Uint8Array | Blob,
    options: MimePartOptions = {},
  ): CurlMimePart {
    checkOptions("addField()", options);
    if ((value ?? null) === null) {
      throw wrongArgument("addField()", `${TEXT} or a Blob`, value);
    }
    return add(this, "addField()", { ...options, name, data: value });
  }

  /**
   * Adds a file, as {@linkcode CurlMime.add} does.
   *
   * @param name its name
   * @param path the file
   * @param options the rest
   * @returns the part
   * @throws as {@linkcode CurlMime.add} does
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * using mime = new curl.CurlMime(c);
   * mime.addFile("upload", Deno.makeTempFileSync(), { filename: "a.txt" });
   * ```
   */
  addFile(
    name: string | Uint8Array,
    path: string | URL | Uint8Array,
    options: MimePartOptions = {},
  ): CurlMimePart {
    checkOptions("addFile()", options);
    if ((path ?? null) === null) {
      throw wrongArgument("addFile()", `${TEXT} or a URL`, path);
    }
    return add(this, "addFile()", { ...options, name, file: path });
  }

  /**
   * Adds a part that has parts itself.
   *
   * @param options its `name`, and the `subtype` of its type: `mixed` unless
   * something else is given
   * @returns the mime for its parts, which is closed with this one
   * @throws {TypeError} if something is of another type
   * @throws {RangeError} as {@linkcode CurlMimePart.subparts} does
   * @throws {CurlError} as {@linkcode CurlMime.addpart} does
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * using mime = new curl.CurlMime(c);
   * const both = mime.addMultipart({ name: "text", subtype: "alternative" });
   * both.addField("plain", "Hello");
   * both.addField("html", "<p>Hello</p>", { contentType: "text/html" });
   * ```
   */
  addMultipart(options: MimeMultipartOptions = {}): CurlMime {
    checkOptions("addMultipart()", options);
    const { name = null, subtype = "mixed" } = options;
    const node = ownNode(this);
    const bytes = textBytes("addMultipart()", name);
    const type = textBytes("addMultipart()", subtype && `multipart/${subtype}`);
    const curl = node.owner ?? new Borrower(node.target);
    const child = new CurlMime(curl as CurlLike);
    try {
      node.checkDepth();
      const part = node.addPart();
      node.setSubparts(part, ownNode(child));
      node.setText(part, "name", bytes);
      node.setText(part, "type", type);
    } catch (error) {
      child.close();
      throw error;
    }
    return child;
  }

  /**
   * Frees it with all that is attached to it; it is MIMEPOST no longer. One that
   * is attached to a part stays there, and is closed for the program only.
   * Closing twice does nothing.
   *
   * @throws {CurlError} if a transfer is running on its Curl; with `cause` if a
   * `free` threw, but it is closed then
   *
   * @see {@link https://curl.se/libcurl/c/curl_mime_free.html}
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * const mime = new curl.CurlMime(c);
   * mime.close();
   * console.log(mime.closed); // true
   * ```
   */
  close(): void {
    const node = ownNode(this);
    node.close(isCurlClosed(node));
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** Sets MIMEPOST; throws what `Curl.setopt` does. */
export function setMime(target: MimeTarget, value: unknown): void {
  if (value instanceof FormData) {
    return send(target, (curl) => CurlMime.from(curl, value));
  }
  const node = nodeOf(value);
  if (node === undefined) {
    throw wrongType(MIMEPOST, "a CurlMime or a FormData", value);
  }
  if (node.closed) {
    throw stateError("setopt(option=MIMEPOST) received a closed mime object");
  }
  if (node.target.id !== target.id) {
    throw new TypeError(
      "setopt(option=MIMEPOST) requires a CurlMime created with this Curl handle",
    );
  }
  node.send();
}

/** Has a handle send what ends with the option that it is set by. */
export function send(
  target: MimeTarget,
  make: (curl: CurlLike) => CurlMime,
): void {
  const mime = make(new Borrower(target));
  try {
    ownNode(mime).send();
  } catch (error) {
    mime.close();
    throw error;
  }
}

function targetOf(curl: unknown): MimeTarget {
  const isObject = typeof curl === "object" && curl !== null;
  const target = isObject ? targets.get(curl) : undefined;
  if (target === undefined) throw wrongArgument("CurlMime", "a Curl", curl);
  return target;
}

function nodeOf(value: unknown): MimeNode | undefined {
  return value instanceof CurlMime ? nodes.get(value) : undefined;
}

function ownNode(mime: CurlMime): MimeNode {
  return nodes.get(mime)!;
}

function placeOf(part: CurlMimePart): Place {
  return places.get(part)!;
}

function isCurlClosed(node: MimeNode): boolean {
  const owner = node.owner as { readonly closed: boolean } | undefined;
  return owner?.closed ?? false;
}

type PartText = "name" | "filename" | "type" | "encoder";

function setText(
  target: CurlMimePart,
  what: PartText,
  value: string | Uint8Array | null,
): void {
  const { node, part } = placeOf(target);
  node.setText(part, what, textBytes(`${what}()`, value));
}

function textBytes(
  call: string,
  value: unknown,
): Uint8Array<ArrayBuffer> | null {
  if (value === null) return null;
  const bytes = argumentBytes(call, `${TEXT} or null`, value);
  const place = bytes.indexOf(0);
  if (place < 0) return bytes;
  throw new TypeError(
    `${call}: the value holds a NUL character, at byte ${place}`,
  );
}

function pathBytes(call: string, path: unknown): Uint8Array<ArrayBuffer> {
  if (path instanceof URL) {
    if (path.protocol !== "file:") {
      throw new TypeError(`${call} takes a file: URL, not ${path.href}`);
    }
    return textBytes(call, decodeURIComponent(path.pathname))!;
  }
  if (path === null) throw wrongArgument(call, `${TEXT} or a URL`, path);
  return textBytes(call, path)!;
}

function headerBytes(headers: unknown): Uint8Array<ArrayBuffer> {
  const isList = typeof headers === "object" && headers !== null &&
    Symbol.iterator in headers && !ArrayBuffer.isView(headers);
  if (headers !== null && !isList) {
    throw wrongArgument("headers()", `an iterable of strings or null`, headers);
  }
  const lines = [...headers as Iterable<unknown> ?? []].map((line) => {
    if (line === null) throw wrongArgument("headers()", TEXT, line);
    return textBytes("headers()", line)!;
  });
  const length = lines.reduce((sum, line) => sum + line.length + 1, 0);
  const joined = new Uint8Array(length);
  let end = 0;
  for (const line of lines) {
    joined.set(line, end);
    end += line.length + 1;
  }
  return joined;
}

function sizeOf(datasize: unknown): number {
  if (datasize === null) return UNKNOWN;
  const size = typeof datasize === "bigint" ? Number(datasize) : datasize;
  if (typeof size !== "number" || !Number.isInteger(size)) {
    throw wrongArgument("dataCb()", "a whole number or null as size", datasize);
  }
  if (size < -1 || !Number.isSafeInteger(size)) {
    throw new RangeError(
      `dataCb(): the size must be from -1 to 2 ** 53 - 1, but is ${datasize}`,
    );
  }
  return size;
}

function checkOptions(call: string, options: unknown): void {
  if (typeof options !== "object" || options === null) {
    throw wrongArgument(call, "an object of options", options);
  }
}

/** All is checked before the part is there. */
function add(
  mime: CurlMime,
  call: string,
  options: MimePartOptions & { name?: unknown; data?: unknown; file?: unknown },
): CurlMimePart {
  checkOptions(call, options);
  const { name = null, data = null, file = null, headers = null } = options;
  const { filename, contentType, encoder: encoding = null } = options;
  if (data !== null && file !== null) {
    throw new TypeError(`${call} accepts at most one of data or file`);
  }
  const isFile = data instanceof File;
  const texts = {
    name: textBytes(call, name),
    filename: textBytes(call, filename ?? (isFile ? data.name : null)),
    type: textBytes(call, contentType ?? (isFile ? data.type || null : null)),
    encoder: textBytes(call, encoding),
  };
  const lines = headerBytes(headers);
  const path = file === null ? null : pathBytes(call, file);
  const content = data instanceof Blob || data === null
    ? data
    : argumentBytes(call, `${TEXT} or a Blob`, data);
  const node = ownNode(mime);
  if (texts.encoder !== null) check(mimeCheck(Text.encoder, texts.encoder));
  if (path !== null) check(mimeCheck(Text.filedata, path));
  const part = mime.addpart();
  const { part: place } = placeOf(part);
  if (content !== null) part.data(content);
  if (path !== null) node.setText(place, "filedata", path);
  for (const [what, text] of Object.entries(texts)) {
    if (text !== null) node.setText(place, what as PartText, text);
  }
  if (lines.length > 0) node.setHeaders(place, lines);
  return part;
}

/** An entry of a form, sent as fetch sends it. */
function addEntry(
  mime: CurlMime,
  name: string,
  value: FormDataEntryValue,
): void {
  if (typeof value === "string") {
    mime.addField(withLineEnds(name), withLineEnds(value));
  } else {
    mime.addField(withLineEnds(name), value, {
      contentType: value.type || "application/octet-stream",
    });
  }
}

function withLineEnds(text: string): string {
  return text.replace(/\r\n|\r|\n/g, "\r\n");
}
