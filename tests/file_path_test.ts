/** What file: URLs are called by the system. */

import { filePath } from "../src/file_path.ts";
import { assertEquals } from "./assert.ts";

for (
  const [os, url, path] of [
    ["linux", "file:///a%20b/%C3%A9%25", "/a b/é%"],
    ["darwin", "file:///C:/a", "/C:/a"],
    ["windows", "file:///C:/a%20b/%C3%A9%25", "C:\\a b\\é%"],
    ["windows", "file://server/share/a", "\\\\server\\share\\a"],
    ["windows", "file:///a/b", "\\a\\b"],
  ] as const
) {
  Deno.test(`filePath() gives ${path} for ${url} on ${os}`, () => {
    assertEquals(filePath(new URL(url), os), path);
  });
}
