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

/** Columns as wide as their widest cell; the first row is the head. */
export function table(rows: readonly (readonly string[])[], width: number): string[] {
  return columns(rows).map((line, i) => {
    const fit = cut(line, width);
    return i === 0 ? pc.dim(fit) : fit;
  });
}

/** Each row as a line, its cells under each other. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
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
  running: pc.cyan,
  retrying: pc.yellow,
};

export function coloured(state: string, text: string = state): string {
  return (COLOURS[state] ?? ((plain: string) => plain))(text);
}
