/**
 * Reads what a Windows library says to the system's loader: what it exports,
 * and which libraries it needs.
 *
 * @module
 */

/** What is read of a 64-bit file. */
export interface Pe {
  /** The libraries that it needs, by their names in lower case. */
  readonly needed: readonly string[];
  /** The names that others can link to. */
  readonly exported: readonly string[];
}

/** Where the header is told, and what it begins with: `PE`. */
const HEADER_AT = 0x3c;
const SIGNATURE = 0x4550;
const FILE_HEADER_SIZE = 24;
/** What the header of a 64-bit file says that it is. */
const PE32_PLUS = 0x20b;
const DIRECTORIES_AT = 112;
const IMPORT_SIZE = 20;
const SECTION_SIZE = 40;

interface Section {
  /** Where it is in memory, and in the file. */
  readonly address: number;
  readonly offset: number;
  readonly size: number;
}

/** Reads the file's bytes; throws if they are of no such file. */
export function readPe(bytes: Uint8Array<ArrayBuffer>): Pe {
  const file = new File(bytes);
  return { needed: file.needed(), exported: file.exported() };
}

class File {
  readonly #view: DataView<ArrayBuffer>;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #sections: readonly Section[];
  /** Where the table of exports is in memory, and that of imports. */
  readonly #exports: number;
  readonly #imports: number;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const header = bytes.length < 0x200 ? 0 : this.#number(HEADER_AT);
    const optional = header + FILE_HEADER_SIZE;
    const isPe = header > 0 && header < bytes.length - 0x200 &&
      this.#number(header) === SIGNATURE && this.#short(optional) === PE32_PLUS;
    if (!isPe) throw new TypeError("This is no 64-bit Windows file");
    const directories = optional + DIRECTORIES_AT;
    this.#exports = this.#number(directories);
    this.#imports = this.#number(directories + 8);
    const table = optional + this.#short(header + 20);
    const count = this.#short(header + 6);
    this.#sections = Array.from({ length: count }, (_, index) => {
      const at = table + index * SECTION_SIZE;
      return {
        address: this.#number(at + 12),
        size: this.#number(at + 16),
        offset: this.#number(at + 20),
      };
    });
  }

  exported(): string[] {
    if (this.#exports === 0) return [];
    const table = this.#place(this.#exports);
    const count = this.#number(table + 24);
    const names = this.#place(this.#number(table + 32));
    return Array.from(
      { length: count },
      (_, index) => this.#name(this.#number(names + 4 * index)),
    ).sort();
  }

  needed(): string[] {
    const found: string[] = [];
    if (this.#imports === 0) return found;
    for (let at = this.#place(this.#imports);; at += IMPORT_SIZE) {
      const name = this.#number(at + 12);
      if (name === 0) return found.sort();
      found.push(this.#name(name).toLowerCase());
    }
  }

  /** Where in the file is what has that address in memory. */
  #place(address: number): number {
    const found = this.#sections.find((section) =>
      address >= section.address && address < section.address + section.size
    );
    if (found === undefined) throw new TypeError("The file is damaged");
    return address - found.address + found.offset;
  }

  #name(address: number): string {
    const start = this.#place(address);
    const end = this.#bytes.indexOf(0, start);
    return new TextDecoder().decode(this.#bytes.subarray(start, end));
  }

  #short(at: number): number {
    return this.#view.getUint16(at, true);
  }

  #number(at: number): number {
    return this.#view.getUint32(at, true);
  }
}
