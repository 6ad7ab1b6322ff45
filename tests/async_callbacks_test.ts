/** Callbacks of asynchronous transfers, and their promises. */

import * as curl from "../mod.ts";
import {
  assertEquals,
  assertFalse,
  assertGreater,
  assertInstanceOf,
  assertStrictEquals,
  assertStringIncludes,
} from "./assert.ts";
import {
  assertCurlRejects,
  assertUsableAgain,
  uploadTo,
} from "./fixtures/async_checks.ts";
import {
  type Arrange,
  CALLBACK_CASES,
  type CallbackCase,
} from "./fixtures/callback_cases.ts";
import {
  assertCurlError,
  assertIsFile,
  curlFor,
  FILE,
} from "./fixtures/checks.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { expect, hold, send } from "./fixtures/script.ts";
import { startScriptedServer } from "./fixtures/scripted_server.ts";
import { test } from "./permissions.ts";

const decoder = new TextDecoder();

/** RTSP's two requests have to be of one kind: see its own test. */
const CASES = CALLBACK_CASES.filter(({ name }) =>
  name !== "INTERLEAVEFUNCTION"
);

/** A handle on which the callback of a case is called. */
function arranged(
  { option }: CallbackCase,
  arrange: Arrange,
  callback: () => unknown,
): curl.Curl {
  const c = new curl.Curl();
  c.setopt(curl.TIMEOUT, 10);
  c.setopt(curl.WRITEFUNCTION, () => {});
  arrange(c);
  // Some servers end only with their connections.
  c.setopt(curl.FORBID_REUSE, true);
  c.setopt(option, callback);
  return c;
}

for (const subject of CASES) {
  const { name, needs, code, answer, ignored, sensible = [] } = subject;
  test(needs, `${name} is called in perform()`, async () => {
    await using stack = new AsyncDisposableStack();
    const arrange = await subject.start(stack);
    let calls = 0;
    using c = arranged(subject, arrange, () => {
      calls += 1;
      return answer;
    });
    await c.perform();
    assertGreater(calls, 0);
  });

  test(needs, `${name} ends perform() when it throws`, async () => {
    await using stack = new AsyncDisposableStack();
    const arrange = await subject.start(stack);
    const thrown = new RangeError("out");
    let calls = 0;
    using c = arranged(subject, arrange, () => {
      calls += 1;
      throw thrown;
    });
    const error = await assertCurlRejects(c.perform(), code);
    assertStrictEquals(error.cause, thrown);
    assertEquals(calls, 1);
    await assertUsableAgain(c);
  });

  test(
    { ...needs, skip: ignored && "its answer is not looked at" },
    `${name} ends perform() with a clear TypeError for nonsense`,
    async () => {
      await using stack = new AsyncDisposableStack();
      const arrange = await subject.start(stack);
      const waits = ["WRITEFUNCTION", "READFUNCTION"].includes(name);
      const nonsense = [{}, null, NaN, 1.5, 5n, ...(waits ? [] : ["promise"])]
        .filter((answer) => !sensible.includes(answer as string));
      for (const answer of nonsense) {
        const isPromise = answer === "promise";
        using c = arranged(
          subject,
          arrange,
          () => isPromise ? Promise.resolve(0) : answer,
        );
        const { cause } = await assertCurlRejects(c.perform(), code);
        assertInstanceOf(cause, TypeError);
        assertStringIncludes(cause.message, `${name} must return`);
        if (isPromise) assertStringIncludes(cause.message, "a promise");
        await assertUsableAgain(c);
      }
    },
  );

  test(needs, `${name} may let another handle perform`, async () => {
    await using stack = new AsyncDisposableStack();
    const arrange = await subject.start(stack);
    using other = curlFor(FILE);
    const bodies: (string | Promise<string>)[] = [];
    using c = arranged(subject, arrange, () => {
      bodies.push(other.performTextSync());
      const another = curlFor(FILE);
      bodies.push(another.performText().finally(() => another.close()));
      return answer;
    });
    await c.perform();
    assertGreater(bodies.length, 0);
    for (const body of await Promise.all(bodies)) assertIsFile(body);
  });
}

test(SERVER, "perform() asks what performSync() does", async () => {
  await using server = await startServer();
  const trace = async (isAsync: boolean) => {
    using c = uploadTo(`${server.url}/redirect/1?status=307&to=/upload`);
    c.setopt(curl.FOLLOWLOCATION, true);
    c.setopt(curl.UPLOAD, true);
    c.setopt(curl.INFILESIZE, 7);
    const trace: unknown[] = [];
    let left = "content";
    c.setopt(curl.READFUNCTION, (size) => {
      const part = left.slice(0, Math.min(size, 7));
      left = "";
      trace.push(["read", part]);
      return part;
    });
    c.setopt(curl.SEEKFUNCTION, (offset, origin) => {
      trace.push(["seek", offset, origin]);
      left = "content";
    });
    c.setopt(curl.PREREQFUNCTION, (ip) => void trace.push(["prereq", ip]));
    c.setopt(curl.HEADERFUNCTION, (line) => {
      const text = decoder.decode(line);
      if (!/^(date|vary)/i.test(text)) trace.push(["header", text]);
    });
    c.setopt(curl.WRITEFUNCTION, (data) => {
      trace.push(["write", decoder.decode(data)]);
    });
    if (isAsync) await c.perform();
    else c.performSync();
    return trace;
  };
  assertEquals(await trace(true), await trace(false));
});

Deno.test("perform() has no cause when no callback threw", async () => {
  using c = curlFor(FILE);
  c.setopt(curl.WRITEFUNCTION, () => 0);
  const error = await assertCurlRejects(c.perform(), curl.E_WRITE_ERROR);
  assertFalse("cause" in error);
});

test(SERVER, "unpause() lets a transfer go on that was paused", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/bytes/100000`);
  const called = Promise.withResolvers<void>();
  let isPaused = true;
  let size = 0;
  c.setopt(curl.WRITEFUNCTION, (data) => {
    called.resolve();
    if (isPaused) return curl.WRITEFUNC_PAUSE;
    size += data.length;
  });
  const performed = c.perform();
  await called.promise;
  // Another transfer gives this one every opportunity.
  using other = curlFor(server.url);
  await other.performText();
  assertEquals(size, 0);
  isPaused = false;
  c.unpause();
  await performed;
  assertEquals(size, 100_000);
});

test(SERVER, "pause() holds a transfer up from outside", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/bytes/20000000`);
  let size = 0;
  let started = Promise.withResolvers<void>();
  c.setopt(curl.WRITEFUNCTION, (data) => {
    size += data.length;
    started.resolve();
  });
  const performed = c.perform();
  for (let round = 0; round < 3; round++) {
    await started.promise;
    c.pause(curl.PAUSE_RECV);
    using other = curlFor(`${server.url}/bytes/100000`);
    await other.performBytes();
    const before = size;
    started = Promise.withResolvers();
    await other.performBytes();
    assertEquals(size, before);
    c.unpause();
  }
  await performed;
  assertEquals(size, 20_000_000);
});

test(SERVER, "unpause() lets an upload go on that was paused", async () => {
  await using server = await startServer();
  using c = uploadTo(`${server.url}/echo`);
  const called = Promise.withResolvers<void>();
  const parts = ["content"];
  let isPaused = true;
  c.setopt(curl.READFUNCTION, () => {
    called.resolve();
    return isPaused ? curl.READFUNC_PAUSE : parts.pop() ?? "";
  });
  const performed = c.performText();
  await called.promise;
  isPaused = false;
  c.pause(curl.PAUSE_CONT);
  assertEquals(JSON.parse(await performed).body, "content");
});

Deno.test("pause() is refused when nothing runs", async () => {
  using c = curlFor(FILE);
  await c.performText();
  c.setopt(curl.URL, "nonsense://host/");
  await assertCurlRejects(c.performText(), curl.E_UNSUPPORTED_PROTOCOL);
  assertCurlError(
    () => c.pause(curl.PAUSE_ALL),
    curl.E_BAD_FUNCTION_ARGUMENT,
    "nothing is there to pause",
  );
});

test(SERVER, "unpause() in a callback of another transfer", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/bytes/100000`);
  using other = curlFor(server.url);
  const called = Promise.withResolvers<void>();
  let isPaused = true;
  let size = 0;
  c.setopt(curl.WRITEFUNCTION, (data) => {
    called.resolve();
    if (isPaused) return curl.WRITEFUNC_PAUSE;
    size += data.length;
  });
  other.setopt(curl.WRITEFUNCTION, () => {
    isPaused = false;
    c.unpause();
  });
  const performed = c.perform();
  await called.promise;
  await other.perform();
  await performed;
  assertEquals(size, 100_000);
});

Deno.test("perform() in a callback starts at once", async () => {
  using c = curlFor(FILE);
  using other = curlFor(FILE);
  let inner: Promise<string> | undefined;
  c.setopt(curl.WRITEFUNCTION, () => {
    inner = other.performText();
    assertCurlError(() => other.reset(), undefined, "currently running");
  });
  await c.perform();
  assertIsFile(await inner!);
});

Deno.test("perform() keeps failures of several transfers apart", async () => {
  const made = Array.from({ length: 50 }, () => curlFor(FILE));
  const all = made.map((c, i) => {
    c.setopt(curl.WRITEFUNCTION, () => {
      if (i % 2) throw i;
    });
    return c.perform();
  });
  for (const [i, promise] of all.entries()) {
    if (i % 2 === 0) {
      await promise;
    } else {
      const error = await assertCurlRejects(promise, curl.E_WRITE_ERROR);
      assertEquals(error.cause, i);
    }
  }
  for (const c of made) c.close();
});

Deno.test("close() in another handle's callback closes for good", async () => {
  const other = curlFor(FILE);
  using c = curlFor(FILE);
  c.setopt(curl.WRITEFUNCTION, () => other.close());
  await c.perform();
  await assertCurlRejects(other.perform(), undefined, "no curl handle");
});

Deno.test("a callback without stack left ends only its transfer", async () => {
  using c = curlFor(FILE);
  using other = curlFor(FILE);
  const descend = (): number => descend() + 1;
  c.setopt(curl.WRITEFUNCTION, descend);
  const text = other.performText();
  const error = await assertCurlRejects(c.perform(), curl.E_WRITE_ERROR);
  assertInstanceOf(error.cause, RangeError);
  assertIsFile(await text);
  await assertUsableAgain(c);
});

Deno.test("perform() near the end of the stack leaves its handle usable", async () => {
  using c = curlFor(FILE);
  const promises: Promise<unknown>[] = [];
  const descend = () => {
    try {
      descend();
    } finally {
      if (promises.length < 200) promises.push(c.performText());
    }
  };
  try {
    descend();
  } catch (error) {
    assertInstanceOf(error, RangeError);
  }
  await Promise.allSettled(promises);
  await assertUsableAgain(c);
});

for (const thrown of [undefined, new Error("out")]) {
  const how = thrown
    ? "ends perform() when it throws"
    : "is called in perform()";
  test(SERVER, `INTERLEAVEFUNCTION ${how}`, async () => {
    const interleaved = "RTP/AVP/TCP;unicast;interleaved=0-1";
    await using server = await startScriptedServer({
      scripts: [[
        expect(/SETUP [^]*\r\n\r\n/),
        send("RTSP/1.0 200 OK\r\nCSeq: 1\r\nSession: 12345678\r\n"),
        send(`Transport: ${interleaved}\r\n\r\n`),
        expect(/PLAY [^]*\r\n\r\n/),
        send(Uint8Array.of(0x24, 0, 0, 4, 1, 2, 3, 4)),
        send("RTSP/1.0 200 OK\r\nCSeq: 2\r\nSession: 12345678\r\n\r\n"),
        hold(),
      ]],
    });
    const url = `rtsp://127.0.0.1:${server.port}/stream`;
    using c = curlFor(url);
    c.setopt(curl.FRESH_CONNECT, true);
    c.setopt(curl.OPT_RTSP_CLIENT_CSEQ, 1);
    c.setopt(curl.OPT_RTSP_STREAM_URI, url);
    c.setopt(curl.OPT_RTSP_TRANSPORT, interleaved);
    c.setopt(curl.OPT_RTSP_REQUEST, curl.RTSPREQ_SETUP);
    await c.performText();
    c.setopt(curl.FRESH_CONNECT, false);
    c.setopt(curl.OPT_RTSP_REQUEST, curl.RTSPREQ_PLAY);
    const packets: Uint8Array[] = [];
    c.setopt(curl.INTERLEAVEFUNCTION, (data) => {
      packets.push(data);
      if (thrown) throw thrown;
    });
    if (thrown) {
      const failed = curl.E_WRITE_ERROR;
      const { cause } = await assertCurlRejects(c.performText(), failed);
      assertStrictEquals(cause, thrown);
    } else await c.performText();
    assertEquals(packets, [Uint8Array.of(0x24, 0, 0, 4, 1, 2, 3, 4)]);
  });
}
