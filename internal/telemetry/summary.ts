/** The end of a run, for a person. */
import { pc } from "./colours.ts";
import type { JsonObject } from "../core/json.ts";
import type { RunResult, TaskResult } from "../core/result.ts";
import { artifactsText } from "./artifact-text.ts";
import { failureLines, linesOf, OUTPUT_LINES, skipLines } from "./failures.ts";
import { tallies, taskTable } from "./task-table.ts";
import { coloured, columns, oneLine } from "./text.ts";

const MAX_RESULTS = 5;

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
  const lines = [
    "",
    ...taskTable(tasks, width),
    ...skipLines(tasks),
    ...failureLines(tasks),
    "",
    coloured(result.state, pc.bold(title(result.state))),
    `DAG: ${oneLine(result.dag)}`,
    `Run: ${result.runId}`,
    ...tallies(result),
    ...(result.message === undefined ? [] : [`Reason: ${oneLine(result.message)}`]),
    `Duration: ${(result.durationMs / 1_000).toFixed(2)}s`,
    ...leaves.slice(0, MAX_RESULTS).flatMap((id) => outcomeOf(id, result.tasks[id])),
    ...advice(next, width),
  ];
  return `${lines.join("\n")}\n`;
}

/** What a task that nothing depends on has come to. */
function outcomeOf(id: string, task: TaskResult | undefined): string[] {
  if (task?.state !== "completed") return [];
  return [...outputOf(id, task.output ?? {}), ...artifactsOf(id, task)];
}

function outputOf(id: string, output: JsonObject): string[] {
  const lines = Object.keys(output).length === 0 ? [] : linesOf(readable(output));
  if (lines.length === 0) return [];
  const more = lines.length - OUTPUT_LINES;
  return [
    "",
    pc.bold(`Output of ${id}:`),
    ...lines.slice(0, OUTPUT_LINES).map((line) => `  ${line}`),
    ...(more > 0 ? [pc.dim(`  … and ${more} more lines`)] : []),
  ];
}

function artifactsOf(id: string, { artifacts, instances }: TaskResult): string[] {
  const all = artifacts ?? instances?.flatMap((each) => each.artifacts ?? []) ?? [];
  return all.length === 0 ? [] : ["", `${pc.bold(`Artifacts of ${id}:`)} ${artifactsText(all)}`];
}

/** Of a script: what it printed, and what it handed over; of everything else the whole. */
function readable(output: JsonObject): (JsonObject[string] | undefined)[] {
  if (typeof output.exit_code !== "number") return [output];
  const { stdout, stderr, exit_code: _, ...more } = output;
  return [stdout, stderr, ...(Object.keys(more).length > 0 ? [more] : [])];
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
