/** Options of a connection: where to, from where, and for how long. */

import net from "node:net";
import * as curl from "../mod.ts";
import { createCertificates } from "../tools/certificates.ts";
import {
  assert,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "./assert.ts";
import { assertCurlError, curlFor } from "./fixtures/checks.ts";
import { okay } from "./fixtures/http_answers.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { headOf, seenBy, startAnswering } from "./fixtures/seen.ts";
import { test } from "./permissions.ts";

test(SERVER, "RESOLVE gives names addresses", async () => {
  await using server = await startServer();
  using c = curlFor(`http://only-here.invalid:${server.port}/echo`);
  const unknown = curl.E_COULDNT_RESOLVE_HOST;
  assertCurlError(() => c.performTextSync(), unknown);
  c.setopt(curl.RESOLVE, [`only-here.invalid:${server.port}:127.0.0.1`]);
  const host = `only-here.invalid:${server.port}`;
  assertEquals(seenBy(c).headers["host"], host);
  assertEquals(c.getinfo(curl.PRIMARY_IP), "127.0.0.1");
});

test(SERVER, "RESOLVE takes several addresses, and all names", async () => {
  await using server = await startServer();
  using c = curlFor(`http://any.invalid:${server.port}/`);
  // Nobody listens at the first.
  c.setopt(curl.RESOLVE, [`*:${server.port}:127.0.0.9,127.0.0.1`]);
  assertEquals(c.performTextSync(), "home\n");
  assertEquals(c.getinfo(curl.PRIMARY_IP), "127.0.0.1");
});

test(SERVER, "RESOLVE forgets a name with a minus before it", async () => {
  await using server = await startServer();
  const name = `only-here.invalid:${server.port}`;
  using c = curlFor(`http://${name}/`);
  c.setopt(curl.RESOLVE, [`${name}:127.0.0.1`]);
  c.performTextSync();
  c.setopt(curl.RESOLVE, [`-${name}`]);
  c.setopt(curl.FRESH_CONNECT, true);
  const unknown = curl.E_COULDNT_RESOLVE_HOST;
  assertCurlError(() => c.performTextSync(), unknown);
});

test(SERVER, "RESOLVE that makes no sense ends the transfer", async () => {
  await using server = await startServer();
  using c = curlFor(server.url);
  for (const entry of ["name", "name:port:127.0.0.1", "name:80:no address"]) {
    c.setopt(curl.RESOLVE, [entry]);
    const syntax = curl.E_SETOPT_OPTION_SYNTAX;
    assertCurlError(() => c.performTextSync(), syntax);
  }
});

test(SERVER, "CONNECT_TO goes elsewhere with the same request", async () => {
  await using server = await startServer();
  using c = curlFor("http://example.com/echo");
  c.setopt(curl.CONNECT_TO, [
    `other.example:80:127.0.0.1:1`,
    `example.com:80:127.0.0.1:${server.port}`,
  ]);
  assertEquals(seenBy(c).headers["host"], "example.com");
  assertEquals(c.getinfo(curl.PRIMARY_PORT), server.port);
});

test(
  [SERVER, { needs: ["read", "write"] }],
  "UNIX_SOCKET_PATH goes to a socket in the file system",
  async () => {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/socket`;
    const server = Deno.serve(
      { path, onListen: () => {} },
      (request) => new Response(request.headers.get("host")),
    );
    try {
      using c = curlFor("http://example.com/");
      c.setopt(curl.UNIX_SOCKET_PATH, path);
      assertEquals(await c.performText(), "example.com");
      c.setopt(curl.UNIX_SOCKET_PATH, `${folder}/other`);
      c.setopt(curl.FRESH_CONNECT, true);
      assertCurlError(() => c.performSync(), curl.E_COULDNT_CONNECT);
      c.setopt(curl.UNIX_SOCKET_PATH, `/${"x".repeat(200)}`);
      assertCurlError(() => c.performSync(), curl.E_COULDNT_RESOLVE_HOST);
    } finally {
      await server.shutdown();
      await Deno.remove(folder, { recursive: true });
    }
  },
);

test(
  { ...SERVER, skip: Deno.build.os !== "linux" && "only Linux has them" },
  "ABSTRACT_UNIX_SOCKET goes to a socket without a file",
  async () => {
    const name = `denocurl-${crypto.randomUUID()}`;
    const server = net.createServer((socket) => {
      socket.once("data", () => socket.end(okay("abstract")));
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    server.listen(`\0${name}`, resolve);
    await promise;
    try {
      using c = curlFor("http://example.com/");
      c.setopt(curl.ABSTRACT_UNIX_SOCKET, name);
      assertEquals(await c.performText(), "abstract");
    } finally {
      server.close();
    }
  },
);

test(SERVER, "INTERFACE names the address to come from", async () => {
  await using server = await startServer();
  using c = curlFor(server.url);
  for (const name of ["127.0.0.2", "host!127.0.0.3"]) {
    c.setopt(curl.INTERFACE, name);
    c.setopt(curl.FRESH_CONNECT, true);
    c.performTextSync();
    const { client } = (await server.requests()).at(-1)!;
    const [address] = client.split(":");
    assertEquals(address, name.replace("host!", ""));
    assertEquals(address, c.getinfo(curl.LOCAL_IP));
  }
  c.setopt(curl.INTERFACE, "192.0.2.1");
  const failed = curl.E_INTERFACE_FAILED;
  assertCurlError(() => c.performTextSync(), failed);
});

test(SERVER, "LOCALPORT and LOCALPORTRANGE name the port", async () => {
  await using server = await startServer();
  using free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = free.addr;
  // That port is taken; one of those behind it is free.
  using c = curlFor(server.url);
  c.setopt(curl.LOCALPORT, port);
  c.setopt(curl.LOCALPORTRANGE, Math.min(100, 65_535 - port));
  c.performTextSync();
  const used = c.getinfo(curl.LOCAL_PORT);
  assert(used >= port && used < port + 100, `${used}`);
  const [{ client }] = await server.requests();
  assertEquals(client, `127.0.0.1:${used}`);
});

test(SERVER, "IPRESOLVE leaves out addresses of the other kind", async () => {
  await using server = await startServer();
  using c = curlFor(`http://localhost:${server.port}/`);
  c.setopt(curl.IPRESOLVE, curl.IPRESOLVE_V6);
  // Nobody listens there, if the name has such an address at all.
  assertThrows(() => c.performTextSync(), curl.CurlError);
  c.setopt(curl.IPRESOLVE, curl.IPRESOLVE_V4);
  assertEquals(c.performTextSync(), "home\n");
});

for (const address of [undefined, "192.0.2.7"]) {
  const whose = address ? "HAPROXY_CLIENT_IP's" : "its own";
  test(SERVER, `HAPROXYPROTOCOL tells ${whose} address first`, async () => {
    await using server = await startAnswering();
    using c = curlFor(server.url);
    c.setopt(curl.HAPROXYPROTOCOL, true);
    if (address) c.setopt(curl.HAPROXY_CLIENT_IP, address);
    c.performTextSync();
    const [first, second] = await headOf(server);
    const [proxy, kind, from] = first.split(" ");
    assertEquals([proxy, kind], ["PROXY", "TCP4"]);
    assertEquals(from, address ?? "127.0.0.1");
    assertEquals(second, "GET / HTTP/1.1");
  });
}

test(SERVER, "FORBID_REUSE closes the connection afterwards", async () => {
  await using server = await startServer();
  using c = curlFor(server.url);
  c.setopt(curl.FORBID_REUSE, true);
  c.performTextSync();
  c.performTextSync();
  assertEquals(c.getinfo(curl.NUM_CONNECTS), 1);
  const [first, second] = await server.requests();
  assertNotEquals(first.client, second.client);
});

test(SERVER, "MAXCONNECTS closes the oldest connection", async () => {
  await using server = await startServer();
  using c = curlFor(server.url);
  c.setopt(curl.MAXCONNECTS, 1);
  const connects = (name: string) => {
    c.setopt(curl.CONNECT_TO, [`${name}:80:127.0.0.1:${server.port}`]);
    c.setopt(curl.URL, `http://${name}/`);
    c.performTextSync();
    return c.getinfo(curl.NUM_CONNECTS);
  };
  const seen = ["a.example", "a.example", "b.example", "a.example"];
  assertEquals(seen.map(connects), [1, 0, 1, 1]);
});

test(SERVER, "DOH_URL asks a server for the address", async () => {
  const { ca, server: tls } = await createCertificates();
  await using names = await startServer({ tls });
  await using server = await startServer();
  using c = curlFor(`http://by-doh.example:${server.port}/`);
  c.setCaCerts(ca);
  c.setopt(curl.DOH_URL, `${names.url}/dns-query`);
  c.setopt(curl.IPRESOLVE, curl.IPRESOLVE_V4);
  assertEquals(c.performTextSync(), "home\n");
  assertEquals(c.getinfo(curl.PRIMARY_IP), "127.0.0.1");
  const [{ path }] = await names.requests();
  assertEquals(path, "/dns-query");
});
