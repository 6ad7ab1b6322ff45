/** Options of redirects: how far, by which method, and what goes along. */

import * as curl from "../mod.ts";
import { assertEquals } from "./assert.ts";
import { assertCurlError, curlFor, FILE } from "./fixtures/checks.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { seenBy } from "./fixtures/seen.ts";
import { test } from "./permissions.ts";

/** A handle that follows one redirect to a URL. */
function following(
  server: { url: string },
  to: string,
  status = 302,
): curl.Curl {
  const query = new URLSearchParams({ to, status: `${status}` });
  const c = curlFor(`${server.url}/redirect/1?${query}`);
  c.setopt(curl.FOLLOWLOCATION, true);
  return c;
}

test(SERVER, "MAXREDIRS ends the hops", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/redirect/4`);
  c.setopt(curl.FOLLOWLOCATION, true);
  for (const limit of [0, 3]) {
    c.setopt(curl.MAXREDIRS, limit);
    const tooMany = curl.E_TOO_MANY_REDIRECTS;
    assertCurlError(() => c.performTextSync(), tooMany, `${limit}`);
    assertEquals(c.getinfo(curl.REDIRECT_COUNT), limit);
  }
  for (const limit of [4, -1]) {
    c.setopt(curl.MAXREDIRS, limit);
    assertEquals(c.performTextSync(), "home\n");
    assertEquals(c.getinfo(curl.REDIRECT_COUNT), 4);
  }
});

for (const status of [301, 302, 303] as const) {
  test(SERVER, `POSTREDIR posts again after ${status}`, async () => {
    await using server = await startServer();
    using c = following(server, "/echo", status);
    c.setopt(curl.POSTFIELDS, "abc");
    for (const other of [301, 302, 303] as const) {
      c.setopt(curl.POSTREDIR, curl[`REDIR_POST_${other}`]);
      const { method, body } = seenBy(c);
      const again = status === other;
      assertEquals([method, body], again ? ["POST", "abc"] : ["GET", ""]);
    }
    c.setopt(curl.POSTREDIR, curl.REDIR_POST_ALL);
    assertEquals(seenBy(c).body, "abc");
  });
}

/** How a CUSTOMREQUEST goes on, by the value of FOLLOWLOCATION. */
const FOLLOWED = [
  ["FOLLOW_ALL", 303, "PATCH"],
  ["FOLLOW_ALL", 307, "PATCH"],
  ["FOLLOW_OBEYCODE", 303, "GET"],
  ["FOLLOW_OBEYCODE", 307, "PATCH"],
  ["FOLLOW_FIRSTONLY", 303, "GET"],
  ["FOLLOW_FIRSTONLY", 307, "GET"],
] as const;

for (const [name, status, method] of FOLLOWED) {
  test(
    SERVER,
    `FOLLOWLOCATION of ${name} goes on with ${method} after PATCH and ${status}`,
    async () => {
      await using server = await startServer();
      using c = following(server, "/echo", status);
      c.setopt(curl.FOLLOWLOCATION, curl[name]);
      c.setopt(curl.CUSTOMREQUEST, "PATCH");
      assertEquals(seenBy(c).method, method);
    },
  );
}

test(SERVER, "UNRESTRICTED_AUTH logs in to other servers, too", async () => {
  await using server = await startServer();
  await using other = await startServer();
  using c = following(server, `${other.url}/echo`);
  c.setopt(curl.USERPWD, "me:secret");
  c.setopt(curl.COOKIE, "a=1");
  const headers = () => {
    const { authorization, cookie } = seenBy(c).headers;
    return [authorization, cookie];
  };
  assertEquals(headers(), [undefined, undefined]);
  c.setopt(curl.UNRESTRICTED_AUTH, true);
  assertEquals(headers(), [`Basic ${btoa("me:secret")}`, "a=1"]);
});

test(SERVER, "UNRESTRICTED_AUTH sends own headers of that kind", async () => {
  await using server = await startServer();
  await using other = await startServer();
  using c = following(server, `${other.url}/echo`);
  c.setopt(curl.HTTPHEADER, ["Authorization: mine", "X-Other: 1"]);
  const headers = () => {
    const { authorization, "x-other": own } = seenBy(c).headers;
    return [authorization, own];
  };
  assertEquals(headers(), [undefined, "1"]);
  c.setopt(curl.UNRESTRICTED_AUTH, true);
  assertEquals(headers(), ["mine", "1"]);
});

test(SERVER, "REDIR_PROTOCOLS_STR says where redirects may go", async () => {
  await using server = await startServer();
  using c = following(server, FILE);
  const unsupported = curl.E_UNSUPPORTED_PROTOCOL;
  assertCurlError(() => c.performTextSync(), unsupported, "file");
  c.setopt(curl.REDIR_PROTOCOLS_STR, "http,file");
  c.performTextSync();
  assertEquals(c.getinfo(curl.EFFECTIVE_URL), FILE);
  c.setopt(curl.REDIR_PROTOCOLS_STR, "https");
  c.setopt(curl.URL, `${server.url}/redirect/1`);
  assertCurlError(() => c.performTextSync(), unsupported, "http");
  // It does not concern the first URL.
  c.setopt(curl.URL, server.url);
  assertEquals(c.performTextSync(), "home\n");
});

test(SERVER, "AUTOREFERER names the page before", async () => {
  await using server = await startServer();
  using c = following(server, "/echo");
  assertEquals(seenBy(c).headers["referer"], undefined);
  c.setopt(curl.AUTOREFERER, true);
  const page = `${server.url}/redirect/1?to=%2Fecho&status=302`;
  assertEquals(seenBy(c).headers["referer"], page);
});
