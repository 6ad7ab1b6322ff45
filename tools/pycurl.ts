/**
 * What the pip package of PycURL offers: its names, their numbers, and the
 * members of its classes.
 *
 * @module
 */

import { ROOT, run } from "./tables/output.ts";

/** The names of one version of PycURL. */
export interface PycurlNames {
  /** Of PycURL and of its libcurl. */
  readonly version: string;
  /** Every name of the module; null where it is no number. */
  readonly names: Readonly<Record<string, number | null>>;
  /** The members of each class, apart from those that its base has, too. */
  readonly members: Readonly<Record<string, readonly string[]>>;
}

/** The file of the names that are kept in the repository. */
export const SNAPSHOT = "tools/pycurl.json";

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
        base = public(value.__base__)
        fields = getattr(value, "_fields", ())
        members[name] = [m for m in public(value) if m in fields or m not in base]
version = " ".join(pycurl.version.split()[:2])
print(json.dumps({"version": version, "names": names, "members": members}))
`;

/** The names that are kept in the repository. */
export function readPycurlNames(): PycurlNames {
  return JSON.parse(Deno.readTextFileSync(ROOT + SNAPSHOT));
}

/** The names of the package that a Python has. */
export async function takePycurlNames(python: string): Promise<PycurlNames> {
  return JSON.parse(await run(python, ["-c", SCRIPT]));
}

/** `ws_send` → `wsSend`; constants have no lower case to follow `_`. */
export function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
}
