/**
 * What is left in the process when all Workers are gone.
 *
 * @module
 */

import { report } from "../src/ffi/call.ts";

/** Figures of a process in which no Worker lives. */
export interface Leftovers {
  /** Live handles and shares, a line each. */
  readonly handles: string;
  /** Mapped stacks of the size that suspended transfers have. */
  readonly stacks: number;
  /** Open file descriptors, by what they lead to. */
  readonly files: Readonly<Record<string, number>>;
  readonly threads: number;
  /** Threads of the engines of shares. */
  readonly engines: number;
  /** Pairs of an eventpoll and an eventfd. */
  readonly polls: number;
  /** Resident memory in bytes. */
  readonly memory: number;
}

const ENGINE = "curl share";
const STACK_SIZE = 1 << 20;
/** What the collector and the allocator may keep. */
const MEMORY_SLACK = 64 * 2 ** 20;
/** Deno leaves one behind some Workers; ours would be one for each. */
const POLLS_SLACK = 8;
/** V8 gives the pages of ended isolates back after some seconds. */
const SETTLE_MS = 20_000;
const LOOK_MS = 20;

/** Looks at this process. */
export function leftovers(): Leftovers {
  return {
    handles: report(),
    stacks: stacks(),
    files: files(),
    threads: count("/proc/self/task"),
    engines: engines(),
    polls: polls(),
    memory: Deno.memoryUsage().rss,
  };
}

/** Waits until nothing more is let go, or for long enough. */
export async function settledLeftovers(before: Leftovers): Promise<Leftovers> {
  const deadline = Date.now() + SETTLE_MS;
  for (;;) {
    const now = leftovers();
    const isBack = problems(before, now).length === 0 &&
      memoryProblem(before, now) === undefined;
    if (isBack || Date.now() > deadline) return now;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** A stack is a mapping with a page behind it that nobody may touch. */
function stacks(): number {
  let found = 0;
  let isGuarded = false;
  for (const line of Deno.readTextFileSync("/proc/self/maps").split("\n")) {
    const match = /^(\w+)-(\w+) (\S+)/.exec(line);
    if (!match) continue;
    const size = parseInt(match[2], 16) - parseInt(match[1], 16);
    if (isGuarded && match[3] === "rw-p" && size === STACK_SIZE) found++;
    isGuarded = match[3] === "---p";
  }
  return found;
}

/** Those whose name is that of a share's engine. */
function engines(): number {
  return ofThreads("comm").filter(([name]) => name === ENGINE).length;
}

/** What each thread does: its name, its state and times, and its system call. */
export function threads(): string {
  return ofThreads("stat", "syscall").map((parts) => parts.join("  "))
    .join("\n");
}

/** What the kernel tells of each thread. */
function ofThreads(...files: string[]): string[][] {
  const folder = "/proc/self/task";
  return Array.from(Deno.readDirSync(folder)).flatMap(({ name }) => {
    const read = (file: string) =>
      Deno.readTextFileSync(`${folder}/${name}/${file}`).trim();
    try {
      return [files.map(read)];
    } catch {
      // It has just ended.
      return [];
    }
  });
}

function polls(): number {
  const names = Array.from(Deno.readDirSync("/proc/self/fd"));
  const targets = names.map(({ name }) => targetOf(name));
  return targets.filter((target) => target?.includes("eventpoll")).length;
}

function count(folder: string): number {
  return Array.from(Deno.readDirSync(folder)).length;
}

function files(): Record<string, number> {
  const found: Record<string, number> = {};
  const sockets = socketKinds();
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    const target = targetOf(name);
    if (target === undefined) continue;
    const kind = target.startsWith("/")
      ? target
      : sockets.get(target) ?? target.replace(/\d+/, "");
    found[kind] = (found[kind] ?? 0) + 1;
  }
  // Deno's own.
  delete found["unix socket"];
  // Deno leaves a pair of these behind some Workers that it terminates.
  const polls = found["anon_inode:[eventpoll]"] ?? 0;
  const events = found["anon_inode:[eventfd]"] ?? 0;
  delete found["anon_inode:[eventpoll]"];
  found["anon_inode:[eventfd]"] = events - polls;
  return found;
}

/** What kind of socket has which number. */
function socketKinds(): Map<string, string> {
  const found = new Map<string, string>();
  for (
    const [kind, column] of [["tcp", 9], ["tcp6", 9], ["unix", 6]] as const
  ) {
    const table = Deno.readTextFileSync(`/proc/self/net/${kind}`);
    for (const line of table.trim().split("\n").slice(1)) {
      const inode = line.trim().split(/\s+/)[column];
      found.set(`socket:[${inode}]`, `${kind} socket`);
    }
  }
  return found;
}

function targetOf(descriptor: string): string | undefined {
  try {
    return Deno.readLinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    // It was the one that the folder was read by.
    return undefined;
  }
}

/** What is there now and was not before, in words. */
export function problems(before: Leftovers, now: Leftovers): string[] {
  const found = [];
  if (now.handles !== "") found.push(`live handles:\n${now.handles}`);
  if (now.stacks > before.stacks) {
    found.push(`${now.stacks} stacks, ${before.stacks} before`);
  }
  if (now.engines > 0) found.push(`${now.engines} engines of shares`);
  if (now.polls > before.polls + POLLS_SLACK) {
    found.push(`${now.polls} eventpolls, ${before.polls} before`);
  }
  for (const [target, open] of Object.entries(now.files)) {
    const was = before.files[target] ?? 0;
    if (open > was) found.push(`${open} open ${target}, ${was} before`);
  }
  return found;
}

/** Whether there is much more memory than before, in words. */
export function memoryProblem(
  before: Leftovers,
  now: Leftovers,
): string | undefined {
  return now.memory > before.memory + MEMORY_SLACK
    ? `${mebibytes(now)} resident, ${mebibytes(before)} before`
    : undefined;
}

/** Resident memory in words. */
export function mebibytes({ memory }: Leftovers): string {
  return `${Math.round(memory / 2 ** 20)} MiB`;
}
