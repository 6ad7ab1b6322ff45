/**
 * Where the native library is, and opening it: once in each isolate, at the
 * first use.
 *
 * @module
 */

import { filePath } from "../file_path.ts";
import { text } from "./buffers.ts";
import { checkElf } from "./elf.ts";
import { type Packaged, packaged } from "./platform.ts";
import { RELEASE } from "./release.ts";
import { symbols } from "./symbols.ts";

type Groups = typeof symbols;
type FunctionsOf<Name extends keyof Groups> = Deno.DynamicLibrary<
  Groups[Name]
>["symbols"];

/** The functions of the opened library. */
export type Native = {
  [Name in keyof Groups]: (functions: FunctionsOf<Name>) => void;
}[keyof Groups] extends (functions: infer All) => void ? All : never;

/** The environment variable that names the library. */
const VARIABLE = "DENOCURL_LIBRARY";

/** Which release a library is of; the same in all releases. */
const asked = symbols.release;
const WANTED = `@denocurl/curl ${RELEASE}`;

/** One group, and what is found, whatever it is called with. */
type Group = Record<string, Deno.ForeignFunction>;
// deno-lint-ignore no-explicit-any
type Functions = Record<string, (...args: any[]) => any>;

/** So many calls are enough to make machine code for. */
const SOME = 8;
/** A struct that nobody looks at. */
const SPARE = new Uint8Array(1);

let native: Native | undefined;
let chosen: string | undefined;

/** A place to look for the library. */
interface Place {
  /** The file, or what stands for it if there is none. */
  readonly path: string;
  /** Who named it. */
  readonly from: string;
  /** Why it need not be tried. */
  readonly problem?: string;
  /** What puts the library there. */
  readonly remedy?: string;
}

/** The library's functions; opens it if need be. */
export function library(): Native {
  return native ??= open(places());
}

/**
 * Names the file of the native library, before anything else is used in this
 * isolate. Without it, the library is the one that the environment variable
 * `DENOCURL_LIBRARY` names, if reading it is permitted, or else the one in the
 * npm package for this kind of machine, which comes with the module. It must be
 * of the same release as the module.
 *
 * @param path the library's file
 * @throws {TypeError} if it is no path and no file: URL
 * @throws {Error} if the library has been opened already
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * // The file is opened when it is needed.
 * curl.setLibraryPath("/opt/denocurl/libdenocurl.so");
 * ```
 */
export function setLibraryPath(path: string | URL): void {
  if (native !== undefined) {
    throw new Error(
      "The native library is open already: name it before the first use",
    );
  }
  const file = path instanceof URL && path.protocol === "file:"
    ? filePath(path)
    : path;
  if (typeof file !== "string" || file === "" || file.includes("\0")) {
    throw new TypeError(
      `setLibraryPath() takes the path of a file or a file: URL, not "${path}"`,
    );
  }
  chosen = file;
}

function places(): Place[] {
  if (chosen !== undefined) {
    return [{ path: chosen, from: "setLibraryPath()" }];
  }
  const named = variable();
  return named ? [{ path: named, from: VARIABLE }] : ownPlaces();
}

/** Where it is when nobody has named a file. */
function ownPlaces(): Place[] {
  return [...platformPackage(packaged), ...localBuild()];
}

function platformPackage(found: Packaged | undefined): Place[] {
  if (found === undefined) return [];
  const { platform, name = "@denocurl/native", url } = found;
  const none = found.name === undefined;
  const missing = none
    ? `there is none for ${platform}`
    : "it is not installed";
  const specifier = `npm:${name}@${RELEASE}`;
  return [{
    path: url === undefined ? specifier : filePath(new URL(url)),
    from: "the platform package",
    problem: url === undefined ? missing : undefined,
    remedy: none
      ? "build it from the module's source"
      : `fetch ${specifier} anew by \`deno install --reload\``,
  }];
}

function localBuild(): Place[] {
  const file = new URL(
    `../../shim/target/release/${fileName()}`,
    import.meta.url,
  );
  return file.protocol === "file:"
    ? [{
      path: filePath(file),
      from: "the local build",
      remedy: "build it with `deno task build` in the module's folder",
    }]
    : [];
}

/** Asks for no permission: it is read only if that is granted already. */
function variable(): string | undefined {
  const query = { name: "env", variable: VARIABLE } as const;
  return Deno.permissions.querySync(query).state === "granted"
    ? Deno.env.get(VARIABLE)
    : undefined;
}

function fileName(): string {
  switch (Deno.build.os) {
    case "windows":
      return "denocurl.dll";
    case "darwin":
      return "libdenocurl.dylib";
    default:
      return "libdenocurl.so";
  }
}

function open(places: Place[]): Native {
  const tried: Failure[] = [];
  for (const place of places) {
    try {
      if (place.problem !== undefined) throw new Error(place.problem);
      checkElf(place.path);
      checkRelease(place.path);
      const opened = lookedUpLate(place.path);
      begin(opened, place.path);
      return opened;
    } catch (error) {
      tried.push({ place, error: error as Error });
    }
  }
  throw unavailable(tried);
}

/**
 * Functions are looked up at the first call, all of that group: what was begun
 * can be finished, whatever becomes of the permission.
 */
function lookedUpLate(path: string): Native {
  const native: Functions = {};
  for (const group of Object.values(symbols)) {
    for (const name of Object.keys(group)) {
      native[name] = (...args) => {
        lookUp(path, group, native);
        return native[name](...args);
      };
    }
  }
  return native as unknown as Native;
}

/**
 * The runtime makes machine code to call a function by, which takes it some 0.2
 * ms; but not for one that takes a struct. So until a function has been called
 * some times, it is one that does, behind its own parameters: that changes
 * nothing for it, as callers clear the stack by all conventions there are.
 */
function lookUp(path: string, group: Group, native: Functions): void {
  const found = Deno.dlopen(path, slowed(group)).symbols as Functions;
  for (const [name, symbol] of Object.entries(group)) {
    if (symbol.nonblocking) {
      native[name] = found[name];
      continue;
    }
    let calls = 0;
    native[name] = (...args) => {
      if (++calls === SOME) quicken(path, name, symbol, native);
      return found[name](...args, SPARE);
    };
  }
}

function slowed(group: Group): Group {
  const entries = Object.entries(group).map(([name, symbol]) => [
    name,
    symbol.nonblocking
      ? symbol
      : { ...symbol, parameters: [...symbol.parameters, { struct: ["u8"] }] },
  ]);
  return Object.fromEntries(entries);
}

function quicken(
  path: string,
  name: string,
  symbol: Deno.ForeignFunction,
  native: Functions,
): void {
  try {
    native[name] = Deno.dlopen(path, { [name]: symbol }).symbols[name];
  } catch {
    // It may not be permitted any more; it goes on as it is.
  }
}

/**
 * Another release may have other functions, or the same with other parameters,
 * so it is asked for nothing but its name.
 */
function checkRelease(path: string): void {
  const { shim_release } = Deno.dlopen(path, slowed(asked))
    .symbols as Functions;
  const found = text((room) => shim_release(room, room.length, SPARE));
  if (found !== WANTED) {
    throw new Error(`the file is of ${found}, this module of ${WANTED}`);
  }
}

/**
 * Tells the library of this isolate, once even if the module was loaded twice:
 * runtimes reuse the thread of an isolate that has ended.
 */
function begin(opened: Native, path: string): void {
  const mark = Symbol.for(`denocurl:${path}`);
  if (mark in globalThis) return;
  Object.defineProperty(globalThis, mark, { value: true });
  opened.shim_begin();
}

/** A place that was tried, and what came of it. */
interface Failure {
  readonly place: Place;
  readonly error: Error;
}

function unavailable(tried: Failure[]): Error {
  const lines = tried.map(({ place, error }) =>
    `  ${place.path} (${place.from}): ${error.message}`
  );
  const denied = tried.find(({ error }) =>
    error instanceof Deno.errors.NotCapable
  );
  const message = [
    `The native library of ${WANTED} can't be opened. Tried:`,
    ...(lines.length > 0 ? lines : ["  no place: the module is not on disk"]),
    `To mend it, ${denied ? permission(denied) : remedies()}.`,
  ].join("\n");
  const cause = tried.map(({ error }) => error);
  return denied
    ? new Deno.errors.NotCapable(message, { cause })
    : new Error(message, { cause });
}

function permission({ place }: Failure): string {
  return `allow it with --allow-ffi=${place.path}`;
}

function remedies(): string {
  return [
    ...ownPlaces().flatMap(({ remedy }) => remedy ?? []),
    `name its file by ${VARIABLE} or setLibraryPath()`,
  ].join(", or ");
}
