/** Puts together what a run has come to, from its fold and the facts that hold the outputs. */
import type { AttemptId } from "../core/attempt.ts";
import { lossesOf, tellRun, type ToldRun } from "../core/endings.ts";
import type { InstanceState, LoggedFact } from "../core/facts.ts";
import type { JsonObject } from "../core/json.ts";
import type { Outcome, TaskError } from "../core/outcome.ts";
import type { RunResult, TaskResult } from "../core/result.ts";
import type { RunFold } from "../core/run-fold.ts";
import { decodeValue } from "../core/stored.ts";
import type { Blobs } from "../ports/blobs.ts";
import { factsOfRun, foldOf } from "./load-run.ts";
import type { Ports } from "./settings.ts";

/** What is known of unfinished attempts besides the log: which of them some worker holds. */
export type RunningOn = (attempt: AttemptId) => string | undefined;

/** `facts` are those that hold the outcomes that count (others do no harm); `now` is the log time for a run that goes on. */
export async function runResult(
  run: RunFold,
  facts: Iterable<LoggedFact>,
  more: { readonly blobs: Blobs; readonly now: number; readonly runningOn?: RunningOn },
): Promise<RunResult> {
  const all = [...facts];
  const outcomes = lastOutcomes(run, all);
  const told = run.instances.counts.crashed === 0 ? undefined : tellRun(all, run.graph);
  const tasks: [id: string, task: TaskResult][] = [];
  for (let position = 0; position < run.graph.size; position++) {
    const { id } = run.task(position);
    tasks.push([id, await taskResult(run, position, { outcomes, told, ...more })]);
  }
  return {
    runId: run.runId,
    dag: run.submitted.dagName,
    state: run.end ?? "running",
    durationMs: Math.max(0, (run.end === undefined ? more.now : run.endedAt) - run.begunAt),
    ...(run.endMessage === "" ? {} : { message: run.endMessage }),
    // Not by assignment: a task may be called `__proto__`.
    tasks: Object.fromEntries(tasks),
  };
}

/** The same for a run that has ended: reads what holds the outcomes. Whoever was held up for long may find it retired. */
export async function endResult(
  run: RunFold,
  ports: Pick<Ports, "log" | "history" | "definitions" | "blobs">,
): Promise<RunResult> {
  const seqs = new Set<number>();
  for (let position = 0; position < run.graph.size; position++) {
    for (const instance of run.instances.of(position)) seqs.add(run.instances.outcomeSeq(instance));
  }
  seqs.delete(0);
  const read = await ports.log.read([...seqs]);
  const isWhole = !run.retired && read.length === seqs.size;
  // Of what crashed all that was lost is told, not the last attempt alone.
  if (isWhole && run.instances.counts.crashed === 0)
    return runResult(run, read, { ...ports, now: run.endedAt });
  const facts = await factsOfRun(run.runId, ports);
  const whole = (await foldOf(facts, ports)) ?? run;
  return runResult(whole, facts, { ...ports, now: whole.endedAt });
}

/** By instance: the last outcome that counts. */
function lastOutcomes(run: RunFold, facts: Iterable<LoggedFact>): Map<number, Outcome> {
  const outcomes = new Map<number, Outcome>();
  for (const { seq, fact } of facts) {
    if (fact.kind !== "outcomes") continue;
    for (const item of fact.items) {
      const instance = run.instanceOf(item);
      if (instance !== undefined && run.instances.outcomeSeq(instance) === seq) outcomes.set(instance, item);
    }
  }
  return outcomes;
}

interface TaskSources {
  /** By instance. */
  readonly outcomes: ReadonlyMap<number, Outcome>;
  /** All that has ended, of a run with tasks that crashed. */
  readonly told: ToldRun | undefined;
  readonly blobs: Blobs;
  readonly runningOn?: RunningOn;
}

/** Of a task with several instances the one is told that decides its state, and how many there are of each. */
async function taskResult(run: RunFold, position: number, sources: TaskSources): Promise<TaskResult> {
  const all = run.instances.of(position);
  if (all.length === 1) return instanceResult(run, position, sources);
  const state = run.stateOf(position);
  const telling = all.find((instance) => run.instances.state(instance) === state) ?? position;
  const instances: Partial<Record<InstanceState, number>> = {};
  for (const instance of all) {
    const each = run.instances.state(instance);
    instances[each] = (instances[each] ?? 0) + 1;
  }
  const { output: _, ...told } = await instanceResult(run, telling, sources);
  return { ...told, instances };
}

async function instanceResult(
  run: RunFold,
  instance: number,
  { outcomes, told, blobs, runningOn }: TaskSources,
): Promise<TaskResult> {
  const outcome = outcomes.get(instance);
  const attempts = run.instances.attempt(instance);
  const folded = run.instances.state(instance);
  const id = run.idOf({ instance, attempt: attempts });
  const holder = folded === "pending" || folded === "retrying" ? runningOn?.(id) : undefined;
  const state: InstanceState = holder === undefined ? folded : "running";
  const worker = holder ?? outcome?.worker;
  // How long an earlier attempt took says nothing of one that runs.
  const ranMs = holder === undefined ? outcome?.durationMs : undefined;
  const output = await outputOf(run, outcome, blobs);
  return {
    state,
    attempts,
    ...(worker === undefined ? {} : { worker }),
    ...(ranMs === undefined ? {} : { durationMs: ranMs }),
    ...(output === undefined ? {} : { output }),
    ...errorOf(run, instance, outcome),
    ...(outcome?.state === "skipped" ? { skipped: outcome.message } : {}),
    ...(told === undefined || state !== "crashed" ? {} : { losses: lossesOf(told, id) }),
  };
}

/** The message says whose it is; after the last attempt also how many there were; what was cancelled with its run has the run's reason. */
function errorOf(run: RunFold, instance: number, outcome: Outcome | undefined): { error?: TaskError } {
  const { instances, endMessage: message } = run;
  const state = instances.state(instance);
  const { task, index } = run.idOf({ instance, attempt: 0 });
  const why = run.whyNotLaunched(instances.positionOf(instance));
  if (why !== undefined) {
    return {
      error: { reason: "too-many-instances", message: `Task '${task}' could not be launched: ${why}` },
    };
  }
  if (state === "cancelled" && message !== "") return { error: { reason: "cancelled", message } };
  if (outcome?.state !== "failed") return {};
  const attempts = instances.attempt(instance);
  const times = attempts === 1 ? "1 attempt" : `${attempts} attempts`;
  const isOver = state === "failed" || state === "crashed";
  const how = outcome.error.reason === "not-yet" ? "gave up" : "failed";
  const which = isOver ? ` ${how} after ${times}` : `, attempt ${outcome.attempt}`;
  const whose = index === 0 ? `Task '${task}'` : `Task '${task}', instance ${index}`;
  return { error: { ...outcome.error, message: `${whose}${which}: ${outcome.error.message}` } };
}

async function outputOf(
  run: RunFold,
  outcome: Outcome | undefined,
  blobs: Blobs,
): Promise<JsonObject | undefined> {
  if (outcome?.output === undefined) return undefined;
  if ("inline" in outcome.output) return outcome.output.inline;
  return decodeValue(await blobs.get({ runId: run.runId }, outcome.output.ref)) as JsonObject;
}
