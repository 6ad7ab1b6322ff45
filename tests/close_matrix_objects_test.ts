/**
 * close() of CurlMulti, CurlMime, CurlUrl and CurlWebSocket in every phase, by
 * whoever can call it: either it is done, or it is refused and nothing has
 * changed. close_matrix_test.ts has Curl and CurlShare.
 *
 * @module
 */

import * as curl from "../mod.ts";
import { assert, assertEquals } from "./assert.ts";
import { curlFor, FILE } from "./fixtures/checks.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { startWorker, WORKERS } from "./fixtures/workers.ts";
import { type Requirements, test } from "./permissions.ts";
import { isAlive, refusal } from "./workers/peers.ts";
import { startWebSocketServer } from "./workers/websocket_server.ts";

const MULTI_PEER = new URL("./workers/multi_peer.ts", import.meta.url);

const AT_WORK = "cannot invoke close() - multi_perform() is currently running";
const RUNNING = "cannot invoke close() - perform() is currently running";
const IN_MULTI = "cannot invoke close() - the Curl object is in a CurlMulti; " +
  "remove it first";
const ELSEWHERE = "cannot invoke close() - the handles in it are another " +
  "Worker's";
const DONE = "not refused";

interface Case {
  kind: string;
  phase: string;
  closer: "its owner" | "its own callback" | "another Worker";
  /** The words of the refusal, or that there is none. */
  outcome: string;
  needs?: Requirements[];
  /** Closes it, and asserts what is so then; gives the refusal. */
  run(): string | Promise<string>;
}

function quiet(url = FILE): curl.Curl {
  const c = curlFor(url);
  c.setopt(curl.WRITEFUNCTION, () => {});
  return c;
}

/** What close() came to, and that it says what is so. */
function closed(object: { closed: boolean; close(): void }): string {
  const was = object.closed;
  const outcome = refusal(() => object.close());
  assertEquals(object.closed, was || outcome === DONE);
  return outcome;
}

/** Runs this in the first call of a function, by whatever calls it. */
function once(act: () => string): { callback: () => void; outcome(): string } {
  let outcome: string | undefined;
  return {
    callback: () => {
      outcome ??= act();
    },
    outcome: () => {
      assert(outcome !== undefined, "it was not called");
      return outcome;
    },
  };
}

/** Whether what was in a multi handle is as it should be behind its close(). */
function assertLeft(closeHandles: boolean, ...curls: curl.Curl[]): void {
  for (const c of curls) {
    assertEquals(c.closed, closeHandles);
    assertEquals(isAlive(c.handle), !closeHandles);
    if (closeHandles) continue;
    assertEquals(c.multi(), null);
    assert(c.performBytesSync().length > 0);
    c.close();
  }
}

function multiCases(closeHandles: boolean): Case[] {
  const kind = closeHandles ? "CurlMulti with closeHandles" : "CurlMulti";
  const make = (prepare: (multi: curl.CurlMulti) => void = () => {}) => {
    const multi = new curl.CurlMulti({ closeHandles });
    prepare(multi);
    const curls = [quiet(), quiet()];
    for (const c of curls) multi.addHandle(c);
    return { multi, curls };
  };
  const elsewhere = (empty: boolean) => async () => {
    const { multi, curls } = make();
    if (empty) { for (const c of curls) multi.removeHandle(c); }
    await using peer = await startWorker<
      typeof import("./workers/multi_peer.ts")
    >(MULTI_PEER);
    const outcome = await peer.call("attempt", multi.handle, "close");
    assertEquals(multi.closed, empty);
    if (empty) assertLeft(false, ...curls);
    else {
      assertEquals(multi.size, 2);
      multi.close();
      assertLeft(closeHandles, ...curls);
    }
    return outcome === "done" ? DONE : outcome;
  };
  const inside = (option: number) => () => {
    const isWrite = option === curl.WRITEFUNCTION as number;
    const { callback, outcome } = once(() => closed(told));
    let told: curl.CurlMulti;
    const { multi, curls } = make((multi) => {
      told = multi;
      if (isWrite) return;
      multi.setopt(option, callback);
      multi.notifyEnable(curl.M_NOTIFY_EASY_DONE);
    });
    if (isWrite) curls[0].setopt(curl.WRITEFUNCTION, callback);
    multi.perform();
    assertEquals(multi.infoRead()[1].length, 2);
    multi.close();
    assertLeft(closeHandles, ...curls);
    return outcome();
  };
  return [
    {
      kind,
      phase: "empty",
      closer: "its owner",
      outcome: DONE,
      run: () => closed(new curl.CurlMulti({ closeHandles })),
    },
    {
      kind,
      phase: "empty",
      closer: "another Worker",
      outcome: DONE,
      needs: [WORKERS],
      run: elsewhere(true),
    },
    {
      kind,
      phase: "full of transfers that have not begun",
      closer: "its owner",
      outcome: DONE,
      run() {
        const { multi, curls } = make();
        const outcome = closed(multi);
        assertLeft(closeHandles, ...curls);
        return outcome;
      },
    },
    {
      kind,
      phase: "full of transfers that have not begun",
      closer: "another Worker",
      outcome: ELSEWHERE,
      needs: [WORKERS],
      run: elsewhere(false),
    },
    {
      kind,
      phase: "in the midst of transfers",
      closer: "its owner",
      outcome: DONE,
      needs: [SERVER],
      async run() {
        await using server = await startServer();
        const multi = new curl.CurlMulti({ closeHandles });
        const curls = [0, 1].map(() => quiet(`${server.url}/stall`));
        for (const c of curls) multi.addHandle(c);
        multi.perform();
        const outcome = closed(multi);
        for (const c of curls) c.closed || c.setopt(curl.URL, FILE);
        assertLeft(closeHandles, ...curls);
        return outcome;
      },
    },
    {
      kind,
      phase: "at work on a handle",
      closer: "its own callback",
      outcome: AT_WORK,
      run: inside(curl.WRITEFUNCTION),
    },
    {
      kind,
      phase: "telling NOTIFYFUNCTION",
      closer: "its own callback",
      outcome: AT_WORK,
      run: inside(curl.M_NOTIFYFUNCTION),
    },
    {
      kind,
      phase: "telling TIMERFUNCTION",
      closer: "its own callback",
      outcome: AT_WORK,
      run: inside(curl.M_TIMERFUNCTION),
    },
    {
      kind,
      phase: "closed already",
      closer: "its owner",
      outcome: DONE,
      run() {
        const { multi, curls } = make();
        multi.close();
        const outcome = closed(multi);
        assertLeft(closeHandles, ...curls);
        return outcome;
      },
    },
  ];
}

/** Where a mime is when it is closed. */
const MIME_PLACES: Record<
  string,
  (c: curl.Curl, mime: curl.CurlMime) => void
> = {
  "set nowhere": () => {},
  "set as MIMEPOST": (c, mime) => c.setopt(curl.MIMEPOST, mime),
  "attached to another": (c, mime) => {
    const parent = new curl.CurlMime(c);
    parent.addpart().subparts(mime);
    c.setopt(curl.MIMEPOST, parent);
  },
};

function mimeCases(): Case[] {
  const kind = "CurlMime";
  const make = (place: (c: curl.Curl, mime: curl.CurlMime) => void) => {
    const c = quiet();
    const mime = new curl.CurlMime(c);
    mime.addField("field", "value");
    place(c, mime);
    return { c, mime };
  };
  return Object.entries(MIME_PLACES).flatMap(([where, place]): Case[] => [
    {
      kind,
      phase: where,
      closer: "its owner",
      outcome: DONE,
      run() {
        const { c, mime } = make(place);
        const outcome = closed(mime);
        assert(c.performBytesSync().length > 0);
        c.close();
        return outcome;
      },
    },
    {
      kind,
      phase: `${where}, and its Curl performs`,
      closer: "its own callback",
      outcome: RUNNING,
      run() {
        const { c, mime } = make(place);
        const { callback, outcome } = once(() => closed(mime));
        c.setopt(curl.WRITEFUNCTION, callback);
        c.performSync();
        mime.close();
        c.close();
        return outcome();
      },
    },
    {
      kind,
      phase: `${where}, and its Curl performs asynchronously`,
      closer: "its owner",
      outcome: RUNNING,
      async run() {
        const { c, mime } = make(place);
        const done = c.perform();
        const outcome = closed(mime);
        await done;
        mime.close();
        c.close();
        return outcome;
      },
    },
    {
      kind,
      phase: `${where}, and its Curl is in a CurlMulti`,
      closer: "its owner",
      outcome: IN_MULTI,
      run() {
        const { c, mime } = make(place);
        using multi = new curl.CurlMulti({ closeHandles: true });
        multi.addHandle(c);
        return closed(mime);
      },
    },
    {
      kind,
      phase: `${where}, and its Curl is closed`,
      closer: "its owner",
      outcome: DONE,
      run() {
        const { c, mime } = make(place);
        c.close();
        assert(mime.closed);
        return closed(mime);
      },
    },
    {
      kind,
      phase: `${where}, and closed already`,
      closer: "its owner",
      outcome: DONE,
      run() {
        const { c, mime } = make(place);
        using _ = c;
        mime.close();
        return closed(mime);
      },
    },
  ]);
}

function urlCases(): Case[] {
  const kind = "CurlUrl";
  const make = () => {
    const url = new curl.CurlUrl(FILE);
    const c = quiet();
    c.setopt(curl.CURLU, url);
    return { c, url };
  };
  return [
    {
      kind,
      phase: "set nowhere",
      closer: "its owner",
      outcome: DONE,
      run: () => closed(new curl.CurlUrl(FILE)),
    },
    {
      kind,
      phase: "set as CURLU",
      closer: "its owner",
      outcome: DONE,
      run() {
        const { c, url } = make();
        using _ = c;
        const outcome = closed(url);
        assert(c.performBytesSync().length > 0);
        return outcome;
      },
    },
    {
      kind,
      phase: "set as CURLU of a Curl that performs",
      closer: "its own callback",
      outcome: DONE,
      run() {
        const { c, url } = make();
        using _ = c;
        const { callback, outcome } = once(() => closed(url));
        c.setopt(curl.WRITEFUNCTION, callback);
        c.performSync();
        assert(c.performBytesSync().length > 0);
        return outcome();
      },
    },
    {
      kind,
      phase: "set as CURLU of a Curl in a CurlMulti",
      closer: "its owner",
      outcome: DONE,
      run() {
        const { c, url } = make();
        using multi = new curl.CurlMulti({ closeHandles: true });
        multi.addHandle(c);
        const outcome = closed(url);
        multi.perform();
        assertEquals(multi.infoRead()[1].length, 1);
        return outcome;
      },
    },
    {
      kind,
      phase: "set as CURLU of a Curl that is closed",
      closer: "its owner",
      outcome: DONE,
      run() {
        const { c, url } = make();
        c.close();
        return closed(url);
      },
    },
    {
      kind,
      phase: "closed already",
      closer: "its owner",
      outcome: DONE,
      run() {
        const url = new curl.CurlUrl(FILE);
        url.close();
        return closed(url);
      },
    },
  ];
}

/** What a WebSocket does when it is closed, and the code it is closed with. */
const SOCKET_PHASES: Record<
  string,
  [
    reach: (
      ws: curl.CurlWebSocket,
      close: () => string,
    ) => Promise<string> | string,
    code: number | undefined,
  ]
> = {
  "opening": [(_, close) => close(), undefined],
  "open": [async (ws, close) => {
    await ws.opened;
    return close();
  }, 3000],
  "in the midst of messages": [async (ws, close) => {
    const { readable, writable } = await ws.opened;
    const writer = writable.getWriter();
    const write = writer.write(new Uint8Array(100_000));
    const reader = readable.getReader();
    const outcome = close();
    await write.catch(() => {});
    while (!(await reader.read()).done);
    return outcome;
  }, 3000],
  "closing": [async (ws, close) => {
    await ws.opened;
    ws.close({ closeCode: 3000 });
    return close();
  }, 3000],
  "closed already": [async (ws, close) => {
    await ws.opened;
    ws.close({ closeCode: 3000 });
    await ws.closed;
    return close();
  }, 3000],
};

function socketCases(): Case[] {
  return Object.entries(SOCKET_PHASES).map(([phase, [reach, code]]) => ({
    kind: "CurlWebSocket",
    phase,
    closer: "its owner",
    outcome: DONE,
    needs: [SERVER, WORKERS],
    async run() {
      await using server = await startWebSocketServer();
      const ws = new curl.CurlWebSocket(`${server.url}/echo`);
      const outcome = await reach(
        ws,
        () => refusal(() => ws.close({ closeCode: 3000 })),
      );
      const end = await ws.closed.then(
        ({ closeCode }) => closeCode,
        () => undefined,
      );
      assertEquals(end, code);
      // Once more, when nothing is left of it.
      ws.close();
      return outcome;
    },
  }));
}

for (
  const { kind, phase, closer, outcome, needs = [], run } of [
    ...multiCases(false),
    ...multiCases(true),
    ...mimeCases(),
    ...urlCases(),
    ...socketCases(),
  ]
) {
  const what = outcome === DONE ? "works" : "changes nothing";
  test(
    needs,
    `${kind}: close() by ${closer} ${what} when it is ${phase}`,
    async () => assertEquals(await run(), outcome),
  );
}
