/** Runs in a Worker, for websocket_server.ts. */

const stop = new AbortController();

/** Starts to listen; returns the port. */
export function listen(): number {
  const server = Deno.serve(
    {
      hostname: "127.0.0.1",
      port: 0,
      signal: stop.signal,
      onListen: () => {},
    },
    (request) => Deno.upgradeWebSocket(request).response,
  );
  return server.addr.port;
}

export function close(): void {
  stop.abort();
}
