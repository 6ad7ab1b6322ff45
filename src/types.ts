/**
 * The types of options, infos, their values and callbacks.
 *
 * An option's constant carries the type of its value, so `setopt(URL, 5)`
 * does not compile. At run time a constant is libcurl's plain number; the
 * fields `__option` and `__info` exist in types alone.
 *
 * @module
 */

/**
 * An option of a handle, which takes values of type `V`.
 *
 * A number that comes from elsewhere needs a cast to the option's type, such
 * as `10002 as StringOption`.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const option: curl.CurlOption<string | Uint8Array> = curl.URL;
 * using c = new curl.Curl();
 * c.setopt(option, "https://example.com/");
 * ```
 */
export type CurlOption<V = unknown> = number & { readonly __option: V };

/**
 * An info of a handle, which gives values of type `V`.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const info: curl.CurlInfo<number> = curl.RESPONSE_CODE;
 * using c = new curl.Curl();
 * console.log(c.getinfo(info)); // 0
 * ```
 */
export type CurlInfo<V = unknown> = number & { readonly __info: V };

/**
 * The value that an option takes.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const value: curl.OptionValue<typeof curl.TIMEOUT> = 10;
 * using c = new curl.Curl();
 * c.setopt(curl.TIMEOUT, value);
 * ```
 */
export type OptionValue<O extends CurlOption> = O extends CurlOption<infer V>
  ? V
  : never;

/**
 * The value that an info gives.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * using c = new curl.Curl();
 * const url: curl.InfoValue<typeof curl.EFFECTIVE_URL> = c.getinfo(
 *   curl.EFFECTIVE_URL,
 * );
 * console.log(url);
 * ```
 */
export type InfoValue<I extends CurlInfo> = I extends CurlInfo<infer V> ? V
  : never;

/**
 * The value that an info gives as bytes: strings are left undecoded.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * using c = new curl.Curl();
 * const url: curl.RawInfoValue<typeof curl.EFFECTIVE_URL> = c.getinfoRaw(
 *   curl.EFFECTIVE_URL,
 * );
 * console.log(url);
 * ```
 */
export type RawInfoValue<I extends CurlInfo> = Undecoded<InfoValue<I>>;

/**
 * A type in which bytes stand for strings, in lists too.
 *
 * @example
 * ```ts
 * import type { Undecoded } from "@denocurl/curl";
 *
 * const names: Undecoded<string[]> = [new Uint8Array([0x61])];
 * console.log(names.length); // 1
 * ```
 */
export type Undecoded<V> = V extends string ? Uint8Array
  : V extends unknown[] ? { [K in keyof V]: Undecoded<V[K]> }
  : V;

/**
 * An option that takes a number; true is 1 and false is 0.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const option: curl.LongOption = curl.FOLLOWLOCATION;
 * using c = new curl.Curl();
 * c.setopt(option, true);
 * ```
 */
export type LongOption = CurlOption<number | boolean | bigint>;

/**
 * An option that takes a 64-bit number.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const option: curl.OffTOption = curl.MAX_RECV_SPEED_LARGE;
 * using c = new curl.Curl();
 * c.setopt(option, 1_000_000);
 * ```
 */
export type OffTOption = CurlOption<number | boolean | bigint>;

/**
 * An option that takes a string, or its bytes; neither may hold a NUL.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const option: curl.StringOption = curl.USERAGENT;
 * using c = new curl.Curl();
 * c.setopt(option, "mine/1.0");
 * ```
 */
export type StringOption = CurlOption<string | Uint8Array>;

/**
 * An option that takes a string or any bytes.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const option: curl.BytesOption = curl.POSTFIELDS;
 * using c = new curl.Curl();
 * c.setopt(option, new Uint8Array([1, 2, 3]));
 * ```
 */
export type BytesOption = CurlOption<string | Uint8Array>;

/**
 * An option that takes a list of strings, such as header lines.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const option: curl.ListOption = curl.HTTPHEADER;
 * using c = new curl.Curl();
 * c.setopt(option, ["Accept: text/plain"]);
 * ```
 */
export type ListOption = CurlOption<Iterable<string | Uint8Array>>;

/**
 * An option that takes the content of a file, such as a certificate.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const option: curl.BlobOption = curl.CAINFO_BLOB;
 * const certificates = new TextEncoder().encode("-----BEGIN …");
 * using c = new curl.Curl();
 * c.setopt(option, certificates);
 * ```
 */
export type BlobOption = CurlOption<Uint8Array | ArrayBuffer | string>;

/**
 * An option that takes a function.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const option: curl.CallbackOption<curl.SeekCallback> = curl.SEEKFUNCTION;
 * using c = new curl.Curl();
 * c.setopt(option, () => curl.SEEKFUNC_CANTSEEK);
 * ```
 */
// deno-lint-ignore no-explicit-any -- the signatures have nothing in common
export type CallbackOption<F extends (...args: any[]) => unknown> = CurlOption<
  F
>;

/**
 * An option that takes a share.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const option: curl.ShareOption = curl.SHARE;
 * using share = new curl.CurlShare();
 * using c = new curl.Curl();
 * c.setopt(option, share);
 * ```
 */
export type ShareOption = CurlOption<CurlShareLike>;

/**
 * An option that takes what received data is written to.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const option: curl.WriterOption = curl.WRITEDATA;
 * using c = new curl.Curl();
 * c.setopt(option, { write: (data) => console.log(data.length) });
 * ```
 */
export type WriterOption = CurlOption<DataWriter>;

/**
 * An option that takes what data to send is read from.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const option: curl.ReaderOption = curl.READDATA;
 * using c = new curl.Curl();
 * c.setopt(option, new Blob(["to be sent"]).stream());
 * ```
 */
export type ReaderOption = CurlOption<DataReader>;

/**
 * An option that keeps any value for its handle.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const option: curl.PrivateOption = curl.PRIVATE;
 * using c = new curl.Curl();
 * c.setopt(option, { mine: true });
 * console.log(c.getinfo(curl.INFO_PRIVATE));
 * ```
 */
export type PrivateOption = CurlOption<unknown>;

/**
 * An option that takes a parsed URL.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const option: curl.UrlOption = curl.CURLU;
 * using c = new curl.Curl();
 * c.setopt(option, new curl.CurlUrl("https://example.com/"));
 * ```
 */
export type UrlOption = CurlOption<CurlUrlLike>;

/**
 * The option that takes a body of several parts: a `CurlMime` or a `FormData`.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const option: curl.MimeOption = curl.MIMEPOST;
 * using c = new curl.Curl();
 * c.setopt(option, new FormData());
 * ```
 */
export type MimeOption = CurlOption<CurlMimeLike | FormData>;

/**
 * The option that takes PycURL's list of a form's fields.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const option: curl.FormOption = curl.HTTPPOST;
 * using c = new curl.Curl();
 * c.setopt(option, [["name", "value"]]);
 * ```
 */
export type FormOption = CurlOption<Iterable<FormField>>;

/**
 * An option whose value is a C pointer that JavaScript cannot make.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const option: curl.UnsupportedOption = curl.CHUNK_DATA;
 * using c = new curl.Curl();
 * try {
 *   c.setopt(option, undefined as never);
 * } catch (error) {
 *   console.log(error instanceof TypeError); // true
 * }
 * ```
 */
export type UnsupportedOption = CurlOption<never>;

/**
 * An info that is a string, or null when there is none.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const info: curl.StringInfo = curl.EFFECTIVE_URL;
 * using c = new curl.Curl();
 * console.log(c.getinfo(info));
 * ```
 */
export type StringInfo = CurlInfo<string | null>;

/**
 * An info that is a number.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const info: curl.LongInfo = curl.RESPONSE_CODE;
 * using c = new curl.Curl();
 * console.log(c.getinfo(info));
 * ```
 */
export type LongInfo = CurlInfo<number>;

/**
 * An info that is a number with a fraction.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const info: curl.DoubleInfo = curl.TOTAL_TIME;
 * using c = new curl.Curl();
 * console.log(c.getinfo(info));
 * ```
 */
export type DoubleInfo = CurlInfo<number>;

/**
 * An info that is a list of strings.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const info: curl.ListInfo = curl.SSL_ENGINES;
 * using c = new curl.Curl();
 * console.log(c.getinfo(info));
 * ```
 */
export type ListInfo = CurlInfo<string[]>;

/**
 * An info that is a file descriptor.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const info: curl.SocketInfo = curl.ACTIVESOCKET;
 * using c = new curl.Curl();
 * console.log(c.getinfo(info));
 * ```
 */
export type SocketInfo = CurlInfo<number>;

/**
 * An info that is a 64-bit number.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const info: curl.OffTInfo = curl.SIZE_DOWNLOAD_T;
 * using c = new curl.Curl();
 * console.log(c.getinfo(info));
 * ```
 */
export type OffTInfo = CurlInfo<number>;

/**
 * The info that is a certificate chain: names and values, per certificate.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const info: curl.CertInfo = curl.INFO_CERTINFO;
 * using c = new curl.Curl();
 * console.log(c.getinfo(info));
 * ```
 */
export type CertInfo = CurlInfo<[name: string, value: string][][]>;

/**
 * The info that gives back what the option PRIVATE was set to.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const info: curl.PrivateInfo = curl.INFO_PRIVATE;
 * using c = new curl.Curl();
 * console.log(c.getinfo(info));
 * ```
 */
export type PrivateInfo = CurlInfo<unknown>;

/**
 * An info that is a C pointer, which JavaScript cannot use.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const info: curl.UnsupportedInfo = curl.TLS_SESSION;
 * using c = new curl.Curl();
 * try {
 *   c.getinfo(info);
 * } catch (error) {
 *   console.log(error instanceof TypeError); // true
 * }
 * ```
 */
export type UnsupportedInfo = CurlInfo<never>;

/**
 * Settings of calls that wait.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const options: curl.AbortOptions = { signal: AbortSignal.abort() };
 * using c = new curl.Curl();
 * c.setopt(curl.URL, "https://example.com/");
 * await c.perform(options).catch((error) => console.log(error.name)); // AbortError
 * ```
 */
export interface AbortOptions {
  /**
   * Ends the call when it is aborted: the promise rejects with the signal's
   * reason. If it is aborted already, nothing starts.
   */
  signal?: AbortSignal;
}

/**
 * What the option SHARE takes: a `CurlShare`.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * using share = new curl.CurlShare();
 * const like: curl.CurlShareLike = share;
 * console.log(like.handle === share.handle); // true
 * ```
 */
export interface CurlShareLike {
  /** The number of the share, which any Worker may use. */
  readonly handle: number;
}

/**
 * What the option CURLU takes: a `CurlUrl`.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * using url = new curl.CurlUrl("https://example.com/");
 * const like: curl.CurlUrlLike = url;
 * console.log(like.getpart(curl.UPART_HOST)); // example.com
 * ```
 */
export interface CurlUrlLike {
  /** The full URL; null if a part of it is missing. */
  readonly url: string | null;
  /** A part of it. */
  getpart(part: number, flags?: number): string | null;
}

/**
 * What the option MIMEPOST takes: a `CurlMime`.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * using c = new curl.Curl();
 * using mime = new curl.CurlMime(c);
 * const like: curl.CurlMimeLike = mime;
 * console.log(like.closed); // false
 * ```
 */
export interface CurlMimeLike {
  /** Whether it was closed. */
  readonly closed: boolean;
  /** Adds a part. */
  addpart(): unknown;
}

/**
 * What a `CurlMime` is made for: a `Curl`.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * using c = new curl.Curl();
 * const like: curl.CurlLike = c;
 * using mime = new curl.CurlMime(like);
 * mime.addField("name", "value");
 * ```
 */
export interface CurlLike {
  /** The number of the handle. */
  readonly handle: number;
}

/**
 * A field of HTTPPOST: its name and its value, or in place of the value
 * `FORM_*` constants, each with what it stands for.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const path = Deno.makeTempFileSync();
 * const fields: curl.FormField[] = [
 *   ["name", "value"],
 *   ["upload", [curl.FORM_FILE, path, curl.FORM_CONTENTTYPE, "text/plain"]],
 * ];
 * using c = new curl.Curl();
 * c.setopt(curl.HTTPPOST, fields);
 * ```
 */
export type FormField = readonly [
  name: string | Uint8Array,
  value: string | Uint8Array | readonly (number | string | Uint8Array)[],
];

/**
 * Writes synchronously, as a `Deno.FsFile` does.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const writer: curl.SyncWriter = {
 *   writeSync: (data) => data.length,
 * };
 * using c = new curl.Curl();
 * c.setopt(curl.WRITEDATA, writer);
 * ```
 */
export interface SyncWriter {
  /** Writes some of the bytes, and tells how many. */
  writeSync(data: Uint8Array): number;
}

/**
 * PycURL's kind of writer: any object with a method `write`.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const pieces: Uint8Array[] = [];
 * const writer: curl.PlainWriter = { write: (data) => pieces.push(data) };
 * using c = new curl.Curl();
 * c.setopt(curl.WRITEDATA, writer);
 * ```
 */
export interface PlainWriter {
  /**
   * Takes all of the bytes, to keep. For WRITEDATA in an asynchronous transfer
   * it may return a promise, which is waited for.
   */
  write(data: Uint8Array): unknown;
}

/**
 * What WRITEDATA and HEADERDATA take.
 *
 * A `WritableStream` is for asynchronous transfers. It is locked from the first
 * bytes on until the transfer is over; it stays open, as libcurl closes nothing
 * that it writes to. The body comes as fast as the stream takes it, and
 * all was written when the transfer's promise resolves.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const writer: curl.DataWriter = new TransformStream<Uint8Array>().writable;
 * using c = new curl.Curl();
 * c.setopt(curl.WRITEDATA, writer);
 * ```
 */
export type DataWriter = SyncWriter | WritableStream<Uint8Array> | PlainWriter;

/**
 * Reads synchronously, as a `Deno.FsFile` does.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const reader: curl.SyncReader = { readSync: () => null };
 * using c = new curl.Curl();
 * c.setopt(curl.READDATA, reader);
 * ```
 */
export interface SyncReader {
  /** Fills some of the buffer, and tells how much; null at the end. */
  readSync(buffer: Uint8Array): number | null;
}

/**
 * PycURL's kind of reader: any object with a method `read`.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const pieces = ["to be ", "sent"];
 * const reader: curl.PlainReader = { read: () => pieces.shift() ?? "" };
 * using c = new curl.Curl();
 * c.setopt(curl.READDATA, reader);
 * ```
 */
export interface PlainReader {
  /**
   * Gives at most `size` bytes; none at the end. In an asynchronous transfer
   * it may return a promise of them.
   */
  read(size: number): Uint8Array | string | Promise<Uint8Array | string>;
}

/**
 * What READDATA takes.
 *
 * A `ReadableStream` is for asynchronous transfers. It is locked from the first
 * bytes on until the transfer is over, and read ahead by some 256 KiB: a chunk
 * must not change any more, and what was not sent is left to the next transfer
 * that is given the stream. Its length is not known, so HTTP/1.1
 * sends it in chunks, unless INFILESIZE or POSTFIELDSIZE says it. It can't be
 * sent twice, as after a redirect: such a transfer fails with
 * `E_SEND_FAIL_REWIND`.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const reader: curl.DataReader = new Blob(["to be sent"]).stream();
 * using c = new curl.Curl();
 * c.setopt(curl.READDATA, reader);
 * ```
 */
export type DataReader = SyncReader | ReadableStream<Uint8Array> | PlainReader;

/**
 * Where a socket is to be opened to.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const toLoopback = ({ address }: curl.SocketAddress) =>
 *   address.startsWith("127.");
 * using c = new curl.Curl();
 * c.setopt(
 *   curl.OPENSOCKETFUNCTION,
 *   (_, address) => toLoopback(address) ? undefined : curl.SOCKET_BAD,
 * );
 * ```
 */
export interface SocketAddress {
  /** Number of the address family, such as AF_INET. */
  readonly family: number;
  /** Number of the socket's type, such as SOCK_STREAM. */
  readonly socktype: number;
  /** Number of the protocol, such as IPPROTO_TCP. */
  readonly protocol: number;
  /** IP address, or path of a Unix socket. */
  readonly address: string;
  /** Port, or 0 for a Unix socket. */
  readonly port: number;
}

/**
 * A public key of an SSH host.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const known = new Uint8Array([1, 2, 3]);
 * const isKnown = ({ key }: curl.SshKey) =>
 *   key.length === known.length && key.every((byte, i) => byte === known[i]);
 * using c = new curl.Curl();
 * c.setopt(
 *   curl.SSH_KEYFUNCTION,
 *   (_, found) => isKnown(found) ? curl.KHSTAT_FINE : curl.KHSTAT_REJECT,
 * );
 * ```
 */
export interface SshKey {
  /** The key: base64 from a file of known hosts, else raw. */
  readonly key: Uint8Array;
  /** A `KHTYPE_*`. */
  readonly keytype: number;
}

/**
 * A host that has to be reached by HTTPS.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const entries: curl.HstsEntry[] = [
 *   { host: "example.com", expire: null, includeSubDomains: true },
 * ];
 * using c = new curl.Curl();
 * c.setopt(curl.HSTSREADFUNCTION, () => entries.shift());
 * ```
 */
export interface HstsEntry {
  /** Host name. */
  readonly host: string;
  /** End of validity in UTC, as `YYYYMMDD HH:MM:SS`; null for no end. */
  readonly expire: string | null;
  /** Whether the hosts below it have to be as well. */
  readonly includeSubDomains: boolean;
}

/**
 * Which of the HSTS entries is being saved.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const isLast = ({ index, total }: curl.HstsIndex) => index + 1 === total;
 * using c = new curl.Curl();
 * c.setopt(curl.HSTSWRITEFUNCTION, (entry, index) => {
 *   console.log(entry.host, isLast(index));
 * });
 * ```
 */
export interface HstsIndex {
  /** From 0. */
  readonly index: number;
  /** How many there are. */
  readonly total: number;
}

/**
 * One file of an FTP listing, when WILDCARDMATCH is on.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const isFile = ({ filetype }: curl.ChunkInfo) =>
 *   filetype === curl.FILETYPE_FILE;
 * using c = new curl.Curl();
 * c.setopt(
 *   curl.CHUNK_BGN_FUNCTION,
 *   (info) => isFile(info) ? curl.CHUNK_BGN_FUNC_OK : curl.CHUNK_BGN_FUNC_SKIP,
 * );
 * ```
 */
export interface ChunkInfo {
  /** Name of the file. */
  readonly filename: string;
  /** A `FILETYPE_*`. */
  readonly filetype: number;
  /** Seconds since 1970; libcurl leaves it 0. */
  readonly time: number;
  /** Permission bits. */
  readonly perm: number;
  /** Number of the owner. */
  readonly uid: number;
  /** Number of the group. */
  readonly gid: number;
  /** Size in bytes. */
  readonly size: number;
  /** How many names the file has. */
  readonly hardlinks: number;
  /** `FINFOFLAG_*` bits: which of the fields are known. */
  readonly flags: number;
  /** The fields as the server wrote them. */
  readonly strings: ChunkStrings;
}

/**
 * The fields of a {@linkcode ChunkInfo} as text; null where there is none.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const describe = ({ perm, user }: curl.ChunkStrings) => `${perm} ${user}`;
 * using c = new curl.Curl();
 * c.setopt(curl.CHUNK_BGN_FUNCTION, ({ strings }) => {
 *   console.log(describe(strings));
 * });
 * ```
 */
export interface ChunkStrings {
  /** Time of the last change. */
  readonly time: string | null;
  /** Permissions, such as `rw-r--r--`. */
  readonly perm: string | null;
  /** Name of the owner. */
  readonly user: string | null;
  /** Name of the group. */
  readonly group: string | null;
  /** What a symbolic link points to. */
  readonly target: string | null;
}

/**
 * Takes a piece of the body. Nothing or the length means that all was taken;
 * `WRITEFUNC_PAUSE` pauses, any other number aborts the transfer.
 *
 * In an asynchronous transfer it may return a promise: the next piece comes
 * when that has settled. `WRITEFUNC_PAUSE` has to be returned at once, and is
 * refused where a synchronous one would then never end.
 *
 * The bytes are lent: when the function returns, or its promise settles, their
 * buffer is detached. Take `data.slice()` to keep them.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const callback: curl.WriteCallback = (data) => console.log(data.length);
 * using c = new curl.Curl();
 * c.setopt(curl.WRITEFUNCTION, callback);
 * ```
 */
export type WriteCallback = (
  data: Uint8Array,
) => number | void | Promise<number | void>;

/**
 * Takes a header line, with its line break; answers like a
 * {@linkcode WriteCallback}, but by no promise.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const decoder = new TextDecoder();
 * const callback: curl.HeaderCallback = (line) =>
 *   console.log(decoder.decode(line).trimEnd());
 * using c = new curl.Curl();
 * c.setopt(curl.HEADERFUNCTION, callback);
 * ```
 */
export type HeaderCallback = (data: Uint8Array) => number | void;

/**
 * Takes an RTP packet; answers like a {@linkcode HeaderCallback}.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const callback: curl.InterleaveCallback = (packet) => console.log(packet.length);
 * using c = new curl.Curl();
 * c.setopt(curl.INTERLEAVEFUNCTION, callback);
 * ```
 */
export type InterleaveCallback = (data: Uint8Array) => number | void;

/**
 * Gives at most `size` bytes to send, none at the end; or `READFUNC_ABORT`
 * or `READFUNC_PAUSE`.
 *
 * In an asynchronous transfer it may return a promise of them, but
 * `READFUNC_PAUSE` has to be returned at once.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const pieces = ["to be ", "sent"];
 * const callback: curl.ReadCallback = () => pieces.shift() ?? "";
 * using c = new curl.Curl();
 * c.setopt(curl.READFUNCTION, callback);
 * ```
 */
export type ReadCallback = (
  size: number,
) => Uint8Array | string | number | Promise<Uint8Array | string | number>;

/**
 * Moves to `offset` in what is sent. Nothing means that it did; else a
 * `SEEKFUNC_*`.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const callback: curl.SeekCallback = (offset) => offset === 0 ? curl.SEEKFUNC_OK : curl.SEEKFUNC_CANTSEEK;
 * using c = new curl.Curl();
 * c.setopt(curl.SEEKFUNCTION, callback);
 * ```
 */
export type SeekCallback = (offset: number, origin: number) => number | void;

/**
 * Hears how many bytes are to come and have come, both down and up. A number
 * other than 0, or true, aborts the transfer.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const callback: curl.XferInfoCallback = (total, now) =>
 *   console.log(`${now} of ${total}`);
 * using c = new curl.Curl();
 * c.setopt(curl.NOPROGRESS, false);
 * c.setopt(curl.XFERINFOFUNCTION, callback);
 * ```
 */
export type XferInfoCallback = (
  dltotal: number,
  dlnow: number,
  ultotal: number,
  ulnow: number,
) => number | boolean | void;

/**
 * The older form of {@linkcode XferInfoCallback}.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const callback: curl.ProgressCallback = (total, now) =>
 *   console.log(`${now} of ${total}`);
 * using c = new curl.Curl();
 * c.setopt(curl.NOPROGRESS, false);
 * c.setopt(curl.PROGRESSFUNCTION, callback);
 * ```
 */
export type ProgressCallback = XferInfoCallback;

/**
 * Hears what libcurl does; `type` is an `INFOTYPE_*`.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const callback: curl.DebugCallback = (type, data) =>
 *   console.log(type === curl.INFOTYPE_TEXT, data.length);
 * using c = new curl.Curl();
 * c.setopt(curl.VERBOSE, true);
 * c.setopt(curl.DEBUGFUNCTION, callback);
 * ```
 */
export type DebugCallback = (type: number, data: Uint8Array) => void;

/**
 * Opens a socket and gives its file descriptor. Nothing lets libcurl open
 * it, `SOCKET_BAD` refuses. `purpose` is a `SOCKTYPE_*`.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const callback: curl.OpenSocketCallback = (_, { address }) => console.log(address);
 * using c = new curl.Curl();
 * c.setopt(curl.OPENSOCKETFUNCTION, callback);
 * ```
 */
export type OpenSocketCallback = (
  purpose: number,
  address: SocketAddress,
) => number | void;

/**
 * Sets up a new socket; nothing means all is well, else a `SOCKOPT_*`.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const callback: curl.SockOptCallback = (fd) => console.log(fd);
 * using c = new curl.Curl();
 * c.setopt(curl.SOCKOPTFUNCTION, callback);
 * ```
 */
export type SockOptCallback = (fd: number, purpose: number) => number | void;

/**
 * Closes a socket: 0 says it did. Nothing lets libcurl close it.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const callback: curl.CloseSocketCallback = (fd) => console.log(fd);
 * using c = new curl.Curl();
 * c.setopt(curl.CLOSESOCKETFUNCTION, callback);
 * ```
 */
export type CloseSocketCallback = (fd: number) => number | void;

/**
 * Judges the key of an SSH host by a `KHSTAT_*`. `known` is the key on file,
 * `match` a `KHMATCH_*`.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const callback: curl.SshKeyCallback = (_, __, match) =>
 *   match === curl.KHMATCH_OK ? curl.KHSTAT_FINE : curl.KHSTAT_REJECT;
 * using c = new curl.Curl();
 * c.setopt(curl.SSH_KEYFUNCTION, callback);
 * ```
 */
export type SshKeyCallback = (
  known: SshKey | null,
  found: SshKey,
  match: number,
) => number;

/**
 * Judges the raw key of an SSH host: 0 accepts it.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const callback: curl.SshHostKeyCallback = (_, key) => key[0] === 0 ? 0 : 1;
 * using c = new curl.Curl();
 * c.setopt(curl.SSH_HOSTKEYFUNCTION, callback);
 * ```
 */
export type SshHostKeyCallback = (keytype: number, key: Uint8Array) => number;

/**
 * Runs between connecting and the request. Nothing goes on, else a
 * `PREREQFUNC_*`.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const callback: curl.PrereqCallback = (ip) =>
 *   ip.startsWith("10.") ? curl.PREREQFUNC_ABORT : curl.PREREQFUNC_OK;
 * using c = new curl.Curl();
 * c.setopt(curl.PREREQFUNCTION, callback);
 * ```
 */
export type PrereqCallback = (
  ip: string,
  localIp: string,
  port: number,
  localPort: number,
) => number | void;

/**
 * Gives header lines to send after the body, or a `TRAILERFUNC_*`.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const callback: curl.TrailerCallback = () => ["X-Checksum: 1234"];
 * using c = new curl.Curl();
 * c.setopt(curl.TRAILERFUNCTION, callback);
 * ```
 */
export type TrailerCallback = () => string[] | number;

/**
 * Runs before a name is resolved; a number other than 0 aborts.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const callback: curl.ResolverStartCallback = () => console.log("a name");
 * using c = new curl.Curl();
 * c.setopt(curl.RESOLVER_START_FUNCTION, callback);
 * ```
 */
export type ResolverStartCallback = () => number | void;

/**
 * Tells by a `FNMATCHFUNC_*` whether a name fits a pattern.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const callback: curl.FnmatchCallback = (_, name) =>
 *   name.endsWith(".txt") ? curl.FNMATCHFUNC_MATCH : curl.FNMATCHFUNC_NOMATCH;
 * using c = new curl.Curl();
 * c.setopt(curl.FNMATCH_FUNCTION, callback);
 * ```
 */
export type FnmatchCallback = (pattern: string, string: string) => number;

/**
 * Runs before each file of a listing; nothing goes on, else a
 * `CHUNK_BGN_FUNC_*`. `remaining` is how many files are left.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const callback: curl.ChunkBgnCallback = ({ filename }) => console.log(filename);
 * using c = new curl.Curl();
 * c.setopt(curl.CHUNK_BGN_FUNCTION, callback);
 * ```
 */
export type ChunkBgnCallback = (
  info: ChunkInfo,
  remaining: number,
) => number | void;

/**
 * Runs after each file; nothing goes on, else a `CHUNK_END_FUNC_*`.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const callback: curl.ChunkEndCallback = () => console.log("done");
 * using c = new curl.Curl();
 * c.setopt(curl.CHUNK_END_FUNCTION, callback);
 * ```
 */
export type ChunkEndCallback = () => number | void;

/**
 * Gives the next HSTS entry to load; nothing at the end.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const hosts = ["example.com"];
 * const callback: curl.HstsReadCallback = () => {
 *   const host = hosts.shift();
 *   return host ? { host, expire: null, includeSubDomains: false } : null;
 * };
 * using c = new curl.Curl();
 * c.setopt(curl.HSTSREADFUNCTION, callback);
 * ```
 */
export type HstsReadCallback = () => HstsEntry | null | void;

/**
 * Takes an HSTS entry to save; nothing goes on, else a `CURLSTS_*`.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const callback: curl.HstsWriteCallback = ({ host }) => console.log(host);
 * using c = new curl.Curl();
 * c.setopt(curl.HSTSWRITEFUNCTION, callback);
 * ```
 */
export type HstsWriteCallback = (
  entry: HstsEntry,
  index: HstsIndex,
) => number | void;

/**
 * Gives at most `size` bytes of a mime part, none at the end; answers like a
 * {@linkcode ReadCallback}.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const pieces = ["to be ", "sent"];
 * const read: curl.MimeReadCallback = () => pieces.shift() ?? "";
 * using c = new curl.Curl();
 * using mime = new curl.CurlMime(c);
 * mime.addpart().dataCb(null, read);
 * ```
 */
export type MimeReadCallback<U = undefined> = (
  userdata: U,
  size: number,
) => Uint8Array | string | number | Promise<Uint8Array | string | number>;

/**
 * Moves to `offset` in the content of a mime part, which is sent again. Nothing
 * means that it did; else a `SEEKFUNC_*`.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * let at = 0;
 * const seek: curl.MimeSeekCallback = (_, offset) => {
 *   at = offset;
 * };
 * const text = "to be sent";
 * using c = new curl.Curl();
 * using mime = new curl.CurlMime(c);
 * mime.addpart().dataCb(
 *   text.length,
 *   (_, size) => text.slice(at, at += size),
 *   { seek },
 * );
 * ```
 */
export type MimeSeekCallback<U = undefined> = (
  userdata: U,
  offset: number,
  origin: number,
) => number | void;

/**
 * Hears that the other functions of a mime part are called no more.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const free: curl.MimeFreeCallback<string> = (what) => console.log(what);
 * using c = new curl.Curl();
 * using mime = new curl.CurlMime(c);
 * mime.addpart().dataCb(0, () => "", { free, userdata: "no more" });
 * ```
 */
export type MimeFreeCallback<U = undefined> = (userdata: U) => void;

/**
 * Starts the data to send anew, on `IOCMD_RESTARTREAD`; gives an `IOE_*`.
 *
 * @example
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * const callback: curl.IoctlCallback = () => curl.IOE_OK;
 * using c = new curl.Curl();
 * c.setopt(curl.IOCTLFUNCTION, callback);
 * ```
 */
export type IoctlCallback = (cmd: number) => number;
