/**
 * Uploads standard input by PUT, compressed on the way. Nothing is read sooner
 * than it can be sent, so the input may be of any length.
 *
 *     tar c . | deno run -A examples/upload_stream.ts URL
 */

import * as curl from "../mod.ts";

const [url] = Deno.args;
if (url === undefined) {
  console.error("usage: upload_stream.ts URL < FILE");
  Deno.exit(2);
}

using c = new curl.Curl();
c.setopt(curl.URL, url);
c.setopt(curl.UPLOAD, true);
c.setopt(curl.FAILONERROR, true);
c.setopt(curl.HTTPHEADER, ["Content-Encoding: gzip"]);
const compressed = new CompressionStream("gzip");
c.setopt(curl.READDATA, Deno.stdin.readable.pipeThrough(compressed));
console.log(await c.performText());
console.log(c.getinfo(curl.RESPONSE_CODE), c.getinfo(curl.SIZE_UPLOAD_T));
