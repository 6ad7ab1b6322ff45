/**
 * Values for options: good ones, which a transfer of anybody may meet, and bad
 * ones with the error that each must give.
 *
 * @module
 */

import * as curl from "../mod.ts";
import { type BodyShape, makeBody } from "./body.ts";
import { failed, type Refusal, wrongRange, wrongType } from "./outcomes.ts";
import type { Random } from "./random.ts";
import type { Site } from "./walk.ts";

/** The bodies that are there as files. */
export const FILES: readonly BodyShape[] = [
  { length: 8, seed: 1 },
  { length: 1000, seed: 2 },
  { length: 16_384, seed: 3 },
  { length: 200_000, seed: 4 },
];

const NOWHERE = "http://127.0.0.1:1/";

/** A URL whose answer is known. */
export interface Target {
  readonly url: string;
  readonly shape: BodyShape;
}

/** The server by one of its names, with or without TLS. */
function origin(random: Random, site: Site): string {
  const address = random.chance(400) ? site.https : site.http;
  return random.chance(300)
    ? address.replace("127.0.0.1", "localhost")
    : address;
}

function randomShape(random: Random): BodyShape {
  const longest = random.pick([16, 500, 5000, 40_000, 300_000]);
  return { length: random.between(8, longest), seed: random.next() };
}

/** A URL that answers with a whole body. */
export function goodTarget(
  random: Random,
  site: Site,
  schemes: "any" | "http" = "any",
): Target {
  if (schemes === "any" && random.chance(250)) {
    const shape = random.pick(FILES);
    return { url: fileUrl(site, shape), shape };
  }
  const shape = randomShape(random);
  const kind = random.chance(100) ? "slow" : "body";
  return {
    url: `${origin(random, site)}/${kind}/${shape.length}/${shape.seed}`,
    shape,
  };
}

/** A WebSocket that greets so often, and leaves after so many messages. */
export function socketUrl(
  random: Random,
  site: Site,
  { greetings = 0, most = 0 }: { greetings?: number; most?: number } = {},
): string {
  const server = origin(random, site).replace(/^http/, "ws");
  return `${server}/socket/${greetings}/${most}`;
}

export function fileUrl(site: Site, { length, seed }: BodyShape): string {
  return `file://${site.folder}/body-${length}-${seed}`;
}

/** A URL that may answer anything. */
function anyUrl(random: Random, site: Site): string {
  if (random.chance(700)) return goodTarget(random, site).url;
  const server = origin(random, site);
  const number = random.next();
  return random.pick([
    NOWHERE,
    "http://[::1",
    "what://ever/",
    `file://${site.folder}/no-such-file`,
    `${server}/broken/5000/${number}`,
    `${server}/status/${random.pick([204, 304, 404, 503])}`,
    `${server}/redirect/${random.below(4)}`,
    `${server}/cookie/0/${number}`,
    `${server}/form/0`,
  ]);
}

/** Options whose values are easily told. */
const VALUES: readonly [
  option: curl.CurlOption,
  value: (random: Random, site: Site) => unknown,
][] = [
  [curl.TIMEOUT_MS, (random) => random.pick([0, 20, 500, 3000n])],
  [curl.CONNECTTIMEOUT_MS, (random) => random.pick([0, 1000])],
  [curl.FOLLOWLOCATION, (random) => random.chance(500)],
  [curl.FAILONERROR, (random) => random.chance(500)],
  [curl.NOBODY, (random) => random.chance(300)],
  [curl.HTTPGET, () => 1],
  [curl.MAXREDIRS, (random) => random.pick([0, 2, -1])],
  [curl.BUFFERSIZE, (random) => random.pick([1024, 16_384, 65_536])],
  [curl.TCP_NODELAY, (random) => random.chance(500)],
  [curl.FRESH_CONNECT, (random) => random.chance(300)],
  [curl.FORBID_REUSE, (random) => random.chance(300)],
  [
    curl.HTTP_VERSION,
    (random) =>
      random.pick([
        curl.CURL_HTTP_VERSION_NONE,
        curl.CURL_HTTP_VERSION_1_0,
        curl.CURL_HTTP_VERSION_1_1,
        curl.CURL_HTTP_VERSION_2TLS,
      ]),
  ],
  [curl.SSL_VERIFYPEER, (random) => random.chance(500)],
  [curl.SSL_VERIFYHOST, (random) => random.pick([0, 2])],
  [curl.NOPROGRESS, (random) => random.chance(500)],
  [curl.MAXCONNECTS, (random) => random.pick([1, 2, 10])],
  [curl.DNS_CACHE_TIMEOUT, (random) => random.pick([-1, 0, 60])],
  [curl.COOKIESESSION, (random) => random.chance(500)],
  [curl.MAXFILESIZE_LARGE, (random) => random.pick([0, 1000n])],
  [curl.IPRESOLVE, (random) => random.pick([0, curl.IPRESOLVE_V4])],
  [curl.OPT_CERTINFO, (random) => random.chance(500)],
  [curl.HSTS_CTRL, (random) => random.pick([0, curl.CURLHSTS_ENABLE])],
  [curl.USERAGENT, () => "stress"],
  [curl.REFERER, () => "http://localhost/ä"],
  [curl.ENCODING, () => ""],
  [curl.COOKIE, () => "mine=1"],
  [curl.COOKIEFILE, () => ""],
  [
    curl.COOKIELIST,
    (random) =>
      random.pick([
        "ALL",
        "SESS",
        "RELOAD",
        `Set-Cookie: owner-0=${random.below(50)}; domain=localhost; path=/`,
        `127.0.0.1\tFALSE\t/\tFALSE\t0\towner-0\t${random.below(50)}`,
      ]),
  ],
  [curl.CUSTOMREQUEST, (random) => random.pick(["GET", "DELETE"])],
  [curl.USERPWD, () => "name:password"],
  [curl.CAINFO, (_, site) => `${site.folder}/ca.pem`],
  [curl.CAINFO_BLOB, (_, site) => caCertificate(site)],
  [curl.HTTPHEADER, (random) => ["X-Stress: 1", `X-Number: ${random.next()}`]],
  [curl.RESOLVE, (random, site) => resolved(random, site)],
  [
    curl.POSTFIELDS,
    (random) => makeBody({ length: random.between(8, 3000), seed: 5 }),
  ],
  [curl.COPYPOSTFIELDS, () => "a=b&c=\0"],
];

let certificate: string | undefined;

/** What a client must trust. */
export function caCertificate({ folder }: Site): string {
  return certificate ??= Deno.readTextFileSync(`${folder}/ca.pem`);
}

function resolved(random: Random, { http, https }: Site): string[] {
  return [http, https].map((address) => {
    const { port } = new URL(address);
    return random.chance(300)
      ? `-localhost:${port}`
      : `localhost:${port}:127.0.0.1`;
  });
}

/** An option and a value that it takes. */
export interface Setting {
  readonly option: curl.CurlOption;
  readonly value: unknown;
}

/** One that any handle may have, whoever performs with it. */
export function goodSetting(random: Random, site: Site): Setting {
  if (random.chance(250)) {
    return { option: curl.URL, value: anyUrl(random, site) };
  }
  const [option, value] = random.pick(VALUES);
  return { option, value: value(random, site) };
}

/** Options that can be taken back. */
export const UNSETTABLE: readonly curl.CurlOption[] = [
  curl.USERPWD,
  curl.COOKIE,
  curl.HTTPHEADER,
  curl.CUSTOMREQUEST,
  curl.CAINFO,
  curl.CAINFO_BLOB,
  curl.COOKIEJAR,
  curl.ENCODING,
  curl.RESOLVE,
  curl.OPT_CERTINFO,
];

/** A value that its option refuses, and how. */
export interface BadSetting extends Setting {
  readonly refusal: Refusal;
}

function bad(
  option: number,
  value: unknown,
  refusal: Refusal,
): BadSetting {
  return { option: option as curl.CurlOption, value, refusal };
}

export const BAD_SETTINGS: readonly BadSetting[] = [
  bad(curl.URL, 5, wrongType(/^URL takes a string/)),
  bad(curl.URL, "a\0b", wrongType(/^setopt\(URL\): .*NUL/)),
  bad(curl.URL, "\ud800", wrongType(/^URL: .*surrogate/)),
  bad(curl.TIMEOUT_MS, "soon", wrongType(/^TIMEOUT_MS takes a number/)),
  bad(curl.TIMEOUT_MS, 1.5, wrongType(/^TIMEOUT_MS takes a whole number/)),
  bad(curl.TIMEOUT_MS, 2 ** 60, wrongRange(/^TIMEOUT_MS: .*bigint/)),
  bad(curl.TIMEOUT_MS, 2n ** 64n, wrongRange(/^TIMEOUT_MS: .*64 bits/)),
  bad(curl.TIMEOUT_MS, -5, failed([curl.E_BAD_FUNCTION_ARGUMENT])),
  bad(curl.NOSIGNAL, 0, wrongRange(/^setopt\(NOSIGNAL\)/)),
  bad(curl.HTTPHEADER, "X: y", wrongType(/^HTTPHEADER takes an iterable/)),
  bad(curl.HTTPHEADER, ["a\0"], wrongType(/^HTTPHEADER: item 0 .*NUL/)),
  bad(curl.HTTPHEADER, [5], wrongType(/^HTTPHEADER takes an iterable/)),
  bad(curl.POSTFIELDS, {}, wrongType(/^POSTFIELDS takes/)),
  bad(curl.CAINFO_BLOB, 5, wrongType(/^CAINFO_BLOB takes/)),
  bad(curl.WRITEFUNCTION, "f", wrongType(/^WRITEFUNCTION takes a function/)),
  bad(curl.WRITEDATA, 1, wrongType(/^WRITEDATA takes a WritableStream/)),
  bad(curl.READDATA, new WritableStream(), wrongType(/^READDATA takes/)),
  bad(curl.SHARE, { handle: 1 }, wrongType(/^SHARE takes a CurlShare/)),
  bad(curl.ERRORBUFFER, "x", wrongType(/^ERRORBUFFER takes nothing here/)),
  bad(99_999, 1, failed([curl.E_UNKNOWN_OPTION])),
  bad(-1, 1, wrongType(/./)),
  bad(NaN, 1, wrongType(/./)),
];

/** Options that can't be taken back. */
export const NOT_UNSETTABLE: readonly BadSetting[] = [
  bad(curl.FOLLOWLOCATION, null, wrongType(/^unsetopt\(\) is not supported/)),
  bad(curl.POSTFIELDS, null, wrongType(/^unsetopt\(\) is not supported/)),
  bad(99_999, null, failed([curl.E_UNKNOWN_OPTION])),
];
