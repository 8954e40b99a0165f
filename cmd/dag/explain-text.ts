/** Why a run stands where it stands, for a person. */
import type { Ending } from "../../internal/core/endings.ts";
import { instanceName } from "../../internal/core/instance-name.ts";
import type { RunFold } from "../../internal/core/run-fold.ts";
import { obstaclesOf } from "../../internal/core/waiting.ts";
import { instanceCounts } from "../../internal/telemetry/instance-counts.ts";
import { instanceStates, severalOf, taskStates } from "../../internal/telemetry/observed-state.ts";
import { coloured, counted, shortDuration } from "../../internal/telemetry/text.ts";
import {
  groupWaits,
  obstacleText,
  some,
  type WaitGroup,
  waitDetail,
} from "../../internal/telemetry/waiting-text.ts";
import type { Explanation } from "./explain.ts";
import { describeEnding, lastEndings, voidCounts } from "./explained.ts";

const SHOWN_TASKS = 5;
/** So few are shown with what is different for each of them. */
const SHOWN_DETAILS = 10;

/** By reason; of very many tasks as many lines as there are reasons. */
export function runExplained(explained: Explanation, width: number): string[] {
  const { run, now } = explained;
  const until = run.end === undefined ? now : run.endedAt;
  const state = run.end ?? "running";
  const title = `${run.submitted.dagName}  ${coloured(state)}  ${shortDuration(until - run.begunAt)}  (run ${run.runId})`;
  const lines = [
    ...(run.endMessage === "" ? [] : [run.endMessage]),
    ...countsLines(explained),
    ...noticesOf(explained),
    ...groupWaits(explained.waits).flatMap((group) => groupLines(group, explained)),
    ...failures(explained, width),
    ...voidLine(explained.endings),
  ];
  return [title, ...lines.map((line) => `  ${line}`)];
}

/** What a run that goes on cannot do without; also where nothing of it waits for that just now. */
export function noticesOf({ run, view, waits }: Explanation): string[] {
  if (run.end !== undefined) return [];
  const tasks = [...waits].flatMap(([instance, { kind }]) =>
    kind === "upstream" ? [] : run.taskOf(instance),
  );
  const texts = obstaclesOf(view, tasks).map((obstacle) => `! ${obstacleText(obstacle)}`);
  return [...new Set(texts)];
}

/** Of all tasks, and of each that has several instances. */
function countsLines(explained: Explanation): string[] {
  const { run } = explained;
  const { openTasks } = run.instances;
  const states = taskStates(explained);
  const counts = ENDS.flatMap((state) => (states.has(state) ? [`${states.get(state)} ${state}`] : []));
  const all = [...(openTasks === 0 ? [] : [`${openTasks} unfinished`]), ...counts];
  const several = severalOf(run);
  const more = several.length - SHOWN_DETAILS;
  return [
    `${counted(run.graph.size, "task")}: ${all.join(", ")}`,
    ...several
      .slice(0, SHOWN_DETAILS)
      .map((each) => `  ${run.task(each).id}: ${instanceCounts(instanceStates(explained, each))}`),
    ...(more > 0 ? [`  … and ${counted(more, "more task")} with several instances`] : []),
  ];
}

const ENDS = [
  "completed",
  "failed",
  "crashed",
  "cancelled",
  "skipped",
  "filtered",
  "upstream_failed",
] as const;

function groupLines({ text, instances }: WaitGroup, explained: Explanation): string[] {
  const head = `${instances.length} ${text}`;
  const shown = instances.slice(0, SHOWN_DETAILS);
  const details = shown.map((instance) => detailOf(instance, explained));
  if (details.every((detail) => detail === "")) return [`${head}: ${someNames(instances, explained.run)}`];
  const lines = shown.map((instance, i) => `  ${nameOf(instance, explained.run)} ${details[i]}`);
  const more = instances.length - shown.length;
  return [`${head}:`, ...lines, ...(more > 0 ? [`  … and ${more} more`] : [])];
}

function detailOf(instance: number, explained: Explanation): string {
  const wait = explained.waits.get(instance);
  return wait === undefined ? "" : waitDetail(wait, explained);
}

export function nameOf(instance: number, run: RunFold): string {
  const isOneOfSeveral = run.instances.countOf(run.instances.positionOf(instance)) > 1;
  return instanceName(run.idOf({ instance, attempt: 0 }), { isOneOfSeveral });
}

/** Of several instances of a task how many they are. */
function someNames(instances: readonly number[], run: RunFold): string {
  const byTask = new Map<string, number[]>();
  for (const instance of instances) {
    const { id } = run.taskOf(instance);
    const known = byTask.get(id);
    if (known === undefined) byTask.set(id, [instance]);
    else known.push(instance);
  }
  const names = [...byTask].map(([id, own]) => {
    const [first = 0] = own;
    return own.length === 1 ? nameOf(first, run) : `${id} (${own.length} instances)`;
  });
  return some(names, SHOWN_TASKS);
}

/** Those that did not succeed, with how their last attempt ended. */
function failures({ run, endings }: Explanation, width: number): string[] {
  const last = lastEndings({ run, endings });
  const bad = run.graph.dag.tasks.flatMap((_task, position) =>
    run.instances.of(position).filter((instance) => {
      const state = run.instances.state(instance);
      return (state === "failed" || state === "crashed") && last.has(instance);
    }),
  );
  const lines = bad.slice(0, SHOWN_DETAILS).flatMap((instance) => {
    const ending = last.get(instance);
    if (ending === undefined) return [];
    const line = `${nameOf(instance, run)} ${run.instances.state(instance)}: ${describeEnding(ending)}`;
    return [line.slice(0, Math.max(width - 2, 40))];
  });
  const more = bad.length - lines.length;
  return [...lines, ...(more > 0 ? [`… and ${more} more that failed`] : [])];
}

function voidLine(endings: readonly Ending[]): string[] {
  const counts = Object.entries(voidCounts(endings));
  if (counts.length === 0) return [];
  const total = counts.reduce((sum, [, n]) => sum + n, 0);
  return [
    `${counted(total, "outcome")} did not count: ${counts.map(([why, n]) => `${n} ${why}`).join(", ")}`,
  ];
}
