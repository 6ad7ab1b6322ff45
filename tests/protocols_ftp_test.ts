/** FTP, FTPS and TFTP with real servers. */

import * as curl from "../mod.ts";
import { createCertificates } from "../tools/certificates.ts";
import { assertEquals, assertMatch } from "./assert.ts";
import { curlFor } from "./fixtures/checks.ts";
import { patternBytes } from "./fixtures/pattern.ts";
import { startTftpd, TFTPD } from "./fixtures/tftpd.ts";
import {
  startVsftpd,
  VSFTPD,
  type Vsftpd,
  type VsftpdSettings,
} from "./fixtures/vsftpd.ts";
import { giving, WAYS } from "./fixtures/ways.ts";
import { test } from "./permissions.ts";

const { ca, server: tls, unknownAuthority } = await createCertificates();

const FILES = { "file.txt": "0123456789".repeat(10_000) };

/** How a connection is kept from listeners. */
const KINDS: Record<string, VsftpdSettings> = {
  "ftp": {},
  "ftp that turns to TLS": { tls },
  "ftps": { tls, implicit: true },
};

function handleFor(ftp: Vsftpd, path: string): curl.Curl {
  const c = curlFor(`${ftp.url}/${path}`);
  c.setCaCerts(ca);
  c.setopt(curl.FRESH_CONNECT, true);
  return c;
}

for (const way of WAYS) {
  for (const [kind, settings] of Object.entries(KINDS)) {
    const secure = (c: curl.Curl) => {
      if (settings.tls) c.setopt(curl.USE_SSL, curl.USESSL_ALL);
    };

    test(VSFTPD, `${way.name} gets, uploads and lists by ${kind}`, async () => {
      await using ftp = await startVsftpd({ files: FILES, ...settings });
      using c = handleFor(ftp, "file.txt");
      secure(c);
      assertEquals(await way.text(c), FILES["file.txt"]);
      assertEquals(c.getinfo(curl.SCHEME), ftp.url.split(":")[0]);
      using list = handleFor(ftp, "");
      secure(list);
      assertMatch(await way.text(list), /^-rw.* 100000 .* file\.txt\r?$/m);
      list.setopt(curl.DIRLISTONLY, true);
      assertEquals(await way.text(list), "file.txt\nupload\n");
      using upload = handleFor(ftp, "upload/new");
      secure(upload);
      giving(upload, patternBytes(100_000));
      await way.bytes(upload);
      const written = await Deno.readFile(`${ftp.root}/upload/new`);
      assertEquals(written, patternBytes(100_000));
    });
  }

  for (const kind of ["ftp that turns to TLS", "ftps"]) {
    test(VSFTPD, `${way.name} refuses a certificate by ${kind}`, async () => {
      const settings = { ...KINDS[kind], tls: unknownAuthority };
      await using ftp = await startVsftpd({ files: FILES, ...settings });
      using c = handleFor(ftp, "file.txt");
      c.setopt(curl.USE_SSL, curl.USESSL_ALL);
      await way.fails(c, curl.E_PEER_FAILED_VERIFICATION);
    });
  }

  test(VSFTPD, `${way.name} insists on TLS where there is none`, async () => {
    await using ftp = await startVsftpd({ files: FILES });
    using c = handleFor(ftp, "file.txt");
    c.setopt(curl.USE_SSL, curl.USESSL_ALL);
    await way.fails(c, curl.E_USE_SSL_FAILED);
  });

  test(VSFTPD, `${way.name} goes on with files by ftp`, async () => {
    await using ftp = await startVsftpd({ files: { "file": "0123456789" } });
    using c = handleFor(ftp, "file");
    c.setopt(curl.RESUME_FROM, 4);
    assertEquals(await way.text(c), "456789");
    c.setopt(curl.RESUME_FROM, 0);
    c.setopt(curl.RANGE, "2-3");
    assertEquals(await way.text(c), "23");
    using upload = handleFor(ftp, "upload/new");
    for (const part of ["01234", "56789"]) {
      giving(upload, part);
      upload.setopt(curl.APPEND, true);
      await way.text(upload);
    }
    const written = await Deno.readTextFile(`${ftp.root}/upload/new`);
    assertEquals(written, "0123456789");
  });

  test(VSFTPD, `${way.name} does what QUOTE says by ftp`, async () => {
    await using ftp = await startVsftpd({ files: { "file": "0123456789" } });
    using c = handleFor(ftp, "file");
    c.setopt(curl.QUOTE, ["MKD upload/a", "*DELE upload/none"]);
    c.setopt(curl.POSTQUOTE, ["RNFR upload/a", "RNTO upload/b"]);
    assertEquals(await way.text(c), "0123456789");
    const made = Array.from(Deno.readDirSync(`${ftp.root}/upload`));
    assertEquals(made.map(({ name }) => name), ["b"]);
    c.setopt(curl.QUOTE, ["DELE upload/none"]);
    await way.fails(c, curl.E_QUOTE_ERROR);
  });

  test(VSFTPD, `${way.name} lets the server connect with FTPPORT`, async () => {
    await using ftp = await startVsftpd({ files: FILES });
    using c = handleFor(ftp, "file.txt");
    c.setopt(curl.FTPPORT, "127.0.0.1");
    assertEquals(await way.text(c), FILES["file.txt"]);
    assertMatch(await ftp.log(), /EPRT|PORT/);
  });

  test(VSFTPD, `${way.name} misses a file by ftp`, async () => {
    await using ftp = await startVsftpd();
    using c = handleFor(ftp, "none");
    await way.fails(c, curl.E_REMOTE_FILE_NOT_FOUND);
    assertEquals(c.getinfo(curl.RESPONSE_CODE), 550);
  });

  test(TFTPD, `${way.name} gets files by tftp`, async () => {
    await using tftp = await startTftpd();
    using c = curlFor(`${tftp.url}/file`);
    for (const size of [1, 512, 100_000]) {
      await Deno.writeFile(`${tftp.files}/file`, patternBytes(size));
      assertEquals(await way.bytes(c), patternBytes(size));
    }
    c.setopt(curl.TFTP_BLKSIZE, 1428);
    assertEquals(await way.bytes(c), patternBytes(100_000));
    c.setopt(curl.TFTP_NO_OPTIONS, true);
    assertEquals(await way.bytes(c), patternBytes(100_000));
    assertEquals(c.getinfo(curl.SCHEME), "tftp");
  });

  test(TFTPD, `${way.name} uploads by tftp`, async () => {
    await using tftp = await startTftpd();
    for (const size of [0, 512, 100_000]) {
      using c = curlFor(`${tftp.url}/new${size}`);
      giving(c, patternBytes(size));
      await way.bytes(c);
      const written = await Deno.readFile(`${tftp.files}/new${size}`);
      assertEquals(written, patternBytes(size));
    }
  });

  test(TFTPD, `${way.name} misses a file by tftp`, async () => {
    await using tftp = await startTftpd();
    using c = curlFor(`${tftp.url}/none`);
    await way.fails(c, curl.E_TFTP_NOTFOUND);
  });
}
