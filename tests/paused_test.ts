/**
 * Transfers whose program takes no more of them for now: what else goes on, and
 * ends them, is the same wherever they run, and however much libcurl has got.
 *
 * @module
 */

import * as curl from "../mod.ts";
import {
  assertEquals,
  assertGreaterOrEqual,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "./assert.ts";
import { assertCurlError, assertUsable, curlFor } from "./fixtures/checks.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { watchdog } from "./fixtures/watchdog.ts";
import { test } from "./permissions.ts";
import { shareOf } from "./workers/peers.ts";

const KINDS = {
  "on a share without an engine": curl.LOCK_DATA_DNS,
  "on a share with one": curl.LOCK_DATA_COOKIE,
};

/** Of less than one piece, and of more than is on its way at once. */
const SIZES = [1000, 5_000_000];

for (const [where, kind] of Object.entries(KINDS)) {
  for (const size of SIZES) {
    const name = `a paused transfer of ${size} bytes ${where}`;

    testWith(kind, size, `TIMEOUT ends ${name}`, async (c) => {
      c.setopt(curl.TIMEOUT_MS, 300);
      const answers: curl.WriteCallback[] = [
        () => new Promise(() => {}),
        () => curl.WRITEFUNC_PAUSE,
      ];
      // Where a promise is all that is left, libcurl is done on every engine.
      for (const answer of answers.slice(size === SIZES[0] ? 1 : 0)) {
        c.setopt(curl.WRITEFUNCTION, answer);
        const began = performance.now();
        const error = await assertRejects(() => c.perform(), curl.CurlError);
        assertTimeIsUp(error, size);
        assertGreaterOrEqual(performance.now() - began, 295);
      }
      const timedOut = curl.E_OPERATION_TIMEDOUT;
      assertTimeIsUp(assertCurlError(() => c.performSync(), timedOut), size);
      assertUsable(c);
    });

    testWith(kind, size, `XFERINFOFUNCTION hears of ${name}`, async (c) => {
      let calls = 0;
      let got = 0;
      let isPaused = false;
      c.setopt(curl.WRITEFUNCTION, (data) => {
        if (calls === 0) {
          isPaused = true;
          return curl.WRITEFUNC_PAUSE;
        }
        got += data.length;
      });
      c.setopt(curl.NOPROGRESS, false);
      c.setopt(curl.XFERINFOFUNCTION, (total, loaded) => {
        if (!isPaused || ++calls < 2) return;
        assertEquals(total, size);
        assertGreaterOrEqual(loaded, Math.min(size, 1024));
        isPaused = false;
        c.unpause();
      });
      for (const perform of [() => c.performSync(), () => c.perform()]) {
        calls = got = 0;
        await perform();
        assertEquals({ got, calls }, { got: size, calls: 2 });
      }
    });

    testWith(kind, size, `XFERINFOFUNCTION ends ${name}`, async (c) => {
      let calls = 0;
      let isPaused = false;
      c.setopt(curl.WRITEFUNCTION, () => {
        isPaused = true;
        return curl.WRITEFUNC_PAUSE;
      });
      const reason = new Error("it takes too long");
      c.setopt(curl.NOPROGRESS, false);
      c.setopt(curl.XFERINFOFUNCTION, () => {
        if (isPaused && ++calls === 2) throw reason;
      });
      const aborted = curl.E_ABORTED_BY_CALLBACK;
      const { cause } = assertCurlError(() => c.performSync(), aborted);
      assertEquals({ cause, calls }, { cause: reason, calls: 2 });
      calls = 0;
      isPaused = false;
      const error = await assertRejects(() => c.perform(), curl.CurlError);
      assertEquals(
        { code: error.code, cause: error.cause, calls },
        { code: aborted, cause: reason, calls: 2 },
      );
      assertUsable(c);
    });
  }

  testWith(
    kind,
    1000,
    `a call ${where} is not paused where nothing could end or unpause it`,
    (c) => {
      c.setopt(curl.TIMEOUT, 0);
      c.setopt(curl.WRITEFUNCTION, () => curl.WRITEFUNC_PAUSE);
      // Nobody hears of its progress.
      c.setopt(curl.XFERINFOFUNCTION, () => c.unpause());
      const failed = curl.E_WRITE_ERROR;
      const { cause } = assertCurlError(() => c.performSync(), failed);
      assertInstanceOf(cause, TypeError);
      assertStringIncludes(cause.message, "set XFERINFOFUNCTION");
      assertUsable(c);
    },
  );
}

/** With a Curl on a share, for a body of so many bytes. */
function testWith(
  kind: number,
  size: number,
  name: string,
  act: (c: curl.Curl) => void | Promise<void>,
): void {
  test(SERVER, name, async () => {
    await using server = await startServer();
    await using _ = await watchdog(name, 30);
    using share = shareOf(kind);
    using c = curlFor(`${server.url}/bytes/${size}`);
    c.setopt(curl.SHARE, share);
    await act(c);
    c.setopt(curl.SHARE, null);
  });
}

function assertTimeIsUp(error: curl.CurlError, size: number): void {
  assertEquals(error.code, curl.E_OPERATION_TIMEDOUT, error.message);
  assertStringIncludes(error.message, "Operation timed out after 3");
  assertStringIncludes(error.message, ` out of ${size} bytes received`);
}
