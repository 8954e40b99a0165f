/** Why a task, or an instance of it, stands where it stands, for a person. */
import type { Ending } from "../../internal/core/endings.ts";
import type { Outcome } from "../../internal/core/outcome.ts";
import type { RunFold } from "../../internal/core/run-fold.ts";
import { artifactName, artifactsText } from "../../internal/telemetry/artifact-text.ts";
import { countStates, instanceCounts } from "../../internal/telemetry/instance-counts.ts";
import { localTime } from "../../internal/telemetry/local-time.ts";
import { instanceState, taskState } from "../../internal/telemetry/observed-state.ts";
import { urgencyOf } from "../../internal/telemetry/task-table.ts";
import { coloured, counted, oneLine, shortDuration, table } from "../../internal/telemetry/text.ts";
import { some, waitSentence } from "../../internal/telemetry/waiting-text.ts";
import type { Explanation } from "./explain.ts";
import { nameOf } from "./explain-text.ts";
import { describeEnding, lastEndings } from "./explained.ts";

/** Of a task with several instances so many are told. */
const SHOWN_INSTANCES = 20;

/** A task by its position, whatever instances it has. */
export function taskExplained(
  explained: Explanation,
  { position, width }: { readonly position: number; readonly width: number },
): string[] {
  const { run } = explained;
  if (run.instances.countOf(position) === 1)
    return instanceExplained(explained, { instance: position, width });
  const { id } = run.task(position);
  const instances = run.instances.of(position);
  const states = new Map(instances.map((each) => [each, instanceState(explained, each)]));
  const shown = instances
    .toSorted((a, b) => urgencyOf(states.get(a) ?? "pending") - urgencyOf(states.get(b) ?? "pending"))
    .slice(0, SHOWN_INSTANCES);
  const left = countStates(
    instances.filter((each) => !shown.includes(each)).map((each) => states.get(each) ?? "pending"),
  );
  const more = instances.length - shown.length;
  const [first = position] = shown;
  return [
    titleOf(`task '${id}'`, taskState(explained, position), run),
    `  ${counted(instances.length, "instance")}: ${instanceCounts(countStates(states.values()))}`,
    ...handedOver(run.artifacts.artifactsOf(position)),
    ...instanceTable(shown, explained, width),
    ...(more > 0 ? [`… and ${more} more: ${[...left].map(([state, n]) => `${n} ${state}`).join(", ")}`] : []),
    `\`dag explain ${run.runId} '${nameOf(first, run)}'\` tells of one of them`,
  ];
}

/** One instance by its number, with all of its attempts. */
export function instanceExplained(
  explained: Explanation,
  { instance, width }: { readonly instance: number; readonly width: number },
): string[] {
  const { run, waits, endings } = explained;
  const wait = waits.get(instance);
  const own = endings.filter(({ outcome }) => run.instanceOf(outcome) === instance);
  return [
    titleOf(`task '${nameOf(instance, run)}'`, instanceState(explained, instance), run),
    ...(wait === undefined ? endLines(run, instance) : [`  ${waitSentence(wait, explained)}`]),
    ...givenLines(run, instance),
    ...handedOver(run.artifacts.producedBy(instance)),
    ...attemptsTable(own, width),
  ];
}

function titleOf(what: string, state: string, run: RunFold): string {
  return `${what} of run ${run.runId} (DAG '${run.submitted.dagName}'): ${coloured(state)}`;
}

function givenLines(run: RunFold, instance: number): string[] {
  const input = run.artifacts.inputOf(instance);
  if (input === undefined) return [];
  const { artifacts, isSingle } = input;
  const [first] = artifacts;
  if (isSingle !== true || first === undefined) return [`  was given ${artifactsText(artifacts)}`];
  return [`  runs for ${artifactName(first)}, which ${first.producedBy} has handed over`];
}

function handedOver(artifacts: ReturnType<RunFold["artifacts"]["artifactsOf"]>): string[] {
  return artifacts.length === 0 ? [] : [`  has handed over ${artifactsText(artifacts)}`];
}

function instanceTable(instances: readonly number[], explained: Explanation, width: number): string[] {
  const { run, waits } = explained;
  const last = lastEndings(explained);
  const rows = instances.map((instance) => {
    const ending = last.get(instance);
    const wait = waits.get(instance);
    const how = wait !== undefined ? waitSentence(wait, explained) : ending && describeEnding(ending);
    return [
      nameOf(instance, run),
      givenName(run, instance),
      instanceState(explained, instance),
      String(run.instances.attempt(instance)),
      ending?.outcome.worker ?? "",
      oneLine(how ?? ""),
    ];
  });
  return table([["INSTANCE", "FOR", "STATE", "TRIES", "WORKER", "HOW IT STANDS"], ...rows], {
    width,
    whole: 0,
  });
}

/** `page-1.html`; `a.csv … and 2 more` */
function givenName(run: RunFold, instance: number): string {
  const all = run.artifacts.inputOf(instance)?.artifacts ?? [];
  const [first] = all;
  if (first === undefined) return "";
  return artifactName(first) + (all.length === 1 ? "" : ` … and ${all.length - 1} more`);
}

/** Where no attempt says it: what came about without one. */
function endLines(run: RunFold, instance: number): string[] {
  const position = run.instances.positionOf(instance);
  const state = run.instances.state(instance);
  const why = run.whyNotLaunched(position);
  if (why !== undefined) return [`  not started: ${why}`];
  if (state === "cancelled") return [`  cancelled with its run: ${run.endMessage}`];
  const parents = [...run.graph.parentsOf(position)];
  if (state === "filtered")
    return [`  not started, since there was nothing for it: ${edgesText(run, position)}`];
  if (state === "skipped" && run.instances.outcomeSeq(instance) === 0) {
    const skipped = parents.filter((parent) => run.resultOf(parent) === "skipped");
    if (skipped.length === 0)
      return [`  not started, since a filter left nothing: ${edgesText(run, position)}`];
    return [`  not started, since these were skipped: ${some(skipped.map((parent) => run.task(parent).id))}`];
  }
  if (state !== "upstream_failed") return [];
  const bad = parents.filter((parent) => run.resultOf(parent) === "failed" || hasFailed(run, parent));
  return [`  not started, since these did not succeed: ${some(bad.map((each) => failedText(run, each)))}`];
}

/** Some of its instances may go on, and nothing comes of that for what depends on it. */
function hasFailed(run: RunFold, position: number): boolean {
  if (run.task(position).allowFailure) return false;
  const states = run.instances.of(position).map((instance) => run.instances.state(instance));
  return states.some((state) => state === "failed" || state === "crashed");
}

function failedText(run: RunFold, position: number): string {
  const states = run.instances.of(position).map((instance) => run.instances.state(instance));
  const text = states.length === 1 ? run.stateOf(position) : instanceCounts(countStates(states));
  return `${run.task(position).id} (${text})`;
}

/** What its dependencies have for the task: `pages (0 of 500 artifacts pass the edge filter), other (no artifacts)` */
function edgesText(run: RunFold, position: number): string {
  const parents = [...run.graph.parentsOf(position)];
  const edges = run.artifacts.edgesOf(position).map(({ found, kept, isFiltered }, i) => {
    const id = run.task(parents[i] ?? 0).id;
    if (found.length === 0) return `${id} (no artifacts)`;
    const what = counted(found.length, "artifact");
    return isFiltered ? `${id} (${kept.length} of ${what} pass the edge filter)` : `${id} (${what})`;
  });
  return some(edges);
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
