/**
 * The functions of a CurlMulti itself, and loops that are driven by them.
 *
 * @module
 */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertStrictEquals,
  assertThrows,
} from "./assert.ts";
import { assertCurlError, curlFor, FILE } from "./fixtures/checks.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { test } from "./permissions.ts";

/** A program's own loop over the sockets and the timer. */
class Loop implements Disposable {
  readonly multi = new curl.CurlMulti({ closeHandles: true });
  /** Socket → what is wanted of it. */
  readonly sockets = new Map<number, number>();
  readonly calls: string[] = [];
  #due: number | undefined;

  constructor() {
    this.multi.setopt(curl.M_SOCKETFUNCTION, (what: number, socket: number) => {
      this.calls.push(`socket ${what}`);
      if (what === curl.POLL_REMOVE) this.sockets.delete(socket);
      else this.sockets.set(socket, what);
    });
    this.multi.setopt(curl.M_TIMERFUNCTION, (milliseconds: number) => {
      this.calls.push("timer");
      this.#due = milliseconds < 0
        ? undefined
        : performance.now() + milliseconds;
    });
  }

  /** Until all transfers are over; the kernel is asked by `selectSync`. */
  run(): void {
    for (let running = 1; running > 0;) {
      if (this.#due !== undefined && this.#due <= performance.now()) {
        this.#due = undefined;
        [, running] = this.multi.socketAction(curl.SOCKET_TIMEOUT, 0);
        continue;
      }
      this.multi.selectSync(0.01);
      for (const socket of [...this.sockets.keys()]) {
        [, running] = this.multi.socketAction(socket, 0);
      }
    }
  }

  [Symbol.dispose](): void {
    this.multi.close();
  }
}

/** A Curl whose body goes nowhere. */
function quiet(url: string): curl.Curl {
  const c = curlFor(url);
  c.setopt(curl.WRITEFUNCTION, () => {});
  return c;
}

test(SERVER, "CurlMulti.socketAction() drives a loop of events", async () => {
  await using server = await startServer();
  using loop = new Loop();
  for (let i = 0; i < 10; i++) {
    loop.multi.addHandle(quiet(`${server.url}/bytes/${i * 10_000}`));
  }
  assert(loop.calls.includes("timer"));
  loop.run();
  assertEquals(loop.multi.infoRead()[1].length, 10);
  assert(loop.calls.some((call) => call.startsWith("socket")));
});

Deno.test("CurlMulti.socketAction(SOCKET_TIMEOUT) is enough for files", () => {
  using multi = new curl.CurlMulti({ closeHandles: true });
  multi.addHandle(quiet(FILE));
  assertEquals(multi.socketAction(curl.SOCKET_TIMEOUT, 0), [0, 0]);
  assertEquals(multi.infoRead()[1].length, 1);
});

Deno.test("CurlMulti.socketAction() refuses what is no whole number", () => {
  using multi = new curl.CurlMulti();
  for (const value of [0.5, NaN, 2 ** 40, "1" as unknown as number]) {
    assertThrows(() => multi.socketAction(value, 0), TypeError);
    assertThrows(() => multi.socketAction(0, value), TypeError);
  }
});

test(
  SERVER,
  "CurlMulti.assign() has SOCKETFUNCTION get an object until unassign()",
  async () => {
    await using server = await startServer();
    using multi = new curl.CurlMulti({ closeHandles: true });
    const seen: unknown[] = [];
    const data = {};
    multi.setopt(
      curl.M_SOCKETFUNCTION,
      (what: number, socket: number, self: curl.CurlMulti, given: unknown) => {
        assertStrictEquals(self, multi);
        seen.push(given);
        if (what === curl.POLL_REMOVE) return;
        if (given === null) multi.assign(socket, data);
        else multi.unassign(socket);
      },
    );
    multi.addHandle(quiet(`${server.url}/`));
    while (multi.socketAction(curl.SOCKET_TIMEOUT, 0)[1] > 0) {
      const [readable, writable] = multi.fdset();
      for (const socket of [...readable, ...writable]) {
        multi.socketAction(socket, 0);
      }
    }
    multi.close();
    assertStrictEquals(seen[0], null);
    assert(seen.includes(data));
  },
);

Deno.test("CurlMulti.assign() refuses a socket that libcurl does not know", () => {
  using multi = new curl.CurlMulti();
  const code = curl.E_MULTI_BAD_SOCKET;
  assertCurlError(() => multi.assign(0, {}), code, "assign failed");
  assertCurlError(() => multi.unassign(0), code, "unassign failed");
});

Deno.test("M_NOTIFYFUNCTION hears what was enabled", () => {
  using multi = new curl.CurlMulti({ closeHandles: true });
  const heard: [number, curl.Curl | null][] = [];
  multi.setopt(
    curl.M_NOTIFYFUNCTION,
    (notification: number, c: curl.Curl | null) => {
      heard.push([notification, c]);
    },
  );
  const c = quiet(FILE);
  multi.addHandle(c);
  multi.perform();
  assertEquals(heard, []);
  multi.removeHandle(c);
  multi.notifyEnable(curl.M_NOTIFY_EASY_DONE);
  multi.addHandle(c);
  multi.perform();
  assertEquals(heard.map(([what]) => what), [curl.M_NOTIFY_EASY_DONE]);
  assertStrictEquals(heard[0][1], c);
  multi.notifyDisable(curl.M_NOTIFY_EASY_DONE);
  multi.removeHandle(c);
  multi.addHandle(c);
  multi.perform();
  assertEquals(heard.length, 1);
});

Deno.test("CurlMulti.notifyEnable() refuses what is no notification", () => {
  using multi = new curl.CurlMulti();
  for (const method of ["notifyEnable", "notifyDisable"] as const) {
    assertThrows(
      () => multi[method](),
      TypeError,
      `${method} requires at least one notification`,
    );
    assertThrows(() => multi[method](0.5), TypeError);
    assertThrows(
      () => multi[method](-1),
      RangeError,
      `${method} notification value out of range`,
    );
    assertCurlError(
      () => multi[method](99),
      curl.E_MULTI_UNKNOWN_OPTION,
      `${method} failed`,
    );
  }
});

Deno.test("M_NOTIFYFUNCTION may read, remove and add handles, and set options", () => {
  using multi = new curl.CurlMulti({ closeHandles: true });
  let rounds = 0;
  multi.setopt(curl.M_NOTIFYFUNCTION, () => {
    const [, ok] = multi.infoRead();
    for (const c of ok) {
      assertEquals(c.getinfo(curl.RESPONSE_CODE), 0);
      multi.removeHandle(c);
      multi.setopt(curl.M_MAXCONNECTS, 3);
      if (++rounds < 5) multi.addHandle(c);
      else c.close();
    }
  });
  multi.notifyEnable(curl.M_NOTIFY_INFO_READ);
  multi.addHandle(quiet(FILE));
  while (multi.perform()[1] > 0 || rounds < 5);
  assertEquals(rounds, 5);
  assertEquals(multi.size, 0);
});

Deno.test("M_NOTIFYFUNCTION may be taken back inside itself", () => {
  using multi = new curl.CurlMulti({ closeHandles: true });
  let calls = 0;
  multi.setopt(curl.M_NOTIFYFUNCTION, () => {
    calls++;
    multi.setopt(curl.M_NOTIFYFUNCTION, null);
  });
  multi.notifyEnable(curl.M_NOTIFY_INFO_READ, curl.M_NOTIFY_EASY_DONE);
  for (let i = 0; i < 3; i++) multi.addHandle(quiet(FILE));
  multi.perform();
  assertEquals(calls, 1);
  assertEquals(multi.infoRead()[1].length, 3);
});

Deno.test("M_NOTIFYFUNCTION may not perform or close", () => {
  using multi = new curl.CurlMulti({ closeHandles: true });
  const texts: string[] = [];
  multi.setopt(curl.M_NOTIFYFUNCTION, () => {
    for (
      const act of [
        () => multi.perform(),
        () => multi.socketAction(curl.SOCKET_TIMEOUT, 0),
        () => multi.close(),
      ]
    ) texts.push(assertThrows(act, curl.CurlError).message);
  });
  multi.notifyEnable(curl.M_NOTIFY_EASY_DONE);
  multi.addHandle(quiet(FILE));
  multi.perform();
  assertEquals(
    texts,
    ["perform", "socketAction", "close"].map((method) =>
      `cannot invoke ${method}() - multi_perform() is currently running`
    ),
  );
});

for (
  const [name, option] of [
    ["M_TIMERFUNCTION", curl.M_TIMERFUNCTION],
    ["M_SOCKETFUNCTION", curl.M_SOCKETFUNCTION],
  ] as const
) {
  test(
    SERVER,
    `${name} that throws has the call throw, and ends the transfers`,
    async () => {
      await using server = await startServer();
      using multi = new curl.CurlMulti({ closeHandles: true });
      const thrown = new Error("no");
      multi.addHandle(quiet(`${server.url}/`));
      multi.setopt(option, () => {
        throw thrown;
      });
      const act = () => {
        while (multi.socketAction(curl.SOCKET_TIMEOUT, 0)[1] > 0);
      };
      const code = curl.E_MULTI_ABORTED_BY_CALLBACK;
      assertStrictEquals(assertCurlError(act, code).cause, thrown);
    },
  );
}

Deno.test("M_NOTIFYFUNCTION that throws has the call throw, which is done", () => {
  using multi = new curl.CurlMulti({ closeHandles: true });
  const thrown = new Error("no");
  multi.setopt(curl.M_NOTIFYFUNCTION, () => {
    throw thrown;
  });
  multi.notifyEnable(curl.M_NOTIFY_INFO_READ);
  multi.addHandle(quiet(FILE));
  const code = curl.E_MULTI_ABORTED_BY_CALLBACK;
  const error = assertCurlError(() => multi.perform(), code);
  assertStrictEquals(error.cause, thrown);
  assertEquals(multi.infoRead()[1].length, 1);
  multi.perform();
});

Deno.test("what M_NOTIFYFUNCTION throws is no failure of what it calls next", () => {
  using multi = new curl.CurlMulti({ closeHandles: true });
  const [first, second] = [quiet(FILE), quiet(FILE)];
  const thrown = new Error("no");
  const inside: unknown[] = [];
  let calls = 0;
  multi.setopt(curl.M_NOTIFYFUNCTION, () => {
    if (calls++ === 0) throw thrown;
    try {
      second.pause(curl.PAUSE_CONT);
      inside.push(undefined);
    } catch (error) {
      inside.push((error as Error).cause);
    }
  });
  multi.notifyEnable(curl.M_NOTIFY_INFO_READ);
  multi.notifyEnable(curl.M_NOTIFY_EASY_DONE);
  multi.addHandle(first);
  multi.addHandle(second);
  const code = curl.E_MULTI_ABORTED_BY_CALLBACK;
  const error = assertCurlError(() => multi.perform(), code);
  assertStrictEquals(error.cause, thrown);
  assert(inside.length > 0);
  assert(inside.every((cause) => cause === undefined));
});

Deno.test("a function that returns nonsense has the call say so", () => {
  using multi = new curl.CurlMulti({ closeHandles: true });
  multi.setopt(
    curl.M_TIMERFUNCTION,
    (() => "soon") as unknown as curl.MultiTimerCallback,
  );
  const c = quiet(FILE);
  const error = assertThrows(() => multi.addHandle(c), curl.CurlError);
  assertEquals(
    (error.cause as Error).message,
    "M_TIMERFUNCTION must return a whole number or nothing, but returned string",
  );
  c.close();
});

test(
  SERVER,
  "Curl.unpause() asks the functions of its multi handle",
  async () => {
    await using server = await startServer();
    using loop = new Loop();
    const c = curlFor(`${server.url}/bytes/50000`);
    let bytes = 0;
    c.setopt(curl.WRITEFUNCTION, (data) => {
      if (bytes === 0) {
        bytes = 1;
        return curl.WRITEFUNC_PAUSE;
      }
      bytes += data.length;
    });
    loop.multi.addHandle(c);
    while (bytes === 0) {
      loop.multi.socketAction(curl.SOCKET_TIMEOUT, 0);
      for (const socket of [...loop.sockets.keys()]) {
        loop.multi.socketAction(socket, 0);
      }
    }
    const before = loop.calls.length;
    c.unpause();
    assertGreater(loop.calls.length, before);
    loop.run();
    assertEquals(bytes, 50_001);
  },
);
