/** Transfers in a Worker, through a share of whoever started it. */

import * as curl from "../../mod.ts";
import { Gate } from "../fixtures/workers.ts";

/** How the transfers are done. */
export interface TransferSettings {
  /** The number of the share to use. */
  share?: number;
  /** The authority to trust, in PEM. */
  ca?: string;
  /** For RESOLVE. */
  resolve?: string[];
  /** Makes a connection for each transfer. */
  fresh?: boolean;
  /** When to start. */
  gate?: SharedArrayBuffer;
}

/** What one transfer has shown. */
export interface Answer {
  body: string;
  /** How many connections it made. */
  connects: number;
}

/** Gets these URLs, one after another, with one handle. */
export function get(urls: string[], settings: TransferSettings = {}): Answer[] {
  using c = new curl.Curl();
  const { share, ca, resolve, fresh, gate } = settings;
  if (share !== undefined) {
    c.setopt(curl.SHARE, curl.CurlShare.fromHandle(share));
  }
  // The cookies are the share's, but the engine is each handle's own.
  c.setopt(curl.COOKIEFILE, "");
  if (ca !== undefined) c.setCaCerts(ca);
  if (resolve) c.setopt(curl.RESOLVE, resolve);
  if (fresh) {
    c.setopt(curl.FRESH_CONNECT, true);
    c.setopt(curl.FORBID_REUSE, true);
  }
  if (gate) new Gate(gate).waitSync();
  return urls.map((url) => {
    c.setopt(curl.URL, url);
    const body = c.performTextSync();
    return { body, connects: c.getinfo(curl.NUM_CONNECTS) };
  });
}
