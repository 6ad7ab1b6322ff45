/** Names that are not there, and servers of names that never answer. */

import * as curl from "../mod.ts";
import { createCertificates } from "../tools/certificates.ts";
import { assertEquals, assertLess } from "./assert.ts";
import {
  assertCurlRejects,
  assertRejectsWith,
  assertUsableAgain,
} from "./fixtures/async_checks.ts";
import { assertCurlError, curlFor, FILE } from "./fixtures/checks.ts";
import { CHILD, runChild } from "./fixtures/child.ts";
import { currentUser } from "./fixtures/daemon.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { missing, test } from "./permissions.ts";
import { shareOf } from "./workers/peers.ts";

/** Whose engine the transfers are on. */
const ENGINES = {
  "an isolate": () => null,
  "a share": () => shareOf(curl.LOCK_DATA_DNS, curl.LOCK_DATA_COOKIE),
};

for (const [whose, share] of Object.entries(ENGINES)) {
  Deno.test(`perform() on the engine of ${whose} misses a host`, async () => {
    using used = share();
    using c = curlFor("http://example.onion/");
    if (used) c.setopt(curl.SHARE, used);
    await assertCurlRejects(c.perform(), curl.E_COULDNT_RESOLVE_HOST);
    await assertUsableAgain(c);
  });

  test(
    SERVER,
    `DOH_URL that never answers holds up one transfer on the engine of ${whose}`,
    async () => {
      const { ca, server: tls } = await createCertificates();
      await using names = await startServer({ tls });
      await using server = await startServer();
      using used = share();
      using other = curlFor(server.url);
      using c = curlFor("http://by-doh.example/");
      if (used) c.setopt(curl.SHARE, used);
      if (used) other.setopt(curl.SHARE, used);
      c.setCaCerts(ca);
      c.setopt(curl.DOH_URL, `${names.url}/stall`);
      c.setopt(curl.IPRESOLVE, curl.IPRESOLVE_V4);

      const controller = new AbortController();
      const promise = c.perform({ signal: controller.signal });
      await names.arrived(1);
      assertEquals(await other.performText(), "home\n");
      controller.abort("enough");
      await assertRejectsWith(promise, "enough");

      c.setopt(curl.TIMEOUT_MS, 100);
      const late = curl.E_OPERATION_TIMEDOUT;
      await assertCurlRejects(c.perform(), late);
      assertCurlError(() => c.performSync(), late);
      await assertUsableAgain(c);
    },
  );
}

/** Which servers the system asks is told by a file of its own. */
function hidingFails(): string | false {
  if (Deno.build.os !== "linux") return "only Linux hides a file so";
  if (!currentUser().isRoot) return "needs root";
  const { success } = new Deno.Command("unshare", {
    args: ["--mount", "true"],
  }).outputSync();
  return !success && "unshare is not allowed here";
}

const HIDING = { programs: ["unshare", "mount"] };

test(
  [CHILD, HIDING, {
    needs: ["write"],
    skip: missing(CHILD, HIDING) === undefined && hidingFails(),
  }],
  "a name that the system never resolves holds up its transfer alone",
  async () => {
    const [high, low] = new Uint8Array(new Uint16Array([Deno.pid]).buffer);
    const address = `127.53.${high}.${low}`;
    const folder = await Deno.makeTempDir();
    try {
      const path = `${folder}/resolv.conf`;
      await Deno.writeTextFile(
        path,
        `nameserver ${address}\noptions timeout:1 attempts:1\n`,
      );
      const { stdout, stderr } = await runChild(
        `const { default: dgram } = await import("node:dgram");
        const [address, file] = Deno.args;
        const names = dgram.createSocket("udp4");
        let asked = Promise.withResolvers();
        names.on("message", (data, from) => {
          if (data.includes("hangs")) return asked.resolve();
          const answer = data.slice();
          // No such name.
          answer[2] |= 0x80;
          answer[3] = 3;
          names.send(answer, from.port, from.address);
        });
        await new Promise((resolve) => names.bind(53, address, resolve));
        const failure = (promise) => promise.then(
          () => "well",
          (error) => error instanceof curl.CurlError ? error.code : error,
        );
        for (const kinds of [[], [curl.LOCK_DATA_COOKIE, curl.LOCK_DATA_DNS]]) {
          using share = new curl.CurlShare();
          if (kinds.length > 0) share.share(...kinds);
          using c = new curl.Curl();
          using other = new curl.Curl();
          c.setopt(curl.SHARE, share);
          other.setopt(curl.SHARE, share);
          other.setopt(curl.URL, file);
          c.setopt(curl.URL, "http://missing.example/");
          console.log(await failure(c.perform()));

          c.setopt(curl.URL, "http://hangs.example/");
          const controller = new AbortController();
          const promise = c.perform({ signal: controller.signal });
          await asked.promise;
          asked = Promise.withResolvers();
          console.log((await other.performText()).length > 0);
          controller.abort("enough");
          console.log(await failure(promise));
          c.setopt(curl.TIMEOUT_MS, 100);
          console.log(await failure(c.perform()));
          c.setopt(curl.URL, file);
          console.log((await c.performText()).length > 0);
        }
        // What waits in the middle of a call, too.
        const c = new curl.Curl();
        c.setopt(curl.URL, "http://hangs.example/");
        c.setopt(curl.TIMEOUT_MS, 100);
        try {
          c.performSync();
        } catch ({ code }) {
          console.log(code);
        }
        names.close();`,
        {
          flags: ["-A"],
          args: [address, FILE],
          shell:
            `exec unshare --mount sh -c 'mount --bind ${path} /etc/resolv.conf; exec "$0" "$@"' "$0" "$@"`,
        },
      );
      const { E_COULDNT_RESOLVE_HOST, E_OPERATION_TIMEDOUT } = curl;
      const lines = [
        E_COULDNT_RESOLVE_HOST,
        true,
        "enough",
        E_OPERATION_TIMEDOUT,
        true,
      ];
      assertEquals([stderr, stdout.split("\n")], [
        "",
        [...lines, ...lines, E_OPERATION_TIMEDOUT, ""].map(String),
      ]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

/** What has a name looked up that never comes, and leaves nothing pending. */
const LEAVING: Record<string, string> = {
  "perform()": `await c.perform().catch(({ code }) => console.log(code));
    c.close();`,
  "performSync()": `try { c.performSync(); }
    catch ({ code }) { console.log(code); }`,
  "performSync() and close()": `try { c.performSync(); }
    catch ({ code }) { console.log(code); }
    c.close();`,
  "CurlMulti": `const multi = new curl.CurlMulti();
    multi.addHandle(c);
    while (multi.perform()[1] > 0) await multi.select(1);
    console.log(multi.infoRead()[2][0][1]);
    multi.close();`,
};

for (const [how, script] of Object.entries(LEAVING)) {
  test(
    [CHILD, HIDING, {
      needs: ["net", "write"],
      skip: missing(CHILD, HIDING) === undefined && hidingFails(),
    }],
    `a process ends before the system gives up a name: ${how}`,
    async () => {
      const { default: dgram } = await import("node:dgram");
      const names = dgram.createSocket("udp4");
      let questions = 0;
      names.on("message", () => void questions++);
      const [high, low] = new Uint8Array(new Uint16Array([Deno.pid]).buffer);
      const address = `127.54.${high}.${low}`;
      await new Promise<void>((resolve) => names.bind(53, address, resolve));
      const path = await Deno.makeTempFile();
      try {
        // Two kinds of address, each 15 times, before it gives up.
        const options = "options timeout:1 attempts:5";
        Deno.writeTextFileSync(path, `nameserver ${address}\n${options}\n`);
        const { stdout } = await runChild(
          `const c = new curl.Curl();
          c.setopt(curl.URL, "http://hangs.example/");
          c.setopt(curl.TIMEOUT_MS, 100);
          ${script}`,
          {
            flags: ["-A"],
            shell: `exec unshare --mount sh -c 'mount --bind ${path} ` +
              `/etc/resolv.conf; exec "$0" "$@"' "$0" "$@"`,
          },
        );
        assertEquals(stdout, `${curl.E_OPERATION_TIMEDOUT}\n`);
        assertLess(questions, 5);
      } finally {
        names.close();
        await Deno.remove(path);
      }
    },
  );
}
