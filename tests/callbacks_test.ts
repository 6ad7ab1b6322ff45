/** What holds for every callback, whatever it is for. */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertInstanceOf,
  assertStrictEquals,
  assertStringIncludes,
} from "./assert.ts";
import {
  type Arrange,
  CALLBACK_CASES,
  type CallbackCase,
} from "./fixtures/callback_cases.ts";
import {
  assertCurlError,
  assertIsFile,
  assertUsable,
  curlFor,
  FILE,
  LONG_FILE,
} from "./fixtures/checks.ts";
import { CHILD, runChild } from "./fixtures/child.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { test } from "./permissions.ts";

type Callback = () => unknown;

/** A handle on which the callback of a case is called. */
function arranged(
  { option }: CallbackCase,
  arrange: Arrange,
  callback: Callback,
): curl.Curl {
  const c = new curl.Curl();
  rearrange(c, option, arrange, callback);
  return c;
}

function rearrange(
  c: curl.Curl,
  option: curl.CurlOption,
  arrange: Arrange,
  callback: Callback,
): void {
  c.reset();
  c.setopt(curl.TIMEOUT, 10);
  c.setopt(curl.WRITEFUNCTION, () => {});
  arrange(c);
  c.setopt(option, callback);
}

/** Fails unless the case's transfer works on a handle that has seen worse. */
function assertStillWorks(
  c: curl.Curl,
  { option, answer, name }: CallbackCase,
  arrange: Arrange,
): void {
  let calls = 0;
  rearrange(c, option, arrange, () => {
    calls += 1;
    return answer;
  });
  c.performSync();
  assertGreater(calls, 0, `${name} was not called`);
}

/** What each callback must do. */
interface Rule {
  what: string;
  check: (subject: CallbackCase, arrange: Arrange) => void;
  concerns: (subject: CallbackCase) => boolean;
}

const RULES: Rule[] = [];

function each(
  what: string,
  check: Rule["check"],
  concerns: Rule["concerns"] = () => true,
): void {
  RULES.push({ what, check, concerns });
}

each("aborts the transfer and is not asked again when it throws", (
  subject,
  arrange,
) => {
  const thrown = new RangeError("out");
  let calls = 0;
  using c = arranged(subject, arrange, () => {
    calls += 1;
    throw thrown;
  });
  const error = assertCurlError(() => c.performSync(), subject.code);
  assertStrictEquals(error.cause, thrown);
  assertEquals(calls, 1);
  assertStillWorks(c, subject, arrange);
});

const NONSENSE = ["x", {}, null, NaN, 1.5, 2 ** 53, Infinity, 5n, Symbol("5")];

each("aborts the transfer with a clear TypeError for nonsense", (
  subject,
  arrange,
) => {
  const promise = Promise.resolve(0);
  const { name, sensible = [], code } = subject;
  const nonsense = NONSENSE.filter((answer) => !sensible.includes(answer));
  for (const answer of [...nonsense, promise, () => 0]) {
    using c = arranged(subject, arrange, () => answer);
    const { cause } = assertCurlError(() => c.performSync(), code);
    assertInstanceOf(cause, TypeError, `${String(answer)}: ${cause}`);
    assertStringIncludes(cause.message, `${name} must return`);
    const what = answer === promise ? "promise" : "but returned";
    assertStringIncludes(cause.message, what);
    assertStillWorks(c, subject, arrange);
  }
}, ({ ignored }) => !ignored);

each("does not take 2 ** 32 for 0", (subject, arrange) => {
  using c = arranged(subject, arrange, () => 2 ** 32);
  assertCurlError(() => c.performSync(), subject.code);
  assertStillWorks(c, subject, arrange);
}, ({ wantsZero }) => wantsZero === true);

each("may let another handle perform", (subject, arrange) => {
  let calls = 0;
  using c = arranged(subject, arrange, () => {
    using other = new curl.Curl();
    other.setopt(curl.URL, FILE);
    let inner = 0;
    other.setopt(curl.WRITEFUNCTION, () => {
      inner += 1;
    });
    other.performSync();
    assertIsFile(other.performTextSync());
    calls += inner;
    return subject.answer;
  });
  c.performSync();
  assertGreater(calls, 0);
});

each("may use its own handle as libcurl allows", (subject, arrange) => {
  let calls = 0;
  using c = arranged(subject, arrange, () => {
    calls += 1;
    c.setopt(curl.TIMEOUT, 9);
    c.setopt(curl.USERAGENT, "changed");
    c.setopt(curl.RESOLVE, ["example.com:80:127.0.0.1"]);
    c.setopt(curl.PRIVATE, calls);
    c.unsetopt(curl.PROXY);
    assert(c.getinfo(curl.EFFECTIVE_URL)?.includes("://"));
    assertEquals(c.getinfo(curl.INFO_PRIVATE), calls);
    assertEquals(c.closed, false);
    assertStrictEquals(curl.Curl.fromHandle(c.handle), c);
    using copy = c.duphandle();
    copy.setopt(curl.URL, FILE);
    assertEquals(c.share(), null);
    return subject.answer;
  });
  c.performSync();
  assertGreater(calls, 0);
});

/** What libcurl does not allow there, and the name in the refusal. */
const REFUSED: Record<string, (c: curl.Curl, s: curl.CurlShare) => unknown> = {
  perform: (c) => c.performSync(),
  reset: (c) => c.reset(),
  close: (c) => c.close(),
  setopt: (c, share) => c.setopt(curl.SHARE, share),
};

each("is refused what its own handle can't do meanwhile", (
  subject,
  arrange,
) => {
  let calls = 0;
  using share = new curl.CurlShare();
  using c = arranged(subject, arrange, () => {
    calls += 1;
    for (const [name, call] of Object.entries(REFUSED)) {
      assertCurlError(
        () => call(c, share),
        undefined,
        `cannot invoke ${name}() - perform() is currently running`,
      );
    }
    return subject.answer;
  });
  c.performSync();
  assertGreater(calls, 0);
  assertEquals([c.closed, share.attached], [false, 0]);
  assertUsable(c);
});

for (const subject of CALLBACK_CASES) {
  test(subject.needs, `${subject.name} keeps to the rules`, async (context) => {
    await using stack = new AsyncDisposableStack();
    const arrange = await subject.start(stack);
    for (const { what, check, concerns } of RULES) {
      if (!concerns(subject)) continue;
      await context.step(`${subject.name} ${what}`, () => {
        check(subject, arrange);
      });
    }
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
