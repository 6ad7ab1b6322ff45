/** MQTT with a real broker. */

import * as curl from "../mod.ts";
import { createCertificates } from "../tools/certificates.ts";
import { assertEquals, assertMatch, assertStringIncludes } from "./assert.ts";
import { assertCurlRejects } from "./fixtures/async_checks.ts";
import { assertCurlError, curlFor } from "./fixtures/checks.ts";
import { MOSQUITTO, MQTT_USER, startMosquitto } from "./fixtures/mosquitto.ts";
import { WAYS } from "./fixtures/ways.ts";
import { test } from "./permissions.ts";

const { ca, server: tls, unknownAuthority } = await createCertificates();

function handleFor(url: string): curl.Curl {
  const c = curlFor(url);
  c.setCaCerts(ca);
  c.setopt(curl.USERPWD, MQTT_USER);
  return c;
}

/** What a subscription brings, until `isEnough` ends it. */
function collect(c: curl.Curl, isEnough: (text: string) => boolean) {
  const decoder = new TextDecoder();
  const heard = { text: "" };
  c.setopt(curl.WRITEFUNCTION, (piece) => {
    heard.text += decoder.decode(piece);
    // A subscription has no end of its own.
    return isEnough(heard.text) ? 0 : piece.length;
  });
  return heard;
}

for (const scheme of ["mqtt", "mqtts"] as const) {
  for (const way of WAYS) {
    test(MOSQUITTO, `${way.name} publishes by ${scheme}`, async () => {
      await using broker = await startMosquitto(tls);
      using subscriber = handleFor(`${broker.url(scheme)}/topic`);
      const heard = collect(subscriber, (text) => text.endsWith("end"));
      const subscription = subscriber.perform();
      using c = handleFor(`${broker.url(scheme)}/topic`);
      c.setopt(curl.POSTFIELDS, "first");
      // Nothing tells from when on the broker counts the subscriber in.
      while (heard.text === "") {
        assertEquals(await way.text(c), "");
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      const long = "x".repeat(100_000);
      c.setopt(curl.POSTFIELDS, `${long}end`);
      const ended = assertCurlRejects(subscription, curl.E_WRITE_ERROR);
      assertEquals(await way.text(c), "");
      assertEquals(c.getinfo(curl.SCHEME), scheme);
      await ended;
      // Before each message come the topic's length and the topic.
      assertMatch(heard.text, /^(..topicfirst)+..topicx/s);
      assertStringIncludes(heard.text, `topic${long}end`);
    });

    test(MOSQUITTO, `${way.name} is not let in by ${scheme}`, async () => {
      await using broker = await startMosquitto(tls);
      using c = handleFor(`${broker.url(scheme)}/topic`);
      c.setopt(curl.USERPWD, "me:wrong");
      c.setopt(curl.POSTFIELDS, "hello");
      const notAuthorized = "Expected 0000 but got 0005";
      await way.fails(c, curl.E_WEIRD_SERVER_REPLY, notAuthorized);
    });
  }

  test(MOSQUITTO, `performSync() subscribes by ${scheme}`, async () => {
    await using broker = await startMosquitto(tls);
    using c = handleFor(`${broker.url(scheme)}/%24SYS/broker/version`);
    const heard = collect(c, () => true);
    assertCurlError(() => c.performSync(), curl.E_WRITE_ERROR);
    assertMatch(heard.text, /mosquitto version \d/);
  });
}

test(MOSQUITTO, "SSL_VERIFYPEER holds for MQTT too", async () => {
  await using broker = await startMosquitto(unknownAuthority);
  for (const way of WAYS) {
    using c = handleFor(`${broker.url("mqtts")}/topic`);
    c.setopt(curl.POSTFIELDS, "hello");
    await way.fails(c, curl.E_PEER_FAILED_VERIFICATION);
    c.setopt(curl.SSL_VERIFYPEER, false);
    assertEquals(await way.text(c), "");
  }
});
