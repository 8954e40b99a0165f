/** The end of a run, for a person. */
import pc from "picocolors";
import type { RunResult, TaskResult } from "../core/result.ts";
import { coloured, shortDuration, table } from "./text.ts";

const MAX_ROWS = 40;
const OUTPUT_LINES = 20;
const MAX_RESULTS = 5;

export interface SummaryOptions {
  /** Of the terminal, in characters. */
  readonly width: number;
  /** Tasks whose outputs are the run's results. */
  readonly leaves: readonly string[];
}

export function summary(result: RunResult, { width, leaves }: SummaryOptions): string {
  const tasks = Object.entries(result.tasks);
  const bad = tasks.filter(([, task]) => task.state !== "completed");
  const shown = tasks.length <= MAX_ROWS ? tasks : bad.slice(0, MAX_ROWS);
  const more = tasks.length - shown.length;
  const lines = [
    "",
    ...taskTable(shown, width),
    ...(more > 0 ? [pc.dim(`… and ${more} more tasks`)] : []),
    ...bad
      .filter(([, task]) => task.error !== undefined)
      .slice(0, 10)
      .flatMap(([id, task]) => failure(id, task)),
    "",
    coloured(result.state, pc.bold(title(result.state))),
    `DAG: ${result.dag}`,
    `Run: ${result.runId}`,
    `Tasks Succeeded: ${tasks.length - bad.length}`,
    `Tasks Failed: ${count(result, "failed") + count(result, "crashed")}`,
    ...others(result),
    `Duration: ${(result.durationMs / 1_000).toFixed(2)}s`,
    ...leaves.slice(0, MAX_RESULTS).flatMap((id) => outcomeOf(id, result.tasks[id])),
  ];
  return `${lines.join("\n")}\n`;
}

export function taskTable(tasks: readonly (readonly [string, TaskResult])[], width: number): string[] {
  if (tasks.length === 0) return [];
  const rows = tasks.map(([id, task]) => [
    id,
    task.state,
    task.attempts === 0 ? "" : String(task.attempts),
    task.worker ?? "",
    task.durationMs === undefined ? "" : shortDuration(task.durationMs),
  ]);
  const [head = "", ...body] = table([["TASK", "STATE", "ATTEMPTS", "WORKER", "TIME"], ...rows], width);
  return [
    head,
    ...body.map((line, i) =>
      line.replace(` ${rows[i]?.[1] ?? ""}`, (match) => coloured(rows[i]?.[1] ?? "", match)),
    ),
  ];
}

function failure(id: string, { error, output }: TaskResult): string[] {
  const printed = [output?.stdout, output?.stderr]
    .filter((text): text is string => typeof text === "string" && text !== "")
    .join("\n");
  const lines = printed === "" ? [] : printed.split("\n").slice(-OUTPUT_LINES);
  return ["", `${pc.red("✗")} ${id}: ${error?.message ?? ""}`, ...lines.map((line) => pc.dim(`  │ ${line}`))];
}

/** What a task that nothing depends on has come to. */
function outcomeOf(id: string, task: TaskResult | undefined): string[] {
  if (task?.state !== "completed" || task.output === undefined) return [];
  const lines = JSON.stringify(task.output, null, 2).split("\n");
  const more =
    lines.length > OUTPUT_LINES ? [pc.dim(`  … and ${lines.length - OUTPUT_LINES} more lines`)] : [];
  return [
    "",
    pc.bold(`Output of ${id}:`),
    ...lines.slice(0, OUTPUT_LINES).map((line) => `  ${line}`),
    ...more,
  ];
}

function title(state: RunResult["state"]): string {
  return state === "completed" ? "DAG EXECUTION COMPLETE" : `DAG EXECUTION ${state.toUpperCase()}`;
}

function others(result: RunResult): string[] {
  return (["upstream_failed", "cancelled"] as const).flatMap((state) => {
    const number = count(result, state);
    const name = state === "cancelled" ? "Cancelled" : "Upstream Failed";
    return number === 0 ? [] : [`Tasks ${name}: ${number}`];
  });
}

function count({ tasks }: RunResult, state: TaskResult["state"]): number {
  return Object.values(tasks).filter((task) => task.state === state).length;
}
