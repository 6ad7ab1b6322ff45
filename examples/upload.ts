/**
 * Uploads a file by PUT, and shows what the server says.
 *
 *     deno run -A examples/upload.ts FILE URL
 */

import * as curl from "../mod.ts";

const [path, url] = Deno.args;
if (url === undefined) {
  console.error("usage: upload.ts FILE URL");
  Deno.exit(2);
}

using file = Deno.openSync(path);
using c = new curl.Curl();
c.setopt(curl.URL, url);
c.setopt(curl.UPLOAD, true);
c.setopt(curl.INFILESIZE_LARGE, file.statSync().size);
c.setopt(curl.READDATA, file);
// A redirect or a second try for authentication sends the file again.
c.setopt(curl.SEEKFUNCTION, (offset) => {
  file.seekSync(offset, Deno.SeekMode.Start);
});
console.log(c.performTextSync());
console.log(c.getinfo(curl.RESPONSE_CODE), c.getinfo(curl.SIZE_UPLOAD_T));
