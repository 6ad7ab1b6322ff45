/** Names that are not there, and servers of names that never answer. */

import * as curl from "../mod.ts";
import { createCertificates } from "../tools/certificates.ts";
import { assertEquals, assertLess } from "./assert.ts";
import {
  assertCurlRejects,
  assertRejectsWith,
  assertUsableAgain,
} from "./fixtures/async_checks.ts";
import { assertCurlError, FILE } from "./fixtures/checks.ts";
import { CHILD, type ChildResult, runChild } from "./fixtures/child.ts";
import { currentUser } from "./fixtures/daemon.ts";
import { curlOn, enginesWith } from "./fixtures/engines.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { missing, type Requirements, test } from "./permissions.ts";

/** Whose engine the transfers are on. */
const ENGINES = enginesWith(curl.LOCK_DATA_DNS, curl.LOCK_DATA_COOKIE);

for (const [whose, share] of Object.entries(ENGINES)) {
  Deno.test(`perform() on the engine of ${whose} misses a host`, async () => {
    using used = share();
    using c = curlOn(used, "http://example.onion/");
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
      using other = curlOn(used, server.url);
      using c = curlOn(used, "http://by-doh.example/");
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

/** What a test that has a process ask a server of its own needs. */
const ASKING: Requirements[] = [CHILD, HIDING, {
  needs: ["write"],
  skip: missing(CHILD, HIDING) === undefined && hidingFails(),
}];

/** Runs a script whose system asks this server for names, and as is said. */
async function runAsking(
  address: string,
  options: string,
  script: string,
  args: readonly string[] = [],
): Promise<ChildResult> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(
      path,
      `nameserver ${address}\noptions ${options}\n`,
    );
    return await runChild(script, {
      flags: ["-A"],
      args,
      shell: `exec unshare --mount sh -c 'mount --bind ${path} ` +
        `/etc/resolv.conf; exec "$0" "$@"' "$0" "$@"`,
    });
  } finally {
    await Deno.remove(path);
  }
}

/** An address of this machine that no other process of the tests listens at. */
function ownAddress(network: number): string {
  const [high, low] = new Uint8Array(new Uint16Array([Deno.pid]).buffer);
  return `127.${network}.${high}.${low}`;
}

test(
  ASKING,
  "a name that the system never resolves holds up its transfer alone",
  async () => {
    const address = ownAddress(53);
    const { stdout, stderr } = await runAsking(
      address,
      "timeout:1 attempts:1",
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
      [address, FILE],
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
    [...ASKING, { needs: ["net"] }],
    `a process ends before the system gives up a name: ${how}`,
    async () => {
      const { default: dgram } = await import("node:dgram");
      const names = dgram.createSocket("udp4");
      let questions = 0;
      names.on("message", () => void questions++);
      const address = ownAddress(54);
      await new Promise<void>((resolve) => names.bind(53, address, resolve));
      try {
        // Two kinds of address, each 15 times, before it gives up.
        const { stdout } = await runAsking(
          address,
          "timeout:1 attempts:5",
          `const c = new curl.Curl();
          c.setopt(curl.URL, "http://hangs.example/");
          c.setopt(curl.TIMEOUT_MS, 100);
          ${script}`,
        );
        assertEquals(stdout, `${curl.E_OPERATION_TIMEDOUT}\n`);
        assertLess(questions, 5);
      } finally {
        names.close();
      }
    },
  );
}
