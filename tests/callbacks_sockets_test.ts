/** The callbacks of connections: sockets, names, and what goes before. */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertStrictEquals,
  assertThrows,
} from "./assert.ts";
import { assertCurlError, assertUsable, curlFor } from "./fixtures/checks.ts";
import { CHILD, runChild } from "./fixtures/child.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { test } from "./permissions.ts";

/** Linux's and macOS's numbers. */
const AF_INET = 2;
const AF_UNIX = 1;
const IPPROTO_TCP = 6;
const SOCK_STREAM = 1;

test(
  SERVER,
  "OPENSOCKETFUNCTION hears where to, and lets libcurl",
  async () => {
    await using server = await startServer();
    using c = curlFor(server.url);
    const heard: unknown[] = [];
    c.setopt(curl.OPENSOCKETFUNCTION, (purpose, address) => {
      // Linux's flags for new sockets are above the types.
      heard.push([purpose, { ...address, socktype: address.socktype & 0xf }]);
    });
    assertEquals(c.performTextSync(), "home\n");
    assertEquals(c.performTextSync(), "home\n");
    assertEquals(heard, [[curl.SOCKTYPE_IPCXN, {
      family: AF_INET,
      socktype: SOCK_STREAM,
      protocol: IPPROTO_TCP,
      address: "127.0.0.1",
      port: server.port,
    }]]);
  },
);

test(
  [SERVER, { needs: [{ name: "net", host: "[::1]" }] }],
  "OPENSOCKETFUNCTION hears IPv6 addresses",
  async () => {
    await using server = await startServer({ hostname: "::1" });
    using c = curlFor(server.url);
    const heard: unknown[] = [];
    c.setopt(curl.OPENSOCKETFUNCTION, (_purpose, { address, port }) => {
      heard.push([address, port]);
    });
    assertEquals(c.performTextSync(), "home\n");
    assertEquals(heard, [["::1", server.port]]);
  },
);

Deno.test("OPENSOCKETFUNCTION hears paths of Unix sockets", () => {
  using c = curlFor("http://localhost/");
  c.setopt(curl.UNIX_SOCKET_PATH, "/does/not/exist.sock");
  const heard: unknown[] = [];
  c.setopt(curl.OPENSOCKETFUNCTION, (_purpose, { family, address, port }) => {
    heard.push([family, address, port]);
  });
  assertCurlError(() => c.performTextSync(), curl.E_COULDNT_CONNECT);
  assertEquals(heard, [[AF_UNIX, "/does/not/exist.sock", 0]]);
});

test(SERVER, "OPENSOCKETFUNCTION refuses with SOCKET_BAD", async () => {
  await using server = await startServer();
  using c = curlFor(server.url);
  c.setopt(curl.OPENSOCKETFUNCTION, () => curl.SOCKET_BAD);
  const failed = curl.E_COULDNT_CONNECT;
  const error = assertCurlError(() => c.performTextSync(), failed);
  assertEquals(error.cause, undefined);
  assertEquals(await server.requests(), []);
  c.unsetopt(curl.OPENSOCKETFUNCTION);
  assertEquals(c.performTextSync(), "home\n");
});

test(SERVER, "OPENSOCKETFUNCTION fails with a descriptor of none", async () => {
  await using server = await startServer();
  using c = curlFor(server.url);
  for (const fd of [2 ** 31 - 1, 2 ** 40, -2, -(2 ** 40)]) {
    c.setopt(curl.OPENSOCKETFUNCTION, () => fd);
    const error = assertThrows(() => c.performTextSync(), curl.CurlError);
    assertGreater(error.code, 0);
  }
  assertUsable(c);
});

test(SERVER, "SOCKOPTFUNCTION hears each new socket", async () => {
  await using server = await startServer();
  using c = curlFor(server.url);
  const heard: number[][] = [];
  c.setopt(curl.SOCKOPTFUNCTION, (...args) => {
    heard.push(args);
    return curl.SOCKOPT_OK;
  });
  c.performTextSync();
  c.performTextSync();
  const fd = c.getinfo(curl.ACTIVESOCKET);
  assertEquals(heard, [[fd, curl.SOCKTYPE_IPCXN]]);
});

test(SERVER, "SOCKOPTFUNCTION aborts with SOCKOPT_ERROR", async () => {
  await using server = await startServer();
  using c = curlFor(server.url);
  c.setopt(curl.SOCKOPTFUNCTION, () => curl.SOCKOPT_ERROR);
  const aborted = curl.E_ABORTED_BY_CALLBACK;
  const error = assertCurlError(() => c.performTextSync(), aborted);
  assertEquals(error.cause, undefined);
  assertUsable(c);
});

test(SERVER, "CLOSESOCKETFUNCTION hears what the transfer closes", async () => {
  await using server = await startServer();
  using c = curlFor(server.url);
  const opened: number[] = [];
  const closed: number[] = [];
  c.setopt(curl.FORBID_REUSE, true);
  c.setopt(curl.SOCKOPTFUNCTION, (fd) => void opened.push(fd));
  c.setopt(curl.CLOSESOCKETFUNCTION, (fd) => void closed.push(fd));
  c.performTextSync();
  assertEquals(closed, opened);
  assertEquals(closed.length, 1);
});

test(SERVER, "CLOSESOCKETFUNCTION hears what close() closes", async () => {
  await using server = await startServer();
  const c = curlFor(server.url);
  const closed: number[] = [];
  c.setopt(curl.CLOSESOCKETFUNCTION, (fd) => void closed.push(fd));
  c.performTextSync();
  const fd = c.getinfo(curl.ACTIVESOCKET);
  assertEquals(closed, []);
  c.close();
  assertEquals([closed, c.closed], [[fd], true]);
});

test(
  [CHILD, SERVER, { skip: Deno.build.os !== "linux" && "reads /proc" }],
  "CLOSESOCKETFUNCTION leaves a socket open by 0, and closed by nothing",
  async () => {
    await using server = await startServer();
    const { stdout } = await runChild(
      `const isOpen = (fd) => {
        try {
          return Deno.readLinkSync("/proc/self/fd/" + fd).startsWith("socket");
        } catch {
          return false;
        }
      };
      for (const answer of [undefined, 0]) {
        using c = new curl.Curl();
        let socket;
        c.setopt(curl.URL, Deno.args[0]);
        c.setopt(curl.FORBID_REUSE, true);
        c.setopt(curl.CLOSESOCKETFUNCTION, (fd) => {
          socket = fd;
          return answer;
        });
        c.performTextSync();
        console.log(isOpen(socket));
      }`,
      { flags: ["-A"], args: [server.url] },
    );
    assertEquals(stdout, "false\ntrue\n");
  },
);

test(
  SERVER,
  "CLOSESOCKETFUNCTION hears of it after reset() no more",
  async () => {
    await using server = await startServer();
    const c = curlFor(server.url);
    let calls = 0;
    c.setopt(curl.CLOSESOCKETFUNCTION, () => void calls++);
    c.performTextSync();
    c.reset();
    c.close();
    assertEquals(calls, 0);
  },
);

test(
  SERVER,
  "close() tells what CLOSESOCKETFUNCTION threw, and closes",
  async () => {
    await using server = await startServer();
    const c = curlFor(server.url);
    const thrown = new Error("out");
    c.setopt(curl.CLOSESOCKETFUNCTION, () => {
      throw thrown;
    });
    c.performTextSync();
    const error = assertCurlError(() => c.close(), curl.E_ABORTED_BY_CALLBACK);
    assertStrictEquals(error.cause, thrown);
    assertEquals(c.closed, true);
    c.close();
  },
);

test(SERVER, "close() lets its callbacks use other handles", async () => {
  await using server = await startServer();
  const c = curlFor(server.url);
  const seen: unknown[] = [];
  c.setopt(curl.CLOSESOCKETFUNCTION, () => {
    using other = curlFor(server.url);
    seen.push(other.performTextSync());
    assertCurlError(() => c.performSync(), undefined, "no curl handle");
    c.close();
  });
  c.performTextSync();
  c.close();
  assertEquals([seen, c.closed], [["home\n"], true]);
});

test(SERVER, "PREREQFUNCTION hears both ends before the request", async () => {
  await using server = await startServer();
  using c = curlFor(server.url);
  const heard: unknown[] = [];
  c.setopt(curl.PREREQFUNCTION, (...args) => {
    heard.push(...args);
    return curl.PREREQFUNC_OK;
  });
  c.performTextSync();
  const localPort = c.getinfo(curl.LOCAL_PORT);
  assertEquals(heard, ["127.0.0.1", "127.0.0.1", server.port, localPort]);
});

test(SERVER, "PREREQFUNCTION aborts before anything is sent", async () => {
  await using server = await startServer();
  using c = curlFor(server.url);
  c.setopt(curl.PREREQFUNCTION, () => curl.PREREQFUNC_ABORT);
  const aborted = curl.E_ABORTED_BY_CALLBACK;
  const error = assertCurlError(() => c.performTextSync(), aborted);
  assertEquals(error.cause, undefined);
  assertEquals(await server.requests(), []);
  c.setopt(curl.PREREQFUNCTION, null);
  assertEquals(c.performTextSync(), "home\n");
});

test(SERVER, "RESOLVER_START_FUNCTION runs once for a name", async () => {
  await using server = await startServer();
  using c = curlFor(`http://localhost:${server.port}/`);
  let calls = 0;
  c.setopt(curl.RESOLVER_START_FUNCTION, () => {
    calls += 1;
    return 0;
  });
  c.performTextSync();
  c.performTextSync();
  assertEquals(calls, 1);
});

test(SERVER, "RESOLVER_START_FUNCTION aborts with 1", async () => {
  await using server = await startServer();
  using c = curlFor(`http://localhost:${server.port}/`);
  c.setopt(curl.RESOLVER_START_FUNCTION, () => 1);
  const aborted = curl.E_ABORTED_BY_CALLBACK;
  const error = assertCurlError(() => c.performTextSync(), aborted);
  assert(!("cause" in error));
  c.setopt(curl.RESOLVER_START_FUNCTION, () => {});
  assertEquals(c.performTextSync(), "home\n");
});
