/** The demo's own HTTPS server; it runs in a Worker. */

const PAGE = "Hello from the demo's own server.\n".repeat(30);

let server: Deno.HttpServer<Deno.NetAddr> | undefined;

/** Starts to listen; gives the port. */
export function listen(identity: { cert: string; key: string }): number {
  server = Deno.serve({
    cert: identity.cert,
    key: identity.key,
    hostname: "127.0.0.1",
    port: 0,
    onListen: () => {},
  }, answer);
  return server.addr.port;
}

/** Runs before the Worker ends. */
export async function close(): Promise<void> {
  await server?.shutdown();
}

/** Gives a Worker that says who it is a cookie, and tells what it has got. */
function answer(request: Request): Response {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === "/cookies") {
    return new Response(request.headers.get("cookie"));
  }
  const worker = searchParams.get("worker");
  const headers = worker
    ? { "set-cookie": `worker-${worker}=here` }
    : undefined;
  return new Response(PAGE, { headers });
}
