/**
 * Logs in once; the cookies are then those of every Worker.
 *
 *     deno run -A examples/login.ts LOGIN_URL PAGE_URL
 */

import * as curl from "../mod.ts";

const [login, page] = Deno.args;
if (page === undefined) {
  console.error("usage: login.ts LOGIN_URL PAGE_URL");
  Deno.exit(2);
}

// Closed when the last transfer on it is over.
await using share = new curl.CurlShare();
share.share(curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_DNS);

using c = new curl.Curl();
c.setopt(curl.SHARE, share);
c.setopt(curl.COOKIEFILE, "");
c.setopt(curl.URL, login);
c.setopt(curl.FAILONERROR, true);
await c.performBytes();

const pages = Array.from({ length: 3 }, () => {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const worker = new Worker(new URL("./login_worker.ts", import.meta.url), {
    type: "module",
  });
  worker.onmessage = ({ data }) => {
    resolve(data);
    worker.terminate();
  };
  worker.onerror = (event) => reject(new Error(event.message));
  worker.postMessage({ share: share.handle, url: page });
  return promise;
});
for (const text of await Promise.all(pages)) console.log(text);
