/**
 * Reads what an ELF file says to the system's loader: its machine, what it
 * exports, and which versions of other libraries' symbols it needs.
 *
 * @module
 */

/** What is read of a 64-bit, little-endian ELF file. */
export interface Elf {
  /** `x64` or `arm64`, else the number. */
  readonly machine: string;
  /** The libraries that it needs, by their names. */
  readonly needed: readonly string[];
  /** The names that others can link to. */
  readonly exported: readonly string[];
  /** Such as `GLIBC_2.17`; without those that may be missing. */
  readonly versions: readonly string[];
}

const MACHINES = new Map([[62, "x64"], [183, "arm64"]]);

// The names are those of elf.h.
const SHT_DYNAMIC = 6;
const SHT_DYNSYM = 11;
const SHT_GNU_VERNEED = 0x6ffffffe;
const DT_NEEDED = 1;
const VER_FLG_WEAK = 2;
const STV_HIDDEN = 2;

const SYMBOL_SIZE = 24;
const DYNAMIC_SIZE = 16;

interface Section {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  /** The section that belongs to it: here, that of its names. */
  readonly link: number;
  /** How many entries, in some. */
  readonly info: number;
}

/** Whether the bytes begin as such a file does. */
export function isElf(bytes: Uint8Array): boolean {
  return [0x7f, 0x45, 0x4c, 0x46, 2, 1].every((byte, i) => bytes[i] === byte);
}

/** Reads the file's bytes; throws if they are of no such file. */
export function readElf(bytes: Uint8Array<ArrayBuffer>): Elf {
  if (!isElf(bytes)) throw new TypeError("This is no 64-bit ELF file");
  const file = new File(bytes);
  const machine = file.view.getUint16(0x12, true);
  return {
    machine: MACHINES.get(machine) ?? `${machine}`,
    needed: file.needed(),
    exported: file.exported(),
    versions: file.versions(),
  };
}

class File {
  readonly view: DataView<ArrayBuffer>;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #sections: readonly Section[];

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const table = this.#long(0x28);
    const size = this.view.getUint16(0x3a, true);
    const count = this.view.getUint16(0x3c, true);
    this.#sections = Array.from({ length: count }, (_, index) => {
      const at = table + index * size;
      return {
        type: this.view.getUint32(at + 4, true),
        offset: this.#long(at + 24),
        size: this.#long(at + 32),
        link: this.view.getUint32(at + 40, true),
        info: this.view.getUint32(at + 44, true),
      };
    });
  }

  needed(): string[] {
    const found: string[] = [];
    for (const { offset, size, link } of this.#ofType(SHT_DYNAMIC)) {
      for (let at = offset; at < offset + size; at += DYNAMIC_SIZE) {
        if (this.#long(at) === DT_NEEDED) {
          found.push(this.#name(link, this.#long(at + 8)));
        }
      }
    }
    return found;
  }

  exported(): string[] {
    const found: string[] = [];
    for (const { offset, size, link } of this.#ofType(SHT_DYNSYM)) {
      for (let at = offset; at < offset + size; at += SYMBOL_SIZE) {
        const name = this.#name(link, this.view.getUint32(at, true));
        const binding = this.view.getUint8(at + 4) >> 4;
        const visibility = this.view.getUint8(at + 5) & 3;
        const section = this.view.getUint16(at + 6, true);
        // Undefined ones are what it needs itself, local ones nobody sees.
        if (section === 0 || binding === 0 || visibility === STV_HIDDEN) {
          continue;
        }
        found.push(name);
      }
    }
    return found.sort();
  }

  versions(): string[] {
    const found = new Set<string>();
    for (const { offset, link, info } of this.#ofType(SHT_GNU_VERNEED)) {
      let file = offset;
      for (let i = 0; i < info; i++) {
        const count = this.view.getUint16(file + 2, true);
        let at = file + this.view.getUint32(file + 8, true);
        for (let version = 0; version < count; version++) {
          const isWeak = this.view.getUint16(at + 4, true) & VER_FLG_WEAK;
          const name = this.#name(link, this.view.getUint32(at + 8, true));
          if (!isWeak) found.add(name);
          at += this.view.getUint32(at + 12, true);
        }
        file += this.view.getUint32(file + 12, true);
      }
    }
    return [...found].sort();
  }

  #ofType(type: number): Section[] {
    return this.#sections.filter((section) => section.type === type);
  }

  #name(section: number, index: number): string {
    const start = this.#sections[section].offset + index;
    const end = this.#bytes.indexOf(0, start);
    return new TextDecoder().decode(this.#bytes.subarray(start, end));
  }

  #long(at: number): number {
    return Number(this.view.getBigUint64(at, true));
  }
}

/** The newest of the versions `GLIBC_*`, as `2.28`; undefined if none is. */
export function glibcOf({ versions }: Elf): string | undefined {
  const numbers = versions.filter((version) => /^GLIBC_[\d.]+$/.test(version))
    .map((version) => version.slice("GLIBC_".length));
  return numbers.sort(compareVersions).pop();
}

/** Below 0 if the first is older: `2.4` than `2.28`. */
export function compareVersions(a: string, b: string): number {
  const [ours, theirs] = [a, b].map((text) => text.split(".").map(Number));
  for (let i = 0; i < Math.max(ours.length, theirs.length); i++) {
    const difference = (ours[i] ?? 0) - (theirs[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
