/** Receives frames on a handle that another Worker sends on. */

import * as curl from "../../mod.ts";

/** Receives so many frames, and gives how many bytes they had. */
export async function receive(
  handle: number,
  frames: number,
): Promise<number> {
  const c = curl.Curl.fromHandle(handle);
  let total = 0;
  while (frames > 0) {
    try {
      const [data, frame] = c.wsRecv(10_000);
      total += data.length;
      if (frame?.bytesleft === 0) frames--;
    } catch (error) {
      if ((error as curl.CurlError).code !== curl.E_AGAIN) throw error;
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }
  return total;
}
