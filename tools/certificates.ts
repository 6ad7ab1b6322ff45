/**
 * Makes X.509 certificates for servers on this machine: a certificate authority
 * and what it signs. P-256 keys, signed by WebCrypto; no permission is needed.
 *
 * @module
 */

import {
  bitString,
  boolean,
  context,
  integer,
  ipAddress,
  objectId,
  octetString,
  pem,
  sequence,
  set,
  signatureToDer,
  time,
  tlv,
  utf8String,
} from "./der.ts";

/** A certificate and its private key, as PEM texts. */
export interface Certificate {
  /** The certificate alone; its issuer's is {@linkcode Authority.cert}. */
  readonly cert: string;
  /** The private key, PKCS #8. */
  readonly key: string;
  /** The public key's pin as libcurl's PINNEDPUBLICKEY wants it. */
  readonly pin: string;
}

/** What a certificate says of its owner. */
export interface Subject {
  /** The subject's common name; by default the first of `names`. */
  commonName?: string;
  /** Host names and IP addresses; by default this machine's own. */
  names?: readonly string[];
  /** What the key may be used for; by default "server". */
  use?: "server" | "client";
  /** By default an hour ago. */
  notBefore?: Date;
  /** By default in thirty days. */
  notAfter?: Date;
}

/** One authority, and a certificate for each way a check can end. */
export interface TestCertificates {
  /** The authority's certificate: what a client is told to trust. */
  readonly ca: string;
  readonly authority: Authority;
  /** Valid for localhost, 127.0.0.1 and ::1. */
  readonly server: Certificate;
  readonly expired: Certificate;
  readonly notYetValid: Certificate;
  /** Valid, but for another host name. */
  readonly wrongHost: Certificate;
  readonly selfSigned: Certificate;
  /** For this machine, from an authority that nobody trusts. */
  readonly unknownAuthority: Certificate;
  readonly client: Certificate;
  /** A client's certificate, from an authority that nobody trusts. */
  readonly unknownClient: Certificate;
}

type Bytes = Uint8Array<ArrayBuffer>;

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const CURVE = { name: "ECDSA", namedCurve: "P-256" };
const THIS_MACHINE = ["localhost", "127.0.0.1", "::1"];

const OID = {
  authorityKeyIdentifier: "2.5.29.35",
  basicConstraints: "2.5.29.19",
  clientAuth: "1.3.6.1.5.5.7.3.2",
  commonName: "2.5.4.3",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  extendedKeyUsage: "2.5.29.37",
  keyUsage: "2.5.29.15",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  subjectAltName: "2.5.29.17",
  subjectKeyIdentifier: "2.5.29.14",
};

/** The bits of the key usage extension, as its BIT STRING's first byte. */
const KEY_USAGE = { digitalSignature: 0x80, signCertificatesAndLists: 0x06 };

/** A certificate authority that lives as long as this object. */
export class Authority {
  /** The authority's own certificate, PEM. */
  readonly cert: string;
  readonly #name: string;
  readonly #keys: CryptoKeyPair;
  readonly #keyId: Bytes;

  private constructor(
    name: string,
    cert: string,
    keys: CryptoKeyPair,
    keyId: Bytes,
  ) {
    this.#name = name;
    this.cert = cert;
    this.#keys = keys;
    this.#keyId = keyId;
  }

  /** Makes a new authority with a key of its own. */
  static async create(commonName = "Test authority"): Promise<Authority> {
    const keys = await newKeys();
    const publicKey = await exportPublic(keys);
    const keyId = await keyIdentifier(publicKey);
    const der = await sign(keys.privateKey, {
      issuer: commonName,
      subject: commonName,
      publicKey,
      ...validity({}),
      extensions: [
        extension(OID.basicConstraints, sequence(boolean(true)), true),
        keyUsage(KEY_USAGE.signCertificatesAndLists),
        extension(OID.subjectKeyIdentifier, octetString(keyId)),
      ],
    });
    return new Authority(commonName, pem("CERTIFICATE", der), keys, keyId);
  }

  /** Makes a key and signs a certificate for it. */
  issue(subject: Subject = {}): Promise<Certificate> {
    return issue(subject, {
      name: this.#name,
      key: this.#keys.privateKey,
      keyId: this.#keyId,
    });
  }
}

/** Makes a certificate that is its own issuer. */
export function selfSigned(subject: Subject = {}): Promise<Certificate> {
  return issue(subject);
}

/** Makes an authority and one certificate for each way a check can end. */
export async function createCertificates(): Promise<TestCertificates> {
  const now = Date.now();
  const [authority, stranger] = await Promise.all([
    Authority.create(),
    Authority.create("Unknown authority"),
  ]);
  const client: Subject = {
    commonName: "Test client",
    names: ["client.invalid"],
    use: "client",
  };
  const [
    server,
    expired,
    notYetValid,
    wrongHost,
    own,
    unknownAuthority,
    ofClient,
    unknownClient,
  ] = await Promise.all([
    authority.issue(),
    authority.issue({
      notBefore: new Date(now - 10 * DAY),
      notAfter: new Date(now - DAY),
    }),
    authority.issue({ notBefore: new Date(now + DAY) }),
    authority.issue({ names: ["other.invalid"] }),
    selfSigned(),
    stranger.issue(),
    authority.issue(client),
    stranger.issue(client),
  ]);
  return {
    ca: authority.cert,
    authority,
    server,
    expired,
    notYetValid,
    wrongHost,
    selfSigned: own,
    unknownAuthority,
    client: ofClient,
    unknownClient,
  };
}

interface Issuer {
  name: string;
  key: CryptoKey;
  keyId: Bytes;
}

async function issue(
  subject: Subject,
  issuer?: Issuer,
): Promise<Certificate> {
  const names = subject.names ?? THIS_MACHINE;
  const commonName = subject.commonName ?? names[0];
  const keys = await newKeys();
  const publicKey = await exportPublic(keys);
  const keyId = await keyIdentifier(publicKey);
  const der = await sign(issuer?.key ?? keys.privateKey, {
    issuer: issuer?.name ?? commonName,
    subject: commonName,
    publicKey,
    ...validity(subject),
    extensions: [
      extension(OID.basicConstraints, sequence(), true),
      keyUsage(KEY_USAGE.digitalSignature),
      extension(
        OID.extendedKeyUsage,
        sequence(
          objectId(subject.use === "client" ? OID.clientAuth : OID.serverAuth),
        ),
      ),
      extension(OID.subjectAltName, sequence(...names.map(generalName))),
      extension(OID.subjectKeyIdentifier, octetString(keyId)),
      extension(
        OID.authorityKeyIdentifier,
        sequence(context(0, issuer?.keyId ?? keyId)),
      ),
    ],
  });
  const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  const digest = await crypto.subtle.digest("SHA-256", publicKey);
  return {
    cert: pem("CERTIFICATE", der),
    key: pem("PRIVATE KEY", new Uint8Array(key)),
    pin: `sha256//${new Uint8Array(digest).toBase64()}`,
  };
}

interface Contents {
  issuer: string;
  subject: string;
  publicKey: Bytes;
  notBefore: Date;
  notAfter: Date;
  extensions: Bytes[];
}

async function sign(key: CryptoKey, contents: Contents): Promise<Bytes> {
  const algorithm = sequence(objectId(OID.ecdsaWithSha256));
  const version3 = tlv(0xa0, integer(Uint8Array.of(2)));
  const body = sequence(
    version3,
    integer(crypto.getRandomValues(new Uint8Array(16))),
    algorithm,
    distinguishedName(contents.issuer),
    sequence(time(contents.notBefore), time(contents.notAfter)),
    distinguishedName(contents.subject),
    contents.publicKey,
    tlv(0xa3, sequence(...contents.extensions)),
  );
  const signature = await crypto.subtle.sign(
    { name: "ECDSA", hash: "SHA-256" },
    key,
    body,
  );
  return sequence(
    body,
    algorithm,
    bitString(signatureToDer(new Uint8Array(signature))),
  );
}

function newKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(CURVE, true, ["sign", "verify"]);
}

async function exportPublic(keys: CryptoKeyPair): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.exportKey("spki", keys.publicKey));
}

async function keyIdentifier(publicKey: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-1", publicKey));
}

function validity(subject: Subject): { notBefore: Date; notAfter: Date } {
  return {
    notBefore: subject.notBefore ?? new Date(Date.now() - HOUR),
    notAfter: subject.notAfter ?? new Date(Date.now() + 30 * DAY),
  };
}

function distinguishedName(commonName: string): Bytes {
  return sequence(
    set(sequence(objectId(OID.commonName), utf8String(commonName))),
  );
}

function keyUsage(bits: number): Bytes {
  const unused = Math.clz32(bits & -bits) ^ 31;
  return extension(OID.keyUsage, tlv(0x03, Uint8Array.of(unused, bits)), true);
}

function extension(id: string, value: Bytes, critical = false): Bytes {
  return sequence(
    objectId(id),
    ...(critical ? [boolean(true)] : []),
    octetString(value),
  );
}

function generalName(name: string): Bytes {
  const address = ipAddress(name);
  return address
    ? context(7, address)
    : context(2, new TextEncoder().encode(name));
}
