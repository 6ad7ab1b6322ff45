/**
 * With `--allow-ffi=PATH`, the least that can be granted, everything works:
 * each script here runs in a process that has only that.
 */

import { assertEquals } from "./assert.ts";
import { FILE, LONG_FILE } from "./fixtures/checks.ts";
import { CHILD, LIBRARY, MODULE, runChild } from "./fixtures/child.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { test } from "./permissions.ts";

const SCOPED = `--allow-ffi=${LIBRARY}`;
const REPOSITORY = decodeURIComponent(new URL("../", import.meta.url).pathname);

/** Runs a script; fails unless it prints these lines and nothing else. */
async function assertPrints(
  script: string,
  lines: unknown[],
  settings: { args?: string[]; flags?: string[] } = {},
): Promise<void> {
  const { args = [FILE], flags = [] } = settings;
  const result = await runChild(script, { flags: [SCOPED, ...flags], args });
  assertEquals(result, {
    code: 0,
    signal: null,
    stderr: "",
    stdout: lines.map((line) => `${line}\n`).join(""),
  });
}

test(CHILD, "--allow-ffi=PATH is no permission for all of FFI", async () => {
  await assertPrints(
    `console.log(Deno.permissions.querySync({ name: "ffi" }).state);
    try {
      new Deno.UnsafePointerView(Deno.UnsafePointer.create(1n));
      console.log("made");
    } catch (error) {
      console.log(error.name);
    }`,
    ["prompt", "NotCapable"],
  );
});

test(CHILD, "what was used once works without the permission", async () => {
  await assertPrints(
    `using c = new curl.Curl();
    c.setopt(curl.URL, Deno.args[0]);
    const { length } = c.performBytesSync();
    Deno.permissions.revokeSync({ name: "ffi" });
    console.log(c.performBytesSync().length === length);
    c.setopt(curl.URL, "nosuch://host/");
    try {
      c.performSync();
    } catch (error) {
      console.log(error.name, error.code);
    }
    try {
      new curl.CurlMulti();
    } catch (error) {
      console.log(error.name);
    }
    try {
      await c.perform();
    } catch (error) {
      console.log(error.name);
    }`,
    [true, "CurlError 1", "NotCapable", "NotCapable"],
  );
});

test(CHILD, "--allow-ffi=PATH allows states and options", async () => {
  await assertPrints(
    `using share = new curl.CurlShare();
    share.share(curl.LOCK_DATA_DNS, curl.LOCK_DATA_COOKIE);
    using c = new curl.Curl();
    c.setopt(curl.URL, Deno.args[0]);
    c.setopt(curl.TIMEOUT, 5n);
    c.setopt(curl.HTTPHEADER, ["A: 1"]);
    c.setopt(curl.POSTFIELDS, new Uint8Array(9));
    c.setopt(curl.CAINFO_BLOB, "text");
    c.setopt(curl.SHARE, share);
    console.log(c.share() === share, share.attached);
    using copy = c.duphandle();
    console.log(copy.getinfo(curl.EFFECTIVE_URL) === Deno.args[0]);
    c.setopt(curl.OPT_COOKIELIST, "Set-Cookie: a=b; domain=x.example");
    console.log(c.getinfo(curl.INFO_COOKIELIST).length);
    c.reset();
    c.close();
    console.log(c.closed, share.attached, share.stats() !== undefined);
    console.log(curl.easyStrerror(0));`,
    ["true 1", "true", "1", "true 0 true", "No error"],
  );
});

test(CHILD, "--allow-ffi=PATH allows transfers with callbacks", async () => {
  await assertPrints(
    `using c = new curl.Curl();
    c.setopt(curl.URL, Deno.args[0]);
    let size = 0;
    let steps = 0;
    c.setopt(curl.WRITEFUNCTION, (data) => {
      using other = new curl.Curl();
      other.setopt(curl.URL, Deno.args[0]);
      if (size === 0) console.log(other.performBytesSync().length > 0);
      size += data.length;
    });
    c.setopt(curl.NOPROGRESS, false);
    c.setopt(curl.XFERINFOFUNCTION, () => void steps++);
    c.performSync();
    console.log(size === c.performBytesSync().length, steps > 0);
    c.setopt(curl.WRITEFUNCTION, () => {
      throw new Error("out");
    });
    try {
      c.performSync();
    } catch (error) {
      console.log(error.name, error.code, error.cause.message);
    }`,
    ["true", "true true", "CurlError 23 out"],
    { args: [LONG_FILE] },
  );
});

test(CHILD, "--allow-ffi=PATH allows objects to be collected", async () => {
  await assertPrints(
    `for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 200; i++) {
        const c = new curl.Curl();
        c.setopt(curl.URL, Deno.args[0]);
        c.setopt(curl.WRITEFUNCTION, () => {});
        c.performSync();
      }
      gc();
      await new Promise((resolve) => setTimeout(resolve));
    }
    console.log("done");`,
    ["done"],
    { flags: ["--v8-flags=--expose-gc"] },
  );
});

test([CHILD, SERVER], "--allow-ffi=PATH allows HTTP", async () => {
  await using server = await startServer();
  await assertPrints(
    `using c = new curl.Curl();
    c.setopt(curl.URL, Deno.args[0]);
    let lines = 0;
    c.setopt(curl.HEADERFUNCTION, () => void lines++);
    c.setopt(curl.CLOSESOCKETFUNCTION, () => console.log("closed"));
    console.log(c.performTextSync().trim(), lines > 1);`,
    ["home true", "closed"],
    { args: [server.url] },
  );
});

// Deno itself reads a Worker's modules only where reading is permitted.
test(CHILD, "--allow-ffi=PATH allows Workers", async () => {
  const worker = `
    import * as curl from ${JSON.stringify(MODULE)};
    onmessage = ({ data: { curlHandle, shareHandle } }) => {
      const share = curl.CurlShare.fromHandle(shareHandle);
      const mine = new curl.Curl();
      mine.setopt(curl.URL, ${JSON.stringify(FILE)});
      mine.setopt(curl.SHARE, share);
      const theirs = curl.Curl.fromHandle(curlHandle);
      postMessage([
        mine.performTextSync().length === theirs.performTextSync().length,
        share.attached,
      ].join());
      mine.close();
    };`;
  await assertPrints(
    `using share = new curl.CurlShare();
    share.share(curl.LOCK_DATA_DNS);
    using c = new curl.Curl();
    c.setopt(curl.URL, Deno.args[0]);
    c.setopt(curl.SHARE, share);
    const url = "data:text/javascript," + encodeURIComponent(Deno.args[1]);
    const workers = Array.from({ length: 3 }, () =>
      new Worker(url, { type: "module" }));
    for (const worker of workers) {
      worker.postMessage({ curlHandle: c.handle, shareHandle: share.handle });
      const answer = await new Promise((resolve) => {
        worker.onmessage = ({ data }) => resolve(data);
      });
      console.log(answer);
      worker.terminate();
    }`,
    ["true,2", "true,2", "true,2"],
    { args: [FILE, worker], flags: [`--allow-read=${REPOSITORY}`] },
  );
});
