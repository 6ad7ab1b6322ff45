/** WebSockets of a Worker that is terminated. */

import * as curl from "../../mod.ts";

// What is only held by a variable could be collected while a test runs.
const held: unknown[] = [];

/** What its WebSockets are doing. */
export type Phase = "opening" | "idle" | "writing" | "closing";

/** Opens some, and gives the numbers between which their handles' are. */
export async function open(
  url: string,
  share: number,
  phase: Phase,
  count: number,
): Promise<[first: number, last: number]> {
  const c = new curl.Curl();
  if (share) c.setopt(curl.SHARE, curl.CurlShare.fromHandle(share));
  const first = c.handle;
  for (let i = 0; i < count; i++) {
    const ws = new curl.CurlWebSocket(url, { curl: c });
    held.push(ws);
    if (phase === "opening") continue;
    const { writable } = await ws.opened;
    const writer = writable.getWriter();
    held.push(writer);
    if (phase === "writing") {
      for (let round = 0; round < 10; round++) {
        writer.write(new Uint8Array(1 << 20)).catch(() => {});
      }
    }
    if (phase === "closing") ws.close();
  }
  using last = new curl.Curl();
  held.push(c);
  return [first, last.handle];
}
