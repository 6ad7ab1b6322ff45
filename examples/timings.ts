/**
 * Where the time of a transfer goes, for a first one and for one that finds
 * the connection open.
 *
 *     deno run -A examples/timings.ts URL
 */

import * as curl from "../mod.ts";

const [url] = Deno.args;
if (url === undefined) {
  console.error("usage: timings.ts URL");
  Deno.exit(2);
}

using c = new curl.Curl();
c.setopt(curl.URL, url);
for (const which of ["first", "second"]) {
  c.performBytesSync();
  const milliseconds = {
    "name found": c.getinfo(curl.NAMELOOKUP_TIME_T) / 1000,
    connected: c.getinfo(curl.CONNECT_TIME_T) / 1000,
    "TLS done": c.getinfo(curl.APPCONNECT_TIME_T) / 1000,
    "first byte": c.getinfo(curl.STARTTRANSFER_TIME_T) / 1000,
    total: c.getinfo(curl.TOTAL_TIME_T) / 1000,
  };
  console.log(which, c.getinfo(curl.PRIMARY_IP), milliseconds);
}
