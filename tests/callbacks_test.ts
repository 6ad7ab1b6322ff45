/** What holds for every callback, whatever it is for. */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertStrictEquals,
  assertStringIncludes,
} from "./assert.ts";
import { CALLBACK_CASES } from "./fixtures/callback_cases.ts";
import { keepsToTheRules } from "./fixtures/callback_rules.ts";
import {
  assertCurlError,
  curlFor,
  FILE,
  LONG_FILE,
} from "./fixtures/checks.ts";
import { CHILD, runChild } from "./fixtures/child.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { test } from "./permissions.ts";

for (const subject of CALLBACK_CASES) {
  test(subject.needs, `${subject.name} keeps to the rules`, (context) => {
    return keepsToTheRules(context, subject);
  });
}

for (const thrown of [undefined, null, 0, "text", Symbol("thrown"), {}]) {
  const shown = typeof thrown === "object" ? JSON.stringify(thrown) : thrown;
  Deno.test(`CurlError.cause is ${String(shown)} when that is thrown`, () => {
    using c = curlFor(FILE);
    c.setopt(curl.WRITEFUNCTION, () => {
      throw thrown;
    });
    const error = assertCurlError(() => c.performSync(), curl.E_WRITE_ERROR);
    assert("cause" in error);
    assertStrictEquals(error.cause, thrown);
  });
}

Deno.test("CurlError has no cause when no callback threw", () => {
  using c = curlFor(FILE);
  c.setopt(curl.WRITEFUNCTION, () => 0);
  const error = assertCurlError(() => c.performSync(), curl.E_WRITE_ERROR);
  assert(!("cause" in error));
});

Deno.test("CurlError.cause says null when a callback returned null", () => {
  using c = curlFor(FILE);
  c.setopt(curl.WRITEFUNCTION, () => null as unknown as number);
  const { cause } = assertCurlError(() => c.performSync(), curl.E_WRITE_ERROR);
  assertStringIncludes(String(cause), "but returned null");
});

Deno.test("CurlError of one transfer has no cause of the one before", () => {
  using c = curlFor(FILE);
  c.setopt(curl.WRITEFUNCTION, () => {
    throw new Error("out");
  });
  assertCurlError(() => c.performSync(), curl.E_WRITE_ERROR);
  c.setopt(curl.URL, "file:///does/not/exist");
  const missing = curl.E_FILE_COULDNT_READ_FILE;
  const error = assertCurlError(() => c.performSync(), missing);
  assertEquals(error.cause, undefined);
});

test(
  SERVER,
  "performSync() calls nobody once a callback has thrown",
  async () => {
    await using server = await startServer();
    using c = curlFor(server.url);
    const later: string[] = [];
    let hasThrown = false;
    const note = (name: string) => () => {
      if (hasThrown) later.push(name);
    };
    c.setopt(curl.VERBOSE, true);
    c.setopt(curl.FORBID_REUSE, true);
    c.setopt(curl.NOPROGRESS, false);
    c.setopt(curl.DEBUGFUNCTION, note("DEBUGFUNCTION"));
    c.setopt(curl.CLOSESOCKETFUNCTION, note("CLOSESOCKETFUNCTION"));
    c.setopt(curl.XFERINFOFUNCTION, note("XFERINFOFUNCTION"));
    c.setopt(curl.WRITEFUNCTION, note("WRITEFUNCTION"));
    c.setopt(curl.HEADERFUNCTION, () => {
      hasThrown = true;
      throw new Error("out");
    });
    assertCurlError(() => c.performSync(), curl.E_WRITE_ERROR);
    assertEquals(later, []);
  },
);

test(
  SERVER,
  "DEBUGFUNCTION aborts a transfer that stalls, with PROGRESSFUNCTION set",
  async () => {
    await using server = await startServer();
    using c = curlFor(`${server.url}/stall`);
    c.setopt(curl.TIMEOUT_MS, 2000);
    c.setopt(curl.PROGRESSFUNCTION, () => {});
    c.setopt(curl.VERBOSE, true);
    c.setopt(curl.DEBUGFUNCTION, (type) => {
      if (type === curl.INFOTYPE_HEADER_OUT) throw new Error("seen enough");
    });
    assertCurlError(() => c.performTextSync(), curl.E_ABORTED_BY_CALLBACK);
  },
);

Deno.test("setopt() in a callback changes who is called next", () => {
  using c = curlFor(LONG_FILE);
  const called: string[] = [];
  c.setopt(curl.WRITEFUNCTION, () => {
    called.push("first");
    c.setopt(curl.WRITEFUNCTION, () => void called.push("second"));
  });
  c.performSync();
  assertEquals(called.slice(0, 2), ["first", "second"]);
  assertEquals(new Set(called.slice(1)), new Set(["second"]));
});

test(
  CHILD,
  "unsetopt(WRITEFUNCTION) in a callback sends the rest to standard output",
  async () => {
    const { stdout, stderr } = await runChild(
      `const c = new curl.Curl();
      c.setopt(curl.URL, Deno.args[0]);
      let size = 0;
      c.setopt(curl.WRITEFUNCTION, (data) => {
        size = data.length;
        c.unsetopt(curl.WRITEFUNCTION);
      });
      c.performSync();
      console.error(size);`,
      { flags: ["--allow-ffi"], args: [LONG_FILE] },
    );
    const whole = await Deno.readTextFile(new URL(LONG_FILE));
    assertGreater(Number(stderr), 0);
    assertEquals(stdout, whole.slice(Number(stderr)));
  },
);

Deno.test("close() in another handle's callback closes for good", () => {
  const other = curlFor(FILE);
  using c = curlFor(LONG_FILE);
  let calls = 0;
  c.setopt(curl.WRITEFUNCTION, () => {
    calls += 1;
    other.close();
  });
  c.performSync();
  assertGreater(calls, 1);
  assertCurlError(() => other.performSync(), undefined, "no curl handle");
});

test(
  SERVER,
  "performTextSync() keeps its body apart from an inner one",
  async () => {
    await using server = await startServer();
    using c = curlFor(`${server.url}/status/404`);
    using other = curlFor(server.url);
    const inner: string[] = [];
    c.setopt(
      curl.HEADERFUNCTION,
      () => void inner.push(other.performTextSync()),
    );
    assertEquals(c.performTextSync(), "status 404\n");
    assertEquals(new Set(inner), new Set(["home\n"]));
  },
);

test(SERVER, "unpause() works in the callback of another handle", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/bytes/100000`);
  using other = curlFor(server.url);
  let isPaused = false;
  let size = 0;
  other.setopt(curl.WRITEFUNCTION, () => c.unpause());
  c.setopt(curl.WRITEFUNCTION, (data) => {
    if (!isPaused) {
      isPaused = true;
      return curl.WRITEFUNC_PAUSE;
    }
    size += data.length;
  });
  c.setopt(curl.NOPROGRESS, false);
  c.setopt(curl.XFERINFOFUNCTION, () => {
    if (isPaused && size === 0) other.performSync();
  });
  c.performSync();
  assertEquals(size, 100_000);
});

test(
  CHILD,
  "Deno.exit() in a callback's callback ends the process",
  async () => {
    const { code, signal, stderr } = await runChild(
      `using c = new curl.Curl();
    using other = new curl.Curl();
    c.setopt(curl.URL, Deno.args[0]);
    other.setopt(curl.URL, Deno.args[0]);
    c.setopt(curl.WRITEFUNCTION, () => other.performSync());
    other.setopt(curl.WRITEFUNCTION, () => Deno.exit(7));
    c.performSync();`,
      { flags: ["--allow-ffi"], args: [FILE] },
    );
    assertEquals([code, signal, stderr], [7, null, ""]);
  },
);

Deno.test("performSync() works in callbacks of callbacks, twenty deep", () => {
  const depths: number[] = [];
  const descend = (depth: number) => {
    using c = curlFor(FILE);
    c.setopt(curl.WRITEFUNCTION, () => {
      if (depth < 20) descend(depth + 1);
      depths.push(depth);
    });
    c.performSync();
  };
  descend(1);
  assertEquals(depths, Array.from({ length: 20 }, (_, i) => 20 - i));
});

test(
  CHILD,
  "performSync() leaves no handle running when callbacks run out of stack",
  async () => {
    const { stdout, signal } = await runChild(
      `const made = [];
      const descend = () => {
        const c = new curl.Curl();
        made.push(c);
        c.setopt(curl.URL, Deno.args[0]);
        c.setopt(curl.WRITEFUNCTION, descend);
        c.performSync();
      };
      try {
        descend();
      } catch (error) {
        while (error.cause) error = error.cause;
        console.log(error.name);
      }
      for (const c of made) c.close();
      console.log("all closed");`,
      { flags: ["--allow-ffi"], args: [FILE] },
    );
    assertEquals(signal, null);
    assertEquals(stdout, "RangeError\nall closed\n");
  },
);

test(
  CHILD,
  "performSync() near the end of the stack leaves its handle usable",
  async () => {
    const { stdout, stderr, signal } = await runChild(
      `using c = new curl.Curl();
      c.setopt(curl.URL, Deno.args[0]);
      let fine = 0;
      const failures = new Set();
      const perform = () => {
        try {
          c.setopt(curl.WRITEFUNCTION, (data) => data.length);
          c.performSync();
          fine += 1;
        } catch (error) {
          while (error.cause) error = error.cause;
          failures.add(error.name);
        }
      };
      const descend = () => {
        try {
          descend();
        } finally {
          if (fine < 3) perform();
        }
      };
      try {
        descend();
      } catch (error) {
        failures.add(error.name);
      }
      console.log(fine, [...failures].join());
      console.log(c.performTextSync().length > 0);`,
      { flags: ["--allow-ffi"], args: [FILE] },
    );
    assertEquals([stderr, signal], ["", null]);
    assertEquals(stdout, "3 RangeError\ntrue\n");
  },
);
