/** Who is at the other end: international names, cookies, certificates. */

import * as curl from "../mod.ts";
import { createCertificates } from "../tools/certificates.ts";
import { assertEquals, assertStringIncludes } from "./assert.ts";
import { curlFor } from "./fixtures/checks.ts";
import { daemonNeeds, output } from "./fixtures/daemon.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { NGINX, startNginx } from "./fixtures/nginx.ts";
import { WAYS } from "./fixtures/ways.ts";
import { test } from "./permissions.ts";

const certificates = await createCertificates();

/** International names, and what becomes of them. */
const NAMES: Record<string, string> = {
  "größe.example": "xn--gre-6ka8i.example",
  "gr%C3%B6%C3%9Fe.example": "xn--gre-6ka8i.example",
  "BÜCHER.example": "xn--bcher-kva.example",
  "faß.example": "xn--fa-hia.example",
  "日本語.example": "xn--wgv71a119e.example",
  "日本語。example": "xn--wgv71a119e.example",
};

const NO_NAMES = ["\u2488.example", "a\u200d.example", "\u0301a.example"];

const PUBLIC_SUFFIXES: [host: string, domain: string, accepted: boolean][] = [
  ["www.example.com", "example.com", true],
  ["www.example.com", "com", false],
  ["www.example.co.uk", "example.co.uk", true],
  ["www.example.co.uk", "co.uk", false],
  // A wildcard, and an exception from it.
  ["www.example.ck", "example.ck", false],
  ["www.www.ck", "www.ck", true],
  // Sites of strangers.
  ["me.github.io", "github.io", false],
  // Names that are in no list at all.
  ["www.example.invalid", "example.invalid", true],
  ["example.invalid", "invalid", false],
];

for (const way of WAYS) {
  test(SERVER, `${way.name} finds hosts with international names`, async () => {
    await using server = await startServer();
    for (const [name, ascii] of Object.entries(NAMES)) {
      using c = curlFor(`http://${name}:${server.port}/echo`);
      c.setopt(curl.RESOLVE, [`${ascii}:${server.port}:127.0.0.1`]);
      const { headers } = JSON.parse(await way.text(c));
      assertEquals(headers.host, `${ascii}:${server.port}`, name);
    }
  });

  test(SERVER, `${way.name} checks certificates of such names`, async () => {
    const { ca, authority } = certificates;
    const ascii = "xn--gre-6ka8i.example";
    const tls = await authority.issue({ names: [ascii] });
    await using server = await startServer({ tls });
    const hosts = [ascii, "xn--bcher-kva.example"];
    const resolve = hosts.map((host) => `${host}:${server.port}:127.0.0.1`);
    using c = curlFor(`https://größe.example:${server.port}/`);
    c.setCaCerts(ca);
    c.setopt(curl.RESOLVE, resolve);
    assertEquals(await way.text(c), "home\n");
    c.setopt(curl.URL, `https://bücher.example:${server.port}/`);
    await way.fails(c, curl.E_PEER_FAILED_VERIFICATION);
  });

  for (const name of NO_NAMES) {
    Deno.test(`${way.name} refuses ${encodeURI(name)} as a host`, async () => {
      using c = curlFor(`http://${name}/`);
      await way.fails(c, curl.E_URL_MALFORMAT);
    });
  }

  test(SERVER, `${way.name} refuses cookies for public suffixes`, async () => {
    await using server = await startServer();
    for (const [host, domain, accepted] of PUBLIC_SUFFIXES) {
      const cookie = `Set-Cookie: a=b; Domain=${domain}`;
      const path = `/respond?header=${encodeURIComponent(cookie)}`;
      using c = curlFor(`http://${host}:${server.port}${path}`);
      c.setopt(curl.RESOLVE, [`${host}:${server.port}:127.0.0.1`]);
      c.setopt(curl.COOKIEFILE, "");
      await way.text(c);
      const count = c.getinfo(curl.INFO_COOKIELIST)!.length;
      assertEquals(count, accepted ? 1 : 0, `${host} for ${domain}`);
    }
  });

  test(NGINX, `${way.name} must have a certificate if asked for`, async () => {
    const { ca, server: tls, unknownClient } = certificates;
    const settings = { tls, clientCa: ca, clientMust: true };
    await using nginx = await startNginx(settings);
    using c = curlFor(`${nginx.secureUrl}/client`);
    c.setCaCerts(ca);
    c.setopt(curl.FAILONERROR, true);
    await way.fails(c, curl.E_HTTP_RETURNED_ERROR, "400");
    c.setopt(curl.SSLCERT_BLOB, unknownClient.cert);
    c.setopt(curl.SSLKEY_BLOB, unknownClient.key);
    await way.fails(c, curl.E_HTTP_RETURNED_ERROR, "400");
  });
}

/** Ways to hand over a client's certificate and key, as files of a folder. */
const KEEPERS: Record<string, (c: curl.Curl, folder: string) => void> = {
  "PEM files": (c, folder) => {
    c.setopt(curl.SSLCERT, `${folder}/client.crt`);
    c.setopt(curl.SSLKEY, `${folder}/client.key`);
  },
  "a key that KEYPASSWD opens": (c, folder) => {
    c.setopt(curl.SSLCERT, `${folder}/client.crt`);
    c.setopt(curl.SSLKEY, `${folder}/locked.key`);
    c.setopt(curl.KEYPASSWD, "sesame");
  },
  "one file with both": (c, folder) => {
    c.setopt(curl.SSLCERT, `${folder}/both.pem`);
  },
  "a PKCS #12 file": (c, folder) => {
    c.setopt(curl.SSLCERT, `${folder}/client.p12`);
    c.setopt(curl.SSLCERTTYPE, "P12");
    c.setopt(curl.KEYPASSWD, "sesame");
  },
  "PKCS #12 bytes": (c, folder) => {
    c.setopt(curl.SSLCERT_BLOB, Deno.readFileSync(`${folder}/client.p12`));
    c.setopt(curl.SSLCERTTYPE, "P12");
    c.setopt(curl.KEYPASSWD, "sesame");
  },
  "DER files": (c, folder) => {
    c.setopt(curl.SSLCERT, `${folder}/client.der`);
    c.setopt(curl.SSLCERTTYPE, "DER");
    c.setopt(curl.SSLKEY, `${folder}/client.key`);
  },
};

async function fill(folder: string): Promise<void> {
  const { cert, key } = certificates.client;
  const at = (name: string) => `${folder}/${name}`;
  await Deno.writeTextFile(at("client.crt"), cert);
  await Deno.writeTextFile(at("client.key"), key);
  await Deno.writeTextFile(at("both.pem"), cert + key);
  const password = "pass:sesame";
  const openssl = (...args: string[]) => output("openssl", ...args);
  openssl(
    ...["pkcs8", "-topk8", "-in", at("client.key"), "-out", at("locked.key")],
    ...["-passout", password],
  );
  openssl(
    ...["pkcs12", "-export", "-in", at("both.pem"), "-out", at("client.p12")],
    ...["-passout", password],
  );
  openssl(
    ...["x509", "-in", at("client.crt"), "-outform", "DER"],
    ...["-out", at("client.der")],
  );
}

for (const [name, show] of Object.entries(KEEPERS)) {
  test(
    [NGINX, daemonNeeds("openssl")],
    `SSLCERT shows who the client is by ${name}`,
    async () => {
      const { ca, server: tls } = certificates;
      const settings = { tls, clientCa: ca, clientMust: true };
      await using nginx = await startNginx(settings);
      const folder = await Deno.makeTempDir();
      try {
        await fill(folder);
        using c = curlFor(`${nginx.secureUrl}/client`);
        c.setCaCerts(ca);
        show(c, folder);
        assertStringIncludes(c.performTextSync(), "SUCCESS CN=Test client");
        assertStringIncludes(await c.performText(), "SUCCESS CN=Test client");
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  );
}

const WRONG_PASSWORDS = [
  [
    "a key that KEYPASSWD opens",
    curl.E_BAD_FUNCTION_ARGUMENT,
    "unable to set private key file",
  ],
  [
    "a PKCS #12 file",
    curl.E_SSL_CERTPROBLEM,
    "could not parse PKCS12 file, check password",
  ],
] as const;

test(
  [NGINX, daemonNeeds("openssl")],
  "KEYPASSWD fails the transfer when it is wrong",
  async () => {
    const { ca, server: tls } = certificates;
    await using nginx = await startNginx({ tls, clientCa: ca });
    const folder = await Deno.makeTempDir();
    try {
      await fill(folder);
      for (const [name, code, text] of WRONG_PASSWORDS) {
        for (const way of WAYS) {
          using c = curlFor(`${nginx.secureUrl}/client`);
          c.setCaCerts(ca);
          c.setopt(curl.FRESH_CONNECT, true);
          KEEPERS[name](c, folder);
          c.setopt(curl.KEYPASSWD, "wrong");
          await way.fails(c, code, text);
        }
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);
