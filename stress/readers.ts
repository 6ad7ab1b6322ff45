/**
 * Ways to read the body of a transfer, to its end or not.
 *
 * @module
 */

import type { CurlBody } from "../mod.ts";
import { joined } from "./body.ts";
import type { Random } from "./random.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Reads it to its end, in one way or another. */
export function readWhole(random: Random, body: CurlBody): Promise<Bytes> {
  const { readable } = body;
  return random.pick([
    () => new Response(readable).bytes(),
    async () => joined(await Array.fromAsync(readable)) as Bytes,
    () => readWithBuffers(random, readable),
    () => readSlowly(random, readable),
    () => readBranches(readable),
  ])();
}

async function readWithBuffers(
  random: Random,
  readable: ReadableStream<Bytes>,
): Promise<Bytes> {
  const reader = readable.getReader({ mode: "byob" });
  const pieces: Bytes[] = [];
  for (;;) {
    const room = new Uint8Array(random.pick([1000, 65_536, 300_000]));
    const { done, value } = await reader.read(room);
    if (done) return joined(pieces) as Bytes;
    pieces.push(value);
  }
}

async function readSlowly(
  random: Random,
  readable: ReadableStream<Bytes>,
): Promise<Bytes> {
  const pieces: Bytes[] = [];
  for await (const piece of readable) {
    pieces.push(piece);
    await pause(random.below(4));
  }
  return joined(pieces) as Bytes;
}

async function readBranches(readable: ReadableStream<Bytes>): Promise<Bytes> {
  const [one, other] = readable.tee().map((branch) =>
    new Response(branch).bytes()
  );
  // Both fail, if one does.
  other.catch(() => {});
  const body = await one;
  await other;
  return body;
}

/** Reads a little at most, and ends the transfer. */
export async function readNot(random: Random, body: CurlBody): Promise<void> {
  if (random.chance(300)) return body[Symbol.asyncDispose]();
  const reader = body.readable.getReader();
  const reads = random.below(3);
  for (let read = 0; read < reads; read++) {
    if ((await reader.read()).done) break;
  }
  if (random.chance(500)) return await reader.cancel("enough");
  body[Symbol.dispose]();
  await body[Symbol.asyncDispose]();
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
