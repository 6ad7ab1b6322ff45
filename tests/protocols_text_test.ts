/** The small protocols: DICT, GOPHER, TELNET, RTSP, WebSocket and files. */

import * as curl from "../mod.ts";
import { createCertificates } from "../tools/certificates.ts";
import { assert, assertEquals } from "./assert.ts";
import { assertCurlRejects } from "./fixtures/async_checks.ts";
import { assertCurlError, curlFor } from "./fixtures/checks.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { patternBytes } from "./fixtures/pattern.ts";
import { end, expect, hold, type Script, send } from "./fixtures/script.ts";
import {
  type ScriptedServer,
  startScriptedServer,
} from "./fixtures/scripted_server.ts";
import { giving, WAYS } from "./fixtures/ways.ts";
import { test } from "./permissions.ts";

const { ca, server: tls, unknownAuthority } = await createCertificates();

function handleFor(url: string): curl.Curl {
  const c = curlFor(url);
  c.setCaCerts(ca);
  return c;
}

function serve(
  script: Script,
  certificate?: typeof tls,
): Promise<ScriptedServer> {
  return startScriptedServer({ scripts: [script], tls: certificate });
}

const ENTRY = [
  "150 1 definitions retrieved",
  '151 "curl" test "Test dictionary"',
  "curl: to twist",
  ".",
  "250 ok",
];

const SERVES_DICT = [
  send("220 a dictionary\r\n"),
  expect(/QUIT\r\n/),
  send(["250 ok", ...ENTRY, "221 bye", ""].join("\r\n")),
  end(),
];

const QUESTIONS = {
  "d:curl:test": "DEFINE test curl",
  "m:cur:test:prefix": "MATCH test prefix cur",
  "SHOW:DB": "SHOW DB",
};

for (const way of WAYS) {
  for (const [path, question] of Object.entries(QUESTIONS)) {
    test(SERVER, `${way.name} asks by dict://…/${path}`, async () => {
      await using server = await serve(SERVES_DICT);
      using c = handleFor(`dict://127.0.0.1:${server.port}/${path}`);
      const answer = (await way.text(c)).split("\r\n");
      assertEquals(answer.slice(2, 2 + ENTRY.length), ENTRY);
      assertEquals(c.getinfo(curl.SCHEME), "dict");
      const [{ text }] = await server.ended(1);
      assertEquals(text.split("\r\n").slice(1, 3), [question, "QUIT"]);
    });
  }

  for (const scheme of ["gopher", "gophers"] as const) {
    test(SERVER, `${way.name} gets a menu by ${scheme}`, async () => {
      const menu = "1Folder\t/folder\tlocalhost\t70\r\n.\r\n";
      await using server = await serve(
        [expect(/\r\n/), send(menu), end()],
        scheme === "gophers" ? tls : undefined,
      );
      using c = handleFor(`${scheme}://127.0.0.1:${server.port}/1/a%20b?c`);
      assertEquals(await way.text(c), menu);
      assertEquals(c.getinfo(curl.SCHEME), scheme);
      const [{ text }] = await server.ended(1);
      assertEquals(text, "/a b?c\r\n");
    });
  }

  test(SERVER, `${way.name} refuses a certificate by gophers`, async () => {
    await using server = await serve([hold()], unknownAuthority);
    using c = handleFor(`gophers://127.0.0.1:${server.port}/1/`);
    await way.fails(c, curl.E_PEER_FAILED_VERIFICATION);
  });

  test(SERVER, `${way.name} talks and negotiates by telnet`, async () => {
    const [IAC, DO, SB, SE, TTYPE] = [255, 253, 250, 240, 24];
    await using server = await serve([
      send(Uint8Array.of(IAC, DO, TTYPE, IAC, SB, TTYPE, 1, IAC, SE)),
      send("login: "),
      expect(/me\n/),
      send("welcome\r\n"),
      end(),
    ]);
    using c = handleFor(`telnet://127.0.0.1:${server.port}/`);
    c.setopt(curl.TELNETOPTIONS, ["TTYPE=vt100"]);
    const lines = ["me\n"];
    c.setopt(curl.READFUNCTION, () => lines.shift() ?? "");
    assertEquals(await way.text(c), "login: welcome\r\n");
    assertEquals(c.getinfo(curl.SCHEME), "telnet");
    const [{ text }] = await server.ended(1);
    assert(text.includes("vt100"), text);
  });

  test(SERVER, `${way.name} sets a stream up and ends it by rtsp`, async () => {
    const answer = (number: number, ...lines: string[]) =>
      send([`RTSP/1.0 200 OK`, `CSeq: ${number}`, ...lines].join("\r\n"));
    await using server = await serve([
      expect(/OPTIONS [^]*\r\n\r\n/),
      answer(1, "Public: DESCRIBE, SETUP, TEARDOWN", "", ""),
      expect(/DESCRIBE [^]*\r\n\r\n/),
      answer(2, "Content-Length: 5", "", "v=0\r\n"),
      expect(/SETUP [^]*\r\n\r\n/),
      answer(3, "Session: 77", "Transport: RTP/AVP/TCP", "", ""),
      expect(/TEARDOWN [^]*Session: 77[^]*\r\n\r\n/),
      answer(4, "Session: 77", "", ""),
      hold(),
    ]);
    const url = `rtsp://127.0.0.1:${server.port}/media`;
    using c = handleFor(url);
    c.setopt(curl.OPT_RTSP_STREAM_URI, url);
    c.setopt(curl.OPT_RTSP_TRANSPORT, "RTP/AVP/TCP");
    const bodies: string[] = [];
    for (
      const request of [
        curl.RTSPREQ_OPTIONS,
        curl.RTSPREQ_DESCRIBE,
        curl.RTSPREQ_SETUP,
        curl.RTSPREQ_TEARDOWN,
      ]
    ) {
      c.setopt(curl.OPT_RTSP_REQUEST, request);
      bodies.push(await way.text(c));
      assertEquals(c.getinfo(curl.RESPONSE_CODE), 200);
    }
    assertEquals(bodies, ["", "v=0\r\n", "", ""]);
    assertEquals(c.getinfo(curl.INFO_RTSP_SESSION_ID), "77");
    assertEquals(c.getinfo(curl.INFO_RTSP_CLIENT_CSEQ), 5);
  });

  for (const scheme of ["ws", "wss"] as const) {
    test(SERVER, `${way.name} gets frames by ${scheme}`, async () => {
      await using server = await startServer(scheme === "wss" ? { tls } : {});
      const url = server.url.replace("http", "ws");
      using c = handleFor(`${url}/websocket?say=Hello,%20&say=curl`);
      const decoder = new TextDecoder();
      let text = "";
      c.setopt(curl.WRITEFUNCTION, (piece) => {
        text += decoder.decode(piece);
        // Nobody bids the server farewell, so it would wait.
        return text.endsWith("curl") ? 0 : piece.length;
      });
      const run = way === WAYS[0]
        ? Promise.try(() => c.performSync())
        : c.perform();
      await assertCurlRejects(run, curl.E_WRITE_ERROR);
      assertEquals(text, "Hello, curl");
      assertEquals(c.getinfo(curl.SCHEME), scheme);
      assertEquals(c.getinfo(curl.RESPONSE_CODE), 101);
    });
  }

  test(
    { needs: ["read", "write"] },
    `${way.name} reads and writes by file`,
    async () => {
      const folder = await Deno.makeTempDir();
      try {
        await Deno.writeFile(`${folder}/größe`, patternBytes(100_000));
        using c = handleFor(`file://${folder}/gr%C3%B6%C3%9Fe`);
        assertEquals(await way.bytes(c), patternBytes(100_000));
        assertEquals(c.getinfo(curl.SCHEME), "file");
        c.setopt(curl.RANGE, "10-19");
        assertEquals(await way.bytes(c), patternBytes(10, 10));
        c.setopt(curl.URL, `file://${folder}/none`);
        await way.fails(c, curl.E_FILE_COULDNT_READ_FILE);
        using upload = handleFor(`file://${folder}/new`);
        giving(upload, "01234");
        await way.text(upload);
        giving(upload, "0123456789");
        upload.setopt(curl.RESUME_FROM, 5);
        await way.text(upload);
        assertEquals(await Deno.readTextFile(`${folder}/new`), "0123456789");
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  );
}

for (const scheme of ["ws", "wss"] as const) {
  test(SERVER, `CONNECT_ONLY shakes hands by ${scheme}`, async () => {
    await using server = await startServer(scheme === "wss" ? { tls } : {});
    const url = server.url.replace("http", "ws");
    using c = handleFor(`${url}/websocket`);
    c.setopt(curl.CONNECT_ONLY, 2);
    c.performSync();
    assertEquals(c.getinfo(curl.RESPONSE_CODE), 101);
    using other = handleFor(`${url}/`);
    other.setopt(curl.CONNECT_ONLY, 2);
    const refused = "Refused WebSocket upgrade: 200";
    const code = curl.E_HTTP_RETURNED_ERROR;
    assertCurlError(() => other.performSync(), code, refused);
  });
}
