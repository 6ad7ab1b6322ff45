/**
 * The licences of all that is linked into the native library, out of the crates
 * that it is built from.
 *
 * @module
 */

import { ROOT, run } from "../tables/output.ts";

/** Something that is linked, and the files with its licence. */
interface Part {
  readonly name: string;
  /** The crate that its sources come from. */
  readonly krate: string;
  /** In the crate. */
  readonly files?: readonly string[];
  /** In npm/licences/, where the crate lacks it. */
  readonly own?: string;
}

/** What shim/build/ compiles, and what crates bring beside themselves. */
const PARTS: readonly Part[] = [
  { name: "libcurl", krate: "curl-sys", files: ["curl/COPYING"] },
  {
    name: "AWS-LC",
    krate: "aws-lc-sys",
    files: ["LICENSE", "aws-lc/third_party/fiat/LICENSE"],
  },
  { name: "nghttp2", krate: "libnghttp2-sys", files: ["nghttp2/COPYING"] },
  { name: "nghttp3", krate: "nghttp3-sys", files: ["deps/nghttp3/COPYING"] },
  {
    name: "sfparse",
    krate: "nghttp3-sys",
    files: ["deps/nghttp3/lib/sfparse/COPYING"],
  },
  { name: "ngtcp2", krate: "ngtcp2-sys", files: ["deps/ngtcp2/COPYING"] },
  { name: "libssh2", krate: "libssh2-sys", files: ["libssh2/COPYING"] },
  { name: "brotli", krate: "compu-brotli-sys", own: "brotli.txt" },
  { name: "zstd", krate: "zstd-sys", files: ["zstd/LICENSE"] },
  { name: "zlib", krate: "libz-sys", files: ["src/zlib/LICENSE"] },
  {
    name: "the Public Suffix List",
    krate: "psl",
    own: "public_suffix_list.txt",
  },
];

/** What is no crate: the compiler brings it. */
const RUST: Part = {
  name: "Rust's standard library",
  krate: "",
  own: "rust.txt",
};

/** The part of cargo's metadata that is read here. */
interface Metadata {
  packages: Package[];
  resolve: { root: string; nodes: Node[] };
}

interface Package {
  id: string;
  name: string;
  version: string;
  manifest_path: string;
  targets: { kind: string[] }[];
}

interface Node {
  id: string;
  deps: { pkg: string; dep_kinds: { kind: string | null }[] }[];
}

/** A licence, and what is under it. */
interface Licence {
  readonly text: string;
  readonly names: string[];
}

/** What cargo knows; with a target, only what is compiled for that. */
async function metadata(target?: string): Promise<Metadata> {
  return JSON.parse(
    await run("cargo", [
      "metadata",
      "--format-version",
      "1",
      "--locked",
      "--manifest-path",
      `${ROOT}shim/Cargo.toml`,
      ...(target === undefined ? [] : ["--filter-platform", target]),
    ]),
  );
}

/** One text with the licences of all that is linked for a target of Rust's. */
export async function licences(target: string): Promise<string> {
  const found = new Map<string, string[]>();
  const add = (name: string, text: string) => {
    const key = tidy(text);
    const names = found.get(key) ?? [];
    if (!names.includes(name)) names.push(name);
    found.set(key, names);
  };
  // The C sources are in crates that are compiled for no target.
  const { packages } = await metadata();
  const crates = new Map(packages.map((found) => [found.name, found]));
  for (const part of PARTS) {
    const krate = crates.get(part.krate);
    if (krate === undefined) throw new Error(`There is no crate ${part.krate}`);
    const name = `${part.name} (crate ${krate.name} ${krate.version})`;
    for (const text of textsOf(part, krate)) add(name, text);
  }
  for (const text of textsOf(RUST)) add(RUST.name, text);
  const sources = new Set(PARTS.map(({ krate }) => krate));
  for (const krate of linked(await metadata(target))) {
    // libpsl's list is one of the parts, its code is not.
    if (sources.has(krate.name) && krate.name !== "psl") continue;
    for (const text of ownTexts(krate)) {
      add(`${krate.name} ${krate.version}`, text);
    }
  }
  return format([...found].map(([text, names]) => ({ text, names })));
}

/** The crates that the library's own crate links. */
function linked({ packages, resolve }: Metadata): Package[] {
  const { root, nodes } = resolve;
  const byId = new Map(packages.map((found) => [found.id, found]));
  const edges = new Map(nodes.map(({ id, deps }) => [id, deps]));
  const seen = new Set<string>();
  const visit = (id: string) => {
    const krate = byId.get(id)!;
    const isMacro = krate.targets.some(({ kind }) =>
      kind.includes("proc-macro")
    );
    if (seen.has(id) || isMacro) return;
    seen.add(id);
    for (const { pkg, dep_kinds } of edges.get(id) ?? []) {
      if (dep_kinds.some(({ kind }) => kind === null)) visit(pkg);
    }
  };
  visit(root);
  seen.delete(root);
  return [...seen].map((id) => byId.get(id)!)
    .sort((a, b) => a.name < b.name ? -1 : 1);
}

function textsOf({ name, files = [], own }: Part, krate?: Package): string[] {
  const folder = krate?.manifest_path.replace(/[^/\\]+$/, "");
  const paths = files.map((file) => folder + file);
  if (own !== undefined) paths.push(`${ROOT}npm/licences/${own}`);
  if (paths.length === 0) throw new Error(`No licence for ${name}`);
  return paths.map((path) => Deno.readTextFileSync(path));
}

/** The crate's files; where one may choose, that of the MIT licence. */
function ownTexts({ name, manifest_path }: Package): string[] {
  const folder = manifest_path.replace(/[^/\\]+$/, "");
  const names = [...Deno.readDirSync(folder)]
    .filter(({ isFile }) => isFile).map(({ name }) => name)
    .filter((name) => /^(LICEN[CS]E|COPYING|NOTICE|UNLICENSE)/i.test(name))
    .sort();
  const mit = names.filter((name) => /MIT/i.test(name));
  const chosen = mit.length > 0 ? mit : names;
  if (chosen.length === 0) throw new Error(`No licence in the crate ${name}`);
  return chosen.map((name) => Deno.readTextFileSync(folder + name));
}

/** Texts that differ in nothing but white space are one. */
function tidy(text: string): string {
  const lines = text.replaceAll("\r", "").split("\n")
    .map((line) => line.trimEnd());
  return lines.join("\n").replace(/\n{3,}/g, "\n\n").trim();
}

function format(licences: Licence[]): string {
  const rule = "=".repeat(78);
  const head =
    "The native library of @denocurl/curl is under the MIT licence, " +
    "in the file\nLICENSE. Linked into it are, under their own licences:";
  const blocks = licences.map(({ text, names }) =>
    `${rule}\n${names.join("\n")}\n${rule}\n\n${text}`
  );
  return `${[head, ...blocks].join("\n\n")}\n`;
}
