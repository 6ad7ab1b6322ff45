/** Connections by SSH: one is used again only by whoever trusts its host so. */

import * as curl from "../mod.ts";
import { assertEquals } from "./assert.ts";
import { curlFor } from "./fixtures/checks.ts";
import { SSHD, type Sshd, startSshd } from "./fixtures/sshd.ts";
import { WAYS } from "./fixtures/ways.ts";
import { test } from "./permissions.ts";
import { shareOf } from "./workers/peers.ts";

const WRONG = "A".repeat(43);

function handleFor(sshd: Sshd, share: curl.CurlShare): curl.Curl {
  const c = curlFor(`${sshd.url}/file`);
  c.setopt(curl.SHARE, share);
  c.setopt(curl.SSH_PRIVATE_KEYFILE, sshd.privateKey);
  c.setopt(curl.SSH_KNOWNHOSTS, sshd.knownHosts);
  return c;
}

async function startWithFile(): Promise<Sshd> {
  const sshd = await startSshd();
  await Deno.writeTextFile(`${sshd.files}/file`, "0123456789");
  return sshd;
}

/** What a handle may go by that lets nobody in. */
const STRICTER: Record<string, (c: curl.Curl, sshd: Sshd) => void> = {
  SSH_KNOWNHOSTS(c, sshd) {
    const path = `${sshd.files}/none`;
    Deno.writeTextFileSync(path, "");
    c.setopt(curl.SSH_KNOWNHOSTS, path);
  },
  SSH_HOST_PUBLIC_KEY_SHA256(c) {
    c.setopt(curl.SSH_HOST_PUBLIC_KEY_SHA256, WRONG);
  },
  SSH_HOST_PUBLIC_KEY_MD5(c) {
    c.setopt(curl.SSH_HOST_PUBLIC_KEY_MD5, "0".repeat(32));
  },
  SSH_KEYFUNCTION(c) {
    c.setopt(curl.SSH_KEYFUNCTION, () => curl.KHSTAT_REJECT);
  },
  SSH_HOSTKEYFUNCTION(c) {
    c.setopt(curl.SSH_HOSTKEYFUNCTION, () => curl.KHMATCH_MISMATCH);
  },
};

for (const way of WAYS) {
  for (const [option, set] of Object.entries(STRICTER)) {
    test(
      SSHD,
      `${way.name} checks a host anew by ${option} that others have let in`,
      async () => {
        await using sshd = await startWithFile();
        using share = shareOf(curl.LOCK_DATA_CONNECT);
        using first = handleFor(sshd, share);
        assertEquals(await way.text(first), "0123456789");
        using second = handleFor(sshd, share);
        set(second, sshd);
        await way.fails(second, curl.E_PEER_FAILED_VERIFICATION);
        // Nor does it spoil the connection for the first.
        assertEquals(await way.text(first), "0123456789");
        assertEquals(first.getinfo(curl.NUM_CONNECTS), 0);
      },
    );
  }

  test(SSHD, `${way.name} takes over a connection of the like`, async () => {
    await using sshd = await startWithFile();
    using share = shareOf(curl.LOCK_DATA_CONNECT);
    for (const connects of [1, 0]) {
      using c = handleFor(sshd, share);
      assertEquals(await way.text(c), "0123456789");
      assertEquals(c.getinfo(curl.NUM_CONNECTS), connects);
    }
  });
}

test(SSHD, "perform() checks a host anew in the isolate's pool", async () => {
  await using sshd = await startWithFile();
  using first = curlFor(`${sshd.url}/file`);
  first.setopt(curl.SSH_PRIVATE_KEYFILE, sshd.privateKey);
  assertEquals(await first.performText(), "0123456789");
  using second = curlFor(`${sshd.url}/file`);
  second.setopt(curl.SSH_PRIVATE_KEYFILE, sshd.privateKey);
  second.setopt(curl.SSH_HOST_PUBLIC_KEY_SHA256, WRONG);
  await WAYS[1].fails(second, curl.E_PEER_FAILED_VERIFICATION);
});

test(SSHD, "performSync() checks a host anew when options change", async () => {
  await using sshd = await startWithFile();
  using c = curlFor(`${sshd.url}/file`);
  c.setopt(curl.SSH_PRIVATE_KEYFILE, sshd.privateKey);
  c.setopt(curl.SSH_KNOWNHOSTS, sshd.knownHosts);
  c.performTextSync();
  c.setopt(curl.SSH_HOST_PUBLIC_KEY_SHA256, WRONG);
  await WAYS[0].fails(c, curl.E_PEER_FAILED_VERIFICATION);
});
