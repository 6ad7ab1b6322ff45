/** The callbacks of single protocols: SSH, FTP and RTSP. */

import * as curl from "../mod.ts";
import type { ChunkInfo, SshKey } from "../mod.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertStrictEquals,
  assertStringIncludes,
} from "./assert.ts";
import { CALLBACK_CASES } from "./fixtures/callback_cases.ts";
import { assertCurlError, assertUsable, curlFor } from "./fixtures/checks.ts";
import { SERVER } from "./fixtures/http_server.ts";
import { SSHD, type Sshd, startSshd } from "./fixtures/sshd.ts";
import { startVsftpd, VSFTPD, type Vsftpd } from "./fixtures/vsftpd.ts";
import { test } from "./permissions.ts";

const decoder = new TextDecoder();

async function sftp(sshd: Sshd): Promise<curl.Curl> {
  await Deno.writeTextFile(`${sshd.files}/file`, "by ssh\n");
  const c = curlFor(`${sshd.url}/file`);
  c.setopt(curl.SSH_PRIVATE_KEYFILE, sshd.privateKey);
  c.setopt(curl.SSH_PUBLIC_KEYFILE, sshd.publicKey);
  return c;
}

test(
  SSHD,
  "SSH_KEYFUNCTION gets the key on file and the one found",
  async () => {
    await using sshd = await startSshd();
    using c = await sftp(sshd);
    const heard: [known: SshKey | null, found: SshKey, match: number][] = [];
    c.setopt(curl.SSH_KNOWNHOSTS, sshd.knownHosts);
    c.setopt(curl.SSH_KEYFUNCTION, (...args) => {
      heard.push(args);
      return curl.KHSTAT_FINE;
    });
    assertEquals(c.performTextSync(), "by ssh\n");
    const [[known, found, match]] = heard;
    const [{ base64 }] = sshd.hostKeys;
    assertEquals(heard.length, 1);
    assertEquals(match, curl.KHMATCH_OK);
    assertEquals(decoder.decode(known!.key), base64);
    assertEquals(found.key, Uint8Array.fromBase64(base64));
    assertEquals(found.keytype, curl.KHTYPE_ED25519);
    assertEquals(known!.keytype, curl.KHTYPE_ED25519);
  },
);

test(
  [SSHD, { needs: ["write"] }],
  "SSH_KEYFUNCTION judges a host that is not on file",
  async () => {
    await using sshd = await startSshd();
    using c = await sftp(sshd);
    const none = `${sshd.files}/known_hosts`;
    await Deno.writeTextFile(none, "");
    c.setopt(curl.SSH_KNOWNHOSTS, none);
    const heard: unknown[] = [];
    const answers = [
      curl.KHSTAT_REJECT,
      curl.KHSTAT_DEFER,
      99,
      curl.KHSTAT_FINE,
      curl.KHSTAT_FINE_ADD_TO_FILE,
    ];
    c.setopt(curl.FRESH_CONNECT, true);
    for (const answer of answers) {
      c.setopt(curl.SSH_KEYFUNCTION, (known, _found, match) => {
        heard.push([known, match]);
        return answer;
      });
      const goesOn = answers.indexOf(answer) > 2;
      const failed = curl.E_PEER_FAILED_VERIFICATION;
      if (goesOn) assertEquals(c.performTextSync(), "by ssh\n");
      else assertCurlError(() => c.performTextSync(), failed);
      const written = await Deno.readTextFile(none);
      assertEquals(written !== "", answer === curl.KHSTAT_FINE_ADD_TO_FILE);
    }
    const missing = [null, curl.KHMATCH_MISSING];
    assertEquals(heard, answers.map(() => missing));
    assertStringIncludes(
      await Deno.readTextFile(none),
      sshd.hostKeys[0].base64,
    );
  },
);

test(
  [SSHD, { needs: ["write"] }],
  "SSH_KEYFUNCTION hears of a key that has changed",
  async () => {
    await using sshd = await startSshd();
    await using other = await startSshd();
    using c = await sftp(sshd);
    const [{ type, base64 }] = other.hostKeys;
    const wrong = `${sshd.files}/known_hosts`;
    const line = `[127.0.0.1]:${sshd.port} ${type} ${base64}\n`;
    await Deno.writeTextFile(wrong, line);
    c.setopt(curl.SSH_KNOWNHOSTS, wrong);
    const heard: unknown[] = [];
    c.setopt(curl.SSH_KEYFUNCTION, (known, found, match) => {
      heard.push([decoder.decode(known!.key), found.key.toBase64(), match]);
      return curl.KHSTAT_REJECT;
    });
    const failed = curl.E_PEER_FAILED_VERIFICATION;
    const error = assertCurlError(() => c.performTextSync(), failed);
    assertEquals(error.cause, undefined);
    const found = sshd.hostKeys[0].base64;
    assertEquals(heard, [[base64, found, curl.KHMATCH_MISMATCH]]);
  },
);

test(
  SSHD,
  "SSH_HOSTKEYFUNCTION gets the host's key and judges it",
  async () => {
    await using sshd = await startSshd();
    using c = await sftp(sshd);
    const heard: unknown[] = [];
    c.setopt(curl.FRESH_CONNECT, true);
    for (const answer of [curl.KHMATCH_MISMATCH, 7, -1, curl.KHMATCH_OK]) {
      c.setopt(curl.SSH_HOSTKEYFUNCTION, (type, key) => {
        heard.push([type, key.toBase64()]);
        return answer;
      });
      const failed = curl.E_PEER_FAILED_VERIFICATION;
      if (answer === curl.KHMATCH_OK) c.performTextSync();
      else assertCurlError(() => c.performTextSync(), failed);
    }
    const key = [curl.KHTYPE_ED25519, sshd.hostKeys[0].base64];
    assertEquals(heard, [key, key, key, key]);
  },
);

for (const name of ["SSH_KEYFUNCTION", "SSH_HOSTKEYFUNCTION"] as const) {
  test(SSHD, `${name} must say something`, async () => {
    await using sshd = await startSshd();
    using c = await sftp(sshd);
    c.setopt(curl.SSH_KNOWNHOSTS, sshd.knownHosts);
    c.setopt(curl[name], (() => {}) as () => never);
    const failed = curl.E_PEER_FAILED_VERIFICATION;
    const { cause } = assertCurlError(() => c.performTextSync(), failed);
    assertInstanceOf(cause, TypeError);
    assertStringIncludes(cause.message, `${name} must return a number`);
    assertUsable(c);
  });
}

const FILES = { "a.txt": "A", "b.txt": "BB", "c.bin": "CCC" };

function wildcard(ftp: Vsftpd, pattern = "*.txt"): curl.Curl {
  const c = curlFor(`${ftp.url}/${pattern}`);
  c.setopt(curl.WILDCARDMATCH, true);
  return c;
}

test(VSFTPD, "FNMATCH_FUNCTION says which files fit", async () => {
  await using ftp = await startVsftpd({ files: FILES });
  using c = wildcard(ftp, "*.[tb]*");
  const heard: [pattern: string, name: string][] = [];
  c.setopt(curl.FNMATCH_FUNCTION, (pattern, name) => {
    heard.push([pattern, name]);
    return name === "upload" || name === "b.txt"
      ? curl.FNMATCHFUNC_NOMATCH
      : curl.FNMATCHFUNC_MATCH;
  });
  assertEquals(c.performTextSync(), "ACCC");
  assertEquals(heard.map(([, name]) => name).toSorted(), [
    "a.txt",
    "b.txt",
    "c.bin",
    "upload",
  ]);
  assert(heard.every(([pattern]) => pattern === "*.[tb]*"));
});

test(VSFTPD, "FNMATCH_FUNCTION must say something", async () => {
  await using ftp = await startVsftpd({ files: FILES });
  using c = wildcard(ftp);
  c.setopt(curl.FNMATCH_FUNCTION, (() => {}) as () => never);
  const { cause } = assertCurlError(
    () => c.performTextSync(),
    curl.E_REMOTE_FILE_NOT_FOUND,
  );
  assertStringIncludes(String(cause), "FNMATCH_FUNCTION must return a number");
});

test(
  VSFTPD,
  "FNMATCH_FUNCTION ends the transfer with its first throw",
  async () => {
    await using ftp = await startVsftpd({ files: FILES });
    using c = wildcard(ftp);
    const thrown = new Error("out");
    let written = 0;
    c.setopt(curl.WRITEFUNCTION, () => void written++);
    c.setopt(curl.FNMATCH_FUNCTION, (_pattern, name) => {
      if (name === "a.txt") throw thrown;
      return curl.FNMATCHFUNC_MATCH;
    });
    let error: unknown;
    try {
      c.performSync();
    } catch (caught) {
      error = caught;
    }
    assertInstanceOf(error, curl.CurlError);
    assertStrictEquals(error.cause, thrown);
    assertEquals(written, 0);
  },
);

test(VSFTPD, "CHUNK_BGN_FUNCTION hears all about each file", async () => {
  await using ftp = await startVsftpd({ files: FILES });
  using c = wildcard(ftp);
  const heard: [info: ChunkInfo, remaining: number][] = [];
  c.setopt(curl.CHUNK_BGN_FUNCTION, (...args) => void heard.push(args));
  assertEquals(c.performTextSync(), "ABB");
  assertEquals(heard.map(([, remaining]) => remaining), [2, 1]);
  const [[info]] = heard;
  const { uid, gid } = await Deno.stat(`${ftp.root}/a.txt`);
  assertEquals(
    { ...info, strings: { ...info.strings, time: null } },
    {
      filename: "a.txt",
      filetype: curl.FILETYPE_FILE,
      time: 0,
      perm: 0o644,
      uid: 0,
      gid: 0,
      size: 1,
      hardlinks: 1,
      flags: curl.FINFOFLAG_KNOWN_PERM | curl.FINFOFLAG_KNOWN_SIZE |
        curl.FINFOFLAG_KNOWN_HLINKCOUNT,
      strings: {
        time: null,
        perm: "rw-r--r--",
        user: `${uid}`,
        group: `${gid}`,
        target: null,
      },
    },
  );
  assertMatch(info.strings.time!, /^[A-Z][a-z]{2} \d\d \d\d:\d\d$/);
});

test(VSFTPD, "CHUNK_BGN_FUNCTION skips files", async () => {
  await using ftp = await startVsftpd({ files: FILES });
  using c = wildcard(ftp, "*");
  const seen: [name: string, type: number][] = [];
  c.setopt(curl.CHUNK_BGN_FUNCTION, ({ filename, filetype }) => {
    seen.push([filename, filetype]);
    return filename === "b.txt"
      ? curl.CHUNK_BGN_FUNC_OK
      : curl.CHUNK_BGN_FUNC_SKIP;
  });
  assertEquals(c.performTextSync(), "BB");
  assertEquals(seen.toSorted().at(-1), ["upload", curl.FILETYPE_DIRECTORY]);
  assertEquals(seen.length, 4);
});

test(VSFTPD, "CHUNK_BGN_FUNCTION fails the transfer", async () => {
  await using ftp = await startVsftpd({ files: FILES });
  using c = wildcard(ftp);
  c.setopt(curl.CHUNK_BGN_FUNCTION, () => curl.CHUNK_BGN_FUNC_FAIL);
  const failed = curl.E_CHUNK_FAILED;
  const error = assertCurlError(() => c.performTextSync(), failed);
  assertEquals(error.cause, undefined);
});

test(VSFTPD, "CHUNK_END_FUNCTION runs after each file", async () => {
  await using ftp = await startVsftpd({ files: FILES });
  using c = wildcard(ftp);
  const order: string[] = [];
  c.setopt(curl.CHUNK_BGN_FUNCTION, ({ filename }) => {
    order.push(filename);
  });
  c.setopt(curl.WRITEFUNCTION, (data) => {
    order.push(decoder.decode(data));
  });
  c.setopt(curl.CHUNK_END_FUNCTION, (...args: unknown[]) => {
    order.push(`end ${args.length}`);
  });
  c.performSync();
  assertEquals(order, ["a.txt", "A", "end 0", "b.txt", "BB", "end 0"]);
});

test(
  VSFTPD,
  "CHUNK_END_FUNCTION ends the transfer with its first throw",
  async () => {
    await using ftp = await startVsftpd({ files: FILES });
    using c = wildcard(ftp);
    let body = "";
    c.setopt(curl.WRITEFUNCTION, (data) => {
      body += decoder.decode(data);
    });
    c.setopt(curl.CHUNK_END_FUNCTION, () => {
      throw new Error("enough");
    });
    assertCurlError(() => c.performSync(), curl.E_WRITE_ERROR);
    assertEquals(body, "A");
  },
);

test(SERVER, "INTERLEAVEFUNCTION gets RTP packets whole", async () => {
  const subject = CALLBACK_CASES.find(({ name }) =>
    name === "INTERLEAVEFUNCTION"
  )!;
  await using stack = new AsyncDisposableStack();
  const arrange = await subject.start(stack);
  using c = new curl.Curl();
  arrange(c);
  const packets: number[][] = [];
  c.setopt(curl.INTERLEAVEFUNCTION, (data) => {
    packets.push([...data]);
    return data.length;
  });
  c.performTextSync();
  assertEquals(packets, [[0x24, 0, 0, 4, 1, 2, 3, 4]]);
});
