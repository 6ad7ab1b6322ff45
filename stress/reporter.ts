/**
 * Asks for the report of all handles in a Worker of its own, since where others
 * hang, this may hang as well.
 *
 * @module
 */

import { report } from "../src/ffi/call.ts";

const port = globalThis as unknown as { postMessage(text: string): void };
port.postMessage(report());
