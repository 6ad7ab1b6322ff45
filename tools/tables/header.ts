/**
 * Reads libcurl's header text: what its preprocessor lines leave, its
 * constants, and the text of its declarations.
 *
 * @module
 */

import { evaluate, type Scope } from "./expression.ts";

const FILES = [
  "curlver.h",
  "curl.h",
  "easy.h",
  "multi.h",
  "urlapi.h",
  "options.h",
  "header.h",
  "websockets.h",
];

/** One integer constant of the headers. */
export interface Constant {
  /** The C name, such as `CURLOPT_URL`. */
  readonly name: string;
  readonly value: bigint;
  /** The enum that holds it, or the one that its alias points into. */
  readonly enumeration?: string;
  /** `CURLOPTTYPE_*` of an option. */
  readonly optionType?: string;
  /** The libcurl version that declared it deprecated. */
  readonly deprecated?: string;
  /** The constant it is another name for. */
  readonly alias?: string;
}

/** The headers of one libcurl. */
export interface Headers {
  readonly constants: ReadonlyMap<string, Constant>;
  /** The C code that is left without comments and preprocessor lines. */
  readonly code: string;
}

interface Branch {
  active: boolean;
  taken: boolean;
  readonly parent: boolean;
}

/** Follows `#if` and friends and keeps the macros that have no parameters. */
class Preprocessor {
  readonly macros = new Map<string, string>();
  readonly #branches: Branch[] = [];
  readonly #kept: string[] = [];

  get code(): string {
    return this.#kept.join("\n");
  }

  get #active(): boolean {
    return this.#branches.at(-1)?.active ?? true;
  }

  read(text: string): void {
    const plain = text.replace(/\/\*[\s\S]*?\*\//g, " ").replace(/\\\n/g, " ");
    for (const line of plain.split("\n")) {
      const directive = /^\s*#\s*(\w+)\s*(.*)$/.exec(line);
      if (directive !== null) this.#directive(directive[1], directive[2]);
      else if (this.#active) this.#kept.push(line);
    }
    if (this.#branches.length > 0) throw new SyntaxError("#endif is missing");
  }

  #condition(text: string): boolean {
    const scope: Scope = {
      defined: (name) => this.macros.has(name),
      value: (name) => {
        const macro = this.macros.get(name);
        return macro === undefined ? 0n : evaluate(macro, scope);
      },
    };
    // Macros with parameters ask about compilers that this is none of.
    const plain = text.replace(/\b(?!defined\b)[A-Za-z_]\w*\([^()]*\)/g, "0");
    return evaluate(plain, scope) !== 0n;
  }

  #open(condition: () => boolean): void {
    const parent = this.#active;
    const active = parent && condition();
    this.#branches.push({ active, taken: active, parent });
  }

  #otherwise(condition: () => boolean): void {
    const branch = this.#branches.at(-1);
    if (branch === undefined) throw new SyntaxError("#else without #if");
    branch.active = branch.parent && !branch.taken && condition();
    branch.taken ||= branch.active;
  }

  #directive(word: string, rest: string): void {
    switch (word) {
      case "if":
        return this.#open(() => this.#condition(rest));
      case "ifdef":
        return this.#open(() => this.macros.has(rest.trim()));
      case "ifndef":
        return this.#open(() => !this.macros.has(rest.trim()));
      case "elif":
        return this.#otherwise(() => this.#condition(rest));
      case "else":
        return this.#otherwise(() => true);
      case "endif":
        this.#branches.pop();
        return;
      case "define":
        if (this.#active) this.#define(rest);
        return;
      case "undef":
        if (this.#active) this.macros.delete(rest.trim());
        return;
    }
  }

  #define(text: string): void {
    const macro = /^(\w+)(\(?)\s*(.*?)\s*$/.exec(text);
    if (macro !== null && macro[2] === "") this.macros.set(macro[1], macro[3]);
  }
}

function splitTopLevel(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "(") depth++;
    if (text[at] === ")") depth--;
    if (text[at] === "," && depth === 0) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  parts.push(text.slice(start));
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}

type Member = Omit<Constant, "value" | "enumeration"> & { expression?: string };

function readMember(text: string): Member {
  const option =
    /^CURLOPT(?:DEPRECATED)?\(\s*(\w+),\s*(CURLOPTTYPE_\w+),\s*(\d+)(?:,\s*([\d.]+))?/
      .exec(text);
  if (option !== null) {
    const [, name, optionType, number, deprecated] = option;
    return {
      name,
      optionType,
      deprecated,
      expression: `${optionType} + ${number}`,
    };
  }
  const deprecated = /CURL_DEPRECATED\(\s*([\d.]+)/.exec(text)?.[1];
  const plain = text.replace(/CURL_DEPRECATED\([^()]*\)/, "");
  const member = /^(\w+)\s*(?:=\s*([\s\S]+))?$/.exec(plain.trim());
  if (member === null) throw new SyntaxError(`No enum member: ${text}`);
  return { name: member[1], deprecated, expression: member[2] };
}

const ENUM = /enum\s*(\w+)?\s*\{([^}]*)\}\s*(\w+)?\s*;/g;

/** Reads the headers in `folder`, which is curl's `include/curl`. */
export function readHeaders(folder: string): Headers {
  const preprocessor = new Preprocessor();
  for (const file of FILES) {
    preprocessor.read(Deno.readTextFileSync(`${folder}/${file}`));
  }
  // Messages of deprecations hold parentheses and commas.
  const code = preprocessor.code.replace(/"[^"\n]*"/g, '""');
  const constants = new Map<string, Constant>();
  const { macros } = preprocessor;

  const resolve = (name: string): bigint => {
    const known = constants.get(name);
    if (known !== undefined) return known.value;
    const macro = macros.get(name);
    if (macro === undefined) throw new SyntaxError(`"${name}" is unknown`);
    return evaluate(macro, scope);
  };
  const scope: Scope = {
    value: resolve,
    defined: (name) => macros.has(name),
  };

  for (const [, tag, body, typedef] of code.matchAll(ENUM)) {
    let next = 0n;
    for (const text of splitTopLevel(body)) {
      const { expression, ...member } = readMember(text);
      const value = expression === undefined
        ? next
        : evaluate(expression, scope);
      const enumeration = typedef ?? tag;
      constants.set(member.name, { ...member, value, enumeration });
      next = value + 1n;
    }
  }
  for (const [name, text] of macros) {
    if (text === "" || /["{]/.test(text)) continue;
    let value: bigint;
    try {
      value = evaluate(text, scope);
    } catch (error) {
      // Macros that name types or attributes are no constants.
      if (error instanceof SyntaxError) continue;
      throw error;
    }
    const target = /^\w+$/.test(text) ? constants.get(text) : undefined;
    constants.set(name, {
      name,
      value,
      enumeration: target?.enumeration,
      optionType: target?.optionType,
      deprecated: target?.deprecated,
      alias: target?.name,
    });
  }
  return { constants, code };
}
