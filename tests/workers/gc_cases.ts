/**
 * What happens to handles whose objects are collected. Runs in a process of its
 * own, with `--expose-gc`.
 */

import * as curl from "../../mod.ts";
import { report } from "../../src/ffi/call.ts";
import { Gate, type WorkerHandle } from "../fixtures/workers.ts";
import { garbageCases } from "./multi_cases.ts";
import {
  curlTo,
  isAlive,
  type Peer,
  refusal,
  shareOf,
  startPeer,
  stateOf,
} from "./peers.ts";

/** This file: native code reads it without a permission of Deno's. */
const FILE = import.meta.url;

const { gc } = globalThis as unknown as { gc(): void };

/** Fails the process, which tells the test. */
function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(`not so: ${what}`);
}

/** Collects garbage until this is so. */
async function collectUntil(
  what: string,
  condition: () => boolean,
): Promise<void> {
  for (let i = 0; i < 200; i++) {
    await collect();
    if (condition()) return;
  }
  check(false, what);
}

/** Collects garbage, and lets finalizers run. */
async function collect(): Promise<void> {
  // What a WeakRef has given is kept until the end of the task.
  await nextTask();
  gc();
  await nextTask();
}

function nextTask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Runs this where none of its variables outlive it. */
function apart<T>(act: () => T): T {
  return act();
}

/** Of a Curl that is used no more. */
async function curlIsLetGo(): Promise<void> {
  const handle = apart(() => {
    const c = curlTo(FILE);
    c.performBytesSync();
    return c.handle;
  });
  check(isAlive(handle), "it lives until it is collected");
  await collectUntil("the Curl is gone", () => !isAlive(handle));
  const text = refusal(() => curl.Curl.fromHandle(handle));
  check(text.startsWith("no Curl object has the handle"), text);
}

/** Of a share that is used no more. */
async function shareIsLetGo(): Promise<void> {
  const handle = apart(() => shareOf(curl.LOCK_DATA_COOKIE).handle);
  check(isAlive(handle), "it lives until it is collected");
  await collectUntil("the share is gone", () => !isAlive(handle));
  const text = refusal(() => curl.CurlShare.fromHandle(handle));
  check(text.startsWith("no CurlShare object has the handle"), text);
}

/** Of a Curl that is attached. */
async function attachedCurlIsDetached(): Promise<void> {
  const share = shareOf(curl.LOCK_DATA_COOKIE);
  apart(() => curlTo(FILE).setopt(curl.SHARE, share));
  check(share.attached === 1, "it is attached until it is collected");
  await collectUntil("nobody is attached", () => share.attached === 0);
  share.share(curl.LOCK_DATA_DNS);
  share.close();
}

/** Of a share whose Curl lives. */
async function shareLivesWithItsCurl(): Promise<void> {
  const c = curlTo(FILE);
  const handle = apart(() => {
    const share = shareOf(curl.LOCK_DATA_COOKIE);
    c.setopt(curl.SHARE, share);
    return share.handle;
  });
  for (let i = 0; i < 5; i++) await collect();
  check(stateOf(handle) === "open, 1 attached", `${stateOf(handle)}`);
  apart(() => {
    const share = c.share();
    check(share?.handle === handle, "the Curl gives its share");
    check(share?.attached === 1, "which is the same");
    c.performBytesSync();
  });
  c.unsetopt(curl.SHARE);
  await collectUntil("the share is gone with its Curl", () => !isAlive(handle));
}

/** Of a share and its Curl together. */
async function pairIsLetGo(): Promise<void> {
  const handles = apart(() => {
    const share = shareOf(curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_CONNECT);
    const c = curlTo(FILE);
    c.setopt(curl.SHARE, share);
    c.performBytesSync();
    return [c.handle, share.handle];
  });
  await collectUntil("both are gone", () => !handles.some(isAlive));
}

/** Of a Curl that its own callback and PRIVATE refer to. */
async function cycleIsLetGo(): Promise<void> {
  const handle = apart(() => {
    const c = curlTo(FILE);
    c.setopt(curl.WRITEFUNCTION, () => {
      c.getinfo(curl.TOTAL_TIME);
    });
    c.setopt(curl.PRIVATE, c);
    c.performSync();
    return c.handle;
  });
  await collectUntil("the Curl is gone", () => !isAlive(handle));
}

/** Of a Curl with callbacks that closing would call. */
async function teardownCallbacksAreNotCalled(): Promise<void> {
  let calls = 0;
  const handle = apart(() => {
    const c = curlTo(FILE);
    let left = 1;
    c.setopt(curl.HSTS_CTRL, curl.CURLHSTS_ENABLE);
    c.setopt(
      curl.HSTSREADFUNCTION,
      () =>
        left-- > 0
          ? { host: "a.example", expire: null, includeSubDomains: true }
          : null,
    );
    c.setopt(curl.HSTSWRITEFUNCTION, () => {
      calls += 1;
    });
    c.performBytesSync();
    return c.handle;
  });
  await collectUntil("the Curl is gone", () => !isAlive(handle));
  check(calls === 0, "a function that was collected is not called");
}

/** What takes an option's value back. */
const TAKE_BACK: Record<
  string,
  (c: curl.Curl, option: typeof curl.WRITEFUNCTION) => void
> = {
  close: (c) => c.close(),
  reset: (c) => c.reset(),
  unsetopt: (c, option) => c.unsetopt(option),
  setopt: (c, option) => c.setopt(option, () => {}),
};

/** Of what an option of a living Curl refers to. */
async function valuesAreLetGo(option: curl.CurlOption): Promise<void> {
  for (const [name, takeBack] of Object.entries(TAKE_BACK)) {
    const c = curlTo(FILE);
    const value = apart(() => {
      const value = () => {};
      c.setopt(option, value);
      c.performBytesSync();
      return new WeakRef(value);
    });
    await collect();
    check(value.deref() !== undefined, "the Curl keeps it");
    takeBack(c, option as typeof curl.WRITEFUNCTION);
    await collectUntil(
      `${name}() lets it go`,
      () => value.deref() === undefined,
    );
    c.close();
  }
}

/** Passes a Curl on, and keeps it until the Worker has it. */
async function handOver(
  peer: WorkerHandle<Peer>,
  make: () => curl.Curl,
): Promise<curl.CurlHandle> {
  const held = [make()];
  const [{ handle }] = held;
  await peer.call("take", "Curl", handle);
  held.pop();
  return handle;
}

/** Of a Curl that a Worker holds, too. */
async function curlLivesInItsOtherWorker(): Promise<void> {
  await using peer = await startPeer();
  const handle = await handOver(peer, () => {
    const c = curlTo(FILE);
    c.setopt(curl.HEADERFUNCTION, () => {});
    return c;
  });
  const perform = () => peer.call("onCurl", handle, "performBytesSync");
  // As soon as the object is gone, its functions are nobody's.
  for (let i = 0; i < 20; i++) await collect();
  check(stateOf(handle) === "idle", "the other Worker holds it");
  const text = await perform().then(() => "", (error) => error.message);
  check(text.includes("HEADERFUNCTION was set in another Worker"), text);

  const again = curl.Curl.fromHandle(handle);
  check(refusal(() => again.performBytesSync()) === text, "here, too");
  again.unsetopt(curl.HEADERFUNCTION);
  check(again.performBytesSync().length > 0, "it works here");
  await perform();
}

/** Of a Curl that is taken up again while the last object is being collected. */
async function curlIsTakenUpAgain(): Promise<void> {
  await using peer = await startPeer();
  const handle = await peer.call("makeCurl", FILE);
  for (let i = 0; i < 50; i++) {
    apart(() => {
      const c = curl.Curl.fromHandle(handle);
      check(c.performBytesSync().length > 0, "it works each time");
    });
    if (i % 2 === 0) gc();
    else await collect();
  }
  check(isAlive(handle), "the other Worker holds it");
}

/** How many CurlUrl objects are alive. */
function urlCount(): number {
  return report().match(/^url /gm)?.length ?? 0;
}

/** Of CurlUrl objects that are used no more. */
async function urlsAreLetGo(): Promise<void> {
  apart(() => {
    for (let i = 0; i < 1000; i++) new curl.CurlUrl(FILE).copy();
  });
  check(urlCount() > 0, "they live until they are collected");
  await collectUntil("all are gone", () => urlCount() === 0);
}

/** Of a CurlUrl that a Curl uses. */
async function urlLivesWithItsCurl(): Promise<void> {
  const c = new curl.Curl();
  apart(() => c.setopt(curl.CURLU, new curl.CurlUrl(FILE)));
  for (let i = 0; i < 5; i++) await collect();
  check(urlCount() === 1, "it lives");
  check(c.performBytesSync().length > 0, "and is the URL");
  c.unsetopt(curl.CURLU);
  check(urlCount() === 0, "until it is taken back");
}

/** Of a mime that nothing has. */
async function mimeIsLetGo(): Promise<void> {
  const c = curlTo(FILE);
  const values = apart(() => {
    const mime = new curl.CurlMime(c);
    // A function that refers to its mime must not keep it.
    const read = () => `${mime.closed}`;
    mime.addMultipart().addpart().dataCb(1, read);
    return [new WeakRef(mime), new WeakRef(read)];
  });
  await collectUntil(
    "the mime is gone",
    () => values.every((value) => value.deref() === undefined),
  );
  c.performBytesSync();
}

/** Of one that is set. */
async function mimeLivesWhileItIsSet(): Promise<void> {
  const c = curlTo(FILE);
  let frees = 0;
  const read = apart(() => {
    const mime = new curl.CurlMime(c);
    const read = () => "x";
    const free = () => void frees++;
    mime.addMultipart().addpart().dataCb(1, read, { free });
    c.setopt(curl.MIMEPOST, mime);
    return new WeakRef(read);
  });
  for (let i = 0; i < 5; i++) await collect();
  check(read.deref() !== undefined, "the Curl keeps its function");
  const copy = c.duphandle();
  c.unsetopt(curl.MIMEPOST);
  for (let i = 0; i < 5; i++) await collect();
  check(read.deref() !== undefined, "the copy keeps it");
  copy.close();
  await collectUntil("the function is gone", () => read.deref() === undefined);
}

/** Of a tree, one mime of which is used. */
async function treeLivesWithOneOfIt(): Promise<void> {
  const c = curlTo(FILE);
  const [inner, root] = apart(() => {
    const root = new curl.CurlMime(c);
    return [root.addMultipart().addMultipart(), new WeakRef(root)];
  });
  for (let i = 0; i < 5; i++) await collect();
  inner.addField("a", "1");
  check(!inner.closed, "it is open");
  check(root.deref() === undefined, "the object of the root may go");
}

/** Of a mime of which only a part is used. */
async function partKeepsItsMime(): Promise<void> {
  const c = curlTo(FILE);
  const parts = [apart(() => new curl.CurlMime(c).addpart())];
  for (let i = 0; i < 5; i++) await collect();
  parts[0].name("a");
  parts[0].data("1");
  const part = new WeakRef(parts[0]);
  parts.pop();
  await collectUntil("the part is gone", () => part.deref() === undefined);
  c.performBytesSync();
}

/** Of a body that was read to its end, and of one that was cancelled. */
async function bodyIsLetGo(): Promise<void> {
  for (const end of ["read", "cancelled"]) {
    const [handle, values] = await (async () => {
      const c = curlTo(FILE);
      const body = await c.performStream();
      if (end === "read") await new Response(body.readable).bytes();
      else await body.readable.cancel();
      return [c.handle, [new WeakRef(body), new WeakRef(body.readable)]];
    })() as [number, WeakRef<object>[]];
    await collectUntil(
      `what was ${end} is gone`,
      () =>
        !isAlive(handle) &&
        values.every((value) => value.deref() === undefined),
    );
  }
}

/** Of a Curl that nothing but the body of its transfer is left of. */
async function bodyKeepsItsCurl(): Promise<void> {
  const body = await curlTo(FILE).performStream();
  for (let i = 0; i < 5; i++) await collect();
  const { length } = await new Response(body.readable).bytes();
  check(length === Deno.readFileSync(new URL(FILE)).length, "all has come");
}

/** Of a Curl that only its mime has. */
async function mimeKeepsItsCurl(): Promise<void> {
  const mimes = [apart(() => new curl.CurlMime(curlTo(FILE)))];
  for (let i = 0; i < 5; i++) await collect();
  mimes[0].addField("a", "1");
  const curls = apart(() => {
    const c = curlTo(FILE);
    c.setopt(curl.MIMEPOST, new curl.CurlMime(c));
    return c.handle;
  });
  await collectUntil("both are gone", () => !isAlive(curls));
}

/** Of very many that nobody closes. */
async function thousandsAreLetGo(): Promise<void> {
  const handles: number[] = [];
  apart(() => {
    const share = shareOf(curl.LOCK_DATA_COOKIE);
    for (let i = 0; i < 5000; i++) {
      const c = curlTo(FILE);
      c.setopt(curl.SHARE, share);
      handles.push(c.handle);
    }
  });
  await collectUntil("all are gone", () => !handles.some(isAlive));
}

/** Of objects around a transfer in whose callback garbage is collected. */
async function callbacksMayCollect(): Promise<void> {
  const lengths = apart(() => {
    let got = 0;
    const c = curlTo(FILE);
    c.setopt(curl.SHARE, shareOf(curl.LOCK_DATA_COOKIE));
    c.setopt(curl.WRITEFUNCTION, (data) => {
      gc();
      got += data.length;
      gc();
    });
    c.performSync();
    return [got, c.getinfo(curl.SIZE_DOWNLOAD)];
  });
  check(lengths[0] > 0 && lengths[0] === lengths[1], `${lengths}`);
  await collect();
}

/** Of a Curl that a Worker performs while its object here is collected. */
async function performingCurlIsLeftAlone(): Promise<void> {
  await using peer = await startPeer();
  const handle = await handOver(peer, () => curlTo(FILE));
  const [entered, released] = [new Gate(), new Gate()];
  const outcome = peer.call(
    "performHeld",
    handle,
    entered.buffer,
    released.buffer,
  );
  await entered.wait();
  for (let i = 0; i < 10; i++) await collect();
  check(/^running/.test(stateOf(handle) ?? ""), `${stateOf(handle)}`);
  released.open();
  check(await outcome === "done", "the transfer ends well");
}

/** The cases, by what a test of them is called. */
export const CASES: Record<string, () => Promise<void>> = {
  "a Curl lets its handle go": curlIsLetGo,
  "a CurlShare lets its handle go": shareIsLetGo,
  "a Curl that is attached is detached": attachedCurlIsDetached,
  "a CurlShare lives on while a Curl uses it": shareLivesWithItsCurl,
  "a CurlShare and its Curl let their handles go": pairIsLetGo,
  "a Curl that its callback refers to lets its handle go": cycleIsLetGo,
  "a Curl does not call HSTSWRITEFUNCTION": teardownCallbacksAreNotCalled,
  "a function that was taken back is free": () =>
    valuesAreLetGo(curl.WRITEFUNCTION),
  "a value of PRIVATE that was taken back is free": () =>
    valuesAreLetGo(curl.PRIVATE),
  "a Curl lives on in another Worker": curlLivesInItsOtherWorker,
  "a Curl can be taken up again": curlIsTakenUpAgain,
  "CurlUrl objects let their handles go": urlsAreLetGo,
  "a CurlUrl lives on while a Curl uses it": urlLivesWithItsCurl,
  "a CurlMime is free": mimeIsLetGo,
  "a CurlMime lives on while it is set": mimeLivesWhileItIsSet,
  "a CurlMime lives on with one that is attached to it": treeLivesWithOneOfIt,
  "a CurlMime keeps its Curl, and not the other way": mimeKeepsItsCurl,
  "a CurlMimePart keeps its CurlMime": partKeepsItsMime,
  "a CurlBody that was used is free, and its Curl": bodyIsLetGo,
  "a CurlBody keeps its Curl": bodyKeepsItsCurl,
  "thousands of Curl objects let their handles go": thousandsAreLetGo,
  "a Curl in whose callback it happens performs well": callbacksMayCollect,
  "a Curl that another Worker performs goes on": performingCurlIsLeftAlone,
  ...garbageCases({ collectUntil, collect, check, apart }),
};
