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
  /** For CONNECT_TO. */
  connectTo?: string[];
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
  using c = made(settings);
  wait(settings);
  return urls.map((url) => {
    c.setopt(curl.URL, url);
    const body = c.performTextSync();
    return { body, connects: c.getinfo(curl.NUM_CONNECTS) };
  });
}

/** Gets these URLs at once, each with a handle of its own. */
export function getAtOnce(
  urls: string[],
  settings: TransferSettings = {},
): Promise<Answer[]> {
  const handles = urls.map((url) => {
    const c = made(settings);
    c.setopt(curl.URL, url);
    return c;
  });
  wait(settings);
  return Promise.all(handles.map(async (c) => {
    using _ = c;
    const body = await c.performText();
    return { body, connects: c.getinfo(curl.NUM_CONNECTS) };
  }));
}

function made(settings: TransferSettings): curl.Curl {
  const { share, ca, resolve, connectTo, fresh } = settings;
  const c = new curl.Curl();
  if (share !== undefined) {
    c.setopt(curl.SHARE, curl.CurlShare.fromHandle(share));
  }
  // The cookies and the hosts are the share's, but to heed them is each
  // handle's own.
  c.setopt(curl.COOKIEFILE, "");
  c.setopt(curl.HSTS_CTRL, curl.CURLHSTS_ENABLE);
  if (ca !== undefined) c.setCaCerts(ca);
  if (resolve) c.setopt(curl.RESOLVE, resolve);
  if (connectTo) c.setopt(curl.CONNECT_TO, connectTo);
  if (fresh) {
    c.setopt(curl.FRESH_CONNECT, true);
    c.setopt(curl.FORBID_REUSE, true);
  }
  return c;
}

function wait({ gate }: TransferSettings): void {
  if (gate) new Gate(gate).waitSync();
}
