/**
 * Compares PycURL's names and values with this module's.
 *
 * Run it as `deno run -A tools/compare_pycurl.ts [python]`, with a Python that
 * has PycURL. It fails when a name is missing, or a value another, and
 * `tools/names.json` gives no reason.
 *
 * @module
 */

import * as ours from "../mod.ts";
import { readNames } from "./tables/model.ts";
import { run } from "./tables/output.ts";

const SCRIPT = `
import inspect, json, pycurl
def public(thing):
    return [name for name in dir(thing) if not name.startswith("_")]
names = {}
members = {}
for name in public(pycurl):
    value = getattr(pycurl, name)
    names[name] = value if isinstance(value, int) else None
    if inspect.isclass(value) and not issubclass(value, Exception):
        members[name] = public(value)
print(json.dumps([pycurl.version, names, members]))
`;

type Answer = [
  version: string,
  names: Record<string, number | null>,
  members: Record<string, string[]>,
];

const { equivalents, differing, missing } = readNames();
const [version, names, members]: Answer = JSON.parse(
  await run(Deno.args[0] ?? "python3", ["-c", SCRIPT]),
);
const exported = new Map<string, unknown>(Object.entries(ours));
const explained: string[] = [];
const unexplained: string[] = [];

/** `ws_send` → `wsSend`; constants have no lower case to follow `_`. */
function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
}

function note(name: string, reason: string | undefined, what: string): void {
  if (reason === undefined) unexplained.push(`${name}: ${what}`);
  else explained.push(`${name}: ${reason}`);
}

for (const [name, value] of Object.entries(names)) {
  const found = exported.get(equivalents[name] ?? camelCase(name));
  if (found === undefined) {
    note(name, missing[name], "missing");
  } else if (value !== null && found !== value) {
    note(name, differing[name], `${found}, not ${value}`);
  }
}
for (const [name, list] of Object.entries(members)) {
  const found = exported.get(name);
  if (typeof found !== "function") continue;
  for (const member of list) {
    const path = `${name}.${member}`;
    if ((equivalents[path] ?? camelCase(member)) in found.prototype) continue;
    note(path, missing[path], "missing");
  }
}

const count = Object.keys(names).length;
console.log(`${version}\n${count} names, of which without a counterpart:`);
for (const line of explained) console.log(`  ${line}`);
for (const line of unexplained) console.error(`No reason for ${line}`);
if (unexplained.length > 0) Deno.exit(1);
