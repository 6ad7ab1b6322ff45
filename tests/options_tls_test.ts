/** Options of TLS: who the client is, whom it trusts, and how they speak. */

import * as curl from "../mod.ts";
import {
  createCertificates,
  type TestCertificates,
} from "../tools/certificates.ts";
import { assertEquals } from "./assert.ts";
import { assertCurlError, curlFor } from "./fixtures/checks.ts";
import { output } from "./fixtures/daemon.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { NGINX, type Nginx, startNginx } from "./fixtures/nginx.ts";
import {
  type CertificateFiles,
  OPENSSL,
  writeCertificate,
} from "./fixtures/openssl.ts";
import { test } from "./permissions.ts";

const PASSWORD = "open sesame";

/** Ways to show one's certificate, and how a wrong KEYPASSWD ends them. */
const IDENTITIES: [
  name: string,
  set: (c: curl.Curl, files: CertificateFiles) => void,
  wrong?: number,
][] = [
  ["SSLCERT and SSLKEY", (c, { cert, key }) => {
    c.setopt(curl.SSLCERT, cert);
    c.setopt(curl.SSLKEY, key);
  }],
  ["SSLKEY that KEYPASSWD opens", (c, { cert, encryptedKey }) => {
    c.setopt(curl.SSLCERT, cert);
    c.setopt(curl.SSLKEY, encryptedKey);
    c.setopt(curl.KEYPASSWD, PASSWORD);
  }, curl.E_BAD_FUNCTION_ARGUMENT],
  ["SSLCERTTYPE and SSLKEYTYPE of DER", (c, { derCert, derKey }) => {
    c.setopt(curl.SSLCERT, derCert);
    c.setopt(curl.SSLCERTTYPE, "DER");
    c.setopt(curl.SSLKEY, derKey);
    c.setopt(curl.SSLKEYTYPE, "DER");
  }],
  ["SSLCERTTYPE of P12", (c, { p12 }) => {
    c.setopt(curl.SSLCERT, p12);
    c.setopt(curl.SSLCERTTYPE, "P12");
    c.setopt(curl.KEYPASSWD, PASSWORD);
  }, curl.E_SSL_CERTPROBLEM],
  ["SSLCERT_BLOB of P12", (c, { p12 }) => {
    c.setopt(curl.SSLCERT_BLOB, Deno.readFileSync(p12));
    c.setopt(curl.SSLCERTTYPE, "P12");
    c.setopt(curl.KEYPASSWD, PASSWORD);
  }, curl.E_SSL_CERTPROBLEM],
];

/** Starts an nginx that accepts nobody without a certificate. */
function startStrict({ ca, server: tls }: TestCertificates): Promise<Nginx> {
  return startNginx({ tls, clientCa: ca, clientMust: true });
}

for (const [name, set] of IDENTITIES) {
  test([NGINX, OPENSSL], `${name} shows who the client is`, async () => {
    const made = await createCertificates();
    await using nginx = await startStrict(made);
    await using files = await writeCertificate(made.client, PASSWORD);
    using c = curlFor(`${nginx.secureUrl}/client`);
    c.setCaCerts(made.ca);
    c.performTextSync();
    assertEquals(c.getinfo(curl.RESPONSE_CODE), 400);
    set(c, files);
    c.setopt(curl.FRESH_CONNECT, true);
    assertEquals(c.performTextSync(), "SUCCESS CN=Test client\n");
  });
}

for (const [name, set, wrong] of IDENTITIES) {
  if (wrong === undefined) continue;
  test(
    [NGINX, OPENSSL],
    `KEYPASSWD that is wrong ends the transfer for ${name}`,
    async () => {
      const made = await createCertificates();
      await using nginx = await startStrict(made);
      await using files = await writeCertificate(made.client, PASSWORD);
      using c = curlFor(`${nginx.secureUrl}/client`);
      c.setCaCerts(made.ca);
      set(c, files);
      c.setopt(curl.KEYPASSWD, "wrong");
      assertCurlError(() => c.performTextSync(), wrong);
    },
  );
}

test(SERVER, "SSLCERT that is no file ends the transfer", async () => {
  const { ca, server: tls } = await createCertificates();
  await using server = await startServer({ tls });
  using c = curlFor(server.url);
  c.setCaCerts(ca);
  c.setopt(curl.SSLCERT, "/no/such/file");
  const problem = curl.E_SSL_CERTPROBLEM;
  assertCurlError(() => c.performTextSync(), problem, "/no/such/file");
});

/** Ways to name an authority to trust, whose certificate is in a folder. */
const AUTHORITIES: [
  name: string,
  set: (c: curl.Curl, folder: string) => void,
][] = [
  ["CAINFO", (c, folder) => c.setopt(curl.CAINFO, `${folder}/ca.pem`)],
  ["CAPATH", (c, folder) => {
    output("openssl", "rehash", folder);
    c.setopt(curl.CAPATH, folder);
  }],
];

for (const [name, set] of AUTHORITIES) {
  test([SERVER, OPENSSL], `${name} names whom to trust`, async () => {
    const { ca, server: tls, unknownAuthority } = await createCertificates();
    await using server = await startServer({ tls });
    await using other = await startServer({ tls: unknownAuthority });
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${folder}/ca.pem`, ca);
      using c = curlFor(server.url);
      set(c, folder);
      assertEquals(c.performTextSync(), "home\n");
      c.setopt(curl.URL, other.url);
      const failed = curl.E_PEER_FAILED_VERIFICATION;
      assertCurlError(() => c.performTextSync(), failed);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

test(SERVER, "ISSUERCERT_BLOB wants a certain issuer", async () => {
  const { ca, server: tls, selfSigned } = await createCertificates();
  await using server = await startServer({ tls });
  using c = curlFor(server.url);
  c.setCaCerts(ca);
  c.setopt(curl.ISSUERCERT_BLOB, ca);
  assertEquals(c.performTextSync(), "home\n");
  c.setopt(curl.ISSUERCERT_BLOB, selfSigned.cert);
  c.setopt(curl.FRESH_CONNECT, true);
  assertCurlError(() => c.performTextSync(), curl.E_SSL_ISSUER_ERROR);
});

test(
  [SERVER, OPENSSL],
  "PINNEDPUBLICKEY takes several pins, or a file",
  async () => {
    const { ca, server: tls, client } = await createCertificates();
    await using server = await startServer({ tls });
    await using files = await writeCertificate(tls, PASSWORD);
    const pin = `${files.folder}/public.pem`;
    output("openssl", "pkey", "-in", files.key, "-pubout", "-out", pin);
    const perform = (value: string) => {
      using c = curlFor(server.url);
      c.setCaCerts(ca);
      c.setopt(curl.PINNEDPUBLICKEY, value);
      return c.performTextSync();
    };
    assertEquals(perform(`${client.pin};${tls.pin}`), "home\n");
    assertEquals(perform(pin), "home\n");
    const failed = curl.E_SSL_PINNEDPUBKEYNOTMATCH;
    assertCurlError(() => perform(`${client.pin};${client.pin}`), failed);
    assertCurlError(() => perform("/no/such/file"), failed);
  },
);

/** What of an encrypted connection can be chosen, as nginx tells it. */
const CHOICES: [
  name: string,
  told: "$ssl_protocol" | "$ssl_cipher" | "$ssl_curve",
  expected: string,
  set: (c: curl.Curl) => void,
][] = [
  [
    "SSLVERSION up to 1.2",
    "$ssl_protocol",
    "TLSv1.2",
    (c) =>
      c.setopt(
        curl.SSLVERSION,
        curl.SSLVERSION_TLSv1_2 | curl.SSLVERSION_MAX_TLSv1_2,
      ),
  ],
  [
    "SSLVERSION from 1.3",
    "$ssl_protocol",
    "TLSv1.3",
    (c) => c.setopt(curl.SSLVERSION, curl.SSLVERSION_TLSv1_3),
  ],
  ["SSL_CIPHER_LIST", "$ssl_cipher", "ECDHE-ECDSA-CHACHA20-POLY1305", (c) => {
    c.setopt(curl.SSLVERSION, curl.SSLVERSION_MAX_TLSv1_2);
    c.setopt(curl.SSL_CIPHER_LIST, "ECDHE-ECDSA-CHACHA20-POLY1305");
  }],
  [
    "TLS13_CIPHERS",
    "$ssl_cipher",
    "TLS_CHACHA20_POLY1305_SHA256",
    (c) => c.setopt(curl.TLS13_CIPHERS, "TLS_CHACHA20_POLY1305_SHA256"),
  ],
  [
    "SSL_EC_CURVES",
    "$ssl_curve",
    "secp384r1",
    (c) => c.setopt(curl.SSL_EC_CURVES, "P-384"),
  ],
];

for (const [name, told, expected, set] of CHOICES) {
  test(NGINX, `${name} leads to ${expected}`, async () => {
    await using nginx = await startNginx({
      directives: `location = /told { return 200 "${told}"; }`,
    });
    using c = curlFor(`${nginx.secureUrl}/told`);
    c.setCaCerts(nginx.ca);
    set(c);
    assertEquals(c.performTextSync(), expected);
  });
}

test(
  NGINX,
  "SSLVERSION that the server has not ends the transfer",
  async () => {
    await using nginx = await startNginx();
    using c = curlFor(nginx.secureUrl);
    c.setCaCerts(nginx.ca);
    c.setopt(
      curl.SSLVERSION,
      curl.SSLVERSION_TLSv1_0 | curl.SSLVERSION_MAX_TLSv1_0,
    );
    assertCurlError(() => c.performTextSync(), curl.E_SSL_CONNECT_ERROR);
  },
);

test(NGINX, "SSL_ENABLE_ALPN offers no HTTP/2 when it is off", async () => {
  await using nginx = await startNginx();
  using c = curlFor(`${nginx.secureUrl}/small.txt`);
  c.setCaCerts(nginx.ca);
  c.setopt(curl.SSL_ENABLE_ALPN, false);
  c.performTextSync();
  const used = c.getinfo(curl.INFO_HTTP_VERSION);
  assertEquals(used, curl.CURL_HTTP_VERSION_1_1);
});

for (const cached of [true, false]) {
  const what = cached ? "resumes" : "does not resume";
  test(NGINX, `SSL_SESSIONID_CACHE that is ${cached} ${what}`, async () => {
    await using nginx = await startNginx();
    using c = curlFor(`${nginx.secureUrl}/small.txt`);
    c.setCaCerts(nginx.ca);
    c.setopt(curl.SSL_SESSIONID_CACHE, cached);
    c.setopt(curl.FORBID_REUSE, true);
    c.performTextSync();
    c.performTextSync();
    const log = await nginx.log(2);
    assertEquals(log.map(({ resumed }) => resumed), [false, cached]);
  });
}

test(SERVER, "SSL_VERIFYSTATUS wants a word of the authority", async () => {
  const { ca, server: tls } = await createCertificates();
  await using server = await startServer({ tls });
  using c = curlFor(server.url);
  c.setCaCerts(ca);
  c.setopt(curl.SSL_VERIFYSTATUS, true);
  const invalid = curl.E_SSL_INVALIDCERTSTATUS;
  assertCurlError(() => c.performTextSync(), invalid);
});
