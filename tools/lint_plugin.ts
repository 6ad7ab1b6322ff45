/**
 * Holds the rules of this repository that `deno lint` does not know: who may
 * import whom, and what only one file may name.
 *
 * @module
 */

/** The files of the package, each above those that it may import. */
const LAYERS: readonly (string | RegExp)[] = [
  "mod.ts",
  "src/curl_websocket.ts",
  "src/socket_transfer.ts",
  "src/curl.ts",
  "src/curl_multi.ts",
  "src/multi_members.ts",
  "src/multi_options.ts",
  "src/multi_callbacks.ts",
  "src/multi_arguments.ts",
  "src/multi_types.ts",
  "src/curl_connection.ts",
  "src/body_stream.ts",
  "src/asynchronous.ts",
  "src/options.ts",
  "src/http_post.ts",
  "src/curl_mime.ts",
  "src/curl_mime_part.ts",
  "src/mime_arguments.ts",
  "src/mime_tree.ts",
  "src/curl_share.ts",
  "src/curl_url.ts",
  "src/headers.ts",
  "src/sessions.ts",
  "src/closing.ts",
  "src/global.ts",
  "src/transfer.ts",
  "src/engine.ts",
  "src/callbacks.ts",
  "src/streams.ts",
  "src/piped_streams.ts",
  "src/mime_sources.ts",
  "src/abort.ts",
  "src/id_map.ts",
  "src/values.ts",
  "src/handle.ts",
  "src/errors.ts",
  "src/websocket.ts",
  "src/ffi/multi_call.ts",
  "src/ffi/call.ts",
  "src/ffi/headers_call.ts",
  "src/ffi/sessions_call.ts",
  "src/ffi/url_call.ts",
  "src/ffi/mime_call.ts",
  "src/ffi/connection_call.ts",
  "src/ffi/websocket_call.ts",
  "src/ffi/library.ts",
  "src/ffi/buffers.ts",
  "src/ffi/elf.ts",
  "src/ffi/platform.ts",
  "src/ffi/release.ts",
  "src/ffi/symbols.ts",
  /^src\/tables\/[^/]+\.ts$/,
  "src/file_path.ts",
  "src/types.ts",
];

/** Who names a class above it as a type: each gives objects of the other. */
const NAMES_ABOVE: Readonly<Record<string, readonly string[]>> = {
  "src/curl_multi.ts": ["src/curl.ts"],
  "src/multi_members.ts": ["src/curl.ts"],
  "src/multi_types.ts": ["src/curl.ts", "src/curl_multi.ts"],
};

const LIBRARY = "src/ffi/library.ts";
const CALL = "src/ffi/call.ts";
const ERRORS = "src/errors.ts";

const ROOT = new URL("../", import.meta.url);

/** The file's path from the repository's root. */
function pathOf(context: Deno.lint.RuleContext): string {
  const root = ROOT.pathname;
  const name = context.filename.replaceAll("\\", "/");
  return name.startsWith(root) ? name.slice(root.length) : name;
}

function layerOf(path: string): number {
  return LAYERS.findIndex((layer) =>
    typeof layer === "string" ? layer === path : layer.test(path)
  );
}

/** The text of a name or a string; undefined for anything else. */
function textOf(node: Deno.lint.Node | null): string | undefined {
  switch (node?.type) {
    case "Identifier":
      return node.name;
    case "Literal":
      return typeof node.value === "string" ? node.value : undefined;
    default:
      return undefined;
  }
}

/** `Deno`, `globalThis.Deno` and the like. */
function isDeno(node: Deno.lint.Node | null): boolean {
  return node?.type === "MemberExpression"
    ? textOf(node.property) === "Deno"
    : textOf(node) === "Deno";
}

/** Calls back for each `Deno.name`, `Deno["name"]`, `{ name } = Deno`. */
function onDenoMember(
  found: (node: Deno.lint.Node, name: string) => void,
): Deno.lint.LintVisitor {
  return {
    MemberExpression(node) {
      const name = textOf(node.property);
      if (name !== undefined && isDeno(node.object)) found(node, name);
    },
    TSQualifiedName(node) {
      if (textOf(node.left) === "Deno") found(node, node.right.name);
    },
    VariableDeclarator(node) {
      if (!isDeno(node.init) || node.id.type !== "ObjectPattern") return;
      for (const property of node.id.properties) {
        const name = property.type === "Property"
          ? textOf(property.key)
          : undefined;
        if (name !== undefined) found(property, name);
      }
    },
  };
}

/** Calls back for each module that a file names. */
function onImport(
  found: (node: Deno.lint.Node, specifier: string) => void,
): Deno.lint.LintVisitor {
  const declaration = (
    node:
      | Deno.lint.ImportDeclaration
      | Deno.lint.ExportNamedDeclaration
      | Deno.lint.ExportAllDeclaration,
  ) => {
    if (node.source !== null) found(node, node.source.value);
  };
  return {
    ImportDeclaration: declaration,
    ExportNamedDeclaration: declaration,
    ExportAllDeclaration: declaration,
    ImportExpression(node) {
      const { source } = node;
      found(node, source.type === "Literal" ? `${source.value}` : "");
    },
    TSImportType(node) {
      const { argument } = node;
      const isText = argument.type === "TSLiteralType";
      found(node, isText && textOf(argument.literal) || "");
    },
  };
}

const oneDlopen: Deno.lint.Rule = {
  create: (context) =>
    onDenoMember((node, name) => {
      if (name !== "dlopen" || pathOf(context) === LIBRARY) return;
      context.report({
        node,
        message: "Deno.dlopen outside of its file",
        hint: `Only ${LIBRARY} opens the library.`,
      });
    }),
};

const noPointers: Deno.lint.Rule = {
  create: (context) =>
    onDenoMember((node, name) => {
      if (!/^Unsafe(Pointer|FnPointer|Callback)/.test(name)) return;
      context.report({
        node,
        message: `Deno.${name} needs the unscoped --allow-ffi`,
        hint: "Pass buffers and numbers; the shim never calls back.",
      });
    }),
};

const oneCaller: Deno.lint.Rule = {
  create(context) {
    if (pathOf(context).startsWith("src/ffi/")) return {};
    const check = (node: Deno.lint.Node, name: unknown) => {
      if (typeof name !== "string" || !/^shim_\w+$/.test(name)) return;
      context.report({
        node,
        message: `The symbol ${name} outside of src/ffi`,
        hint: `Call, or add, the function for it in ${CALL}.`,
      });
    };
    return {
      Identifier: (node) => check(node, node.name),
      Literal: (node) => check(node, node.value),
    };
  },
};

const oneThrower: Deno.lint.Rule = {
  create(context) {
    const path = pathOf(context);
    if (path === ERRORS || path.startsWith("tests/")) return {};
    return {
      NewExpression(node) {
        const { callee } = node;
        const name = callee.type === "MemberExpression"
          ? textOf(callee.property)
          : textOf(callee);
        if (name !== "CurlError") return;
        context.report({
          node,
          message: `new CurlError outside of ${ERRORS}`,
          hint: `Use, or add, a function in ${ERRORS}.`,
        });
      },
    };
  },
};

const layers: Deno.lint.Rule = {
  create(context) {
    const path = pathOf(context);
    const own = layerOf(path);
    if (own < 0 && !path.startsWith("src/")) return {};
    return onImport((node, specifier) => {
      const isType = node.type === "ImportDeclaration" &&
        node.importKind === "type";
      const problem = problemOf(path, own, specifier, isType);
      if (problem !== undefined) context.report({ node, ...problem });
    });
  },
};

/** What is wrong with a file of the package importing a module. */
function problemOf(
  path: string,
  own: number,
  specifier: string,
  isType: boolean,
): { message: string; hint: string } | undefined {
  const table = "LAYERS in tools/lint_plugin.ts";
  if (!/^\.{1,2}\//.test(specifier)) {
    return {
      message: `${path} imports "${specifier}"`,
      hint: "The package has no dependencies, and no computed imports.",
    };
  }
  const target = new URL(specifier, new URL(path, "file:///")).pathname
    .slice(1);
  const other = layerOf(target);
  const unknown = own < 0 ? path : other < 0 ? target : undefined;
  if (unknown !== undefined) {
    return {
      message: `${unknown} has no layer`,
      hint: `Give it its place in ${table}.`,
    };
  }
  if (other <= own && !(isType && NAMES_ABOVE[path]?.includes(target))) {
    return {
      message: `${path} imports ${target}, which is not below it`,
      hint: `Go by an interface in src/handle.ts, or see ${table}.`,
    };
  }
}

/** The rules, by the names they have in `deno-lint-ignore` comments. */
const plugin: Deno.lint.Plugin = {
  name: "denocurl",
  rules: {
    layers,
    "no-pointers": noPointers,
    "one-caller": oneCaller,
    "one-dlopen": oneDlopen,
    "one-thrower": oneThrower,
  },
};

export default plugin;
