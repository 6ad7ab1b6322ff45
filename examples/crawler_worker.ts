/** Visits pages, as many at once as it is told to: see crawler.ts. */

import * as curl from "../mod.ts";

/** What a Worker has found. */
export interface Page {
  url: string;
  /** The status of its answer, or why there was none. */
  outcome: string;
  /** Other pages of the same site. */
  links: string[];
}

const worker = globalThis as unknown as {
  onmessage: (event: MessageEvent<{ share: number; url: string }>) => void;
  postMessage(message: Page): void;
};

worker.onmessage = async ({ data: { share, url } }) => {
  using c = new curl.Curl();
  c.setopt(curl.SHARE, curl.CurlShare.fromHandle(share));
  c.setopt(curl.COOKIEFILE, "");
  c.setopt(curl.URL, url);
  c.setopt(curl.FOLLOWLOCATION, true);
  c.setopt(curl.ACCEPT_ENCODING, "");
  try {
    const text = await c.performText({ signal: AbortSignal.timeout(30_000) });
    const base = c.getinfo(curl.EFFECTIVE_URL) ?? url;
    const outcome = `${c.getinfo(curl.RESPONSE_CODE)}`;
    worker.postMessage({ url, outcome, links: linksOf(text, base) });
  } catch (error) {
    worker.postMessage({ url, outcome: `${error}`, links: [] });
  }
};

function linksOf(text: string, base: string): string[] {
  const { origin } = new URL(base);
  return [...text.matchAll(/\bhref="([^"#]+)/g)]
    .map(([, link]) => URL.parse(link, base))
    .filter((link) => link?.origin === origin)
    .map((link) => link!.href);
}
