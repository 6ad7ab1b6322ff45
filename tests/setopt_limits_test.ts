/** Values of the right type that libcurl itself refuses, option by option. */

import * as curl from "../mod.ts";
import {
  OPTION_KIND,
  OPTION_NAME,
  OPTION_NUMBER,
  OptionKind,
} from "../src/tables/kinds.ts";
import type { CurlOption } from "../mod.ts";
import { assert, assertGreater, assertInstanceOf } from "./assert.ts";
import { assertUsable } from "./fixtures/checks.ts";

/** Options that libcurl still takes, and forgets at once. */
const IGNORED = ["EGDSOCKET", "RANDOM_FILE"];

/** What was thrown; undefined if nothing was. */
function thrownBy(act: () => void): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
}

function optionsOf(kind: keyof typeof OptionKind): [string, CurlOption][] {
  return Array.from(OPTION_NAME.entries()).filter(([index, name]) =>
    name !== "" && OPTION_KIND[index] === OptionKind[kind]
  ).map(([index, name]) => [name, OPTION_NUMBER[index] as CurlOption]);
}

for (const kind of ["long", "offT"] as const) {
  Deno.test(`setopt() names the ${kind} option whose number is refused`, () => {
    let refused = 0;
    for (const [name, option] of optionsOf(kind)) {
      using c = new curl.Curl();
      c.setopt(curl.DEBUGFUNCTION, () => {});
      for (const value of [-(2 ** 40), -1000, 2 ** 31, 2 ** 40, 2n ** 62n]) {
        const error = thrownBy(() => c.setopt(option, value));
        if (error === undefined) continue;
        refused += 1;
        if (name === "NOSIGNAL") assertInstanceOf(error, RangeError);
        else assertInstanceOf(error, curl.CurlError, name);
        assert(error.message.startsWith(`setopt(${name})`), error.message);
      }
      assertUsable(c);
    }
    assertGreater(refused, 0);
  });
}

Deno.test("setopt() refuses strings that are longer than libcurl takes", () => {
  const long = new Uint8Array(8_000_001).fill(120);
  for (const [name, option] of optionsOf("string")) {
    if (IGNORED.includes(name)) continue;
    using c = new curl.Curl();
    const error = thrownBy(() => c.setopt(option, long));
    assertInstanceOf(error, curl.CurlError, name);
    assert(error.message.startsWith(`setopt(${name})`), error.message);
    assertUsable(c);
  }
});
