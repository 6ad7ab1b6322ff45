/**
 * What a file: URL is called by the system.
 *
 * @module
 */

/** The path; with a drive or a server in front, and backslashes, on Windows. */
export function filePath(
  { hostname, pathname }: URL,
  os: typeof Deno.build.os = Deno.build.os,
): string {
  const path = decodeURIComponent(pathname);
  if (os !== "windows") return path;
  const full = hostname === ""
    ? path.replace(/^\/(?=[A-Za-z]:)/, "")
    : `//${hostname}${path}`;
  return full.replaceAll("/", "\\");
}
