import { Authority } from "../tools/certificates.ts";
import { deno } from "./benchmark.ts";
import { connectable, startNginx } from "./nginx.ts";

const GIB = 2 ** 30;

/** What the peers are told. */
export interface Urls {
  /** A body of 1 KiB. */
  small: string;
  /** A body of 1 GiB. */
  large: string;
  /** A response with 20 headers. */
  headers: string;
  /** The first, by HTTP/2 over TLS. */
  http2: string;
  /** The second, by HTTP/1.1 over TLS. */
  secureLarge: string;
  /** Takes an upload of 1 GiB. */
  sink: string;
  /** Takes a form with the next. */
  form: string;
  /** The path of a file of 1 GiB. */
  file: string;
  /** Answers no sooner than `crowd` ask. */
  slow(crowd: number): string;
  /** Sends back the messages of WebSockets. */
  echo: string;
  /** The file of the authority to trust. */
  ca: string;
}

/**
 * The servers of every peer, outside the measured process: nginx with one
 * worker, c/server.c for what nginx can't do, and Deno for WebSockets.
 */
export interface Server {
  readonly urls: Urls;
  readonly pids: number[];
  /** Seconds of processor time the servers have used. */
  cpu(): number;
  [Symbol.asyncDispose](): Promise<void>;
}

function freePorts(count: number): number[] {
  const listeners = Array.from(
    { length: count },
    () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  );
  for (const listener of listeners) listener.close();
  return listeners.map((listener) => listener.addr.port);
}

function tempFolder(): string {
  // In memory, so that no disk has a say.
  try {
    return Deno.makeTempDirSync({ dir: "/dev/shm", prefix: "curl-bench-" });
  } catch {
    return Deno.makeTempDirSync({ prefix: "curl-bench-" });
  }
}

/** Starts a server that tells its port first. */
async function startOther(
  [program, ...args]: string[],
): Promise<{ child: Deno.ChildProcess; port: number }> {
  const child = new Deno.Command(program, {
    args,
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const { value } = await child.stdout.getReader().read();
  return { child, port: Number(new TextDecoder().decode(value)) };
}

/** Writes a certificate for this machine; gives its file and the authority's. */
async function certify(folder: string): Promise<[string, string]> {
  const authority = await Authority.create();
  const { cert, key } = await authority.issue();
  const [server, ca] = [`${folder}/server.pem`, `${folder}/ca.pem`];
  Deno.writeTextFileSync(server, cert + key);
  Deno.writeTextFileSync(ca, authority.cert);
  return [server, ca];
}

/** Of nothing but zeros, which take no memory. */
function makeFile(folder: string): string {
  const path = `${folder}/file`;
  Deno.writeFileSync(path, new Uint8Array());
  Deno.truncateSync(path, GIB);
  return path;
}

function usedBy({ pid }: Deno.ChildProcess): number {
  // The first figure is the time on a processor, in nanoseconds.
  const text = Deno.readTextFileSync(`/proc/${pid}/schedstat`);
  return Number(text.split(" ")[0]) / 1e9;
}

async function end(child: Deno.ChildProcess): Promise<void> {
  try {
    child.kill("SIGTERM");
  } catch {
    // It has ended by itself.
  }
  await child.status;
}

/** `program` is that of c/server.c. */
export async function startServer(program: string): Promise<Server> {
  const folder = tempFolder();
  const [certificate, ca] = await certify(folder);
  const file = makeFile(folder);
  const [port, securePort, http2Port] = freePorts(3);
  const other = await startOther([program]);
  const echo = await startOther(deno("websocket_server.ts"));
  const settings = { port, securePort, http2Port, certificate };
  const children = [startNginx(folder, settings), other.child, echo.child];
  const stop = async () => {
    await server[Symbol.asyncDispose]();
    Deno.exit(1);
  };
  const server: Server = {
    urls: {
      small: `http://127.0.0.1:${port}/small`,
      large: `http://127.0.0.1:${port}/large`,
      headers: `http://127.0.0.1:${port}/headers`,
      http2: `https://127.0.0.1:${http2Port}/small`,
      secureLarge: `https://127.0.0.1:${securePort}/large`,
      sink: `http://127.0.0.1:${other.port}/sink/${GIB}`,
      form: `http://127.0.0.1:${other.port}/form/${GIB}`,
      file,
      slow: (crowd) => `http://127.0.0.1:${other.port}/slow/${crowd}`,
      echo: `ws://127.0.0.1:${echo.port}/`,
      ca,
    },
    pids: children.map((child) => child.pid),
    cpu: () => children.reduce((sum, child) => sum + usedBy(child), 0),
    async [Symbol.asyncDispose]() {
      Deno.removeSignalListener("SIGINT", stop);
      Deno.removeSignalListener("SIGTERM", stop);
      await Promise.all(children.map(end));
      Deno.removeSync(folder, { recursive: true });
    },
  };
  Deno.addSignalListener("SIGINT", stop);
  Deno.addSignalListener("SIGTERM", stop);
  try {
    await connectable(port);
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
  return server;
}
