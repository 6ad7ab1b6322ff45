/**
 * What a walk can do, and how often it does it.
 *
 * @module
 */

import * as asynchronous from "./async_operations.ts";
import { abortedBefore, foretoldAsync } from "./async_transfers.ts";
import * as curls from "./curl_operations.ts";
import * as connections from "./connection_operations.ts";
import * as look from "./look.ts";
import * as mimes from "./mime_operations.ts";
import * as multis from "./multi_operations.ts";
import { foretoldInMulti } from "./multi_transfers.ts";
import { perform } from "./performing.ts";
import * as shares from "./share_operations.ts";
import { foretold } from "./transfers.ts";
import * as urls from "./url_operations.ts";
import type { Operation, Walk } from "./walk.ts";
import * as sockets from "./websocket_operations.ts";

function operation(
  weight: number,
  name: string,
  run: (walk: Walk) => unknown,
): Operation {
  return { name, weight, run };
}

/** Ends the Worker in the middle of everything. */
function end(walk: Walk): void {
  if (walk.random.chance(walk.frame ? 600 : 100)) walk.hooks.end();
}

/** Has the collector let go of what was forgotten. */
function collect(walk: Walk): void {
  walk.hooks.collect();
}

export const OPERATIONS: readonly Operation[] = [
  operation(15, "new Curl", curls.newCurl),
  operation(20, "publish a Curl", curls.publishCurl),
  operation(40, "open a Curl", curls.openCurl),
  operation(4, "open a wrong Curl", curls.openWrongCurl),
  operation(8, "reopen a Curl", curls.reopenCurl),
  operation(10, "forget a Curl", curls.forgetCurl),
  operation(60, "setopt", curls.setGood),
  operation(15, "setopt badly", curls.setBad),
  operation(10, "unsetopt", curls.unset),
  operation(5, "unsetopt badly", curls.unsetBad),
  operation(3, "setoptString", curls.setString),
  operation(4, "setCaCerts", curls.setCaCerts),
  operation(5, "setopt PRIVATE", curls.setPrivate),
  operation(40, "set a function", curls.setFunction),
  operation(20, "unset a function", curls.unsetFunction),
  operation(4, "set a writer", curls.setWriter),
  operation(2, "CONNECT_ONLY", curls.connectOnly),
  operation(40, "perform", perform),
  operation(30, "perform as foretold", foretold),
  operation(30, "perform asynchronously", (walk) => {
    asynchronous.performAsync(walk);
  }),
  operation(40, "perform asynchronously as foretold", foretoldAsync),
  operation(10, "perform on a share", asynchronous.performOnShare),
  operation(5, "perform aborted", abortedBefore),
  operation(10, "abort", asynchronous.abortOne),
  operation(15, "duphandle", curls.duplicate),
  operation(10, "reset", (walk) => curls.reset(walk)),
  operation(15, "close", (walk) => curls.close(walk)),
  operation(10, "closed", curls.lookClosed),
  operation(10, "pause", curls.pause),
  operation(6, "unpause", (walk) => curls.unpause(walk)),
  operation(2, "pause badly", curls.pauseBad),
  operation(8, "errstr", curls.errstr),
  operation(20, "getinfo of a number", look.getNumber),
  operation(15, "getinfo of a text", look.getText),
  operation(8, "getinfo of a list", look.getList),
  operation(6, "getinfo of PRIVATE", look.getPrivate),
  operation(5, "getinfo badly", look.getBad),
  operation(15, "share of a Curl", (walk) => look.shareOf(walk)),
  operation(10, "look at what is own", look.lookAtOwn),
  operation(5, "look at cookies", look.lookAtCookies),
  operation(8, "new CurlShare", shares.newShare),
  operation(1, "new CurlShare badly", shares.newBadShare),
  operation(12, "publish a CurlShare", shares.publishShare),
  operation(20, "open a CurlShare", shares.openShare),
  operation(2, "open a wrong CurlShare", shares.openWrongShare),
  operation(4, "forget a CurlShare", shares.forgetShare),
  operation(12, "share or unshare kinds", shares.changeKinds),
  operation(4, "share kinds badly", shares.changeKindsBadly),
  operation(40, "attach", (walk) => shares.attach(walk)),
  operation(20, "detach", (walk) => shares.detach(walk)),
  operation(14, "close a CurlShare", shares.closeShare),
  operation(10, "close a CurlShare when it can be", (walk) => {
    asynchronous.closeAsync(walk);
  }),
  operation(6, "close a CurlShare in use", asynchronous.closeInUse),
  operation(10, "look at a CurlShare", shares.lookAtShare),
  operation(5, "stats", shares.lookAtStats),
  operation(15, "session", shares.session),
  operation(8, "look at headers", look.lookAtHeaders),
  operation(10, "new CurlMulti", multis.newMulti),
  operation(1, "new CurlMulti badly", multis.newBadMulti),
  operation(8, "publish a CurlMulti", multis.publishMulti),
  operation(12, "open a CurlMulti", multis.openMulti),
  operation(1, "open a wrong CurlMulti", multis.openWrongMulti),
  operation(4, "forget a CurlMulti", multis.forgetMulti),
  operation(40, "add to a CurlMulti", multis.add),
  operation(20, "remove from a CurlMulti", multis.removeOne),
  operation(40, "perform a CurlMulti", (walk) => multis.perform(walk)),
  operation(20, "infoRead", (walk) => multis.readInfo(walk)),
  operation(10, "select", multis.select),
  operation(6, "selectSync", (walk) => multis.selectSync(walk)),
  operation(12, "set a function of a CurlMulti", multis.setFunction),
  operation(6, "setopt of a CurlMulti", multis.setNumber),
  operation(3, "call a CurlMulti badly", multis.callBadly),
  operation(20, "call a CurlMulti", multis.callShortly),
  operation(8, "close a CurlMulti", (walk) => multis.close(walk)),
  operation(15, "look at a CurlMulti", multis.look),
  operation(12, "transfers in a CurlMulti", foretoldInMulti),
  operation(8, "new CurlMime", mimes.newMime),
  operation(8, "addpart", mimes.addPart),
  operation(10, "add to a CurlMime", mimes.addField),
  operation(6, "addMultipart", mimes.addMultipart),
  operation(15, "change a part", mimes.changePart),
  operation(4, "change a part badly", mimes.changePartBadly),
  operation(8, "subparts", mimes.attachMime),
  operation(12, "setopt MIMEPOST", mimes.send),
  operation(8, "take MIMEPOST back", mimes.sendOther),
  operation(6, "close a CurlMime", mimes.closeMime),
  operation(4, "look at a CurlMime", mimes.lookAtMime),
  operation(6, "new CurlUrl", urls.newUrl),
  operation(2, "new CurlUrl badly", urls.newBadUrl),
  operation(8, "set a part of a CurlUrl", urls.setPart),
  operation(2, "set a part of a CurlUrl badly", urls.setPartBadly),
  operation(6, "look at a CurlUrl", urls.lookAtUrl),
  operation(3, "copy a CurlUrl", urls.copyUrl),
  operation(3, "close a CurlUrl", urls.closeUrl),
  operation(6, "setopt CURLU", urls.setUrl),
  operation(20, "use a connection", connections.useConnection),
  operation(3, "use a connection badly", connections.useConnectionBadly),
  operation(8, "connect only", connections.connect),
  operation(4, "exchange frames", connections.exchange),
  operation(4, "answer frames", connections.converse),
  operation(10, "upkeep", connections.upkeep),
  operation(5, "export TLS sessions", connections.exportSessions),
  operation(2, "import nonsense", connections.importNonsense),
  operation(12, "open a CurlWebSocket", sockets.openSocket),
  operation(2, "open a CurlWebSocket badly", sockets.openSocketBadly),
  operation(3, "open a CurlWebSocket on what runs", sockets.openSocketOnBusy),
  operation(1, "collect", collect),
  operation(1, "end", end),
];
