/** The guides in docs/: what they say is there, and works. */

import * as curl from "../mod.ts";
import { readPycurlNames, takePycurlNames } from "../tools/pycurl.ts";
import { assert, assertEquals, assertGreater } from "./assert.ts";
import { CHILD } from "./fixtures/child.ts";
import { missing, test } from "./permissions.ts";

const ROOT = new URL("../", import.meta.url);
const READ = { needs: ["read"] as const };
const GUIDES = missing(READ) === undefined
  ? Array.from(Deno.readDirSync(new URL("docs/", ROOT)))
    .map(({ name }) => `docs/${name}`).concat("README.md").toSorted()
  : [];
const PYTHON = { needs: ["read", "run"] as const, programs: ["python3"] };

/** Certificates and keys that the tables take for granted. */
const NAMES = ["cert", "key", "pem"];

function textOf(path: string): string {
  return Deno.readTextFileSync(new URL(path, ROOT));
}

/** Pieces of code in a guide's tables that do something with `c`. */
function piecesOf(path: string): string[] {
  return textOf(path).split("\n").filter((line) => line.startsWith("|"))
    .flatMap((line) =>
      Array.from(line.matchAll(/`([^`]+)`/g), ([, code]) => code)
    )
    .map((code) => code.replaceAll("\\|", "|"))
    .filter((code) => /^c\.\w+\(/.test(code));
}

/** Constants in code, and those of families that prose names. */
const CONSTANTS = [
  /\bcurl\.([A-Z](?![a-z])\w+)/g,
  /`((?:E|FORM|LOCK_DATA|M|SHE)_[A-Z\d_]+)`/g,
];

for (const path of GUIDES) {
  test(READ, `${path} names constants that are there`, () => {
    const text = textOf(path);
    for (const [, name] of CONSTANTS.flatMap((it) => [...text.matchAll(it)])) {
      assert(name in curl, name);
    }
  });

  test(READ, `${path} links to files that are there`, () => {
    for (const [, link] of textOf(path).matchAll(/\]\((?!https?:)([^)#]+)/g)) {
      Deno.statSync(new URL(link, new URL(path, ROOT)));
    }
  });

  test(READ, `${path} has no code that --doc leaves out`, () => {
    const kinds = textOf(path).matchAll(/^```(.+)$/gm);
    const known = ["python", "sh", "ts"];
    for (const [, kind] of kinds) assert(known.includes(kind), kind);
  });
}

test(READ, "docs/ has pages that README.md links to, and no others", () => {
  const text = textOf("README.md");
  for (const path of GUIDES.filter((path) => path !== "README.md")) {
    assert(text.includes(`(${path})`), path);
  }
});

test(
  { needs: ["read", "write"] },
  "docs/from-fetch.md has code in its tables that runs",
  () => {
    const pieces = piecesOf("docs/from-fetch.md");
    assertGreater(pieces.length, 100);
    for (const piece of pieces) {
      using c = new curl.Curl();
      new Function("c", "curl", ...NAMES, piece)(c, curl, ...NAMES);
    }
  },
);

test(CHILD, "docs/from-pycurl.md is what tools/gen_porting.ts writes", () => {
  const { code, stdout, stderr } = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "tools/gen_porting.ts", "--check"],
    cwd: ROOT,
  }).outputSync();
  const decoder = new TextDecoder();
  assertEquals(code, 0, decoder.decode(stdout) + decoder.decode(stderr));
});

/** Why the installed PycURL can't be compared; false if it can. */
async function incomparable(): Promise<string | false> {
  if (missing(PYTHON) !== undefined) return false;
  const { version } = readPycurlNames();
  const found = await takePycurlNames("python3").catch(() => undefined);
  return found?.version === version ? false : `python3 has no ${version}`;
}

test(
  [PYTHON, { skip: await incomparable() }],
  "tools/pycurl.json is what the installed PycURL has",
  async () => {
    assertEquals(await takePycurlNames("python3"), readPycurlNames());
  },
);
