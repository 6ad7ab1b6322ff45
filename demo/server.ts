/**
 * The demo's own HTTPS server; it runs in a Worker.
 *
 * It is node:https because that sends small answers at once. `Deno.serve`
 * leaves Nagle's algorithm on with TLS, which stalls new connections for 40 ms
 * and more, whoever connects.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";

const PAGE = "Hello from the demo's own server.\n".repeat(30);

let server: Server;

/** Starts to listen; gives the port. */
export function listen(
  identity: { cert: string; key: string },
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server = createServer(identity, answer);
  server.once("error", reject);
  server.listen(0, "127.0.0.1", () => {
    resolve((server.address() as AddressInfo).port);
  });
  return promise;
}

/** Gives a Worker that says who it is a cookie, and tells what it has got. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(request.url ?? "/", "https://_");
  const worker = searchParams.get("worker");
  if (worker) response.setHeader("set-cookie", `worker-${worker}=here`);
  response.end(pathname === "/cookies" ? request.headers.cookie : PAGE);
}
