/** DER, the encoding of certificates: just what certificates.ts needs. */

type Bytes = Uint8Array<ArrayBuffer>;

/** One value: a tag, the length of what follows, and the parts themselves. */
export function tlv(tag: number, ...parts: Uint8Array[]): Bytes {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const head = [tag, ...encodedLength(size)];
  const out = new Uint8Array(head.length + size);
  out.set(head);
  let at = head.length;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function encodedLength(size: number): number[] {
  if (size < 0x80) return [size];
  const digits = base256(size);
  return [0x80 | digits.length, ...digits];
}

function base256(number: number): number[] {
  const digits: number[] = [];
  for (let rest = number; rest > 0; rest = Math.floor(rest / 256)) {
    digits.unshift(rest % 256);
  }
  return digits;
}

export const sequence = (...parts: Uint8Array[]): Bytes => tlv(0x30, ...parts);

export const set = (...parts: Uint8Array[]): Bytes => tlv(0x31, ...parts);

export const octetString = (bytes: Uint8Array): Bytes => tlv(0x04, bytes);

/** A bit string of whole bytes. */
export const bitString = (bytes: Uint8Array): Bytes =>
  tlv(0x03, Uint8Array.of(0), bytes);

export const boolean = (value: boolean): Bytes =>
  tlv(0x01, Uint8Array.of(value ? 0xff : 0));

export const utf8String = (text: string): Bytes =>
  tlv(0x0c, new TextEncoder().encode(text));

/** A primitive value under a context-specific tag. */
export const context = (tag: number, bytes: Uint8Array): Bytes =>
  tlv(0x80 | tag, bytes);

/** A non-negative integer from its big-endian bytes. */
export function integer(bytes: Uint8Array): Bytes {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first < 0 ? Uint8Array.of(0) : bytes.subarray(first);
  return digits[0] & 0x80
    ? tlv(0x02, Uint8Array.of(0), digits)
    : tlv(0x02, digits);
}

export function objectId(dotted: string): Bytes {
  const [first, second, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const septets = [arc & 0x7f];
    for (let more = arc >>> 7; more > 0; more >>>= 7) {
      septets.unshift(0x80 | (more & 0x7f));
    }
    bytes.push(...septets);
  }
  return tlv(0x06, Uint8Array.from(bytes));
}

/** RFC 5280: two-digit years until 2049, four digits from 2050 on. */
export function time(date: Date): Bytes {
  const digits = date.toISOString().slice(0, 19).replace(/\D/g, "") + "Z";
  const short = date.getUTCFullYear() < 2050;
  const text = short ? digits.slice(2) : digits;
  return tlv(short ? 0x17 : 0x18, new TextEncoder().encode(text));
}

/** WebCrypto's r and s side by side, as the SEQUENCE that X.509 wants. */
export function signatureToDer(raw: Uint8Array): Bytes {
  const half = raw.length / 2;
  return sequence(integer(raw.subarray(0, half)), integer(raw.subarray(half)));
}

/** The bytes of an IPv4 or IPv6 address, or null for any other name. */
export function ipAddress(name: string): Bytes | null {
  if (/^\d+(\.\d+){3}$/.test(name)) {
    return Uint8Array.from(name.split("."), Number);
  }
  if (!name.includes(":")) return null;
  const [head, tail] = name.split("::").map((side) =>
    side === "" ? [] : side.split(":").map((group) => parseInt(group, 16))
  );
  const groups = tail === undefined
    ? head
    : [...head, ...Array(8 - head.length - tail.length).fill(0), ...tail];
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

export function pem(label: string, der: Uint8Array): string {
  const lines = der.toBase64().match(/.{1,64}/g)!;
  return `-----BEGIN ${label}-----\n${
    lines.join("\n")
  }\n-----END ${label}-----\n`;
}
