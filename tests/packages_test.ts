/** What is in the packages that are published. */

import deno from "../deno.json" with { type: "json" };
import names from "../npm/native/platforms.js";
import { RELEASE } from "../src/ffi/release.ts";
import { MAX_BYTES, problemsOf } from "../tools/npm/library_file.ts";
import { licences } from "../tools/npm/licences.ts";
import { ownPlatform, PLATFORMS } from "../tools/npm/platforms.ts";
import { assert, assertEquals, assertStringIncludes } from "./assert.ts";
import { LIBRARY } from "./fixtures/child.ts";
import { test } from "./permissions.ts";

const READING = { needs: ["read"] } as const;
const CARGO = { needs: ["read", "run"], programs: ["cargo"] } as const;

/** A file of the repository. */
function read(path: string): string {
  return Deno.readTextFileSync(new URL(`../${path}`, import.meta.url));
}

test(READING, "module, library and configuration are of one release", () => {
  const [, shim] = /^version = "([^"]+)"/m.exec(read("shim/Cargo.toml"))!;
  assertEquals([deno.version, shim], [RELEASE, RELEASE]);
  assertStringIncludes(read("CHANGELOG.md"), `## ${RELEASE}`);
});

Deno.test("the package that chooses knows all platforms", () => {
  assertEquals(names, PLATFORMS.map(({ name }) => name));
});

test(READING, "a library is packed for its own machine only", () => {
  const bytes = Deno.readFileSync(LIBRARY);
  const own = ownPlatform();
  for (const platform of PLATFORMS) {
    const { name, os, cpu } = platform;
    const fits = os === own.os && cpu === own.cpu;
    const problems = problemsOf(bytes, platform, RELEASE);
    assertEquals(problems.length === 0, fits, name);
  }
});

test(
  READING,
  "a library is packed if it is of the release and not too large",
  () => {
    const own = ownPlatform();
    const bytes = Deno.readFileSync(LIBRARY);
    assertEquals(problemsOf(bytes, own, "9.9.9"), [
      `it is of release ${RELEASE}`,
    ]);
    const large = new Uint8Array(MAX_BYTES + 1);
    large.set(bytes);
    assertEquals(problemsOf(large, own, RELEASE), [
      `it has ${large.length} bytes`,
    ]);
  },
);

test(
  CARGO,
  "licences() has those of all that is compiled and linked",
  async () => {
    const text = await licences(ownPlatform().target);
    const compiled = read("shim/build/libraries.rs").matchAll(
      /krate: "([^"]+)"/g,
    );
    for (const [, krate] of compiled) {
      assert(text.includes(`(crate ${krate} `), krate);
    }
    for (
      const words of [
        // curl, AWS-LC, brotli, zlib, the Public Suffix List, ICU, Rust.
        "Copyright (c) 1996 - 2026, Daniel Stenberg",
        "Copyright Amazon.com, Inc. or its affiliates",
        "by the Brotli Authors",
        "Jean-loup Gailly",
        "https://mozilla.org/MPL/2.0/",
        "UNICODE LICENSE V3",
        "The Rust Project Contributors",
      ]
    ) {
      assertStringIncludes(text, words);
    }
  },
);

test(CARGO, "licences() names no crate that is not linked", async () => {
  const text = await licences(ownPlatform().target);
  for (const name of ["loom", "cargo_metadata", "syn", "polling"]) {
    assert(!new RegExp(`^${name} \\d`, "m").test(text), name);
  }
});
