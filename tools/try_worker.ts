/**
 * Begins a transfer that its program ends in the middle; see try_library.ts.
 *
 * @module
 */

import * as curl from "../mod.ts";

/** What to do. */
interface Order {
  library: string;
  url: string;
  share?: curl.ShareHandle;
}

declare const self: {
  onmessage: ((event: MessageEvent<Order>) => void) | null;
};

self.onmessage = ({ data }) => {
  curl.setLibraryPath(data.library);
  const c = new curl.Curl();
  c.setopt(curl.URL, data.url);
  if (data.share !== undefined) {
    c.setopt(curl.SHARE, curl.CurlShare.fromHandle(data.share));
  }
  c.perform();
};
