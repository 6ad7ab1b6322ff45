/** Our own peer: Workers whose handles use one share. */

import * as curl from "../mod.ts";
import { startWorker } from "../tests/fixtures/workers.ts";
import { measureMany } from "./measure.ts";
import { report } from "./meter.ts";

type Tasks = typeof import("./ours_worker.ts");

const [url, seconds, size, each] = Deno.args;
const module = new URL("ours_worker.ts", import.meta.url);

using share = new curl.CurlShare();
share.share(
  curl.LOCK_DATA_COOKIE,
  curl.LOCK_DATA_CONNECT,
  curl.LOCK_DATA_DNS,
  curl.LOCK_DATA_SSL_SESSION,
);
const team = await Promise.all(
  Array.from({ length: Number(size) }, () => startWorker<Tasks>(module)),
);
await Promise.all(
  team.map((worker) => worker.call("open", url, Number(each), share.handle)),
);
const result = await measureMany(async (seconds) => {
  const all = await Promise.all(
    team.map((worker) => worker.call("repeat", seconds)),
  );
  return all.reduce((sum, one) => [sum[0] + one[0], sum[1] + one[1]]);
}, Number(seconds));
report(result);
await Promise.all(team.map((worker) => worker[Symbol.asyncDispose]()));
