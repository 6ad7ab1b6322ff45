/**
 * Compares PycURL's names and values with this module's.
 *
 * Run it as `deno run -A tools/compare_pycurl.ts [python]`: with a Python that
 * has PycURL, or with the names in `tools/pycurl.json`. It fails when a name is
 * missing, or a value another, and `tools/names.json` gives no reason.
 *
 * @module
 */

import * as ours from "../mod.ts";
import { camelCase, readPycurlNames, takePycurlNames } from "./pycurl.ts";
import { readNames } from "./tables/model.ts";

const [python] = Deno.args;
const { equivalents, differing, missing } = readNames();
const { version, names, members } = python === undefined
  ? readPycurlNames()
  : await takePycurlNames(python);
const exported = new Map<string, unknown>(Object.entries(ours));
const explained: string[] = [];
const unexplained: string[] = [];

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
