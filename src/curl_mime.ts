/**
 * Bodies of several parts, as forms and mails have them.
 *
 * @module
 */

import { type CurlMimePart, partAt } from "./curl_mime_part.ts";
import { stateError } from "./errors.ts";
import { Text } from "./ffi/mime_call.ts";
import {
  checkOptions,
  headerLines,
  packed,
  pathBytes,
  TEXT,
  textBytes,
} from "./mime_arguments.ts";
import { keepNode, MimeNode, type MimeTarget, nodeOf } from "./mime_tree.ts";
import { MIMEPOST } from "./tables/constants.ts";
import type { CurlLike } from "./types.ts";
import { argumentBytes, wrongArgument, wrongType } from "./values.ts";

/**
 * What a new part is, beside its name and content.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const options: curl.MimePartOptions = {
 *   filename: "notes.txt",
 *   contentType: "text/plain",
 *   headers: ["X-Language: en"],
 * };
 * using c = new curl.Curl();
 * using mime = new curl.CurlMime(c);
 * mime.addField("notes", "hello", options);
 * ```
 */
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

/**
 * What a part that has parts itself is.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const options: curl.MimeMultipartOptions = { subtype: "alternative" };
 * using c = new curl.Curl();
 * using mime = new curl.CurlMime(c);
 * const forms = mime.addMultipart(options);
 * forms.add({ data: "hello" });
 * forms.add({ data: "<p>hello", contentType: "text/html" });
 * ```
 */
export interface MimeMultipartOptions {
  /** Its name. */
  name?: string | Uint8Array | null;
  /** What follows `multipart/` in its type; null leaves the type to libcurl. */
  subtype?: string | null;
}

type FindTarget = (curl: object) => MimeTarget | undefined;

let find: FindTarget = () => undefined;

/** Says how the target of a Curl is found, on which its mimes are made. */
export function introduce(findTarget: FindTarget): void {
  find = findTarget;
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
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * using mime = new curl.CurlMime(c);
   * mime.addField("name", "value");
   * ```
   */
  constructor(curl: CurlLike) {
    // One that is made already, which nobody outside can have.
    const node: unknown = curl;
    const isMade = node instanceof MimeNode;
    keepNode(this, isMade ? node : new MimeNode(targetOf(curl), curl, false));
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
    orClose(mime, () => addEntries(mime, formData));
    return mime;
  }

  /**
   * Whether it was closed, or its Curl was.
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
    return partAt(node, node.addPart());
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
    const bytes = textBytes("addMultipart()", name);
    if (subtype !== null && typeof subtype !== "string") {
      throw wrongArgument("addMultipart()", "a string as subtype", subtype);
    }
    const type = textBytes(
      "addMultipart()",
      subtype === null ? null : `multipart/${subtype}`,
    );
    const texts = packed([[Text.name, bytes], [Text.type, type]]);
    return mimeOf(ownNode(this).addChild(texts));
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

  /**
   * Closes it.
   *
   * @example
   * ```ts
   * import * as curl from "@denocurl/curl";
   *
   * using c = new curl.Curl();
   * {
   *   using mime = new curl.CurlMime(c);
   *   mime.addpart().data("hello");
   * } // It is closed here.
   * ```
   */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** Sets MIMEPOST; throws what `Curl.setopt` does. */
export function setMime(target: MimeTarget, value: unknown): void {
  if (value instanceof FormData) {
    return send(target, (mime) => addEntries(mime, value));
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
  fill: (mime: CurlMime) => void,
): void {
  const node = new MimeNode(target, undefined, true);
  const mime = mimeOf(node);
  orClose(mime, () => {
    fill(mime);
    node.send();
  });
}

function mimeOf(node: MimeNode): CurlMime {
  return Reflect.construct(CurlMime, [node]);
}

/** Does something with a mime that nobody else has, or closes it. */
function orClose(mime: CurlMime, act: () => void): void {
  try {
    act();
  } catch (error) {
    try {
      mime.close();
    } catch {
      // A transfer of another Worker's has the handle: it goes with its object.
    }
    throw error;
  }
}

function targetOf(curl: unknown): MimeTarget {
  const isObject = typeof curl === "object" && curl !== null;
  const target = isObject ? find(curl) : undefined;
  if (target === undefined) throw wrongArgument("CurlMime", "a Curl", curl);
  return target;
}

function ownNode(mime: CurlMime): MimeNode {
  return nodeOf(mime)!;
}

function isCurlClosed(node: MimeNode): boolean {
  const owner = node.owner as { readonly closed: boolean } | undefined;
  return owner?.closed ?? false;
}

/** Adds a part by one call, which adds all of it or nothing. */
export function add(
  mime: CurlMime,
  call: string,
  options: MimePartOptions & { name?: unknown; data?: unknown; file?: unknown },
): CurlMimePart {
  checkOptions(call, options);
  const { name = null, data = null, file = null, headers = null } = options;
  const { filename, contentType, encoder = null } = options;
  if (data !== null && file !== null) {
    throw new TypeError(`${call} accepts at most one of data or file`);
  }
  const isFile = data instanceof File;
  const texts = packed([
    // It sets the filename, too.
    [Text.filedata, file === null ? null : pathBytes(call, file)],
    [Text.name, textBytes(call, name)],
    [
      Text.filename,
      textBytes(call, filename ?? (isFile ? data.name : null)),
    ],
    [
      Text.type,
      textBytes(call, contentType ?? (isFile ? data.type || null : null)),
    ],
    [Text.encoder, textBytes(call, encoder)],
    ...headerLines(headers),
  ]);
  const content = data instanceof Blob || data === null
    ? data
    : argumentBytes(call, `${TEXT} or a Blob`, data);
  const node = ownNode(mime);
  return partAt(node, node.addPart(texts, content));
}

/** Those of a form, sent as fetch sends them. */
function addEntries(mime: CurlMime, formData: FormData): void {
  for (const [name, value] of formData) {
    if (typeof value === "string") {
      mime.addField(withLineEnds(name), withLineEnds(value));
    } else {
      mime.addField(withLineEnds(name), value, {
        contentType: value.type || "application/octet-stream",
      });
    }
  }
}

function withLineEnds(text: string): string {
  return text.replace(/\r\n|\r|\n/g, "\r\n");
}
