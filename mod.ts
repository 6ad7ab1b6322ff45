/**
 * libcurl for Deno, with PycURL's names: every protocol and option of libcurl,
 * and shares of names, TLS sessions, cookies and connections that any number of
 * Workers use at once.
 *
 * ```ts
 * import * as curl from "@denocurl/curl";
 *
 * await using server = Deno.serve({ port: 0 }, () => new Response("hello"));
 *
 * using share = new curl.CurlShare();
 * share.share(curl.LOCK_DATA_DNS, curl.LOCK_DATA_SSL_SESSION);
 *
 * using c = new curl.Curl();
 * c.setopt(curl.URL, `http://localhost:${server.addr.port}/`);
 * c.setopt(curl.SHARE, share);
 * const body = await c.performText();
 * console.log(c.getinfo(curl.RESPONSE_CODE), body); // 200 hello
 * ```
 *
 * @module
 */

export type { CurlBody } from "./src/body_stream.ts";
export { Curl, type CurlHandle } from "./src/curl.ts";
export { CurlConnection } from "./src/curl_connection.ts";
export {
  CurlMime,
  type MimeMultipartOptions,
  type MimePartOptions,
} from "./src/curl_mime.ts";
export { CurlMimePart, type MimeDataOptions } from "./src/curl_mime_part.ts";
export { CurlMulti } from "./src/curl_multi.ts";
export {
  CurlShare,
  type CurlShareOptions,
  type LockStats,
  type ShareHandle,
  type ShareStats,
} from "./src/curl_share.ts";
export { CurlUrl, type CurlUrlPart } from "./src/curl_url.ts";
export {
  CurlWebSocket,
  type CurlWebSocketOptions,
} from "./src/curl_websocket.ts";
export { CurlError } from "./src/errors.ts";
export { setLibraryPath } from "./src/ffi/library.ts";
export {
  easyStrerror,
  globalCleanup,
  globalInit,
  multiStrerror,
  shareStrerror,
  urlStrerror,
  version,
  type VersionInfo,
  versionInfo,
} from "./src/global.ts";
export type {
  CurlHeader,
  HeaderOptions,
  HeadersOptions,
} from "./src/headers.ts";
export type {
  CurlMultiOptions,
  FailedTransfer,
  MultiHandle,
  MultiNotifyCallback,
  MultiOptionValue,
  MultiSocketCallback,
  MultiTimerCallback,
} from "./src/multi_types.ts";
export type { SslSession, SslSessionData } from "./src/sessions.ts";
export * from "./src/tables/constants.ts";
export type * from "./src/types.ts";
export type {
  CurlWebSocketCloseInfo,
  CurlWebSocketConnection,
  WsFrame,
} from "./src/websocket.ts";
