import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "./assert.ts";
import { selfSigned } from "../tools/certificates.ts";
import {
  closing,
  frame,
  type FrameScript,
  joined,
  startFrameServer,
} from "./fixtures/frame_server.ts";
import { SERVER } from "./fixtures/http_server.ts";
import { WORKERS } from "./fixtures/workers.ts";
import { test } from "./permissions.ts";
import { isAlive, until } from "./workers/peers.ts";
import { startWebSocketServer } from "./workers/websocket_server.ts";

const NETWORK = [SERVER, WORKERS];
const NORMAL = { closeCode: 1000, reason: "" };
const REFUSED = "ws://127.0.0.1:1/";
const CLOSE = 8;

/** A server that does this, and a WebSocket to it. */
async function socketTo(
  script: FrameScript,
  options?: curl.CurlWebSocketOptions,
) {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startFrameServer());
  const url = await server.url(script);
  const ws = stack.use(new curl.CurlWebSocket(url, options));
  const all = stack.move();
  return {
    ws,
    log: (count?: number) =>
      count === undefined ? server.ended(url) : server.frames(url, count),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

test(NETWORK, "CurlWebSocket sends and receives messages", async () => {
  await using server = await startWebSocketServer();
  const ws = new curl.CurlWebSocket(`${server.url}/echo`);
  const { readable, writable, protocol, extensions } = await ws.opened;
  assertEquals({ protocol, extensions }, { protocol: "", extensions: "" });
  const writer = writable.getWriter();
  const reader = readable.getReader();
  await writer.write("héllo");
  assertEquals(await reader.read(), { done: false, value: "héllo" });
  await writer.write(new Uint8Array([1, 2, 3]));
  assertEquals((await reader.read()).value, new Uint8Array([1, 2, 3]));
  await writer.write(new Uint16Array([0x0201]).buffer);
  assertEquals((await reader.read()).value, new Uint8Array([1, 2]));
  await writer.write(new DataView(new ArrayBuffer(4), 1, 2));
  assertEquals((await reader.read()).value, new Uint8Array(2));
  ws.close({ closeCode: 1000, reason: "enough" });
  assertEquals(await ws.closed, { closeCode: 1000, reason: "enough" });
  assertEquals(await reader.read(), { done: true, value: undefined });
});

for (const size of [125, 126, 65_535, 65_536, 1 << 20, 20 << 20]) {
  test(
    NETWORK,
    `CurlWebSocket echoes a message of ${size} bytes`,
    async () => {
      await using server = await startWebSocketServer();
      await using ws = new curl.CurlWebSocket(`${server.url}/echo`);
      const { readable, writable } = await ws.opened;
      const sent = new Uint8Array(size);
      for (let i = 0; i < size; i += 61) sent[i] = i;
      const written = writable.getWriter().write(sent);
      const { value } = await readable.getReader().read();
      await written;
      assertInstanceOf(value, Uint8Array);
      assertEquals(value.length, size);
      assert(value.every((byte, i) => byte === sent[i]));
    },
  );
}

test(NETWORK, "CurlWebSocket offers subprotocols and tells which", async () => {
  const headers = { "Sec-WebSocket-Protocol": "soap" };
  await using peer = await socketTo({ headers }, {
    protocols: ["chat", "soap"],
  });
  assertEquals((await peer.ws.opened).protocol, "soap");
  peer.ws.close();
  const { request } = await peer.log();
  assertStringIncludes(request, "Sec-WebSocket-Protocol: chat, soap\r\n");
});

const ANSWERS: Record<
  string,
  [FrameScript, curl.CurlWebSocketOptions, RegExp]
> = {
  "does not know the key": [
    { headers: { "Sec-WebSocket-Accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" } },
    {},
    /Sec-WebSocket-Accept does not belong/,
  ],
  "chooses a subprotocol of its own": [
    { headers: { "Sec-WebSocket-Protocol": "other" } },
    { protocols: "chat" },
    /"other", which was not offered/,
  ],
  "chooses none of the subprotocols": [
    {},
    { protocols: ["chat"] },
    /chosen none of the subprotocols/,
  ],
  "wants an extension": [
    { headers: { "Sec-WebSocket-Extensions": "permessage-deflate" } },
    {},
    /"permessage-deflate", and none was offered/,
  ],
  "upgrades to something else": [
    { headers: { Upgrade: "h2c" } },
    {},
    /its Upgrade is not to websocket/,
  ],
  "does not name the Upgrade": [
    { headers: { Connection: null } },
    {},
    /its Connection is not an Upgrade/,
  ],
  "answers 403": [
    { status: "HTTP/1.1 403 Forbidden", then: "drop" },
    {},
    /403/,
  ],
  "leaves in the midst of the handshake": [
    { status: "HTTP/1.1 101 Switching Protocols\r\nX: " + "x".repeat(200_000) },
    {},
    /./,
  ],
};

for (const [what, [script, options, message]] of Object.entries(ANSWERS)) {
  test(NETWORK, `opened rejects when the server ${what}`, async () => {
    await using peer = await socketTo(script, options);
    const error = await assertRejects(() => peer.ws.opened, curl.CurlError);
    assert(message.test(error.message), error.message);
    assertStrictEquals(
      await assertRejects(() => peer.ws.closed, curl.CurlError),
      error,
    );
  });
}

test(
  NETWORK,
  "CurlWebSocket sends the Curl's headers and its own",
  async () => {
    using c = new curl.Curl();
    c.setopt(curl.HTTPHEADER, ["X-First: 1"]);
    c.setopt(curl.COOKIE, "a=b");
    c.setopt(curl.USERPWD, "me:secret");
    const headers = ["Origin: http://example.com"];
    await using peer = await socketTo({}, { curl: c, headers });
    await peer.ws.opened;
    peer.ws.close();
    const { request } = await peer.log();
    for (
      const line of [
        "X-First: 1",
        "Origin: http://example.com",
        "Cookie: a=b",
        "Authorization: Basic bWU6c2VjcmV0",
      ]
    ) assertStringIncludes(request, `\r\n${line}\r\n`);
  },
);

test(NETWORK, "CurlWebSocket leaves the Curl as it is", async () => {
  await using server = await startFrameServer();
  using c = new curl.Curl();
  c.setopt(curl.HTTPHEADER, ["X-First: 1"]);
  const options = { curl: c, headers: ["X-Second: 2"], protocols: "none" };
  for (const round of [0, 1]) {
    const url = await server.url({});
    await using ws = new curl.CurlWebSocket(url, options);
    await ws.opened.catch(() => {});
    const { request } = await server.ended(url);
    assertEquals(request.split("X-Second").length, 2, `round ${round}`);
  }
});

test(NETWORK, "CurlWebSocket goes over TLS as the Curl says", async () => {
  const { cert, key } = await selfSigned();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {}, cert, key },
    (request) => {
      const { socket, response } = Deno.upgradeWebSocket(request);
      socket.onopen = () => socket.send("secret");
      return response;
    },
  );
  const url = `wss://localhost:${server.addr.port}/`;
  using c = new curl.Curl();
  c.setopt(curl.RESOLVE, [`localhost:${server.addr.port}:127.0.0.1`]);
  const distrusted = new curl.CurlWebSocket(url, { curl: c });
  const error = await assertRejects(() => distrusted.opened, curl.CurlError);
  assertEquals(error.code, curl.E_PEER_FAILED_VERIFICATION);
  c.setCaCerts(cert);
  const ws = new curl.CurlWebSocket(url, { curl: c });
  const { readable } = await ws.opened;
  assertEquals((await readable.getReader().read()).value, "secret");
  ws.close();
  await ws.closed;
  await server.shutdown();
});

for (
  const [name, kinds] of Object.entries({
    "names and TLS sessions": [curl.LOCK_DATA_DNS, curl.LOCK_DATA_SSL_SESSION],
    "cookies and connections": [curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_CONNECT],
  })
) {
  test(NETWORK, `CurlWebSocket works on a share of ${name}`, async () => {
    await using share = new curl.CurlShare();
    share.share(...kinds);
    using c = new curl.Curl();
    c.setopt(curl.SHARE, share);
    await using server = await startWebSocketServer();
    await using ws = new curl.CurlWebSocket(`${server.url}/echo`, { curl: c });
    const { readable, writable } = await ws.opened;
    const reader = readable.getReader();
    const writer = writable.getWriter();
    for (const size of [1, 1 << 20, 1]) {
      const written = writer.write(new Uint8Array(size));
      assertEquals((await reader.read()).value?.length, size);
      await written;
    }
    ws.close();
    assertEquals((await ws.closed).closeCode, 1005);
  });
}

test(NETWORK, "a ping is answered while nobody reads or writes", async () => {
  await using peer = await socketTo({ send: frame(9, "there?") });
  await peer.ws.opened;
  const { frames: [pong] } = await peer.log(1);
  assertEquals(pong.opcode, 10);
  assertEquals(new TextDecoder().decode(pong.payload), "there?");
});

test(
  NETWORK,
  "a ping on a share's engine is answered while nobody reads or writes",
  async () => {
    using share = new curl.CurlShare();
    share.share(curl.LOCK_DATA_COOKIE);
    using c = new curl.Curl();
    c.setopt(curl.SHARE, share);
    await using peer = await socketTo({ send: frame(9, "there?") }, {
      curl: c,
    });
    await peer.ws.opened;
    const { frames: [pong] } = await peer.log(1);
    assertEquals(pong.opcode, 10);
  },
);

test(NETWORK, "messages that nobody reads stay with the server", async () => {
  const message = frame(2, new Uint8Array(100_000));
  const send = joined(...Array.from({ length: 300 }, () => message));
  await using peer = await socketTo({ send });
  const { readable } = await peer.ws.opened;
  const reader = readable.getReader();
  const before = Deno.memoryUsage().rss;
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert(Deno.memoryUsage().rss - before < 20e6);
  let count = 0;
  while (count < 300) {
    const { value } = await reader.read();
    assertEquals(value?.length, 100_000);
    count++;
  }
});

test(NETWORK, "a write waits for a server that does not read", async () => {
  await using peer = await socketTo({ then: "deaf" });
  const { writable } = await peer.ws.opened;
  const writer = writable.getWriter();
  let done = 0;
  const writes = Array.from({ length: 100 }, async () => {
    await writer.write(new Uint8Array(1 << 20));
    done++;
  });
  for (const write of writes) write.catch(() => {});
  await until("some are done", () => done > 0);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert(done < 100);
  const controller = peer.ws;
  controller.close();
});

test(NETWORK, "all that was written before close() arrives", async () => {
  await using peer = await socketTo({});
  const { writable } = await peer.ws.opened;
  const writer = writable.getWriter();
  for (let i = 0; i < 50; i++) writer.write(new Uint8Array(50_000).fill(i));
  await writer.ready;
  await writer.close();
  assertEquals(await peer.ws.closed, { closeCode: 1005, reason: "" });
  const { frames } = await peer.log();
  assertEquals(frames.length, 51);
  assert(frames.slice(0, 50).every(({ payload }, i) => payload[0] === i));
});

test(NETWORK, "cancelling readable closes the WebSocket", async () => {
  await using peer = await socketTo({});
  const { readable } = await peer.ws.opened;
  await readable.cancel({ closeCode: 3001, reason: "no more" });
  assertEquals(await peer.ws.closed, { closeCode: 3001, reason: "no more" });
});

test(NETWORK, "aborting writable closes the WebSocket", async () => {
  await using peer = await socketTo({});
  const { readable, writable } = await peer.ws.opened;
  await writable.abort(new Error("no code"));
  assertEquals(await peer.ws.closed, { closeCode: 1005, reason: "" });
  assertEquals((await readable.getReader().read()).done, true);
});

test(
  NETWORK,
  "what was sent before a Close can be read behind it",
  async () => {
    const texts = Array.from({ length: 20 }, (_, i) => frame(1, `${i}`));
    const close = frame(CLOSE, closing(1000));
    await using peer = await socketTo({ send: joined(...texts, close) });
    const { readable } = await peer.ws.opened;
    assertEquals(await peer.ws.closed, NORMAL);
    const messages = await Array.fromAsync(readable);
    assertEquals(messages, Array.from({ length: 20 }, (_, i) => `${i}`));
  },
);

test(NETWORK, "a write behind the server's Close is refused", async () => {
  await using peer = await socketTo({ send: frame(CLOSE, closing(1001)) });
  const { writable } = await peer.ws.opened;
  assertEquals((await peer.ws.closed).closeCode, 1001);
  const write = writable.getWriter().write("late");
  const error = await assertRejects(() => write, curl.CurlError);
  assertEquals(error.message, "The WebSocket is closed");
});

for (const then of ["drop", "reset"] as const) {
  test(
    NETWORK,
    `closed rejects when the server ${then}s the connection`,
    async () => {
      await using peer = await socketTo({ send: frame(1, "last"), then });
      const { readable, writable } = await peer.ws.opened;
      const error = await assertRejects(() => peer.ws.closed, curl.CurlError);
      assert([curl.E_GOT_NOTHING, curl.E_RECV_ERROR].includes(error.code!));
      const reader = readable.getReader();
      if (then === "drop") {
        assertEquals((await reader.read()).value, "last");
        assertStrictEquals(await assertRejects(() => reader.read()), error);
      }
      const write = writable.getWriter().write("late");
      assertStrictEquals(await assertRejects(() => write), error);
    },
  );
}

test(NETWORK, "closed rejects when no Close is answered in time", async () => {
  await using peer = await socketTo({ then: "hold" }, { closingTimeout: 1 });
  await peer.ws.opened;
  peer.ws.close();
  const error = await assertRejects(() => peer.ws.closed, curl.CurlError);
  assertEquals(error.code, curl.E_OPERATION_TIMEDOUT);
});

test(NETWORK, "closed resolves when the server does not leave", async () => {
  const send = frame(CLOSE, closing(1000));
  await using peer = await socketTo({ send, then: "hold" });
  await peer.ws.opened;
  assertEquals(await peer.ws.closed, NORMAL);
});

test({}, "opened rejects when there is no server", async () => {
  const ws = new curl.CurlWebSocket(REFUSED);
  const error = await assertRejects(() => ws.opened, curl.CurlError);
  assertEquals(error.code, curl.E_COULDNT_CONNECT);
});

test({}, "close() before it is open has opened and closed reject", async () => {
  const ws = new curl.CurlWebSocket(REFUSED);
  ws.close();
  ws.close();
  const error = await assertRejects(() => ws.opened, curl.CurlError);
  assertEquals(error.message, "The WebSocket was closed before it was open");
  assertStrictEquals(await assertRejects(() => ws.closed), error);
});

test({}, "an aborted signal has opened reject with its reason", async () => {
  const reason = new Error("out");
  for (const early of [true, false]) {
    const controller = new AbortController();
    if (early) controller.abort(reason);
    const { signal } = controller;
    const ws = new curl.CurlWebSocket(REFUSED, { signal });
    controller.abort(reason);
    assertStrictEquals(await assertRejects(() => ws.opened), reason);
    assertStrictEquals(await assertRejects(() => ws.closed), reason);
  }
});

test(NETWORK, "a signal ends an open WebSocket at once", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  await using peer = await socketTo({ send: frame(1, "unread") }, { signal });
  const { readable, writable } = await peer.ws.opened;
  const reason = new Error("out");
  controller.abort(reason);
  assertStrictEquals(await assertRejects(() => peer.ws.closed), reason);
  const written = writable.getWriter().write("late");
  assertStrictEquals(await assertRejects(() => written), reason);
  const reader = readable.getReader();
  const read = async () => {
    while (!(await reader.read()).done);
  };
  assertStrictEquals(await assertRejects(read), reason);
  assertEquals((await peer.log()).frames, []);
});

const ORDERS: Record<
  string,
  (ws: curl.CurlWebSocket, controller: AbortController) => void
> = {
  "close, close": (ws) => {
    ws.close();
    ws.close();
  },
  "close, abort": (ws, controller) => {
    ws.close();
    controller.abort();
  },
  "abort, close": (ws, controller) => {
    controller.abort();
    ws.close();
  },
  "abort, dispose": (ws, controller) => {
    controller.abort();
    ws[Symbol.asyncDispose]();
  },
};

for (const [order, act] of Object.entries(ORDERS)) {
  for (const phase of ["opening", "open", "with writes under way"]) {
    test(
      NETWORK,
      `CurlWebSocket ends by "${order}" while it is ${phase}`,
      async () => {
        const controller = new AbortController();
        const { signal } = controller;
        await using peer = await socketTo({ then: "echo" }, { signal });
        if (phase !== "opening") {
          const { readable, writable } = await peer.ws.opened;
          if (phase !== "open") {
            const writer = writable.getWriter();
            for (let i = 0; i < 20; i++) {
              writer.write(new Uint8Array(500_000)).catch(() => {});
            }
            readable.pipeTo(new WritableStream()).catch(() => {});
          }
        }
        act(peer.ws, controller);
        await peer.ws.closed.catch(() => {});
        // Before it was opened, the server may know nothing of it.
        if (phase !== "opening") await peer.log();
      },
    );
  }
}

test(
  NETWORK,
  "the copy of the Curl is gone when the WebSocket is",
  async () => {
    await using server = await startFrameServer();
    using probe = new curl.Curl();
    const ws = new curl.CurlWebSocket(await server.url({}));
    await ws.opened;
    const handles = Array.from({ length: 10 }, (_, i) => probe.handle + 1 + i)
      .filter(isAlive);
    assertEquals(handles.length, 1);
    ws.close();
    await ws.closed;
    assertEquals(handles.filter(isAlive), []);
  },
);

test(NETWORK, "hundreds of CurlWebSockets work at once", async () => {
  await using server = await startWebSocketServer();
  const echo = async (i: number) => {
    await using ws = new curl.CurlWebSocket(`${server.url}/echo`);
    const { readable, writable } = await ws.opened;
    const writer = writable.getWriter();
    const reader = readable.getReader();
    for (let round = 0; round < 3; round++) {
      await writer.write(`${i}.${round}`);
      assertEquals((await reader.read()).value, `${i}.${round}`);
    }
  };
  await Promise.all(Array.from({ length: 300 }, (_, i) => echo(i)));
});

// deno-lint-ignore no-explicit-any
const WRONG: Record<string, [() => any, RegExp]> = {
  "a URL of FTP": [
    () => new curl.CurlWebSocket("ftp://localhost/"),
    /begins with ws: or wss:, not ftp:/,
  ],
  "no URL": [() => new curl.CurlWebSocket("localhost"), /URL/],
  "a fragment": [() => new curl.CurlWebSocket("ws://a/#b"), /no fragment/],
  "a subprotocol with a space": [
    () => new curl.CurlWebSocket(REFUSED, { protocols: ["a b"] }),
    /"a b" can't be the name of a subprotocol/,
  ],
  "a subprotocol twice": [
    () => new curl.CurlWebSocket(REFUSED, { protocols: ["a", "A"] }),
    /named twice/,
  ],
  "a header with a line break": [
    () => new curl.CurlWebSocket(REFUSED, { headers: ["A: b\r\nC: d"] }),
    /without line breaks/,
  ],
  "a Curl that is none": [
    () => new curl.CurlWebSocket(REFUSED, { curl: {} as curl.Curl }),
    /curl must be a Curl/,
  ],
  "a timeout that is no number": [
    () => new curl.CurlWebSocket(REFUSED, { closingTimeout: NaN }),
    /closingTimeout/,
  ],
};

for (const [what, [make, message]] of Object.entries(WRONG)) {
  Deno.test(`new CurlWebSocket() throws a TypeError for ${what}`, () => {
    const error = assertThrows(make, TypeError);
    assert(message.test(error.message), error.message);
  });
}

for (const closeCode of [0, 999, 1001, 1005, 2999, 5000, 1000.5, NaN]) {
  Deno.test(`CurlWebSocket.close() refuses the code ${closeCode}`, async () => {
    const ws = new curl.CurlWebSocket(REFUSED);
    assertThrows(() => ws.close({ closeCode }), RangeError);
    await ws.closed.catch(() => {});
  });
}

Deno.test("CurlWebSocket.close() refuses a reason of 124 bytes", async () => {
  const ws = new curl.CurlWebSocket(REFUSED);
  assertThrows(() => ws.close({ reason: "é".repeat(62) }), RangeError);
  await ws.closed.catch(() => {});
});

test(NETWORK, "a message that is none is refused", async () => {
  await using peer = await socketTo({});
  const { writable } = await peer.ws.opened;
  const write = writable.getWriter().write(5 as unknown as string);
  const error = await assertRejects(() => write, TypeError);
  assertStringIncludes(error.message, "not number");
});
