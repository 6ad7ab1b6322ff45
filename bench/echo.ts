/** What CurlWebSocket and Deno's WebSocket measure alike. */

import { assert, cpu, report } from "./meter.ts";

/** Sends so many messages, some at once, and waits for their echoes. */
export type Echo = (
  message: string | Uint8Array<ArrayBuffer>,
  count: number,
  inFlight: number,
) => Promise<void>;

/** A text if it is short, else bytes. */
function messageOf(size: number): string | Uint8Array<ArrayBuffer> {
  return size <= 1024 ? "x".repeat(size) : new Uint8Array(size);
}

/** `args`: the size of a message, seconds, how many at once. */
export async function measureEcho(echo: Echo, args: string[]): Promise<void> {
  const [size, seconds, inFlight] = args.map(Number);
  const message = messageOf(size);
  const begun = performance.now();
  // So many take about a tenth of the time.
  let count = inFlight;
  for (;;) {
    const start = performance.now();
    await echo(message, count, inFlight);
    if (performance.now() - start > seconds * 100) break;
    count *= 2;
  }
  const repeat = async () => {
    const end = performance.now() + seconds * 1000;
    let done = 0;
    do {
      await echo(message, count, inFlight);
      done += count;
    } while (performance.now() < end);
    return done;
  };
  await repeat();
  const cpuBefore = cpu();
  const start = performance.now();
  const done = await repeat();
  report({
    rate: done / ((performance.now() - start) / 1000),
    cpu: (cpu() - cpuBefore) / done * 1e6,
    elapsed: (performance.now() - begun) / 1000,
  });
}

/** The echo has the size of its message. */
export function checkSize(got: number, message: { length: number }): void {
  assert(got === message.length, `an echo had ${got} bytes`);
}
