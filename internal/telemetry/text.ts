/** Text for terminals. */
import pc from "picocolors";

/** `0.4s`, `12.3s`, `3m05s`, `1h02m`. */
export function shortDuration(ms: number): string {
  const seconds = ms / 1_000;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 2 : 1)}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${pad(Math.floor(seconds % 60))}s`;
  return `${Math.floor(minutes / 60)}h${pad(minutes % 60)}m`;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}

/** Columns as wide as their widest cell; the first row is the head. */
export function table(rows: readonly (readonly string[])[], width: number): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  );
  return rows.map((row, i) => {
    const line = row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
    const fit = cut(line, width);
    return i === 0 ? pc.dim(fit) : fit;
  });
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
