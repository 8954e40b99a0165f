/** What a fault test has to show: one row of the report, its bounds, and the table of all rows. */
import type { Findings } from "./checker.ts";
import type { Measured } from "./measures.ts";

/** In milliseconds; a test fails only at three times a bound. */
export interface Bounds {
  readonly p50?: number;
  readonly p99?: number;
  readonly max?: number;
  /** For the longest that anything waited from the moment that it could have started. */
  readonly wait?: number;
}

export interface Row {
  readonly fault: string;
  /** How often it was done. */
  readonly trials: number;
  readonly hit: number;
  readonly recovered: number;
  readonly stuck: readonly string[];
  readonly detectionMs: Spread | undefined;
  readonly recoveryMs: Spread | undefined;
  /** The longest that anything waited from the moment that it could have started. */
  readonly longestWaitMs: number;
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
  readonly longestWaitMs: number;
  readonly measured?: Partial<Measured>;
  readonly bounds?: Bounds;
  readonly findings: Findings;
}

export function rowOf({ measured = {}, bounds = {}, findings, ...shown }: Shown): Row {
  const { fault, trials, runs, longestWaitMs } = shown;
  const { hit = trials, stuck = [], detectionMs = [], recoveryMs = [] } = measured;
  const { doubled, again, explainedBy, voids, lost } = findings;
  return {
    fault,
    trials,
    hit,
    recovered: hit - stuck.length,
    stuck,
    detectionMs: spread(detectionMs),
    recoveryMs: spread(recoveryMs),
    longestWaitMs: Math.round(longestWaitMs),
    bounds,
    runs,
    doubled,
    again,
    explainedBy,
    voids,
    lost: lost.length,
  };
}

/** A loaded machine takes its time: only what takes so many times as long as it may is a failure. */
export const TOLERANCE = 3;

/** What is wrong with a row's times; none where there are no bounds. */
export function tooSlow({ recoveryMs, longestWaitMs, bounds }: Row): string[] {
  const { p50, p99, max } = recoveryMs ?? {};
  const values = [
    ["p50 of the recovery", p50, bounds.p50],
    ["p99 of the recovery", p99, bounds.p99],
    ["max of the recovery", max, bounds.max],
    ["longest wait", longestWaitMs, bounds.wait],
  ] as const;
  return values.flatMap(([name, value, bound]) => {
    if (bound === undefined) return [];
    if (value === undefined) return [`${name}: was not measured`];
    return value > TOLERANCE * bound ? [`${name}: ${value} ms, bound ${bound} ms`] : [];
  });
}

const COLUMNS: readonly (readonly [name: string, cell: (row: Row) => string])[] = [
  ["fault", ({ fault }) => fault],
  ["trials", ({ trials }) => String(trials)],
  ["recovered", ({ recovered, hit }) => `${recovered} of ${hit}`],
  ["detection s", ({ detectionMs }) => shownSpread(detectionMs)],
  ["recovery s", ({ recoveryMs }) => shownSpread(recoveryMs)],
  ["longest wait s", ({ longestWaitMs }) => seconds(longestWaitMs)],
  ["again", ({ again }) => String(again)],
  ["doubled", ({ doubled }) => String(doubled)],
  ["void", ({ voids }) => String(Object.values(voids).reduce((sum, n) => sum + n, 0))],
  ["lost", ({ lost }) => String(lost)],
];

/** Times in seconds, as p50 / p99 / max. */
export function table(rows: readonly Row[]): string {
  const columns = COLUMNS.map(([name, cell]) => {
    const cells = rows.map(cell);
    const width = Math.max(name.length, ...cells.map((text) => text.length));
    return [name, "-".repeat(width), ...cells].map((text) => text.padEnd(width));
  });
  const lines = Array.from({ length: rows.length + 2 }, (_, i) => columns.map((column) => column[i]));
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function shownSpread(value: Spread | undefined): string {
  if (value === undefined) return "-";
  return [value.p50, value.p99, value.max].map(seconds).join(" / ");
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(2);
}
