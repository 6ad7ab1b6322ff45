/**
 * Looks into a built library before it is packed: a release may hold nothing
 * that is for another machine, of another release or too large.
 *
 * @module
 */

import { compareVersions, glibcOf, isElf, readElf } from "./elf.ts";
import { readPe } from "./pe.ts";
import type { Platform } from "./platforms.ts";

/** The oldest glibc that the released libraries run with. */
export const GLIBC = "2.28";

/** What a package may take on the disk. */
export const MAX_BYTES = 10_000_000;

/** What machine a library is for, such as `linux arm64`. */
export function machineOf(bytes: Uint8Array<ArrayBuffer>): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 64) return "none: it is too short";
  if (isElf(bytes)) return `linux ${readElf(bytes).machine}`;
  if (view.getUint32(0, true) === 0xfeedfacf) {
    const cpu = view.getUint32(4, true);
    return `darwin ${MAC_CPUS.get(cpu) ?? cpu}`;
  }
  if (view.getUint16(0) === 0x4d5a) {
    const header = view.getUint32(0x3c, true);
    const cpu = view.getUint16(header + 4, true);
    return `win32 ${WINDOWS_CPUS.get(cpu) ?? cpu}`;
  }
  return "none that is known";
}

const MAC_CPUS = new Map([[0x01000007, "x64"], [0x0100000c, "arm64"]]);
const WINDOWS_CPUS = new Map([[0x8664, "x64"], [0xaa64, "arm64"]]);

/** Which release the library says that it is of. */
export function releaseOf(bytes: Uint8Array): string | undefined {
  const text = new TextDecoder("latin1").decode(bytes);
  return /@denocurl\/curl (\d+\.\d+\.\d+(?:-[\w.]+)?)/.exec(text)?.[1];
}

/** What forbids to pack the library for the platform, a line each. */
export function problemsOf(
  bytes: Uint8Array<ArrayBuffer>,
  { os, cpu }: Platform,
  release: string,
): string[] {
  const problems: string[] = [];
  const machine = machineOf(bytes);
  if (machine !== `${os} ${cpu}`) {
    problems.push(`it is for another machine: ${machine}`);
  }
  const found = releaseOf(bytes);
  if (found !== release) problems.push(`it is of release ${found}`);
  if (bytes.length > MAX_BYTES) problems.push(`it has ${bytes.length} bytes`);
  return problems;
}

/** What only comes with a compiler. */
const NOT_OF_WINDOWS = /^(vcruntime|msvcp|concrt)\d|^lib/;

/**
 * What a Windows library should not need, a line each. What else it exports is
 * in nobody's way there: names are looked for in one library.
 */
export function peProblemsOf(bytes: Uint8Array<ArrayBuffer>): string[] {
  return readPe(bytes).needed.filter((name) => NOT_OF_WINDOWS.test(name))
    .map((name) => `it needs ${name}`);
}

/** What an ELF file should not need or export, a line each. */
export function elfProblemsOf(
  bytes: Uint8Array<ArrayBuffer>,
  { libc }: Platform,
): string[] {
  const elf = readElf(bytes);
  const problems = elf.exported.filter((name) => !name.startsWith("shim_"))
    .map((name) => `it exports ${name}`);
  const glibc = glibcOf(elf);
  if (libc === "glibc" && compareVersions(glibc ?? "0", GLIBC) > 0) {
    problems.push(`it needs GLIBC_${glibc}`);
  }
  if (libc === "musl" && glibc !== undefined) {
    problems.push("it is linked with glibc");
  }
  return problems;
}
