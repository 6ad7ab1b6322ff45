/** SFTP and SCP with a real server. */

import * as curl from "../mod.ts";
import { assertEquals, assertMatch, assertStringIncludes } from "./assert.ts";
import { curlFor } from "./fixtures/checks.ts";
import { output } from "./fixtures/daemon.ts";
import { patternBytes } from "./fixtures/pattern.ts";
import { SSHD, type Sshd, SSHD_PASSWORD, startSshd } from "./fixtures/sshd.ts";
import { giving, WAYS } from "./fixtures/ways.ts";
import { test } from "./permissions.ts";

const SIZES = [0, 10, 3_000_000];
const SCHEMES = ["sftp", "scp"] as const;

/** A handle that is let in, on a connection of its own. */
function handleFor(
  sshd: Sshd,
  path: string,
  scheme: typeof SCHEMES[number] = "sftp",
): curl.Curl {
  const c = curlFor(`${sshd.url.replace("sftp:", `${scheme}:`)}/${path}`);
  c.setopt(curl.SSH_PRIVATE_KEYFILE, sshd.privateKey);
  c.setopt(curl.SSH_KNOWNHOSTS, sshd.knownHosts);
  c.setopt(curl.FRESH_CONNECT, true);
  return c;
}

function names(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name).toSorted();
}

for (const way of WAYS) {
  for (const scheme of SCHEMES) {
    test(SSHD, `${way.name} gets files by ${scheme}`, async () => {
      await using sshd = await startSshd();
      using c = handleFor(sshd, "file", scheme);
      c.setopt(curl.FRESH_CONNECT, false);
      for (const size of SIZES) {
        await Deno.writeFile(`${sshd.files}/file`, patternBytes(size));
        assertEquals(await way.bytes(c), patternBytes(size));
        assertEquals(c.getinfo(curl.SCHEME), scheme);
      }
    });

    test(SSHD, `${way.name} uploads by ${scheme}`, async () => {
      await using sshd = await startSshd();
      using c = handleFor(sshd, "file", scheme);
      c.setopt(curl.FRESH_CONNECT, false);
      for (const size of SIZES) {
        giving(c, patternBytes(size));
        await way.bytes(c);
        const written = await Deno.readFile(`${sshd.files}/file`);
        assertEquals(written, patternBytes(size));
      }
    });

    test(SSHD, `${way.name} misses a file by ${scheme}`, async () => {
      await using sshd = await startSshd();
      using c = handleFor(sshd, "none", scheme);
      await way.fails(c, curl.E_REMOTE_FILE_NOT_FOUND);
    });

    test(SSHD, `${way.name} refuses another host by ${scheme}`, async () => {
      await using sshd = await startSshd();
      await using other = await startSshd();
      await Deno.writeTextFile(`${sshd.files}/file`, "0123456789");
      using c = handleFor(sshd, "file", scheme);
      const [{ type, base64 }] = other.hostKeys;
      const wrong = `[127.0.0.1]:${sshd.port} ${type} ${base64}\n`;
      for (const known of [wrong, ""]) {
        const path = `${sshd.files}/known_hosts`;
        await Deno.writeTextFile(path, known);
        c.setopt(curl.SSH_KNOWNHOSTS, path);
        await way.fails(c, curl.E_PEER_FAILED_VERIFICATION);
      }
      c.setopt(curl.SSH_KNOWNHOSTS, sshd.knownHosts);
      assertEquals(await way.text(c), "0123456789");
    });

    test(
      [SSHD, SSHD_PASSWORD],
      `${way.name} logs in with a password by ${scheme}`,
      async () => {
        await using sshd = await startSshd({ password: "sesame" });
        await Deno.writeTextFile(`${sshd.files}/file`, "0123456789");
        for (const [password, isRight] of [["sesame", true], ["no", false]]) {
          using c = handleFor(sshd, "file", scheme);
          c.setopt(curl.PASSWORD, password as string);
          if (isRight) assertEquals(await way.text(c), "0123456789");
          else {await way.fails(
              c,
              curl.E_LOGIN_DENIED,
              "Authentication failure",
            );}
        }
      },
    );
  }

  test(SSHD, `${way.name} lists a folder by sftp`, async () => {
    await using sshd = await startSshd();
    await Deno.writeTextFile(`${sshd.files}/größe`, "0123456789");
    await Deno.mkdir(`${sshd.files}/folder`);
    using c = handleFor(sshd, "");
    const long = await way.text(c);
    assertMatch(long, /^-rw-r--r-- .* 10 .* größe$/m);
    assertMatch(long, /^drwxr-xr-x .* folder$/m);
    c.setopt(curl.DIRLISTONLY, true);
    const short = (await way.text(c)).trimEnd().split("\n").toSorted();
    assertEquals(short, [".", "..", "folder", "größe"]);
  });

  test(SSHD, `${way.name} gets a part by sftp`, async () => {
    await using sshd = await startSshd();
    await Deno.writeTextFile(`${sshd.files}/file`, "0123456789");
    using c = handleFor(sshd, "file");
    c.setopt(curl.RESUME_FROM, 4);
    assertEquals(await way.text(c), "456789");
    c.setopt(curl.RESUME_FROM, 0);
    c.setopt(curl.RANGE, "2-3");
    assertEquals(await way.text(c), "23");
    c.setopt(curl.RANGE, "-2");
    assertEquals(await way.text(c), "89");
  });

  test(SSHD, `${way.name} goes on with an upload by sftp`, async () => {
    await using sshd = await startSshd();
    const path = `${sshd.files}/file`;
    await Deno.writeTextFile(path, "0123");
    using c = handleFor(sshd, "file");
    giving(c, "012345");
    c.setopt(curl.SEEKFUNCTION, () => curl.SEEKFUNC_CANTSEEK);
    c.setopt(curl.RESUME_FROM, 4);
    await way.text(c);
    assertEquals(await Deno.readTextFile(path), "012345");
    giving(c, "6789");
    c.setopt(curl.RESUME_FROM, 0);
    c.setopt(curl.APPEND, true);
    await way.text(c);
    assertEquals(await Deno.readTextFile(path), "0123456789");
  });

  test(SSHD, `${way.name} does what QUOTE says by sftp`, async () => {
    await using sshd = await startSshd();
    const at = (path: string) => `${sshd.files}/${path}`;
    await Deno.writeTextFile(at("file"), "0123456789");
    await Deno.writeTextFile(at("old"), "");
    using c = handleFor(sshd, "file");
    const heard: string[] = [];
    const decoder = new TextDecoder();
    c.setopt(curl.HEADERFUNCTION, (line) => {
      heard.push(decoder.decode(line));
    });
    c.setopt(curl.QUOTE, [
      "pwd",
      `mkdir ${at("folder")}`,
      `rename ${at("old")} ${at("folder/new")}`,
      `chmod 600 ${at("folder/new")}`,
      `symlink ${at("folder/new")} ${at("link")}`,
      `*rm ${at("none")}`,
    ]);
    c.setopt(curl.POSTQUOTE, [`rm ${at("file")}`]);
    assertEquals(await way.text(c), "0123456789");
    assertMatch(heard[0], /^257 ".*" is current directory\.\n$/);
    assertEquals(names(sshd.files), ["folder", "link"]);
    assertEquals(Deno.readLinkSync(at("link")), at("folder/new"));
    assertEquals(Deno.statSync(at("folder/new")).mode! & 0o777, 0o600);
    c.setopt(curl.QUOTE, [`rmdir ${at("none")}`]);
    const failed = `rmdir "${at("none")}" failed: No such file or directory`;
    await way.fails(c, curl.E_QUOTE_ERROR, failed);
    c.setopt(curl.QUOTE, ["frobnicate"]);
    await way.fails(c, curl.E_QUOTE_ERROR, "frobnicate");
  });
}

test(SSHD, "FTP_CREATE_MISSING_DIRS makes folders by sftp", async () => {
  await using sshd = await startSshd();
  using c = handleFor(sshd, "a/b/file");
  giving(c, "new");
  await WAYS[0].fails(c, curl.E_REMOTE_FILE_NOT_FOUND);
  giving(c, "new");
  c.setopt(curl.FTP_CREATE_MISSING_DIRS, curl.FTP_CREATE_DIR_RETRY);
  c.performTextSync();
  assertEquals(await Deno.readTextFile(`${sshd.files}/a/b/file`), "new");
});

test(SSHD, "OPT_FILETIME gives a file's age by sftp", async () => {
  await using sshd = await startSshd();
  await Deno.writeTextFile(`${sshd.files}/file`, "");
  await Deno.utime(`${sshd.files}/file`, 1e9, 1e9);
  using c = handleFor(sshd, "file");
  c.setopt(curl.OPT_FILETIME, true);
  c.performTextSync();
  assertEquals(c.getinfo(curl.INFO_FILETIME), 1e9);
});

test(SSHD, "SSH_HOST_PUBLIC_KEY_SHA256 accepts one host alone", async () => {
  await using sshd = await startSshd();
  await Deno.writeTextFile(`${sshd.files}/file`, "0123456789");
  const key = Uint8Array.fromBase64(sshd.hostKeys[0].base64);
  const digest = await crypto.subtle.digest("SHA-256", key);
  const right = new Uint8Array(digest).toBase64().replace(/=+$/, "");
  const wrong = "A".repeat(right.length);
  using c = handleFor(sshd, "file");
  c.setopt(curl.SSH_HOST_PUBLIC_KEY_SHA256, right);
  assertEquals(c.performTextSync(), "0123456789");
  c.setopt(curl.SSH_HOST_PUBLIC_KEY_SHA256, wrong);
  const failed = curl.E_PEER_FAILED_VERIFICATION;
  const { message } = await WAYS[0].fails(c, failed, "SHA256 fingerprint");
  assertStringIncludes(message, right);
});

test(SSHD, "SSH_HOST_PUBLIC_KEY_MD5 accepts no host any more", async () => {
  await using sshd = await startSshd();
  using c = handleFor(sshd, "file");
  c.setopt(curl.SSH_HOST_PUBLIC_KEY_MD5, "0".repeat(32));
  const failed = curl.E_PEER_FAILED_VERIFICATION;
  await WAYS[0].fails(c, failed, "MD5 fingerprint not available");
});

const KEYS: Record<string, string[]> = {
  "an RSA key": ["-t", "rsa", "-b", "2048"],
  "an RSA key in PEM": ["-t", "rsa", "-b", "2048", "-m", "PEM"],
  "an Ed25519 key": ["-t", "ed25519"],
  "an ECDSA key": ["-t", "ecdsa"],
};

for (const [kind, options] of Object.entries(KEYS)) {
  for (const passphrase of ["", "sesame"]) {
    const how = passphrase ? `${kind} that KEYPASSWD opens` : kind;
    test(SSHD, `SSH_PRIVATE_KEYFILE takes ${how}`, async () => {
      await using sshd = await startSshd();
      await Deno.writeTextFile(`${sshd.files}/file`, "0123456789");
      const key = `${sshd.files}/key`;
      output("ssh-keygen", ...options, "-q", "-N", passphrase, "-f", key);
      await Deno.copyFile(`${key}.pub`, sshd.authorizedKeys);
      using c = handleFor(sshd, "file");
      await WAYS[0].fails(c, curl.E_LOGIN_DENIED);
      c.setopt(curl.SSH_PRIVATE_KEYFILE, key);
      if (passphrase) {
        await WAYS[0].fails(c, curl.E_LOGIN_DENIED);
        c.setopt(curl.KEYPASSWD, passphrase);
      }
      assertEquals(c.performTextSync(), "0123456789");
    });
  }
}
