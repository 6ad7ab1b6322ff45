/** What our own peers and fetch measure alike, whatever does the transfers. */

import { assert, cpu, peak, report } from "./meter.ts";

export const GIB = 2 ** 30;

/** Does a GET, and gives the size of its body. */
export type Get = () => Promise<number>;

/** Each goes on until the time is over; gives how often, and all sizes. */
export async function repeatFor(
  gets: readonly Get[],
  seconds: number,
): Promise<[requests: number, total: number]> {
  const end = performance.now() + seconds * 1000;
  let requests = 0;
  let total = 0;
  await Promise.all(gets.map(async (get) => {
    do {
      // In one line the others' sizes would be lost.
      const size = await get();
      total += size;
      requests++;
    } while (performance.now() < end);
  }));
  return [requests, total];
}

/** What `repeatFor` gives. */
export type Repeat = (seconds: number) => Promise<[number, number]>;

/** Many requests; `first` warms up. */
export async function measureMany(
  repeat: Repeat,
  seconds: number,
  first = repeat,
): Promise<Record<string, number>> {
  const begun = performance.now();
  await first(seconds);
  const cpuBefore = cpu();
  const start = performance.now();
  const [requests, total] = await repeat(seconds);
  const took = (performance.now() - start) / 1000;
  const spent = cpu() - cpuBefore;
  assert(total === 1024 * requests, "a body was not 1 KiB");
  return {
    rate: requests / took,
    cpu: spent / requests * 1e6,
    elapsed: (performance.now() - begun) / 1000,
  };
}

/** The last of three transfers of 1 GiB, and what all have grown by. */
export async function measureTransfer(
  transfer: () => Promise<void>,
): Promise<void> {
  const peakBefore = peak(true);
  const begun = performance.now();
  await transfer();
  await transfer();
  const cpuBefore = cpu();
  const start = performance.now();
  await transfer();
  const took = (performance.now() - start) / 1000;
  report({
    speed: GIB / took / 1e9,
    cpu: cpu() - cpuBefore,
    growth: peak() - peakBefore,
    elapsed: (performance.now() - begun) / 1000,
  });
}

/** How one of a crowd makes its request. */
export interface Member<T> {
  open(url: string): T;
  get(handle: T): Promise<unknown>;
  close(handle: T): void;
  /** The size of all bodies so far. */
  total(): number;
}

async function gather<T>(
  url: string,
  count: number,
  member: Member<T>,
): Promise<T[]> {
  const handles = Array.from({ length: count }, () => member.open(url));
  await Promise.all(handles.map((handle) => member.get(handle)));
  return handles;
}

/**
 * So many at once, which all wait for the last, after `rounds` times `few`, so
 * that what is measured is not the code of the first ones.
 */
export async function measureCrowd<T>(
  member: Member<T>,
  [url, count, fewUrl, few, rounds]: string[],
): Promise<void> {
  for (let round = 0; round < Number(rounds); round++) {
    const handles = await gather(fewUrl, Number(few), member);
    for (const handle of handles) member.close(handle);
  }
  const totalBefore = member.total();
  const peakBefore = peak(true);
  const cpuBefore = cpu();
  const start = performance.now();
  await gather(url, Number(count), member);
  const took = (performance.now() - start) / 1000;
  const size = member.total() - totalBefore;
  assert(size === 1024 * Number(count), "a body was not 1 KiB");
  report({
    memory: (peak() - peakBefore) * 1024 / Number(count),
    seconds: took,
    cpu: cpu() - cpuBefore,
    elapsed: took,
  });
}

/** 1 GiB in pieces of 64 KiB. */
export function source(): ReadableStream<Uint8Array<ArrayBuffer>> {
  const piece = new Uint8Array(64 * 1024);
  let left = GIB / piece.length;
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(piece);
      if (--left === 0) controller.close();
    },
  });
}
