/**
 * Generates the tables of `docs/from-pycurl.md`: each name of PycURL, its name
 * here, and what differs. What is there is taken from `mod.ts`, what PycURL has
 * from `tools/pycurl.json`, the rest from `tools/names.json` and
 * `tools/porting.json`.
 *
 * Run it as `deno run -A tools/gen_porting.ts [--check] [python]`. With a
 * Python that has PycURL, `tools/pycurl.json` is taken from that, or compared.
 *
 * @module
 */

import * as ours from "../mod.ts";
import {
  camelCase,
  type PycurlNames,
  readPycurlNames,
  SNAPSHOT,
  takePycurlNames,
} from "./pycurl.ts";
import { readNames } from "./tables/model.ts";
import { type Formatter, ROOT, run, write } from "./tables/output.ts";

const GUIDE = "docs/from-pycurl.md";
const CONSTANTS = "src/tables/constants.ts";

const MARKDOWN: Formatter = {
  command: Deno.execPath(),
  args: ["fmt", "--no-config", "--ext", "md", "-"],
};
const JSON_FMT: Formatter = {
  command: Deno.execPath(),
  args: ["fmt", "--no-config", "--ext", "json", "-"],
};

/** What no rule can tell: the content of `tools/porting.json`. */
interface Porting {
  /** PycURL's name → Markdown for what is here instead. */
  readonly here: Readonly<Record<string, string>>;
  /** PycURL's name → what differs. */
  readonly notes: Readonly<Record<string, string>>;
}

/** Part of what `deno doc --json` prints. */
interface Documentation {
  nodes: Record<string, {
    symbols: {
      name: string;
      declarations: {
        kind: string;
        def?: { properties?: { name: string }[] };
      }[];
    }[];
  }>;
}

const { equivalents, differing, missing } = readNames();
const porting: Porting = JSON.parse(
  Deno.readTextFileSync(new URL("./porting.json", import.meta.url)),
);
const exported = new Map<string, unknown>(Object.entries(ours));

/** Names of the interfaces that are exported → those of their fields. */
async function readInterfaces(): Promise<Map<string, string[]>> {
  const text = await run(Deno.execPath(), ["doc", "--json", `${ROOT}mod.ts`]);
  const { nodes }: Documentation = JSON.parse(text);
  return new Map(
    Object.values(nodes).flatMap(({ symbols }) => symbols).flatMap((
      { name, declarations: [{ kind, def }] },
    ) =>
      kind === "interface"
        ? [[name, (def?.properties ?? []).map(({ name }) => name)]]
        : []
    ),
  );
}

/** `name()` for functions and methods, `name` for the rest. */
function codeOf(name: string, holder: object): string {
  for (let at = holder; at !== null; at = Object.getPrototypeOf(at)) {
    const found = Object.getOwnPropertyDescriptor(at, name);
    if (found === undefined) continue;
    const { value } = found;
    const called = typeof value === "function" && !/^[A-Z]/.test(name);
    return `\`${name}${called ? "()" : ""}\``;
  }
  return `\`${name}\``;
}

/** A row, for a name that is here, is elsewhere, or has a reason not to be. */
function row(path: string, code: string | undefined): string {
  const here = porting.here[path] ?? code;
  const note = porting.notes[path] ?? "";
  if (here === undefined) {
    const reason = missing[path];
    if (reason === undefined) {
      throw new Error(`No reason in tools/names.json for ${path}`);
    }
    return `| \`${path}\` | – | ${reason} |`;
  }
  return `| \`${path}\` | ${here} | ${note} |`;
}

function table(rows: readonly string[]): string {
  return ["| PycURL | here | what differs |", "| --- | --- | --- |", ...rows]
    .join("\n");
}

/** Generated parts of the guide, by name. */
async function emitParts(
  { version, names, members }: PycurlNames,
): Promise<Map<string, string>> {
  const interfaces = await readInterfaces();
  const parts = new Map([["version", `Compared with ${version}.`]]);
  const plain = Object.keys(names).filter((name) =>
    names[name] === null && !(name in members)
  );
  parts.set(
    "module",
    table(plain.map((name) => {
      const own = equivalents[name] ?? camelCase(name);
      return row(name, exported.has(own) ? codeOf(own, ours) : undefined);
    })),
  );
  const classes: string[] = [];
  const structs: string[] = [];
  for (const [name, list] of Object.entries(members)) {
    const own = equivalents[name] ?? name;
    const found = exported.get(own);
    const fields = interfaces.get(own);
    const rows = fields !== undefined ? structs : classes;
    const there = typeof found === "function" || fields !== undefined;
    rows.push(row(name, there ? `\`${own}\`` : undefined));
    if (!there && porting.here[name] === undefined) continue;
    for (const member of list) {
      const path = `${name}.${member}`;
      const word = equivalents[path] ?? camelCase(member);
      const code = typeof found === "function"
        ? word in found.prototype ? codeOf(word, found.prototype) : undefined
        : fields?.includes(word)
        ? `\`${word}\``
        : undefined;
      rows.push(row(path, code));
    }
  }
  parts.set("classes", table(classes));
  parts.set("structs", table(structs));
  const numbers = Object.entries(names).filter(([, value]) => value !== null);
  parts.set("constants", families(numbers.map(([name]) => name)));
  parts.set(
    "differing",
    table(numbers.flatMap(([name, value]) => {
      const reason = differing[name] ?? missing[name];
      const found = exported.get(name);
      if (found === value) return [];
      if (reason === undefined) throw new Error(`No reason for ${name}`);
      const here = found === undefined ? "–" : `\`${name}\``;
      return [`| \`${name}\` | ${here} | ${reason} |`];
    })),
  );
  return parts;
}

/** Constants by what their documentation says they are. */
function families(names: readonly string[]): string {
  const source = Deno.readTextFileSync(ROOT + CONSTANTS);
  const what = new Map(
    Array.from(
      source.matchAll(
        /\/\*\*[\s*]*((?:(?!\*\/)[^[])*?):?\s*\[`(?:(?!\*\/)[\s\S])*\*\/\s*export const (\w+)/g,
      ),
      ([, text, name]) => [name, text.replace(/[\s*]+/g, " ")],
    ),
  );
  const found = Map.groupBy(
    names.filter((name) => exported.has(name)),
    (name) => what.get(name) ?? "Other",
  );
  const rows = [...found].map(([family, list]) =>
    `| ${family} | ${list.length} | ${patternOf(list)} |`
  );
  return [
    "| what | how many | names |",
    "| --- | --- | --- |",
    ...rows.sort(),
  ].join("\n");
}

/** `E_*` if all names begin so, some of the names if not. */
function patternOf(names: readonly string[]): string {
  const [first] = names;
  if (names.length === 1) return `\`${first}\``;
  let length = first.length;
  while (!names.every((name) => name.startsWith(first.slice(0, length)))) {
    length -= 1;
  }
  const prefix = first.slice(0, first.lastIndexOf("_", length - 1) + 1);
  if (prefix !== "") return `\`${prefix}*\``;
  const some = names.slice(0, 3).map((name) => `\`${name}\``);
  return some.join(", ") + (names.length > 3 ? ", …" : "");
}

/** The guide with its parts between `<!-- begin x -->` and `<!-- end -->`. */
function fill(text: string, parts: ReadonlyMap<string, string>): string {
  const left = new Set(parts.keys());
  const filled = text.replace(
    /(<!-- begin (\w+) -->)[\s\S]*?(<!-- end -->)/g,
    (_, begin, name, end) => {
      const part = parts.get(name);
      if (part === undefined) throw new Error(`${GUIDE} wants "${name}"`);
      left.delete(name);
      return `${begin}\n\n${part}\n\n${end}`;
    },
  );
  if (left.size > 0) throw new Error(`${GUIDE} lacks ${[...left].join()}`);
  return filled;
}

const check = Deno.args.includes("--check");
const python = Deno.args.find((argument) => !argument.startsWith("--"));
const pycurl = python === undefined
  ? readPycurlNames()
  : await takePycurlNames(python);
await write([
  { path: SNAPSHOT, text: JSON.stringify(pycurl), formatter: JSON_FMT },
  {
    path: GUIDE,
    text: fill(
      Deno.readTextFileSync(ROOT + GUIDE),
      await emitParts(pycurl),
    ),
    formatter: MARKDOWN,
  },
], { check });
