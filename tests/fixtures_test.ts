import { createCertificates } from "../tools/certificates.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "./assert.ts";
import * as standIn from "./fixtures/assert_stand_in.ts";
import { startRelay } from "./fixtures/counting_relay.ts";
import * as answers from "./fixtures/http_answers.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { NGINX, startNginx } from "./fixtures/nginx.ts";
import { patternBytes } from "./fixtures/pattern.ts";
import * as script from "./fixtures/script.ts";
import { startScriptedServer } from "./fixtures/scripted_server.ts";
import { SSHD, startSshd } from "./fixtures/sshd.ts";
import { startVsftpd, VSFTPD } from "./fixtures/vsftpd.ts";
import { watchdog } from "./fixtures/watchdog.ts";
import {
  Gate,
  startWorker,
  WorkerError,
  type WorkerHandle,
  WORKERS,
} from "./fixtures/workers.ts";
import { missing, test } from "./permissions.ts";

type Peer = typeof import("./fixtures/test_peer.ts");

function startPeer(deadlineMs?: number): Promise<WorkerHandle<Peer>> {
  const module = new URL("./fixtures/test_peer.ts", import.meta.url);
  return startWorker<Peer>(module, { deadlineMs });
}

/** Sends this over a new connection; what comes until the server closes it. */
async function talk(port: number, text: string): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(text));
  let received = "";
  for await (
    const part of connection.readable.pipeThrough(new TextDecoderStream())
  ) received += part;
  return received;
}

const GET = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

Deno.test("assertEquals() of the stand-in judges as @std/assert does", () => {
  standIn.assertEquals({ a: [-0, NaN] }, { a: [0, NaN] });
  standIn.assertEquals(Object.create(null), {});
  standIn.assertNotEquals({ a: undefined }, {} as { a?: undefined });
  standIn.assertNotEquals([1, 2], [2, 1]);
});

Deno.test("assertThrows() of the stand-in returns the error it expects", () => {
  const error = standIn.assertThrows(
    () => {
      throw new RangeError("too far");
    },
    RangeError,
    "far",
  );
  standIn.assertInstanceOf(error, RangeError);
  for (const [Class, text] of [[TypeError, "far"], [RangeError, "near"]]) {
    assertThrows(() => {
      standIn.assertThrows(
        () => {
          throw new RangeError("too far");
        },
        Class as ErrorConstructor,
        text as string,
      );
    });
  }
});

Deno.test("missing() names a program that is not installed", () => {
  const reason = missing({ programs: ["no-such-program"] });
  assertMatch(reason!, /^(no-such-program is not installed|needs --allow)/);
});

Deno.test("createCertificates() makes keys and certificates in PEM", async () => {
  const { ca, server, expired } = await createCertificates();
  for (const text of [ca, server.cert, expired.cert]) {
    assertMatch(text, /^-----BEGIN CERTIFICATE-----\n[^-]+\n-----END/);
  }
  assertMatch(server.key, /^-----BEGIN PRIVATE KEY-----\n/);
  assertMatch(server.pin, /^sha256\/\/[\w+/]{43}=$/);
});

Deno.test("watchdog() does nothing when it is disposed in time", async () => {
  await using _ = await watchdog("this test", 60);
});

test(
  WORKERS,
  "WorkerHandle.call() answers with what the function returns",
  async () => {
    await using peer = await startPeer();
    assertEquals(await peer.call("add", 2, 3), 5);
  },
);

test(
  WORKERS,
  "WorkerHandle.call() fails with the error that was thrown",
  async () => {
    await using peer = await startPeer();
    const error = await assertRejects(
      () => peer.call("fail"),
      WorkerError,
      "no",
    );
    assertEquals(error.name, "PeerError");
    assertEquals(error.code, 42);
    assertInstanceOf(error.cause, WorkerError);
    assertEquals(error.cause.name, "TypeError");
  },
);

test(
  WORKERS,
  "WorkerHandle.call() fails when its deadline passes",
  async () => {
    await using peer = await startPeer();
    const call = () => peer.callWithin(20, "never");
    await assertRejects(call, Error, "did not answer never() in 0.02 s");
  },
);

test(
  WORKERS,
  "WorkerHandle.call() does not count the time its caller was blocked",
  async () => {
    await using peer = await startPeer();
    const call = peer.callWithin(20, "add", 2, 3);
    assertThrows(() => new Gate().waitSync(100), Error, "stayed shut");
    assertEquals(await call, 5);
  },
);

test(
  WORKERS,
  "WorkerHandle.call() fails when the Worker is terminated",
  async () => {
    const peer = await startPeer();
    const call = peer.call("never");
    peer.terminate();
    await assertRejects(() => call, Error, "was terminated");
  },
);

test(WORKERS, "Gate.open() frees a blocked Worker", async () => {
  await using peer = await startPeer();
  const gate = new Gate();
  const call = peer.call("block", gate.buffer);
  assertEquals(await peer.event("blocked"), "now");
  gate.open();
  assertEquals(await call, "free");
});

test(
  SERVER,
  "startServer() answers while the test's isolate is blocked",
  async () => {
    await using server = await startServer();
    await using peer = await startPeer();
    const gate = new Gate();
    const call = peer.call("fetchAndOpen", `${server.url}/`, gate.buffer);
    gate.waitSync();
    await call;
  },
);

test(SERVER, "startServer() serves what its paths promise", async () => {
  await using server = await startServer();
  const get = (path: string, init?: RequestInit) =>
    fetch(server.url + path, { redirect: "manual", ...init });

  const body = patternBytes(100_000);
  assertEquals(await (await get("/bytes/100000")).bytes(), body);
  assertEquals(await (await get("/gzip")).bytes(), body.subarray(0, 10_000));
  const uploaded = await get("/upload", { method: "POST", body });
  assertEquals((await uploaded.json()).bytes, body.length);
  const echoed = await get("/echo?a=1", { method: "PUT", body: "hello" });
  const echo = await echoed.json();
  assertEquals([echo.method, echo.url, echo.body], [
    "PUT",
    "/echo?a=1",
    "hello",
  ]);
  const range = await get("/range/10", { headers: { range: "bytes=-3" } });
  assertEquals([range.status, ...await range.bytes()], [206, 7, 8, 9]);
  const cookies = await get("/cookies/set?a=1&b=2");
  assertEquals(cookies.headers.getSetCookie(), ["a=1; Path=/", "b=2; Path=/"]);
  await cookies.text();
  for (
    const [path, status] of [
      ["/status/404", 404],
      ["/status/204", 204],
      ["/redirect/2", 302],
      ["/auth/basic", 401],
      ["/respond?status=418&header=X:y", 418],
      ["/trickle?ms=1&count=3", 200],
      ["/slow?ms=1", 200],
      ["/hsts", 200],
      ["/nowhere", 404],
    ] as const
  ) {
    const response = await get(path);
    await response.text();
    assertEquals(response.status, status, path);
  }
  const { requests } = await (await get("/count")).json();
  assertEquals((await server.requests()).length, requests);
});

test(SERVER, "TestServer.release() answers stalled requests", async () => {
  await using server = await startServer();
  const stalled = fetch(`${server.url}/stall`);
  await server.arrived(1);
  await server.release();
  assertEquals(await (await stalled).text(), "released\n");
});

test(SERVER, "startServer() ends with a request still stalled", async () => {
  const server = await startServer();
  const stalled = fetch(`${server.url}/stall`).then((r) => r.text());
  const settled = Promise.allSettled([stalled]);
  await server.arrived(1);
  await server[Symbol.asyncDispose]();
  await settled;
  await assertRejects(() => fetch(server.url));
});

test(SERVER, "startServer() speaks TLS with a certificate", async () => {
  const { ca, server: tls } = await createCertificates();
  await using server = await startServer({ tls });
  using client = Deno.createHttpClient({ caCerts: [ca] });
  const response = await fetch(`${server.url}/`, { client });
  assertEquals(await response.text(), "home\n");
});

test(
  SERVER,
  "startScriptedServer() follows one script after the other",
  async () => {
    await using server = await startScriptedServer({
      scripts: [
        [script.request(), script.send(answers.okay("first"))],
        [script.request(), script.send(answers.chunked(["sec", "ond"]))],
      ],
    });
    for (const body of ["first", "second", "second"]) {
      assertEquals(await (await fetch(server.url)).text(), body);
    }
    const [{ text, outcome }] = await server.ended(3);
    assertStringIncludes(text, "GET / HTTP/1.1\r\n");
    assertEquals(outcome, "script ended");
  },
);

test(
  SERVER,
  "startScriptedServer() sends what breaks the protocol",
  async () => {
    for (
      const answer of [
        answers.lyingLength("short", 100),
        answers.truncatedChunked("short", 100),
        answers.unfinishedChunked(["short"]),
        answers.garbage(100),
      ]
    ) {
      await using server = await startScriptedServer({
        scripts: [[script.request(), script.send(answer)]],
      });
      await assertRejects(async () => await (await fetch(server.url)).text());
    }
  },
);

test(
  SERVER,
  "startScriptedServer() sends HTTP/1.0, trailers and huge headers",
  async () => {
    await using server = await startScriptedServer({
      scripts: [
        [script.request(), script.send(answers.untilClose("to the end"))],
        [
          script.request(),
          script.send(answers.chunked(["a"], { "X-Last": "b" })),
        ],
        [script.request(), script.send(answers.hugeHeader(50_000))],
      ],
    });
    assertStringIncludes(await talk(server.port, GET), "\r\n\r\nto the end");
    assertStringIncludes(
      await talk(server.port, GET),
      "0\r\nX-Last: b\r\n\r\n",
    );
    assert((await talk(server.port, GET)).length > 50_000);
  },
);

test(SERVER, "reset() resets the connection", async () => {
  await using server = await startScriptedServer({
    scripts: [[script.request(), script.send("HTTP/1.1 "), script.reset()]],
  });
  await assertRejects(
    () => talk(server.port, GET),
    Deno.errors.ConnectionReset,
  );
});

test(SERVER, "waitFor() waits for ScriptedServer.signal()", async () => {
  await using server = await startScriptedServer({
    scripts: [[
      script.request(),
      script.waitFor("go"),
      script.send(answers.okay("went")),
    ]],
  });
  const response = fetch(server.url);
  await server.signal("go");
  assertEquals(await (await response).text(), "went");
});

test(SERVER, "expect() tells when its deadline passes", async () => {
  await using server = await startScriptedServer({
    scripts: [[script.expect("nothing like that", 20)]],
  });
  await assertRejects(() => fetch(server.url));
  const [{ outcome, detail }] = await server.ended(1);
  assertEquals(outcome, "deadline passed");
  assertStringIncludes(detail!, "nothing like that");
});

test(SERVER, "hold() lasts until the client leaves", async () => {
  await using server = await startScriptedServer({
    scripts: [[script.hold()]],
  });
  const connection = await Deno.connect({
    hostname: "127.0.0.1",
    port: server.port,
  });
  await connection.write(Uint8Array.of(1, 2, 3));
  connection.close();
  const [{ received, outcome }] = await server.ended(1);
  assertEquals(received, Uint8Array.of(1, 2, 3));
  assertEquals(outcome, "client left");
});

test(
  SERVER,
  "startScriptedServer() speaks TLS, at once or when told",
  async () => {
    const { ca, server: tls } = await createCertificates();
    const caCerts = [ca];
    await using atOnce = await startScriptedServer({
      scripts: [[script.request(), script.send(answers.okay("secret"))]],
      tls,
    });
    using client = Deno.createHttpClient({ caCerts });
    const response = await fetch(atOnce.url, { client });
    assertEquals(await response.text(), "secret");

    await using later = await startScriptedServer({
      scripts: [[
        script.expect("STARTTLS\n"),
        script.send("OK"),
        script.startTls(),
        script.expect("secret"),
      ]],
      tls,
      plainFirst: true,
    });
    const plain = await Deno.connect({
      hostname: "127.0.0.1",
      port: later.port,
    });
    await plain.write(new TextEncoder().encode("STARTTLS\n"));
    await plain.read(new Uint8Array(2));
    using secure = await Deno.startTls(plain, {
      hostname: "localhost",
      caCerts,
    });
    await secure.write(new TextEncoder().encode("secret"));
    const [{ text, outcome }] = await later.ended(1);
    assertEquals([text, outcome], ["STARTTLS\nsecret", "script ended"]);
  },
);

test(
  SERVER,
  "startRelay() counts full and resumed TLS handshakes",
  async () => {
    const { ca, server: tls } = await createCertificates();
    await using server = await startServer({ tls });
    await using relay = await startRelay(server);
    using client = Deno.createHttpClient({
      caCerts: [ca],
      poolMaxIdlePerHost: 0,
      http2: false,
    });
    for (let i = 0; i < 3; i++) {
      const response = await fetch(`https://127.0.0.1:${relay.port}/`, {
        client,
        headers: { connection: "close" },
      });
      await response.text();
    }
    const { connections, full, resumed, versions } = await relay.counts();
    assertEquals({ connections, full, resumed, versions }, {
      connections: 3,
      full: 1,
      resumed: 2,
      versions: { "TLSv1.3": 3 },
    });
  },
);

test(SERVER, "CountingRelay.drop() closes the open connections", async () => {
  await using server = await startServer();
  await using relay = await startRelay(server);
  using connection = await Deno.connect({
    hostname: "127.0.0.1",
    port: relay.port,
  });
  await connection.write(new TextEncoder().encode(GET));
  await connection.read(new Uint8Array(1000));
  await relay.drop();
  assertEquals(await connection.read(new Uint8Array(1000)), null);
  assertEquals((await relay.counts()).full, 0);
});

test(NGINX, "startNginx() serves files over HTTP/1.1 and HTTP/2", async () => {
  await using nginx = await startNginx();
  using client = Deno.createHttpClient({ caCerts: [nginx.ca] });
  const plain = await fetch(`${nginx.url}/1M.bin`);
  assertEquals(await plain.bytes(), patternBytes(2 ** 20));
  const secure = await fetch(`${nginx.secureUrl}/small.txt`, { client });
  assertEquals(await secure.text(), "hello\n");
  const log = await nginx.log(2);
  assertEquals(log.map(({ protocol }) => protocol), ["HTTP/1.1", "HTTP/2.0"]);
});

test(NGINX, "startNginx() tells clients by their certificates", async () => {
  const certificates = await createCertificates();
  const { ca, client: { cert, key } } = certificates;
  await using nginx = await startNginx({
    tls: certificates.server,
    clientCa: ca,
  });
  using client = Deno.createHttpClient({ caCerts: [ca], cert, key });
  const response = await fetch(`${nginx.secureUrl}/client`, { client });
  assertEquals(await response.text(), "SUCCESS CN=Test client\n");
});

test(NGINX, "startNginx() tells why it cannot start", async () => {
  const start = () => startNginx({ directives: "nonsense on;" });
  await assertRejects(start, Error, 'unknown directive "nonsense"');
});

test(SSHD, "startSshd() answers with its greeting", async () => {
  await using sshd = await startSshd();
  assertMatch(await talk(sshd.port, "no SSH\r\n"), /^SSH-2\.0-OpenSSH/);
  assertEquals(sshd.hostKeys.length, 2);
});

test(VSFTPD, "startVsftpd() lets anonymous users in", async () => {
  await using vsftpd = await startVsftpd({ files: { "a.txt": "A" } });
  const session = ["USER anonymous", "PASS x", "SIZE a.txt", "QUIT", ""];
  const answer = await talk(vsftpd.port, session.join("\r\n"));
  assertStringIncludes(answer, "230 Login successful.\r\n213 1\r\n");
});
