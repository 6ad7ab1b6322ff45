/** WebSockets. */

import { type Benchmark, deno, OURS, type Setup } from "./benchmark.ts";

const DENO = "Deno's WebSocket";
const MIB = 2 ** 20;

function echo(
  { urls, seconds }: Setup,
  name: string,
  what: string,
  size: number,
  inFlight: number,
  atLeast: number,
): Benchmark {
  const args = [urls.echo, String(size), String(seconds), String(inFlight)];
  return {
    name,
    title: `WebSocket echo of ${what}`,
    place: "two cores",
    rounds: 7,
    measures: [
      { key: "rate", title: "messages/s", base: DENO },
      { key: "cpu", title: "CPU µs/message" },
      { key: "busy", title: "server busy" },
    ],
    targets: [{ key: "rate", peer: OURS, against: DENO, atLeast }],
    turns: [
      { peer: OURS, command: [...deno("ours_websocket.ts"), ...args] },
      { peer: DENO, command: [...deno("deno_websocket.ts"), ...args] },
    ],
  };
}

export function websockets(setup: Setup): Benchmark[] {
  return [
    echo(setup, "echo", "32 bytes, one by one", 32, 1, 1),
    echo(setup, "echoes", "32 bytes, 64 in flight", 32, 64, 1),
    echo(setup, "echo-large", "1 MiB, one by one", MIB, 1, 0.9),
  ];
}
