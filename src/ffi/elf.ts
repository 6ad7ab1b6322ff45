/**
 * Looks at a library before the system's loader does, which on Linux crashes or
 * says something else.
 *
 * @module
 */

/** ELF's numbers for processors. */
const MACHINES = { x86_64: 62, aarch64: 183 };

/**
 * Throws if the file is cut off, which the loader crashes on, or for another
 * processor, for which it says that there is no such file. Looks only if
 * reading the file is permitted already.
 */
export function checkElf(path: string): void {
  const query = { name: "read", path } as const;
  if (Deno.permissions.querySync(query).state !== "granted") return;
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path);
  } catch {
    // The loader looks in other folders, too, and has the better message.
    return;
  }
  using _ = file;
  const head = new DataView(new ArrayBuffer(64));
  const length = file.readSync(new Uint8Array(head.buffer)) ?? 0;
  const isElf = length === 64 && head.getUint32(0) === 0x7f454c46 &&
    head.getUint8(4) === 2;
  if (!isElf) return;
  const machine = head.getUint16(0x12, true);
  if (machine !== MACHINES[Deno.build.arch]) {
    throw new Error(`the file is not for ${Deno.build.arch}`);
  }
  const { size } = file.statSync();
  const end = endOf(head);
  if (size < end) {
    throw new Error(`the file is cut off: ${size} bytes of ${end}`);
  }
}

/** What ends an ELF file is its table of sections. */
function endOf(head: DataView): number {
  const table = Number(head.getBigUint64(0x28, true));
  return table + head.getUint16(0x3a, true) * head.getUint16(0x3c, true);
}
