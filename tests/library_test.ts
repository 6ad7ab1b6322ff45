/** Finding and opening the native library, and what is said when that fails. */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "./assert.ts";
import { FILE } from "./fixtures/checks.ts";
import {
  CHILD,
  type ChildResult,
  LIBRARY,
  runChild,
} from "./fixtures/child.ts";
import { missing, type Requirements, test } from "./permissions.ts";

const WRITING: Requirements = { needs: ["write"] };
const FLAGS = ["--allow-ffi", "--allow-env", "--allow-read"];

/** Tells what the first use of the library comes to. */
const FIRST_USE = `
try {
  console.log(curl.versionInfo().version);
} catch (error) {
  console.log(error.name, error instanceof Deno.errors.NotCapable);
  console.log(error.message);
  console.log(error.cause.length);
}`;

const VERSION = `${missing(CHILD) ? "" : curl.versionInfo().version}\n`;

/** A library that every system of this kind has, and that is not ours. */
const FOREIGN = missing(CHILD) ? undefined : [
  "/lib/x86_64-linux-gnu/libm.so.6",
  "/lib/aarch64-linux-gnu/libm.so.6",
  "/lib64/libm.so.6",
].find((path) => {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
});

type Unfit = string | ((path: string) => Promise<void>);

/** What is no such library: its path, or how it is made. */
const UNFIT: Record<string, Unfit | undefined> = {
  "a file that is not there": "/does/not/exist.so",
  "a folder": "/",
  "an empty file": (path) => Deno.writeTextFile(path, ""),
  "a text file": (path) => Deno.writeTextFile(path, "hello\n"),
  "a truncated library": async (path) => {
    await Deno.copyFile(LIBRARY, path);
    await Deno.truncate(path, 1_000_000);
  },
  "a library for another processor": async (path) => {
    const bytes = await Deno.readFile(LIBRARY);
    const [x64, arm64] = [62, 183];
    bytes[0x12] = bytes[0x12] === x64 ? arm64 : x64;
    await Deno.writeFile(path, bytes);
  },
  "another library": FOREIGN,
};

function assertTellsAll(
  { stdout, stderr, code }: ChildResult,
  path: string,
  from: string,
): void {
  assertEquals([stderr, code], ["", 0]);
  const [first, title, tried, advice, causes] = stdout.split("\n");
  assertEquals(first, "Error false");
  assertMatch(title, /@denocurl\/curl \d+\.\d+\.\d+ can't be opened. Tried:$/);
  assert(tried.startsWith(`  ${path} (${from}): `), tried);
  for (const way of ["deno task build", "DENOCURL_LIBRARY", "setLibraryPath"]) {
    assertStringIncludes(advice, way);
  }
  assertEquals(causes, "1");
}

for (const [what, unfit] of Object.entries(UNFIT)) {
  for (const from of ["DENOCURL_LIBRARY", "setLibraryPath()"]) {
    const needs = [CHILD, WRITING, {
      skip: unfit === undefined && "none is known",
    }];
    test(needs, `${from} naming ${what} is told`, async () => {
      const folder = await Deno.makeTempDir();
      try {
        const path = typeof unfit === "string" ? unfit : `${folder}/library.so`;
        if (typeof unfit === "function") await unfit(path);
        const told = from === "DENOCURL_LIBRARY"
          ? await runChild(FIRST_USE, { flags: FLAGS, env: { [from]: path } })
          : await runChild(
            `curl.setLibraryPath(Deno.args[0]);${FIRST_USE}`,
            { flags: FLAGS, args: [path] },
          );
        assertTellsAll(told, path, from);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    });
  }
}

test(CHILD, "the library is opened at the first use, not before", async () => {
  const { stdout } = await runChild(
    `const error = new curl.CurlError("mine");
    console.log(curl.URL, error.message, curl.version.split(" ").length);
    try {
      new curl.Curl();
    } catch (error) {
      console.log(error.name);
    }`,
    { flags: [] },
  );
  assertEquals(stdout, "10002 mine 2\nNotCapable\n");
});

test(CHILD, "without permission the error says how to permit it", async () => {
  for (const flags of [[], ["--allow-ffi=/other"], ["--deny-ffi"]]) {
    const { stdout } = await runChild(FIRST_USE, { flags });
    const [first, , tried, advice] = stdout.split("\n");
    assertEquals(first, "NotCapable true");
    assert(tried.startsWith(`  ${LIBRARY} (the local build): `), tried);
    assertStringIncludes(advice, `--allow-ffi=${LIBRARY}`);
  }
});

test(CHILD, "DENOCURL_LIBRARY names the library", async () => {
  const { stdout } = await runChild(FIRST_USE, {
    flags: ["--allow-ffi", "--allow-env=DENOCURL_LIBRARY"],
    env: { DENOCURL_LIBRARY: LIBRARY },
  });
  assertEquals(stdout, VERSION);
});

test(CHILD, "DENOCURL_LIBRARY is not asked for, and not needed", async () => {
  for (const DENOCURL_LIBRARY of ["", "/does/not/exist.so"]) {
    const { stdout, stderr } = await runChild(FIRST_USE, {
      flags: ["--allow-ffi", ...(DENOCURL_LIBRARY ? [] : ["--allow-env"])],
      env: { DENOCURL_LIBRARY },
    });
    assertEquals([stdout, stderr], [VERSION, ""]);
  }
});

for (const form of ["Deno.args[0]", "new URL(`file://${Deno.args[0]}`)"]) {
  test(CHILD, `setLibraryPath(${form}) names the library`, async () => {
    const { stdout } = await runChild(
      `curl.setLibraryPath("/first/choice.so");
      curl.setLibraryPath(${form});${FIRST_USE}`,
      {
        flags: FLAGS,
        args: [LIBRARY],
        env: { DENOCURL_LIBRARY: "/does/not/exist.so" },
      },
    );
    assertEquals(stdout, VERSION);
  });
}

test(
  [CHILD, WRITING],
  "setLibraryPath() takes a URL with escaped characters",
  async () => {
    const folder = await Deno.makeTempDir({ prefix: "größe 100% #1 " });
    try {
      await Deno.symlink(LIBRARY, `${folder}/library.so`);
      const { stdout, stderr } = await runChild(
        `const url = new URL("file:///");
        url.pathname = Deno.args[0].replaceAll("%", "%25");
        curl.setLibraryPath(url);${FIRST_USE}`,
        { flags: FLAGS, args: [`${folder}/library.so`] },
      );
      assertEquals([stdout, stderr], [VERSION, ""]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

test(CHILD, "setLibraryPath() mends what could not be opened", async () => {
  const { stdout } = await runChild(
    `${FIRST_USE.replace("console.log(error.message)", "")}
    curl.setLibraryPath(Deno.args[0]);${FIRST_USE}`,
    {
      flags: FLAGS,
      args: [LIBRARY],
      env: { DENOCURL_LIBRARY: "/does/not/exist.so" },
    },
  );
  assertEquals(stdout, `Error false\n1\n${VERSION}`);
});

test(CHILD, "setLibraryPath() throws once the library is open", async () => {
  const { stdout } = await runChild(
    `const c = new curl.Curl();
    try {
      curl.setLibraryPath("/other.so");
    } catch (error) {
      console.log(error.name, error.message);
    }
    c.setopt(curl.URL, Deno.args[0]);
    console.log(c.performTextSync().length > 0);`,
    { flags: FLAGS, args: [FILE] },
  );
  const [message, works] = stdout.split("\n");
  assertStringIncludes(message, "Error The native library is open already");
  assertEquals(works, "true");
});

test(CHILD, "setLibraryPath() refuses what is no path", async () => {
  const { stdout } = await runChild(
    `const wrong = [5, null, undefined, {}, "", "a\\0b"];
    for (const path of [...wrong, new URL("https://example.com/a.so")]) {
      try {
        curl.setLibraryPath(path);
        console.log("took", path);
      } catch (error) {
        console.log(error.name);
      }
    }
    console.log(curl.versionInfo().version);`,
    { flags: FLAGS },
  );
  assertEquals(stdout, "TypeError\n".repeat(7) + VERSION);
});
