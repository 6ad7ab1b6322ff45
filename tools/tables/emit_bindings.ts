/**
 * Writes libcurl's headers in Rust, `shim/src/sys/bindings.rs`, and what checks
 * them, `shim/native/constants_check.c`.
 *
 * @module
 */

import {
  type CType,
  type DataModel,
  type Declaration,
  type Declarations,
  layOut,
  LLP64,
  LP64,
  type Signature,
  type Struct,
} from "./declaration.ts";
import type { Constant, Headers } from "./header.ts";

const RUST_TYPES: Record<string, string> = {
  "char": "c_char",
  "unsigned char": "c_uchar",
  "short": "c_short",
  "int": "c_int",
  "unsigned int": "c_uint",
  "long": "c_long",
  "unsigned long": "c_ulong",
  "double": "f64",
  "size_t": "usize",
  "void": "c_void",
};

/** The type of a `#define`, by prefix: what the calls that take it want. */
const DEFINE_TYPES: [string, string][] = [
  ["CURL_WRITEFUNC_", "usize"],
  ["CURL_READFUNC_", "usize"],
  ["CURL_CHUNK_", "c_long"],
  ["CURL_GLOBAL_", "c_long"],
  ["CURL_BLOB_", "c_uint"],
  ["CURLFINFOFLAG_", "c_uint"],
  ["CURLH_", "c_uint"],
  ["CURLU_", "c_uint"],
  ["CURLWS_", "c_uint"],
  ["CURLMNOTIFY_", "c_uint"],
  ["CURLAUTH_", "c_ulong"],
  ["CURLSSH_AUTH_", "c_ulong"],
  ["CURLPROTO_", "c_ulong"],
  ["CURLINFO_", "CURLINFO"],
  ["CURLOPTTYPE_", "CURLoption"],
  ["CURLOPT_", "CURLoption"],
  ["CURLE_", "CURLcode"],
  ["CURL_SOCKET_", "curl_socket_t"],
  ["CURL_ZERO_TERMINATED", "usize"],
  ["LIBCURL_VERSION_", "c_uint"],
  ["CURL_ERROR_SIZE", "usize"],
];

/** `#define`s without such a prefix are flags and sizes of type int or long. */
function constantType(constant: Constant): string {
  if (constant.enumeration !== undefined) return constant.enumeration;
  const found = DEFINE_TYPES.find(([prefix]) =>
    constant.name.startsWith(prefix)
  );
  return found?.[1] ?? "c_int";
}

function valueText({ name, value }: Constant, type: string): string {
  if (name === "CURL_ZERO_TERMINATED") return "usize::MAX";
  // Windows has unsigned ones.
  return type === "curl_socket_t" ? `${value}_i32 as ${type}` : `${value}`;
}

const KEYWORDS = new Set(["type", "match", "move", "ref", "in"]);
const identifier = (name: string) => KEYWORDS.has(name) ? `r#${name}` : name;

function rustType({ base, pointers, length }: CType): string {
  let type = RUST_TYPES[base] ?? base;
  // A callback that is passed is a nullable function pointer already.
  if (base === "curl_ssls_export_cb") return type;
  for (const constant of pointers) {
    type = `*${constant ? "const" : "mut"} ${type}`;
  }
  return length === undefined ? type : `[${type}; ${length}]`;
}

function parameters(signature: Signature): string {
  const list = signature.parameters.map(({ name, type }) =>
    `${identifier(name)}: ${rustType(type)}`
  );
  if (signature.variadic) list.push("...");
  return list.join(", ");
}

function result({ base, pointers }: CType): string {
  if (base === "void" && pointers.length === 0) return "";
  return ` -> ${rustType({ base, pointers })}`;
}

function field(declaration: Declaration): string {
  const name = identifier(declaration.name);
  if (declaration.bits === undefined) {
    return `pub ${name}: ${rustType(declaration.type)},`;
  }
  return `/// A bit-field of ${declaration.bits} in C: the lowest of this number.
    #[cfg(not(windows))]
    pub ${name}: u8,
    #[cfg(windows)]
    pub ${name}: c_uint,`;
}

function structText(struct: Struct): string {
  const inner = struct.fields.flatMap(({ inline }) =>
    inline === undefined ? [] : [structText(inline)]
  );
  const text = `#[repr(C)]
#[derive(Clone, Copy)]
pub ${struct.union ? "union" : "struct"} ${struct.name} {
    ${struct.fields.map(field).join("\n    ")}
}`;
  return [...inner, text].join("\n\n");
}

function layoutText(
  struct: Struct,
  declarations: Declarations,
  model: DataModel,
): string {
  const { size, offsets } = layOut(struct, declarations, model);
  const lines = [`assert!(size_of::<${struct.name}>() == ${size});`];
  for (const [name, offset] of offsets) {
    const path = identifier(name);
    lines.push(`assert!(offset_of!(${struct.name}, ${path}) == ${offset});`);
  }
  return lines.join("\n    ");
}

const byName = (a: { name: string }, b: { name: string }) =>
  a.name < b.name ? -1 : 1;

const hasNegative = (constants: Constant[], name: string) =>
  constants.some((constant) =>
    constant.enumeration === name && constant.value < 0n
  );

/** The text of `bindings.rs`, before rustfmt. */
export function emitBindings(
  headers: Headers,
  declarations: Declarations,
): string {
  const constants = [...headers.constants.values()].sort(byName);
  const enums = declarations.enums.map((name) =>
    `pub type ${name} = ${hasNegative(constants, name) ? "c_int" : "c_uint"};`
  );
  const values = constants.map((constant) => {
    const type = constantType(constant);
    return `pub const ${constant.name}: ${type} = ${
      valueText(constant, type)
    };`;
  });
  const opaque = declarations.opaque.map((name) =>
    `#[repr(C)]
pub struct ${name} {
    private: [u8; 0],
}`
  );
  const structs = [...declarations.structs].sort(byName);
  const callbacks = [...declarations.callbacks].sort(byName).map((callback) =>
    `pub type ${callback.name} = Option<unsafe extern "C" fn(${
      parameters(callback)
    })${result(callback.result)}>;`
  );
  const functions = [...declarations.functions].sort(byName).map((signature) =>
    `pub fn ${signature.name}(${parameters(signature)})${
      result(signature.result)
    };`
  );
  const layoutsText = (systems: string, model: DataModel) =>
    `#[cfg(all(target_pointer_width = "64", ${systems}))]
const _: () = {
    use core::mem::offset_of;
    ${
      structs.map((struct) => layoutText(struct, declarations, model)).join(
        "\n    ",
      )
    }
};`;
  return `//! libcurl's constants, types and functions, from its headers.
//!
//! Generated by tools/gen_tables.ts; native/constants_check.c checks the
//! values and layouts against the headers that are compiled.

#![allow(
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    clippy::upper_case_acronyms,
    reason = "the names are libcurl's own"
)]
#![allow(dead_code, reason = "libcurl offers more than the shim calls")]

use core::ffi::{
    c_char, c_int, c_long, c_short, c_uchar, c_uint, c_ulong, c_void,
};

pub type curl_off_t = i64;
#[cfg(not(windows))]
pub type curl_socket_t = c_int;
#[cfg(windows)]
pub type curl_socket_t = usize;
pub type time_t = i64;

${enums.join("\n")}

${values.join("\n")}

/// Big enough for what \`curl_sockaddr\` declares; an address may be longer.
#[repr(C, align(2))]
#[derive(Clone, Copy)]
pub struct sockaddr {
    pub bytes: [u8; 16],
}

${opaque.join("\n\n")}

${structs.map(structText).join("\n\n")}

${callbacks.join("\n")}

unsafe extern "C" {
    ${functions.join("\n    ")}
}

${layoutsText("unix", LP64)}

${layoutsText("windows", LLP64)}
`;
}

function layoutCheck(
  struct: Struct,
  declarations: Declarations,
  model: DataModel,
): string {
  const { size, offsets } = layOut(struct, declarations, model);
  const type = `struct ${struct.name}`;
  const bits = new Set(
    struct.fields.filter(({ bits }) => bits !== undefined).map(({ name }) =>
      name
    ),
  );
  const lines = [
    `_Static_assert(sizeof(${type}) == ${size}, "${struct.name}");`,
  ];
  for (const [name, offset] of offsets) {
    if (bits.has(name)) continue;
    lines.push(
      `_Static_assert(offsetof(${type}, ${name}) == ${offset}, "${struct.name}.${name}");`,
    );
  }
  return lines.join("\n");
}

/** The text of `constants_check.c`. */
export function emitCheck(
  headers: Headers,
  declarations: Declarations,
): string {
  const constants = [...headers.constants.values()].sort(byName);
  const values = constants.map(({ name, value }) => {
    const expected = name === "CURL_ZERO_TERMINATED" ? "(size_t)-1" : value;
    return `_Static_assert(${name} == ${expected}, "${name}");`;
  });
  const layouts = (model: DataModel) =>
    [...declarations.structs].sort(byName).map((struct) =>
      layoutCheck(struct, declarations, model)
    ).join("\n");
  return `/* Compared with the headers that the library is built with.
 * Generated by tools/gen_tables.ts. */

#define CURL_DISABLE_DEPRECATION
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <stddef.h>

${values.join("\n")}

#if defined(__LP64__)
${layouts(LP64)}
#elif defined(_WIN64)
${layouts(LLP64)}
#endif
`;
}
