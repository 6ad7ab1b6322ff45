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
 */
export type CurlOption<V = unknown> = number & { readonly __option: V };

/** An info of a handle, which gives values of type `V`. */
export type CurlInfo<V = unknown> = number & { readonly __info: V };

/** The value that an option takes. */
export type OptionValue<O extends CurlOption> = O extends CurlOption<infer V>
  ? V
  : never;

/** The value that an info gives. */
export type InfoValue<I extends CurlInfo> = I extends CurlInfo<infer V> ? V
  : never;

/** The value that an info gives as bytes: strings are left undecoded. */
export type RawInfoValue<I extends CurlInfo> = Undecoded<InfoValue<I>>;

/** A type in which bytes stand for strings, in lists too. */
export type Undecoded<V> = V extends string ? Uint8Array
  : V extends unknown[] ? { [K in keyof V]: Undecoded<V[K]> }
  : V;

/** An option that takes a number; true is 1 and false is 0. */
export type LongOption = CurlOption<number | boolean | bigint>;

/** An option that takes a 64-bit number. */
export type OffTOption = CurlOption<number | boolean | bigint>;

/** An option that takes a string, or its bytes; neither may hold a NUL. */
export type StringOption = CurlOption<string | Uint8Array>;

/** An option that takes a string or any bytes. */
export type BytesOption = CurlOption<string | Uint8Array>;

/** An option that takes a list of strings, such as header lines. */
export type ListOption = CurlOption<Iterable<string | Uint8Array>>;

/** An option that takes the content of a file, such as a certificate. */
export type BlobOption = CurlOption<Uint8Array | ArrayBuffer | string>;

/** An option that takes a function. */
// deno-lint-ignore no-explicit-any -- the signatures have nothing in common
export type CallbackOption<F extends (...args: any[]) => unknown> = CurlOption<
  F
>;

/** An option that takes a share. */
export type ShareOption = CurlOption<CurlShareLike>;

/** An option that takes what received data is written to. */
export type WriterOption = CurlOption<DataWriter>;

/** An option that takes what data to send is read from. */
export type ReaderOption = CurlOption<DataReader>;

/** An option that keeps any value for its handle. */
export type PrivateOption = CurlOption<unknown>;

/** An option that takes a parsed URL. */
export type UrlOption = CurlOption<CurlUrlLike>;

/** The option that takes a body of several parts: a `CurlMime` or a `FormData`. */
export type MimeOption = CurlOption<CurlMimeLike | FormData>;

/** The option that takes PycURL's list of a form's fields. */
export type FormOption = CurlOption<Iterable<FormField>>;

/** An option whose value is a C pointer that JavaScript cannot make. */
export type UnsupportedOption = CurlOption<never>;

/** An info that is a string, or null when there is none. */
export type StringInfo = CurlInfo<string | null>;

/** An info that is a number. */
export type LongInfo = CurlInfo<number>;

/** An info that is a number with a fraction. */
export type DoubleInfo = CurlInfo<number>;

/** An info that is a list of strings. */
export type ListInfo = CurlInfo<string[]>;

/** An info that is a file descriptor. */
export type SocketInfo = CurlInfo<number>;

/** An info that is a 64-bit number. */
export type OffTInfo = CurlInfo<number>;

/** The info that is a certificate chain: names and values, per certificate. */
export type CertInfo = CurlInfo<[name: string, value: string][][]>;

/** The info that gives back what the option PRIVATE was set to. */
export type PrivateInfo = CurlInfo<unknown>;

/** An info that is a C pointer, which JavaScript cannot use. */
export type UnsupportedInfo = CurlInfo<never>;

/** Settings of calls that wait. */
export interface AbortOptions {
  /**
   * Ends the call when it is aborted: the promise rejects with the signal's
   * reason. If it is aborted already, nothing starts.
   */
  signal?: AbortSignal;
}

/** What the option SHARE takes: a `CurlShare`. */
export interface CurlShareLike {
  /** The number of the share, which any Worker may use. */
  readonly handle: number;
}

/** What the option CURLU takes: a `CurlUrl`. */
export interface CurlUrlLike {
  /** The full URL; null if a part of it is missing. */
  readonly url: string | null;
  /** A part of it. */
  getpart(part: number, flags?: number): string | null;
}

/** What the option MIMEPOST takes: a `CurlMime`. */
export interface CurlMimeLike {
  /** Whether it was closed. */
  readonly closed: boolean;
  /** Adds a part. */
  addpart(): unknown;
}

/** What a `CurlMime` is made for: a `Curl`. */
export interface CurlLike {
  /** The number of the handle. */
  readonly handle: number;
}

/**
 * A field of HTTPPOST: its name and its value, or in place of the value
 * `FORM_*` constants, each with what it stands for.
 */
export type FormField = readonly [
  name: string | Uint8Array,
  value: string | Uint8Array | readonly (number | string | Uint8Array)[],
];

/** Writes synchronously, as a `Deno.FsFile` does. */
export interface SyncWriter {
  /** Writes some of the bytes, and tells how many. */
  writeSync(data: Uint8Array): number;
}

/** PycURL's kind of writer: any object with a method `write`. */
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
 */
export type DataWriter = SyncWriter | WritableStream<Uint8Array> | PlainWriter;

/** Reads synchronously, as a `Deno.FsFile` does. */
export interface SyncReader {
  /** Fills some of the buffer, and tells how much; null at the end. */
  readSync(buffer: Uint8Array): number | null;
}

/** PycURL's kind of reader: any object with a method `read`. */
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
 * bytes on until the transfer is over. Its length is not known, so HTTP/1.1
 * sends it in chunks, unless INFILESIZE or POSTFIELDSIZE says it. It can't be
 * sent twice, as after a redirect: such a transfer fails with
 * `E_SEND_FAIL_REWIND`.
 */
export type DataReader = SyncReader | ReadableStream<Uint8Array> | PlainReader;

/** Where a socket is to be opened to. */
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

/** A public key of an SSH host. */
export interface SshKey {
  /** The key: base64 from a file of known hosts, else raw. */
  readonly key: Uint8Array;
  /** A `KHTYPE_*`. */
  readonly keytype: number;
}

/** A host that has to be reached by HTTPS. */
export interface HstsEntry {
  /** Host name. */
  readonly host: string;
  /** End of validity in UTC, as `YYYYMMDD HH:MM:SS`; null for no end. */
  readonly expire: string | null;
  /** Whether the hosts below it have to be as well. */
  readonly includeSubDomains: boolean;
}

/** Which of the HSTS entries is being saved. */
export interface HstsIndex {
  /** From 0. */
  readonly index: number;
  /** How many there are. */
  readonly total: number;
}

/** One file of an FTP listing, when WILDCARDMATCH is on. */
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

/** The fields of a {@linkcode ChunkInfo} as text; null where there is none. */
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
 * when that has settled. `WRITEFUNC_PAUSE` has to be returned at once.
 *
 * The bytes are lent: when the function returns, or its promise settles, their
 * buffer is detached. Take `data.slice()` to keep them.
 */
export type WriteCallback = (
  data: Uint8Array,
) => number | void | Promise<number | void>;

/**
 * Takes a header line, with its line break; answers like a
 * {@linkcode WriteCallback}, but by no promise.
 */
export type HeaderCallback = (data: Uint8Array) => number | void;

/** Takes an RTP packet; answers like a {@linkcode HeaderCallback}. */
export type InterleaveCallback = (data: Uint8Array) => number | void;

/**
 * Gives at most `size` bytes to send, none at the end; or `READFUNC_ABORT`
 * or `READFUNC_PAUSE`.
 *
 * In an asynchronous transfer it may return a promise of them, but
 * `READFUNC_PAUSE` has to be returned at once.
 */
export type ReadCallback = (
  size: number,
) => Uint8Array | string | number | Promise<Uint8Array | string | number>;

/**
 * Moves to `offset` in what is sent. Nothing means that it did; else a
 * `SEEKFUNC_*`.
 */
export type SeekCallback = (offset: number, origin: number) => number | void;

/**
 * Hears how many bytes are to come and have come, both down and up. A number
 * other than 0, or true, aborts the transfer.
 */
export type XferInfoCallback = (
  dltotal: number,
  dlnow: number,
  ultotal: number,
  ulnow: number,
) => number | boolean | void;

/** The older form of {@linkcode XferInfoCallback}. */
export type ProgressCallback = XferInfoCallback;

/** Hears what libcurl does; `type` is an `INFOTYPE_*`. */
export type DebugCallback = (type: number, data: Uint8Array) => void;

/**
 * Opens a socket and gives its file descriptor. Nothing lets libcurl open
 * it, `SOCKET_BAD` refuses. `purpose` is a `SOCKTYPE_*`.
 */
export type OpenSocketCallback = (
  purpose: number,
  address: SocketAddress,
) => number | void;

/** Sets up a new socket; nothing means all is well, else a `SOCKOPT_*`. */
export type SockOptCallback = (fd: number, purpose: number) => number | void;

/** Closes a socket: 0 says it did. Nothing lets libcurl close it. */
export type CloseSocketCallback = (fd: number) => number | void;

/**
 * Judges the key of an SSH host by a `KHSTAT_*`. `known` is the key on file,
 * `match` a `KHMATCH_*`.
 */
export type SshKeyCallback = (
  known: SshKey | null,
  found: SshKey,
  match: number,
) => number;

/** Judges the raw key of an SSH host: 0 accepts it. */
export type SshHostKeyCallback = (keytype: number, key: Uint8Array) => number;

/**
 * Runs between connecting and the request. Nothing goes on, else a
 * `PREREQFUNC_*`.
 */
export type PrereqCallback = (
  ip: string,
  localIp: string,
  port: number,
  localPort: number,
) => number | void;

/** Gives header lines to send after the body, or a `TRAILERFUNC_*`. */
export type TrailerCallback = () => string[] | number;

/** Runs before a name is resolved; a number other than 0 aborts. */
export type ResolverStartCallback = () => number | void;

/** Tells by a `FNMATCHFUNC_*` whether a name fits a pattern. */
export type FnmatchCallback = (pattern: string, string: string) => number;

/**
 * Runs before each file of a listing; nothing goes on, else a
 * `CHUNK_BGN_FUNC_*`. `remaining` is how many files are left.
 */
export type ChunkBgnCallback = (
  info: ChunkInfo,
  remaining: number,
) => number | void;

/** Runs after each file; nothing goes on, else a `CHUNK_END_FUNC_*`. */
export type ChunkEndCallback = () => number | void;

/** Gives the next HSTS entry to load; nothing at the end. */
export type HstsReadCallback = () => HstsEntry | null | void;

/** Takes an HSTS entry to save; nothing goes on, else a `CURLSTS_*`. */
export type HstsWriteCallback = (
  entry: HstsEntry,
  index: HstsIndex,
) => number | void;

/**
 * Gives at most `size` bytes of a mime part, none at the end; answers like a
 * {@linkcode ReadCallback}.
 */
export type MimeReadCallback<U = undefined> = (
  userdata: U,
  size: number,
) => Uint8Array | string | number | Promise<Uint8Array | string | number>;

/**
 * Moves to `offset` in the content of a mime part, which is sent again. Nothing
 * means that it did; else a `SEEKFUNC_*`.
 */
export type MimeSeekCallback<U = undefined> = (
  userdata: U,
  offset: number,
  origin: number,
) => number | void;

/** Hears that the other functions of a mime part are called no more. */
export type MimeFreeCallback<U = undefined> = (userdata: U) => void;

/** Starts the data to send anew, on `IOCMD_RESTARTREAD`; gives an `IOE_*`. */
export type IoctlCallback = (cmd: number) => number;
