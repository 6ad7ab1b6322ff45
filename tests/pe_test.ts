/** What we read ourselves of a library for Windows. */

import { peProblemsOf } from "../tools/npm/library_file.ts";
import { readPe } from "../tools/npm/pe.ts";
import { assertEquals, assertThrows } from "./assert.ts";

/** Where its one section is in memory, and in the file. */
const ADDRESS = 0x1000;
const OFFSET = 0x400;

/** A library as a linker makes it, as far as it is read. */
function library(
  exported: readonly string[],
  needed: readonly string[],
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(0x1000);
  const view = new DataView(bytes.buffer);
  const long = (at: number, value: number) => view.setUint32(at, value, true);
  const [header, optional, table] = [0x80, 0x98, 0x188];
  let end = 0x800;
  const text = (value: string) => {
    const at = end;
    bytes.set(new TextEncoder().encode(value), at);
    end += value.length + 1;
    return at - OFFSET + ADDRESS;
  };
  long(0x3c, header);
  long(header, 0x4550);
  view.setUint16(header + 6, 1, true);
  view.setUint16(header + 20, table - optional, true);
  view.setUint16(optional, 0x20b, true);
  long(table + 12, ADDRESS);
  long(table + 16, bytes.length - OFFSET);
  long(table + 20, OFFSET);
  if (exported.length > 0) {
    long(optional + 112, ADDRESS);
    long(OFFSET + 24, exported.length);
    long(OFFSET + 32, ADDRESS + 0x100);
    exported.forEach((name, i) => long(OFFSET + 0x100 + 4 * i, text(name)));
  }
  if (needed.length > 0) {
    long(optional + 120, ADDRESS + 0x200);
    needed.forEach((name, i) => long(OFFSET + 0x200 + 20 * i + 12, text(name)));
  }
  return bytes;
}

Deno.test("readPe() tells what a library exports and needs", () => {
  assertEquals(readPe(library(["b", "a"], ["KERNEL32.dll", "bcrypt.dll"])), {
    exported: ["a", "b"],
    needed: ["bcrypt.dll", "kernel32.dll"],
  });
  assertEquals(readPe(library([], [])), { exported: [], needed: [] });
});

Deno.test("readPe() refuses what is no library for Windows", () => {
  for (const length of [0, 100, 4096]) {
    const bytes = new Uint8Array(length).fill(65);
    assertThrows(() => readPe(bytes), TypeError, "no 64-bit Windows file");
  }
});

Deno.test("peProblemsOf() tells what Windows does not come with", () => {
  const needed = ["KERNEL32.dll", "VCRUNTIME140.dll", "libgcc_s_seh-1.dll"];
  assertEquals(peProblemsOf(library(["begin", "curl_free"], needed)), [
    "it needs libgcc_s_seh-1.dll",
    "it needs vcruntime140.dll",
  ]);
  assertEquals(peProblemsOf(library(["begin"], ["ws2_32.dll"])), []);
});
