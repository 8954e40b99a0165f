/** The tasks of a run, a row each. */
import { pc } from "./colours.ts";
import type { InstanceResult, RunResult, TaskResult } from "../core/result.ts";
import { countStates, instanceCounts } from "./instance-counts.ts";
import { coloured, counted, shortDuration, table } from "./text.ts";

const MAX_ROWS = 40;

export type TaskRow = readonly [id: string, task: TaskResult];

/** Of many tasks some are shown, those first that a person has to know of, and the others are counted. */
export function taskTable(tasks: readonly TaskRow[], width: number): string[] {
  if (tasks.length === 0) return [];
  const shown = tasks.length <= MAX_ROWS ? tasks : tasks.toSorted(byUrgency).slice(0, MAX_ROWS);
  const hasSeveral = shown.some(([, { instances }]) => instances !== undefined);
  const rows = shown.map(([id, task]) => {
    const { state } = task;
    return [id, state, ...(hasSeveral ? [countsCell(task)] : []), ...attemptCells(task)];
  });
  const head = ["TASK", "STATE", ...(hasSeveral ? ["INSTANCES"] : []), "TRIES", "WORKER", "TIME"];
  const [first = "", ...body] = table([head, ...rows], { width });
  const painted = body.map((line, i) =>
    line.replace(` ${rows[i]?.[1] ?? ""}`, (match) => coloured(rows[i]?.[1] ?? "", match)),
  );
  return [first, ...painted, ...others(tasks, shown)];
}

function countsCell({ instances }: TaskResult): string {
  return instances === undefined ? "" : instanceCounts(countStates(instances.map(({ state }) => state)));
}

/** Of several instances the most attempts that one had, and the longest that one took. */
function attemptCells(task: TaskResult): string[] {
  const all: readonly InstanceResult[] = task.instances ?? [task];
  let attempts = 0;
  let longest = -1;
  const workers = new Set<string>();
  for (const { attempts: each, worker, durationMs = -1 } of all) {
    attempts = Math.max(attempts, each);
    longest = Math.max(longest, durationMs);
    if (worker !== undefined) workers.add(worker);
  }
  const [worker = ""] = workers;
  return [
    attempts === 0 ? "" : String(attempts),
    workers.size > 1 ? counted(workers.size, "worker") : worker,
    longest < 0 ? "" : shortDuration(longest),
  ];
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

function byUrgency([, a]: TaskRow, [, b]: TaskRow): number {
  return urgencyOf(a.state) - urgencyOf(b.state);
}

/** What a person has to know of first has the least. */
export function urgencyOf(state: TaskResult["state"]): number {
  const at = URGENCY.indexOf(state);
  return at < 0 ? URGENCY.length : at;
}

/** `… and 60 more tasks: 57 completed, 3 pending` */
function others(tasks: readonly TaskRow[], shown: readonly TaskRow[]): string[] {
  const more = tasks.length - shown.length;
  if (more === 0) return [];
  const counts = new Map<string, number>();
  for (const [, { state }] of tasks) counts.set(state, (counts.get(state) ?? 0) + 1);
  for (const [, { state }] of shown) counts.set(state, (counts.get(state) ?? 0) - 1);
  const left = [...counts].filter(([, n]) => n > 0).map(([state, n]) => `${n} ${state}`);
  return [pc.dim(`… and ${counted(more, "more task")}: ${left.join(", ")}`)];
}

/** `Tasks Succeeded: 3`, and so on; where tasks have several instances, these too. */
export function tallies({ tasks }: Pick<RunResult, "tasks">): string[] {
  const all = Object.values(tasks);
  const counts = countStates(all.map(({ state }) => state));
  const of = (state: TaskResult["state"]): number => counts.get(state) ?? 0;
  const ends = OTHER_ENDS.flatMap(([state, name]) =>
    of(state) === 0 ? [] : [`Tasks ${name}: ${of(state)}`],
  );
  const several = all.flatMap(({ instances }) => (instances === undefined ? [] : [instances]));
  const whole = instanceCounts(countStates(several.flat().map(({ state }) => state)));
  return [
    `Tasks Succeeded: ${of("completed")}`,
    `Tasks Failed: ${of("failed") + of("crashed")}`,
    ...ends,
    ...(several.length === 0
      ? []
      : [`Instances Succeeded: ${whole} (of ${counted(several.length, "task")})`]),
  ];
}

const OTHER_ENDS = [
  ["skipped", "Skipped"],
  ["filtered", "Filtered"],
  ["upstream_failed", "Upstream Failed"],
  ["cancelled", "Cancelled"],
] as const;
