import * as curl from "../mod.ts";
import { optionName, SLOT_OPTION } from "../src/tables/kinds.ts";
import {
  assert,
  assertEquals,
  assertFalse,
  assertGreater,
  assertMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "./assert.ts";
import { Gate, startWorker, WorkerError, WORKERS } from "./fixtures/workers.ts";
import { test } from "./permissions.ts";
import {
  assertRefused,
  attachedTo,
  curlTo,
  isAlive,
  refusal,
  shareOf,
  startPeer,
  stateOf,
  until,
} from "./workers/peers.ts";

type Races = typeof import("./workers/races.ts");

const RACES = new URL("./workers/races.ts", import.meta.url);

/** This file: native code reads it without a permission of Deno's. */
const FILE = import.meta.url;

const CLASSES = { Curl: curl.Curl, CurlShare: curl.CurlShare };

for (const [name, Class] of Object.entries(CLASSES)) {
  Deno.test(`${name}.handle is a whole number that can be posted`, () => {
    using object = new Class();
    assert(Number.isSafeInteger(object.handle));
    assertEquals(structuredClone(object.handle), object.handle);
  });

  Deno.test(`${name}.handle is never used again`, () => {
    const seen = new Set<number>();
    for (let i = 0; i < 100; i++) {
      using object = new Class();
      assertFalse(seen.has(object.handle));
      seen.add(object.handle);
    }
  });

  Deno.test(`${name}.fromHandle() gives the object itself where it was made`, () => {
    using object = new Class();
    assertStrictEquals(Class.fromHandle(object.handle) as unknown, object);
  });

  Deno.test(`${name}.fromHandle() throws when the object was closed here`, () => {
    const object = new Class();
    object.close();
    assertRefused(
      () => Class.fromHandle(object.handle),
      `no ${name} object has the handle ${object.handle}: it was closed, or ` +
        "nobody holds it any more",
    );
  });

  for (
    const handle of [0, -1, 1.5, NaN, Infinity, 2 ** 53, 2 ** 60, 999_999_999]
  ) {
    Deno.test(`${name}.fromHandle() throws when given the invented number ${handle}`, () => {
      assertStringIncludes(
        refusal(() => Class.fromHandle(handle)),
        `no ${name} object has the handle ${handle}`,
      );
    });
  }

  for (
    const handle of ["1", null, undefined, 1n, {}, [1], new Number(1), true]
  ) {
    Deno.test(`${name}.fromHandle() throws a TypeError when given ${Deno.inspect(handle)}`, () => {
      assertThrows(
        () => Class.fromHandle(handle as unknown as number),
        TypeError,
        `${name}.fromHandle() takes a number, not ${typeof handle}`,
      );
    });
  }
}

Deno.test("Curl.fromHandle() throws when given a share's handle", () => {
  using share = new curl.CurlShare();
  assertMatch(
    refusal(() => curl.Curl.fromHandle(share.handle)),
    new RegExp(`^no Curl object has the handle ${share.handle}\\b`),
  );
  assertFalse(share.closed);
});

Deno.test("CurlShare.fromHandle() throws when given a Curl's handle", () => {
  using c = new curl.Curl();
  assertMatch(
    refusal(() => curl.CurlShare.fromHandle(c.handle)),
    new RegExp(`^no CurlShare object has the handle ${c.handle}\\b`),
  );
  assertFalse(c.closed);
});

test(
  WORKERS,
  "Curl.fromHandle() gives a Curl that works in another Worker",
  async () => {
    using c = curlTo(FILE);
    await using peer = await startPeer();
    const there = await peer.call("onCurl", c.handle, "performTextSync");
    assertEquals(there, c.performTextSync());
    await peer.call("onCurl", c.handle, "setopt", curl.NOBODY, true);
    assertEquals(c.performTextSync(), "");
  },
);

test(
  WORKERS,
  "Curl.fromHandle() gives one object to each Worker, however often it asks",
  async () => {
    await using peer = await startPeer();
    const handle = await peer.call("makeCurl", FILE);
    const c = curl.Curl.fromHandle(handle);
    assertStrictEquals(curl.Curl.fromHandle(handle), c);
    assertEquals(c.handle, handle);
    assertGreater(c.performBytesSync().length, 0);
  },
);

test(
  WORKERS,
  "CurlShare.fromHandle() gives a share that works in another Worker",
  async () => {
    using share = new curl.CurlShare({ detachOnClose: false });
    share.share(curl.LOCK_DATA_COOKIE);
    await using peer = await startPeer();
    const there = await peer.call("makeCurl", FILE);
    await peer.call("onCurl", there, "setopt", curl.SHARE, {
      share: share.handle,
    });
    assertEquals(share.attached, 1);
    assertEquals(await peer.call("onShare", share.handle, "attached"), 1);
    assertFalse(await peer.call("onShare", share.handle, "detachOnClose"));
    assertEquals(await peer.call("onCurl", there, "share"), share.handle);

    const cookie = "Set-Cookie: a=b; domain=a.example";
    await peer.call("onCurl", there, "setopt", curl.COOKIELIST, cookie);
    using c = attachedTo(share, FILE);
    assertEquals(c.getinfo(curl.INFO_COOKIELIST).length, 1);

    await peer.call("onCurl", there, "close");
    assertEquals(share.attached, 1);
    c.close();
  },
);

test(
  WORKERS,
  "Curl.share() gives a share that another Worker has made",
  async () => {
    await using peer = await startPeer();
    const handle = await peer.call("makeShare", curl.LOCK_DATA_DNS);
    using c = curlTo(FILE);
    await peer.call("onCurl", c.handle, "setopt", curl.SHARE, {
      share: handle,
    });
    const share = c.share();
    assertEquals(share?.handle, handle);
    assertStrictEquals(c.share(), share);
    assertStrictEquals(curl.CurlShare.fromHandle(handle), share);
    share?.close();
    assert(await peer.call("onShare", handle, "closed"));
  },
);

for (const name of ["Curl", "CurlShare"] as const) {
  test(
    WORKERS,
    `${name}.fromHandle() throws in another Worker when the owner has closed it`,
    async () => {
      const object = new CLASSES[name]();
      object.close();
      await using peer = await startPeer();
      const error = await assertRejects(
        () => peer.call("take", name, object.handle),
        WorkerError,
        `no ${name} object has the handle ${object.handle}: it was closed`,
      );
      assertEquals(error.name, "CurlError");
    },
  );

  test(
    WORKERS,
    `${name}.fromHandle() throws where it was made when another Worker has closed it`,
    async () => {
      const object = new CLASSES[name]();
      await using peer = await startPeer();
      await peer.call("take", name, object.handle);
      await peer.call(
        name === "Curl" ? "onCurl" : "onShare",
        object.handle,
        "close",
      );
      assert(object.closed);
      assertMatch(
        refusal(() => CLASSES[name].fromHandle(object.handle)),
        new RegExp(`^no ${name} object has the handle ${object.handle}\\b`),
      );
      object.close();
    },
  );

  test(
    WORKERS,
    `${name} made by a Worker that has ended goes on where it was taken up`,
    async () => {
      const peer = await startPeer();
      const handle = name === "Curl"
        ? await peer.call("makeCurl", FILE)
        : await peer.call("makeShare", curl.LOCK_DATA_DNS);
      using object = CLASSES[name].fromHandle(handle);
      const other = await peer.call("makeCurl");
      peer.terminate();
      await until("the Worker's own handle is gone", () => !isAlive(other));
      assertFalse(object.closed);
      if (object instanceof curl.Curl) {
        assertGreater(object.performBytesSync().length, 0);
      } else {
        using c = attachedTo(object, FILE);
        assertGreater(c.performBytesSync().length, 0);
      }
    },
  );
}

const CALLBACKS = [...SLOT_OPTION].filter((option) => option > 0)
  .map((option) => [optionName(option)!, option] as const);

function foreign(name: string): string {
  return `cannot invoke perform() - ${name} was set in another Worker, or by ` +
    "a Curl object that is gone; set it again where the transfer runs, or " +
    "unset it";
}

test(
  WORKERS,
  "Curl.performSync() is refused when a callback was set in another Worker",
  async (context) => {
    await using peer = await startPeer();
    assertEquals(CALLBACKS.length, 22);
    for (const [name, number] of CALLBACKS) {
      const option = number as curl.CallbackOption<() => void>;
      await context.step(`${name}, until it is unset`, async () => {
        using c = curlTo(FILE);
        await peer.call("setCallback", c.handle, number);
        assertRefused(() => c.performSync(), foreign(name));
        assertRefused(() => c.performBytesSync(), foreign(name));
        assertEquals(stateOf(c.handle), "idle");
        c.unsetopt(option);
        assertGreater(c.performBytesSync().length, 0);
      });
      await context.step(`${name}, until it is set here`, async () => {
        using c = curlTo(FILE);
        await peer.call("setCallback", c.handle, number);
        c.setopt(option, () => {});
        assertGreater(c.performBytesSync().length, 0);
        const error = await assertRejects(
          () => peer.call("onCurl", c.handle, "performBytesSync"),
          WorkerError,
        );
        assertEquals(error.message, foreign(name));
      });
    }
  },
);

test(
  WORKERS,
  "Curl.performSync() is refused when the Worker that set a callback has ended",
  async () => {
    using c = curlTo(FILE);
    const peer = await startPeer();
    await peer.call("setCallback", c.handle, curl.HEADERFUNCTION);
    const own = await peer.call("makeCurl");
    peer.terminate();
    await until("the Worker's own handle is gone", () => !isAlive(own));
    assertRefused(() => c.performBytesSync(), foreign("HEADERFUNCTION"));
    c.unsetopt(curl.HEADERFUNCTION);
    assertGreater(c.performBytesSync().length, 0);
  },
);

test(
  WORKERS,
  "Curl.duphandle() gives a copy without the functions of another Worker",
  async () => {
    using c = curlTo(FILE);
    await using peer = await startPeer();
    await peer.call("setCallback", c.handle, curl.WRITEFUNCTION);
    using copy = c.duphandle();
    assertRefused(() => copy.performSync(), foreign("WRITEFUNCTION"));
    let got = 0;
    copy.setopt(curl.WRITEFUNCTION, (data) => {
      got += data.length;
    });
    copy.performSync();
    assertGreater(got, 0);
    assertRefused(() => c.performSync(), foreign("WRITEFUNCTION"));
    await peer.call("onCurl", c.handle, "performSync");
  },
);

test(
  WORKERS,
  "Curl.reset() in one Worker takes the callbacks of another back",
  async () => {
    using c = curlTo(FILE);
    await using peer = await startPeer();
    await peer.call("setCallback", c.handle, curl.DEBUGFUNCTION);
    c.reset();
    c.setopt(curl.URL, FILE);
    assertGreater(c.performBytesSync().length, 0);
  },
);

test(
  WORKERS,
  "Curl.close() in one Worker frees what another Worker holds, too",
  async () => {
    await using peer = await startPeer();
    const handle = await peer.call("makeCurl", FILE);
    const c = curl.Curl.fromHandle(handle);
    c.close();
    assertFalse(isAlive(handle));
    assert(await peer.call("onCurl", handle, "closed"));
    await peer.call("onCurl", handle, "close");
  },
);

test(
  WORKERS,
  "two Workers set options of one Curl and ask for infos at once",
  async () => {
    using share = shareOf(curl.LOCK_DATA_COOKIE);
    using c = attachedTo(share, FILE);
    await using one = await startWorker<Races>(RACES);
    await using other = await startWorker<Races>(RACES);
    const gate = new Gate();
    const running = [one, other].map((worker) =>
      worker.call("setAndGet", c.handle, gate.buffer, 10_000)
    );
    gate.open();
    for (const { done, refused } of await Promise.all(running)) {
      assertEquals(refused, {});
      assertEquals(done, 10_000);
    }
    assertEquals(stateOf(c.handle), "idle");
    assertGreater(c.performBytesSync().length, 0);
  },
);

test(
  WORKERS,
  "two Workers set options of one Curl while a third performs it",
  async () => {
    using c = curlTo(FILE);
    const { length } = c.performBytesSync();
    await using stack = new AsyncDisposableStack();
    const start = async () => stack.use(await startWorker<Races>(RACES));
    const [one, other, third] = [await start(), await start(), await start()];
    const gate = new Gate();
    const performing = third.call(
      "perform",
      c.handle,
      length,
      gate.buffer,
      300,
    );
    const setting = [one, other].map((worker) =>
      worker.call("setAndGet", c.handle, gate.buffer, 5000)
    );
    gate.open();
    const running =
      /^cannot invoke \w+\(\) - perform\(\) is currently running$/;
    for (const { done, refused } of await Promise.all(setting)) {
      for (const text of Object.keys(refused)) assertMatch(text, running);
      const times = Object.values(refused).reduce((sum, one) => sum + one, 0);
      assertEquals(done + times, 5000);
    }
    assertEquals((await performing).done, 300);
  },
);
