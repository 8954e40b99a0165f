/** What went wrong in a run, and what was skipped: of very many the first. */
import { pc } from "./colours.ts";
import { instanceName } from "../core/instance-name.ts";
import type { JsonObject } from "../core/json.ts";
import type { InstanceResult, TaskResult } from "../core/result.ts";
import { localTime } from "./local-time.ts";
import type { TaskRow } from "./task-table.ts";
import { artifactName } from "./artifact-text.ts";
import { counted, cut, harmless, oneLine } from "./text.ts";

export const OUTPUT_LINES = 20;
const LINE_LENGTH = 1_000;
const MAX_FAILURES = 10;
/** Of a task with several instances so few are told that failed, with less of their output. */
const MAX_INSTANCES = 5;
const OUTPUT_LINES_OF_SEVERAL = 5;
const MAX_MESSAGES = 20;

/** Why what was skipped by its own word was; what depends on it has no word of its own. */
export function skipLines(tasks: readonly TaskRow[]): string[] {
  const all = tasks.flatMap(([task, result]) =>
    instancesOf(task, result).filter(([, { skipped }]) => skipped !== undefined),
  );
  const more = all.length - MAX_FAILURES;
  if (all.length === 0) return [];
  const told = all
    .slice(0, MAX_FAILURES)
    .map(([name, { skipped = "" }]) => pc.dim(`- ${name} skipped: ${oneLine(skipped)}`));
  return ["", ...told, ...(more > 0 ? [pc.dim(`… and ${more} more`)] : [])];
}

type Instance = readonly [name: string, result: InstanceResult];

/** A task's instances with their names. */
function instancesOf(task: string, result: TaskResult): Instance[] {
  const { instances } = result;
  if (instances === undefined) return [[task, result]];
  return instances.map((each, index) => [instanceName({ task, index }, { isOneOfSeveral: true }), each]);
}

/** By task, the instances that did not come to what they should. What was cancelled with the run has the run's own reason, which is told once. */
function failuresOf(tasks: readonly TaskRow[]): { readonly task: string; readonly all: Instance[] }[] {
  return tasks.flatMap(([task, result]) => {
    const all = instancesOf(task, result).filter(
      ([, { state, error }]) => isBad(state) && error !== undefined,
    );
    return all.length === 0 ? [] : [{ task, all }];
  });
}

function isBad(state: TaskResult["state"]): boolean {
  return state !== "completed" && state !== "skipped" && state !== "filtered" && state !== "cancelled";
}

/** Of many tasks the first are told, and of each the first of its instances, with the last that they printed. */
export function failureLines(tasks: readonly TaskRow[]): string[] {
  const failures = failuresOf(tasks);
  const more = failures.length - MAX_FAILURES;
  const names = artifactNames(tasks, failures);
  return [
    ...failures.slice(0, MAX_FAILURES).flatMap(({ task, all }) => {
      const lines = all.length === 1 ? OUTPUT_LINES : OUTPUT_LINES_OF_SEVERAL;
      const left = all.length - MAX_INSTANCES;
      return [
        ...all.slice(0, MAX_INSTANCES).flatMap(([name, each]) => failure(name, each, { lines, names })),
        ...(left > 0 ? ["", pc.dim(`… and ${counted(left, "more instance")} of ${task} failed`)] : []),
      ];
    }),
    ...(more > 0 ? ["", pc.dim(`… and ${more} more failures`)] : []),
  ];
}

function failure(
  name: string,
  { error, output, losses = [], runsFor = "" }: InstanceResult,
  { lines, names }: { readonly lines: number; readonly names: ReadonlyMap<string, string> },
): string[] {
  const what = names.get(runsFor);
  const which = what === undefined ? name : `${name} (${what})`;
  const printed = linesOf(output === undefined ? [] : [output.stdout, output.stderr, output.body]);
  const last = printed.slice(-lines).map((line) => pc.dim(`  │ ${line}`));
  const lost = losses.map(({ attempt, time, message }) =>
    pc.dim(`  │ attempt ${attempt} lost at ${localTime(time)}: ${oneLine(message)}`),
  );
  return ["", `${pc.red("✗")} ${which}: ${oneLine(error?.message ?? "")}`, ...lost, ...last];
}

/** By id, those that failed instances were launched for. */
function artifactNames(
  tasks: readonly TaskRow[],
  failures: ReturnType<typeof failuresOf>,
): ReadonlyMap<string, string> {
  const wanted = new Set(failures.flatMap(({ all }) => all.flatMap(([, { runsFor }]) => runsFor ?? [])));
  const names = new Map<string, string>();
  if (wanted.size === 0) return names;
  for (const [, task] of tasks) {
    for (const { artifacts = [] } of task.instances ?? [task]) {
      for (const each of artifacts) if (wanted.has(each.id)) names.set(each.id, artifactName(each));
    }
  }
  return names;
}

/** What was skipped, failed, or failed and is tried again, in a line each. */
export function messageLines(tasks: readonly TaskRow[]): string[] {
  const all = tasks.flatMap(([task, result]) => {
    const lines = instancesOf(task, result).flatMap(([name, { state, error, skipped }]) => {
      if (skipped !== undefined) return [`Task '${name}' skipped: ${oneLine(skipped)}`];
      return error === undefined || state === "cancelled" ? [] : [error.message];
    });
    const more = lines.length - MAX_INSTANCES;
    return more > 0 ? [...lines.slice(0, MAX_INSTANCES), `… and ${more} more of ${task}`] : lines;
  });
  const more = all.length - MAX_MESSAGES;
  return more > 0 ? [...all.slice(0, MAX_MESSAGES), `… and ${more} more`] : all;
}

/** The lines of what was printed, as they may be shown. */
export function linesOf(values: readonly (JsonObject[string] | undefined)[]): string[] {
  return values.flatMap((value) => {
    if (value === undefined || value === null) return [];
    const text = harmless(typeof value === "string" ? value : JSON.stringify(value, null, 2)).trimEnd();
    return text === "" ? [] : text.split("\n").map((line) => cut(line, LINE_LENGTH));
  });
}
