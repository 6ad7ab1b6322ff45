/** telnet: libcurl waits in the middle of its work, and nobody else does. */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
} from "./assert.ts";
import { assertUsable, curlFor, FILE } from "./fixtures/checks.ts";
import { assertCurlRejects } from "./fixtures/async_checks.ts";
import { test } from "./permissions.ts";
import { shareOf } from "./workers/peers.ts";

const NET = { needs: ["net"] as const };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A server in this very isolate, which a blocked one could not be. */
function startTelnet(serve: (peer: Peer) => Promise<void>): {
  url: string;
} & AsyncDisposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served = (async () => {
    for await (const connection of listener) {
      const peer = new Peer(connection);
      await serve(peer).finally(() => connection.close());
    }
  })();
  const { port } = listener.addr as Deno.NetAddr;
  return {
    url: `telnet://127.0.0.1:${port}/`,
    async [Symbol.asyncDispose]() {
      listener.close();
      await served;
    },
  };
}

class Peer {
  #heard = "";

  constructor(readonly connection: Deno.Conn) {}

  async say(text: string): Promise<void> {
    await this.connection.write(encoder.encode(text));
  }

  /** Whether this came before the other side left. */
  async hear(text: string): Promise<boolean> {
    const buffer = new Uint8Array(1024);
    while (!this.#heard.includes(text)) {
      const count = await this.connection.read(buffer).catch(() => null);
      if (count === null) return false;
      this.#heard += decoder.decode(buffer.subarray(0, count));
    }
    return true;
  }
}

/** Until the client leaves. */
async function silence(peer: Peer): Promise<void> {
  await peer.say("welcome\n");
  await peer.hear("never");
}

/** A handle that has nothing to say. */
function listenerTo(url: string): curl.Curl {
  const c = curlFor(url);
  c.setopt(curl.READFUNCTION, () => "");
  return c;
}

for (
  const [where, kinds] of [
    ["in its isolate", []],
    ["on a share of cookies", [curl.LOCK_DATA_COOKIE]],
  ] as const
) {
  /** Kept alive by what is pushed to the stack. */
  const attach = (stack: DisposableStack, ...curls: curl.Curl[]) => {
    if (kinds.length === 0) return;
    const share = stack.use(shareOf(...kinds));
    for (const c of curls) c.setopt(curl.SHARE, share);
  };

  test(NET, `perform() of telnet: lets others on ${where}`, async () => {
    const open = Promise.withResolvers<void>();
    const over = Promise.withResolvers<void>();
    await using server = startTelnet(async (peer) => {
      open.resolve();
      await over.promise;
      await peer.say("bye");
    });
    using stack = new DisposableStack();
    const c = stack.use(listenerTo(server.url));
    const other = stack.use(curlFor(FILE));
    attach(stack, c, other);
    const text = c.performText();
    await open.promise;
    await other.performText();
    over.resolve();
    assertEquals(await text, "bye");
  });

  test(NET, `perform() of telnet: talks ${where}`, async () => {
    await using server = startTelnet(async (peer) => {
      await peer.say("login: ");
      await peer.hear("me\n");
      await peer.say("password: ");
      await peer.hear("sesame\n");
      await peer.say("welcome\n");
    });
    using stack = new DisposableStack();
    const c = stack.use(curlFor(server.url));
    attach(stack, c);
    let seen = "";
    const waiting = new Map<string, () => void>();
    const prompt = (text: string) =>
      new Promise<void>((resolve) => waiting.set(text, resolve));
    c.setopt(curl.WRITEFUNCTION, (data) => {
      seen += decoder.decode(data);
      for (const [text, resolve] of waiting) {
        if (seen.includes(text)) resolve();
      }
    });
    const lines = [["login: ", "me\n"], ["password: ", "sesame\n"]];
    // What it waits for comes while it waits.
    c.setopt(curl.READFUNCTION, async () => {
      const [text, line] = lines.shift() ?? ["", ""];
      if (!seen.includes(text)) await prompt(text);
      return line;
    });
    await c.perform();
    assertEquals(seen, "login: password: welcome\n");
  });

  test(NET, `perform() of telnet: ends with its signal ${where}`, async () => {
    await using server = startTelnet(silence);
    using stack = new DisposableStack();
    const c = stack.use(listenerTo(server.url));
    attach(stack, c);
    const abort = new AbortController();
    const reason = new Error("enough");
    c.setopt(curl.WRITEFUNCTION, () => {
      queueMicrotask(() => abort.abort(reason));
    });
    const error = await assertRejects(() => c.perform(abort), Error);
    assertStrictEquals(error, reason);
    assertUsable(c);
  });

  test(NET, `perform() of telnet: ends by TIMEOUT_MS ${where}`, async () => {
    await using server = startTelnet(silence);
    using stack = new DisposableStack();
    const c = stack.use(listenerTo(server.url));
    attach(stack, c);
    c.setopt(curl.TIMEOUT_MS, 300);
    await assertCurlRejects(c.performText(), curl.E_OPERATION_TIMEDOUT);
  });

  test(NET, `perform() of telnet: sends a stream ${where}`, async () => {
    const sent = "0123456789".repeat(10_000) + "end\n";
    await using server = startTelnet(async (peer) => {
      const heard = await peer.hear("end\n");
      await peer.say(`${heard}`);
    });
    using stack = new DisposableStack();
    const c = stack.use(curlFor(server.url));
    attach(stack, c);
    c.setopt(curl.READDATA, new Blob([sent]).stream());
    assertEquals(await c.performText(), "true");
    assertEquals(c.getinfo(curl.SIZE_UPLOAD_T), sent.length);
  });
}

test(
  NET,
  "perform() of telnet: waits for WRITEFUNCTION's promise",
  async () => {
    await using server = startTelnet(async (peer) => {
      await peer.say("one");
      await peer.hear("!");
      await peer.say("two");
    });
    using c = curlFor(server.url);
    const said = ["!"];
    c.setopt(curl.READFUNCTION, () => said.shift() ?? "");
    const events: string[] = [];
    c.setopt(curl.WRITEFUNCTION, async (data) => {
      const text = decoder.decode(data);
      events.push(`begin ${text}`);
      await new Promise((resolve) => setTimeout(resolve));
      events.push(`end ${text}`);
    });
    await c.perform();
    assertEquals(events, ["begin one", "end one", "begin two", "end two"]);
  },
);

for (const kinds of [[], [curl.LOCK_DATA_COOKIE]]) {
  const where = kinds.length === 0 ? "in its isolate" : "on a share of cookies";
  test(NET, `unpause() goes on with telnet: ${where}`, async () => {
    await using server = startTelnet((peer) => peer.say("hello"));
    using share = shareOf(curl.LOCK_DATA_DNS, ...kinds);
    using c = listenerTo(server.url);
    c.setopt(curl.SHARE, share);
    const heard: string[] = [];
    c.setopt(curl.WRITEFUNCTION, (data) => {
      heard.push(decoder.decode(data));
      if (heard.length > 1) return;
      setTimeout(() => {
        heard.push("paused");
        c.unpause();
      });
      return curl.WRITEFUNC_PAUSE;
    });
    await c.perform();
    assertEquals(heard, ["hello", "paused", "hello"]);
  });
}

test(
  NET,
  "perform() of telnet: tells what READFUNCTION has thrown",
  async () => {
    await using server = startTelnet(silence);
    using c = curlFor(server.url);
    c.setopt(curl.READFUNCTION, () => {
      throw new Error("mine");
    });
    const error = await assertRejects(() => c.performText(), curl.CurlError);
    assertEquals((error.cause as Error).message, "mine");
  },
);

test(NET, "perform() of telnet: runs many times at once", async () => {
  const names = Array.from({ length: 20 }, (_, index) => `name ${index}`);
  const servers = names.map((name) =>
    startTelnet(async (peer) => {
      await peer.say(name);
      await peer.hear("bye");
    })
  );
  const curls = servers.map(({ url }) => curlFor(url));
  const all = curls.map((c) => {
    const said = ["bye"];
    c.setopt(curl.READFUNCTION, () => said.shift() ?? "");
    return c.performText();
  });
  assertEquals(await Promise.all(all), names);
  for (const c of curls) c.close();
  for (const server of servers) await server[Symbol.asyncDispose]();
});

test(NET, "CURLU of telnet: lets others on as well", async () => {
  const open = Promise.withResolvers<void>();
  await using server = startTelnet((peer) => {
    open.resolve();
    return peer.say("hello");
  });
  using c = new curl.Curl();
  c.setopt(curl.CURLU, new curl.CurlUrl(server.url));
  c.setopt(curl.READFUNCTION, () => "");
  const text = c.performText();
  await open.promise;
  assert((await text) === "hello");
});
