const NGINX = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx"];

/** The ports of one nginx, and its file of a certificate with the key. */
export interface Settings {
  port: number;
  /** Of HTTP/1.1 over TLS. */
  securePort: number;
  http2Port: number;
  certificate: string;
}

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

/** As many as make 20 with those that nginx sends by itself. */
function headers(): string {
  const numbers = Array.from({ length: 15 }, (_, index) => index);
  return numbers.map((number) =>
    `add_header X-Benchmark-${number} "value ${number} of some length";`
  ).join(" ");
}

/**
 * Without a master process nginx is one process with the caller's rights.
 * sendfile would pass the file on in pages of 4 KiB, which costs the receiving
 * kernel more than large buffers do, and would hide what a client itself costs.
 * Left to choose, the peers' TLS libraries would choose different ciphers.
 */
function config(folder: string, settings: Settings): string {
  const { port, securePort, http2Port, certificate } = settings;
  return `daemon off;
master_process off;
pid ${folder}/pid;
error_log stderr warn;
events { worker_connections 1024; }
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
  ssl_certificate ${certificate};
  ssl_certificate_key ${certificate};
  ssl_protocols TLSv1.3;
  ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
  server {
    listen 127.0.0.1:${port};
    listen 127.0.0.1:${securePort} ssl;
    listen 127.0.0.1:${http2Port} ssl http2;
    location = /small { return 200 "${"x".repeat(1024)}"; }
    location = /large { root ${folder}; }
    location = /headers { ${headers()} return 200 "x"; }
  }
}
`;
}

export function startNginx(
  folder: string,
  settings: Settings,
): Deno.ChildProcess {
  const file = `${folder}/nginx.conf`;
  Deno.writeTextFileSync(file, config(folder, settings));
  using large = Deno.createSync(`${folder}/large`);
  large.truncateSync(2 ** 30);
  return new Deno.Command(findNginx(), {
    args: ["-p", folder, "-c", file, "-e", "stderr"],
    stdin: "null",
    stdout: "null",
  }).spawn();
}

export async function connectable(port: number): Promise<void> {
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
