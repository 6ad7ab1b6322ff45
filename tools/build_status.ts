/**
 * Says what a long job is doing: in a terminal on one line that is kept up to
 * date, elsewhere on a line for each step.
 *
 * @module
 */

const TICK_MS = 120;
const FRAMES = [..."⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"];

const encoder = new TextEncoder();

/** The line that says what is being done. */
export class Status {
  readonly #live = Deno.stderr.isTerminal();
  readonly #title: string;
  readonly #start = performance.now();
  #step = "";
  #detail = "";
  #frame = 0;
  #timer?: ReturnType<typeof setInterval>;

  constructor(title: string) {
    this.#title = title;
  }

  /** The next thing is being done; a detail is not worth a line of its own. */
  step(text: string, detail = ""): void {
    const isNew = text !== this.#step;
    this.#step = text;
    this.#detail = detail;
    if (!this.#live) {
      if (isNew) console.error(`${this.#title}: ${text} [${this.elapsed}]`);
      return;
    }
    this.#timer ??= setInterval(() => this.#draw(), TICK_MS);
    this.#draw();
  }

  /** Minutes and seconds up to now, such as `1:07`. */
  get elapsed(): string {
    const seconds = Math.round((performance.now() - this.#start) / 1000);
    return `${Math.floor(seconds / 60)}:${`${seconds % 60}`.padStart(2, "0")}`;
  }

  /** Takes the line away. */
  [Symbol.dispose](): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    write("\r\x1b[K");
  }

  #draw(): void {
    const frame = FRAMES[this.#frame++ % FRAMES.length];
    const step = `${this.#step} ${this.#detail}`.trimEnd();
    const line = `${frame} ${this.#title}: ${step} [${this.elapsed}]`;
    // Some terminals do not know their width.
    const width = Deno.consoleSize().columns || 80;
    write(`\r\x1b[K${line.slice(0, width - 1)}`);
  }
}

function write(text: string): void {
  Deno.stderr.writeSync(encoder.encode(text));
}
