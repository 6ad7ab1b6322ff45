/**
 * HTTPPOST: PycURL's list of a form's fields, sent as mime parts.
 *
 * @module
 */

import { add, type CurlMime, send } from "./curl_mime.ts";
import type { MimeTarget } from "./mime_tree.ts";
import {
  FORM_BUFFER,
  FORM_BUFFERPTR,
  FORM_CONTENTS,
  FORM_CONTENTTYPE,
  FORM_FILE,
  FORM_FILENAME,
  HTTPPOST,
} from "./tables/constants.ts";
import { wrongType } from "./values.ts";

type Text = string | Uint8Array;

/** A field, or one of the files of a field. */
interface Piece {
  contents?: Text;
  file?: Text;
  buffer?: Text;
  filename?: Text;
  type?: Text;
}

interface Field {
  readonly name: Text;
  readonly pieces: readonly Piece[];
}

const decoder = new TextDecoder();

/** What libcurl's forms take the types of files from. */
const TYPES: readonly [extension: string, type: string][] = [
  [".gif", "image/gif"],
  [".jpg", "image/jpeg"],
  [".jpeg", "image/jpeg"],
  [".png", "image/png"],
  [".svg", "image/svg+xml"],
  [".txt", "text/plain"],
  [".htm", "text/html"],
  [".html", "text/html"],
  [".pdf", "application/pdf"],
  [".xml", "application/xml"],
];

/** Sets HTTPPOST; throws what `Curl.setopt` does. */
export function setForm(target: MimeTarget, value: unknown): void {
  const isList = typeof value === "object" && value !== null &&
    Symbol.iterator in value && !ArrayBuffer.isView(value);
  if (!isList) {
    throw wrongType(HTTPPOST, "an iterable of [name, value] arrays", value);
  }
  const fields = Array.from(value as Iterable<unknown>, fieldOf);
  // PycURL leaves everything as it is.
  if (fields.length === 0) return;
  send(target, (mime) => {
    for (const field of fields) addField(mime, field);
  });
}

function wrongField(index: number, what: string): TypeError {
  return new TypeError(`HTTPPOST: item ${index} ${what}`);
}

function fieldOf(item: unknown, index: number): Field {
  if (!Array.isArray(item) || item.length !== 2) {
    throw wrongField(index, "must be an array of two elements (name, value)");
  }
  const [name, value] = item;
  if (!isText(name)) {
    throw wrongField(index, "must have a string or a Uint8Array as its name");
  }
  if (isText(value)) return { name, pieces: [{ contents: value }] };
  if (!Array.isArray(value)) {
    throw wrongField(
      index,
      "must have a string, a Uint8Array or an array of FORM_* constants and " +
        "values as its value",
    );
  }
  if (value.length === 0 || value.length % 2 !== 0) {
    throw wrongField(index, "must have a value for each FORM_* constant");
  }
  return { name, pieces: piecesOf(value, index) };
}

function isText(value: unknown): value is Text {
  return typeof value === "string" || value instanceof Uint8Array;
}

/** As curl_formadd() reads it: another file begins where one is described. */
function piecesOf(list: readonly unknown[], index: number): Piece[] {
  let piece: Piece = {};
  const pieces = [piece];
  const isFull = (key: keyof Piece) => {
    if (piece[key] === undefined) return;
    if (piece.file === undefined) {
      throw wrongField(index, `has one of its FORM_* constants twice`);
    }
    piece = {};
    pieces.push(piece);
  };
  for (let at = 0; at < list.length; at += 2) {
    const [option, value] = [list[at], list[at + 1]];
    if (!isText(value)) {
      throw wrongField(index, "must have strings and Uint8Arrays as values");
    }
    switch (option) {
      case FORM_CONTENTS:
        setOnce(piece, "contents", value, index);
        break;
      case FORM_FILE:
        isFull("file");
        setOnce(piece, "file", value, index);
        break;
      case FORM_BUFFERPTR:
        setOnce(piece, "buffer", value, index);
        break;
      case FORM_CONTENTTYPE:
        isFull("type");
        setOnce(piece, "type", value, index);
        break;
      // Those two say the same.
      case FORM_FILENAME:
      case FORM_BUFFER:
        setOnce(piece, "filename", value, index);
        break;
      default:
        throw wrongField(index, `has the unsupported option ${option}`);
    }
  }
  for (const { contents, file, buffer } of pieces) {
    const given = [contents, file, buffer].filter((text) => text !== undefined);
    if (given.length !== 1) {
      throw wrongField(
        index,
        "must have one of FORM_CONTENTS, FORM_FILE and FORM_BUFFERPTR",
      );
    }
  }
  return pieces;
}

function setOnce(
  piece: Piece,
  key: keyof Piece,
  value: Text,
  index: number,
): void {
  if (piece[key] !== undefined) {
    throw wrongField(index, "has one of its FORM_* constants twice");
  }
  piece[key] = value;
}

function addField(mime: CurlMime, { name, pieces }: Field): void {
  const several = pieces.length > 1;
  const parent = several ? mime.addMultipart({ name, subtype: null }) : mime;
  let before: Text | undefined;
  for (const { contents, file, buffer, filename, type } of pieces) {
    const isFile = file !== undefined || buffer !== undefined;
    const hint = file ?? filename ?? "";
    const given = type ??
      (isFile
        ? typeOf(hint) ?? before ?? "application/octet-stream"
        : undefined);
    add(parent, "HTTPPOST", {
      name: several ? null : name,
      file,
      data: file === undefined ? buffer ?? contents : null,
      contentType: given,
      // libcurl's forms give all of several files the first one's.
      filename: isFile || several ? filename : null,
    });
    before = given ?? before;
  }
}

function typeOf(name: Text): string | undefined {
  const text = typeof name === "string" ? name : decoder.decode(name);
  const lower = text.toLowerCase();
  return TYPES.find(([extension]) => lower.endsWith(extension))?.[1];
}
