/** Prints figures in columns, a row as soon as it is known. */

const coloured = Deno.stdout.isTerminal() && !Deno.noColor;

function style(code: number): (text: string) => string {
  return (text) => coloured ? `\x1b[${code}m${text}\x1b[0m` : text;
}

/** Text styles; plain unless standard output is a terminal. */
export const bold: (text: string) => string = style(1);
export const dim: (text: string) => string = style(2);
export const green: (text: string) => string = style(32);
export const yellow: (text: string) => string = style(33);

/** A column: its heading, a line each, and its width. */
export interface Column {
  heading: [string, string];
  width: number;
}

/** A figure; `null` is one that cannot be known. */
export type Cell = number | null;

function show(cell: Cell): string {
  return cell === null ? "–" : Math.round(cell).toLocaleString("en");
}

/** A table whose first column holds labels. */
export class Table {
  readonly #labels: number;
  readonly #columns: Column[];

  constructor(labels: number, columns: Column[]) {
    this.#labels = labels;
    this.#columns = columns;
  }

  /** Prints the two heading lines and a rule. */
  head(): void {
    for (const line of [0, 1]) {
      console.log(bold(this.#line("", (column) => column.heading[line])));
    }
    console.log(dim("─".repeat(this.#line("", () => "").length)));
  }

  /** Prints one row; `paint` colours it. */
  row(label: string, cells: Cell[], paint = (text: string) => text): void {
    console.log(paint(this.#line(label, (_, index) => show(cells[index]))));
  }

  #line(label: string, text: (column: Column, index: number) => string) {
    return label.padEnd(this.#labels) +
      this.#columns.map((column, index) =>
        text(column, index).padStart(column.width)
      ).join("");
  }
}
