import process from "node:process";

/** Seconds of processor time this process has used. */
export function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** The highest resident size in MiB since the last reset. */
export function peak(reset = false): number {
  if (reset) {
    try {
      Deno.writeTextFileSync("/proc/self/clear_refs", "5");
    } catch {
      // Where the mark cannot be reset, growth is what is added to it.
    }
  }
  const status = Deno.readTextFileSync("/proc/self/status");
  return Number(/^VmHWM:\s*(\d+)/m.exec(status)?.[1]) / 1024;
}

/** Prints one peer's result, the line that main.ts reads. */
export function report(result: Record<string, number>): void {
  console.log(JSON.stringify(result));
}

export function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}
