/**
 * Bugs that other bindings of libcurl had to mend: each class of them must not
 * come back here.
 *
 * @module
 */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertNotEquals,
  assertStrictEquals,
  assertThrows,
} from "./assert.ts";
import { CHILD, runChild } from "./fixtures/child.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { Gate, WORKERS } from "./fixtures/workers.ts";
import { test } from "./permissions.ts";
import {
  assertRefused,
  attachedTo,
  curlTo,
  during,
  isAlive,
  refusal,
  shareOf,
  startPeer,
  until,
} from "./workers/peers.ts";

/** This file: native code reads it without a permission of Deno's. */
const FILE = import.meta.url;

test(
  SERVER,
  "another Worker's pause() and unpause() leave a paused transfer alone",
  async () => {
    await using server = await startServer();
    using c = curlTo(`${server.url}/bytes/100000`);
    await using peer = await startPeer();
    const [due, done] = [new Gate(), new Gate()];
    const outcome = peer.call("whenOpen", due.buffer, done.buffer, {
      kind: "Curl",
      handle: c.handle,
      member: "unpause",
    });
    await peer.event("waiting");
    let [got, paused, calls] = [0, false, 0];
    c.setopt(curl.NOPROGRESS, false);
    c.setopt(curl.WRITEFUNCTION, (data) => {
      assertEquals(paused, false, "a paused transfer gets nothing");
      if (calls++ === 0) {
        paused = true;
        return curl.WRITEFUNC_PAUSE;
      }
      got += data.length;
    });
    let looks = 0;
    c.setopt(curl.XFERINFOFUNCTION, () => {
      if (!paused) return;
      if (looks++ === 0) {
        due.open();
        done.waitSync();
      } else if (looks === 3) {
        paused = false;
        c.unpause();
      }
    });
    c.performSync();
    assertEquals(got, 100_000);
    assertEquals(
      await outcome,
      "cannot invoke unpause() - perform() is currently running on another " +
        "thread",
    );
  },
);

/** Makes `count` connections that stay open, and counts them closing. */
function withConnections(c: curl.Curl, url: string, count: number): void {
  c.setopt(curl.MAXCONNECTS, count);
  for (let i = 0; i < count; i++) {
    c.setopt(curl.URL, url.replace("127.0.0.1", `127.0.0.${i + 1}`));
    c.setopt(curl.CONNECT_TO, [`::${new URL(url).host}`]);
    c.performBytesSync();
  }
}

test(
  SERVER,
  "Curl.close() in a callback of its own close() changes nothing",
  async () => {
    await using server = await startServer();
    using c = new curl.Curl();
    let closing = 0;
    c.setopt(curl.CLOSESOCKETFUNCTION, () => {
      closing += 1;
      assert(c.closed);
      c.close();
      c[Symbol.dispose]();
    });
    withConnections(c, server.url, 3);
    assertEquals(closing, 0);
    c.close();
    assertEquals(closing, 3);
    c.close();
    assertEquals(closing, 3);
  },
);

Deno.test("Curl.close() calls HSTSWRITEFUNCTION for each entry when it calls close() again", () => {
  const c = curlTo(FILE);
  let left = 3;
  const written: string[] = [];
  c.setopt(curl.HSTS_CTRL, curl.CURLHSTS_ENABLE);
  c.setopt(
    curl.HSTSREADFUNCTION,
    () =>
      left-- > 0
        ? { host: `h${left}.example`, expire: null, includeSubDomains: false }
        : null,
  );
  c.setopt(curl.HSTSWRITEFUNCTION, ({ host }) => {
    written.push(host);
    c.close();
  });
  c.performBytesSync();
  c.close();
  assertEquals(written.sort(), ["h0.example", "h1.example", "h2.example"]);
});

test(
  SERVER,
  "Curl's methods throw in a callback of its close()",
  async () => {
    await using server = await startServer();
    using share = shareOf(curl.LOCK_DATA_DNS);
    using c = attachedTo(share, server.url);
    const refusals: string[] = [];
    c.setopt(curl.CLOSESOCKETFUNCTION, () => {
      const calls = {
        reset: () => c.reset(),
        duphandle: () => c.duphandle(),
        setopt: () => c.setopt(curl.SHARE, share),
        getinfo: () => c.getinfo(curl.RESPONSE_CODE),
        perform: () => c.performSync(),
        pause: () => c.pause(curl.PAUSE_ALL),
        share: () => c.share(),
      };
      for (const [word, call] of Object.entries(calls)) {
        assertEquals(
          refusal(call),
          `cannot invoke ${word}() - no curl handle`,
        );
        refusals.push(word);
      }
      assertEquals(share.attached, 0);
    });
    c.performBytesSync();
    c.close();
    assertEquals(refusals.length, 7);
  },
);

test(
  SERVER,
  "CurlShare.close() works in a callback of its Curl's close()",
  async () => {
    await using server = await startServer();
    // Of connections that a handle makes on such a share, it tells when it
    // closes.
    const share = shareOf(curl.LOCK_DATA_DNS);
    using c = attachedTo(share, server.url);
    using other = attachedTo(share, FILE);
    c.setopt(curl.CLOSESOCKETFUNCTION, () => share.close());
    c.performBytesSync();
    c.close();
    assert(share.closed);
    assertStrictEquals(other.share(), null);
  },
);

test(
  SERVER,
  "Curl.close() tells the first of several exceptions, and closes all the same",
  async () => {
    await using server = await startServer();
    const c = new curl.Curl();
    const thrown = new Error("first");
    c.setopt(curl.CLOSESOCKETFUNCTION, () => {
      throw thrown;
    });
    withConnections(c, server.url, 2);
    const error = assertThrows(() => c.close(), curl.CurlError);
    assertStrictEquals(error.cause, thrown);
    assert(c.closed);
    assertEquals(isAlive(c.handle), false);
    c.close();
  },
);

test(
  WORKERS,
  "CurlShare.close() that is refused leaves no lock behind",
  async () => {
    using share = shareOf(
      curl.LOCK_DATA_COOKIE,
      curl.LOCK_DATA_CONNECT,
      curl.LOCK_DATA_DNS,
    );
    using c = attachedTo(share, FILE);
    using idle = attachedTo(share, FILE);
    during(c, () => {
      for (let i = 0; i < 100; i++) {
        assertNotEquals(refusal(() => share.close()), "");
      }
    });
    await using peer = await startPeer();
    const there = await peer.call("makeCurl", FILE);
    await peer.call("onCurl", there, "setopt", curl.SHARE, {
      share: share.handle,
    });
    const body = await peer.call("onCurl", there, "performTextSync") as string;
    assertGreater(body.length, 0);
    assertEquals(idle.performTextSync(), body);
    share.close();
    assert(share.closed);
  },
);

Deno.test("CurlShare.close() under many live handles leaves them all usable", () => {
  const share = shareOf(curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_CONNECT);
  using stack = new DisposableStack();
  const all = Array.from(
    { length: 50 },
    () => stack.use(attachedTo(share, FILE)),
  );
  for (const c of all) c.performBytesSync();
  share.close();
  for (const c of all) assertGreater(c.performBytesSync().length, 0);
});

Deno.test("Curl.unsetopt(WRITEFUNCTION) leaves a handle that performs", () => {
  using c = curlTo(FILE);
  c.setopt(curl.WRITEFUNCTION, () => {
    throw new Error("it is unset");
  });
  c.unsetopt(curl.WRITEFUNCTION);
  assertGreater(c.performBytesSync().length, 0);
});

test(
  CHILD,
  "Curl.unsetopt() of WRITEFUNCTION and READFUNCTION gives standard output and input back",
  async () => {
    const target = await Deno.makeTempFile();
    try {
      const { code, stdout, stderr } = await runChild(
        `
        const c = new curl.Curl();
        const never = () => { throw new Error("it is unset"); };
        c.setopt(curl.URL, Deno.args[0]);
        c.setopt(curl.UPLOAD, true);
        c.setopt(curl.READFUNCTION, never);
        c.setopt(curl.WRITEFUNCTION, never);
        c.unsetopt(curl.READFUNCTION);
        c.unsetopt(curl.WRITEFUNCTION);
        c.performSync();
        c.setopt(curl.UPLOAD, false);
        c.performSync();
        c.setopt(curl.HEADERFUNCTION, never);
        c.setopt(curl.HEADERFUNCTION, null);
        c.performSync();`,
        { flags: ["-A"], args: [`file://${target}`], input: "from stdin\n" },
      );
      assertEquals(stderr, "");
      assertEquals(code, 0);
      assertEquals(stdout, "from stdin\nfrom stdin\n");
    } finally {
      await Deno.remove(target);
    }
  },
);

Deno.test("Curl.duphandle() gives a copy whose callbacks get the copy's data", () => {
  const small = new URL("./assert.ts", import.meta.url).href;
  using c = curlTo(FILE);
  const got: number[] = [];
  c.setopt(curl.WRITEFUNCTION, (data) => {
    got.push(data.length);
  });
  using copy = c.duphandle();
  copy.setopt(curl.URL, small);
  c.setopt(curl.WRITEFUNCTION, () => {
    throw new Error("the original's, which the copy does not have");
  });
  copy.performSync();
  assertEquals(
    got.reduce((sum, length) => sum + length, 0),
    copy.getinfo(curl.SIZE_DOWNLOAD),
  );
});

Deno.test("Curl.duphandle() in a callback gives a copy that performs in there", () => {
  using c = curlTo(FILE);
  const { length } = c.performBytesSync();
  let [own, copied] = [0, 0];
  c.setopt(curl.WRITEFUNCTION, (data) => {
    own += data.length;
    if (copied > 0) return;
    using copy = c.duphandle();
    copy.setopt(curl.WRITEFUNCTION, (data) => {
      copied += data.length;
    });
    copy.performSync();
  });
  c.performSync();
  assertEquals([own, copied], [length, length]);
});

test(
  SERVER,
  "Curl.duphandle() gives a copy that works when the original is closed",
  async () => {
    await using server = await startServer();
    const c = curlTo(`${server.url}/echo`);
    const headers: string[] = [];
    c.setopt(curl.POSTFIELDS, "body of the original");
    c.setopt(curl.HTTPHEADER, ["X-Original: yes"]);
    c.setopt(curl.USERAGENT, "original");
    c.setopt(curl.HEADERFUNCTION, (line) => {
      headers.push(new TextDecoder().decode(line));
    });
    using copy = c.duphandle();
    c.setopt(curl.POSTFIELDS, "something else");
    c.setopt(curl.HTTPHEADER, ["X-Original: no"]);
    c.close();
    const seen = JSON.parse(copy.performTextSync());
    assertEquals(seen.body, "body of the original");
    assertEquals(seen.headers["x-original"], "yes");
    assertEquals(seen.headers["user-agent"], "original");
    assertGreater(headers.length, 1);
  },
);

test(
  SERVER,
  "Curl.duphandle() copies how much of POSTFIELDS is to be sent",
  async () => {
    await using server = await startServer();
    using c = curlTo(`${server.url}/echo`);
    c.setopt(curl.POSTFIELDS, "abcdef");
    c.setopt(curl.POSTFIELDSIZE, 3);
    using copy = c.duphandle();
    assertEquals(JSON.parse(c.performTextSync()).body, "abc");
    assertEquals(JSON.parse(copy.performTextSync()).body, "abc");
  },
);

test(
  WORKERS,
  "Curl.close() of a Curl that another Worker has attached frees both sides",
  async () => {
    using share = shareOf(curl.LOCK_DATA_COOKIE);
    await using peer = await startPeer();
    const handle = await peer.call("makeCurl", FILE);
    await peer.call("onCurl", handle, "setopt", curl.SHARE, {
      share: share.handle,
    });
    curl.Curl.fromHandle(handle).close();
    assertEquals(share.attached, 0);
    await until("the handle is gone", () => !isAlive(handle));
    share.share(curl.LOCK_DATA_DNS);
  },
);

Deno.test("Curl.close() in another Curl's callback is not refused", () => {
  using c = curlTo(FILE);
  using share = shareOf(curl.LOCK_DATA_COOKIE);
  const other = attachedTo(share, FILE);
  c.setopt(curl.SHARE, share);
  during(c, () => other.close());
  assert(other.closed);
  assertEquals(share.attached, 1);
  assertRefused(() => other.reset(), "cannot invoke reset() - no curl handle");
});
