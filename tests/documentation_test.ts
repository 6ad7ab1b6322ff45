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
  def?: { methods?: (Documentation & { name: string })[] };
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

test(
  CHILD,
  "every public symbol but the constants has an example",
  async () => {
    const symbols = await publicSymbols();
    const bare: string[] = [];
    for (const { name, declarations } of symbols) {
      for (const declaration of declarations) {
        if (declaration.kind === "variable") continue;
        if (lacksExample(declaration)) bare.push(name);
        // An interface's example shows its methods.
        if (declaration.kind !== "class") continue;
        for (const method of declaration.def?.methods ?? []) {
          if (lacksExample(method)) bare.push(`${name}.${method.name}`);
        }
      }
    }
    assertEquals(bare, []);
  },
);
