import { createCertificates } from "../tools/certificates.ts";
import { assertEquals, assertLess, assertStringIncludes } from "./assert.ts";
import { head } from "./fixtures/http_answers.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { patternBytes } from "./fixtures/pattern.ts";
import { hold, request, send } from "./fixtures/script.ts";
import { startScriptedServer } from "./fixtures/scripted_server.ts";
import { test } from "./permissions.ts";

const RUN = [SERVER, { needs: ["run", "write"] as const }];
/** Runs a program as on a terminal. */
const TERMINAL = [...RUN, { programs: ["script"] }];

function commandOf(name: string, args: string[]): string[] {
  const script = new URL(`../examples/${name}.ts`, import.meta.url);
  return [Deno.execPath(), "run", "-A", "--no-prompt", script.href, ...args];
}

interface Ran {
  code: number;
  said: string;
  complained: string;
}

async function run(
  [program, ...args]: string[],
  env: Record<string, string> = {},
  input: Uint8Array<ArrayBuffer> = new Uint8Array(),
): Promise<Ran> {
  await using child = new Deno.Command(program, {
    args,
    env,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const [said, complained, { code }] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.status,
    new Blob([input]).stream().pipeTo(child.stdin),
  ]);
  return { code, said, complained };
}

async function example(name: string, ...args: string[]): Promise<string> {
  const { code, said, complained } = await run(commandOf(name, args));
  assertEquals(code, 0, complained);
  return said;
}

async function onTerminal(name: string, ...args: string[]): Promise<string> {
  const command = commandOf(name, args).map((word) => `'${word}'`).join(" ");
  const { code, said } = await run(["script", "-qec", command, "/dev/null"]);
  assertEquals(code, 0, said);
  return said;
}

interface Folder extends AsyncDisposable {
  readonly path: string;
}

async function newFolder(): Promise<Folder> {
  const path = await Deno.makeTempDir();
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

function linksTo(...paths: string[]): Response {
  const links = paths.map((path) => `<a href="${path}">${path}</a>`);
  return new Response(links.join("\n"));
}

for (const [protocol, scheme] of [["HTTP/1.1", "http"], ["HTTP/2", "https"]]) {
  test(
    RUN,
    `examples/crawler.ts visits each page once, ${protocol}`,
    async () => {
      const asked: string[] = [];
      const withoutCookie: string[] = [];
      const { server: certificate, ca } = await createCertificates();
      await using server = Deno.serve(
        {
          hostname: "127.0.0.1",
          port: 0,
          onListen: () => {},
          ...(scheme === "https" ? certificate : {}),
        },
        (request) => {
          const { pathname } = new URL(request.url);
          asked.push(pathname);
          if (request.headers.get("cookie") !== "user=me") {
            withoutCookie.push(pathname);
          }
          if (pathname === "/missing") {
            return new Response(null, { status: 404 });
          }
          // Two deep, and no deeper.
          if (/^\/.+\//.test(pathname)) {
            return linksTo("/", "/missing", "http://other.invalid/");
          }
          const below = pathname === "/" ? "" : pathname;
          const answer = linksTo(
            ...Array.from({ length: 5 }, (_, n) => `${below}/${n}`),
            ".#here",
          );
          answer.headers.set("set-cookie", "user=me; Path=/");
          return answer;
        },
      );
      await using folder = await newFolder();
      const SSL_CERT_FILE = `${folder.path}/ca.pem`;
      await Deno.writeTextFile(SSL_CERT_FILE, ca);
      const url = `${scheme}://localhost:${server.addr.port}/`;
      const crawl = async (...args: string[]) =>
        (await run(commandOf("crawler", [url, ...args]), { SSL_CERT_FILE }))
          .said;

      const said = await crawl();
      // One, five below it, five below each of them, and one that is missing.
      assertEquals(asked.length, new Set(asked).size, said);
      assertEquals(asked.length, 1 + 5 + 25 + 1, said);
      assertEquals(withoutCookie, ["/"]);
      assertStringIncludes(said, `200 ${url}0/3\n`);
      assertStringIncludes(said, `404 ${url}missing\n`);
      const [, connections] = /^32 pages, (\d+) connections$/m.exec(said)!;
      if (scheme === "https") assertEquals(connections, "1");
      else assertLess(Number(connections), 32);
      assertStringIncludes(await crawl("7"), "7 pages, ");
    },
  );
}

test(RUN, "examples/crawler.ts says which pages can't be had", async () => {
  const said = await example("crawler", "http://127.0.0.1:1/");
  assertStringIncludes(said, "CurlError");
  assertStringIncludes(said, "1 pages, ");
});

test(RUN, "examples/download.ts goes on where a file ends", async () => {
  await using server = await startServer();
  await using folder = await newFolder();
  const file = `${folder.path}/file`;
  await Deno.writeFile(file, patternBytes(1000));
  const said = await example("download", `${server.url}/range/5000`, file);
  assertStringIncludes(said, "1000 bytes were there, 4000 came");
  assertEquals(await Deno.readFile(file), patternBytes(5000));
});

test(RUN, "examples/download.ts leaves a whole file alone", async () => {
  await using server = await startServer();
  await using folder = await newFolder();
  const file = `${folder.path}/file`;
  await Deno.writeFile(file, patternBytes(5000));
  const said = await example("download", `${server.url}/range/5000`, file);
  assertStringIncludes(said, "5000 bytes were there, 0 came");
  assertEquals(await Deno.readFile(file), patternBytes(5000));
});

test(RUN, "examples/download.ts goes on after it was cut off", async () => {
  const first = head(200, {
    "Content-Length": "5000",
    "Accept-Ranges": "bytes",
  });
  const second = head(206, {
    "Content-Length": "3000",
    "Content-Range": "bytes 2000-4999/5000",
  });
  await using server = await startScriptedServer({
    scripts: [
      [request(), send(first), send(patternBytes(2000))],
      [request(), send(second), send(patternBytes(3000, 2000)), hold()],
    ],
  });
  await using folder = await newFolder();
  const file = `${folder.path}/file`;
  const said = await example("download", server.url, file);
  assertStringIncludes(said, "0 bytes were there, 5000 came");
  assertEquals(await Deno.readFile(file), patternBytes(5000));
  const [, again] = await server.ended(2);
  assertStringIncludes(again.text, "Range: bytes=2000-\r\n");
});

test(TERMINAL, "examples/download.ts draws a bar", async () => {
  await using server = await startServer();
  await using folder = await newFolder();
  const url = `${server.url}/bytes/100000`;
  const said = await onTerminal("download", url, `${folder.path}/file`);
  assertStringIncludes(said, `${"#".repeat(40)} 100 %`);
});

test(RUN, "examples/download.ts fails where there is nothing", async () => {
  await using server = await startServer();
  await using folder = await newFolder();
  const args = [`${server.url}/status/404`, `${folder.path}/file`];
  const { code, complained } = await run(commandOf("download", args));
  assertEquals(code, 1);
  assertStringIncludes(complained, "404");
});

test(RUN, "examples/login.ts gives all Workers the cookies", async () => {
  await using server = await startServer();
  const login = `${server.url}/cookies/set?user=me`;
  const said = await example("login", login, `${server.url}/cookies`);
  assertEquals(said.split("user=me").length - 1, 3);
});

test(RUN, "examples/many.ts downloads files at once", async () => {
  await using server = await startServer();
  await using folder = await newFolder();
  const sizes = Array.from({ length: 20 }, (_, n) => 50_000 * (n + 1));
  const urls = sizes.map((size) => `${server.url}/bytes/${size}`);
  const said = await example("many", folder.path, ...urls);
  for (const size of sizes) {
    assertStringIncludes(said, `/${size}  ${size} bytes: done\n`);
    const content = await Deno.readFile(`${folder.path}/${size}`);
    assertEquals(content, patternBytes(size));
  }
  assertStringIncludes(said, "20 of 20 are there");
});

test(RUN, "examples/many.ts says which file is missing", async () => {
  await using server = await startServer();
  await using folder = await newFolder();
  const urls = [`${server.url}/bytes/10`, `${server.url}/status/404`];
  const command = commandOf("many", [folder.path, ...urls]);
  const { code, said } = await run(command);
  assertEquals(code, 1);
  assertStringIncludes(said, "404");
  assertStringIncludes(said, "1 of 2 are there");
  // A second time: nothing is written over.
  assertStringIncludes((await run(command)).said, "0 of 2 are there");
});

test(TERMINAL, "examples/many.ts draws how far each has come", async () => {
  await using server = await startServer();
  await using folder = await newFolder();
  const urls = [
    `${server.url}/bytes/300000`,
    `${server.url}/trickle?ms=60&bytes=7&count=10`,
  ];
  const said = await onTerminal("many", folder.path, ...urls);
  assertStringIncludes(said, "300000 bytes: done");
  assertStringIncludes(said, "70 bytes: done");
  assertStringIncludes(said, "\x1b[2A");
});

test(RUN, "examples/many.ts stops with Ctrl+C", async () => {
  await using server = await startServer();
  await using folder = await newFolder();
  const [program, ...args] = commandOf("many", [
    folder.path,
    `${server.url}/bytes/10`,
    `${server.url}/trickle`,
  ]);
  await using child = new Deno.Command(program, {
    args,
    stdout: "piped",
    stderr: "null",
  }).spawn();
  await server.arrived(2);
  // The other one has its headers, and a file.
  const path = `${folder.path}/trickle`;
  while (await Deno.stat(path).then(() => false, () => true)) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  child.kill("SIGINT");
  const said = await child.stdout.text();
  assertEquals((await child.status).code, 1);
  assertStringIncludes(said, "/trickle  stopped\n");
  assertStringIncludes(said, "1 of 2 are there");
  const left = await Array.fromAsync(Deno.readDir(folder.path));
  assertEquals(left.map((entry) => entry.name), ["10"]);
});

test(RUN, "examples/upload.ts sends a file", async () => {
  await using server = await startServer();
  await using folder = await newFolder();
  const file = `${folder.path}/file`;
  await Deno.writeFile(file, patternBytes(100_000));
  const said = await example("upload", file, `${server.url}/upload`);
  assertStringIncludes(said, "200 100000");
});

test(RUN, "examples/upload_stream.ts compresses what it sends", async () => {
  let received: Uint8Array | undefined;
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      assertEquals(request.headers.get("content-length"), null);
      const plain = request.body!.pipeThrough(new DecompressionStream("gzip"));
      received = await new Response(plain).bytes();
      return new Response(`${received.length} bytes`);
    },
  );
  const content = patternBytes(1_000_000);
  const { code, said, complained } = await run(
    commandOf("upload_stream", [`http://127.0.0.1:${server.addr.port}/`]),
    {},
    content,
  );
  assertEquals(code, 0, complained);
  assertStringIncludes(said, "1000000 bytes\n200 ");
  assertEquals(received, content);
});

test(RUN, "examples/timings.ts shows two transfers", async () => {
  await using server = await startServer();
  const said = await example("timings", `${server.url}/`);
  assertStringIncludes(said, "first 127.0.0.1");
  assertStringIncludes(said, "second 127.0.0.1");
});
