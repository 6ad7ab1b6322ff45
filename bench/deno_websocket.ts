/** Deno's own peer of the benchmarks of WebSockets. */

import { checkSize, measureEcho } from "./echo.ts";

const [url, ...args] = Deno.args;
const ws = new WebSocket(url);
ws.binaryType = "arraybuffer";
await new Promise((resolve) => ws.onopen = resolve);

await measureEcho((message, count, inFlight) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let sent = 0;
  let got = 0;
  ws.onmessage = ({ data }) => {
    checkSize(data.length ?? data.byteLength, message);
    if (sent++ < count) ws.send(message);
    if (++got === count) resolve();
  };
  for (; sent < inFlight; sent++) ws.send(message);
  return promise;
}, args);
ws.close();
