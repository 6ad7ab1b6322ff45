/** What goes wrong outside ends one of many transfers, and no other. */

import * as curl from "../mod.ts";
import { createCertificates } from "../tools/certificates.ts";
import { assert, assertEquals, assertStringIncludes } from "./assert.ts";
import {
  assertCurlRejects,
  assertUsableAgain,
} from "./fixtures/async_checks.ts";
import { CHILD, runChild } from "./fixtures/child.ts";
import { curlOn, enginesWith } from "./fixtures/engines.ts";
import { FAULTS } from "./fixtures/faults.ts";
import { okay } from "./fixtures/http_answers.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { request, type Script, send, waitFor } from "./fixtures/script.ts";
import { startScriptedServer } from "./fixtures/scripted_server.ts";
import { test } from "./permissions.ts";

/** Whose engine the transfers are on. */
const ENGINES = enginesWith(curl.LOCK_DATA_CONNECT, curl.LOCK_DATA_COOKIE);

const BYSTANDER: Script = [request(), waitFor("go"), send(okay("bystander"))];

for (const [whose, share] of Object.entries(ENGINES)) {
  for (const [what, { script, code, text, set }] of Object.entries(FAULTS)) {
    test(
      SERVER,
      `perform() on the engine of ${whose} rejects when the server ${what}`,
      async () => {
        await using server = await startScriptedServer({
          scripts: [BYSTANDER, script, [request(), send(okay("well"))]],
        });
        using used = share();
        using bystander = curlOn(used, server.url);
        const connected = Promise.withResolvers<void>();
        bystander.setopt(curl.PREREQFUNCTION, () => connected.resolve());
        const body = bystander.performText();
        await connected.promise;

        using c = curlOn(used, server.url);
        c.setopt(curl.FRESH_CONNECT, true);
        set?.(c, server.url);
        const error = await assertCurlRejects(c.performBytes(), code, text);
        assertEquals(error.message, c.errstr() || curl.easyStrerror(code));
        assertEquals(error.cause, undefined);
        c.reset();
        c.setopt(curl.URL, server.url);
        c.setopt(curl.FRESH_CONNECT, true);
        assertEquals(await c.performText(), "well");
        await assertUsableAgain(c);
        await server.signal("go");
        assertEquals(await body, "bystander");
      },
    );
  }

  test(
    SERVER,
    `perform() on the engine of ${whose} refuses a certificate`,
    async () => {
      const { ca, server: tls, wrongHost } = await createCertificates();
      await using good = await startServer({ tls });
      await using bad = await startServer({ tls: wrongHost });
      using used = share();
      using bystander = curlOn(used, `${good.url}/stall`);
      bystander.setCaCerts(ca);
      const body = bystander.performText();
      await good.arrived(1);
      using c = curlOn(used, bad.url);
      c.setCaCerts(ca);
      const failed = curl.E_PEER_FAILED_VERIFICATION;
      await assertCurlRejects(c.performText(), failed);
      assertEquals(await bad.requests(), []);
      await assertUsableAgain(c);
      await good.release();
      assertEquals(await body, "released\n");
    },
  );

  test(
    { needs: [{ name: "net", host: "127.0.0.1" }] },
    `perform() on the engine of ${whose} rejects when nobody listens`,
    async () => {
      const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      listener.close();
      const url = `http://127.0.0.1:${listener.addr.port}/`;
      using used = share();
      using c = curlOn(used, url);
      await assertCurlRejects(c.perform(), curl.E_COULDNT_CONNECT);
      c.setopt(curl.PROXY, url);
      c.setopt(curl.URL, "http://far.example/");
      await assertCurlRejects(c.perform(), curl.E_COULDNT_CONNECT);
      await assertUsableAgain(c);
    },
  );
}

test(
  [CHILD, SERVER],
  "perform() rejects when there are no descriptors left",
  async () => {
    await using server = await startServer();
    const { stdout } = await runChild(
      `const [url] = Deno.args;
      const share = new curl.CurlShare();
      share.share(curl.LOCK_DATA_COOKIE);
      const made = [null, share].map((it) => {
        const c = new curl.Curl();
        c.setopt(curl.URL, url);
        c.setopt(curl.FRESH_CONNECT, true);
        if (it) c.setopt(curl.SHARE, it);
        return c;
      });
      const outcome = (c) =>
        c.performText().then(({ length }) => length, (error) =>
          error instanceof curl.CurlError
            ? error.code ?? error.message
            : error.name
        );
      const [own, shared] = made;
      const files = [];
      const fill = () => {
        try {
          while (true) files.push(Deno.openSync("/dev/null"));
        } catch (error) {
          return error.message;
        }
      };
      const free = () => files.splice(0).forEach((file) => file.close());
      const full = fill();
      const told = [await outcome(own), await outcome(shared)];
      free();
      told.push(await outcome(own));
      fill();
      told.push(await outcome(shared));
      free();
      told.push(await outcome(shared));
      fill();
      told.push(await outcome(own), await outcome(shared));
      free();
      told.push(await outcome(own), await outcome(shared));
      console.log(JSON.stringify({ full, told }));`,
      {
        flags: ["--allow-ffi", "--allow-read"],
        args: [`${server.url}/bytes/10`],
        shell: "ulimit -n 64",
      },
    );
    const { full, told } = JSON.parse(stdout);
    assertStringIncludes(full, "Too many open files");
    const waited = "no transfer can be waited for: Too many open files";
    const started = "the engine of this CurlShare can't start: Too many open";
    const failed = (code: unknown) =>
      code === curl.E_COULDNT_CONNECT || code === curl.E_OUT_OF_MEMORY;
    assertStringIncludes(told[0], waited);
    assertStringIncludes(told[1], waited);
    assertEquals(told[2], 10);
    assertStringIncludes(told[3], started);
    assertEquals(told[4], 10);
    assert(failed(told[5]), `${told[5]}`);
    assert(failed(told[6]), `${told[6]}`);
    assertEquals(told.slice(7), [10, 10]);
  },
);
