/**
 * Calls on mimes and their parts.
 *
 * @module
 */

import * as curl from "../mod.ts";
import { makeBody } from "./body.ts";
import { allowed, anyCurl, freeCurl } from "./curl_operations.ts";
import { answeringFor, throwsNow } from "./functions.ts";
import { type CurlEntry, type Frame, phasesOf } from "./objects.ts";
import { pause } from "./readers.ts";
import {
  type Allowed,
  failed,
  idleOnly,
  type Outcome,
  type Refusal,
  SETTING_IDLE,
  state,
  wrongRange,
  wrongType,
} from "./outcomes.ts";
import { FILES, fileUrl } from "./settings.ts";
import type { Walk } from "./walk.ts";

/** A mime, which is this Worker's alone, and what is known of it. */
export class MimeEntry {
  readonly mime: curl.CurlMime;
  readonly owner: CurlEntry;
  /** For good. One that is attached is closed with what it is attached to. */
  isClosed = false;
  /** A part has it, as far as is known. */
  parent: MimeEntry | null = null;
  readonly parts: curl.CurlMimePart[] = [];

  constructor(mime: curl.CurlMime, owner: CurlEntry) {
    this.mime = mime;
    this.owner = owner;
  }

  toString(): string {
    return `mime of ${this.owner}`;
  }
}

const MOST_MIMES = 8;

/** How often a read function of a wild mime throws, of a thousand times. */
const THROWS = 30;

function noMime(method: string): Refusal {
  return state(`cannot invoke ${method}() - no mime handle`);
}

/** What chance finds; one that is used up may be told in any of these ways. */
const USED_UP: readonly Refusal[] = [
  state(/received a closed mime object$/),
  state(/received a mime object already attached as subparts$/),
  state(/received a mime object currently set as MIMEPOST$/),
  wrongType(/^setopt\(option=MIMEPOST\) requires a CurlMime created with/),
  wrongType(/^subparts\(\) requires both mime objects to use the same Curl/),
  wrongType(/^subparts\(\) does not accept the parent mime object$/),
  wrongRange(/^subparts\(\) nests mime objects 12 deep at most/),
  failed([curl.E_SEND_FAIL_REWIND, curl.E_ABORTED_BY_CALLBACK]),
];

function anyMime(walk: Walk): MimeEntry {
  const { random, mimes } = walk;
  if (mimes.length === 0) return newMime(walk);
  const entry = random.pick(mimes);
  if (!entry.isClosed || random.chance(500)) return entry;
  mimes.splice(mimes.indexOf(entry), 1);
  return newMime(walk);
}

function keep(walk: Walk, mime: curl.CurlMime, owner: CurlEntry): MimeEntry {
  const entry = new MimeEntry(mime, owner);
  walk.mimes.push(entry);
  // Others are collected, some day.
  if (walk.mimes.length > MOST_MIMES) walk.mimes.shift();
  return entry;
}

/** A new one, of a handle that nothing is known of if it can't be. */
export function newMime(walk: Walk): MimeEntry {
  const owner = anyCurl(walk);
  const { value } = walk.attemptOn(
    owner,
    "new CurlMime()",
    allowed(walk, owner, idleOnly("CurlMime", "ok")),
    () => new curl.CurlMime(owner.curl),
  );
  if (value !== undefined) return keep(walk, value, owner);
  const { value: free } = walk.attempt(
    "new CurlMime() of a new Curl",
    ["ok"],
    () => {
      const handle = new curl.Curl();
      const entry = walk.addCurl(handle, false);
      return [new curl.CurlMime(handle), entry] as const;
    },
  );
  return keep(walk, ...free!);
}

/** A call on a mime or a part, for which its handle must be idle. */
function attempt<T>(
  walk: Walk,
  entry: MimeEntry,
  method: string,
  act: () => T,
  ...results: Allowed[]
): Outcome<T> {
  const { owner } = entry;
  const allowances = allowed(
    walk,
    owner,
    idleOnly(method, "ok", ...results),
  );
  // It may have been closed with its handle, or with another mime.
  const outcome = walk.attempt(
    `${entry} ${method}()`,
    entry.isClosed ? [noMime(method)] : [...allowances, noMime(method)],
    act,
    owner.curl.handle,
  );
  learn(entry, outcome);
  return outcome;
}

function learn(entry: MimeEntry, { error }: Outcome): void {
  const text = error?.message ?? "";
  if (/ - no mime handle$/.test(text)) entry.isClosed = true;
  if (/ - no curl handle$/.test(text)) entry.owner.isClosed = true;
}

export function addPart(walk: Walk): void {
  const entry = anyMime(walk);
  const { value } = attempt(
    walk,
    entry,
    "addpart",
    () => entry.mime.addpart(),
  );
  if (value !== undefined) entry.parts.push(value);
}

export function addField(walk: Walk): void {
  const entry = anyMime(walk);
  const { random, site } = walk;
  const path = new URL(fileUrl(site, random.pick(FILES)));
  const bytes = makeBody({ length: random.between(8, 2000), seed: 3 });
  const { value } = attempt(
    walk,
    entry,
    "addpart",
    random.pick([
      () => entry.mime.addField("field", bytes, { contentType: "a/b" }),
      () => entry.mime.addField("field", "text", { encoder: "base64" }),
      () => entry.mime.addFile("file", path, { headers: ["X-A: 1"] }),
      () => entry.mime.add({ data: new Blob([bytes]) }),
    ]),
  );
  if (value !== undefined) entry.parts.push(value);
}

export function addMultipart(walk: Walk): void {
  const entry = anyMime(walk);
  const { value } = attempt(
    walk,
    entry,
    "addpart",
    () => entry.mime.addMultipart({ subtype: "mixed" }),
    wrongRange(/^addMultipart\(\) nests mime objects 12 deep/),
  );
  if (value === undefined) return;
  keep(walk, value, entry.owner).parent = entry;
}

/** Changes a part in one way or another. */
export function changePart(walk: Walk): void {
  const { random, site } = walk;
  const entry = anyMime(walk);
  if (entry.parts.length === 0) return addPart(walk);
  const part = random.pick(entry.parts);
  const bytes = makeBody({ length: random.between(8, 2000), seed: 3 });
  const [method, act, ...results] = random.pick<
    [string, () => void, ...Allowed[]]
  >([
    ["name", () => part.name(random.pick(["name", null]))],
    ["filename", () => part.filename(random.pick(["a.txt", null]))],
    ["type", () => part.type(random.pick(["text/plain", null]))],
    ["encoder", () => part.encoder(random.pick(["base64", null]))],
    ["headers", () => part.headers(random.pick([["X-A: 1"], null]))],
    ["data", () => part.data(bytes)],
    ["data", () => part.data(new Blob([bytes]))],
    [
      "filedata",
      () => part.filedata(new URL(fileUrl(site, random.pick(FILES)))),
    ],
    ["dataCb", () => setReader(walk, entry, part)],
  ]);
  attempt(walk, entry, method, act, ...results);
}

/** Functions that give a part's bytes, and throw now and then. */
function setReader(
  walk: Walk,
  entry: MimeEntry,
  part: curl.CurlMimePart,
): void {
  const { random } = walk;
  const length = random.between(0, 3000);
  let given = 0;
  const isOf = ({ mimes }: CurlEntry) => mimes.has(rootOf(entry));
  const answer = (frame: Frame, size: number) => {
    if (random.chance(100) && frame.budget-- > 0) walk.step();
    if (random.chance(THROWS)) throwsNow(frame, "MIME_READ");
    const piece = new Uint8Array(Math.min(size, length - given));
    given += piece.length;
    if (frame.kind !== "flight" || random.chance(500)) return piece;
    // What it is asked for may change before it has settled.
    frame.mayMissCause = true;
    return pause(random.below(2)).then(() => piece);
  };
  const seek = () => {
    given = 0;
  };
  part.dataCb(
    random.chance(700) ? length : null,
    (_, size) =>
      answeringFor(walk, isOf, "MIME_READ", (frame) => answer(frame, size)),
    random.chance(800) ? { seek } : {},
  );
}

function rootOf(entry: MimeEntry): MimeEntry {
  let root = entry;
  while (root.parent !== null) root = root.parent;
  return root;
}

/** Arguments that are wrong whatever its handle does. */
export function changePartBadly(walk: Walk): void {
  const entry = anyMime(walk);
  if (entry.parts.length === 0 || entry.isClosed) return;
  const part = walk.random.pick(entry.parts);
  const [what, refusal, act] = walk.random.pick<
    [string, Allowed, () => void]
  >([
    ["name(5)", wrongType(/^name\(\)/), () => part.name(5 as never)],
    ["type(NUL)", wrongType(/^type\(\).*NUL/), () => part.type("a\0b")],
    ["data(5)", wrongType(/^data\(\)/), () => part.data(5 as never)],
    ["headers(x)", wrongType(/./), () => part.headers("x" as never)],
    ["dataCb(-2)", wrongRange(/^dataCb\(\)/), () => {
      part.dataCb(-2, () => "");
    }],
    ["dataCb(no function)", wrongType(/^dataCb\(\)/), () => {
      part.dataCb(1, 5 as never);
    }],
    ["subparts(null)", wrongType(/^subparts\(\)/), () => {
      part.subparts(null as never);
    }],
    ["encoder(x)", failed([curl.E_BAD_FUNCTION_ARGUMENT]), () => {
      part.encoder("rot13");
    }],
    ["filedata(none)", failed([curl.E_READ_ERROR]), () => {
      part.filedata("/does/not/exist");
    }],
  ]);
  const method = what.split("(")[0];
  const others = allowed(walk, entry.owner, idleOnly(method, "ok"))
    .filter((one) => one !== "ok");
  const outcome = walk.attempt(
    `${entry} ${what}`,
    [refusal, ...others, noMime(method)],
    act,
    entry.owner.curl.handle,
  );
  learn(entry, outcome);
}

/** One mime in a part of another, mostly where it can't be. */
export function attachMime(walk: Walk): void {
  const [entry, child] = [anyMime(walk), anyMime(walk)];
  if (entry.parts.length === 0) return addPart(walk);
  const part = walk.random.pick(entry.parts);
  const { outcome } = driveMime(
    walk,
    entry.owner,
    child,
    `${entry} subparts(${child})`,
    [
      ...allowed(walk, entry.owner, idleOnly("subparts", "ok")),
      noMime("subparts"),
      ...USED_UP,
    ],
    () => part.subparts(child.mime),
  );
  learn(entry, outcome);
  if (outcome.error === undefined) child.parent = entry;
}

/** A call that may rewind a mime, and so asks for what is in it. */
function driveMime(
  walk: Walk,
  owner: CurlEntry,
  mime: MimeEntry,
  what: string,
  results: readonly Allowed[],
  act: () => void,
): { outcome: Outcome<void>; frame: Frame } {
  owner.mimes.add(rootOf(mime));
  return walk.drive("mime", owner, what, results, act);
}

/** Has a handle send one. */
export function send(walk: Walk): void {
  const { random } = walk;
  const entry = anyMime(walk);
  const owner = random.chance(900) ? entry.owner : freeCurl(walk);
  if (owner.isLocked) return;
  driveMime(
    walk,
    owner,
    entry,
    "setopt(MIMEPOST)",
    [...allowed(walk, owner, SETTING_IDLE), ...USED_UP],
    () => owner.curl.setopt(curl.MIMEPOST, entry.mime),
  );
}

/** Takes it back, or puts a form in its place. */
export function sendOther(walk: Walk): void {
  const owner = freeCurl(walk);
  const form = new FormData();
  form.append("text", "x".repeat(100));
  if (walk.random.chance(300)) form.append("blob", new Blob(["y"]));
  const [what, act] = walk.random.pick<[string, () => void]>([
    ["unsetopt(MIMEPOST)", () => owner.curl.unsetopt(curl.MIMEPOST)],
    ["setopt(MIMEPOST, form)", () => owner.curl.setopt(curl.MIMEPOST, form)],
    ["setopt(HTTPPOST)", () => {
      owner.curl.setopt(curl.HTTPPOST, [["field", "value"]]);
    }],
  ]);
  // A form is a mime that is made and filled first.
  const rules = [
    SETTING_IDLE,
    idleOnly("CurlMime", "ok"),
    idleOnly("addpart", "ok"),
  ];
  // A Blob has no function that could be called out of the blue.
  owner.mimes.add(form);
  walk.attemptOn(
    owner,
    what,
    rules.flatMap((rule) => allowed(walk, owner, rule)),
    act,
  );
}

export function closeMime(walk: Walk): void {
  const entry = anyMime(walk);
  const { owner, mime } = entry;
  const results = entry.isClosed
    ? ["ok" as const]
    : [...allowed(walk, owner, idleOnly("close", "ok")), "ok" as const];
  const phases = phasesOf(owner, walk.frames);
  const isCertain = !entry.isClosed && !owner.isPublic && !mime.closed &&
    phases[0] !== "idle" && phases[0] !== "closed";
  const { error } = walk.attempt(
    `${entry} close()`,
    isCertain ? allowed(walk, owner, idleOnly("close", "ok")) : results,
    () => mime.close(),
    owner.curl.handle,
  );
  if (error !== undefined) return;
  if (!mime.closed) walk.fail(`${entry} is open after close()`);
  entry.isClosed = true;
}

/** Whether it is closed: once it is, it stays so. */
export function lookAtMime(walk: Walk): void {
  const entry = anyMime(walk);
  const { value } = walk.attempt(
    `${entry} closed`,
    ["ok"],
    () => entry.mime.closed,
  );
  if (entry.isClosed && !value) walk.fail(`${entry} is open again`);
  if (value && !entry.owner.curl.closed) entry.isClosed = true;
}
