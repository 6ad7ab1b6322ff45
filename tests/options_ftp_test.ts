/** Options of FTP, on a real server. */

import * as curl from "../mod.ts";
import { createCertificates } from "../tools/certificates.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "./assert.ts";
import { assertCurlError, curlFor } from "./fixtures/checks.ts";
import { startVsftpd, VSFTPD } from "./fixtures/vsftpd.ts";
import { test } from "./permissions.ts";

const FILES = { "a.txt": "0123456789", "b.txt": "B" };

/** A handle that uploads a text. */
function uploading(url: string, text: string): curl.Curl {
  const c = curlFor(url);
  let at = 0;
  c.setopt(curl.UPLOAD, true);
  c.setopt(curl.READFUNCTION, (size) => text.slice(at, at += size));
  return c;
}

/** The commands that the log has, each with what stands behind it. */
function commandsIn(log: string): string[] {
  return Array.from(
    log.matchAll(/FTP command: [^\n]*, "([^"\n]*)"/g),
    ([, command]) => command,
  );
}

test(VSFTPD, "performTextSync() downloads a file", async () => {
  await using ftp = await startVsftpd({ files: FILES });
  using c = curlFor(`${ftp.url}/a.txt`);
  assertEquals(c.performTextSync(), "0123456789");
  assertEquals(c.getinfo(curl.RESPONSE_CODE), 226);
  assertEquals(c.getinfo(curl.FTP_ENTRY_PATH), "/");
  c.setopt(curl.URL, `${ftp.url}/no.txt`);
  const missing = curl.E_REMOTE_FILE_NOT_FOUND;
  assertCurlError(() => c.performTextSync(), missing);
});

test(VSFTPD, "performTextSync() lists a folder", async () => {
  await using ftp = await startVsftpd({ files: FILES });
  using c = curlFor(`${ftp.url}/`);
  const lines = c.performTextSync().trimEnd().split("\n");
  assertEquals(lines.length, 3);
  assertMatch(lines[0], /^-rw-r--r-- .* 10 .* a\.txt$/);
});

test(VSFTPD, "DIRLISTONLY lists names alone", async () => {
  await using ftp = await startVsftpd({ files: FILES });
  using c = curlFor(`${ftp.url}/`);
  c.setopt(curl.DIRLISTONLY, true);
  const names = c.performTextSync().trimEnd().split("\n");
  assertEquals(names.toSorted(), ["a.txt", "b.txt", "upload"]);
});

test(VSFTPD, "UPLOAD stores a file", async () => {
  await using ftp = await startVsftpd();
  using c = uploading(`${ftp.url}/upload/new.txt`, "hello");
  c.performSync();
  const stored = await Deno.readTextFile(`${ftp.root}/upload/new.txt`);
  assertEquals(stored, "hello");
  assertEquals(c.getinfo(curl.SIZE_UPLOAD_T), 5);
});

test(VSFTPD, "APPEND adds to a file", async () => {
  await using ftp = await startVsftpd();
  for (const part of ["one", "two"]) {
    using c = uploading(`${ftp.url}/upload/new.txt`, part);
    c.setopt(curl.APPEND, true);
    c.performSync();
  }
  const stored = await Deno.readTextFile(`${ftp.root}/upload/new.txt`);
  assertEquals(stored, "onetwo");
});

for (const answer of ["SEEKFUNC_OK", "SEEKFUNC_CANTSEEK"] as const) {
  test(
    VSFTPD,
    `RESUME_FROM goes on where the file there ends, by ${answer}`,
    async () => {
      await using ftp = await startVsftpd();
      {
        using c = uploading(`${ftp.url}/upload/new.txt`, "0123");
        c.performSync();
      }
      const text = "0123456789";
      let at = 0;
      using c = curlFor(`${ftp.url}/upload/new.txt`);
      c.setopt(curl.UPLOAD, true);
      c.setopt(curl.INFILESIZE, text.length);
      // libcurl asks for the length of the file there.
      c.setopt(curl.RESUME_FROM, -1);
      c.setopt(curl.SEEKFUNCTION, (offset) => {
        if (answer === "SEEKFUNC_OK") at = offset;
        return curl[answer];
      });
      c.setopt(curl.READFUNCTION, (size) => text.slice(at, at += size));
      c.performSync();
      const stored = await Deno.readTextFile(`${ftp.root}/upload/new.txt`);
      assertEquals(stored, text);
    },
  );
}

test(VSFTPD, "RESUME_FROM and RANGE download a part", async () => {
  await using ftp = await startVsftpd({ files: FILES });
  using c = curlFor(`${ftp.url}/a.txt`);
  c.setopt(curl.RESUME_FROM, 7);
  assertEquals(c.performTextSync(), "789");
  c.setopt(curl.RESUME_FROM, 0);
  c.setopt(curl.RANGE, "2-4");
  assertEquals(c.performTextSync(), "234");
});

test(VSFTPD, "MAXFILESIZE refuses a longer file", async () => {
  await using ftp = await startVsftpd({ files: FILES });
  using c = curlFor(`${ftp.url}/a.txt`);
  c.setopt(curl.MAXFILESIZE, 9);
  assertCurlError(() => c.performTextSync(), curl.E_FILESIZE_EXCEEDED);
});

test(VSFTPD, "FTP_CREATE_MISSING_DIRS makes folders", async () => {
  await using ftp = await startVsftpd();
  using c = uploading(`${ftp.url}/upload/a/b/new.txt`, "deep");
  const denied = curl.E_REMOTE_ACCESS_DENIED;
  assertCurlError(() => c.performSync(), denied);
  c.setopt(curl.FTP_CREATE_MISSING_DIRS, curl.FTP_CREATE_DIR);
  c.performSync();
  const stored = await Deno.readTextFile(`${ftp.root}/upload/a/b/new.txt`);
  assertEquals(stored, "deep");
});

test(VSFTPD, "QUOTE, PREQUOTE and POSTQUOTE send commands", async () => {
  await using ftp = await startVsftpd();
  using c = uploading(`${ftp.url}/upload/new.txt`, "hello");
  c.setopt(curl.QUOTE, ["MKD upload/made", "*DELE upload/no.txt"]);
  c.setopt(curl.PREQUOTE, ["NOOP"]);
  c.setopt(curl.POSTQUOTE, ["RNFR new.txt", "RNTO made/renamed.txt"]);
  c.performSync();
  const stored = `${ftp.root}/upload/made/renamed.txt`;
  assertEquals(await Deno.readTextFile(stored), "hello");
  const commands = commandsIn(await ftp.log());
  const order = ["MKD upload/made", "NOOP", "STOR new.txt"];
  const at = order.map((command) => commands.indexOf(command));
  assert(!at.includes(-1), commands.join());
  assertEquals(at.toSorted((a, b) => a - b), at);
});

test(VSFTPD, "QUOTE that is refused ends the transfer", async () => {
  await using ftp = await startVsftpd({ files: FILES });
  using c = curlFor(`${ftp.url}/a.txt`);
  c.setopt(curl.QUOTE, ["DELE no.txt"]);
  assertCurlError(() => c.performTextSync(), curl.E_QUOTE_ERROR, "550");
});

test(VSFTPD, "WILDCARDMATCH downloads all files that fit", async () => {
  const files = { ...FILES, "c.bin": "C", "ab.txt": "AB" };
  await using ftp = await startVsftpd({ files });
  using c = curlFor(`${ftp.url}/[ab].txt`);
  c.setopt(curl.WILDCARDMATCH, true);
  assertEquals(c.performTextSync(), "0123456789B");
  c.setopt(curl.URL, `${ftp.url}/*.none`);
  const missing = curl.E_REMOTE_FILE_NOT_FOUND;
  assertCurlError(() => c.performTextSync(), missing);
});

test(VSFTPD, "NOBODY and OPT_FILETIME ask about a file", async () => {
  await using ftp = await startVsftpd({ files: FILES });
  const modified = new Date("2026-01-02T03:04:05Z");
  await Deno.utime(`${ftp.root}/a.txt`, modified, modified);
  using c = curlFor(`${ftp.url}/a.txt`);
  c.setopt(curl.NOBODY, true);
  c.setopt(curl.OPT_FILETIME, true);
  assertStringIncludes(c.performTextSync(), "Content-Length: 10\r\n");
  assertEquals(c.getinfo(curl.CONTENT_LENGTH_DOWNLOAD_T), 10);
  assertEquals(c.getinfo(curl.FILETIME_T), modified.getTime() / 1000);
});

/** How the folders of a path are entered. */
const METHODS = [
  ["FTPMETHOD_MULTICWD", ["CWD upload", "CWD a"]],
  ["FTPMETHOD_SINGLECWD", ["CWD upload/a"]],
  ["FTPMETHOD_NOCWD", []],
] as const;

for (const [name, expected] of METHODS) {
  test(VSFTPD, `${name} enters folders by ${expected.length}`, async () => {
    await using ftp = await startVsftpd();
    await Deno.mkdir(`${ftp.root}/upload/a`);
    await Deno.writeTextFile(`${ftp.root}/upload/a/file.txt`, "deep");
    using c = curlFor(`${ftp.url}/upload/a/file.txt`);
    c.setopt(curl.FTP_FILEMETHOD, curl[name]);
    assertEquals(c.performTextSync(), "deep");
    const entered = commandsIn(await ftp.log())
      .filter((command) => command.startsWith("CWD"));
    assertEquals(entered, [...expected]);
  });
}

/** How the second connection is made. */
const WAYS: [name: string, command: RegExp, set: (c: curl.Curl) => void][] = [
  ["nothing", /^EPSV$/, () => {}],
  ["FTP_USE_EPSV off", /^PASV$/, (c) => c.setopt(curl.FTP_USE_EPSV, false)],
  ["FTPPORT", /^EPRT \|1\|127/, (c) => c.setopt(curl.FTPPORT, "127.0.0.1")],
  ["FTP_USE_EPRT off", /^PORT 127,0,0,1/, (c) => {
    c.setopt(curl.FTPPORT, "127.0.0.1");
    c.setopt(curl.FTP_USE_EPRT, false);
  }],
];

for (const [name, command, set] of WAYS) {
  test(VSFTPD, `${name} asks for data by ${command.source}`, async () => {
    await using ftp = await startVsftpd({ files: FILES });
    using c = curlFor(`${ftp.url}/b.txt`);
    set(c);
    assertEquals(c.performTextSync(), "B");
    const commands = commandsIn(await ftp.log());
    assert(commands.some((sent) => command.test(sent)), commands.join());
  });
}

test(VSFTPD, "CRLF sends line ends of two characters", async () => {
  await using ftp = await startVsftpd();
  using c = uploading(`${ftp.url}/upload/new.txt`, "a\nb\n");
  c.setopt(curl.CRLF, true);
  c.performSync();
  const stored = await Deno.readTextFile(`${ftp.root}/upload/new.txt`);
  assertEquals(stored, "a\r\nb\r\n");
});

test(VSFTPD, "TRANSFERTEXT says that it is text", async () => {
  await using ftp = await startVsftpd({ files: FILES });
  using c = curlFor(`${ftp.url}/b.txt`);
  c.setopt(curl.TRANSFERTEXT, true);
  assertEquals(c.performTextSync(), "B");
  assert(commandsIn(await ftp.log()).includes("TYPE A"));
});

test(VSFTPD, "USERPWD that is wrong is refused", async () => {
  await using ftp = await startVsftpd({ files: FILES });
  using c = curlFor(`${ftp.url}/b.txt`);
  c.setopt(curl.USERPWD, "nobody:wrong");
  assertCurlError(() => c.performTextSync(), curl.E_LOGIN_DENIED);
});

test(VSFTPD, "USE_SSL asks for TLS, and wants it", async () => {
  const { ca, server: tls } = await createCertificates();
  await using ftp = await startVsftpd({ files: FILES, tls });
  await using plain = await startVsftpd({ files: FILES });
  const perform = (server: { url: string }, wanted: number) => {
    using c = curlFor(`${server.url}/b.txt`);
    c.setCaCerts(ca);
    c.setopt(curl.USE_SSL, wanted);
    return c.performTextSync();
  };
  assertEquals(perform(ftp, curl.USESSL_ALL), "B");
  const commands = commandsIn(await ftp.log());
  for (const sent of ["AUTH SSL", "PROT P"]) {
    assert(commands.includes(sent), commands.join());
  }
  assertEquals(perform(plain, curl.USESSL_TRY), "B");
  const failed = curl.E_USE_SSL_FAILED;
  assertCurlError(() => perform(plain, curl.USESSL_ALL), failed);
});

test(VSFTPD, "USE_SSL refuses a server that it does not trust", async () => {
  const { unknownAuthority: tls } = await createCertificates();
  await using ftp = await startVsftpd({ files: FILES, tls });
  using c = curlFor(`${ftp.url}/b.txt`);
  c.setopt(curl.USE_SSL, curl.USESSL_ALL);
  const failed = curl.E_PEER_FAILED_VERIFICATION;
  assertCurlError(() => c.performTextSync(), failed);
});

test(VSFTPD, "performTextSync() uploads and downloads by ftps:", async () => {
  const { ca, server: tls } = await createCertificates();
  await using ftp = await startVsftpd({ tls, implicit: true });
  using c = uploading(`${ftp.url}/upload/new.txt`, "encrypted");
  c.setCaCerts(ca);
  c.performSync();
  c.setopt(curl.UPLOAD, false);
  assertEquals(c.performTextSync(), "encrypted");
});
