/** The end of a run, for a person. */
import { pc } from "./colours.ts";
import type { JsonObject } from "../core/json.ts";
import type { RunResult, TaskResult } from "../core/result.ts";
import { localTime } from "./local-time.ts";
import { coloured, columns, counted, cut, harmless, oneLine, shortDuration, table } from "./text.ts";

const MAX_ROWS = 40;
const OUTPUT_LINES = 20;
const LINE_LENGTH = 1_000;
const MAX_RESULTS = 5;
const MAX_FAILURES = 10;

export type NextStep = readonly [what: string, why: string];

export interface SummaryOptions {
  /** Of the terminal, in characters; `Infinity` cuts nothing off. */
  readonly width: number;
  /** Tasks whose outputs are the run's results. */
  readonly leaves: readonly string[];
  /** What to try next: what to type, and what for. */
  readonly next: readonly NextStep[];
}

export function summary(result: RunResult, { width, leaves, next }: SummaryOptions): string {
  const tasks = Object.entries(result.tasks);
  const bad = tasks.filter(([, { state }]) => state !== "completed" && state !== "skipped");
  // What was cancelled with the run has the run's own reason, which is told once.
  const failures = bad.filter(([, { state, error }]) => error !== undefined && state !== "cancelled");
  const lines = [
    "",
    ...taskTable(tasks, width),
    ...skips(tasks),
    ...failures.slice(0, MAX_FAILURES).flatMap(([id, task]) => failure(id, task)),
    ...(failures.length > MAX_FAILURES
      ? ["", pc.dim(`… and ${failures.length - MAX_FAILURES} more failures`)]
      : []),
    "",
    coloured(result.state, pc.bold(title(result.state))),
    `DAG: ${oneLine(result.dag)}`,
    `Run: ${result.runId}`,
    `Tasks Succeeded: ${count(result, "completed")}`,
    `Tasks Failed: ${count(result, "failed") + count(result, "crashed")}`,
    ...otherEnds(result),
    ...(result.message === undefined ? [] : [`Reason: ${oneLine(result.message)}`]),
    `Duration: ${(result.durationMs / 1_000).toFixed(2)}s`,
    ...leaves.slice(0, MAX_RESULTS).flatMap((id) => outcomeOf(id, result.tasks[id])),
    ...advice(next, width),
  ];
  return `${lines.join("\n")}\n`;
}

type Row = readonly [id: string, task: TaskResult];

/** Of many tasks some are shown, those first that a person has to know of, and the others are counted. */
export function taskTable(tasks: readonly Row[], width: number): string[] {
  if (tasks.length === 0) return [];
  const shown = tasks.length <= MAX_ROWS ? tasks : tasks.toSorted(byUrgency).slice(0, MAX_ROWS);
  const rows = shown.map(([id, task]) => [
    id,
    task.state,
    task.attempts === 0 ? "" : String(task.attempts),
    task.worker ?? "",
    task.durationMs === undefined ? "" : shortDuration(task.durationMs),
  ]);
  const [head = "", ...body] = table([["TASK", "STATE", "TRIES", "WORKER", "TIME"], ...rows], { width });
  const painted = body.map((line, i) =>
    line.replace(` ${rows[i]?.[1] ?? ""}`, (match) => coloured(rows[i]?.[1] ?? "", match)),
  );
  return [head, ...painted, ...others(tasks, shown)];
}

const URGENCY = [
  "failed",
  "crashed",
  "running",
  "retrying",
  "cancelled",
  "upstream_failed",
  "queued",
  "pending",
];

function byUrgency([, a]: Row, [, b]: Row): number {
  const rank = ({ state }: TaskResult): number => {
    const at = URGENCY.indexOf(state);
    return at < 0 ? URGENCY.length : at;
  };
  return rank(a) - rank(b);
}

/** `… and 60 more tasks: 57 completed, 3 pending` */
function others(tasks: readonly Row[], shown: readonly Row[]): string[] {
  const more = tasks.length - shown.length;
  if (more === 0) return [];
  const counts = new Map<string, number>();
  for (const [, { state }] of tasks) counts.set(state, (counts.get(state) ?? 0) + 1);
  for (const [, { state }] of shown) counts.set(state, (counts.get(state) ?? 0) - 1);
  const left = [...counts].filter(([, n]) => n > 0).map(([state, n]) => `${n} ${state}`);
  return [pc.dim(`… and ${counted(more, "more task")}: ${left.join(", ")}`)];
}

/** Why what was skipped by its own word was; what depends on it has no word of its own. */
function skips(tasks: readonly Row[]): string[] {
  const all = tasks.flatMap(([id, { skipped }]) =>
    skipped === undefined ? [] : [pc.dim(`- ${id} skipped: ${oneLine(skipped)}`)],
  );
  const more = all.length - MAX_FAILURES;
  if (all.length === 0) return [];
  return ["", ...all.slice(0, MAX_FAILURES), ...(more > 0 ? [pc.dim(`… and ${more} more`)] : [])];
}

function failure(id: string, { error, output, losses = [] }: TaskResult): string[] {
  const lines = linesOf(output === undefined ? [] : [output.stdout, output.stderr, output.body]);
  const last = lines.slice(-OUTPUT_LINES).map((line) => pc.dim(`  │ ${line}`));
  const lost = losses.map(({ attempt, time, message }) =>
    pc.dim(`  │ attempt ${attempt} lost at ${localTime(time)}: ${oneLine(message)}`),
  );
  return ["", `${pc.red("✗")} ${id}: ${oneLine(error?.message ?? "")}`, ...lost, ...last];
}

/** What a task that nothing depends on has come to. */
function outcomeOf(id: string, task: TaskResult | undefined): string[] {
  if (task?.state !== "completed" || Object.keys(task.output ?? {}).length === 0) return [];
  const lines = linesOf(readable(task.output ?? {}));
  if (lines.length === 0) return [];
  const more = lines.length - OUTPUT_LINES;
  return [
    "",
    pc.bold(`Output of ${id}:`),
    ...lines.slice(0, OUTPUT_LINES).map((line) => `  ${line}`),
    ...(more > 0 ? [pc.dim(`  … and ${more} more lines`)] : []),
  ];
}

/** Of a script: what it printed, and what it handed over; of everything else the whole. */
function readable(output: JsonObject): (JsonObject[string] | undefined)[] {
  if (typeof output.exit_code !== "number") return [output];
  const { stdout, stderr, exit_code: _, ...more } = output;
  return [stdout, stderr, ...(Object.keys(more).length > 0 ? [more] : [])];
}

function linesOf(values: readonly (JsonObject[string] | undefined)[]): string[] {
  return values.flatMap((value) => {
    if (value === undefined || value === null) return [];
    const text = harmless(typeof value === "string" ? value : JSON.stringify(value, null, 2)).trimEnd();
    return text === "" ? [] : text.split("\n").map((line) => cut(line, LINE_LENGTH));
  });
}

/** Side by side where that fits: what is meant to be copied is not cut. */
function advice(next: readonly NextStep[], width: number): string[] {
  if (next.length === 0) return [];
  const lines = columns(next);
  const fits = lines.every((line) => line.length + 2 <= width);
  const shown = fits ? lines : next.flatMap(([what, why]) => [what, pc.dim(`  ${why}`)]);
  return ["", "What to try next:", ...shown.map((line) => `  ${line}`)];
}

function title(state: RunResult["state"]): string {
  return state === "completed" ? "DAG EXECUTION COMPLETE" : `DAG EXECUTION ${state.toUpperCase()}`;
}

function otherEnds(result: RunResult): string[] {
  return OTHER_ENDS.flatMap(([state, name]) => {
    const number = count(result, state);
    return number === 0 ? [] : [`Tasks ${name}: ${number}`];
  });
}

const OTHER_ENDS = [
  ["skipped", "Skipped"],
  ["upstream_failed", "Upstream Failed"],
  ["cancelled", "Cancelled"],
] as const;

function count({ tasks }: RunResult, state: TaskResult["state"]): number {
  return Object.values(tasks).filter((task) => task.state === state).length;
}
