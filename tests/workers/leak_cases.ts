/**
 * What is done very often while memory and file descriptors stay flat. Runs in
 * a process of its own, with `--expose-gc`.
 */

import * as curl from "../../mod.ts";
import { leastGrowth, type State, state } from "./growth.ts";
import { LEAK_CASES } from "./multi_cases.ts";
import { attachedTo, curlTo, refusal, shareOf } from "./peers.ts";

/** This file: native code reads it without a permission of Deno's. */
const FILE = import.meta.url;

/** What is done again and again, made once. */
interface Case {
  rounds: number;
  /** Gives one round; `url` is a server's. */
  prepare: (url: string) => (round: number) => void;
}

const LIST = ["X-One: 1", "X-Two: 2", "X-Three: 3"];
const BODY = new Uint8Array(1000);

/** The cases, by what a test of them is called. */
export const CASES: Record<string, Case> = {
  "new Curl() and close()": {
    rounds: 100_000,
    prepare: () => () => curlTo(FILE).close(),
  },
  "new Curl(), performBytesSync() and close()": {
    rounds: 10_000,
    prepare: () => () => {
      using c = curlTo(FILE);
      c.performBytesSync();
    },
  },
  "new CurlShare() and close()": {
    rounds: 100_000,
    prepare: () => () => shareOf(curl.LOCK_DATA_COOKIE).close(),
  },
  "setopt(SHARE) and unsetopt(SHARE)": {
    rounds: 100_000,
    prepare: () => {
      const share = shareOf(curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_CONNECT);
      const c = curlTo(FILE);
      return () => {
        c.setopt(curl.SHARE, share);
        c.unsetopt(curl.SHARE);
      };
    },
  },
  "closing a share under two Curl objects": {
    rounds: 50_000,
    prepare: () => {
      const both = [curlTo(FILE), curlTo(FILE)];
      return () => {
        using share = shareOf(curl.LOCK_DATA_COOKIE);
        for (const c of both) c.setopt(curl.SHARE, share);
      };
    },
  },
  "closing a Curl that is attached": {
    rounds: 50_000,
    prepare: () => {
      const share = shareOf(curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_CONNECT);
      return () => attachedTo(share, FILE).close();
    },
  },
  "closing a share that is in use": {
    rounds: 50_000,
    prepare: () => {
      const share = new curl.CurlShare({ detachOnClose: false });
      attachedTo(share, FILE);
      const c = attachedTo(share, FILE);
      c.setopt(curl.PRIVATE, share);
      return () => {
        refusal(() => share.close());
      };
    },
  },
  "duphandle() and close()": {
    rounds: 100_000,
    prepare: () => {
      const c = curlTo(FILE);
      c.setopt(curl.HTTPHEADER, LIST);
      c.setopt(curl.POSTFIELDS, BODY);
      c.setopt(curl.WRITEFUNCTION, () => {});
      return () => c.duphandle().close();
    },
  },
  "performBytesSync() of a file": {
    rounds: 100_000,
    prepare: () => {
      const c = curlTo(FILE);
      return () => c.performBytesSync();
    },
  },
  "performSync() of a file with WRITEFUNCTION": {
    rounds: 20_000,
    prepare: () => {
      const c = curlTo(FILE);
      let got = 0;
      c.setopt(curl.WRITEFUNCTION, (data) => {
        got += data.length;
      });
      return () => c.performSync();
    },
  },
  "a transfer whose callback throws": {
    rounds: 10_000,
    prepare: () => {
      const c = curlTo(FILE);
      c.setopt(curl.WRITEFUNCTION, () => {
        throw new Error("no");
      });
      return () => {
        try {
          c.performSync();
        } catch {
          // It is what is measured.
        }
      };
    },
  },
  "setopt() of bytes, a list, a string and a function": {
    rounds: 50_000,
    prepare: () => {
      const c = curlTo(FILE);
      return (round) => {
        c.setopt(curl.POSTFIELDS, BODY);
        c.setopt(curl.HTTPHEADER, LIST);
        c.setopt(curl.USERAGENT, `agent ${round}`);
        c.setopt(curl.WRITEFUNCTION, () => {});
      };
    },
  },
  "setopt() of bytes and a list, and reset()": {
    rounds: 20_000,
    prepare: () => {
      const c = curlTo(FILE);
      return () => {
        c.setopt(curl.POSTFIELDS, BODY);
        c.setopt(curl.HTTPHEADER, LIST);
        c.setopt(curl.RESOLVE, ["a.invalid:1:127.0.0.1"]);
        c.reset();
      };
    },
  },
  "setopt() of bytes and a list in a callback": {
    rounds: 1000,
    prepare: () => {
      const c = curlTo(FILE);
      c.setopt(curl.WRITEFUNCTION, () => {
        for (let i = 0; i < 100; i++) {
          c.setopt(curl.POSTFIELDS, BODY);
          c.setopt(curl.HTTPHEADER, LIST);
        }
        c.setopt(curl.HTTPGET, true);
      });
      return () => c.performSync();
    },
  },
  "new CurlMime() with parts and close()": {
    rounds: 100_000,
    prepare: () => {
      const c = curlTo(FILE);
      return () => {
        using mime = new curl.CurlMime(c);
        mime.addField("field", BODY, { headers: LIST, encoder: "base64" });
        mime.addMultipart().addFile("file", new URL(FILE));
        mime.addpart().dataCb(1, () => "x", { seek: () => {}, free: () => {} });
        c.setopt(curl.MIMEPOST, mime);
      };
    },
  },
  "new CurlMime() that is never closed": {
    rounds: 50_000,
    prepare: () => {
      const c = curlTo(FILE);
      return () => {
        const mime = new curl.CurlMime(c);
        mime.addField("field", BODY);
        mime.addMultipart().addpart().dataCb(1, () => `${mime.closed}`);
      };
    },
  },
  "setopt(MIMEPOST) of forms, and of HTTPPOST": {
    rounds: 20_000,
    prepare: () => {
      const c = curlTo(FILE);
      const form = new FormData();
      form.append("text", "x".repeat(1000));
      form.append("blob", new Blob([BODY]));
      return () => {
        c.setopt(curl.MIMEPOST, form);
        c.setopt(curl.HTTPPOST, [["field", [curl.FORM_CONTENTS, BODY]]]);
      };
    },
  },
  "duphandle() of a handle with a mime": {
    rounds: 50_000,
    prepare: () => {
      const c = curlTo(FILE);
      const mime = new curl.CurlMime(c);
      mime.addField("field", BODY);
      mime.addMultipart().addpart().dataCb(1, () => "x", { free: () => {} });
      c.setopt(curl.MIMEPOST, mime);
      return () => c.duphandle().close();
    },
  },
  "new CurlMimePart that takes turns with its mime": {
    rounds: 100_000,
    prepare: () => {
      const c = curlTo(FILE);
      let mime = new curl.CurlMime(c);
      return (round) => {
        const part = mime.addpart();
        part.name("name");
        part.filename("name.txt");
        part.type("text/plain");
        part.encoder("base64");
        part.data(BODY);
        if (round % 100 > 0) return;
        mime.close();
        mime = new curl.CurlMime(c);
      };
    },
  },
  "changing the content of a part": {
    rounds: 100_000,
    prepare: () => {
      const c = curlTo(FILE);
      const part = new curl.CurlMime(c).addpart();
      return () => {
        part.data(BODY);
        part.dataCb(1, () => "x", { free: () => {} });
        part.subparts(new curl.CurlMime(c));
        part.headers(LIST);
      };
    },
  },
  "sending a mime": {
    rounds: 500,
    prepare: (url) => {
      const c = curlTo(`${url}/upload`);
      const mime = new curl.CurlMime(c);
      mime.addField("field", BODY);
      mime.addMultipart().addFile("file", new URL(FILE));
      mime.addpart().dataCb(BODY.length, () => BODY, { seek: () => {} });
      c.setopt(curl.MIMEPOST, mime);
      return () => c.performBytesSync();
    },
  },
  "getinfo() of strings and lists": {
    rounds: 50_000,
    prepare: () => {
      const c = curlTo(FILE);
      c.setopt(curl.COOKIELIST, "Set-Cookie: a=b; domain=a.example");
      return () => {
        c.getinfo(curl.EFFECTIVE_URL);
        c.getinfo(curl.INFO_COOKIELIST);
      };
    },
  },
  "new CurlUrl(), setting its parts, and close()": {
    rounds: 100_000,
    prepare: () => (round) => {
      using url = new curl.CurlUrl("https://user:pw@example.com:1/a?b#c");
      url.host = `host${round}.example`;
      url.query = "é";
      url.fragment = null;
      if (url.url === null) throw new Error("it has a URL");
    },
  },
  "new CurlUrl() of what is no URL": {
    rounds: 100_000,
    prepare: () => () => {
      try {
        new curl.CurlUrl("http://a:99999/");
      } catch {
        // It is what is measured.
      }
    },
  },
  "copy() of a CurlUrl, and toURL()": {
    rounds: 50_000,
    prepare: () => {
      const url = new curl.CurlUrl("https://example.com/");
      return () => {
        using copy = url.copy();
        copy.toURL();
      };
    },
  },
  "setopt(CURLU), duphandle(), reset() and close()": {
    rounds: 50_000,
    prepare: () => () => {
      using url = new curl.CurlUrl(FILE);
      using c = new curl.Curl();
      c.setopt(curl.CURLU, url);
      using copy = c.duphandle();
      c.reset();
      copy.unsetopt(curl.CURLU);
    },
  },
  "performBytesSync() with CURLU": {
    rounds: 50_000,
    prepare: () => {
      const url = new curl.CurlUrl(FILE);
      const c = new curl.Curl();
      c.setopt(curl.CURLU, url);
      return (round) => {
        url.query = `${round}`;
        c.performBytesSync();
      };
    },
  },
  "header(), headers(), upkeep()": {
    rounds: 50_000,
    prepare: (url) => {
      const c = curlTo(url);
      c.performBytesSync();
      return () => {
        c.header("date");
        c.headers();
        c.upkeep();
      };
    },
  },
  "sslsExport(), and sslsImport() of what is no session": {
    rounds: 50_000,
    prepare: () => {
      const c = attachedTo(shareOf(curl.LOCK_DATA_SSL_SESSION), FILE);
      return () => {
        c.sslsExport();
        try {
          c.sslsImport({ key: "a", data: BODY });
        } catch {
          // It is what is measured.
        }
      };
    },
  },
  "fromHandle() of what is gone": {
    rounds: 20_000,
    prepare: () => {
      const c = curlTo(FILE);
      c.close();
      return () => {
        refusal(() => curl.Curl.fromHandle(c.handle));
      };
    },
  },
  "connecting anew for each transfer": {
    rounds: 500,
    prepare: (url) => {
      const c = curlTo(url);
      c.setopt(curl.FRESH_CONNECT, true);
      c.setopt(curl.FORBID_REUSE, true);
      c.setopt(curl.CLOSESOCKETFUNCTION, () => {});
      return () => c.performBytesSync();
    },
  },
  "closing a Curl with its connections": {
    rounds: 500,
    prepare: (url) => () => {
      using c = curlTo(url);
      c.performBytesSync();
    },
  },
};

Object.assign(CASES, LEAK_CASES);

/** A fifth of 100 000 rounds that lose 10 bytes each loses as much. */
export const NOISE = 200_000;

/** Does a case's rounds, and gives what they left. */
export function measure(name: string, url: string): Promise<State> {
  const { rounds, prepare } = CASES[name];
  const round = prepare(url);
  return leastGrowth((sections) => run(round, rounds / sections), NOISE);
}

/** The memory that replacing an option takes, within one callback. */
export function replaceInCallback(rounds: number): number {
  const c = curlTo(FILE);
  let growth = NaN;
  c.setopt(curl.WRITEFUNCTION, () => {
    if (!Number.isNaN(growth)) return;
    for (let i = 0; i < 1000; i++) c.setopt(curl.POSTFIELDS, BODY);
    const before = state().memory;
    for (let i = 0; i < rounds; i++) c.setopt(curl.POSTFIELDS, BODY);
    growth = state().memory - before;
  });
  c.performSync();
  return growth;
}

/** In many tasks: what a WeakRef was made for lives to the end of its task. */
async function run(round: (round: number) => void, rounds: number) {
  for (let i = 0; i < rounds; i++) {
    round(i);
    if (i % 1000 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  }
}
