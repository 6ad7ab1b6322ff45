/**
 * Integer expressions of C, as far as libcurl's headers use them: casts,
 * shifts, masks, comparisons and `defined()`.
 *
 * @module
 */

const TOKEN =
  /\s*(0[xX][0-9a-fA-F]+|\d+|[A-Za-z_]\w*|<<|>>|<=|>=|==|!=|&&|\|\||[-+*~!&|<>()])/y;

const CAST_WORDS = new Set(["unsigned", "signed", "long", "int", "size_t"]);

type Binary = (left: bigint, right: bigint) => bigint;

const truth = (value: boolean) => value ? 1n : 0n;

/** Weakest first; the operators of one row have equal rank. */
const LEVELS: Record<string, Binary>[] = [
  { "||": (a, b) => truth(a !== 0n || b !== 0n) },
  { "&&": (a, b) => truth(a !== 0n && b !== 0n) },
  { "|": (a, b) => a | b },
  { "&": (a, b) => a & b },
  { "==": (a, b) => truth(a === b), "!=": (a, b) => truth(a !== b) },
  {
    "<": (a, b) => truth(a < b),
    ">": (a, b) => truth(a > b),
    "<=": (a, b) => truth(a <= b),
    ">=": (a, b) => truth(a >= b),
  },
  { "<<": (a, b) => a << b, ">>": (a, b) => a >> b },
  { "+": (a, b) => a + b, "-": (a, b) => a - b },
  { "*": (a, b) => a * b },
];

/** What an identifier stands for, and whether a macro exists. */
export interface Scope {
  value(name: string): bigint;
  defined(name: string): boolean;
}

function tokenize(text: string): string[] {
  const plain = text.replace(/\b(0[xX][0-9a-fA-F]+|\d+)[uUlL]+\b/g, "$1");
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < plain.trimEnd().length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(plain);
    if (match === null) {
      throw new SyntaxError(`Cannot read "${plain.slice(at)}" as C`);
    }
    tokens.push(match[1]);
  }
  return tokens;
}

class Parser {
  #at = 0;
  readonly #tokens: string[];
  readonly #scope: Scope;

  constructor(tokens: string[], scope: Scope) {
    this.#tokens = tokens;
    this.#scope = scope;
  }

  get atEnd(): boolean {
    return this.#at === this.#tokens.length;
  }

  #next(): string {
    if (this.atEnd) throw new SyntaxError("Expression ends too early");
    return this.#tokens[this.#at++];
  }

  #take(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false;
    this.#at++;
    return true;
  }

  #expect(token: string): void {
    if (!this.#take(token)) throw new SyntaxError(`Expected "${token}"`);
  }

  binary(level = 0): bigint {
    if (level === LEVELS.length) return this.#unary();
    let left = this.binary(level + 1);
    while (this.#tokens[this.#at] in LEVELS[level]) {
      const apply = LEVELS[level][this.#next()];
      left = apply(left, this.binary(level + 1));
    }
    return left;
  }

  #unary(): bigint {
    if (this.#take("-")) return -this.#unary();
    if (this.#take("~")) return ~this.#unary();
    if (this.#take("!")) return truth(this.#unary() === 0n);
    if (this.#take("(")) return this.#parenthesis();
    const token = this.#next();
    if (/^\d/.test(token)) return BigInt(token);
    if (token !== "defined") return this.#scope.value(token);
    const wrapped = this.#take("(");
    const name = this.#next();
    if (wrapped) this.#expect(")");
    return truth(this.#scope.defined(name));
  }

  #parenthesis(): bigint {
    const start = this.#at;
    while (CAST_WORDS.has(this.#tokens[this.#at])) this.#at++;
    const cast = this.#tokens.slice(start, this.#at);
    if (cast.length > 0) {
      this.#expect(")");
      const value = this.#unary();
      return cast.includes("unsigned") || cast.includes("size_t")
        ? BigInt.asUintN(64, value)
        : value;
    }
    const value = this.binary();
    this.#expect(")");
    return value;
  }
}

/** The value of a C expression; throws a SyntaxError if it is none. */
export function evaluate(text: string, scope: Scope): bigint {
  const parser = new Parser(tokenize(text), scope);
  const value = parser.binary();
  if (!parser.atEnd) throw new SyntaxError(`More than one value in "${text}"`);
  return value;
}
