/**
 * What the tables say: libcurl's constants under PycURL's names, and the kind
 * of value that each option and info has.
 *
 * @module
 */

import type { Constant, Headers } from "./header.ts";

/** What no rule can tell: the content of `tools/names.json`. */
export interface Names {
  /** Prefix in C → prefix here; other prefixes only lose `CURL_` or `CURL`. */
  readonly prefixes: Readonly<Record<string, string>>;
  /** Prefix in C, its page of libcurl's manual, and what its members are. */
  readonly families: readonly (readonly [string, string, string])[];
  /** C name → name here, instead of the name by rule. */
  readonly renamed: Readonly<Record<string, string>>;
  /** Name here → C name, besides the name by rule. */
  readonly added: Readonly<Record<string, string>>;
  /** C names that `omitted` does not apply to. */
  readonly kept: readonly string[];
  /** Pattern of C names that are not exported, and why. */
  readonly omitted: readonly (readonly [string, string])[];
  /** Callback options in the order of their slots, with their types. */
  readonly callbacks: readonly (readonly [string, string])[];
  /** Kind → options that the headers declare as plain pointers. */
  readonly options: Readonly<Record<string, readonly string[]>>;
  /** Kind → infos that are not what their number says. */
  readonly infos: Readonly<Record<string, readonly string[]>>;
  /** Options that `unsetopt` accepts. */
  readonly unsettable: readonly string[];
  /** The number that unsets an option; a null pointer unsets the others. */
  readonly unsetNumbers: Readonly<Record<string, number>>;
  /** PycURL's name → the name here, where it is not the same in camelCase. */
  readonly equivalents: Readonly<Record<string, string>>;
  /** PycURL's constant → why its value is another. */
  readonly differing: Readonly<Record<string, string>>;
  /** PycURL's name → why it is missing. */
  readonly missing: Readonly<Record<string, string>>;
}

/** Reads `tools/names.json`. */
export function readNames(): Names {
  return JSON.parse(
    Deno.readTextFileSync(new URL("../names.json", import.meta.url)),
  );
}

/** The kinds of option values; the position is the code. */
export const OPTION_KINDS = [
  "unknown",
  "long",
  "offT",
  "string",
  "bytes",
  "list",
  "blob",
  "function",
  "share",
  "writer",
  "reader",
  "private",
  "url",
  "mime",
  "form",
  "unsupported",
] as const;

/** The kinds of info values; 1 to 6 are libcurl's own type numbers. */
export const INFO_KINDS = [
  "unknown",
  "string",
  "long",
  "double",
  "list",
  "socket",
  "offT",
  "certinfo",
  "private",
  "unsupported",
] as const;

export type OptionKind = typeof OPTION_KINDS[number];
export type InfoKind = typeof INFO_KINDS[number];

/** One option of an easy handle. */
export interface Option {
  /** Without `CURLOPT_`. */
  readonly name: string;
  readonly number: number;
  readonly kind: OptionKind;
  /** Of a callback, from 1; else 0. */
  readonly slot: number;
  /** The type of a callback. */
  readonly callback?: string;
  readonly unsettable: boolean;
  readonly unsetNumber?: number;
}

/** One info of an easy handle. */
export interface Info {
  /** Without `CURLINFO_`. */
  readonly name: string;
  readonly number: number;
  readonly kind: InfoKind;
}

/** One exported constant. */
export interface Export {
  readonly name: string;
  readonly constant: Constant;
  readonly option?: Option;
  readonly info?: Info;
  /** Of a constant that is neither. */
  readonly family?: { readonly page: string; readonly about: string };
}

export interface Model {
  readonly options: readonly Option[];
  readonly infos: readonly Info[];
  readonly exports: readonly Export[];
}

const TYPE_KINDS: Record<string, OptionKind> = {
  CURLOPTTYPE_LONG: "long",
  CURLOPTTYPE_VALUES: "long",
  CURLOPTTYPE_OFF_T: "offT",
  CURLOPTTYPE_STRINGPOINT: "string",
  CURLOPTTYPE_SLISTPOINT: "list",
  CURLOPTTYPE_BLOB: "blob",
};

/** Where an option is in the tables. */
export const optionIndex = (option: number): number => option % 10000;

/** Where an info is: two infos may differ in their type alone. */
export const infoIndex = (info: number): number =>
  (info & 0xfffff) * 2 + (info >> 20 === 6 ? 1 : 0);

/** The inverse of a record of lists. */
function byMember<Kind extends string>(
  lists: Readonly<Record<string, readonly string[]>>,
  kinds: readonly Kind[],
): Map<string, Kind> {
  const found = new Map<string, Kind>();
  for (const [key, members] of Object.entries(lists)) {
    const kind = kinds.find((kind) => kind === key);
    if (kind === undefined) throw new TypeError(`No kind is called "${key}"`);
    for (const member of members) found.set(member, kind);
  }
  return found;
}

function readOptions(headers: Headers, names: Names): Option[] {
  const special = byMember(names.options, OPTION_KINDS);
  const slots = new Map(names.callbacks.map(([name], at) => [name, at + 1]));
  const unsettable = new Set(names.unsettable);
  const options: Option[] = [];
  for (
    const { name: cName, value, optionType, alias } of headers.constants
      .values()
  ) {
    if (optionType === undefined || alias !== undefined) continue;
    if (!cName.startsWith("CURLOPT_")) continue;
    const name = cName.slice("CURLOPT_".length);
    const slot = slots.get(name) ?? 0;
    const kind = slot > 0
      ? "function"
      : special.get(name) ?? TYPE_KINDS[optionType] ??
        (optionType === "CURLOPTTYPE_CBPOINT" ? "unsupported" : undefined);
    if (kind === undefined) throw new TypeError(`${cName} has no kind yet`);
    options.push({
      name,
      number: Number(value),
      kind,
      slot,
      callback: names.callbacks[slot - 1]?.[1],
      unsettable: unsettable.delete(name),
      unsetNumber: names.unsetNumbers[name],
    });
    slots.delete(name);
    special.delete(name);
  }
  for (const name of [...unsettable, ...slots.keys(), ...special.keys()]) {
    throw new TypeError(`libcurl has no option "${name}"`);
  }
  return options;
}

function readInfos(headers: Headers, names: Names, omits: Omits): Info[] {
  const special = byMember(names.infos, INFO_KINDS);
  const infos: Info[] = [];
  for (
    const { name: cName, value, enumeration, alias } of headers.constants
      .values()
  ) {
    if (enumeration !== "CURLINFO" || alias !== undefined) continue;
    if (omits(cName)) continue;
    const name = cName.slice("CURLINFO_".length);
    const number = Number(value);
    const kind = special.get(name) ?? INFO_KINDS[number >> 20];
    infos.push({ name, number, kind });
    special.delete(name);
  }
  for (const name of special.keys()) {
    throw new TypeError(`libcurl has no info "${name}"`);
  }
  return infos;
}

type Omits = (cName: string) => boolean;

function assertUnique(indices: number[], what: string): void {
  if (new Set(indices).size === indices.length) return;
  throw new RangeError(`Two ${what} share one place in the tables`);
}

function exportName(
  constant: Constant,
  headers: Headers,
  names: Names,
): string {
  const { name } = constant;
  if (name in names.renamed) return names.renamed[name];
  const option = name.replace(/^CURLINFO_/, "CURLOPT_");
  // PycURL tells an info from an option of the same name by INFO_.
  if (option !== name && headers.constants.has(option)) {
    return name.replace(/^CURL/, "");
  }
  const prefix = Object.keys(names.prefixes)
    .filter((prefix) => name.startsWith(prefix))
    .sort((a, b) => b.length - a.length)[0];
  if (prefix === undefined) return name.replace(/^CURL_?/, "");
  return names.prefixes[prefix] + name.slice(prefix.length);
}

/** Joins the headers with `names.json`; throws on whatever neither explains. */
export function buildModel(headers: Headers, names: Names): Model {
  const patterns = names.omitted.map(([pattern]) => new RegExp(pattern));
  const kept = new Set(names.kept);
  const omits: Omits = (cName) =>
    !kept.has(cName) && patterns.some((pattern) => pattern.test(cName));

  const options = readOptions(headers, names);
  const infos = readInfos(headers, names, omits);
  assertUnique(options.map(({ number }) => optionIndex(number)), "options");
  assertUnique(infos.map(({ number }) => infoIndex(number)), "infos");
  const optionOf = new Map(options.map((option) => [option.number, option]));
  const infoOf = new Map(infos.map((info) => [info.number, info]));
  const families = [...names.families].sort((a, b) =>
    b[0].length - a[0].length
  );

  const describe = (name: string, constant: Constant): Export => {
    if (
      constant.optionType !== undefined && constant.name.startsWith("CURLOPT_")
    ) {
      return { name, constant, option: optionOf.get(Number(constant.value)) };
    }
    const info = constant.enumeration === "CURLINFO"
      ? infoOf.get(Number(constant.value))
      : undefined;
    if (info !== undefined) return { name, constant, info };
    const family = families.find(([prefix]) =>
      constant.name.startsWith(prefix)
    );
    if (family === undefined) {
      throw new TypeError(`${constant.name} belongs to no family of names`);
    }
    const page = family[1] === "" ? constant.name : family[1];
    return { name, constant, family: { page, about: family[2] } };
  };

  const found = new Map<string, Export>();
  const add = (name: string, constant: Constant) => {
    if (found.has(name)) throw new TypeError(`"${name}" has two meanings`);
    found.set(name, describe(name, constant));
  };
  for (const constant of headers.constants.values()) {
    if (omits(constant.name)) continue;
    add(exportName(constant, headers, names), constant);
  }
  for (const [name, cName] of Object.entries(names.added)) {
    const constant = headers.constants.get(cName);
    if (constant === undefined) throw new TypeError(`${cName} is unknown`);
    add(name, constant);
  }
  const sort = <T extends { name: string }>(list: Iterable<T>) =>
    [...list].sort((a, b) => a.name < b.name ? -1 : 1);
  return { options, infos, exports: sort(found.values()) };
}
