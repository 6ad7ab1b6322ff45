/** upkeep(): idle connections are kept alive, or found dead. */

import * as curl from "../mod.ts";
import { assertEquals, assertMatch, assertThrows } from "./assert.ts";
import { outlastTurn } from "./fixtures/async_checks.ts";
import { curlFor, FILE } from "./fixtures/checks.ts";
import { oneRequest } from "./fixtures/http2_frames.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { end, expect, hold, reset, waitFor } from "./fixtures/script.ts";
import { startScriptedServer } from "./fixtures/scripted_server.ts";
import { test } from "./permissions.ts";
import { refusal, shareOf } from "./workers/peers.ts";

/** 8 bytes of PING. */
const PING = expect("\0\0\x08\x06\0\0\0\0\0");

function curlTo(url: string): curl.Curl {
  const c = curlFor(url);
  c.setopt(curl.HTTP_VERSION, curl.CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
  c.setopt(curl.UPKEEP_INTERVAL_MS, 0);
  return c;
}

for (const kind of ["its own", "its share's"] as const) {
  test(SERVER, `upkeep() pings on a connection of ${kind}`, async () => {
    await using server = await startScriptedServer({
      scripts: [oneRequest(PING, end())],
    });
    using share = shareOf(curl.LOCK_DATA_CONNECT);
    using c = curlTo(server.url);
    if (kind === "its share's") c.setopt(curl.SHARE, share);
    c.performBytesSync();
    c.upkeep();
    const [{ outcome }] = await server.ended(1);
    assertEquals(outcome, "script ended");
  });
}

const LEFT_TO = {
  "the Worker": [],
  "a share's thread": [curl.LOCK_DATA_COOKIE],
  "a share's pool": [curl.LOCK_DATA_CONNECT],
};

for (const [whom, kinds] of Object.entries(LEFT_TO)) {
  test(
    SERVER,
    `upkeep() pings on a connection that perform() left to ${whom}`,
    async () => {
      await using server = await startScriptedServer({
        scripts: [oneRequest(PING, end())],
      });
      using share = kinds.length > 0 ? shareOf(...kinds) : null;
      using c = curlTo(server.url);
      using other = curlTo(server.url);
      if (share !== null) {
        c.setopt(curl.SHARE, share);
        other.setopt(curl.SHARE, share);
      }
      await c.performBytes();
      other.upkeep();
      const [{ outcome }] = await server.ended(1);
      assertEquals(outcome, "script ended");
    },
  );
}

for (const [how, goOn] of [["", () => {}], ["long ", outlastTurn]] as const) {
  test(
    SERVER,
    `upkeep() in a ${how}callback pings on what perform() has left`,
    async () => {
      await using server = await startScriptedServer({
        scripts: [oneRequest(PING, end())],
      });
      using c = curlTo(server.url);
      await c.performBytes();
      await using plain = await startServer();
      using other = curlFor(plain.url);
      other.setopt(curl.WRITEFUNCTION, () => {
        c.upkeep();
        goOn();
      });
      await other.perform();
      const [{ outcome }] = await server.ended(1);
      assertEquals(outcome, "script ended");
    },
  );
}

test(
  SERVER,
  "upkeep() heeds UPKEEP_INTERVAL_MS for what perform() has left",
  async () => {
    await using server = await startScriptedServer({
      scripts: [oneRequest(expect("\x01\x05\0\0\0\x03"), end())],
    });
    using c = curlTo(server.url);
    await c.performBytes();
    c.setopt(curl.UPKEEP_INTERVAL_MS, 60_000);
    c.upkeep();
    // No ping comes before the second request.
    await c.performBytes().catch(() => {});
    const [{ received }] = await server.ended(1);
    assertEquals(
      new TextDecoder("latin1").decode(received).includes("\0\0\x08\x06"),
      false,
    );
  },
);

test(
  SERVER,
  "upkeep() leaves a handle's own connections as they are",
  async () => {
    await using server = await startServer();
    using c = curlFor(server.url);
    using other = curlFor(server.url);
    await other.performBytes();
    c.performBytesSync();
    c.upkeep();
    c.performBytesSync();
    assertEquals(c.getinfo(curl.NUM_CONNECTS), 0);
    await other.performBytes();
    assertEquals(other.getinfo(curl.NUM_CONNECTS), 0);
  },
);

test(
  SERVER,
  "upkeep() leaves a connection alone that was just used",
  async () => {
    await using server = await startServer();
    using c = curlFor(server.url);
    c.performBytesSync();
    c.upkeep();
    c.performBytesSync();
    assertEquals(c.getinfo(curl.NUM_CONNECTS), 0);
  },
);

Deno.test("upkeep() does nothing without a connection", () => {
  using c = curlFor(FILE);
  c.upkeep();
  c.performBytesSync();
  c.upkeep();
});

test(
  SERVER,
  "upkeep() closes a dead connection, which CLOSESOCKETFUNCTION hears",
  async () => {
    await using server = await startScriptedServer({
      scripts: [oneRequest(waitFor("dies"), reset()), oneRequest(hold())],
    });
    using c = curlTo(server.url);
    const closed: number[] = [];
    let text = "";
    c.setopt(curl.CLOSESOCKETFUNCTION, (fd) => {
      closed.push(fd);
      text ||= refusal(() => c.upkeep());
    });
    c.performBytesSync();
    await server.signal("dies");
    await server.ended(1);
    c.upkeep();
    assertEquals(closed.length, 1);
    assertEquals(
      text,
      "cannot invoke upkeep() - perform() is currently running",
    );
    c.performBytesSync();
    assertEquals(c.getinfo(curl.NUM_CONNECTS), 1);
  },
);

test(
  SERVER,
  "upkeep() throws what CLOSESOCKETFUNCTION has thrown",
  async () => {
    await using server = await startScriptedServer({
      scripts: [oneRequest(waitFor("dies"), reset())],
    });
    using c = curlTo(server.url);
    let calls = 0;
    c.setopt(curl.CLOSESOCKETFUNCTION, () => {
      calls += 1;
      throw new Error("mine");
    });
    c.performBytesSync();
    await server.signal("dies");
    await server.ended(1);
    const error = assertThrows(() => c.upkeep(), curl.CurlError);
    assertEquals((error.cause as Error).message, "mine");
    assertEquals(calls, 1);
  },
);

test(
  SERVER,
  "upkeep() is refused in a callback that its share waits for",
  async () => {
    await using server = await startServer();
    using share = shareOf(curl.LOCK_DATA_CONNECT);
    using one = curlFor(server.url);
    using other = curlFor(server.url);
    one.setopt(curl.SHARE, share);
    other.setopt(curl.SHARE, share);
    let text = "";
    one.setopt(curl.PREREQFUNCTION, () => {
      text = refusal(() => other.upkeep());
    });
    one.performBytesSync();
    assertMatch(
      text,
      /^cannot invoke upkeep\(\) - a callback of a transfer on/,
    );
    other.upkeep();
  },
);

Deno.test("upkeep() leaves the share free to be closed", () => {
  using share = shareOf(curl.LOCK_DATA_CONNECT);
  using c = curlFor(FILE);
  c.setopt(curl.SHARE, share);
  c.upkeep();
  share.close();
  assertEquals(c.share(), null);
  c.upkeep();
});
