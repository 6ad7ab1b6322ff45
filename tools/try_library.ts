/**
 * Opens a library as it will be released, and makes requests with it on the
 * machine it is for.
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

const { name, file } = Deno.args.length > 0
  ? platformNamed(Deno.args[0])
  : ownPlatform();
curl.setLibraryPath(`${ROOT}dist/lib/${name}/${file}`);
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

function httpVersion(c: curl.Curl): string {
  return c.getinfo(curl.INFO_HTTP_VERSION) === curl.CURL_HTTP_VERSION_2_0
    ? "2"
    : "1.1";
}
