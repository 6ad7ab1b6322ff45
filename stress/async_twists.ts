/**
 * Ways to prepare an asynchronous transfer whose end is foretold: promises of
 * functions, and streams in their place.
 *
 * @module
 */

import * as curl from "../mod.ts";
import { set } from "./curl_operations.ts";
import { throwsNow } from "./functions.ts";
import type { CurlEntry, ExpectedCause } from "./objects.ts";
import { pause } from "./readers.ts";
import { type Foretold, form, setPlain, type Twist, upload } from "./twists.ts";
import type { Walk } from "./walk.ts";

/** What an asynchronous transfer will come to. */
export interface AsyncForetold extends Foretold {
  /** What a stream fails with. */
  readonly expected?: ExpectedCause;
  /** Where the body goes, if not to a function or to who performs. */
  readonly pieces?: Uint8Array[];
  /** Streams that it must let go of at its end. */
  readonly streams?: readonly { readonly locked: boolean }[];
}

/** A twist for asynchronous transfers alone. */
export interface AsyncTwist extends Twist {
  prepare(...args: Parameters<Twist["prepare"]>): AsyncForetold;
}

export const ASYNC_TWISTS: readonly AsyncTwist[] = [
  {
    name: "WRITEFUNCTION's promise rejects",
    schemes: "http",
    prepare(walk, entry) {
      setPlain(
        walk,
        entry,
        curl.WRITEFUNCTION,
        "WRITEFUNCTION",
        async (frame) => {
          await pause(walk.random.below(3));
          throwsNow(frame, "WRITEFUNCTION");
        },
      );
      return { codes: [curl.E_WRITE_ERROR], collects: false };
    },
  },
  {
    name: "WRITEFUNCTION's promise of too much",
    prepare(walk, entry) {
      setPlain(
        walk,
        entry,
        curl.WRITEFUNCTION,
        "WRITEFUNCTION",
        async (_, data) => {
          await pause(walk.random.below(3));
          return data.length + 1;
        },
      );
      return { codes: [curl.E_WRITE_ERROR], collects: false };
    },
  },
  {
    name: "READFUNCTION's promises",
    prepare(walk, entry) {
      const body = upload(walk, entry);
      let sent = 0;
      setPlain(
        walk,
        entry,
        curl.READFUNCTION,
        "READFUNCTION",
        async (_, size) => {
          await pause(walk.random.below(2));
          const length = walk.random.between(1, size);
          return body.slice(sent, sent += length);
        },
      );
      return { isOther: true, status: 200 };
    },
  },
  {
    name: "READFUNCTION's promise rejects",
    prepare(walk, entry) {
      upload(walk, entry);
      setPlain(
        walk,
        entry,
        curl.READFUNCTION,
        "READFUNCTION",
        async (frame) => {
          await pause(walk.random.below(3));
          throwsNow(frame, "READFUNCTION");
        },
      );
      return { codes: [curl.E_ABORTED_BY_CALLBACK] };
    },
  },
  {
    name: "form with promises and Blobs",
    prepare: (walk, entry) => form(walk, entry, true),
  },
  {
    name: "READDATA from a stream",
    prepare(walk, entry) {
      const body = upload(walk, entry);
      const stream = source(walk, entry, body);
      return { isOther: true, status: 200, streams: [stream] };
    },
  },
  {
    name: "READDATA from a stream that fails",
    prepare(walk, entry) {
      const cause = new Error("the source is dry");
      const body = upload(walk, entry);
      const stream = source(walk, entry, body, cause);
      return {
        codes: [curl.E_ABORTED_BY_CALLBACK],
        expected: { cause },
        streams: [stream],
      };
    },
  },
  {
    name: "WRITEDATA to a stream",
    prepare(walk, entry) {
      const pieces: Uint8Array[] = [];
      const stream = sink(walk, pieces);
      const headers = sink(walk, []);
      set(walk, entry, curl.WRITEDATA, stream);
      const both = walk.random.chance(500);
      if (both) set(walk, entry, curl.WRITEHEADER, headers);
      return {
        collects: false,
        pieces,
        streams: both ? [stream, headers] : [stream],
      };
    },
  },
  {
    name: "WRITEDATA to a stream that fails",
    prepare(walk, entry) {
      const cause = new Error("the sink is full");
      const stream = sink(walk, [], cause);
      set(walk, entry, curl.WRITEDATA, stream);
      return {
        codes: [curl.E_WRITE_ERROR],
        collects: false,
        expected: { cause },
        streams: [stream],
      };
    },
  },
];

/** Gives a body in chunks of any length; `cause` is what it fails with. */
function source(
  walk: Walk,
  entry: CurlEntry,
  body: Uint8Array,
  cause?: Error,
): ReadableStream<Uint8Array> {
  const { random } = walk;
  const isLate = random.chance(500);
  let sent = 0;
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (isLate) await pause(random.below(3));
      if (cause && sent >= body.length / 2) return controller.error(cause);
      const most = cause ? body.length / 2 : 90_000;
      const end = sent + random.between(1, Math.floor(most));
      if (sent < body.length) controller.enqueue(body.slice(sent, end));
      else controller.close();
      sent = end;
    },
  });
  set(walk, entry, curl.READDATA, stream);
  return stream;
}

/** Keeps what it gets; `cause` is what it fails with. */
function sink(
  { random }: Walk,
  pieces: Uint8Array[],
  cause?: Error,
): WritableStream<Uint8Array> {
  const isLate = random.chance(500);
  return new WritableStream({
    async write(chunk) {
      if (isLate) await pause(random.below(3));
      if (cause) throw cause;
      pieces.push(chunk);
    },
  });
}
