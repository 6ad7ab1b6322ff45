/**
 * What a user of the published package gets: it comes from registries on
 * loopback, into an empty cache, and runs with `--allow-ffi=FILE` only.
 */

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "./assert.ts";
import { FILE } from "./fixtures/checks.ts";
import { currentUser } from "./fixtures/daemon.ts";
import {
  REGISTRIES,
  type Registries,
  startRegistries,
} from "./fixtures/registries.ts";
import { missing, programPath, test } from "./permissions.ts";
import { RELEASE } from "../src/ffi/release.ts";

/** Prints what is at the URL in its arguments. */
const PROGRAM = `import * as curl from "@denocurl/curl";
using c = new curl.Curl();
c.setopt(curl.URL, Deno.args[0]);
console.log(await c.performText());
`;

/** The same in a Worker. */
const WORKER = `import * as curl from "@denocurl/curl";
onmessage = async ({ data }) => {
  using c = new curl.Curl();
  c.setopt(curl.URL, data);
  postMessage(await c.performText());
};
`;

const MAIN = `const url = new URL("worker.ts", import.meta.url);
const worker = new Worker(url, { type: "module" });
worker.postMessage(Deno.args[0]);
worker.onmessage = ({ data }) => {
  console.log(data);
  worker.terminate();
};
`;

const isAble = missing(REGISTRIES) === undefined;

/** What the program prints for FILE. */
const EXPECTED = `${isAble ? await Deno.readTextFile(new URL(FILE)) : ""}\n`;

interface Outcome {
  success: boolean;
  stdout: string;
  stderr: string;
}

/** A user's project, with a cache of its own. */
class Project implements AsyncDisposable {
  readonly folder: string;
  readonly #env: Record<string, string>;

  constructor(folder: string, registries: Registries) {
    this.folder = folder;
    this.#env = {
      ...registries.env,
      DENO_DIR: `${folder}/cache`,
      NO_COLOR: "1",
    };
  }

  /** Runs Deno, or what is named before it, in the project's folder. */
  async run(
    args: string[],
    before: string[] = [],
    cwd: string = `${this.folder}/project`,
  ): Promise<Outcome> {
    const [program, ...rest] = [...before, Deno.execPath(), ...args];
    const { success, stdout, stderr } = await new Deno.Command(program, {
      args: rest,
      cwd,
      env: this.#env,
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    return {
      success,
      stdout: decoder.decode(stdout),
      stderr: decoder.decode(stderr),
    };
  }

  async write(files: Record<string, string>): Promise<void> {
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${this.folder}/project/${name}`, text);
    }
  }

  /** The library's file, below a folder of the project's. */
  library(below = "cache/npm"): string {
    return find(`${this.folder}/${below}`, /^libdenocurl\.|^denocurl\.dll$/)!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

function find(folder: string, name: RegExp): string | undefined {
  for (const entry of Deno.readDirSync(folder)) {
    const path = `${folder}/${entry.name}`;
    const found = entry.isDirectory
      ? find(path, name)
      : name.test(entry.name) && path;
    if (found) return found;
  }
}

/** A project with the program, which has the package added to it. */
async function startProject(
  registries: Registries,
  config: Record<string, unknown> = {},
): Promise<Project> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  await Deno.mkdir(`${folder}/project`);
  const project = new Project(folder, registries);
  await project.write({
    "deno.json": JSON.stringify(config),
    "main.ts": PROGRAM,
  });
  assertSuccess(await project.run(["add", "jsr:@denocurl/curl"]));
  return project;
}

function assertSuccess({ success, stderr }: Outcome): void {
  assert(success, stderr);
}

function assertRuns(outcome: Outcome): void {
  assertEquals(outcome, { success: true, stdout: EXPECTED, stderr: "" });
}

test(
  REGISTRIES,
  "the published package needs nothing but --allow-ffi=FILE, and no network once it is cached",
  async () => {
    const registries = await startRegistries();
    await using project = await startProject(registries);
    const flag = `--allow-ffi=${project.library()}`;
    assertRuns(
      await project.run(["run", "--no-prompt", flag, "main.ts", FILE]),
    );
    await registries[Symbol.asyncDispose]();
    assertRuns(
      await project.run(["run", "--cached-only", flag, "main.ts", FILE]),
    );
  },
);

test(REGISTRIES, "the package can be published without a warning", async () => {
  await using registries = await startRegistries();
  await using project = await startProject(registries);
  const { success, stderr } = await project.run(
    ["publish", "--dry-run", "--allow-dirty"],
    [],
    registries.module,
  );
  assert(success && !/warning/i.test(stderr), stderr);
});

test(
  REGISTRIES,
  "the published package asks for the library of no other processor or system",
  async () => {
    await using registries = await startRegistries();
    await using _project = await startProject(registries);
    const fetched = registries.requests.filter((path) => path.endsWith(".tgz"));
    const { os, arch } = Deno.build;
    const own = `${os === "windows" ? "win32" : os}-${
      arch === "x86_64" ? "x64" : "arm64"
    }`;
    for (const path of fetched) {
      assertMatch(path, new RegExp(`/native(-${own}[^/]*)?/-/`));
    }
    assert(fetched.some((path) => path.includes(own)));
  },
);

test(REGISTRIES, "the published package works in a Worker", async () => {
  await using registries = await startRegistries();
  await using project = await startProject(registries);
  await project.write({ "worker.ts": WORKER, "main.ts": MAIN });
  assertRuns(
    await project.run([
      "run",
      `--allow-ffi=${project.library()}`,
      `--allow-read=${project.folder}/project`,
      "main.ts",
      FILE,
    ]),
  );
});

test(REGISTRIES, "the published package works in node_modules", async () => {
  await using registries = await startRegistries();
  const config = { nodeModulesDir: "auto" };
  await using project = await startProject(registries, config);
  assertSuccess(await project.run(["install"]));
  const flag = `--allow-ffi=${project.library("project/node_modules")}`;
  assertRuns(await project.run(["run", flag, "main.ts", FILE]));
});

test(REGISTRIES, "the published package has types", async () => {
  await using registries = await startRegistries();
  await using project = await startProject(registries);
  assertSuccess(await project.run(["check", "main.ts"]));
  await project.write({ "wrong.ts": `${PROGRAM}c.setopt(curl.URL, 5);\n` });
  const { success, stderr } = await project.run(["check", "wrong.ts"]);
  assert(!success);
  assertStringIncludes(stderr, "not assignable");
});

test(
  REGISTRIES,
  "the published package tells where the library should be when it is gone",
  async () => {
    await using registries = await startRegistries();
    await using project = await startProject(registries);
    const library = project.library();
    await Deno.remove(library);
    const run = ["run", "--allow-ffi", "main.ts", FILE];
    const { success, stderr } = await project.run(run);
    assert(!success);
    assertStringIncludes(
      stderr,
      `of @denocurl/curl ${RELEASE} can't be opened`,
    );
    assertStringIncludes(stderr, `  ${library} (the platform package): `);
    assertMatch(stderr, /To mend it, fetch npm:@denocurl\/native-[^ ]+ anew/);
    assertStringIncludes(stderr, "DENOCURL_LIBRARY or setLibraryPath()");

    assertSuccess(await project.run(["install", "--reload"]));
    assertRuns(await project.run(run));
  },
);

test(
  REGISTRIES,
  "the published package names a machine that has no library",
  async () => {
    await using registries = await startRegistries();
    await using project = await startProject(registries);
    await project.write({
      "main.ts": `const build = { ...Deno.build, os: "aix", arch: "ppc64" };
Object.defineProperty(Deno, "build", { value: build });
const curl = await import("@denocurl/curl");
console.log(curl.E_OK);
new curl.Curl();
`,
    });
    const { success, stdout, stderr } = await project.run(
      ["run", "--allow-ffi", "main.ts"],
    );
    assertEquals([success, stdout], [false, "0\n"]);
    assertStringIncludes(stderr, "there is none for aix-ppc64");
    assertStringIncludes(stderr, "build it from the module's source");
  },
);

test(
  REGISTRIES,
  "the published package is right after several processes have filled the cache at once",
  async () => {
    await using registries = await startRegistries();
    await using project = await startProject(registries);
    await Deno.remove(`${project.folder}/cache`, { recursive: true });
    const run = ["run", "--quiet", "--allow-ffi", "main.ts", FILE];
    const outcomes = await Promise.all(
      Array.from({ length: 4 }, () => project.run(run)),
    );
    outcomes.forEach(assertRuns);
    assertRuns(await project.run(run));
  },
);

const { isRoot } = isAble ? currentUser() : { isRoot: false };
const setpriv = isRoot ? programPath("setpriv") : undefined;

test(
  [REGISTRIES, { programs: isRoot ? ["setpriv"] : [] }],
  "the published package writes nothing, so a read-only home will do",
  async () => {
    await using registries = await startRegistries();
    await using project = await startProject(registries);
    const flag = `--allow-ffi=${project.library()}`;
    assertRuns(await project.run(["run", flag, "main.ts", FILE]));
    await setWritable(project.folder, false);
    try {
      // Root may write anywhere.
      const before = setpriv
        ? [setpriv, "--reuid=65534", "--regid=65534", "--clear-groups"]
        : [];
      const { success, stdout, stderr } = await project.run(
        ["run", flag, "main.ts", FILE],
        before,
      );
      assertEquals([success, stdout], [true, EXPECTED], stderr);
    } finally {
      await setWritable(project.folder, true);
    }
  },
);

/** For the folder and all in it. */
async function setWritable(folder: string, isWritable: boolean): Promise<void> {
  await Deno.chmod(folder, isWritable ? 0o755 : 0o555);
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) await setWritable(path, isWritable);
    else await Deno.chmod(path, isWritable ? 0o644 : 0o444);
  }
}

/** Deno fetches the runtime that it puts into a binary. */
async function compilingFails(): Promise<string | false> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/main.ts`, "");
    const { success } = await new Deno.Command(Deno.execPath(), {
      args: ["compile", "--quiet", "--output", `${folder}/main`, "main.ts"],
      cwd: folder,
    }).output();
    return !success && "deno compile can't fetch denort here";
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const COMPILING = {
  skip: isAble && await compilingFails(),
};

test(
  [REGISTRIES, COMPILING],
  "the published package works in a compiled binary",
  async () => {
    await using registries = await startRegistries();
    await using project = await startProject(registries);
    assertSuccess(
      await project.run(["compile", "--allow-ffi", "--output", "a", "main.ts"]),
    );
    await Deno.remove(`${project.folder}/cache`, { recursive: true });
    const { success, stdout, stderr } = await new Deno.Command(
      `${project.folder}/project/a`,
      { args: [FILE] },
    ).output();
    const decoder = new TextDecoder();
    assertRuns({
      success,
      stdout: decoder.decode(stdout),
      stderr: decoder.decode(stderr),
    });
  },
);
