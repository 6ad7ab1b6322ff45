/**
 * A Worker of the stress: walks until it is terminated, or ends itself.
 *
 * @module
 */

import { rest, tend } from "./flights.ts";
import { OPERATIONS } from "./operations.ts";
import { Stopped, type Surroundings, Walk } from "./walk.ts";

/** What a Worker tells the main thread. */
export type FromWorker =
  | { readonly type: "failed"; readonly text: string }
  /** It ends now, by itself. */
  | { readonly type: "ending" };

interface Port {
  onmessage: ((event: MessageEvent<Surroundings>) => void) | null;
  postMessage(message: FromWorker): void;
  close(): void;
  /** With --expose-gc. */
  gc?(): void;
}

const port = globalThis as unknown as Port;
const LONGEST_STRETCH = 200;

port.onmessage = async ({ data }) => {
  const walk = new Walk(data, OPERATIONS, {
    failed: (text) => port.postMessage({ type: "failed", text }),
    collect: () => port.gc?.(),
    end() {
      port.postMessage({ type: "ending" });
      port.close();
    },
  });
  try {
    for (;;) {
      // A Worker is terminated, and its garbage finalised, only in between.
      await rest(walk);
      tend(walk);
      for (let left = walk.random.below(LONGEST_STRETCH); left > 0; left--) {
        walk.step();
      }
    }
  } catch (error) {
    if (error instanceof Stopped) return;
    port.postMessage({
      type: "failed",
      text: error instanceof Error ? error.stack! : Deno.inspect(error),
    });
  }
};
