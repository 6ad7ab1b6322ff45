/** What the linked libcurl claims to know; protocols_*_test.ts use it. */

import * as curl from "../mod.ts";
import { assertEquals } from "./assert.ts";

const PROTOCOLS = [
  ...["dict", "file", "ftp", "ftps", "gopher", "gophers", "http", "https"],
  ...["imap", "imaps", "mqtt", "mqtts", "pop3", "pop3s", "rtsp", "scp"],
  ...["sftp", "smtp", "smtps", "telnet", "tftp", "ws", "wss"],
];

const FEATURES = [
  ...["AsynchDNS", "GSS-API", "HSTS", "HTTP2", "HTTP3", "HTTPS-proxy", "IDN"],
  ...[
    "IPv6",
    "Kerberos",
    "Largefile",
    "PSL",
    "SPNEGO",
    "SSL",
    "SSLS-EXPORT",
    "UnixSockets",
  ],
  ...["alt-svc", "brotli", "libz", "threadsafe", "zstd"],
];

/** Their bits, of those that have one. */
const BITS = [
  curl.VERSION_ALTSVC,
  curl.VERSION_ASYNCHDNS,
  curl.VERSION_BROTLI,
  curl.VERSION_GSSAPI,
  curl.VERSION_HSTS,
  curl.VERSION_HTTP2,
  curl.VERSION_HTTP3,
  curl.VERSION_HTTPS_PROXY,
  curl.VERSION_IDN,
  curl.VERSION_IPV6,
  curl.VERSION_KERBEROS5,
  curl.VERSION_LARGEFILE,
  curl.VERSION_LIBZ,
  curl.VERSION_PSL,
  curl.VERSION_SPNEGO,
  curl.VERSION_SSL,
  curl.VERSION_THREADSAFE,
  curl.VERSION_UNIX_SOCKETS,
  curl.VERSION_ZSTD,
];

Deno.test("versionInfo() lists these protocols, and no others", () => {
  assertEquals(curl.versionInfo().protocols.toSorted(), PROTOCOLS);
});

Deno.test("versionInfo() lists these features, and no others", () => {
  const { features, featureNames } = curl.versionInfo();
  assertEquals(featureNames.toSorted(), FEATURES);
  assertEquals(features, BITS.reduce((sum, bit) => sum + bit));
});

Deno.test("versionInfo() names the libraries behind them", () => {
  const info = curl.versionInfo();
  const names = [
    info.sslVersion,
    info.libzVersion,
    info.libidn,
    info.libsshVersion,
    info.brotliVersion,
    info.nghttp2Version,
    info.quicVersion,
    info.zstdVersion,
  ];
  assertEquals(names.filter((name) => !name), []);
});
