/** Our peer of the benchmarks of WebSockets. */

import { CurlWebSocket } from "../mod.ts";
import { checkSize, measureEcho } from "./echo.ts";

const [url, ...args] = Deno.args;
const ws = new CurlWebSocket(url);
const { readable, writable } = await ws.opened;
const reader = readable.getReader();
const writer = writable.getWriter();

await measureEcho(async (message, count, inFlight) => {
  let sent = 0;
  for (; sent < inFlight; sent++) writer.write(message);
  for (let got = 0; got < count; got++) {
    const { value } = await reader.read();
    checkSize(value!.length, message);
    if (sent++ < count) writer.write(message);
  }
}, args);
ws.close();
