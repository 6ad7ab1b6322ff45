/**
 * The server of every peer: nginx with one worker, outside the measured
 * process.
 */
export interface Server {
  /** A body of 1 KiB. */
  readonly small: string;
  /** A body of 1 GiB. */
  readonly large: string;
  readonly pid: number;
  /** Seconds of processor time the server has used. */
  cpu(): number;
  [Symbol.asyncDispose](): Promise<void>;
}

const NGINX = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx"];

export function findNginx(): string {
  for (const path of NGINX) {
    try {
      if (Deno.statSync(path).isFile) return path;
    } catch {
      // Try the next one.
    }
  }
  throw new Error(
    `nginx is needed as the server, but is not one of ${NGINX.join(", ")}`,
  );
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/**
 * Without a master process nginx is one process with the caller's rights.
 * sendfile would pass the file on in pages of 4 KiB, which costs the receiving
 * kernel more than large buffers do, and would hide what a client itself costs.
 */
function config(folder: string, port: number): string {
  return `daemon off;
master_process off;
pid ${folder}/pid;
error_log stderr warn;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  default_type application/octet-stream;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  sendfile off;
  output_buffers 2 512k;
  server {
    listen 127.0.0.1:${port};
    location = /small { return 200 "${"x".repeat(1024)}"; }
    location = /large { root ${folder}; }
  }
}
`;
}

async function connectable(port: number): Promise<void> {
  for (let tries = 100; tries > 0; tries--) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      await new Promise((done) => setTimeout(done, 20));
    }
  }
  throw new Error("nginx does not answer");
}

function tempFolder(): string {
  // In memory, so that no disk has a say.
  try {
    return Deno.makeTempDirSync({ dir: "/dev/shm", prefix: "curl-bench-" });
  } catch {
    return Deno.makeTempDirSync({ prefix: "curl-bench-" });
  }
}

export async function startServer(): Promise<Server> {
  const program = findNginx();
  const folder = tempFolder();
  const port = freePort();
  const file = `${folder}/nginx.conf`;
  Deno.writeTextFileSync(file, config(folder, port));
  using large = Deno.createSync(`${folder}/large`);
  large.truncateSync(2 ** 30);
  const child = new Deno.Command(program, {
    args: ["-p", folder, "-c", file, "-e", "stderr"],
    stdin: "null",
    stdout: "null",
  }).spawn();
  const stop = async () => {
    await server[Symbol.asyncDispose]();
    Deno.exit(1);
  };
  const server: Server = {
    small: `http://127.0.0.1:${port}/small`,
    large: `http://127.0.0.1:${port}/large`,
    pid: child.pid,
    cpu() {
      // The first figure is the time on a processor, in nanoseconds.
      const text = Deno.readTextFileSync(`/proc/${child.pid}/schedstat`);
      return Number(text.split(" ")[0]) / 1e9;
    },
    async [Symbol.asyncDispose]() {
      Deno.removeSignalListener("SIGINT", stop);
      Deno.removeSignalListener("SIGTERM", stop);
      try {
        child.kill("SIGTERM");
      } catch {
        // It has ended by itself.
      }
      await child.status;
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
