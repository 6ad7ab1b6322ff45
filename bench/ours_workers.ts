/** Our own peer: Workers whose handles use one share. */

import * as curl from "../mod.ts";
import { startWorker } from "../tests/fixtures/workers.ts";
import { measureMany, type Repeat } from "./measure.ts";
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

const repeat: Repeat = async (seconds) => {
  const all = await Promise.all(
    team.map((worker) => worker.call("repeat", seconds)),
  );
  return all.reduce((sum, one) => [sum[0] + one[0], sum[1] + one[1]]);
};

// Until each has made as many requests as one that is alone.
const first: Repeat = (seconds) => repeat(seconds * team.length);
report(await measureMany(repeat, Number(seconds), first));
await Promise.all(team.map((worker) => worker[Symbol.asyncDispose]()));
