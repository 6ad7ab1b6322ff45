/**
 * Reads the structs, callback types and functions of libcurl's headers, and
 * lays structs out as the compilers of 64-bit systems do.
 *
 * @module
 */

/** A C type: what it is in the end, behind so many pointers. */
export interface CType {
  /** `char`, `unsigned int`, `curl_slist`, … */
  readonly base: string;
  /** Outermost last; true where what is pointed to is const. */
  readonly pointers: readonly boolean[];
  /** How many elements an array has. */
  readonly length?: number;
}

/** A named C type: a field or a parameter. */
export interface Declaration {
  readonly name: string;
  readonly type: CType;
  readonly bits?: number;
  /** The fields of a struct or union declared in place. */
  readonly inline?: Struct;
}

export interface Struct {
  readonly name: string;
  readonly union: boolean;
  readonly fields: readonly Declaration[];
}

export interface Signature {
  readonly name: string;
  readonly result: CType;
  readonly parameters: readonly Declaration[];
  readonly variadic: boolean;
}

/** All declarations of the headers. */
export interface Declarations {
  readonly structs: readonly Struct[];
  readonly callbacks: readonly Signature[];
  readonly functions: readonly Signature[];
  /** Types that are only ever pointed to. */
  readonly opaque: readonly string[];
  /** Names of the enums. */
  readonly enums: readonly string[];
}

const ARITHMETIC = new Set(["unsigned", "char", "short", "int", "long"]);

function readType(text: string): { type: CType; name: string } {
  const words = text.match(/\w+|\*|\[\s*\d*\s*\]/g) ?? [];
  const base: string[] = [];
  const pointers: boolean[] = [];
  let constant = false;
  let name = "";
  let length: number | undefined;
  for (const word of words) {
    if (word === "const") {
      constant = true;
    } else if (word === "*") {
      pointers.push(constant);
      constant = false;
    } else if (word.startsWith("[")) {
      const count = word.replace(/\D/g, "");
      if (count === "") pointers.push(constant);
      else length = Number(count);
    } else if (word === "struct" || word === "enum") {
      continue;
    } else if (
      pointers.length === 0 &&
      (base.length === 0 || base.every((part) => ARITHMETIC.has(part)) &&
          ARITHMETIC.has(word))
    ) {
      base.push(word);
    } else {
      name = word;
    }
  }
  // `long int` is `long`.
  const spelled = base.join(" ").replace(/\b(long|short) int$/, "$1");
  return { type: { base: spelled, pointers, length }, name };
}

function readSignature(
  name: string,
  result: string,
  parameters: string,
): Signature {
  const texts = parameters.split(",").map((text) => text.trim());
  const variadic = texts.at(-1) === "...";
  if (variadic || texts.at(-1) === "void") texts.pop();
  return {
    name,
    variadic,
    result: readType(result).type,
    parameters: texts.map((text, at) => {
      const { type, name } = readType(text);
      return { type, name: name === "" ? `arg${at}` : name };
    }),
  };
}

/** The text between the brace at `open` and the one that closes it. */
function bracedText(code: string, open: number): string {
  let depth = 0;
  for (let at = open; at < code.length; at++) {
    if (code[at] === "{") depth++;
    if (code[at] === "}" && --depth === 0) return code.slice(open + 1, at);
  }
  throw new SyntaxError("A brace is not closed");
}

function readStruct(name: string, union: boolean, body: string): Struct {
  const fields: Declaration[] = [];
  const inline = /\b(struct|union)\s*\{/g;
  let rest = body;
  for (let found; (found = inline.exec(rest)) !== null;) {
    const open = found.index + found[0].length - 1;
    const inner = bracedText(rest, open);
    const after = open + inner.length + 2;
    const tail = /^\s*(\w+)\s*;/.exec(rest.slice(after));
    if (tail === null) throw new SyntaxError(`${name}: field without a name`);
    const part = readStruct(`${name}_${tail[1]}`, found[1] === "union", inner);
    fields.push(...readFields(rest.slice(0, found.index)), {
      name: tail[1],
      type: { base: part.name, pointers: [] },
      inline: part,
    });
    rest = rest.slice(after + tail[0].length);
    inline.lastIndex = 0;
  }
  fields.push(...readFields(rest));
  return { name, union, fields };
}

function readFields(text: string): Declaration[] {
  return text.split(";").map((part) => part.trim()).filter((part) =>
    part !== ""
  ).map((part) => {
    const [declaration, bits] = part.split(":");
    const { type, name } = readType(declaration);
    return { name, type, bits: bits === undefined ? undefined : Number(bits) };
  });
}

/** Reads the declarations of {@linkcode Headers.code}. */
export function readDeclarations(code: string): Declarations {
  const plain = code.replace(/CURL_DEPRECATED\([^()]*\)/g, "");
  const structs: Struct[] = [];
  for (const found of plain.matchAll(/(?:^|\n)\s*struct\s+(\w+)\s*\{/g)) {
    const body = bracedText(plain, found.index + found[0].length - 1);
    structs.push(readStruct(found[1], false, body));
  }
  const callbacks: Signature[] = [];
  const typedefs =
    /typedef\s+([\w\s*]+?)\s*(?:\(\s*\*\s*(\w+)\s*\)|(\bcurl_\w+_cb))\s*\(([^()]*)\)\s*;/g;
  for (
    const [, result, pointer, plainName, parameters] of plain.matchAll(typedefs)
  ) {
    callbacks.push(readSignature(pointer ?? plainName, result, parameters));
  }
  const functions: Signature[] = [];
  const prototypes =
    /CURL_EXTERN\s+([\w\s*]+?)\b(curl_\w+)\s*\(([^()]*)\)\s*;/g;
  for (const [, result, name, parameters] of plain.matchAll(prototypes)) {
    functions.push(readSignature(name, result, parameters));
  }
  const known = new Set(structs.map((struct) => struct.name));
  const opaque = new Set(["fd_set"]);
  for (const [, name] of plain.matchAll(/struct\s+(curl_\w+)/g)) {
    if (!known.has(name)) opaque.add(name);
  }
  const hidden = /typedef\s+(?:void|struct\s+\w+)\s+(\w+)\s*;/g;
  for (const [, name] of plain.matchAll(hidden)) {
    if (!known.has(name)) opaque.add(name);
  }
  const enums = new Set<string>();
  const bodies = /enum\s*(\w+)?\s*\{[^}]*\}\s*(\w+)?\s*;/g;
  for (const [, tag, typedef] of plain.matchAll(bodies)) {
    enums.add(typedef ?? tag);
  }
  return {
    structs,
    callbacks,
    functions,
    opaque: [...opaque].sort(),
    enums: [...enums].sort(),
  };
}

/** Where a struct's fields are, in bytes. */
export interface Layout {
  readonly size: number;
  readonly align: number;
  /** By the path of the field, such as `strings.time`. */
  readonly offsets: ReadonlyMap<string, number>;
}

/** What differs between the compilers of 64-bit systems, in bytes. */
export interface DataModel {
  readonly long: number;
  readonly socket: number;
  /** What a lone bit-field before a `char` takes. */
  readonly bits: number;
}

/** Every Unix. */
export const LP64: DataModel = { long: 8, socket: 4, bits: 1 };

/** Windows, for all its compilers: a socket is a handle there. */
export const LLP64: DataModel = { long: 4, socket: 8, bits: 4 };

function sizesIn(model: DataModel): Record<string, number> {
  return {
    "char": 1,
    "unsigned char": 1,
    "short": 2,
    "int": 4,
    "unsigned int": 4,
    "long": model.long,
    "unsigned long": model.long,
    "double": 8,
    "size_t": 8,
    "time_t": 8,
    "curl_off_t": 8,
    "curl_socket_t": model.socket,
  };
}

/** Lays a struct out as a compiler of that model does. */
export function layOut(
  struct: Struct,
  declared: Declarations,
  model: DataModel,
): Layout {
  const enums = new Set(declared.enums);
  const sizes = sizesIn(model);
  const measure = (field: Declaration): { size: number; align: number } => {
    const { base, pointers, length = 1 } = field.type;
    if (pointers.length > 0) return { size: 8 * length, align: 8 };
    if (field.inline !== undefined) {
      return layOut(field.inline, declared, model);
    }
    if (base === "sockaddr") return { size: 16, align: 2 };
    if (field.bits !== undefined) {
      return { size: model.bits, align: model.bits };
    }
    const size = enums.has(base) ? 4 : sizes[base];
    if (size === undefined) throw new TypeError(`Size of "${base}" unknown`);
    return { size: size * length, align: size };
  };
  const offsets = new Map<string, number>();
  let size = 0;
  let align = 1;
  let bits = false;
  for (const field of struct.fields) {
    const part = measure(field);
    const start = struct.union ? 0 : Math.ceil(size / part.align) * part.align;
    offsets.set(field.name, start);
    if (field.inline !== undefined) {
      const inner = layOut(field.inline, declared, model);
      for (const [name, offset] of inner.offsets) {
        offsets.set(`${field.name}.${name}`, start + offset);
      }
    }
    size = Math.max(size, start + part.size);
    align = Math.max(align, part.align);
    bits ||= field.bits !== undefined;
  }
  // A bit-field of `unsigned int` aligns its struct like one.
  if (bits) align = Math.max(align, 4);
  return { size: Math.ceil(size / align) * align, align, offsets };
}
