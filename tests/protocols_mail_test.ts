/** SMTP, IMAP and POP3 with real servers. */

import * as curl from "../mod.ts";
import { createCertificates } from "../tools/certificates.ts";
import { assertEquals, assertMatch, assertStringIncludes } from "./assert.ts";
import { curlFor } from "./fixtures/checks.ts";
import {
  DOVECOT,
  type Dovecot,
  MAIL_PASSWORD,
  startDovecot,
} from "./fixtures/dovecot.ts";
import { SMTP_USER, SMTPD, startSmtpd } from "./fixtures/smtpd.ts";
import { giving, WAYS } from "./fixtures/ways.ts";
import { test } from "./permissions.ts";

const { ca, server: tls, unknownAuthority } = await createCertificates();

const MESSAGE = [
  "From: me@example.com",
  "To: you@example.com",
  "Subject: Hello",
  "",
  "By curl.",
  ".A line that starts with a dot.",
  "",
].join("\r\n");

let dovecot: Promise<Dovecot> | undefined;

/** Theirs all, each test being a user of its own. */
function commonDovecot(): Promise<Dovecot> {
  return dovecot ??= startDovecot(tls);
}

Deno.test.afterAll(async () => {
  await (await dovecot)?.[Symbol.asyncDispose]();
});

let users = 0;

function newUser(): string {
  return `user${++users}`;
}

function handleFor(url: string, user = newUser()): curl.Curl {
  const c = curlFor(url);
  c.setCaCerts(ca);
  c.setopt(curl.USERNAME, user);
  c.setopt(curl.PASSWORD, MAIL_PASSWORD);
  return c;
}

function send(url: string, to = ["you@example.com"]): curl.Curl {
  const c = curlFor(`${url}/client.example`);
  c.setCaCerts(ca);
  c.setopt(curl.MAIL_FROM, "me@example.com");
  c.setopt(curl.MAIL_RCPT, to);
  giving(c, MESSAGE);
  return c;
}

/** Keeps the commands that a handle sends. */
function commandsOf(c: curl.Curl): string[] {
  const heard: string[] = [];
  const decoder = new TextDecoder();
  c.setopt(curl.VERBOSE, true);
  c.setopt(curl.DEBUGFUNCTION, (type, data) => {
    if (type === curl.INFOTYPE_HEADER_OUT) {
      heard.push(decoder.decode(data).trimEnd());
    }
  });
  return heard;
}

function withoutReturns(text: string): string {
  return text.replaceAll("\r\n", "\n");
}

for (const way of WAYS) {
  for (const secure of [false, true]) {
    const scheme = secure ? "smtps" : "smtp";

    test(SMTPD, `${way.name} sends a message by ${scheme}`, async () => {
      await using smtpd = await startSmtpd({ tls, secure });
      using c = send(smtpd.url, ["you@example.com", "<and@example.com>"]);
      await way.text(c);
      assertEquals(c.getinfo(curl.SCHEME), scheme);
      assertEquals(c.getinfo(curl.RESPONSE_CODE), 250);
      const [message, ...others] = await smtpd.messages();
      assertEquals(others, []);
      assertStringIncludes(message, "\n\nBy curl.\n.A line that starts");
      assertStringIncludes(message, "X-MailFrom: me@example.com");
      const to = "X-RcptTo: you@example.com, and@example.com";
      assertStringIncludes(message, to);
    });
  }

  test(SMTPD, `${way.name} turns to TLS and logs in by smtp`, async () => {
    await using smtpd = await startSmtpd({ tls });
    using c = send(smtpd.url);
    c.setopt(curl.USE_SSL, curl.USESSL_ALL);
    c.setopt(curl.USERPWD, SMTP_USER);
    await way.text(c);
    const [message] = await smtpd.messages();
    assertStringIncludes(message, "X-User: me");
    c.setopt(curl.USERPWD, "me:wrong");
    giving(c, MESSAGE);
    await way.fails(c, curl.E_LOGIN_DENIED);
    assertEquals((await smtpd.messages()).length, 1);
  });

  test(SMTPD, `${way.name} tells that a recipient is refused`, async () => {
    await using smtpd = await startSmtpd({ tls });
    using c = send(smtpd.url, ["nobody@example.com"]);
    await way.fails(c, curl.E_SEND_ERROR, "RCPT failed: 550");
    assertEquals(c.getinfo(curl.RESPONSE_CODE), 550);
    giving(c, MESSAGE);
    c.setopt(curl.MAIL_RCPT, ["nobody@example.com", "you@example.com"]);
    c.setopt(curl.MAIL_RCPT_ALLLOWFAILS, true);
    await way.text(c);
    assertEquals((await smtpd.messages()).length, 1);
  });

  for (const scheme of ["imap", "imaps", "pop3", "pop3s"] as const) {
    test(DOVECOT, `${way.name} lists and gets mail by ${scheme}`, async () => {
      const dovecot = await commonDovecot();
      const user = newUser();
      await dovecot.deliver(user, MESSAGE);
      const url = dovecot.url(scheme);
      using c = handleFor(`${url}/`, user);
      const isImap = scheme.startsWith("imap");
      const list = isImap ? /^\* LIST \(.*\) "\." INBOX\r\n$/ : /^1 \d+\r\n$/;
      assertMatch(await way.text(c), list);
      assertEquals(c.getinfo(curl.SCHEME), scheme);
      c.setopt(curl.URL, isImap ? `${url}/INBOX;MAILINDEX=1` : `${url}/1`);
      assertEquals(
        withoutReturns(await way.text(c)),
        withoutReturns(MESSAGE),
      );
      assertEquals(c.getinfo(curl.NUM_CONNECTS), 0);
    });

    test(DOVECOT, `${way.name} is denied a login by ${scheme}`, async () => {
      const dovecot = await commonDovecot();
      using c = handleFor(`${dovecot.url(scheme)}/`);
      c.setopt(curl.PASSWORD, "wrong");
      await way.fails(c, curl.E_LOGIN_DENIED);
    });
  }

  for (const scheme of ["imap", "pop3"] as const) {
    test(DOVECOT, `${way.name} turns to TLS by ${scheme}`, async () => {
      const dovecot = await commonDovecot();
      using c = handleFor(`${dovecot.url(scheme)}/`);
      c.setopt(curl.USE_SSL, curl.USESSL_ALL);
      const commands = commandsOf(c);
      await way.text(c);
      assertMatch(commands[1], scheme === "imap" ? /^\w+ STARTTLS$/ : /^STLS$/);
      using stranger = handleFor(`${dovecot.url(scheme)}/`);
      stranger.setCaCerts(unknownAuthority.cert);
      stranger.setopt(curl.USE_SSL, curl.USESSL_ALL);
      await way.fails(stranger, curl.E_PEER_FAILED_VERIFICATION);
    });
  }

  test(DOVECOT, `${way.name} uploads, finds and asks by imap`, async () => {
    const dovecot = await commonDovecot();
    const url = dovecot.url("imap");
    const user = newUser();
    using upload = handleFor(`${url}/INBOX`, user);
    giving(upload, MESSAGE);
    await way.text(upload);
    using c = handleFor(`${url}/INBOX?SUBJECT%20Hello`, user);
    assertEquals(await way.text(c), "* SEARCH 1\r\n");
    c.setopt(curl.URL, `${url}/INBOX;MAILINDEX=1;SECTION=HEADER.FIELDS%20(To)`);
    assertEquals(await way.text(c), "To: you@example.com\r\n\r\n");
    c.setopt(curl.URL, `${url}/`);
    c.setopt(curl.CUSTOMREQUEST, "STATUS INBOX (MESSAGES)");
    assertEquals(await way.text(c), "* STATUS INBOX (MESSAGES 1)\r\n");
    c.setopt(curl.CUSTOMREQUEST, "FROBNICATE");
    await way.fails(c, curl.E_QUOTE_ERROR);
  });

  test(DOVECOT, `${way.name} asks and deletes by pop3`, async () => {
    const dovecot = await commonDovecot();
    const user = newUser();
    await dovecot.deliver(user, MESSAGE);
    const url = dovecot.url("pop3");
    using c = handleFor(`${url}/`, user);
    c.setopt(curl.CUSTOMREQUEST, "TOP 1 1");
    const body = withoutReturns(await way.text(c)).split("\n\n")[1];
    assertEquals(body, "By curl.\n");
    c.setopt(curl.CUSTOMREQUEST, "DELE 1");
    c.setopt(curl.NOBODY, true);
    // The server deletes it when it is told that the connection ends.
    c.setopt(curl.FORBID_REUSE, true);
    await way.text(c);
    using next = handleFor(`${url}/`, user);
    assertEquals((await way.text(next)).trimEnd(), "");
  });
}

test(DOVECOT, "SSL_VERIFYPEER holds for IMAP and POP3 too", async () => {
  await using dovecot = await startDovecot(unknownAuthority);
  for (const way of WAYS) {
    for (const scheme of ["imaps", "pop3s"] as const) {
      using c = handleFor(`${dovecot.url(scheme)}/`);
      await way.fails(c, curl.E_PEER_FAILED_VERIFICATION);
      c.setopt(curl.SSL_VERIFYPEER, false);
      await way.text(c);
    }
  }
});

for (const mechanism of ["PLAIN", "LOGIN", "CRAM-MD5"]) {
  test(DOVECOT, `LOGIN_OPTIONS has IMAP log in by ${mechanism}`, async () => {
    const dovecot = await commonDovecot();
    using c = handleFor(`${dovecot.url("imap")}/`);
    c.setopt(curl.LOGIN_OPTIONS, `AUTH=${mechanism}`);
    const commands = commandsOf(c);
    c.performTextSync();
    assertStringIncludes(commands.join("\n"), `AUTHENTICATE ${mechanism}`);
  });
}
