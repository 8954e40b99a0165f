/** Text for terminals. */
import { pc } from "./colours.ts";

const ESCAPE = String.fromCodePoint(0x1b);
const BELL = String.fromCodePoint(0x07);
/** Colours, cursor movements, titles of windows: what a terminal would obey. */
const SEQUENCES = new RegExp(
  [
    String.raw`${ESCAPE}\[[0-?]*[ -/]*[@-~]`,
    String.raw`${ESCAPE}\][^${BELL}${ESCAPE}]*(?:${BELL}|${ESCAPE}\\)?`,
    String.raw`${ESCAPE}.`,
  ].join("|"),
  "gu",
);

/** `85ms`, `1.3s`, `3m05s`, `1h02m`. */
export function shortDuration(ms: number): string {
  const whole = Math.max(0, Math.round(ms));
  return whole < 1_000 ? `${whole}ms` : clock(whole);
}

/** The same for what goes on, without jumping from unit to unit: `0.1s`, `1.3s`, `3m05s`. */
export function clock(ms: number): string {
  const tenths = Math.floor(Math.max(0, ms) / 100);
  if (tenths < 600) return `${(tenths / 10).toFixed(1)}s`;
  const minutes = Math.floor(tenths / 600);
  if (minutes < 60) return `${minutes}m${pad(Math.floor((tenths % 600) / 10))}s`;
  return `${Math.floor(minutes / 60)}h${pad(minutes % 60)}m`;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}

/** What somebody else's program printed, without what a terminal would obey; of a line that was written over, the last state. */
export function harmless(text: string): string {
  return text
    .replaceAll(SEQUENCES, "")
    .split(/\r?\n/)
    .map((line) => (line.split("\r").findLast((state) => state !== "") ?? "").replaceAll("\t", "  "))
    .map((line) => line.replaceAll(/\p{Cc}/gu, ""))
    .join("\n");
}

/** `harmless`, in one line. */
export function oneLine(text: string): string {
  return harmless(text)
    .replaceAll(/\s*\n\s*/g, " ")
    .trim();
}

/** What is left at least of a column that gives way. */
const NARROW = 4;
const GAP = "  ";

export interface ColumnOptions {
  /** Of the terminal, in characters. Default: as much as it takes. */
  readonly width?: number;
  /** The column that is meant to be copied, and is never cut. Default: none. */
  readonly whole?: number;
}

/** Columns, the first row being the head. */
export function table(rows: readonly (readonly string[])[], options: ColumnOptions): string[] {
  return columns(rows, options).map((line, i) => (i === 0 ? pc.dim(line) : line));
}

/** Each row as a line, its cells under each other. Where that is too wide, the widest column is cut to what is left. */
export function columns(
  rows: readonly (readonly string[])[],
  { width = Number.POSITIVE_INFINITY, whole }: ColumnOptions = {},
): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  narrow(widths, width - GAP.length * (widths.length - 1), whole);
  return rows.map((row) => {
    const cells = row.map((cell, i) => cut(cell, widths[i] ?? 0).padEnd(widths[i] ?? 0));
    return cut(cells.join(GAP).trimEnd(), width);
  });
}

function narrow(widths: number[], room: number, whole: number | undefined): void {
  for (;;) {
    const over = widths.reduce((sum, each) => sum + each, 0) - room;
    const widest = Math.max(...widths.filter((_, i) => i !== whole));
    if (over <= 0 || widest <= NARROW) return;
    const at = widths.findIndex((each, i) => each === widest && i !== whole);
    widths[at] = Math.max(NARROW, widest - over);
  }
}

/** `1 task`, `2 tasks` */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

export function cut(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text;
}

const COLOURS: Readonly<Record<string, (text: string) => string>> = {
  completed: pc.green,
  failed: pc.red,
  crashed: pc.red,
  cancelled: pc.yellow,
  upstream_failed: pc.yellow,
  skipped: pc.dim,
  running: pc.cyan,
  retrying: pc.yellow,
};

export function coloured(state: string, text: string = state): string {
  return (COLOURS[state] ?? ((plain: string) => plain))(text);
}
