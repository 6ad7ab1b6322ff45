/**
 * A WebSocket server in a Worker, which accepts and then listens; at /echo it
 * sends back what it gets, and at /greet it says "hi" before.
 */

import { startWorker, type WorkerHandle } from "../fixtures/workers.ts";

type Served = typeof import("./websocket_server_worker.ts");

/** A server that runs until it is disposed. */
export interface WebSocketServer extends AsyncDisposable {
  /** ws:…, without a slash at the end. */
  readonly url: string;
}

/** Starts one at a free port. */
export async function startWebSocketServer(): Promise<WebSocketServer> {
  const worker: WorkerHandle<Served> = await startWorker<Served>(
    new URL("./websocket_server_worker.ts", import.meta.url),
    { name: "WebSocket server" },
  );
  const port = await worker.call("listen");
  return {
    url: `ws://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose](),
  };
}
