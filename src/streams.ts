/**
 * Objects that data is written to or read from, made into the functions that
 * libcurl calls.
 *
 * @module
 */

import type {
  PlainReader,
  PlainWriter,
  ReadCallback,
  SyncReader,
  SyncWriter,
  WriteCallback,
} from "./types.ts";
import { wrongType } from "./values.ts";

function has(value: unknown, method: string): boolean {
  return typeof value === "object" && value !== null &&
    typeof (value as Record<string, unknown>)[method] === "function";
}

/** What counts of the answer of a write(). */
function count(taken: unknown): number | undefined {
  return typeof taken === "number" ? taken : undefined;
}

/** What WRITEDATA and HEADERDATA take, as a write function. */
export function writerFunction(
  option: number,
  value: unknown,
): WriteCallback {
  if (has(value, "writeSync")) {
    const writer = value as SyncWriter;
    return (data) => {
      for (let done = 0; done < data.length;) {
        const rest = data.subarray(done);
        done += counted("writeSync()", writer.writeSync(rest), 1, rest.length);
      }
    };
  }
  if (has(value, "write")) {
    const writer = value as PlainWriter;
    return (data) => {
      // Such objects collect what they get; the bytes are lent.
      const taken = writer.write(data.slice());
      return taken instanceof Promise ? taken.then(count) : count(taken);
    };
  }
  throw wrongType(
    option,
    "a WritableStream or an object with writeSync() or write(), such as a " +
      "Deno.FsFile",
    value,
  );
}

/** What READDATA takes, as a read function. */
export function readerFunction(
  option: number,
  value: unknown,
): ReadCallback {
  if (has(value, "readSync")) {
    const reader = value as SyncReader;
    return (size) => {
      const buffer = new Uint8Array(size);
      const read = reader.readSync(buffer);
      const end = read === null ? 0 : counted("readSync()", read, 0, size);
      return buffer.subarray(0, end);
    };
  }
  if (has(value, "read")) {
    const reader = value as PlainReader;
    return (size) => reader.read(size);
  }
  throw wrongType(
    option,
    "a ReadableStream or an object with readSync() or read(), such as a " +
      "Deno.FsFile",
    value,
  );
}

/** An answer that would make the transfer wait for ever, or go astray. */
function counted(
  method: string,
  count: unknown,
  least: number,
  most: number,
): number {
  if (
    typeof count !== "number" || !Number.isInteger(count) || count < least ||
    count > most
  ) {
    throw new TypeError(
      `${method} must return a number from ${least} to ${most}, but returned ${count}`,
    );
  }
  return count;
}
