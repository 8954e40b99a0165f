/** What a fault test has to show: one row of the report, its bounds, and the table of all rows. */
import type { Findings } from "./checker.ts";
import type { Measured } from "./measures.ts";

/** In milliseconds; a test fails only at three times a bound. */
export interface Bounds {
  readonly p50?: number;
  readonly p99?: number;
  readonly max?: number;
}

export interface Row {
  readonly fault: string;
  /** How often it was done. */
  readonly trials: number;
  readonly hit: number;
  readonly recovered: number;
  readonly detectionMs: Spread | undefined;
  readonly recoveryMs: Spread | undefined;
  readonly bounds: Bounds;
  readonly runs: number;
  readonly doubled: number;
  readonly again: number;
  readonly explainedBy: Readonly<Record<string, number>>;
  readonly voids: Readonly<Record<string, number>>;
  readonly lost: number;
}

export interface Spread {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

declare module "vitest" {
  interface TaskMeta {
    row?: Row;
  }
}

/** `undefined` of nothing. */
export function spread(values: readonly number[]): Spread | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    Math.round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0);
  return sorted.length === 0 ? undefined : { p50: at(0.5), p99: at(0.99), max: at(1) };
}

export interface Shown {
  readonly fault: string;
  readonly trials: number;
  readonly runs: number;
  readonly measured?: Partial<Measured>;
  readonly bounds?: Bounds;
  readonly findings: Findings;
}

export function rowOf({ fault, trials, runs, measured = {}, bounds = {}, findings }: Shown): Row {
  const { hit = trials, recovered = hit, detectionMs = [], recoveryMs = [] } = measured;
  const { doubled, again, explainedBy, voids, lost } = findings;
  return {
    fault,
    trials,
    hit,
    recovered,
    detectionMs: spread(detectionMs),
    recoveryMs: spread(recoveryMs),
    bounds,
    runs,
    doubled,
    again,
    explainedBy,
    voids,
    lost: lost.length,
  };
}

const TOLERANCE = 3;

/** What is wrong with a row's times; none where there are no bounds. */
export function tooSlow({ recoveryMs, bounds }: Row): string[] {
  return (["p50", "p99", "max"] as const).flatMap((name) => {
    const bound = bounds[name];
    const value = recoveryMs?.[name];
    if (bound === undefined) return [];
    if (value === undefined) return [`${name} of the recovery was not measured`];
    return value > TOLERANCE * bound ? [`${name} of the recovery: ${value} ms, bound ${bound} ms`] : [];
  });
}

/** Times in seconds, as p50 / p99 / max. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.fault,
    String(row.trials),
    `${row.recovered} of ${row.hit}`,
    shownSpread(row.detectionMs),
    shownSpread(row.recoveryMs),
    String(row.again),
    `${row.doubled}`,
    String(Object.values(row.voids).reduce((sum, n) => sum + n, 0)),
    String(row.lost),
  ]);
  const head = [
    "fault",
    "trials",
    "recovered",
    "detection s",
    "recovery s",
    "again",
    "doubled",
    "void",
    "lost",
  ];
  const widths = head.map((name, i) => Math.max(name.length, ...cells.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(head), rule, ...cells.map(line)].join("\n");
}

function shownSpread(value: Spread | undefined): string {
  if (value === undefined) return "-";
  return [value.p50, value.p99, value.max].map((ms) => (ms / 1_000).toFixed(2)).join(" / ");
}
