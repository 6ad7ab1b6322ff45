/** Mimes that are filled while another Worker performs with their Curl. */

import * as curl from "../mod.ts";
import { assertEquals } from "./assert.ts";
import { curlFor, FILE } from "./fixtures/checks.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { formAt, partsOf, READABLE } from "./fixtures/mime.ts";
import { Gate, startWorker, WORKERS } from "./fixtures/workers.ts";
import { test } from "./permissions.ts";
import { refusal } from "./workers/peers.ts";

const PATH = new URL("../deno.json", import.meta.url);
const RACES = new URL("./workers/races.ts", import.meta.url);

const RUNNING = / - perform\(\) is currently running$/;

/** How often each call is to be made, and to be refused, at least. */
const TIMES = 50;

/** Does something while another Worker performs a handle again and again. */
async function beside(c: curl.Curl, act: () => void): Promise<void> {
  type Races = typeof import("./workers/races.ts");
  await using worker = await startWorker<Races>(RACES);
  const end = new Gate();
  const performed = worker.call("performUntil", c.handle, end.buffer);
  await worker.event("performing");
  try {
    act();
  } finally {
    end.open();
    await performed;
  }
}

/** Makes each call again and again; `done` hears which of them went well. */
function race<T>(
  calls: ((round: string) => T)[],
  done: (result: T, round: string) => void,
): void {
  const tallies = calls.map((call) => ({ call, made: 0, refused: 0 }));
  const isShort = () =>
    tallies.some(({ made, refused }) => Math.min(made, refused) < TIMES);
  for (let round = 0; isShort(); round++) {
    const tally = tallies[round % tallies.length];
    const words = refusal(() => {
      done(tally.call(`${round}`), `${round}`);
      tally.made++;
    });
    if (words === "not refused") continue;
    if (!RUNNING.test(words)) throw new Error(words);
    tally.refused++;
  }
}

test(
  [SERVER, WORKERS, READABLE],
  "a part is added whole or not at all while another Worker performs",
  async () => {
    await using server = await startServer();
    using c = curlFor(FILE);
    using mime = new curl.CurlMime(c);
    const added: object[] = [];
    const bytes = Deno.statSync(PATH).size;
    await beside(c, () => {
      race<object>([
        (name) => {
          mime.add({
            name,
            data: "text",
            encoder: "8bit",
            headers: ["X-One: 1"],
          });
          return { value: "text" };
        },
        (name) => {
          mime.addField(name, new Blob(["blob"]), { filename: "a.txt" });
          return { filename: "a.txt", text: "blob" };
        },
        (name) => {
          mime.addFile(name, PATH, { contentType: "a/b", filename: "b.txt" });
          return { filename: "b.txt", type: "a/b", bytes };
        },
        (name) => {
          mime.addMultipart({ name, subtype: "related" });
          return {};
        },
      ], (part, name) => added.push({ name, ...part }));
    });
    c.setopt(curl.URL, formAt(server));
    c.setopt(curl.MIMEPOST, mime);
    const parts = partsOf(await c.performText());
    assertEquals(parts.length, added.length);
    for (const [index, part] of added.entries()) {
      assertEquals({ ...parts[index], ...part }, parts[index]);
    }
  },
);

test(
  [SERVER, WORKERS],
  "CurlMime.from() gives a whole form while another Worker performs",
  async () => {
    await using server = await startServer();
    using c = curlFor(FILE);
    const form = new FormData();
    for (const name of ["a", "b", "c"]) form.append(name, name);
    const mimes: curl.CurlMime[] = [];
    await beside(c, () => {
      race([() => curl.CurlMime.from(c, form)], (mime) => mimes.push(mime));
    });
    c.setopt(curl.URL, formAt(server));
    for (const mime of mimes) {
      c.setopt(curl.MIMEPOST, mime);
      const parts = partsOf(c.performTextSync());
      assertEquals(parts.map(({ name }) => name), ["a", "b", "c"]);
      mime.close();
    }
  },
);

test(
  [SERVER, WORKERS],
  "a form is set or the last one stays while another Worker performs",
  async () => {
    await using server = await startServer();
    using c = curlFor(FILE);
    let last = "";
    await beside(c, () => {
      race([
        (name) => {
          const form = new FormData();
          form.append("first", "1");
          form.append("second", name);
          c.setopt(curl.MIMEPOST, form);
        },
        (name) => {
          const second = [
            curl.FORM_CONTENTS,
            name,
            curl.FORM_CONTENTTYPE,
            "a/b",
          ];
          c.setopt(curl.HTTPPOST, [["first", "1"], ["second", second]]);
        },
      ], (_, round) => last = round);
    });
    c.setopt(curl.URL, formAt(server));
    assertEquals(partsOf(c.performTextSync()), [
      { name: "first", value: "1" },
      { name: "second", value: last },
    ]);
  },
);
