import { availableParallelism } from "node:os";
import { findNginx } from "./nginx.ts";

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

async function firstLine(program: string, args: string[]): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(program, {
    args,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  const text = decoder.decode(stdout) || decoder.decode(stderr);
  return text.trim().split("\n")[0];
}

/** One line for each thing that decides what the figures mean. */
export async function describe(
  program: string,
  python: string | null,
): Promise<string[]> {
  const cpu = /^model name\s*:\s*(.*)$/m.exec(read("/proc/cpuinfo"))?.[1];
  const memory = /^MemTotal:\s*(\d+)/m.exec(read("/proc/meminfo"))?.[1];
  const script = new URL("pycurl_bench.py", import.meta.url).pathname;
  return [
    `CPU: ${cpu ?? Deno.build.arch}, ${availableParallelism()} cores`,
    `Memory: ${(Number(memory) / 2 ** 20).toFixed(1)} GiB`,
    `Load before the first turn: ${Deno.loadavg()[0].toFixed(1)}`,
    `Kernel: ${Deno.build.os} ${Deno.osRelease()}`,
    `Deno: ${Deno.version.deno}, V8 ${Deno.version.v8}`,
    `libcurl of ours and C: ${await firstLine(program, ["version"])}`,
    python === null
      ? "PycURL: skipped, since neither python3 nor pip could provide it"
      : `PycURL: ${await firstLine(python, [script, "version"])}`,
    `Server: ${await firstLine(findNginx(), ["-v"])}`,
  ];
}
