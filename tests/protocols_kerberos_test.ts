/** Negotiate (SPNEGO), with real Kerberos tickets and without. */

import { assertEquals, assertStringIncludes } from "./assert.ts";
import { CHILD, runChild } from "./fixtures/child.ts";
import { KERBEROS, startKerberos, TICKET_OWNER } from "./fixtures/kerberos.ts";
import { test } from "./permissions.ts";

/** What a process with this environment gets, in its four ways to ask. */
async function ask(url: string, env: Record<string, string>): Promise<{
  /** Of a blocking transfer and of one with a promise. */
  bodies: string[];
  statuses: number[];
  /** X-User of each answer. */
  users: string[];
  /** What libcurl said in its own words. */
  text: string;
  /** Of the same transfers with FAILONERROR. */
  errors: { code: number; message: string }[];
}> {
  const script = `
    const seen = { bodies: [], statuses: [], users: [], text: "", errors: [] };
    const decoder = new TextDecoder();
    const handle = () => {
      const c = new curl.Curl();
      c.setopt(curl.URL, Deno.args[0]);
      c.setopt(curl.TIMEOUT, 10);
      c.setopt(curl.HTTPAUTH, curl.HTTPAUTH_GSSNEGOTIATE);
      c.setopt(curl.USERPWD, ":");
      return c;
    };
    const ways = [(c) => c.performTextSync(), (c) => c.performText()];
    for (const text of ways) {
      const c = handle();
      c.setopt(curl.VERBOSE, true);
      c.setopt(curl.DEBUGFUNCTION, (type, data) => {
        if (type === curl.INFOTYPE_TEXT) seen.text += decoder.decode(data);
      });
      c.setopt(curl.HEADERFUNCTION, (line) => {
        const [name, value] = decoder.decode(line).trim().split(": ");
        if (name === "X-User") seen.users.push(value);
      });
      seen.bodies.push(await text(c));
      seen.statuses.push(c.getinfo(curl.RESPONSE_CODE));
    }
    for (const text of ways) {
      const c = handle();
      c.setopt(curl.FAILONERROR, true);
      try {
        await text(c);
      } catch ({ code, message }) {
        seen.errors.push({ code, message });
      }
    }
    console.log(JSON.stringify(seen));
  `;
  const { stdout, stderr } = await runChild(script, {
    flags: ["--allow-ffi"],
    args: [url],
    env,
  });
  assertEquals(stderr, "");
  return JSON.parse(stdout);
}

const NEEDS = [KERBEROS, CHILD];

test(NEEDS, "HTTPAUTH_GSSNEGOTIATE shows the user's ticket", async () => {
  await using realm = await startKerberos();
  const seen = await ask(`${realm.url}/file`, realm.withTicket);
  assertEquals(seen.bodies, ["secret\n", "secret\n"]);
  assertEquals(seen.users, [TICKET_OWNER, TICKET_OWNER]);
  assertEquals(seen.errors, []);
});

const REFUSED = {
  // E_HTTP_RETURNED_ERROR
  code: 22,
  message: "The requested URL returned error: 401",
};

test(NEEDS, "HTTPAUTH_GSSNEGOTIATE tells that there is no ticket", async () => {
  await using realm = await startKerberos();
  const seen = await ask(`${realm.url}/file`, realm.withoutTicket);
  assertEquals(seen.statuses, [401, 401]);
  assertEquals(seen.errors, [REFUSED, REFUSED]);
  assertStringIncludes(seen.text, "No Kerberos credentials available");
});

test(NEEDS, "HTTPAUTH_GSSNEGOTIATE tells of a host without a key", async () => {
  await using realm = await startKerberos();
  const url = `${realm.url.replace("localhost", "127.0.0.1")}/file`;
  const seen = await ask(url, realm.withTicket);
  assertEquals(seen.statuses, [401, 401]);
  assertEquals(seen.errors, [REFUSED, REFUSED]);
  assertStringIncludes(seen.text, "not found in Kerberos database");
});
