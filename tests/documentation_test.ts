/** What `deno doc` tells about the package. */

import { assertEquals } from "./assert.ts";
import { CHILD } from "./fixtures/child.ts";
import { test } from "./permissions.ts";

const MODULE = new URL("../mod.ts", import.meta.url);

interface Documentation {
  jsDoc?: { doc?: string; tags?: { kind: string; doc?: string }[] };
}

interface Member extends Documentation {
  name: string;
  /** That of a method. */
  kind?: string;
}

/** The part of the JSON that is read here. */
interface Declaration extends Documentation {
  kind: string;
  def?: Partial<Record<"constructors" | "methods" | "properties", Member[]>>;
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

/** Something that is documented. */
interface Item extends Documentation {
  name: string;
  /** The kind of symbol, or of the symbol that it is in. */
  kind: string;
  what: "symbol" | "call" | "property";
}

function itemsOf({ name, declarations }: Symbol): Item[] {
  return declarations.flatMap(({ kind, jsDoc, def = {} }) => {
    const { constructors = [], methods = [], properties = [] } = def;
    // A setter is documented with what it sets.
    const calls = [
      ...constructors,
      ...methods.filter((method) => method.kind !== "setter"),
    ];
    const member = (what: Item["what"]) => (member: Member): Item => ({
      name: `${name}.${member.name}`,
      kind,
      what,
      jsDoc: member.jsDoc,
    });
    return [
      { name, kind, what: "symbol" as const, jsDoc },
      ...calls.map(member("call")),
      ...properties.map(member("property")),
    ];
  });
}

/** The names of the items that this is true of. */
async function find(is: (item: Item) => boolean): Promise<string[]> {
  const items = (await publicSymbols()).flatMap(itemsOf);
  return items.filter(is).map(({ name }) => name);
}

/** One that `deno test --doc` runs. */
const lacksExample = ({ jsDoc }: Documentation): boolean =>
  !jsDoc?.tags?.some(({ kind, doc }) =>
    kind === "example" && doc?.includes("```ts\n")
  );

test(CHILD, "every public symbol and member is described", async () => {
  assertEquals(await find(({ jsDoc }) => !jsDoc?.doc), []);
});

/** Whether the example of something else shows it. */
function isShownElsewhere({ kind, what }: Item): boolean {
  // Constants, of which there are a thousand: whatever takes them shows some.
  if (kind === "variable") return true;
  if (what === "symbol") return false;
  return kind === "interface" || what === "property";
}

test(
  CHILD,
  "every public symbol, and whatever a class can be asked, has an example",
  async () => {
    const lacking = (item: Item) =>
      !isShownElsewhere(item) && lacksExample(item);
    assertEquals(await find(lacking), []);
  },
);
