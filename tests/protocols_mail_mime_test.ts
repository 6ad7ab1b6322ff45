/** Mails of several parts: CurlMime by SMTP and IMAP, with real servers. */

import * as curl from "../mod.ts";
import { createCertificates } from "../tools/certificates.ts";
import { assertEquals, assertMatch, assertStringIncludes } from "./assert.ts";
import { curlFor } from "./fixtures/checks.ts";
import { DOVECOT, MAIL_PASSWORD, startDovecot } from "./fixtures/dovecot.ts";
import { addReader } from "./fixtures/mime.ts";
import { patternBytes } from "./fixtures/pattern.ts";
import { SMTPD, startSmtpd } from "./fixtures/smtpd.ts";
import { WAYS } from "./fixtures/ways.ts";
import { test } from "./permissions.ts";

const { ca, server: tls } = await createCertificates();

/** More than one of libcurl's buffers, and no text. */
const ATTACHMENT = patternBytes(200_000);
const HEADERS = [
  "From: me@example.com",
  "To: you@example.com",
  "Subject: With an attachment",
];

/** What the text becomes by encoders. */
const TEXT = { "quoted-printable": "Gr=C3=B6=C3=9Fe", base64: "R3LDtsOfZQo=" };

/** A mail, or a part of one, as it has arrived. */
interface Entity {
  headers: Record<string, string>;
  body: string;
}

function entityOf(text: string): Entity {
  const [head, ...rest] = text.split("\n\n");
  const lines = head.replaceAll(/\n[ \t]+/g, " ").split("\n");
  const headers = lines.filter(Boolean).map((line) => {
    const [name, ...value] = line.split(":");
    return [name.toLowerCase(), value.join(":").trim()];
  });
  return { headers: Object.fromEntries(headers), body: rest.join("\n\n") };
}

function partsOf({ headers, body }: Entity): Entity[] {
  const [, boundary] = headers["content-type"].match(/boundary="?([^";]+)/)!;
  const [, ...parts] = `\n${body}`.split(`\n--${boundary}`);
  assertMatch(parts.pop()!, /^--\s*$/);
  return parts.map((part) => entityOf(part.slice(1)));
}

/** Has a handle send a text in two forms and an attachment. */
function writeMail(c: curl.Curl, encoder: keyof typeof TEXT): void {
  c.setopt(curl.HTTPHEADER, HEADERS);
  const mime = new curl.CurlMime(c);
  const text = mime.addMultipart({ subtype: "alternative" });
  text.add({ data: "Größe\n", encoder });
  text.add({ data: "<p>Hello</p>\n", contentType: "text/html" });
  mime.add({
    data: ATTACHMENT,
    filename: "data.bin",
    contentType: "application/octet-stream",
    encoder: "base64",
  });
  c.setopt(curl.MIMEPOST, mime);
}

function assertIsMail(text: string, encoder: keyof typeof TEXT): void {
  const mail = entityOf(text.replaceAll("\r\n", "\n"));
  assertEquals(mail.headers.subject, "With an attachment");
  assertEquals(mail.headers["mime-version"], "1.0");
  assertMatch(mail.headers["content-type"], /^multipart\/mixed;/);
  const [both, attachment] = partsOf(mail);
  assertMatch(both.headers["content-type"], /^multipart\/alternative;/);
  const [plain, html] = partsOf(both);
  assertEquals(plain.headers["content-transfer-encoding"], encoder);
  assertStringIncludes(plain.body, TEXT[encoder]);
  assertMatch(html.headers["content-type"], /^text\/html/);
  assertStringIncludes(html.body, "<p>Hello</p>");
  assertEquals(
    attachment.headers["content-disposition"],
    'attachment; filename="data.bin"',
  );
  assertEquals(attachment.headers["content-transfer-encoding"], "base64");
  assertEquals(Uint8Array.fromBase64(attachment.body), ATTACHMENT);
}

function sender(url: string): curl.Curl {
  const c = curlFor(`${url}/client.example`);
  c.setCaCerts(ca);
  c.setopt(curl.MAIL_FROM, "me@example.com");
  c.setopt(curl.MAIL_RCPT, ["you@example.com"]);
  return c;
}

function mailbox(url: string, user: string): curl.Curl {
  const c = curlFor(url);
  c.setCaCerts(ca);
  c.setopt(curl.USERNAME, user);
  c.setopt(curl.PASSWORD, MAIL_PASSWORD);
  return c;
}

for (const way of WAYS) {
  test(SMTPD, `${way.name} sends a mail of several parts by smtp`, async () => {
    await using smtpd = await startSmtpd({ tls });
    using c = sender(smtpd.url);
    writeMail(c, "quoted-printable");
    await way.text(c);
    // Once more, from the start.
    await way.text(c);
    const messages = await smtpd.messages();
    assertEquals(messages.length, 2);
    for (const message of messages) assertIsMail(message, "quoted-printable");
  });

  test(SMTPD, `${way.name} sends what dataCb() gives by smtp`, async () => {
    await using smtpd = await startSmtpd({ tls });
    using c = sender(smtpd.url);
    c.setopt(curl.HTTPHEADER, HEADERS);
    using mime = new curl.CurlMime(c);
    const bytes = new TextEncoder().encode("From a function.\n.\nStill.\n");
    addReader(mime, bytes, { isSized: false, piece: 5 });
    c.setopt(curl.MIMEPOST, mime);
    await way.text(c);
    const [part] = partsOf(entityOf((await smtpd.messages())[0]));
    assertEquals(part.body.trimEnd(), "From a function.\n.\nStill.");
  });

  test(
    DOVECOT,
    `${way.name} appends a mail of several parts by imap`,
    async () => {
      await using dovecot = await startDovecot(tls);
      const url = dovecot.url("imap");
      using upload = mailbox(`${url}/INBOX`, "user");
      writeMail(upload, "base64");
      await way.text(upload);
      using c = mailbox(`${url}/INBOX;MAILINDEX=1`, "user");
      assertIsMail(await way.text(c), "base64");
    },
  );
}

test(DOVECOT, "performSync() tells that imap wants a length", async () => {
  await using dovecot = await startDovecot(tls);
  using c = mailbox(`${dovecot.url("imap")}/INBOX`, "user");
  writeMail(c, "quoted-printable");
  const text = "unknown input file size";
  await WAYS[0].fails(c, curl.E_UPLOAD_FAILED, text);
});

test(SMTPD, "perform() sends a mail with a Blob by smtp", async () => {
  await using smtpd = await startSmtpd({ tls });
  using c = sender(smtpd.url);
  c.setopt(curl.HTTPHEADER, HEADERS);
  using mime = new curl.CurlMime(c);
  mime.add({
    data: new File([ATTACHMENT], "data.bin"),
    encoder: "base64",
  });
  c.setopt(curl.MIMEPOST, mime);
  await c.performText();
  const [part] = partsOf(entityOf((await smtpd.messages())[0]));
  assertEquals(Uint8Array.fromBase64(part.body), ATTACHMENT);
});
