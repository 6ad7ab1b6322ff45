/**
 * Registers tests that need more than `--allow-ffi`: without the permission, or
 * the program, such a test is ignored and its name says why.
 */

/** A permission by its name, or only for a path, a host or a program. */
export type Need = Deno.PermissionName | Deno.PermissionDescriptor;

/** What must be there for a test to run. */
export interface Requirements {
  /** Permissions. */
  readonly needs?: readonly Need[];
  /** Programs, by name; implies the permissions to look for and run them. */
  readonly programs?: readonly string[];
  /** A reason not to run that the test's file has found itself. */
  readonly skip?: string | false;
}

type TestFunction = (context: Deno.TestContext) => void | Promise<void>;

const PROGRAM_FOLDERS = [
  "/usr/local/sbin",
  "/usr/local/bin",
  "/usr/sbin",
  "/usr/bin",
  "/sbin",
  "/bin",
  "/opt/homebrew/bin",
];

/** Registers a test that is ignored unless all requirements are met. */
export function test(
  requirements: Requirements | readonly Requirements[],
  name: string,
  fn: TestFunction,
): void {
  const reason = missing(...[requirements].flat());
  Deno.test({
    name: reason === undefined ? name : `${name} (${reason})`,
    ignore: reason !== undefined,
    fn,
  });
}

/** The first of these requirements that is not met, in words. */
export function missing(...requirements: Requirements[]): string | undefined {
  const programs = new Set(requirements.flatMap((r) => r.programs ?? []));
  const needs: Need[] = requirements.flatMap((r) => r.needs ?? []);
  if (programs.size > 0) needs.push("run", "read");
  const lacking = needs.filter((need) => !isGranted(need))
    .map((need) => `--allow-${descriptor(need).name}`);
  if (lacking.length > 0) return `needs ${[...new Set(lacking)].join(" ")}`;
  for (const program of programs) {
    if (programPath(program) === undefined) {
      return `${program} is not installed`;
    }
  }
  return requirements.map((r) => r.skip).find(Boolean) || undefined;
}

/** Whether a permission is granted; asks nobody. */
export function isGranted(need: Need): boolean {
  return Deno.permissions.querySync(descriptor(need)).state === "granted";
}

/** Where a program is installed; undefined as well when it may not be seen. */
export function programPath(name: string): string | undefined {
  const path = isGranted({ name: "env", variable: "PATH" })
    ? Deno.env.get("PATH") ?? ""
    : "";
  const folders = [...path.split(":").filter(Boolean), ...PROGRAM_FOLDERS];
  return folders.map((folder) => `${folder}/${name}`).find(isFile);
}

function isFile(path: string): boolean {
  if (!isGranted({ name: "read", path })) return false;
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function descriptor(need: Need): Deno.PermissionDescriptor {
  return typeof need === "string"
    ? { name: need } as Deno.PermissionDescriptor
    : need;
}
