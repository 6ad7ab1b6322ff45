/**
 * Ways to prepare a transfer whose end is foretold.
 *
 * @module
 */

import * as curl from "../mod.ts";
import { makeBody } from "./body.ts";
import { set } from "./curl_operations.ts";
import {
  answering,
  type Habits,
  makeFunction,
  slot,
  TAME,
  throwsNow,
} from "./functions.ts";
import type { CurlEntry, Frame } from "./objects.ts";
import { pause } from "./readers.ts";
import { FILES, fileUrl, type Target } from "./settings.ts";
import type { Walk } from "./walk.ts";

/** What a transfer will come to. */
export interface Foretold {
  /** libcurl's code; several where chance decides. Without any it ends well. */
  readonly codes?: readonly number[];
  readonly status?: number;
  /** Whether the body comes by WRITEFUNCTION; else chance decides. */
  readonly collects?: boolean;
  /** The whole body's shape, if it is not the target's. */
  readonly isOther?: boolean;
}

/** A way to prepare a transfer, of which the target is set. */
export interface Twist {
  readonly name: string;
  readonly schemes?: "http";
  prepare(walk: Walk, entry: CurlEntry, target: Target): Foretold;
}

/** Sets a function that does nothing but this. */
export function setPlain(
  walk: Walk,
  entry: CurlEntry,
  option: curl.CurlOption,
  name: string,
  // deno-lint-ignore no-explicit-any -- as many as the option has
  answer: (frame: Frame, ...args: any[]) => unknown,
): void {
  const { family } = entry;
  set(
    walk,
    entry,
    option,
    (...args: unknown[]) =>
      answering(walk, family, name, (frame) => answer(frame, ...args)),
  );
}

/** Sets a function that goes on, but makes calls. */
function setTame(walk: Walk, entry: CurlEntry, name: string): void {
  setHabit(walk, entry, name, TAME);
}

export function setHabit(
  walk: Walk,
  entry: CurlEntry,
  name: string,
  habits: Habits,
): void {
  const { option } = slot(name);
  set(
    walk,
    entry,
    option,
    makeFunction(walk, entry, slot(name), habits),
  );
}

/** Throws in a function, and tells what must come of it. */
function throwing(
  name: string,
  codes: number[],
  more: (walk: Walk, entry: CurlEntry) => void = () => {},
): Twist {
  return {
    name: `${name} throws`,
    schemes: "http",
    prepare(walk, entry) {
      more(walk, entry);
      const { option } = slot(name);
      setPlain(walk, entry, option, name, (frame) => throwsNow(frame, name));
      return { codes, collects: name === "WRITEFUNCTION" ? false : undefined };
    },
  };
}

/** A function answers what ends the transfer. */
function refusing(
  name: string,
  answer: unknown,
  codes: number[],
  more: (walk: Walk, entry: CurlEntry) => void = () => {},
): Twist {
  return {
    name: `${name} answers ${answer}`,
    schemes: "http",
    prepare(walk, entry) {
      more(walk, entry);
      setPlain(walk, entry, slot(name).option, name, () => answer);
      return { codes, collects: name === "WRITEFUNCTION" ? false : undefined };
    },
  };
}

function withProgress(walk: Walk, entry: CurlEntry): void {
  set(walk, entry, curl.NOPROGRESS, false);
}

/** Functions about new connections are asked only if there is one. */
function withNewConnection(walk: Walk, entry: CurlEntry): void {
  set(walk, entry, curl.FRESH_CONNECT, true);
}

function toUrl(
  name: string,
  path: string,
  foretold: Foretold,
  more: (walk: Walk, entry: CurlEntry) => void = () => {},
): Twist {
  return {
    name,
    prepare(walk, entry) {
      more(walk, entry);
      const { http, https, folder } = walk.site;
      const server = walk.random.chance(500) ? http : https;
      const url = path.replace("SERVER", server).replace("FOLDER", folder);
      set(walk, entry, curl.URL, url);
      return { isOther: true, ...foretold };
    },
  };
}

const ABORTED = [curl.E_ABORTED_BY_CALLBACK];
const NOT_CONNECTED = [curl.E_COULDNT_CONNECT];

export const TWISTS: readonly Twist[] = [
  { name: "nothing", prepare: () => ({}) },
  {
    name: "calls in callbacks",
    prepare(walk, entry) {
      withProgress(walk, entry);
      for (
        const name of [
          "HEADERFUNCTION",
          "XFERINFOFUNCTION",
          "OPENSOCKETFUNCTION",
          "SOCKOPTFUNCTION",
          "CLOSESOCKETFUNCTION",
          "PREREQFUNCTION",
          "RESOLVER_START_FUNCTION",
        ]
      ) {
        if (walk.random.chance(500)) setTame(walk, entry, name);
      }
      return {};
    },
  },
  {
    name: "all told",
    prepare(walk, entry) {
      setTame(walk, entry, "DEBUGFUNCTION");
      set(walk, entry, curl.VERBOSE, true);
      return {};
    },
  },
  throwing("WRITEFUNCTION", [curl.E_WRITE_ERROR]),
  throwing("HEADERFUNCTION", [curl.E_WRITE_ERROR]),
  throwing("XFERINFOFUNCTION", ABORTED, withProgress),
  throwing("PREREQFUNCTION", ABORTED),
  throwing("OPENSOCKETFUNCTION", NOT_CONNECTED, withNewConnection),
  throwing(
    "SOCKOPTFUNCTION",
    [...ABORTED, ...NOT_CONNECTED],
    withNewConnection,
  ),
  throwing("DEBUGFUNCTION", [...ABORTED, curl.E_WRITE_ERROR], (walk, entry) => {
    set(walk, entry, curl.VERBOSE, true);
  }),
  refusing("WRITEFUNCTION", 0, [curl.E_WRITE_ERROR]),
  refusing("WRITEFUNCTION", -1, [curl.E_WRITE_ERROR]),
  refusing("HEADERFUNCTION", 1_000_000, [curl.E_WRITE_ERROR]),
  refusing("XFERINFOFUNCTION", true, ABORTED, withProgress),
  refusing("PREREQFUNCTION", curl.PREREQFUNC_ABORT, ABORTED),
  refusing(
    "OPENSOCKETFUNCTION",
    curl.SOCKET_BAD,
    NOT_CONNECTED,
    withNewConnection,
  ),
  toUrl("nobody there", "http://127.0.0.1:1/", { codes: NOT_CONNECTED }),
  toUrl("no such file", "file://FOLDER/none", {
    codes: [curl.E_FILE_COULDNT_READ_FILE],
  }),
  toUrl("no such scheme", "what://ever/", {
    codes: [curl.E_UNSUPPORTED_PROTOCOL],
  }),
  toUrl("no URL", "", { codes: [curl.E_URL_MALFORMAT] }),
  toUrl("status 404", "SERVER/status/404", { status: 404 }),
  toUrl("status 404 fails", "SERVER/status/404", {
    codes: [curl.E_HTTP_RETURNED_ERROR],
  }, (walk, entry) => set(walk, entry, curl.FAILONERROR, 1)),
  toUrl("redirect", "SERVER/redirect/2", { status: 302 }),
  toUrl("redirects followed", "SERVER/redirect/2", {
    status: 200,
  }, (walk, entry) => set(walk, entry, curl.FOLLOWLOCATION, 1)),
  toUrl("too many redirects", "SERVER/redirect/9", {
    codes: [curl.E_TOO_MANY_REDIRECTS],
  }, (walk, entry) => {
    set(walk, entry, curl.FOLLOWLOCATION, 1);
    set(walk, entry, curl.MAXREDIRS, 2);
  }),
  toUrl("time is up", "SERVER/stall", {
    codes: [curl.E_OPERATION_TIMEDOUT],
  }, (walk, entry) => set(walk, entry, curl.TIMEOUT_MS, 30)),
  toUrl("broken off", "SERVER/broken/5000/7", {
    codes: [curl.E_PARTIAL_FILE, curl.E_RECV_ERROR, curl.E_HTTP2_STREAM],
  }),
  {
    name: "not trusted",
    prepare(walk, entry) {
      const { https, folder } = walk.site;
      set(walk, entry, curl.CAINFO_BLOB, null);
      set(walk, entry, curl.CAINFO, `${folder}/other.pem`);
      set(walk, entry, curl.URL, `${https}/body/100/1`);
      return { codes: [curl.E_PEER_FAILED_VERIFICATION] };
    },
  },
  {
    name: "post",
    schemes: "http",
    prepare(walk, entry) {
      const shape = { length: walk.random.between(8, 20_000), seed: 99 };
      const { http, https } = walk.site;
      const server = walk.random.chance(500) ? http : https;
      set(walk, entry, curl.POSTFIELDS, makeBody(shape));
      const url = `${server}/upload/${shape.length}/${shape.seed}`;
      set(walk, entry, curl.URL, url);
      return { isOther: true, status: 200 };
    },
  },
  {
    name: "upload",
    prepare(walk, entry) {
      const body = upload(walk, entry);
      let sent = 0;
      setPlain(walk, entry, curl.READFUNCTION, "READFUNCTION", (_, size) => {
        const length = walk.random.between(1, size);
        return body.slice(sent, sent += length);
      });
      return { isOther: true, status: 200 };
    },
  },
  {
    name: "READFUNCTION throws",
    prepare(walk, entry) {
      upload(walk, entry);
      setPlain(
        walk,
        entry,
        curl.READFUNCTION,
        "READFUNCTION",
        (frame) => throwsNow(frame, "READFUNCTION"),
      );
      return { codes: ABORTED };
    },
  },
  {
    name: "READFUNCTION aborts",
    prepare(walk, entry) {
      upload(walk, entry);
      setPlain(
        walk,
        entry,
        curl.READFUNCTION,
        "READFUNCTION",
        () => curl.READFUNC_ABORT,
      );
      return { codes: ABORTED };
    },
  },
  {
    name: "paused for good",
    schemes: "http",
    prepare(walk, entry) {
      set(walk, entry, curl.TIMEOUT_MS, 40);
      setPlain(
        walk,
        entry,
        curl.WRITEFUNCTION,
        "WRITEFUNCTION",
        () => curl.WRITEFUNC_PAUSE,
      );
      return { codes: [curl.E_OPERATION_TIMEDOUT], collects: false };
    },
  },
  {
    name: "paused for a while",
    schemes: "http",
    prepare(walk, entry) {
      withProgress(walk, entry);
      let isPaused = false;
      let pauses = 0;
      setPlain(
        walk,
        entry,
        curl.WRITEFUNCTION,
        "WRITEFUNCTION",
        (frame, data) => {
          if (!isPaused && pauses++ < 2) {
            isPaused = true;
            return curl.WRITEFUNC_PAUSE;
          }
          frame.pieces.push(data.slice());
        },
      );
      setPlain(
        walk,
        entry,
        curl.XFERINFOFUNCTION,
        "XFERINFOFUNCTION",
        (outer) => {
          if (!isPaused) return;
          isPaused = false;
          // What was kept back comes now, in a call of its own.
          const { frame } = walk.drive(
            "pause",
            entry,
            "unpause()",
            ["ok"],
            () => {
              entry.curl.unpause();
            },
          );
          outer.pieces.push(...frame.pieces);
        },
      );
      return { collects: false };
    },
  },
  {
    name: "cookie",
    prepare(walk, entry) {
      const { http, https } = walk.site;
      const server = walk.random.chance(500) ? http : https;
      const number = walk.random.below(1000);
      const url = `${server}/cookie/${entry.curl.handle}/${number}`;
      set(walk, entry, curl.COOKIEFILE, "");
      set(walk, entry, curl.URL, url);
      return { isOther: true, status: 200 };
    },
  },
  {
    name: "form",
    prepare: (walk, entry) => form(walk, entry, false),
  },
  {
    name: "CURLU",
    prepare(walk, entry, target) {
      const url = new curl.CurlUrl(target.url);
      set(walk, entry, curl.CURLU, url);
      // What it was set to is what counts.
      if (walk.random.chance(500)) url.close();
      return {};
    },
  },
  {
    name: "closing sockets",
    prepare(walk, entry) {
      set(walk, entry, curl.FORBID_REUSE, true);
      setTame(walk, entry, "CLOSESOCKETFUNCTION");
      return {};
    },
  },
];

/** Sets a form with parts of many sorts; `later` has them read by promises. */
export function form(
  walk: Walk,
  entry: CurlEntry,
  later: boolean,
): Foretold {
  const { random, site } = walk;
  const server = random.chance(500) ? site.http : site.https;
  const mime = new curl.CurlMime(entry.curl);
  const count = random.between(1, 5);
  for (let seed = 0; seed < count; seed++) {
    const shape = { length: random.between(8, 60_000), seed };
    const body = makeBody(shape);
    const name = `part-${shape.length}-${seed}`;
    const kind = random.below(later ? 5 : 4);
    if (kind === 0) mime.addField(name, body, { filename: "bytes" });
    else if (kind === 1) mime.addMultipart({ name }).addField("inner", body);
    else if (kind === 2) {
      const file = random.pick(FILES);
      mime.addFile(
        `part-${file.length}-${file.seed}`,
        new URL(fileUrl(site, file)),
      );
    } else if (kind === 3) {
      const part = mime.addpart();
      part.name(name);
      part.filename("function");
      setReader(walk, entry, part, { body, later });
    } else {
      mime.addField(name, new Blob([body]), { filename: "blob" });
    }
  }
  set(walk, entry, curl.URL, `${server}/form/${count}`);
  set(walk, entry, curl.MIMEPOST, mime);
  return { isOther: true, status: 200 };
}

/** Functions that give all of a body in pieces, with calls in between. */
function setReader(
  walk: Walk,
  { family }: CurlEntry,
  part: curl.CurlMimePart,
  { body, later }: { body: Uint8Array; later: boolean },
): void {
  const { random } = walk;
  const isKnown = random.chance(500);
  let given = 0;
  const read = (frame: Frame, size: number) => {
    if (frame.budget > 0 && random.chance(TAME.calls)) {
      frame.budget--;
      walk.step();
    }
    const piece = body.slice(given, given += random.between(1, size));
    return later && frame.kind === "flight" && random.chance(500)
      ? pause(random.below(2)).then(() => piece)
      : piece;
  };
  part.dataCb(
    isKnown ? body.length : null,
    (_, size) =>
      answering(walk, family, "MIME_READ", (frame) => read(frame, size)),
    {
      seek: (_, offset) => {
        given = offset;
      },
    },
  );
}

/** Sets an upload whose bytes READFUNCTION is to give. */
export function upload(walk: Walk, entry: CurlEntry): Uint8Array {
  const { http, https } = walk.site;
  const server = walk.random.chance(500) ? http : https;
  const shape = { length: walk.random.between(8, 100_000), seed: 77 };
  set(walk, entry, curl.UPLOAD, true);
  if (walk.random.chance(500)) {
    set(walk, entry, curl.INFILESIZE, shape.length);
  }
  const url = `${server}/upload/${shape.length}/${shape.seed}`;
  set(walk, entry, curl.URL, url);
  return makeBody(shape);
}
