/**
 * The parts of a mime.
 *
 * @module
 */

import {
  headerLines,
  packed,
  pathBytes,
  sizeOf,
  textBytes,
  UNKNOWN,
} from "./mime_arguments.ts";
import { BlobSource, CallbackSource } from "./mime_sources.ts";
import { type MimeNode, nodeOf } from "./mime_tree.ts";
import type {
  CurlMimeLike,
  MimeFreeCallback,
  MimeReadCallback,
  MimeSeekCallback,
} from "./types.ts";
import { argumentBytes, wrongArgument } from "./values.ts";

/**
 * The functions of `dataCb()` besides the one that reads, and their data.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const options: curl.MimeDataOptions<{ at: number }> = {
 *   userdata: { at: 0 },
 *   seek: (state, offset) => {
 *     state.at = offset;
 *   },
 * };
 * const bytes = new Uint8Array(1000);
 * using c = new curl.Curl();
 * using mime = new curl.CurlMime(c);
 * mime.addpart().dataCb(bytes.length, (state, size) => {
 *   return bytes.subarray(state.at, state.at += size);
 * }, options);
 * ```
 */
export interface MimeDataOptions<U = undefined> {
  /** Goes back to the start when the part has to be sent again. */
  seek?: MimeSeekCallback<U> | null;
  /** Hears that none of the functions is called any more. */
  free?: MimeFreeCallback<U> | null;
  /** What each of them gets first. */
  userdata?: U;
}

/** Where a part is, by which nobody else can make one. */
interface Place {
  /** Its mime. */
  readonly node: MimeNode;
  /** Its place in there. */
  readonly part: number;
}

const places = new WeakMap<CurlMimePart, Place>();

/**
 * One part of a `CurlMime`; `addpart()` makes it.
 *
 * @see {@link https://curl.se/libcurl/c/curl_mime_addpart.html}
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * using c = new curl.Curl();
 * using mime = new curl.CurlMime(c);
 * const part: curl.CurlMimePart = mime.addpart();
 * part.name("greeting");
 * part.data("hello");
 * ```
 */
export class CurlMimePart {
  /**
   * Parts are made by `CurlMime.addpart()`.
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * using mime = new curl.CurlMime(c);
   * console.log(mime.addpart() instanceof curl.CurlMimePart); // true
   * ```
   */
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
    node.setHeaders(part, packed(headerLines(headers)));
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
  subparts(mime: CurlMimeLike): void {
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

/** The part at a place of a mime. */
export function partAt(node: MimeNode, part: number): CurlMimePart {
  return Reflect.construct(CurlMimePart, [new Placed(node, part)]);
}

function placeOf(part: CurlMimePart): Place {
  return places.get(part)!;
}

function setText(
  target: CurlMimePart,
  what: "name" | "filename" | "type" | "encoder",
  value: string | Uint8Array | null,
): void {
  const { node, part } = placeOf(target);
  node.setText(part, what, textBytes(`${what}()`, value));
}
