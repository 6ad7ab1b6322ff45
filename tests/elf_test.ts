/** What the system's loader reads of the library, and what we read ourselves. */

import {
  compareVersions,
  type Elf,
  glibcOf,
  readElf,
} from "../tools/npm/elf.ts";
import {
  elfProblemsOf,
  GLIBC,
  machineOf,
  releaseOf,
} from "../tools/npm/library_file.ts";
import { ownPlatform } from "../tools/npm/platforms.ts";
import { RELEASE } from "../src/ffi/release.ts";
import { symbols } from "../src/ffi/symbols.ts";
import { assert, assertEquals, assertThrows } from "./assert.ts";
import { LIBRARY } from "./fixtures/child.ts";
import { missing, type Requirements, test } from "./permissions.ts";

const READING: Requirements = {
  needs: ["read"],
  skip: Deno.build.os !== "linux" && "no ELF files here",
};

/** What `deno task release-build` has made. */
const RELEASED = decodeURIComponent(
  new URL(
    `../dist/lib/linux-${
      Deno.build.arch === "x86_64" ? "x64" : "arm64"
    }-gnu/libdenocurl.so`,
    import.meta.url,
  ).pathname,
);

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

const RELEASE_BUILD: Requirements = {
  ...READING,
  skip: READING.skip ||
    missing(READING) === undefined && !exists(RELEASED) &&
      "there is no release build",
};

function elf(path: string): Elf {
  return readElf(Deno.readFileSync(path));
}

for (
  const [what, path, needs] of [
    ["the local build", LIBRARY, READING],
    ["the release build", RELEASED, RELEASE_BUILD],
  ] as const
) {
  test(needs, `${what} exports what the module calls and nothing else`, () => {
    const names = Object.values(symbols).flatMap((group) => Object.keys(group));
    assertEquals(elf(path).exported, names.sort());
  });

  test(needs, `${what} tells its machine and its release`, () => {
    const { os, cpu } = ownPlatform();
    const bytes = Deno.readFileSync(path);
    assertEquals(machineOf(bytes), `${os} ${cpu}`);
    assertEquals(releaseOf(bytes), RELEASE);
  });

  test(needs, `${what} needs the system's own libraries only`, () => {
    const ours = /^(libc|libgcc_s|libpthread|libdl|ld-linux-[\w-]+)\.so\.\d+$/;
    for (const name of elf(path).needed) assert(ours.test(name), name);
  });
}

test(
  RELEASE_BUILD,
  `the release build needs no newer glibc than ${GLIBC}`,
  () => {
    const bytes = Deno.readFileSync(RELEASED);
    const found = glibcOf(readElf(bytes));
    assert(found !== undefined && compareVersions(found, GLIBC) <= 0, found);
    assertEquals(elfProblemsOf(bytes, ownPlatform()), []);
  },
);

test(READING, "readElf() refuses what is no ELF file", () => {
  for (const bytes of [new Uint8Array(0), new Uint8Array(100).fill(65)]) {
    assertThrows(() => readElf(bytes), TypeError, "no 64-bit ELF file");
  }
});

Deno.test("compareVersions() compares by numbers", () => {
  for (const [a, b] of [["2.4", "2.28"], ["2.2", "2.2.5"], ["2.9", "3.0"]]) {
    assert(compareVersions(a, b) < 0);
    assert(compareVersions(b, a) > 0);
  }
  assertEquals(compareVersions("2.28", "2.28"), 0);
});
