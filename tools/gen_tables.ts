/**
 * Generates the tables of constants and kinds, libcurl's declarations for
 * Rust, and the assertions that compare both with the compiled headers.
 *
 * Run it as `deno run -A tools/gen_tables.ts [--check] [include/curl]`.
 *
 * @module
 */

import { readDeclarations } from "./tables/declaration.ts";
import { emitBindings, emitCheck } from "./tables/emit_bindings.ts";
import { emitRustKinds } from "./tables/emit_rust_kinds.ts";
import { emitConstants, emitKinds } from "./tables/emit_typescript.ts";
import { readHeaders } from "./tables/header.ts";
import { buildModel, readNames } from "./tables/model.ts";
import { DENO_FMT, ROOT, run, RUSTFMT, write } from "./tables/output.ts";

/** The headers of the curl-sys that the crate is locked to. */
async function findHeaders(): Promise<string> {
  const text = await run("cargo", [
    "metadata",
    "--manifest-path",
    `${ROOT}shim/Cargo.toml`,
    "--format-version",
    "1",
    "--locked",
  ]);
  const metadata: { packages: { name: string; manifest_path: string }[] } = JSON
    .parse(text);
  const found = metadata.packages.find(({ name }) => name === "curl-sys");
  if (found === undefined) throw new Error("The crate has no curl-sys");
  return found.manifest_path.replace(/[^/\\]+$/, "curl/include/curl");
}

const args = Deno.args.filter((arg) => arg !== "--check");
const headers = readHeaders(args[0] ?? await findHeaders());
const declarations = readDeclarations(headers.code);
const model = buildModel(headers, readNames());

await write([
  {
    path: "src/tables/constants.ts",
    text: emitConstants(model),
    formatter: DENO_FMT,
  },
  { path: "src/tables/kinds.ts", text: emitKinds(model), formatter: DENO_FMT },
  {
    path: "shim/src/kinds.rs",
    text: emitRustKinds(model),
    formatter: RUSTFMT,
  },
  {
    path: "shim/src/sys/bindings.rs",
    text: emitBindings(headers, declarations),
    formatter: RUSTFMT,
  },
  {
    path: "shim/native/constants_check.c",
    text: emitCheck(headers, declarations),
  },
], { check: Deno.args.includes("--check") });
