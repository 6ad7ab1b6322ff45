/** The callbacks of every transfer: data, progress, sockets and names. */

import * as curl from "../mod.ts";
import { createCertificates } from "../tools/certificates.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  assertLessOrEqual,
  assertStringIncludes,
} from "./assert.ts";
import {
  assertCurlError,
  assertUsable,
  curlFor,
  FILE,
  LONG_FILE,
} from "./fixtures/checks.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { patternBytes } from "./fixtures/pattern.ts";
import { test } from "./permissions.ts";

const decoder = new TextDecoder();

test(SERVER, "WRITEFUNCTION gets the body piece by piece", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/bytes/1000000`);
  const pieces: Uint8Array[] = [];
  c.setopt(curl.WRITEFUNCTION, (data) => {
    assertInstanceOf(data, Uint8Array);
    assertGreater(data.length, 0);
    pieces.push(data.slice());
    return data.length;
  });
  c.performSync();
  assertGreater(pieces.length, 1);
  assertEquals(
    new Uint8Array(await new Blob(pieces as BlobPart[]).arrayBuffer()),
    patternBytes(1_000_000),
  );
});

test(SERVER, "WRITEFUNCTION gets pieces of up to BUFFERSIZE", async () => {
  await using server = await startServer();
  for (const size of [1024, 16 * 1024, 100 * 1024, 512 * 1024]) {
    using c = curlFor(`${server.url}/bytes/2000000`);
    c.setopt(curl.BUFFERSIZE, size);
    let at = 0;
    c.setopt(curl.WRITEFUNCTION, (data) => {
      assertLessOrEqual(data.length, size);
      assertEquals(data, patternBytes(data.length, at));
      at += data.length;
    });
    c.performSync();
    assertEquals(at, 2_000_000);
  }
});

Deno.test("WRITEFUNCTION finds its bytes detached when it has returned", () => {
  using c = curlFor(LONG_FILE);
  const kept: Uint8Array[] = [];
  c.setopt(curl.WRITEFUNCTION, (data) => void kept.push(data));
  c.performSync();
  assertGreater(kept.length, 1);
  assertEquals(kept.map(({ length }) => length), kept.map(() => 0));
  assert(kept.every(({ buffer }) => (buffer as ArrayBuffer).detached));
});

Deno.test("WRITEFUNCTION may transfer its bytes away, and change them", () => {
  using c = curlFor(LONG_FILE);
  const taken: ArrayBuffer[] = [];
  let size = 0;
  c.setopt(curl.WRITEFUNCTION, (data) => {
    size += data.length;
    data.fill(0);
    taken.push((data.buffer as ArrayBuffer).transfer(1));
  });
  c.performSync();
  const whole = c.performBytesSync();
  assertEquals(size, whole.length);
  assert(!whole.includes(0));
});

Deno.test("WRITEFUNCTION's bytes stay while another handle performs", () => {
  using c = curlFor(LONG_FILE);
  using other = curlFor(LONG_FILE);
  other.setopt(curl.WRITEFUNCTION, (data) => void data.fill(0));
  let text = "";
  c.setopt(curl.WRITEFUNCTION, (data) => {
    other.performSync();
    text += decoder.decode(data, { stream: true });
  });
  c.performSync();
  assertEquals(text, c.performTextSync());
});

for (const answer of [0, 1, -1, 2 ** 40, false, true, curl.WRITEFUNC_ERROR]) {
  Deno.test(`WRITEFUNCTION aborts the transfer with ${answer}`, () => {
    using c = curlFor(FILE);
    let calls = 0;
    c.setopt(curl.WRITEFUNCTION, () => {
      calls += 1;
      return answer as number;
    });
    const error = assertCurlError(() => c.performSync(), curl.E_WRITE_ERROR);
    assertEquals([error.cause, calls], [undefined, 1]);
    assertUsable(c);
  });
}

test(SERVER, "WRITEFUNCTION is called tens of thousands of times", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/bytes/50000000`);
  let calls = 0;
  let size = 0;
  c.setopt(curl.BUFFERSIZE, 1024);
  c.setopt(curl.WRITEFUNCTION, (data) => {
    calls += 1;
    size += data.length;
  });
  c.performSync();
  assertEquals(size, 50_000_000);
  assertGreater(calls, 40_000);
});

test(SERVER, "HEADERFUNCTION gets line after line", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/redirect/1?to=/status/404`);
  c.setopt(curl.FOLLOWLOCATION, true);
  const lines: string[] = [];
  c.setopt(curl.HEADERFUNCTION, (data) => {
    lines.push(decoder.decode(data));
    return data.length;
  });
  assertEquals(c.performTextSync(), "status 404\n");
  assert(lines.every((line) => line.endsWith("\r\n")));
  const starts = lines.filter((line) => line.startsWith("HTTP/"));
  assertEquals(starts, [
    "HTTP/1.1 302 Found\r\n",
    "HTTP/1.1 404 Not Found\r\n",
  ]);
  assert(lines.includes("location: /status/404\r\n"));
  assertEquals(lines.filter((line) => line === "\r\n").length, 2);
});

test(SERVER, "HEADERFUNCTION aborts the transfer with 0", async () => {
  await using server = await startServer();
  using c = curlFor(server.url);
  c.setopt(curl.HEADERFUNCTION, () => 0);
  assertCurlError(() => c.performTextSync(), curl.E_WRITE_ERROR);
  assertUsable(c);
});

test(SERVER, "HEADERFUNCTION's bytes are its to keep", async () => {
  await using server = await startServer();
  using c = curlFor(server.url);
  const kept: Uint8Array[] = [];
  c.setopt(curl.HEADERFUNCTION, (data) => void kept.push(data));
  c.performTextSync();
  assertEquals(decoder.decode(kept[0]), "HTTP/1.1 200 OK\r\n");
});

test(SERVER, "READFUNCTION gives what is sent, until it is empty", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/echo`);
  const parts = ["größe ", new TextEncoder().encode("a\0b"), "", "never"];
  c.setopt(curl.UPLOAD, true);
  c.setopt(curl.READFUNCTION, (size) => {
    assertGreater(size, 1000);
    return parts.shift()!;
  });
  const { body, method } = JSON.parse(c.performTextSync());
  assertEquals([method, body, parts], ["PUT", "größe a\0b", ["never"]]);
});

test(SERVER, "READFUNCTION gives megabytes in full pieces", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/upload`);
  const whole = patternBytes(3_000_000);
  let at = 0;
  c.setopt(curl.UPLOAD, true);
  c.setopt(curl.INFILESIZE, whole.length);
  c.setopt(curl.READFUNCTION, (size) => whole.subarray(at, at += size));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
  assertEquals(JSON.parse(c.performTextSync()), {
    bytes: 3_000_000,
    sha256: digest.toHex(),
  });
});

test(SERVER, "READFUNCTION gives bytes of any memory", async () => {
  await using server = await startServer();
  const shared = new Uint8Array(new SharedArrayBuffer(3)).fill(97);
  const resizable = new ArrayBuffer(3, { maxByteLength: 9 });
  const parts = [shared, new Uint8Array(resizable).fill(98), "c", ""];
  using c = curlFor(`${server.url}/echo`);
  c.setopt(curl.UPLOAD, true);
  c.setopt(curl.READFUNCTION, () => parts.shift()!);
  assertEquals(JSON.parse(c.performTextSync()).body, "aaabbbc");
});

test(SERVER, "READFUNCTION is refused bytes that are detached", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/echo`);
  c.setopt(curl.UPLOAD, true);
  c.setopt(curl.READFUNCTION, () => {
    const bytes = new Uint8Array(8);
    bytes.buffer.transfer();
    return bytes;
  });
  const aborted = curl.E_ABORTED_BY_CALLBACK;
  const { cause } = assertCurlError(() => c.performTextSync(), aborted);
  assertInstanceOf(cause, TypeError);
  assertStringIncludes(cause.message, "detached");
});

test(
  SERVER,
  "READFUNCTION aborts the transfer with READFUNC_ABORT",
  async () => {
    await using server = await startServer();
    using c = curlFor(`${server.url}/echo`);
    c.setopt(curl.UPLOAD, true);
    c.setopt(curl.READFUNCTION, () => curl.READFUNC_ABORT);
    const aborted = curl.E_ABORTED_BY_CALLBACK;
    const error = assertCurlError(() => c.performTextSync(), aborted);
    assertEquals(error.cause, undefined);
    assertUsable(c);
  },
);

test(SERVER, "READFUNCTION is refused more bytes than asked for", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/echo`);
  c.setopt(curl.UPLOAD, true);
  const aborted = curl.E_ABORTED_BY_CALLBACK;
  for (const extra of [1, 1_000_000]) {
    for (const text of [true, false]) {
      c.setopt(curl.READFUNCTION, (size) => {
        const more = size + extra;
        return text ? "x".repeat(more) : new Uint8Array(more);
      });
      const { cause } = assertCurlError(() => c.performTextSync(), aborted);
      assertInstanceOf(cause, TypeError);
      assertStringIncludes(cause.message, "at most");
    }
  }
  assertUsable(c);
});

test(SERVER, "READFUNCTION pauses with READFUNC_PAUSE", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/echo`);
  const answers = [curl.READFUNC_PAUSE, "after", ""];
  let unpaused = 0;
  c.setopt(curl.UPLOAD, true);
  c.setopt(curl.READFUNCTION, () => answers.shift()!);
  c.setopt(curl.NOPROGRESS, false);
  c.setopt(curl.XFERINFOFUNCTION, () => {
    if (answers.length !== 2) return;
    unpaused += 1;
    c.unpause();
  });
  assertEquals(JSON.parse(c.performTextSync()).body, "after");
  assertGreater(unpaused, 0);
});

for (const name of ["SEEKFUNCTION", "IOCTLFUNCTION"] as const) {
  test(SERVER, `${name} rewinds what a redirect wants again`, async () => {
    await using server = await startServer();
    using c = curlFor(`${server.url}/redirect/1?status=307&to=/echo`);
    const parts = ["abc"];
    const asked: unknown[] = [];
    c.setopt(curl.POST, true);
    c.setopt(curl.POSTFIELDSIZE, 3);
    c.setopt(curl.FOLLOWLOCATION, true);
    c.setopt(curl.READFUNCTION, () => parts.shift() ?? "");
    c.setopt(curl[name], (...args: unknown[]) => {
      asked.push(args);
      parts.push("def");
      return 0;
    });
    assertEquals(JSON.parse(c.performTextSync()).body, "def");
    const expected = name === "SEEKFUNCTION"
      ? [0, 0]
      : [curl.IOCMD_RESTARTREAD];
    assertEquals(asked, [expected]);
  });
}

test(SERVER, "SEEKFUNCTION skips what a resumed upload has sent", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/echo`);
  const content = "0123456789";
  let at = 0;
  c.setopt(curl.UPLOAD, true);
  c.setopt(curl.INFILESIZE, 10);
  c.setopt(curl.RESUME_FROM, 4);
  c.setopt(curl.READFUNCTION, (size) => content.slice(at, at += size));
  c.setopt(curl.SEEKFUNCTION, (offset, origin) => {
    assertEquals(origin, 0);
    at = offset;
  });
  assertEquals(JSON.parse(c.performTextSync()).body, "456789");
  at = 0;
  c.setopt(curl.SEEKFUNCTION, () => curl.SEEKFUNC_CANTSEEK);
  assertEquals(JSON.parse(c.performTextSync()).body, "456789");
  c.setopt(curl.SEEKFUNCTION, () => curl.SEEKFUNC_FAIL);
  assertCurlError(() => c.performTextSync(), curl.E_READ_ERROR);
});

test(
  SERVER,
  "XFERINFOFUNCTION set in a callback heeds NOPROGRESS",
  async () => {
    await using server = await startServer();
    using c = curlFor(server.url);
    let calls = 0;
    c.setopt(curl.VERBOSE, true);
    c.setopt(curl.DEBUGFUNCTION, () => {
      c.setopt(curl.XFERINFOFUNCTION, () => void calls++);
    });
    c.performTextSync();
    assertEquals(calls, 0);
  },
);

for (const name of ["XFERINFOFUNCTION", "PROGRESSFUNCTION"] as const) {
  test(SERVER, `${name} hears both directions grow`, async () => {
    await using server = await startServer();
    using c = curlFor(`${server.url}/echo`);
    const body = "x".repeat(200_000);
    const heard: number[][] = [];
    c.setopt(curl.POSTFIELDS, body);
    c.setopt(curl[name], (...figures) => void heard.push(figures));
    c.performTextSync();
    assertEquals(heard, []);
    c.setopt(curl.NOPROGRESS, false);
    const { length } = c.performBytesSync();
    assertEquals(heard[0], [0, 0, 0, 0]);
    assertEquals(heard.at(-1), [length, length, 200_000, 200_000]);
    for (const [index, figures] of heard.slice(1).entries()) {
      assertGreaterOrEqual(figures[1], heard[index][1]);
      assertGreaterOrEqual(figures[3], heard[index][3]);
    }
  });

  for (const answer of [1, -1, true]) {
    test(SERVER, `${name} aborts the transfer with ${answer}`, async () => {
      await using server = await startServer();
      using c = curlFor(`${server.url}/stall`);
      c.setopt(curl.NOPROGRESS, false);
      c.setopt(curl[name], () => answer);
      const aborted = curl.E_ABORTED_BY_CALLBACK;
      const error = assertCurlError(() => c.performTextSync(), aborted);
      assertEquals(error.cause, undefined);
      c.setopt(curl[name], () => false);
      c.setopt(curl.URL, server.url);
      assertEquals(c.performTextSync(), "home\n");
    });
  }
}

test(SERVER, "DEBUGFUNCTION hears everything, in order", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/echo`);
  const heard: [type: number, text: string][] = [];
  c.setopt(curl.DEBUGFUNCTION, (type, data) => {
    heard.push([type, decoder.decode(data)]);
  });
  c.setopt(curl.POSTFIELDS, "sent body");
  c.performTextSync();
  assertEquals(heard, []);
  c.setopt(curl.VERBOSE, true);
  c.setopt(curl.FRESH_CONNECT, true);
  const body = c.performTextSync();
  const all = (wanted: number) =>
    heard.filter(([type]) => type === wanted).map(([, text]) => text).join("");
  assertStringIncludes(all(curl.INFOTYPE_TEXT), "127.0.0.1");
  assert(all(curl.INFOTYPE_HEADER_OUT).startsWith("POST /echo HTTP/1.1\r\n"));
  assertEquals(all(curl.INFOTYPE_DATA_OUT), "sent body");
  assert(all(curl.INFOTYPE_HEADER_IN).startsWith("HTTP/1.1 200 OK\r\n"));
  assertEquals(all(curl.INFOTYPE_DATA_IN), body);
  const order = heard.map(([type]) => type).filter((type, index, types) =>
    type !== curl.INFOTYPE_TEXT && type !== types[index - 1]
  );
  assertEquals(order.filter((type, i) => type !== order[i - 1]), [
    curl.INFOTYPE_HEADER_OUT,
    curl.INFOTYPE_DATA_OUT,
    curl.INFOTYPE_HEADER_IN,
    curl.INFOTYPE_DATA_IN,
  ]);
});

test(SERVER, "DEBUGFUNCTION hears TLS records", async () => {
  const { ca, server: tls } = await createCertificates();
  await using server = await startServer({ tls });
  using c = curlFor(server.url);
  const types = new Set<number>();
  c.setCaCerts(ca);
  c.setopt(curl.VERBOSE, true);
  c.setopt(curl.DEBUGFUNCTION, (type) => void types.add(type));
  c.performTextSync();
  assert(types.has(curl.INFOTYPE_SSL_DATA_IN));
  assert(types.has(curl.INFOTYPE_SSL_DATA_OUT));
});

test(SERVER, "DEBUGFUNCTION gets pieces of any size whole", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/bytes/3000000`);
  let at = 0;
  c.setopt(curl.BUFFERSIZE, 512 * 1024);
  c.setopt(curl.VERBOSE, true);
  c.setopt(curl.DEBUGFUNCTION, (type, data) => {
    if (type !== curl.INFOTYPE_DATA_IN) return;
    assertEquals(data, patternBytes(data.length, at));
    at += data.length;
  });
  c.performBytesSync();
  assertEquals(at, 3_000_000);
});

test(
  SERVER,
  "DEBUGFUNCTION aborts a transfer that stalls, NOPROGRESS set or not",
  async () => {
    await using server = await startServer();
    using c = curlFor(`${server.url}/stall`);
    let calls = 0;
    c.setopt(curl.TIMEOUT_MS, 2000);
    c.setopt(curl.VERBOSE, true);
    c.setopt(curl.DEBUGFUNCTION, (type) => {
      if (calls++ === 0) c.setopt(curl.NOPROGRESS, true);
      if (type === curl.INFOTYPE_HEADER_OUT) throw new Error("seen enough");
    });
    assertCurlError(() => c.performTextSync(), curl.E_ABORTED_BY_CALLBACK);
  },
);

test(SERVER, "DEBUGFUNCTION may answer anything", async () => {
  await using server = await startServer();
  using c = curlFor(server.url);
  c.setopt(curl.VERBOSE, true);
  for (const answer of [1, -1, "x", {}, NaN, Symbol("1")]) {
    c.setopt(curl.DEBUGFUNCTION, () => answer as unknown as void);
    assertEquals(c.performTextSync(), "home\n");
  }
});
