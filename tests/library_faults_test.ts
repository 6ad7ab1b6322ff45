/**
 * The native library in unusual hands: of another release, twice in a process,
 * replaced while it is open, in Workers with other permissions.
 */

import { RELEASE } from "../src/ffi/release.ts";
import { assertEquals, assertStringIncludes } from "./assert.ts";
import { FILE } from "./fixtures/checks.ts";
import {
  CHILD,
  type ChildResult,
  LIBRARY,
  MODULE,
  runChild,
} from "./fixtures/child.ts";
import { type Requirements, test } from "./permissions.ts";

const WRITING: Requirements = { needs: ["write"] };
const FLAGS = ["--allow-ffi", "--allow-env", "--allow-read"];
/** As long as the release's, so that it fits in its place in the library. */
const OTHER = RELEASE.replace(/\d$/, (digit) => digit === "9" ? "8" : "9");
const ROOT = new URL("../", import.meta.url);

/** Calls back with a folder that is removed afterwards. */
async function inFolder(
  act: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    await act(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Copies the library, and says in the copy that it is of another release. */
async function copyLibrary(path: string, release: string): Promise<void> {
  const bytes = await Deno.readFile(LIBRARY);
  const encoder = new TextEncoder();
  const text = encoder.encode(`@denocurl/curl ${RELEASE}`);
  let count = 0;
  for (let at = bytes.indexOf(64); at >= 0; at = bytes.indexOf(64, at + 1)) {
    if (!text.every((byte, i) => bytes[at + i] === byte)) continue;
    bytes.set(encoder.encode(`@denocurl/curl ${release}`), at);
    count++;
  }
  assertEquals(count, 1);
  await Deno.writeFile(path, bytes);
}

/** Copies the module and its library as a release of their own. */
async function copyModule(folder: string, release: string): Promise<string> {
  const built = `${folder}/shim/target/release`;
  await Deno.mkdir(built, { recursive: true });
  await copyLibrary(`${built}/${LIBRARY.split("/").pop()}`, release);
  for (const path of ["mod.ts", ...sourcesIn("src/")]) {
    const target = `${folder}/${path}`;
    await Deno.mkdir(target.replace(/\/[^/]+$/, ""), { recursive: true });
    const text = await Deno.readTextFile(new URL(path, ROOT));
    const isRelease = path.endsWith("/release.ts");
    await Deno.writeTextFile(
      target,
      isRelease ? text.replace(RELEASE, release) : text,
    );
  }
  return new URL(`file://${folder}/mod.ts`).href;
}

function sourcesIn(folder: string): string[] {
  return [...Deno.readDirSync(new URL(folder, ROOT))]
    .flatMap(({ name, isDirectory }) =>
      isDirectory ? sourcesIn(`${folder}${name}/`) : [folder + name]
    );
}

function assertPrints(result: ChildResult, lines: unknown[]): void {
  assertEquals(result, {
    code: 0,
    signal: null,
    stderr: "",
    stdout: lines.map((line) => `${line}\n`).join(""),
  });
}

test(
  [CHILD, WRITING],
  "a library of another release is refused by its name",
  () =>
    inFolder(async (folder) => {
      const path = `${folder}/library.so`;
      await copyLibrary(path, OTHER);
      const { stdout } = await runChild(
        `curl.setLibraryPath(Deno.args[0]);
        try {
          new curl.Curl();
        } catch (error) {
          console.log(error.message);
        }`,
        { flags: FLAGS, args: [path] },
      );
      assertStringIncludes(
        stdout,
        `${path} (setLibraryPath()): the file is of @denocurl/curl ${OTHER}, ` +
          `this module of @denocurl/curl ${RELEASE}`,
      );
      assertStringIncludes(stdout, "To mend it, build it with");
    }),
);

test(
  [CHILD, WRITING],
  "two releases of the module work beside each other, each with its own library",
  () =>
    inFolder(async (folder) => {
      const other = await copyModule(folder, OTHER);
      assertPrints(
        await runChild(
          `const other = await import(Deno.args[0]);
          console.log(curl.versionInfo === other.versionInfo);
          const handles = [curl, other].map(({ Curl, URL }) => {
            const c = new Curl();
            c.setopt(URL, Deno.args[1]);
            return c;
          });
          const texts = await Promise.all(handles.map((c) => c.performText()));
          console.log(texts[0] === texts[1], texts[0].length > 0);
          // In the middle of one, the other.
          const [ours, theirs] = handles;
          let inside;
          ours.setopt(curl.WRITEFUNCTION, () => {
            inside ??= theirs.performTextSync() === texts[1];
          });
          ours.performSync();
          console.log(inside);
          try {
            ours.setopt(curl.SHARE, new other.CurlShare());
          } catch (error) {
            console.log(error.name);
          }`,
          { flags: FLAGS, args: [other, FILE] },
        ),
        ["false", "true true", "true", "TypeError"],
      );
    }),
);

test(
  [CHILD, WRITING],
  "the same release loaded from two places has two libraries",
  () =>
    inFolder(async (folder) => {
      const copy = await copyModule(folder, RELEASE);
      assertPrints(
        await runChild(
          `const copy = await import(Deno.args[0]);
          const [mine, theirs] = [new curl.Curl(), new copy.Curl()];
          for (const c of [mine, theirs]) c.setopt(curl.URL, Deno.args[1]);
          mine.close();
          console.log(theirs.closed, theirs.performTextSync().length > 0);`,
          { flags: FLAGS, args: [copy, FILE] },
        ),
        ["false true"],
      );
    }),
);

/** A Worker that says what its first transfer came to. */
const WORKER = `data:text/javascript,${
  encodeURIComponent(`
    import * as curl from ${JSON.stringify(MODULE)};
    onmessage = ({ data: { url, path } }) => {
      try {
        if (path) curl.setLibraryPath(path);
        using c = new curl.Curl();
        c.setopt(curl.URL, url);
        postMessage("read " + (c.performTextSync().length > 0));
      } catch (error) {
        postMessage(error.name + " " + error.message.split("\\n").at(-1));
      }
    };`)
}`;

/** Asks such a Worker; \`ask(options, path)\` in a script. */
const ASK = `async function ask(options, path) {
  const worker = new Worker(Deno.args[0], { type: "module", ...options });
  worker.postMessage({ url: Deno.args[1], path });
  const answer = await new Promise((resolve) => {
    worker.onmessage = ({ data }) => resolve(data);
  });
  worker.terminate();
  return answer;
}
`;

test(
  CHILD,
  "a Worker with fewer permissions is told which it lacks, and harms nobody",
  async () => {
    assertPrints(
      await runChild(
        `${ASK}
        const c = new curl.Curl();
        c.setopt(curl.URL, Deno.args[1]);
        for (const ffi of [false, ["/other.so"], [Deno.args[2]], "inherit"]) {
          const permissions = { ffi, read: true };
          console.log(await ask({ deno: { permissions } }));
        }
        console.log(c.performTextSync().length > 0);`,
        {
          flags: [...FLAGS, "--unstable-worker-options"],
          args: [WORKER, FILE, LIBRARY],
        },
      ),
      [
        `NotCapable To mend it, allow it with --allow-ffi=${LIBRARY}.`,
        `NotCapable To mend it, allow it with --allow-ffi=${LIBRARY}.`,
        "read true",
        "read true",
        "true",
      ],
    );
  },
);

// As the system's loader has it open under that name.
test(
  [CHILD, WRITING],
  "a library that is replaced while it is open stays that of the process",
  () =>
    inFolder(async (folder) => {
      await Deno.copyFile(LIBRARY, `${folder}/library.so`);
      await copyLibrary(`${folder}/other.so`, OTHER);
      assertPrints(
        await runChild(
          `${ASK}
          const path = Deno.args[2] + "/library.so";
          curl.setLibraryPath(path);
          const c = new curl.Curl();
          c.setopt(curl.URL, Deno.args[1]);
          Deno.renameSync(Deno.args[2] + "/other.so", path);
          console.log(await ask({}, path));
          console.log(c.performTextSync().length > 0);`,
          {
            flags: [...FLAGS, `--allow-write=${folder}`],
            args: [WORKER, FILE, folder],
          },
        ),
        ["read true", "true"],
      );
    }),
);
