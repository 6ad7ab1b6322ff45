import { assertEquals } from "../tests/assert.ts";
import plugin from "./lint_plugin.ts";

/** The rules that a source text breaks, and where. */
function broken(path: string, source: string): string[] {
  return Deno.lint.runPlugin(plugin, path, source)
    .map(({ id, range }) => `${id}: ${source.slice(...range)}`);
}

function messages(path: string, source: string): string[] {
  return Deno.lint.runPlugin(plugin, path, source)
    .map(({ message }) => message);
}

for (
  const name of [
    "Deno.dlopen",
    'Deno["dlopen"]',
    "globalThis.Deno.dlopen",
    "globalThis.Deno?.dlopen",
  ]
) {
  Deno.test(`one-dlopen finds ${name} outside of the loader`, () => {
    const source = `export const library = ${name}("library", {});`;
    for (const path of ["src/curl.ts", "src/ffi/call.ts", "tests/a_test.ts"]) {
      assertEquals(broken(path, source).length, 1);
      assertEquals(messages(path, source), ["Deno.dlopen outside of its file"]);
    }
    assertEquals(broken("src/ffi/library.ts", source), []);
  });
}

Deno.test("one-dlopen finds a destructured dlopen", () => {
  assertEquals(broken("src/curl.ts", "const { dlopen: open, args } = Deno;"), [
    "denocurl/one-dlopen: dlopen: open",
  ]);
});

Deno.test("one-dlopen leaves other things named dlopen alone", () => {
  assertEquals(broken("src/curl.ts", "library.dlopen(); Deno.cwd();"), []);
});

for (
  const name of [
    "UnsafePointer",
    "UnsafePointerView",
    "UnsafeFnPointer",
    "UnsafeCallback",
  ]
) {
  Deno.test(`no-pointers finds Deno.${name} everywhere`, () => {
    for (const path of ["src/ffi/library.ts", "tests/a_test.ts"]) {
      assertEquals(broken(path, `Deno.${name};`), [
        `denocurl/no-pointers: Deno.${name}`,
      ]);
    }
  });
}

Deno.test("no-pointers finds a type", () => {
  assertEquals(broken("src/a.ts", "let a: Deno.UnsafeCallback<B>;"), [
    "denocurl/no-pointers: Deno.UnsafeCallback",
  ]);
});

Deno.test("one-caller finds the name of a symbol outside of src/ffi", () => {
  const source = "symbols.shim_easy_open(1);";
  assertEquals(broken("src/curl.ts", source), [
    "denocurl/one-caller: shim_easy_open",
  ]);
  assertEquals(broken("tests/a_test.ts", 'symbols["shim_error"];'), [
    'denocurl/one-caller: "shim_error"',
  ]);
  for (const name of ["call", "library", "symbols"]) {
    assertEquals(broken(`src/ffi/${name}.ts`, source), []);
  }
});

Deno.test("one-caller leaves text about symbols alone", () => {
  assertEquals(
    broken("src/curl.ts", 'const a = "shim_* names", shim = /shim_a/;'),
    [],
  );
});

Deno.test("one-thrower finds new CurlError outside of the errors", () => {
  for (const name of ["CurlError", "curl.CurlError"]) {
    const source = `throw new ${name}("text");`;
    const found = [`denocurl/one-thrower: new ${name}("text")`];
    assertEquals(broken("src/curl.ts", source), found);
    assertEquals(broken("demo/main.ts", source), found);
    assertEquals(broken("src/errors.ts", source), []);
    assertEquals(broken("tests/errors_test.ts", source), []);
  }
});

Deno.test("layers lets a file import those below it", () => {
  for (
    const [path, specifier] of [
      ["mod.ts", "./src/curl.ts"],
      ["src/curl.ts", "./curl_share.ts"],
      ["src/ffi/call.ts", "./library.ts"],
      ["src/ffi/call.ts", "../types.ts"],
      ["src/values.ts", "./tables/kinds.ts"],
      ["tests/curl_test.ts", "../src/curl.ts"],
      ["tests/curl_test.ts", "@std/assert"],
    ]
  ) {
    assertEquals(broken(path, `import "${specifier}";`), []);
  }
});

for (
  const source of [
    'import { Curl } from "../curl.ts";',
    'import type { Curl } from "../curl.ts";',
    'export { Curl } from "../curl.ts";',
    'export * from "../curl.ts";',
    'await import("../curl.ts");',
    'let curl: import("../curl.ts").Curl;',
  ]
) {
  Deno.test(`layers refuses to import upwards: ${source}`, () => {
    assertEquals(messages("src/ffi/call.ts", source), [
      "src/ffi/call.ts imports src/curl.ts, which is not below it",
    ]);
  });
}

Deno.test("layers lets a file name a class above it as a type if listed", () => {
  const [path, specifier] = ["src/curl_multi.ts", "./curl.ts"];
  assertEquals(broken(path, `import type { Curl } from "${specifier}";`), []);
  assertEquals(messages(path, `import { Curl } from "${specifier}";`), [
    "src/curl_multi.ts imports src/curl.ts, which is not below it",
  ]);
});

Deno.test("layers refuses a file of the same layer, and itself", () => {
  assertEquals(messages("src/tables/a.ts", 'import "./b.ts";'), [
    "src/tables/a.ts imports src/tables/b.ts, which is not below it",
  ]);
});

Deno.test("layers wants a place for each file of the package", () => {
  assertEquals(messages("src/new.ts", 'import "./types.ts";'), [
    "src/new.ts has no layer",
  ]);
  assertEquals(messages("src/curl.ts", 'import "./new.ts";'), [
    "src/new.ts has no layer",
  ]);
  assertEquals(messages("src/curl.ts", 'import "../tools/ok.ts";'), [
    "tools/ok.ts has no layer",
  ]);
});

Deno.test("layers refuses dependencies and computed imports", () => {
  assertEquals(messages("src/curl.ts", 'import "npm:thing";'), [
    'src/curl.ts imports "npm:thing"',
  ]);
  assertEquals(messages("src/curl.ts", "await import(name);"), [
    'src/curl.ts imports ""',
  ]);
});
