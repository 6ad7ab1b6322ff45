/**
 * CurlWebSocket against servers that keep to RFC 6455 or do not: the families of
 * the Autobahn test suite, as a table.
 *
 * @module
 */

import * as curl from "../mod.ts";
import { assertEquals, assertRejects } from "./assert.ts";
import {
  closing,
  frame,
  joined,
  startFrameServer,
} from "./fixtures/frame_server.ts";
import { SERVER } from "./fixtures/http_server.ts";
import { WORKERS } from "./fixtures/workers.ts";
import { test } from "./permissions.ts";

const CONTINUATION = 0;
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

const first = { fin: false };
const bytes = (...values: number[]) => new Uint8Array(values);
const close = frame(CLOSE, closing(1000));

interface Case {
  send: Uint8Array[];
  /** The messages that come out. */
  messages?: (string | Uint8Array)[];
  /** The pongs that the server gets. */
  pongs?: string[];
  /** How it ends; by default with code 1000. */
  closed?: { closeCode: number; reason: string };
  /** Or what the server is told that it has broken. */
  refused?: number;
}

const long = (length: number) => "x".repeat(length);
const binary = (length: number) => new Uint8Array(length).fill(7);

const CASES: Record<string, Case> = {
  // Framing.
  "an empty text": { send: [frame(TEXT)], messages: [""] },
  "an empty binary message": {
    send: [frame(BINARY)],
    messages: [binary(0)],
  },
  ...Object.fromEntries(
    [125, 126, 127, 128, 65535, 65536, 300_000].flatMap((length) => [
      [`a text of ${length} bytes`, {
        send: [frame(TEXT, long(length))],
        messages: [long(length)],
      }],
      [`a binary message of ${length} bytes`, {
        send: [frame(BINARY, binary(length))],
        messages: [binary(length)],
      }],
    ]),
  ),
  "a frame that claims 2 ** 63 bytes": {
    send: [bytes(0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0)],
    refused: 1002,
  },
  "a masked frame": {
    send: [frame(TEXT, "hello", { masked: true })],
    refused: 1002,
  },
  // Pings and pongs.
  "a ping without a payload": { send: [frame(PING)], pongs: [""] },
  "a ping of 125 bytes": {
    send: [frame(PING, long(125))],
    pongs: [long(125)],
  },
  "a ping of 126 bytes": { send: [frame(PING, long(126))], refused: 1002 },
  "ten pings": {
    send: Array.from({ length: 10 }, (_, i) => frame(PING, `${i}`)),
    pongs: Array.from({ length: 10 }, (_, i) => `${i}`),
  },
  "a pong that nobody asked for": {
    send: [frame(PONG, "what"), frame(TEXT, "hello")],
    messages: ["hello"],
  },
  // Reserved bits and opcodes.
  ...Object.fromEntries(
    [1, 2, 3, 4, 5, 6, 7].flatMap((rsv) =>
      [TEXT, BINARY, CLOSE, PING, PONG].map((opcode) => [
        `reserved bits ${rsv} of opcode ${opcode}`,
        { send: [frame(opcode, "", { rsv })], refused: 1002 },
      ])
    ),
  ),
  ...Object.fromEntries(
    [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => [
      `the reserved opcode ${opcode} behind a text`,
      {
        send: [frame(TEXT, "before"), frame(opcode, "what")],
        messages: ["before"],
        refused: 1002,
      },
    ]),
  ),
  // Fragmentation.
  "a fragmented ping": {
    send: [frame(PING, "a", first), frame(CONTINUATION, "b")],
    refused: 1002,
  },
  "a fragmented Close": { send: [frame(CLOSE, "", first)], refused: 1002 },
  "a text in two fragments": {
    send: [frame(TEXT, "hel", first), frame(CONTINUATION, "lo")],
    messages: ["hello"],
  },
  "a text in fragments with a ping between them": {
    send: [
      frame(TEXT, "hel", first),
      frame(PING, "?"),
      frame(CONTINUATION, "l", first),
      frame(CONTINUATION, "o"),
    ],
    messages: ["hello"],
    pongs: ["?"],
  },
  "fragments of which some are empty": {
    send: [
      frame(BINARY, "", first),
      frame(CONTINUATION, bytes(1), first),
      frame(CONTINUATION),
    ],
    messages: [bytes(1)],
  },
  "a continuation of nothing": {
    send: [frame(CONTINUATION, "what")],
    refused: 1002,
  },
  "a continuation behind a message's end": {
    send: [frame(TEXT, "whole"), frame(CONTINUATION, "what", first)],
    messages: ["whole"],
    refused: 1002,
  },
  "a message within another": {
    send: [frame(TEXT, "hel", first), frame(TEXT, "lo")],
    refused: 1002,
  },
  // UTF-8.
  "a text of many scripts": {
    send: [frame(TEXT, "κόσμε Hello-µ@ßöäüàá-UTF-8!! 𝄞")],
    messages: ["κόσμε Hello-µ@ßöäüàá-UTF-8!! 𝄞"],
  },
  "a text that begins with a byte order mark": {
    send: [frame(TEXT, bytes(0xef, 0xbb, 0xbf, 0x61))],
    messages: ["\ufeffa"],
  },
  "a character in two fragments": {
    send: [
      frame(TEXT, bytes(0xf0, 0x9d), first),
      frame(CONTINUATION, bytes(0x84, 0x9e)),
    ],
    messages: ["𝄞"],
  },
  "a text that ends amid a character": {
    send: [frame(TEXT, bytes(0xce))],
    refused: 1007,
  },
  "a text of which no more need come": {
    send: [frame(TEXT, bytes(0xce, 0xba, 0xed, 0xa0, 0x80), first)],
    refused: 1007,
  },
  ...Object.fromEntries(
    [
      [0xff],
      [0xc0, 0xaf],
      [0xe0, 0x80, 0xaf],
      [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0xf8, 0x88, 0x80, 0x80, 0x80],
    ].map((text) => [
      `the text ${text.map((byte) => byte.toString(16)).join(" ")}`,
      { send: [frame(TEXT, bytes(...text))], refused: 1007 },
    ]),
  ),
  "a binary message that is no UTF-8": {
    send: [frame(BINARY, bytes(0xff))],
    messages: [bytes(0xff)],
  },
  // Closing.
  "a Close without a code": {
    send: [frame(CLOSE)],
    closed: { closeCode: 1005, reason: "" },
  },
  "a Close of one byte": { send: [frame(CLOSE, bytes(3))], refused: 1002 },
  "a Close with a reason of 123 bytes": {
    send: [frame(CLOSE, closing(1000, long(123)))],
    closed: { closeCode: 1000, reason: long(123) },
  },
  "a Close with a reason of 124 bytes": {
    send: [frame(CLOSE, closing(1000, long(124)))],
    refused: 1002,
  },
  "a Close whose reason is no UTF-8": {
    send: [frame(CLOSE, bytes(3, 232, 0xff))],
    refused: 1007,
  },
  ...Object.fromEntries(
    [1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 4999].map((code) => [
      `a Close with the code ${code}`,
      {
        send: [frame(CLOSE, closing(code))],
        closed: { closeCode: code, reason: "" },
      },
    ]),
  ),
  ...Object.fromEntries(
    [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535].map((code) => [
      `a Close with the code ${code}`,
      { send: [frame(CLOSE, closing(code))], refused: 1002 },
    ]),
  ),
  "what comes behind a Close": {
    send: [close, frame(TEXT, "late"), frame(PING, "late")],
    messages: [],
    pongs: [],
  },
};

for (const [name, expected] of Object.entries(CASES)) {
  for (const split of [undefined, 1]) {
    const size = expected.send.reduce((sum, { length }) => sum + length, 0);
    // A packet for each byte takes its time.
    if (split !== undefined && size > 1000) continue;
    test(
      [SERVER, WORKERS],
      `CurlWebSocket ${expected.refused === undefined ? "takes" : "refuses"} ` +
        `${name}${split === undefined ? "" : ", byte by byte"}`,
      async () => {
        const { messages = [], pongs = [], refused } = expected;
        const { closed = { closeCode: 1000, reason: "" } } = expected;
        await using server = await startFrameServer();
        const url = await server.url({
          send: joined(...expected.send, close),
          split,
        });
        const ws = new curl.CurlWebSocket(url);
        const { readable } = await ws.opened;
        const got: unknown[] = [];
        const read = (async () => {
          for await (const message of readable) got.push(message);
        })();
        if (refused === undefined) {
          await read;
          assertEquals(await ws.closed, closed);
        } else {
          const failure = await assertRejects(() => read, curl.CurlError);
          assertEquals(failure.code, curl.E_RECV_ERROR);
          assertEquals(
            await assertRejects(() => ws.closed, curl.CurlError),
            failure,
          );
        }
        assertEquals(got, messages);
        const { frames } = await server.ended(url);
        assertEquals(frames.every(({ masked }) => masked), true);
        const answers = frames.filter(({ opcode }) => opcode === PONG);
        assertEquals(
          answers.map(({ payload }) => new TextDecoder().decode(payload)),
          pongs,
        );
        const last = frames.at(-1)!;
        assertEquals(last.opcode, CLOSE);
        const code = refused ??
          (closed.closeCode === 1005 ? undefined : closed.closeCode);
        assertEquals(
          [...last.payload.subarray(0, 2)],
          code === undefined ? [] : [...closing(code)],
        );
      },
    );
  }
}
