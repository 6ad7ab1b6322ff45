/** Several transfers on one connection of HTTP/2, and what ends some of them. */

import * as curl from "../mod.ts";
import { createCertificates } from "../tools/certificates.ts";
import { assertEquals, assertLess } from "./assert.ts";
import { assertCurlRejects } from "./fixtures/async_checks.ts";
import { curlOn, enginesWith } from "./fixtures/engines.ts";
import {
  answer,
  asked,
  goAway,
  greet,
  okay,
  oneRequest,
  Reason,
  resetStream,
} from "./fixtures/http2_frames.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import {
  end,
  expectBytes,
  hold,
  readOn,
  send,
  type Step,
  stopReading,
  waitFor,
} from "./fixtures/script.ts";
import {
  type ScriptedServer,
  startScriptedServer,
} from "./fixtures/scripted_server.ts";
import { test } from "./permissions.ts";

/** Whose engine the transfers are on. */
const ENGINES = enginesWith(curl.LOCK_DATA_CONNECT, curl.LOCK_DATA_COOKIE);

/** So many handles, of which one has made a request on the connection. */
async function handlesFor(
  stack: AsyncDisposableStack,
  server: ScriptedServer,
  share: curl.CurlShare | null,
  count: number,
): Promise<curl.Curl[]> {
  const handles = Array.from({ length: count }, () => {
    const c = stack.use(curlOn(share, server.url));
    c.setopt(curl.HTTP_VERSION, curl.CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
    c.setopt(curl.PIPEWAIT, true);
    return c;
  });
  await handles[0].performBytes();
  return handles;
}

/** Starts a server with these scripts, whose first begins with a request. */
async function startTwo(
  stack: AsyncDisposableStack,
  ...scripts: Step[][]
): Promise<ScriptedServer> {
  const [first, ...others] = scripts;
  return stack.use(
    await startScriptedServer({ scripts: [oneRequest(...first), ...others] }),
  );
}

/** Waits until a figure is above 0 and does not change any more. */
async function untilSteady(figure: () => number): Promise<void> {
  for (let before = -1; before !== figure() || before === 0;) {
    before = figure();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

for (const [whose, share] of Object.entries(ENGINES)) {
  test(SERVER, `RST_STREAM ends one transfer of ${whose}'s`, async () => {
    await using stack = new AsyncDisposableStack();
    const server = await startTwo(stack, [
      asked(3),
      asked(5),
      asked(7),
      send(resetStream(5, Reason.internal)),
      ...answer(3, 30).map((data) => send(data)),
      ...answer(7, 70).map((data) => send(data)),
      asked(9),
      ...answer(9, 90).map((data) => send(data)),
      hold(),
    ]);
    const [a, b, c] = await handlesFor(stack, server, stack.use(share()), 3);
    const [first, second, third] = [a, b, c].map((it) => it.performBytes());
    await assertCurlRejects(second, curl.E_HTTP2_STREAM);
    assertEquals(await first, new Uint8Array([30]));
    assertEquals(await third, new Uint8Array([70]));
    assertEquals(await b.performBytes(), new Uint8Array([90]));
    assertEquals((await server.connections()).length, 1);
  });

  test(
    SERVER,
    `GOAWAY has ${whose}'s transfers that were not begun go elsewhere`,
    async () => {
      await using stack = new AsyncDisposableStack();
      const server = await startTwo(
        stack,
        [
          asked(3),
          asked(5),
          send(goAway(3, Reason.none)),
          ...answer(3, 30).map((data) => send(data)),
          hold(),
        ],
        [
          asked(1),
          ...greet(),
          ...answer(1, 50).map((data) => send(data)),
          hold(),
        ],
      );
      const [a, b] = await handlesFor(stack, server, stack.use(share()), 2);
      const both = await Promise.all([a.performBytes(), b.performBytes()]);
      assertEquals(both, [new Uint8Array([30]), new Uint8Array([50])]);
      assertEquals((await server.connections()).length, 2);
    },
  );

  test(SERVER, `GOAWAY ends all of ${whose}'s that get no answer`, async () => {
    await using stack = new AsyncDisposableStack();
    const server = await startTwo(
      stack,
      [
        asked(3),
        asked(5),
        ...answer(3, 30).map((data) => send(data)),
        send(goAway(5, Reason.internal)),
        end(),
      ],
      [asked(1), ...greet(), send(okay(1)), hold()],
    );
    const [a, b] = await handlesFor(stack, server, stack.use(share()), 2);
    const [first, second] = [a.performBytes(), b.performBytes()];
    await assertCurlRejects(second, curl.E_HTTP2);
    assertEquals(await first, new Uint8Array([30]));
    await b.performBytes();
    assertEquals((await server.connections()).length, 2);
  });

  test(
    SERVER,
    `${whose}'s uploads on a connection go on when the server reads on`,
    async () => {
      await using stack = new AsyncDisposableStack();
      const [count, size] = [8, 4_000_000];
      const streams = Array.from({ length: count }, (_, i) => 2 * i + 3);
      const server = stack.use(
        await startScriptedServer({
          scripts: [[
            asked(1),
            ...greet(true),
            send(okay(1)),
            expectBytes(1),
            stopReading(),
            waitFor("go"),
            readOn(),
            expectBytes(count * size),
            ...streams.map((stream) => send(okay(stream))),
            hold(),
          ]],
        }),
      );
      const all = await handlesFor(stack, server, stack.use(share()), count);
      let total = 0;
      const uploads = all.map((c) => {
        c.setopt(curl.UPLOAD, true);
        c.setopt(curl.INFILESIZE, size);
        let left = size;
        c.setopt(curl.READFUNCTION, (most) => {
          const length = Math.min(most, left);
          left -= length;
          total += length;
          return new Uint8Array(length);
        });
        return c.performBytes();
      });
      await untilSteady(() => total);
      assertLess(total, count * size);
      await server.signal("go");
      await Promise.all(uploads);
      assertEquals((await server.connections()).length, 1);
    },
  );

  for (const most of [10, 1e6]) {
    test(
      SERVER,
      `${whose}'s uploads over TLS go on in pieces of ${most} bytes`,
      async () => {
        await using stack = new AsyncDisposableStack();
        const { ca, server: tls } = await createCertificates();
        const server = stack.use(await startServer({ tls }));
        const used = stack.use(share());
        const size = most === 10 ? 500 : 300_000;
        const uploads = Array.from({ length: 4 }, async (_, index) => {
          using c = curlOn(used, `${server.url}/echo`);
          c.setCaCerts(ca);
          c.setopt(curl.UPLOAD, true);
          if (index % 2 === 1) c.setopt(curl.INFILESIZE, size);
          let left = size;
          c.setopt(curl.READFUNCTION, (room) => {
            const length = Math.min(room, most, left);
            left -= length;
            return new Uint8Array(length);
          });
          const { bytes } = JSON.parse(await c.performText());
          assertEquals(
            c.getinfo(curl.INFO_HTTP_VERSION),
            curl.CURL_HTTP_VERSION_2_0,
          );
          left = size;
          const again = JSON.parse(c.performTextSync());
          return [bytes, again.bytes];
        });
        const sizes = await Promise.all(uploads);
        assertEquals(sizes, uploads.map(() => [size, size]));
      },
    );
  }
}
