/**
 * Draws the figures of results.md: for each job a bar for each peer, the longer
 * the faster.
 *
 * Run it as `deno run -A bench/picture.ts`; it writes results.svg.
 *
 * @module
 */

/** A job, and how fast each peer did it. */
interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly bars: readonly { peer: string; value: number }[];
}

/** The peers that are drawn, with their colours, which do on black and white. */
const PEERS = new Map([
  ["ours", "#2f6fdb"],
  ["C", "#8a8f98"],
  ["PycURL", "#c98a1b"],
  ["fetch", "#3f9a5f"],
]);

/** The columns that tell a speed. */
const SPEEDS = ["requests/s", "GB/s"];

const COLUMNS = 2;
const WIDTH = 490;
const LABELS = 62;
const BARS = 270;
const HEAD = 34;
const ROW = 22;
const GAP = 14;

/** The jobs in the text of results.md that have a speed. */
export function readPanels(markdown: string): Panel[] {
  return markdown.split(/^## /m).slice(1).flatMap((section) => {
    const [title, ...lines] = section.split("\n");
    // The figures come first, then the targets.
    const rows = lines.join("\n").trim().split("\n\n")[0].split("\n")
      .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
    const [head, , ...body] = rows;
    const column = head.findIndex((name) => SPEEDS.includes(name));
    const bars = body
      .filter(([peer]) => PEERS.has(peer))
      .map((cells) => ({ peer: cells[0], value: parseFloat(cells[column]) }))
      .filter(({ value }) => value > 0);
    return column < 0 || bars.length < 2
      ? []
      : [{ title, unit: head[column], bars }];
  });
}

/** The picture, as SVG that follows the reader's light or dark theme. */
export function draw(panels: readonly Panel[]): string {
  const height = HEAD + PEERS.size * ROW + GAP;
  const rows = Math.ceil(panels.length / COLUMNS);
  const drawn = panels.map((panel, index) => {
    const x = index % COLUMNS * WIDTH;
    const y = Math.floor(index / COLUMNS) * height;
    return `<g transform="translate(${x} ${y})">${drawPanel(panel)}</g>`;
  });
  const [w, h] = [COLUMNS * WIDTH, rows * height];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" role="img">
<title>Speeds of @denocurl/curl beside others: the longer the faster</title>
<style>
text { font: 12px system-ui, sans-serif; fill: #24292f; }
.title { font-weight: 600; }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3; } }
</style>
${drawn.join("\n")}
</svg>
`;
}

function drawPanel({ title, unit, bars }: Panel): string {
  const most = Math.max(...bars.map(({ value }) => value));
  const parts = bars.map(({ peer, value }, index) => {
    const y = HEAD + index * ROW;
    const width = Math.max(1, Math.round(value / most * BARS));
    const text = y + ROW - 9;
    return `
<text x="${LABELS - 6}" y="${text}" text-anchor="end">${escape(peer)}</text>
<rect x="${LABELS}" y="${y}" width="${width}" height="${
      ROW - 6
    }" rx="2" fill="${PEERS.get(peer)}"/>
<text x="${LABELS + width + 6}" y="${text}">${format(value)}</text>`;
  });
  return `<text class="title" x="8" y="20">${
    escape(`${title}: ${unit}`)
  }</text>${parts.join("")}`;
}

function format(value: number): string {
  return value >= 1000
    ? `${(value / 1000).toFixed(1)} k`
    : `${Number(value.toPrecision(3))}`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

/** Draws results.md anew. */
export function drawResults(): void {
  const at = (name: string) => new URL(name, import.meta.url);
  const panels = readPanels(Deno.readTextFileSync(at("results.md")));
  Deno.writeTextFileSync(at("results.svg"), draw(panels));
}

if (import.meta.main) drawResults();
