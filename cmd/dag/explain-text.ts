/** Why a run or a task stands where it stands, for a person. */
import type { Ending } from "../../internal/core/endings.ts";
import type { Outcome } from "../../internal/core/outcome.ts";
import type { RunFold } from "../../internal/core/run-fold.ts";
import { obstaclesOf, type Wait } from "../../internal/core/waiting.ts";
import { localTime } from "../../internal/telemetry/local-time.ts";
import { coloured, counted, oneLine, shortDuration, table } from "../../internal/telemetry/text.ts";
import {
  groupWaits,
  obstacleText,
  some,
  type WaitGroup,
  waitDetail,
  waitSentence,
} from "../../internal/telemetry/waiting-text.ts";
import type { Explanation } from "./explain.ts";
import { describeEnding, taskState, voidCounts } from "./explained.ts";

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
    ...countsLine(run),
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
  const tasks = [...waits].flatMap(([position, { kind }]) => (kind === "upstream" ? [] : run.task(position)));
  const texts = obstaclesOf(view, tasks).map((obstacle) => `! ${obstacleText(obstacle)}`);
  return [...new Set(texts)];
}

function countsLine({ instances, graph }: RunFold): string[] {
  const { pending, retrying, ...ended } = instances.counts;
  const unfinished = pending + retrying;
  const counts = Object.entries(ended).flatMap(([state, n]) => (n === 0 ? [] : [`${n} ${state}`]));
  const all = [...(unfinished === 0 ? [] : [`${unfinished} unfinished`]), ...counts];
  return [`${counted(graph.size, "task")}: ${all.join(", ")}`];
}

function groupLines({ text, positions }: WaitGroup, { run, waits }: Explanation): string[] {
  const names = positions.map((position) => run.task(position).id);
  const details = positions.map((position) => detailOf(position, run, waits));
  const head = `${positions.length} ${text}`;
  if (details.every((detail) => detail === "")) return [`${head}: ${some(names, SHOWN_TASKS)}`];
  const shown = positions.slice(0, SHOWN_DETAILS).map((_position, i) => `  ${names[i]} ${details[i]}`);
  const more = positions.length - shown.length;
  return [`${head}:`, ...shown, ...(more > 0 ? [`  … and ${more} more`] : [])];
}

function detailOf(position: number, run: RunFold, waits: ReadonlyMap<number, Wait>): string {
  const wait = waits.get(position);
  return wait === undefined ? "" : waitDetail(wait, run, waits);
}

/** Those that did not succeed, with how their last attempt ended. */
function failures({ run, endings }: Explanation, width: number): string[] {
  const last = new Map(
    endings.flatMap((each) => (each.void === undefined ? [[each.outcome.task, each]] : [])),
  );
  const bad = run.graph.dag.tasks.flatMap(({ id }, position) => {
    const state = run.instances.state(position);
    const ending = last.get(id);
    return (state === "failed" || state === "crashed") && ending !== undefined ? [{ id, state, ending }] : [];
  });
  const lines = bad
    .slice(0, SHOWN_DETAILS)
    .map(({ id, state, ending }) =>
      `${id} ${state}: ${describeEnding(ending)}`.slice(0, Math.max(width - 2, 40)),
    );
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

export function taskExplained(
  explained: Explanation,
  { position, width }: { readonly position: number; readonly width: number },
): string[] {
  const { run, waits, endings } = explained;
  const { id } = run.task(position);
  const wait = waits.get(position);
  const state = taskState(explained, position);
  const title = `task '${id}' of run ${run.runId} (DAG '${run.submitted.dagName}'): ${coloured(state)}`;
  const own = endings.filter(({ outcome }) => outcome.task === id);
  return [
    title,
    ...(wait === undefined ? endLines(run, position) : [`  ${waitSentence(wait, run, waits)}`]),
    ...attemptsTable(own, width),
  ];
}

/** Where no attempt says it: what came about without one. */
function endLines(run: RunFold, position: number): string[] {
  const state = run.stateOf(position);
  const why = run.whyNotLaunched(position);
  if (why !== undefined) return [`  not started: ${why}`];
  if (state === "cancelled") return [`  cancelled with its run: ${run.endMessage}`];
  const parents = [...run.graph.parentsOf(position)];
  const skipped = parents.filter((parent) => run.resultOf(parent) === "skipped");
  if (state === "skipped" && skipped.length > 0) {
    return [`  not started, since these were skipped: ${some(skipped.map((parent) => run.task(parent).id))}`];
  }
  if (state !== "upstream_failed") return [];
  const bad = parents.filter((parent) => run.resultOf(parent) === "failed");
  const names = bad.map((parent) => `${run.task(parent).id} (${run.stateOf(parent)})`);
  return [`  not started, since these did not succeed: ${some(names)}`];
}

function attemptsTable(endings: readonly Ending[], width: number): string[] {
  if (endings.length === 0) return ["  no attempt has ended"];
  const rows = looksInOne(endings).map(({ ending, looks }) => {
    const { outcome, time } = ending;
    const { attempt } = outcome;
    return [
      looks === 1 ? String(attempt) : `${attempt - looks + 1}-${attempt}`,
      outcome.worker ?? "-",
      localTime(startOf(outcome, time)),
      shortDuration(outcome.durationMs),
      oneLine(describeEnding(ending)),
    ];
  });
  return table([["ATTEMPT", "WORKER", "STARTED", "TIME", "HOW IT ENDED"], ...rows], { width });
}

/** Of looks in vain that follow each other only the last is told: there may be thousands. */
function looksInOne(endings: readonly Ending[]): { readonly ending: Ending; readonly looks: number }[] {
  const told: { ending: Ending; looks: number }[] = [];
  for (const ending of endings) {
    const last = told.at(-1);
    const goesOn = last !== undefined && isLook(last.ending) && isLook(ending);
    if (goesOn && ending.outcome.attempt === last.ending.outcome.attempt + 1) {
      last.ending = ending;
      last.looks++;
    } else told.push({ ending, looks: 1 });
  }
  return told;
}

function isLook({ outcome, void: why }: Ending): boolean {
  return why === undefined && outcome.state === "failed" && outcome.error.reason === "not-yet";
}

/** By the log's time: as the worker's own clock may be wrong. */
function startOf({ durationMs }: Outcome, storedAt: number): number {
  return storedAt - durationMs;
}
