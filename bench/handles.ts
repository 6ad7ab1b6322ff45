import * as curl from "../mod.ts";
import type { Get } from "./measure.ts";

export function openHandle(url: string): curl.Curl {
  const easy = new curl.Curl();
  easy.setopt(curl.URL, url);
  easy.setopt(curl.HTTP_VERSION, curl.CURL_HTTP_VERSION_1_1);
  return easy;
}

/** Counts the body by WRITEFUNCTION, as C and PycURL do, and keeps nothing. */
export function countWith(easy: curl.Curl): Get {
  let size = 0;
  easy.setopt(curl.WRITEFUNCTION, (data) => {
    size += data.length;
  });
  return async () => {
    size = 0;
    await easy.perform();
    return size;
  };
}

export function getWith(easy: curl.Curl): Get {
  return async () => (await easy.performBytes()).length;
}
