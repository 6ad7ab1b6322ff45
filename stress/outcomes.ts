/**
 * What calls may come to: the contract as a table, by what a handle is doing.
 *
 * @module
 */

import * as curl from "../mod.ts";

/** What a handle does, as far as a Worker can know. */
export type Phase =
  /** Nothing. */
  | "idle"
  /** A transfer, one of whose callbacks this Worker is in. */
  | "own"
  /** A transfer of another Worker. */
  | "elsewhere"
  /** It is in a multi handle of this Worker's that nobody works on. */
  | "member"
  /** The same, with the multi handle at work on another one. */
  | "busy"
  | "closed";

/** How a call went. */
export type Outcome<T = unknown> =
  | { readonly value: T; readonly error?: undefined }
  | { readonly value?: undefined; readonly error: Error };

/** An error that a call may throw. */
export interface Refusal {
  readonly type: "CurlError" | "TypeError" | "RangeError";
  /** libcurl's codes; for a CurlError without, its code is undefined. */
  readonly codes?: readonly number[];
  readonly text: RegExp;
}

/** What a call may come to. */
export type Allowed = "ok" | Refusal;

/** For each phase, what a call may come to. */
export type Rule = Readonly<Record<Phase, readonly Allowed[]>>;

function exactly(text: string): RegExp {
  return new RegExp(`^${text.replace(/[().[\]]/g, "\\$&")}$`);
}

/** A CurlError about a state. */
export function state(text: string | RegExp): Refusal {
  return {
    type: "CurlError",
    text: typeof text === "string" ? exactly(text) : text,
  };
}

/** A CurlError with one of these codes. */
export function failed(codes: readonly number[], text = /./): Refusal {
  return { type: "CurlError", codes, text };
}

export function wrongType(text: RegExp): Refusal {
  return { type: "TypeError", text };
}

export function wrongRange(text: RegExp): Refusal {
  return { type: "RangeError", text };
}

export function noCurl(method: string): Refusal {
  return state(`cannot invoke ${method}() - no curl handle`);
}

export function running(method: string): Refusal {
  return state(`cannot invoke ${method}() - perform() is currently running`);
}

export function inMulti(method: string): Refusal {
  return state(
    `cannot invoke ${method}() - the Curl object is in a CurlMulti; remove it first`,
  );
}

/** For what libcurl allows in the handle's own callbacks. */
export function insideToo(method: string, ...results: Allowed[]): Rule {
  return {
    idle: results,
    own: results,
    elsewhere: [running(method)],
    member: results,
    busy: [running(method)],
    closed: [noCurl(method)],
  };
}

/** For what no transfer may meet. */
export function idleOnly(method: string, ...results: Allowed[]): Rule {
  return {
    ...insideToo(method, ...results),
    own: [running(method)],
    // It may be in a multi handle there.
    elsewhere: [running(method), inMulti(method)],
    member: [inMulti(method)],
  };
}

/** Whatever the phase, these may come first. */
export function orElse(rule: Rule, ...refusals: Refusal[]): Rule {
  return {
    idle: [...rule.idle, ...refusals],
    own: [...rule.own, ...refusals],
    elsewhere: [...rule.elsewhere, ...refusals],
    member: [...rule.member, ...refusals],
    busy: [...rule.busy, ...refusals],
    closed: [...rule.closed, ...refusals],
  };
}

const SETTING_RUNNING = state(
  /^cannot invoke (un)?setopt\(\) - perform\(\) is currently running$/,
);
const SETTING_IN_MULTI = state(
  /^cannot invoke (un)?setopt\(\) - the Curl object is in a CurlMulti; remove it first$/,
);

/** setopt(), unsetopt() and setoptString(), which use each other's words. */
export const SETTING: Rule = {
  idle: ["ok"],
  own: ["ok"],
  elsewhere: [SETTING_RUNNING],
  member: ["ok"],
  busy: [SETTING_RUNNING],
  closed: [state(/^cannot invoke (un)?setopt\(\) - no curl handle$/)],
};

/** For SHARE, CURLU and MIMEPOST: the same, and never while a transfer runs. */
export const SETTING_IDLE: Rule = {
  ...SETTING,
  own: [SETTING_RUNNING],
  elsewhere: [SETTING_RUNNING, SETTING_IN_MULTI],
  member: [SETTING_IN_MULTI],
};

/** pause and unpause word a transfer elsewhere in their own way. */
export function pausing(method: string): Rule {
  const results: Allowed[] = [
    "ok",
    failed([curl.E_BAD_FUNCTION_ARGUMENT, ...CALLBACK_CODES]),
  ];
  return {
    idle: [failed([curl.E_BAD_FUNCTION_ARGUMENT])],
    own: results,
    member: results,
    busy: [running(method)],
    elsewhere: [
      state(
        `cannot invoke ${method}() - perform() is currently running on another thread`,
      ),
    ],
    closed: [noCurl(method)],
  };
}

/** Inside a callback of a transfer, what would wait for another of its share. */
export const OWN_TURN: Refusal = state(
  /^cannot invoke \w+\(\) - a callback of a transfer on the same share is running, and the share waits for its answer; /,
);

/** close() of a handle that is in a multi handle which nobody works on. */
const MEMBER_CLOSING: readonly Allowed[] = [
  "ok",
  running("close"),
  failed([curl.E_ABORTED_BY_CALLBACK, curl.E_MULTI_ABORTED_BY_CALLBACK]),
  OWN_TURN,
];

/** close() is refused while a transfer runs, and may be repeated. */
export const CLOSING: Rule = {
  idle: ["ok", failed([curl.E_ABORTED_BY_CALLBACK])],
  own: [running("close")],
  elsewhere: [running("close"), inMulti("close")],
  member: MEMBER_CLOSING,
  busy: [running("close")],
  closed: ["ok"],
};

/** What comes of a callback that throws, or answers something odd. */
export const CALLBACK_CODES: readonly number[] = [
  curl.E_WRITE_ERROR,
  curl.E_READ_ERROR,
  curl.E_ABORTED_BY_CALLBACK,
  curl.E_COULDNT_CONNECT,
  curl.E_COULDNT_RESOLVE_HOST,
];

/** What a transfer with whatever options may come to. */
export const TRANSFER_CODES: readonly number[] = [
  ...CALLBACK_CODES,
  curl.E_UNSUPPORTED_PROTOCOL,
  curl.E_URL_MALFORMAT,
  curl.E_PARTIAL_FILE,
  curl.E_HTTP_RETURNED_ERROR,
  curl.E_OPERATION_TIMEDOUT,
  curl.E_FILE_COULDNT_READ_FILE,
  curl.E_TOO_MANY_REDIRECTS,
  curl.E_PEER_FAILED_VERIFICATION,
  curl.E_FILESIZE_EXCEEDED,
  curl.E_SEND_FAIL_REWIND,
  curl.E_SSL_CACERT_BADFILE,
  // The server breaks some answers off.
  curl.E_RECV_ERROR,
  curl.E_HTTP2_STREAM,
  // It leaves a connection on which many streams were aborted at once, and the
  // others on it with them.
  curl.E_HTTP2,
  curl.E_SEND_ERROR,
  // It speaks as a WebSocket to whom it takes for one.
  curl.E_WEIRD_SERVER_REPLY,
  curl.E_GOT_NOTHING,
];

/** A callback that this Worker cannot call. */
export const FOREIGN_CALLBACK: Refusal = state(
  /^cannot invoke \w+\(\) - [A-Z_]+ was set in another Worker, or by a Curl object that is gone; /,
);

/** An asynchronous transfer with CONNECT_ONLY. */
export const KEEPS_CONNECTION: Refusal = state(
  /^cannot invoke perform\(\) - CONNECT_ONLY leaves the connection to the program/,
);

/** A stream, with a transfer that can't wait for it. */
export const STREAM: Refusal = wrongType(
  /^(WRITEDATA|WRITEHEADER|HEADERDATA|READDATA) takes an object with synchronous methods/,
);

export const SHARE_CLOSING: Refusal = state(
  "CurlShare is closing: closeAsync() waits for its transfers",
);

export const SHARE_CLOSED: Refusal = state("CurlShare is closed");

export const ALREADY_SHARING: Refusal = state(
  "Curl object already sharing. Unshare first.",
);

export const HOLDS_CONNECTION: Refusal = state(
  /^cannot invoke (un)?setopt\(\) - SHARE can't change while the Curl object holds a connection/,
);

export const SHARE_HOLDS_CONNECTION: Refusal = state(
  /^cannot close CurlShare: an attached Curl object holds a connection/,
);

/** A mime whose functions a transfer of a copy is at. */
export const SOURCE_IN_USE: Refusal = state(
  /^cannot invoke perform\(\) - a data callback or Blob of its CurlMime is in use/,
);

/** A Blob, with a transfer that can't wait for it. */
export const BLOB: Refusal = wrongType(
  /^MIMEPOST takes in a synchronous transfer strings, bytes, files and functions/,
);

/** Transfers run on so many of the share's handles; any number if none. */
export function shareInUse(count?: number): Refusal {
  return state(
    new RegExp(
      `^cannot close CurlShare: still in use by ${
        count ?? "[1-9]\\d*"
      } active Curl object\\(s\\)$`,
    ),
  );
}

/** So many handles use a share that does not detach them. */
export function shareAttached(count?: number): Refusal {
  return state(
    new RegExp(
      `^cannot close CurlShare: still in use by ${
        count ?? "[1-9]\\d*"
      } Curl object\\(s\\), and detachOnClose is false$`,
    ),
  );
}

/** The words of share(), unshare() and setopt() on a closed share. */
export const NO_SHARE: Refusal = state(
  /^cannot invoke (setopt|share|unshare|closeAsync)\(\) - no share handle$/,
);

export function noSuchHandle(
  name: "Curl" | "CurlShare" | "CurlMulti",
): Refusal {
  return state(
    new RegExp(
      `^no ${name} object has the handle [-.\\dNaInfinity]+` +
        "(: it was closed, or nobody holds it any more)?$",
    ),
  );
}

/** Whether one of the results is what it came to. */
export function isAllowed(
  outcome: Outcome,
  allowed: readonly Allowed[],
): boolean {
  const { error } = outcome;
  return allowed.some((one) =>
    one === "ok" ? error === undefined : isRefusal(error, one)
  );
}

function isRefusal(error: unknown, refusal: Refusal): boolean {
  if (!(error instanceof Error) || !refusal.text.test(error.message)) {
    return false;
  }
  if (!(error instanceof curl.CurlError)) {
    return error.constructor.name === refusal.type;
  }
  return refusal.type === "CurlError" &&
    (refusal.codes === undefined
      ? error.code === undefined
      : error.code !== undefined && refusal.codes.includes(error.code));
}

/** An outcome in words. */
export function describe(outcome: Outcome): string {
  const { error } = outcome;
  if (error === undefined) return "ok";
  if (!(error instanceof Error)) return `threw ${Deno.inspect(error)}`;
  const code = error instanceof curl.CurlError ? ` ${error.code}` : "";
  const cause = "cause" in error ? `, cause ${words(error.cause)}` : "";
  return `${error.constructor.name}${code}: ${error.message}${cause}`;
}

function words(cause: unknown): string {
  return cause instanceof Error ? String(cause) : Deno.inspect(cause);
}

/** What is allowed, in words. */
export function describeAllowed(allowed: readonly Allowed[]): string {
  return allowed.map((one) =>
    one === "ok"
      ? "ok"
      : `${one.type} ${one.codes?.join("/") ?? ""} ${one.text}`
  ).join("\n    ");
}
