/**
 * The assertions for all tests: @std/assert's, or our stand-in for them where
 * the registry cannot be reached.
 */

import * as standIn from "./fixtures/assert_stand_in.ts";

// In a variable, so that the registry is asked when a test runs and not when
// the module graph is built: `deno check` and the tests pass without it.
const NAME = "@std/assert";

// An unreachable registry costs a test run this long once, not in each file.
const PATIENCE_MS = 5000;
const MEMORY_MS = 60_000;

const loaded = await load();

// Each needs its type spelt out: TypeScript accepts a call of an assertion
// function only through a name that is declared with its type.
export const assert: typeof standIn.assert = loaded.assert;
export const assertArrayIncludes: typeof standIn.assertArrayIncludes =
  loaded.assertArrayIncludes;
export const assertEquals: typeof standIn.assertEquals = loaded.assertEquals;
export const assertExists: typeof standIn.assertExists = loaded.assertExists;
export const assertFalse: typeof standIn.assertFalse = loaded.assertFalse;
export const assertGreater: typeof standIn.assertGreater = loaded.assertGreater;
export const assertGreaterOrEqual: typeof standIn.assertGreaterOrEqual =
  loaded.assertGreaterOrEqual;
export const assertInstanceOf: typeof standIn.assertInstanceOf =
  loaded.assertInstanceOf;
export const assertIsError: typeof standIn.assertIsError = loaded.assertIsError;
export const assertLess: typeof standIn.assertLess = loaded.assertLess;
export const assertLessOrEqual: typeof standIn.assertLessOrEqual =
  loaded.assertLessOrEqual;
export const assertMatch: typeof standIn.assertMatch = loaded.assertMatch;
export const assertNotEquals: typeof standIn.assertNotEquals =
  loaded.assertNotEquals;
export const assertNotMatch: typeof standIn.assertNotMatch =
  loaded.assertNotMatch;
export const assertNotStrictEquals: typeof standIn.assertNotStrictEquals =
  loaded.assertNotStrictEquals;
export const assertRejects: typeof standIn.assertRejects = loaded.assertRejects;
export const assertStrictEquals: typeof standIn.assertStrictEquals =
  loaded.assertStrictEquals;
export const assertStringIncludes: typeof standIn.assertStringIncludes =
  loaded.assertStringIncludes;
export const assertThrows: typeof standIn.assertThrows = loaded.assertThrows;
export const fail: typeof standIn.fail = loaded.fail;
export const unreachable: typeof standIn.unreachable = loaded.unreachable;

async function load(): Promise<typeof standIn> {
  const memory = failureMemory();
  if (memory.isFresh) {
    memory.renew();
    return standIn;
  }
  let timer: ReturnType<typeof setTimeout> | undefined;
  const patience = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`no answer in ${PATIENCE_MS / 1000} s`)),
      PATIENCE_MS,
    );
  });
  try {
    return await Promise.race([import(NAME), patience]);
  } catch (error) {
    const reason = (error as Error).message.split("\n", 1)[0];
    console.error(
      `${NAME} could not be loaded, its stand-in is used: ${reason}`,
    );
    memory.renew();
    return standIn;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Each test file is an isolate of its own; localStorage is what those of one
 * process have in common without any permission.
 */
function failureMemory(): { isFresh: boolean; renew(): void } {
  const key = `${NAME} was out of reach`;
  try {
    const [pid, at] = (localStorage.getItem(key) ?? "").split(" ");
    return {
      isFresh: pid === `${Deno.pid}` && Date.now() - Number(at) < MEMORY_MS,
      renew: () => localStorage.setItem(key, `${Deno.pid} ${Date.now()}`),
    };
  } catch {
    return { isFresh: false, renew: () => {} };
  }
}
