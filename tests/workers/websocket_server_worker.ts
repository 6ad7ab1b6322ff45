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
    (request) => {
      const { socket, response } = Deno.upgradeWebSocket(request);
      const { pathname } = new URL(request.url);
      socket.binaryType = "arraybuffer";
      if (pathname !== "/") socket.onmessage = ({ data }) => socket.send(data);
      if (pathname === "/greet") socket.onopen = () => socket.send("hi");
      return response;
    },
  );
  return server.addr.port;
}

export function close(): void {
  stop.abort();
}
