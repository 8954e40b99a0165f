/** What `dag explain --json` prints. */
import type { Ending } from "../../internal/core/endings.ts";
import { launchedFor } from "../../internal/core/fan-out.ts";
import type { RunFold } from "../../internal/core/run-fold.ts";
import type { Wait } from "../../internal/core/waiting.ts";
import { countStates } from "../../internal/telemetry/instance-counts.ts";
import {
  instanceState,
  instanceStates,
  severalOf,
  taskState,
} from "../../internal/telemetry/observed-state.ts";
import { groupWaits, waitSentence } from "../../internal/telemetry/waiting-text.ts";
import type { Explanation } from "./explain.ts";
import { nameOf, noticesOf } from "./explain-text.ts";
import { voidCounts } from "./explained.ts";
import { artifactJson } from "./json.ts";

export function runExplainedJson(explained: Explanation): object {
  const { run, waits, endings, now } = explained;
  return {
    run_id: run.runId,
    dag: run.submitted.dagName,
    state: run.end ?? "running",
    duration_ms: Math.round((run.end === undefined ? now : run.endedAt) - run.begunAt),
    message: run.endMessage === "" ? null : run.endMessage,
    counts: countsJson(explained),
    instances: Object.fromEntries(
      severalOf(run).map((each) => [run.task(each).id, Object.fromEntries(instanceStates(explained, each))]),
    ),
    notices: noticesOf(explained).map((notice) => notice.replace(/^! /, "")),
    waits: groupWaits(waits).map(({ kind, text, instances }) => ({
      reason: kind,
      sentence: text,
      tasks: instances.map((instance) => nameOf(instance, run)),
    })),
    void_outcomes: voidCounts(endings),
  };
}

/** What is observed of unfinished tasks is not counted: `waits` tells it. */
function countsJson({ run }: Explanation): object {
  const states = run.graph.dag.tasks.map((_task, position) => run.stateOf(position));
  return Object.fromEntries(countStates(states));
}

/** A task by its position; of one with several instances each of them. */
export function taskExplainedJson(explained: Explanation, position: number): object {
  const { run } = explained;
  const own = ownEndings(explained, position);
  const about = aboutTask(run, position);
  if (run.instances.countOf(position) === 1) return { ...about, ...standingJson(explained, position, own) };
  const instances = run.instances
    .of(position)
    .map((each, index) => ({ index, ...standingJson(explained, each, own) }));
  return { ...about, state: taskState(explained, position), instances };
}

/** One of several, by its number. */
export function instanceExplainedJson(explained: Explanation, instance: number): object {
  const { run } = explained;
  const position = run.instances.positionOf(instance);
  return {
    ...aboutTask(run, position),
    index: run.instances.indexOf(instance),
    ...standingJson(explained, instance, ownEndings(explained, position)),
  };
}

function aboutTask(run: RunFold, position: number): object {
  return { run_id: run.runId, dag: run.submitted.dagName, task: run.task(position).id };
}

/** By instance of the task. */
function ownEndings({ run, endings }: Explanation, position: number): Map<number, Ending[]> {
  const { id } = run.task(position);
  const own = new Map<number, Ending[]>();
  for (const each of endings) {
    const instance = each.outcome.task === id ? run.instanceOf(each.outcome) : undefined;
    if (instance === undefined) continue;
    const known = own.get(instance);
    if (known === undefined) own.set(instance, [each]);
    else known.push(each);
  }
  return own;
}

function standingJson(
  explained: Explanation,
  instance: number,
  endings: ReadonlyMap<number, readonly Ending[]>,
): object {
  const { run, waits } = explained;
  const wait = waits.get(instance);
  const runsFor = launchedFor(run.artifacts.inputOf(instance));
  const artifacts = run.artifacts.producedBy(instance);
  return {
    state: instanceState(explained, instance),
    wait: wait === undefined ? null : waitJson(wait, explained),
    attempts: (endings.get(instance) ?? []).map(endingJson),
    ...(runsFor === undefined ? {} : { runs_for: runsFor }),
    ...(artifacts.length === 0 ? {} : { artifacts: artifacts.map(artifactJson) }),
  };
}

function waitJson(wait: Wait, explained: Explanation): object {
  const { run } = explained;
  const sentence = waitSentence(wait, explained);
  switch (wait.kind) {
    case "running":
      return {
        reason: wait.kind,
        sentence,
        worker: wait.worker,
        since_ms: wait.sinceMs,
        timeout_ms: wait.timeoutMs ?? null,
      };
    case "back-off":
      return { reason: wait.kind, sentence, until: isoTime(wait.until), for_ms: Math.round(wait.forMs) };
    case "looking":
      return {
        reason: wait.kind,
        sentence,
        until: isoTime(wait.until),
        for_ms: Math.round(wait.forMs),
        found: wait.found,
      };
    case "upstream":
      return {
        reason: wait.kind,
        sentence,
        tasks: wait.positions.map((each) => ({ task: run.task(each).id, state: run.instances.state(each) })),
      };
    case "queued":
    case "queue-limit":
    case "window":
    case "no-worker":
    case "workers-held-up":
      return { reason: wait.kind, sentence, queue: wait.queue };
    case "max-parallel":
      return { reason: wait.kind, sentence, limit: wait.limit };
    case "no-executor":
    case "server":
    case "turn":
      return { reason: wait.kind, sentence };
  }
}

function endingJson({ outcome, time, gen, void: why }: Ending): object {
  const error = outcome.state === "failed" ? outcome.error : undefined;
  return {
    attempt: outcome.attempt,
    gen,
    worker: outcome.worker ?? null,
    started_at: isoTime(time - outcome.durationMs),
    duration_ms: Math.round(outcome.durationMs),
    outcome: error?.reason ?? outcome.state,
    message: outcome.state === "skipped" ? outcome.message : (error?.message ?? null),
    exit_code: error?.exitCode ?? null,
    signal: error?.signal ?? null,
    void: why ?? null,
  };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
