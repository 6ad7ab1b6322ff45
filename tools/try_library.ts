/**
 * Opens a library as it will be released, and makes requests with it on the
 * machine it is for: in Workers too, of which one ends in the middle.
 *
 * Run it as `deno run -A tools/try_library.ts [PLATFORM]`; without a name it is
 * that for this machine.
 *
 * @module
 */

import * as curl from "../mod.ts";
import { createCertificates } from "./certificates.ts";
import { ownPlatform, platformNamed } from "./npm/platforms.ts";
import { ROOT } from "./tables/output.ts";

const TEXT = "It works.";

// A library that hangs has failed.
Deno.unrefTimer(setTimeout(() => {
  console.error("This takes too long");
  Deno.exit(1);
}, 60_000));

const { name, file } = Deno.args.length > 0
  ? platformNamed(Deno.args[0])
  : ownPlatform();
const library = `${ROOT}dist/lib/${name}/${file}`;
curl.setLibraryPath(library);
console.log(curl.versionInfo().text);

const { ca, server: certificate } = await createCertificates();
for (const tls of [undefined, certificate]) {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {}, ...tls },
    () => new Response(TEXT),
  );
  const scheme = tls ? "https" : "http";
  const url = `${scheme}://localhost:${server.addr.port}/`;
  using c = new curl.Curl();
  c.setopt(curl.URL, url);
  c.setopt(curl.TIMEOUT, 10);
  // The server's end waits for connections that are kept.
  c.setopt(curl.FORBID_REUSE, true);
  if (tls) c.setCaCerts(ca);
  let received = "";
  c.setopt(curl.WRITEFUNCTION, (data) => {
    received += new TextDecoder().decode(data);
  });
  await c.perform();
  if (received !== TEXT || await c.performText() !== TEXT) {
    throw new Error(`${url} gave "${received}"`);
  }
  console.log(`${scheme} works, by HTTP/${httpVersion(c)}`);
}

// Cookies have an engine with a thread of its own, which is there to the end.
const share = new curl.CurlShare();
share.share(curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_DNS);
for (const kept of [undefined, share]) {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const module = new URL("try_worker.ts", import.meta.url);
  const worker = new Worker(module, { type: "module" });
  const url = `http://127.0.0.1:${listener.addr.port}/`;
  worker.postMessage({ library, url, share: kept?.handle });
  using connection = await listener.accept();
  const room = new Uint8Array(1024);
  const sent = await connection.read(room);
  worker.terminate();
  // What it has had ends with it, the connection too.
  while (await connection.read(room).catch(() => null) !== null);
  console.log(
    `A Worker ${kept ? "with" : "without"} a share ended: ${sent} bytes`,
  );
}

function httpVersion(c: curl.Curl): string {
  return c.getinfo(curl.INFO_HTTP_VERSION) === curl.CURL_HTTP_VERSION_2_0
    ? "2"
    : "1.1";
}
