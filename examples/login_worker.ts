/** Fetches a page with the cookies of a share: see login.ts. */

import * as curl from "../mod.ts";

const worker = globalThis as unknown as {
  onmessage: (event: MessageEvent<{ share: number; url: string }>) => void;
  postMessage(message: string): void;
};

worker.onmessage = async ({ data }) => {
  using c = new curl.Curl();
  c.setopt(curl.SHARE, curl.CurlShare.fromHandle(data.share));
  // The empty name turns cookies on without a file.
  c.setopt(curl.COOKIEFILE, "");
  c.setopt(curl.URL, data.url);
  worker.postMessage(await c.performText());
};
