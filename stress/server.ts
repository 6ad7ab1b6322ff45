/**
 * The server of the stress, a process of its own: HTTP, and HTTPS with HTTP/2,
 * on loopback. It prints its address when it listens, and ends with its
 * standard input.
 *
 * `deno run -A stress/server.ts FOLDER`, with server.crt and server.key in it.
 *
 * @module
 */

import { bodyProblem, makeBody } from "./body.ts";

const PIECES = 5;
const PAUSE_MS = 2;
const STALL_MS = 5_000;
/** How long whoever does not answer a ping is listened to. */
const SILENCE_S = 4;
/** How long the messages are that a server sends by itself. */
const GREETING = 100;
/** The code of a WebSocket that the server closes. */
const LEAVING = 3000;

type Answer = (
  request: Request,
  numbers: number[],
) => Response | Promise<Response>;

const ROUTES: readonly [path: RegExp, answer: Answer][] = [
  [/^\/body\/(\d+)\/(\d+)$/, (_, shape) => whole(shape)],
  [/^\/slow\/(\d+)\/(\d+)$/, (_, shape) => inPieces(shape, PIECES)],
  [/^\/broken\/(\d+)\/(\d+)$/, (_, shape) => inPieces(shape, 1)],
  [/^\/upload\/(\d+)\/(\d+)$/, checkUpload],
  [/^\/form\/(\d+)$/, checkForm],
  [/^\/cookie\/(\d+)\/(\d+)$/, setCookie],
  [/^\/status\/(\d+)$/, (_, [status]) => withStatus(status)],
  [/^\/redirect\/(\d+)$/, redirect],
  [/^\/stall$/, stall],
  [/^\/socket\/(\d+)\/(\d+)$/, greet],
];

function answer(request: Request): Response | Promise<Response> {
  const { pathname } = new URL(request.url);
  for (const [path, route] of ROUTES) {
    const match = path.exec(pathname);
    if (match) return route(request, match.slice(1).map(Number));
  }
  return whole([100, 404], 404);
}

function whole([length, seed]: number[], status = 200): Response {
  return new Response(makeBody({ length, seed }), { status });
}

function withStatus(status: number): Response {
  return status === 204 || status === 304
    ? new Response(null, { status })
    : whole([100, status], status);
}

/** Fewer pieces than all: the connection breaks off. */
function inPieces([length, seed]: number[], pieces: number): Response {
  const body = makeBody({ length, seed });
  const size = Math.ceil(length / PIECES);
  let sent = 0;
  const stream = new ReadableStream({
    async pull(controller) {
      if (sent === pieces && pieces < PIECES) {
        controller.error(new Error("as it was asked for"));
        return;
      }
      const piece = body.subarray(sent * size, ++sent * size);
      if (piece.length > 0) controller.enqueue(piece);
      if (sent === PIECES) controller.close();
      else await pause(PAUSE_MS);
    },
  });
  return new Response(stream, { headers: { "content-length": `${length}` } });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function checkUpload(
  request: Request,
  [length, seed]: number[],
): Promise<Response> {
  const problem = bodyProblem(await request.bytes(), { length, seed });
  return whole([100, seed], problem === undefined ? 200 : 400);
}

/** A form of so many parts, whose names tell the shapes of their files. */
async function checkForm(
  request: Request,
  [count]: number[],
): Promise<Response> {
  const form = await request.formData();
  let found = 0;
  for (const [name, value] of form) {
    found++;
    if (typeof value === "string") continue;
    const [, length, seed] = name.split("-").map(Number);
    const problem = bodyProblem(await value.bytes(), { length, seed });
    if (problem !== undefined) return whole([100, 400], 400);
  }
  return whole([100, 200], found === count ? 200 : 400);
}

/**
 * A WebSocket that sends so many messages, then echoes what comes; after so many
 * it leaves without a word, or stays if that is 0.
 */
function greet(request: Request, [greetings, most]: number[]): Response {
  if (request.headers.get("upgrade") !== "websocket") {
    return whole([100, 426], 426);
  }
  const { socket, response } = Deno.upgradeWebSocket(request, {
    // Whoever only listens, and leaves pings without an answer, is left then.
    idleTimeout: SILENCE_S,
  });
  socket.binaryType = "arraybuffer";
  let heard = 0;
  socket.onopen = () => {
    for (let seed = 0; seed < greetings; seed++) {
      socket.send(makeBody({ length: GREETING, seed }));
    }
  };
  socket.onmessage = ({ data }) => {
    const isEnough = most > 0 && ++heard > most;
    if (!isEnough) socket.send(data);
    else if (socket.readyState === socket.OPEN) {
      socket.close(LEAVING, "as it was asked for");
    }
  };
  socket.onerror = () => {};
  return response;
}

/** A cookie whose name tells who asked for it. */
function setCookie(_: Request, [owner, seed]: number[]): Response {
  const response = whole([100, seed]);
  response.headers.set("set-cookie", `owner-${owner}=${seed}; path=/`);
  return response;
}

function redirect(_: Request, [left]: number[]): Response {
  const location = left > 0 ? `/redirect/${left - 1}` : "/body/500/1";
  return new Response(null, { status: 302, headers: { location } });
}

async function stall(): Promise<Response> {
  await pause(STALL_MS);
  return whole([100, 1]);
}

if (import.meta.main) {
  const [folder] = Deno.args;
  const settings = {
    hostname: "127.0.0.1",
    port: 0,
    onListen: () => {},
    onError: () => new Response(null, { status: 500 }),
  };
  const plain = Deno.serve(settings, answer);
  const secure = Deno.serve({
    ...settings,
    cert: Deno.readTextFileSync(`${folder}/server.crt`),
    key: Deno.readTextFileSync(`${folder}/server.key`),
  }, answer);
  console.log(
    JSON.stringify({ port: plain.addr.port, securePort: secure.addr.port }),
  );
  for await (const _ of Deno.stdin.readable);
  Deno.exit();
}
