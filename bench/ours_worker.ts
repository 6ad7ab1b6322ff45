/** What a Worker of ours_workers.ts does. */

import * as curl from "../mod.ts";
import { getWith, openHandle } from "./handles.ts";
import { repeatFor } from "./measure.ts";

const handles: curl.Curl[] = [];

/** Opens so many handles on one share. */
export function open(
  url: string,
  count: number,
  handle: curl.ShareHandle,
): void {
  const share = curl.CurlShare.fromHandle(handle);
  for (let i = 0; i < count; i++) {
    const easy = openHandle(url);
    easy.setopt(curl.SHARE, share);
    handles.push(easy);
  }
}

export function repeat(seconds: number): Promise<[number, number]> {
  return repeatFor(handles.map(getWith), seconds);
}
