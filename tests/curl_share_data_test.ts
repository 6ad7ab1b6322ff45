/**
 * What Curl objects find in a share that others have put there.
 *
 * @module
 */

import { createCertificates } from "../tools/certificates.ts";
import * as curl from "../mod.ts";
import {
  assertEquals,
  assertGreater,
  assertMatch,
  assertThrows,
} from "./assert.ts";
import { startRelay } from "./fixtures/counting_relay.ts";
import { SERVER, startServer } from "./fixtures/http_server.ts";
import { test } from "./permissions.ts";
import { attachedTo, cookieCurlTo, curlTo, shareOf } from "./workers/peers.ts";

/** Loads an entry that makes http: URLs of this host into https: ones. */
function knowHost(c: curl.Curl, host: string): void {
  let entries = 1;
  c.setopt(curl.HSTS_CTRL, curl.CURLHSTS_ENABLE);
  c.setopt(
    curl.HSTSREADFUNCTION,
    () =>
      entries-- > 0
        ? { host, expire: "20991231 00:00:00", includeSubDomains: false }
        : null,
  );
}

test(
  SERVER,
  "a share of COOKIE gives one Curl what another was sent",
  async () => {
    await using server = await startServer();
    using share = shareOf(curl.LOCK_DATA_COOKIE);
    using one = cookieCurlTo(share, `${server.url}/cookies/set?a=1&b=2`);
    using other = cookieCurlTo(share, `${server.url}/cookies`);
    one.performBytesSync();
    assertEquals(other.performTextSync().split("; ").sort(), ["a=1", "b=2"]);
  },
);

test(
  SERVER,
  "a share without COOKIE leaves each Curl its own cookies",
  async () => {
    await using server = await startServer();
    using share = shareOf(curl.LOCK_DATA_DNS);
    using one = cookieCurlTo(share, `${server.url}/cookies/set?a=1`);
    using other = cookieCurlTo(share, `${server.url}/cookies`);
    one.performBytesSync();
    assertEquals(other.performTextSync(), "");
  },
);

for (const sharing of [true, false]) {
  test(
    SERVER,
    `a share ${sharing ? "of" : "without"} CONNECT gives the next Curl ${
      sharing ? "the connection of the last" : "a connection of its own"
    }`,
    async () => {
      await using server = await startServer();
      using share = shareOf(
        sharing ? curl.LOCK_DATA_CONNECT : curl.LOCK_DATA_DNS,
      );
      for (const connects of [1, sharing ? 0 : 1]) {
        using c = attachedTo(share, server.url);
        c.performBytesSync();
        assertEquals(c.getinfo(curl.NUM_CONNECTS), connects);
      }
      const clients = (await server.requests()).map(({ client }) => client);
      assertEquals(new Set(clients).size, sharing ? 1 : 2);
      const { connectionsMade, connectionsReused } = share.stats();
      assertEquals(
        [connectionsMade, connectionsReused],
        sharing ? [1, 1] : [2, 0],
      );
    },
  );
}

for (const sharing of [true, false]) {
  test(
    SERVER,
    `a share ${
      sharing ? "of" : "without"
    } SSL_SESSION makes another Curl's TLS session ${
      sharing ? "resumed" : "of no use"
    }`,
    async () => {
      const certificates = await createCertificates();
      await using server = await startServer({ tls: certificates.server });
      await using relay = await startRelay(server);
      using share = shareOf(
        sharing ? curl.LOCK_DATA_SSL_SESSION : curl.LOCK_DATA_DNS,
      );
      for (let i = 0; i < 2; i++) {
        using c = attachedTo(share, `https://localhost:${relay.port}/`);
        c.setCaCerts(certificates.ca);
        assertEquals(c.performTextSync(), "home\n");
      }
      const { full, resumed } = await relay.counts();
      assertEquals([full, resumed], sharing ? [1, 1] : [2, 0]);
    },
  );
}

test(
  SERVER,
  "a share of DNS gives one Curl the names that another has been told",
  async () => {
    await using server = await startServer();
    using share = shareOf(curl.LOCK_DATA_DNS);
    const url = `http://told.invalid:${server.port}/`;
    using one = attachedTo(share, url);
    one.setopt(curl.RESOLVE, [`told.invalid:${server.port}:127.0.0.1`]);
    one.performBytesSync();
    using other = attachedTo(share, url);
    assertEquals(other.performTextSync(), "home\n");
    other.unsetopt(curl.SHARE);
    other.setopt(curl.FRESH_CONNECT, true);
    const error = assertThrows(() => other.performBytesSync(), curl.CurlError);
    assertEquals(error.code, curl.E_COULDNT_RESOLVE_HOST);
  },
);

test(
  SERVER,
  "a share of HSTS makes another Curl use https:",
  async () => {
    await using server = await startServer();
    using share = shareOf(curl.LOCK_DATA_HSTS);
    using one = attachedTo(share, server.url);
    knowHost(one, "known.invalid");
    one.performBytesSync();

    using other = attachedTo(share, `http://known.invalid:${server.port}/`);
    other.setopt(curl.HSTS_CTRL, curl.CURLHSTS_ENABLE);
    other.setopt(curl.CONNECT_TO, [`::127.0.0.1:${server.port}`]);
    const error = assertThrows(() => other.performBytesSync(), curl.CurlError);
    assertEquals(error.code, curl.E_SSL_CONNECT_ERROR);
    assertEquals(other.getinfo(curl.SCHEME)?.toLowerCase(), "https");

    using third = curlTo(`http://known.invalid:${server.port}/`);
    third.setopt(curl.HSTS_CTRL, curl.CURLHSTS_ENABLE);
    third.setopt(curl.CONNECT_TO, [`::127.0.0.1:${server.port}`]);
    assertEquals(third.performTextSync(), "home\n");
  },
);

test(
  SERVER,
  "CurlShare.close() closes the connections that were shared",
  async () => {
    await using server = await startServer();
    await using relay = await startRelay(server);
    const share = shareOf(curl.LOCK_DATA_CONNECT);
    using c = attachedTo(share, `http://127.0.0.1:${relay.port}/`);
    c.performBytesSync();
    assertEquals((await relay.counts()).open, 1);
    share.close();
    let open = 1;
    for (let i = 0; open > 0 && i < 1000; i++) {
      open = (await relay.counts()).open;
    }
    assertEquals(open, 0);
    assertEquals(c.performTextSync(), "home\n");
    assertEquals(c.getinfo(curl.NUM_CONNECTS), 1);
  },
);

test(
  SERVER,
  "CurlShare.stats() counts the locks of names that a transfer took",
  async () => {
    await using server = await startServer();
    using share = shareOf(curl.LOCK_DATA_DNS);
    using c = attachedTo(share, `http://localhost:${server.port}/`);
    c.performBytesSync();
    const { locks, transfers } = share.stats();
    assertEquals(transfers, 1);
    assertGreater(locks.dns.locks, 0);
    assertEquals(locks.cookie.locks, 0);
  },
);

test(
  SERVER,
  "CurlShare.stats() counts a transfer that failed, too",
  async () => {
    await using server = await startServer();
    using share = shareOf(curl.LOCK_DATA_CONNECT);
    using c = attachedTo(share, server.url);
    c.setopt(curl.WRITEFUNCTION, () => {
      throw new Error("no");
    });
    const error = assertThrows(() => c.performSync(), curl.CurlError);
    assertMatch(String(error.cause), /^Error: no$/);
    assertEquals(share.stats().transfers, 1);
  },
);
