/** What `deno doc` tells about the package. */

import { assertEquals } from "./assert.ts";
import { CHILD } from "./fixtures/child.ts";
import { test } from "./permissions.ts";

const MODULE = new URL("../mod.ts", import.meta.url);

interface Documentation {
  jsDoc?: { tags?: { kind: string }[] };
}

/** The part of the JSON that is read here. */
interface Declaration extends Documentation {
  kind: string;
  def?: { methods?: (Documentation & { name: string; kind: string })[] };
}

interface Symbol {
  name: string;
  declarations: Declaration[];
}

async function publicSymbols(): Promise<Symbol[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", MODULE.pathname],
  }).output();
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout));
  return Object.values<{ symbols: Symbol[] }>(nodes)
    .flatMap(({ symbols }) => symbols);
}

const lacksExample = ({ jsDoc }: Documentation): boolean =>
  !jsDoc?.tags?.some(({ kind }) => kind === "example");

/** What the examples of the classes and functions that take them show. */
const SHOWN_ELSEWHERE = new Set(["variable", "interface", "typeAlias"]);

test(
  CHILD,
  "every public class, function and method has an example",
  async () => {
    const symbols = await publicSymbols();
    const bare: string[] = [];
    for (const { name, declarations } of symbols) {
      for (const declaration of declarations) {
        if (SHOWN_ELSEWHERE.has(declaration.kind)) continue;
        if (lacksExample(declaration)) bare.push(name);
        for (const method of declaration.def?.methods ?? []) {
          if (method.kind !== "method") continue;
          if (lacksExample(method)) bare.push(`${name}.${method.name}`);
        }
      }
    }
    assertEquals(bare, []);
  },
);
