/** Options that say who the user is. */

import * as curl from "../mod.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
} from "./assert.ts";
import { assertCurlError, curlFor } from "./fixtures/checks.ts";
import {
  type SeenRequest,
  SERVER,
  startServer,
  type TestServer,
} from "./fixtures/http_server.ts";
import { seenBy } from "./fixtures/seen.ts";
import { parseSigned, signatureOf } from "./fixtures/sigv4.ts";
import { test } from "./permissions.ts";

function authorizationOf({ headers }: SeenRequest): string {
  return new Headers(headers).get("authorization") ?? "";
}

async function authorizations(server: TestServer): Promise<string[]> {
  return (await server.requests()).map(authorizationOf);
}

for (const algorithm of ["MD5", "SHA-256", "SHA-512-256"]) {
  test(SERVER, `HTTPAUTH_DIGEST logs in by ${algorithm}`, async () => {
    await using server = await startServer();
    using c = curlFor(`${server.url}/auth/digest?algorithm=${algorithm}`);
    c.setopt(curl.HTTPAUTH, curl.HTTPAUTH_DIGEST);
    c.setopt(curl.USERPWD, "user:secret");
    assertEquals(c.performTextSync(), "hello user\n");
    const [first, second] = await authorizations(server);
    assertEquals(first, "");
    assertStringIncludes(second, `algorithm=${algorithm}`);
    assertEquals(c.getinfo(curl.HTTPAUTH_USED), curl.HTTPAUTH_DIGEST);
    // Now that the nonce is known, one request is enough.
    c.performTextSync();
    assertEquals((await server.requests()).length, 3);
  });
}

test(SERVER, "HTTPAUTH_DIGEST is refused with a wrong password", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/auth/digest`);
  c.setopt(curl.HTTPAUTH, curl.HTTPAUTH_DIGEST);
  c.setopt(curl.USERPWD, "user:wrong");
  assertEquals(c.performTextSync(), "who is there?\n");
  assertEquals(c.getinfo(curl.RESPONSE_CODE), 401);
});

test(SERVER, "HTTPAUTH_DIGEST posts once the server knows it", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/auth/digest`);
  c.setopt(curl.HTTPAUTH, curl.HTTPAUTH_DIGEST);
  c.setopt(curl.USERPWD, "user:secret");
  c.setopt(curl.POSTFIELDS, "abc");
  assertEquals(c.performTextSync(), "hello user\n");
  const requests = await server.requests();
  assertEquals(
    requests.map(({ headers }) => new Headers(headers).get("content-length")),
    ["0", "3"],
  );
});

/** What is used of that which a server offers. */
const CHOICES = [
  ["HTTPAUTH_ANY", true, "Digest"],
  ["HTTPAUTH_ANY", false, "Digest"],
  ["HTTPAUTH_ANYSAFE", true, "Digest"],
  ["HTTPAUTH_BASIC", true, "Basic"],
] as const;

for (const [name, basic, scheme] of CHOICES) {
  const offers = basic ? "Basic and Digest" : "Digest";
  test(SERVER, `${name} uses ${scheme} when offered ${offers}`, async () => {
    await using server = await startServer();
    using c = curlFor(`${server.url}/auth/digest?${basic ? "basic" : ""}`);
    c.setopt(curl.HTTPAUTH, curl[name]);
    c.setopt(curl.USERPWD, "user:secret");
    c.performTextSync();
    const used = (await authorizations(server)).at(-1)!;
    assertEquals(used.split(" ")[0], scheme);
  });
}

test(SERVER, "HTTPAUTH_ANYSAFE sends no password to Basic", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/auth/basic`);
  c.setopt(curl.HTTPAUTH, curl.HTTPAUTH_ANYSAFE);
  c.setopt(curl.USERPWD, "user:secret");
  assertEquals(c.performTextSync(), "who is there?\n");
  c.setopt(curl.HTTPAUTH, curl.HTTPAUTH_ANY);
  assertEquals(c.performTextSync(), "hello user\n");
});

test(SERVER, "XOAUTH2_BEARER sends its token", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/echo`);
  c.setopt(curl.HTTPAUTH, curl.HTTPAUTH_BEARER);
  c.setopt(curl.XOAUTH2_BEARER, "a.token");
  assertEquals(seenBy(c).headers["authorization"], "Bearer a.token");
});

for (const post of [false, true]) {
  const method = post ? "POST" : "GET";
  test(SERVER, `AWS_SIGV4 signs a ${method} by the rules`, async () => {
    await using server = await startServer();
    using c = curlFor(`${server.url}/echo?b=2&a=1&space=a%20b`);
    c.setopt(curl.AWS_SIGV4, "aws:amz:eu-central-1:execute-api");
    c.setopt(curl.USERPWD, "AKEY:a secret");
    c.setopt(curl.HTTPHEADER, ["X-Amz-Target: Some.Thing", "X-Two:  a  "]);
    if (post) c.setopt(curl.POSTFIELDS, '{"a":"größe"}');
    const seen = seenBy(c);
    const signed = parseSigned(seen.headers["authorization"]);
    const { "x-amz-date": date = "" } = seen.headers;
    assertMatch(date, /^\d{8}T\d{6}Z$/);
    assertEquals(signed.algorithm, "AWS4-HMAC-SHA256");
    assertEquals(signed.credential, [
      "AKEY",
      date.slice(0, 8),
      "eu-central-1",
      "execute-api",
      "aws4_request",
    ]);
    for (const name of ["host", "x-amz-date", "x-amz-target", "x-two"]) {
      assert(signed.headers.includes(name), signed.headers.join());
    }
    const right = await signatureOf(seen, signed, "a secret");
    assertEquals(signed.signature, right);
    const wrong = await signatureOf(seen, signed, "another");
    assertNotEquals(signed.signature, wrong);
  });
}

test(SERVER, "AWS_SIGV4 tells S3 what the body is", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/echo`);
  c.setopt(curl.AWS_SIGV4, "aws:amz:us-east-1:s3");
  c.setopt(curl.USERPWD, "AKEY:a secret");
  c.setopt(curl.POSTFIELDS, "abc");
  const seen = seenBy(c);
  const signed = parseSigned(seen.headers["authorization"]);
  const digest = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode("abc"),
  );
  const { "x-amz-content-sha256": hash } = seen.headers;
  assertEquals(hash, new Uint8Array(digest).toHex());
  const right = await signatureOf(seen, signed, "a secret");
  assertEquals(signed.signature, right);
});

/** Performs with a .netrc of this content; who has logged in. */
async function userBy(
  content: string,
  set: (c: curl.Curl, path: string) => void,
): Promise<string> {
  await using server = await startServer();
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, content);
    using c = curlFor(`${server.url}/echo`);
    set(c, path);
    const [scheme, user = ""] = (seenBy(c).headers["authorization"] ?? "")
      .split(" ");
    return scheme === "Basic" ? atob(user) : scheme;
  } finally {
    await Deno.remove(path);
  }
}

const NETRC = `machine other.example login you password no
machine 127.0.0.1 login me password "a secret"
`;
const FILES = [SERVER, { needs: ["read", "write"] as const }];

test(FILES, "NETRC_FILE logs in to the machines it names", async () => {
  const user = await userBy(NETRC, (c, path) => {
    c.setopt(curl.NETRC, curl.NETRC_OPTIONAL);
    c.setopt(curl.NETRC_FILE, path);
  });
  assertEquals(user, "me:a secret");
});

test(FILES, "NETRC_FILE is not read unless NETRC says so", async () => {
  const user = await userBy(NETRC, (c, path) => {
    c.setopt(curl.NETRC_FILE, path);
  });
  assertEquals(user, "");
});

/** Whose password is taken for the user that the URL names. */
const PASSWORDS = [
  ["NETRC_OPTIONAL", "the URL's", "me:here"],
  ["NETRC_REQUIRED", "the file's", "me:a secret"],
] as const;

for (const [name, whose, expected] of PASSWORDS) {
  test(FILES, `${name} takes ${whose} password`, async () => {
    const user = await userBy(NETRC, (c, path) => {
      c.setopt(curl.NETRC, curl[name]);
      c.setopt(curl.NETRC_FILE, path);
      const url = c.getinfo(curl.EFFECTIVE_URL)!;
      c.setopt(curl.URL, url.replace("://", "://me:here@"));
    });
    assertEquals(user, expected);
  });
}

test(FILES, "NETRC_FILE has a default for all others", async () => {
  const content = "machine a.example login a password b\n" +
    "default login anybody password guest\n";
  const user = await userBy(content, (c, path) => {
    c.setopt(curl.NETRC, curl.NETRC_OPTIONAL);
    c.setopt(curl.NETRC_FILE, path);
  });
  assertEquals(user, "anybody:guest");
});

test(SERVER, "NETRC_REQUIRED fails when there is no such file", async () => {
  await using server = await startServer();
  using c = curlFor(`${server.url}/echo`);
  c.setopt(curl.NETRC, curl.NETRC_REQUIRED);
  c.setopt(curl.NETRC_FILE, "/no/such/file");
  assertCurlError(() => c.performTextSync(), curl.E_READ_ERROR, "netrc");
});

test(SERVER, "USERNAME and PASSWORD go before those of the URL", async () => {
  await using server = await startServer();
  const url = new URL(`${server.url}/echo`);
  url.username = "in";
  url.password = "url%3a";
  using c = curlFor(url.href);
  const user = () => atob(seenBy(c).headers["authorization"]!.split(" ")[1]);
  assertEquals(user(), "in:url:");
  c.setopt(curl.USERPWD, "set:here");
  assertEquals(user(), "set:here");
});
