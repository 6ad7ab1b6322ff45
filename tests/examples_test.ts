import { assertEquals, assertStringIncludes } from "./assert.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { patternBytes } from "./fixtures/pattern.ts";
import { test } from "./permissions.ts";

const RUN = [SERVER, { needs: ["run", "write"] as const }];

async function example(name: string, ...args: string[]): Promise<string> {
  const script = new URL(`../examples/${name}.ts`, import.meta.url);
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", script.href, ...args],
  });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  assertEquals(code, 0, decoder.decode(stderr));
  return decoder.decode(stdout);
}

test(RUN, "examples/download.ts goes on where a file ends", async () => {
  await using server = await startServer();
  const folder = await Deno.makeTempDir();
  const file = `${folder}/file`;
  await Deno.writeFile(file, patternBytes(1000));
  const said = await example("download", `${server.url}/range/5000`, file);
  assertStringIncludes(said, "1000 bytes were there, 4000 came");
  assertEquals(await Deno.readFile(file), patternBytes(5000));
  await Deno.remove(folder, { recursive: true });
});

test(RUN, "examples/login.ts gives all Workers the cookies", async () => {
  await using server = await startServer();
  const login = `${server.url}/cookies/set?user=me`;
  const said = await example("login", login, `${server.url}/cookies`);
  assertEquals(said.split("user=me").length - 1, 3);
});

test(RUN, "examples/upload.ts sends a file", async () => {
  await using server = await startServer();
  const file = await Deno.makeTempFile();
  await Deno.writeFile(file, patternBytes(100_000));
  const said = await example("upload", file, `${server.url}/upload`);
  assertStringIncludes(said, "200 100000");
  await Deno.remove(file);
});

test(RUN, "examples/timings.ts shows two transfers", async () => {
  await using server = await startServer();
  const said = await example("timings", `${server.url}/`);
  assertStringIncludes(said, "first 127.0.0.1");
  assertStringIncludes(said, "second 127.0.0.1");
});
