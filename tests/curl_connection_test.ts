/**
 * Raw bytes and WebSocket frames on the connection that a Curl keeps, and
 * frames that its WRITEFUNCTION sends.
 *
 * @module
 */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "./assert.ts";
import {
  closing,
  frame,
  type FrameScript,
  joined,
  startFrameServer,
} from "./fixtures/frame_server.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { watchdog } from "./fixtures/watchdog.ts";
import { Gate, startWorker, WORKERS } from "./fixtures/workers.ts";
import { test } from "./permissions.ts";
import {
  assertRefused,
  attachedTo,
  curlTo,
  during,
  refusal,
  shareOf,
  startPeer,
} from "./workers/peers.ts";
import { startWebSocketServer } from "./workers/websocket_server.ts";

const NETWORK = [SERVER, WORKERS];
/** This file: native code reads it without a permission of Deno's. */
const FILE = import.meta.url;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const bytes = (text: string) => encoder.encode(text);

/** The code that libcurl fails with. */
function codeOf(act: () => unknown): number | undefined {
  return assertThrows(act, curl.CurlError).code;
}

/** Tries again as long as nothing has come. */
async function ready<T>(act: () => T): Promise<T> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    try {
      return act();
    } catch (error) {
      const isEarly = error instanceof curl.CurlError &&
        error.code === curl.E_AGAIN;
      if (!isEarly || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

/** Connects, and leaves the rest to the program. */
function connect(url: string, how = 1): curl.Curl {
  const c = curlTo(url);
  c.setopt(curl.CONNECT_ONLY, how);
  c.performSync();
  return c;
}

const REQUEST = bytes(
  "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
);

test(NETWORK, "send() and recv() speak HTTP by hand", async () => {
  await using server = await startServer();
  using c = connect(server.url);
  assertEquals(await ready(() => c.send(REQUEST)), REQUEST.length);
  let answer = "";
  for (;;) {
    const piece = await ready(() => c.recv(1000));
    assert(piece.length <= 1000);
    if (piece.length === 0) break;
    answer += decoder.decode(piece);
  }
  assert(answer.startsWith("HTTP/1.1 200 OK\r\n"), answer);
});

test(NETWORK, "recvInto() fills a part of a buffer", async () => {
  await using server = await startServer();
  using c = connect(server.url);
  await ready(() => c.send(REQUEST));
  const whole = new Uint8Array(20).fill(1);
  assertEquals(await ready(() => c.recvInto(whole.subarray(5, 15), 4)), 4);
  assertEquals(decoder.decode(whole.subarray(5, 9)), "HTTP");
  assertEquals([...whole.subarray(0, 5)], [1, 1, 1, 1, 1]);
  assertEquals([...whole.subarray(9, 11)], [1, 1]);
  assertEquals(c.recvInto(whole), 20);
  assertEquals(decoder.decode(whole).slice(0, 5), "/1.1 ");
});

for (const shared of [true, false]) {
  test(
    NETWORK,
    `recvInto() fills a ${shared ? "shared" : "resizable"} buffer`,
    async () => {
      await using server = await startServer();
      using c = connect(server.url);
      const buffer = shared
        ? new SharedArrayBuffer(4)
        : new ArrayBuffer(4, { maxByteLength: 8 });
      const data = new Uint8Array(buffer);
      data.set(bytes("GET "));
      assertEquals(await ready(() => c.send(data)), 4);
      await ready(() => c.send(REQUEST.subarray(4)));
      assertEquals(await ready(() => c.recvInto(data)), 4);
      assertEquals([...data], [...bytes("HTTP")]);
    },
  );
}

test(NETWORK, "recv() throws E_AGAIN when nothing has come", async () => {
  await using server = await startServer();
  using c = connect(server.url);
  for (
    const act of [() => c.recv(16), () => c.recvInto(new Uint8Array(16))]
  ) {
    const error = assertThrows(act, curl.CurlError);
    assertEquals(error.code, curl.E_AGAIN);
    assertEquals(error.message, curl.easyStrerror(curl.E_AGAIN));
  }
});

for (const shared of [false, true]) {
  const where = shared ? "on a share of cookies" : "without a share";
  test(
    NETWORK,
    `performBytes() closes the connection that recv() was about, ${where}`,
    async () => {
      await using server = await startServer();
      using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const accepted = listener.accept();
      await using share = new curl.CurlShare();
      share.share(curl.LOCK_DATA_COOKIE);
      using c = curlTo(`http://127.0.0.1:${listener.addr.port}/`);
      if (shared) c.setopt(curl.SHARE, share);
      c.setopt(curl.CONNECT_ONLY, 1);
      c.performSync();
      using connection = await accepted;
      assertEquals(codeOf(() => c.recv(16)), curl.E_AGAIN);
      c.reset();
      c.setopt(curl.URL, `${server.url}/bytes/10`);
      assertEquals((await c.performBytes()).length, 10);
      const late = Promise.withResolvers<string>();
      const timer = setTimeout(() => late.resolve("still open"), 10_000);
      const ended = connection.read(new Uint8Array(1));
      assertEquals(await Promise.race([ended, late.promise]), null);
      clearTimeout(timer);
    },
  );
}

test(NETWORK, "send() throws E_AGAIN when the peer does not read", () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using c = connect(`http://127.0.0.1:${listener.addr.port}`);
  const piece = new Uint8Array(1 << 20);
  const fill = () => {
    for (let i = 0; i < 1000; i++) c.send(piece);
  };
  assertEquals(codeOf(fill), curl.E_AGAIN);
  listener.close();
});

for (
  const [word, act] of Object.entries<(c: curl.Curl) => unknown>({
    send: (c) => c.send(bytes("x")),
    recv: (c) => c.recv(1),
    recvInto: (c) => c.recvInto(new Uint8Array(1)),
    wsSend: (c) => c.wsSend("x"),
    wsRecv: (c) => c.wsRecv(1),
    wsRecvInto: (c) => c.wsRecvInto(new Uint8Array(1)),
    wsClose: (c) => c.wsClose(),
  })
) {
  const isFrame = word === "wsSend" || word === "wsClose";
  const running = `cannot invoke ${word}() - perform() is currently running` +
    (isFrame ? " outside WRITEFUNCTION callback" : "");

  Deno.test(`${word}() fails without a connection of its own`, () => {
    using c = new curl.Curl();
    const error = assertThrows(() => act(c), curl.CurlError);
    assertEquals(
      error.code,
      isFrame ? curl.E_SEND_ERROR : curl.E_UNSUPPORTED_PROTOCOL,
    );
  });

  Deno.test(`${word}() is refused when the Curl is closed`, () => {
    const c = new curl.Curl();
    c.close();
    assertRefused(() => act(c), `cannot invoke ${word}() - no curl handle`);
  });

  Deno.test(`${word}() is refused while a transfer is running`, async () => {
    using c = curlTo(FILE);
    const done = c.performText();
    assertRefused(() => act(c), running);
    await done;
  });

  if (!isFrame) {
    Deno.test(`${word}() is refused in a callback of its own`, () => {
      using c = curlTo(FILE);
      during(c, () => assertRefused(() => act(c), running));
    });
  }

  Deno.test(`${word}() is refused in another callback than WRITEFUNCTION`, () => {
    using c = curlTo(FILE);
    let text = "";
    c.setopt(curl.HEADERFUNCTION, () => {
      text ||= refusal(() => act(c));
    });
    c.setopt(curl.WRITEFUNCTION, () => {});
    c.performSync();
    assertEquals(text, running);
  });

  test(
    WORKERS,
    `${word}() is refused while a transfer runs in another Worker`,
    async () => {
      await using peer = await startPeer();
      using c = curlTo(FILE);
      const [entered, released] = [new Gate(), new Gate()];
      const done = peer.call(
        "performHeld",
        c.handle,
        entered.buffer,
        released.buffer,
      );
      await entered.wait();
      assertRefused(() => act(c), running);
      released.open();
      await done;
    },
  );
}

Deno.test("wsMeta() is refused when the Curl is closed", () => {
  const c = new curl.Curl();
  c.close();
  assertRefused(() => c.wsMeta(), "cannot invoke wsMeta() - no curl handle");
});

Deno.test("recv() and recvInto() without room ask nobody", () => {
  using c = new curl.Curl();
  assertEquals(c.recv(0), new Uint8Array());
  assertEquals(c.recvInto(new Uint8Array(0)), 0);
});

type Wrong = [
  (c: curl.Curl) => unknown,
  typeof RangeError | typeof TypeError,
  string,
];

const CONTROL = "wsSend: control frames cannot be fragmented " +
  "(WS_CONT forbidden with WS_PING/WS_PONG/WS_CLOSE)";
const ONE = "wsSend: only one of WS_PING / WS_PONG / WS_CLOSE may be set";
const CODE = "wsClose: code must be a valid wire close status code";
const { WS_BINARY, WS_CLOSE, WS_CONT, WS_PING, WS_PONG, WS_TEXT } = curl;
const x = bytes("x");
// deno-lint-ignore no-explicit-any
const any = (value: unknown) => value as any;

const WRONG: Record<string, Wrong> = {
  "send of a string": [
    (c) => c.send(any("x")),
    TypeError,
    "send: data must be a Uint8Array, not string",
  ],
  "recv of -1": [
    (c) => c.recv(-1),
    RangeError,
    "negative buffersize in recv",
  ],
  "recv of 1.5": [
    (c) => c.recv(1.5),
    TypeError,
    "recv: the number of bytes must be whole, not 1.5",
  ],
  "recvInto of no buffer": [
    (c) => c.recvInto(any([])),
    TypeError,
    "recvInto: buffer must be a Uint8Array, not object",
  ],
  "recvInto of -1": [
    (c) => c.recvInto(new Uint8Array(8), -1),
    RangeError,
    "negative buffersize in recvInto",
  ],
  "recvInto of more than fit": [
    (c) => c.recvInto(new Uint8Array(8), 9),
    RangeError,
    "buffer too small for requested bytes",
  ],
  "wsRecv of -1": [
    (c) => c.wsRecv(-1),
    RangeError,
    "negative buffersize in wsRecv",
  ],
  "wsRecvInto of -1": [
    (c) => c.wsRecvInto(new Uint8Array(8), -1),
    RangeError,
    "negative buffersize in wsRecvInto",
  ],
  "wsRecvInto of more than fit": [
    (c) => c.wsRecvInto(new Uint8Array(8), 9),
    RangeError,
    "buffer too small for requested bytes",
  ],
  "wsSend of null": [
    (c) => c.wsSend(any(null)),
    TypeError,
    "wsSend: data must be a string or a Uint8Array, not null",
  ],
  "wsSend of a number": [
    (c) => c.wsSend(any(5)),
    TypeError,
    "wsSend: data must be a string or a Uint8Array, not number",
  ],
  "wsSend of a lone surrogate": [
    (c) => c.wsSend("\ud800"),
    TypeError,
    "wsSend: the string holds a lone surrogate, which has no UTF-8",
  ],
  "wsSend of negative flags": [
    (c) => c.wsSend(x, -1),
    RangeError,
    "flags must be non-negative",
  ],
  "wsSend of too many flags": [
    (c) => c.wsSend(x, 2 ** 40),
    RangeError,
    "flags out of range for wsSend",
  ],
  "wsSend of no flags": [
    (c) => c.wsSend(x, NaN),
    TypeError,
    "flags must be a sum of WS_*, not NaN",
  ],
  "wsSend of a negative fragsize": [
    (c) => c.wsSend(x, WS_BINARY, -1),
    RangeError,
    "negative fragsize in wsSend",
  ],
  "wsSend of text and binary": [
    (c) => c.wsSend(x, WS_TEXT | WS_BINARY),
    RangeError,
    "wsSend: cannot set both WS_TEXT and WS_BINARY",
  ],
  "wsSend of a string as binary": [
    (c) => c.wsSend("x", WS_BINARY),
    TypeError,
    "wsSend: a string is incompatible with WS_BINARY; " +
    "pass a Uint8Array for binary frames",
  ],
  "wsSend of a string as Close": [
    (c) => c.wsSend("x", WS_CLOSE),
    TypeError,
    "wsSend: a string is incompatible with WS_CLOSE; " +
    "use wsClose() or pass a Uint8Array",
  ],
  "wsSend of a fragmented ping": [
    (c) => c.wsSend(x, WS_PING | WS_CONT),
    RangeError,
    CONTROL,
  ],
  "wsSend of a fragmented pong": [
    (c) => c.wsSend(x, WS_PONG | WS_CONT),
    RangeError,
    CONTROL,
  ],
  "wsSend of a fragmented Close": [
    (c) => c.wsSend(x, WS_CLOSE | WS_CONT),
    RangeError,
    CONTROL,
  ],
  "wsSend of ping and pong": [
    (c) => c.wsSend(x, WS_PING | WS_PONG),
    RangeError,
    ONE,
  ],
  "wsSend of all control frames": [
    (c) => c.wsSend(x, WS_PING | WS_PONG | WS_CLOSE),
    RangeError,
    ONE,
  ],
  "wsClose of a reason alone": [
    (c) => c.wsClose(undefined, "nope"),
    RangeError,
    "wsClose: reason requires code (RFC 6455 §5.5.1)",
  ],
  "wsClose of 126 bytes": [
    (c) => c.wsClose(1000, new Uint8Array(124)),
    RangeError,
    "wsClose: payload too large (126 bytes, max 125 including " +
    "2-byte status code)",
  ],
  "wsClose of what is no UTF-8": [
    (c) => c.wsClose(1000, new Uint8Array([0xff])),
    TypeError,
    "wsClose: reason must be UTF-8",
  ],
  "wsClose of a lone surrogate": [
    (c) => c.wsClose(1000, "\ud800"),
    TypeError,
    "wsClose: reason holds a lone surrogate, which has no UTF-8",
  ],
  "wsClose of a code in words": [
    (c) => c.wsClose(any("1000")),
    TypeError,
    "wsClose: code must be a number, not string",
  ],
  ...Object.fromEntries(
    [0, 999, 1004, 1005, 1006, 1015, 2000, 5000, -1, 1000.5].map((
      code,
    ): [string, Wrong] => [
      `wsClose of the code ${code}`,
      [(c) => c.wsClose(code), RangeError, CODE],
    ]),
  ),
};

for (const [what, [act, kind, message]] of Object.entries(WRONG)) {
  Deno.test(`arguments: ${what} throws a ${kind.name}`, () => {
    using c = new curl.Curl();
    const error = assertThrows(() => act(c), kind);
    assertEquals(error.message, message);
  });
}

/** A detached WebSocket to a server that does this. */
async function detachedTo(script: FrameScript, options?: number) {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startFrameServer());
  const url = await server.url(script);
  const c = stack.use(curlTo(url));
  c.setopt(curl.CONNECT_ONLY, 2);
  if (options !== undefined) c.setopt(curl.WS_OPTIONS, options);
  c.performSync();
  const all = stack.move();
  return {
    c,
    log: (count: number) => server.frames(url, count),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

const SENT: Record<
  string,
  [
    send: (c: curl.Curl) => number,
    count: number,
    opcode: number,
    payload: Uint8Array,
  ]
> = {
  "a string as text": [(c) => c.wsSend("héllo"), 6, 1, bytes("héllo")],
  "bytes as binary": [(c) => c.wsSend(x), 1, 2, x],
  "bytes as text": [(c) => c.wsSend(x, WS_TEXT), 1, 1, x],
  "nothing": [(c) => c.wsSend(new Uint8Array()), 0, 2, bytes("")],
  "a ping": [(c) => c.wsSend("x", WS_PING), 1, 9, x],
  "a pong": [(c) => c.wsSend(x, WS_PONG), 1, 10, x],
  "a whole frame by its size": [
    (c) => c.wsSend(x, WS_BINARY | curl.WS_OFFSET, 1),
    1,
    2,
    x,
  ],
  "a Close without a code": [(c) => c.wsClose(), 0, 8, bytes("")],
  "a Close with a code": [(c) => c.wsClose(1000), 2, 8, closing(1000)],
};

for (const [what, [act, count, opcode, payload]] of Object.entries(SENT)) {
  test(NETWORK, `detached, the server gets ${what}`, async () => {
    await using peer = await detachedTo({ then: "hold" });
    assertEquals(act(peer.c), count);
    const { frames: [frame] } = await peer.log(1);
    assertEquals(frame.opcode, opcode);
    assert(frame.masked && frame.fin);
    assertEquals(frame.payload, payload);
  });
}

test(NETWORK, "detached, wsClose() sends code and reason", async () => {
  await using peer = await detachedTo({ then: "hold" });
  assertEquals(peer.c.wsClose(1011, bytes("y".repeat(123))), 125);
  const { frames: [frame] } = await peer.log(1);
  assertEquals(frame.payload, closing(1011, "y".repeat(123)));
});

test(NETWORK, "detached, a frame can be sent in fragments", async () => {
  await using peer = await detachedTo({ then: "hold" });
  peer.c.wsSend("hel", WS_TEXT | WS_CONT);
  peer.c.wsSend("lo", WS_TEXT);
  const { frames } = await peer.log(2);
  assertEquals(frames.map(({ opcode, fin }) => [opcode, fin]), [
    [1, false],
    [0, true],
  ]);
});

test(NETWORK, "detached, wsRecv() gives frames in parts", async () => {
  await using peer = await detachedTo({ send: frame(2, bytes("abcdef")) });
  const [head, first] = await ready(() => peer.c.wsRecv(4));
  assertEquals(decoder.decode(head), "abcd");
  assertEquals(first, {
    age: 0,
    flags: WS_BINARY,
    offset: 0,
    bytesleft: 2,
    len: 4,
  });
  const [tail, second] = await ready(() => peer.c.wsRecv(4));
  assertEquals(decoder.decode(tail), "ef");
  assertEquals(second, {
    age: 0,
    flags: WS_BINARY,
    offset: 4,
    bytesleft: 0,
    len: 2,
  });
  assertEquals(codeOf(() => peer.c.wsRecv(4)), curl.E_AGAIN);
});

test(NETWORK, "detached, wsRecv(0) tells what frame has come", async () => {
  await using peer = await detachedTo({ send: frame(1, "hello") });
  const [nothing, meta] = await ready(() => peer.c.wsRecv(0));
  assertEquals(nothing.length, 0);
  assertEquals(meta?.flags, WS_TEXT);
  const [count, again] = peer.c.wsRecvInto(new Uint8Array(0));
  assertEquals([count, again?.flags], [0, WS_TEXT]);
  const [data] = peer.c.wsRecv(100);
  assertEquals(decoder.decode(data), "hello");
});

test(NETWORK, "detached, wsRecvInto() fills a part of a buffer", async () => {
  await using peer = await detachedTo({ send: frame(2, bytes("abcdef")) });
  const whole = new Uint8Array(16);
  const view = whole.subarray(4, 12);
  const [count, meta] = await ready(() => peer.c.wsRecvInto(view, 3));
  assertEquals([count, meta?.bytesleft], [3, 3]);
  assertEquals(decoder.decode(whole.subarray(4, 7)), "abc");
  assertEquals(whole[7], 0);
});

test(NETWORK, "detached, fragments come with WS_CONT", async () => {
  const send = joined(frame(1, "hel", { fin: false }), frame(0, "lo"));
  await using peer = await detachedTo({ send });
  const [, first] = await ready(() => peer.c.wsRecv(10));
  assertEquals(first?.flags, WS_TEXT | WS_CONT);
  const [, second] = await ready(() => peer.c.wsRecv(10));
  assertEquals(second?.flags, WS_TEXT);
});

test(NETWORK, "detached, a Close frame is for the program", async () => {
  await using peer = await detachedTo({ send: frame(8, closing(1001, "bye")) });
  const [data, meta] = await ready(() => peer.c.wsRecv(125));
  assertEquals(data, closing(1001, "bye"));
  assertEquals(meta?.flags, WS_CLOSE);
});

test(NETWORK, "detached, a connection that has ended is told", async () => {
  await using peer = await detachedTo({ then: "drop" });
  const error = await ready(() => peer.c.wsRecv(1)).catch((error) => error);
  assertInstanceOf(error, curl.CurlError);
  assertEquals(error.code, curl.E_GOT_NOTHING);
});

test(NETWORK, "detached, frames that break the rules are told", async () => {
  await using peer = await detachedTo({ send: frame(1, "", { rsv: 4 }) });
  const error = await ready(() => peer.c.wsRecv(1)).catch((error) => error);
  assertInstanceOf(error, curl.CurlError);
  assertEquals(error.code, curl.E_RECV_ERROR);
});

test(NETWORK, "detached, a ping is answered with the next send", async () => {
  await using peer = await detachedTo({
    send: joined(frame(9, "?"), frame(1, "text")),
    then: "hold",
  });
  const [data] = await ready(() => peer.c.wsRecv(10));
  assertEquals(decoder.decode(data), "text");
  peer.c.wsSend("then");
  const { frames } = await peer.log(2);
  assertEquals(frames.map(({ opcode }) => opcode), [10, 1]);
});

test(
  NETWORK,
  "detached, WS_NOAUTOPONG leaves pings to the program",
  async () => {
    const script: FrameScript = { send: frame(9, "?"), then: "hold" };
    await using peer = await detachedTo(script, curl.WS_NOAUTOPONG);
    const [data, meta] = await ready(() => peer.c.wsRecv(10));
    assertEquals([decoder.decode(data), meta?.flags], ["?", WS_PING]);
  },
);

test(NETWORK, "detached, wsMeta() is null", async () => {
  await using peer = await detachedTo({ send: frame(1, "x") });
  assertStrictEquals(peer.c.wsMeta(), null);
});

test(NETWORK, "detached, frames go over a share of connections", async () => {
  await using server = await startWebSocketServer();
  using share = shareOf(curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_CONNECT);
  using c = attachedTo(share, `${server.url}/echo`);
  c.setopt(curl.CONNECT_ONLY, 2);
  c.performSync();
  await using site = await startServer();
  using other = attachedTo(share, site.url);
  for (let i = 0; i < 20; i++) {
    const done = other.performBytes();
    c.wsSend(`${i}`);
    const [data] = await ready(() => c.wsRecv(10));
    assertEquals(decoder.decode(data), `${i}`);
    await done;
  }
});

test(NETWORK, "wsSend() beside wsRecv() of another Worker", async () => {
  await using server = await startWebSocketServer();
  await using _ = await watchdog("sending beside receiving", 60);
  using c = connect(`${server.url}/echo`, 2);
  await using worker = await startWorker<
    typeof import("./workers/frame_receiver.ts")
  >(new URL("./workers/frame_receiver.ts", import.meta.url));
  const rounds = 500;
  const received = worker.call("receive", c.handle, rounds);
  for (let i = 0; i < rounds; i++) {
    let left = new Uint8Array(1000).fill(i);
    while (left.length > 0) {
      const count = await ready(() => c.wsSend(left));
      left = left.subarray(count);
    }
  }
  assertEquals(await received, rounds * 1000);
});

/** What is done with a piece, for each way to perform. */
const WAYS: Record<string, (c: curl.Curl) => unknown> = {
  performSync: (c) => c.performSync(),
  perform: (c) => c.perform(),
};

for (const [way, perform] of Object.entries(WAYS)) {
  for (const shared of [false, true]) {
    const how = `${way}() ${shared ? "on a share of cookies" : "by itself"}`;

    test(NETWORK, `wsMeta() tells the frame in ${how}`, async () => {
      await using server = await startFrameServer();
      const c = curlTo(
        await server.url({
          send: joined(
            frame(1, "hel", { fin: false }),
            frame(9, "ping"),
            frame(0, "lo"),
            frame(2, x),
            frame(8, closing(1000)),
          ),
          then: "drop",
        }),
      );
      using _c = c;
      using share = shareOf(curl.LOCK_DATA_COOKIE);
      if (shared) c.setopt(curl.SHARE, share);
      const seen: [string, number | undefined][] = [];
      c.setopt(curl.WRITEFUNCTION, (data) => {
        seen.push([decoder.decode(data), c.wsMeta()?.flags]);
      });
      await perform(c);
      assertEquals(seen, [
        ["hel", WS_TEXT | WS_CONT],
        ["lo", WS_TEXT],
        ["x", WS_BINARY],
        [decoder.decode(closing(1000)), WS_CLOSE],
      ]);
      assertStrictEquals(c.wsMeta(), null);
    });

    test(NETWORK, `WRITEFUNCTION answers by frames in ${how}`, async () => {
      await using server = await startFrameServer();
      const url = await server.url({ send: frame(1, "hi") });
      using c = curlTo(url);
      using share = shareOf(curl.LOCK_DATA_COOKIE);
      if (shared) c.setopt(curl.SHARE, share);
      const sent: number[] = [];
      c.setopt(curl.WRITEFUNCTION, () => {
        if (c.wsMeta()?.flags !== WS_TEXT) return;
        sent.push(c.wsSend(bytes("ack")), c.wsClose(1000));
      });
      await perform(c);
      assertEquals(sent, [3, 2]);
      const { frames } = await server.ended(url);
      assertEquals(frames.map(({ opcode }) => opcode), [2, 8]);
    });
  }
}

test(NETWORK, "wsSend() and wsMeta() work behind an await", async () => {
  await using server = await startFrameServer();
  const url = await server.url({ send: frame(1, "hi") });
  using c = curlTo(url);
  c.setopt(curl.WRITEFUNCTION, async () => {
    if (c.wsMeta()?.flags !== WS_TEXT) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
    assertEquals(c.wsMeta()?.flags, WS_TEXT);
    c.wsSend("ack");
    c.wsClose(1000);
  });
  await c.perform();
  const { frames } = await server.ended(url);
  assertEquals(frames.map(({ opcode }) => opcode), [1, 8]);
});

test(NETWORK, "wsRecv() is refused inside WRITEFUNCTION", async () => {
  await using server = await startFrameServer();
  using c = curlTo(await server.url({ send: frame(1, "hi"), then: "drop" }));
  let text = "";
  c.setopt(curl.WRITEFUNCTION, () => {
    text = refusal(() => c.wsRecv(10));
  });
  c.performSync();
  assertEquals(
    text,
    "cannot invoke wsRecv() - perform() is currently running",
  );
});

test(NETWORK, "WS_RAW_MODE gives what is on the wire", async () => {
  await using server = await startFrameServer();
  const send = joined(frame(1, "hello"), frame(8, closing(1000)));
  using c = curlTo(await server.url({ send, then: "drop" }));
  c.setopt(curl.WS_OPTIONS, curl.WS_RAW_MODE);
  const pieces: Uint8Array[] = [];
  c.setopt(curl.WRITEFUNCTION, (data) => {
    pieces.push(data.slice());
    assertStrictEquals(c.wsMeta(), null);
  });
  c.performSync();
  assertEquals(joined(...pieces), send);
});

test(NETWORK, "wsMeta() is null in an HTTP transfer", async () => {
  await using server = await startServer();
  using c = curlTo(server.url);
  const seen: unknown[] = [];
  c.setopt(curl.WRITEFUNCTION, () => {
    seen.push(c.wsMeta());
  });
  c.performSync();
  assertEquals(seen, [null]);
});
