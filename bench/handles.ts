import * as curl from "../mod.ts";
import type { Get } from "./measure.ts";

export function openHandle(url: string): curl.Curl {
  const easy = new curl.Curl();
  easy.setopt(curl.URL, url);
  easy.setopt(curl.HTTP_VERSION, curl.CURL_HTTP_VERSION_1_1);
  return easy;
}

export function getWith(easy: curl.Curl): Get {
  return async () => (await easy.performBytes()).length;
}
