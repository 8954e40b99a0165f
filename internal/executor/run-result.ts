/** Puts together what a run has come to, from its fold and the facts that hold the outputs. */
import { toTold } from "../core/artifact.ts";
import type { AttemptId } from "../core/attempt.ts";
import { type Loss, lossesOf, tellRun } from "../core/endings.ts";
import type { InstanceState, LoggedFact } from "../core/facts.ts";
import { launchedFor } from "../core/fan-out.ts";
import { instanceName } from "../core/instance-name.ts";
import type { JsonObject } from "../core/json.ts";
import type { Outcome, TaskError } from "../core/outcome.ts";
import type { InstanceResult, RunResult, TaskResult } from "../core/result.ts";
import type { RunFold } from "../core/run-fold.ts";
import { decodeValue } from "../core/stored.ts";
import type { Blobs } from "../ports/blobs.ts";
import { factsOfRun, foldOf, readUpTo } from "./load-run.ts";
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
  const losses = run.instances.counts.crashed === 0 ? new Map() : lossesOfRun(run, all);
  const tasks: [id: string, task: TaskResult][] = [];
  for (let position = 0; position < run.graph.size; position++) {
    const { id } = run.task(position);
    tasks.push([id, await taskResult(run, position, { outcomes, losses, ...more })]);
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

/**
 * The same for a run that has ended, of which `newest` was folded last: reads what holds the outcomes. It is the end of
 * this generation that is told: the run may go on while that is read, and whoever was held up for long may find it retired.
 */
export async function endResult(
  run: RunFold,
  newest: LoggedFact,
  ports: Pick<Ports, "log" | "history" | "definitions" | "blobs" | "clock">,
): Promise<RunResult> {
  const { gen } = run;
  const seqs = new Set<number>();
  for (let position = 0; position < run.graph.size; position++) {
    for (const instance of run.instances.of(position)) seqs.add(run.instances.outcomeSeq(instance));
  }
  seqs.delete(0);
  // Of what crashed all that was lost is told, not the last attempt alone.
  const isEnough = !run.retired && run.instances.counts.crashed === 0;
  const read = await ports.log.read([...seqs]);
  if (isEnough && read.length === seqs.size && run.gen === gen) {
    const result = await runResult(run, read, { ...ports, now: run.endedAt });
    if (run.gen === gen) return result;
  }
  const facts = await readUpTo(newest, () => factsOfRun(run.runId, ports), ports.clock);
  const ended = await foldToEnd(facts, gen, ports);
  return runResult(ended?.run ?? run, ended?.facts ?? facts, { ...ports, now: run.endedAt });
}

/** The run as it was at the end of a generation, with its facts up to there. */
async function foldToEnd(
  facts: readonly LoggedFact[],
  gen: number,
  ports: Pick<Ports, "definitions">,
): Promise<{ readonly run: RunFold; readonly facts: readonly LoggedFact[] } | undefined> {
  const next = facts.findIndex(({ fact }) => fact.kind === "retry" && fact.gen === gen + 1);
  // One that came too early had no effect.
  for (const part of next === -1 ? [facts] : [facts.slice(0, next), facts]) {
    const run = await foldOf(part, ports);
    if (run?.end !== undefined) return { run, facts: part };
  }
  return undefined;
}

function lossesOfRun({ graph }: RunFold, facts: readonly LoggedFact[]): Map<number, Loss[]> {
  const told = tellRun(facts, graph);
  return told === undefined ? new Map() : lossesOf(told);
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
  /** By instance, of a run with tasks that crashed. */
  readonly losses: ReadonlyMap<number, readonly Loss[]>;
  readonly blobs: Blobs;
  readonly runningOn?: RunningOn;
}

async function taskResult(run: RunFold, position: number, sources: TaskSources): Promise<TaskResult> {
  if (run.instances.countOf(position) === 1) return instanceResult(run, position, sources);
  const instances: InstanceResult[] = [];
  for (const instance of run.instances.of(position)) {
    instances.push(await instanceResult(run, instance, sources));
  }
  const isOpen = run.resultOf(position) === "open";
  const isRunning = isOpen && instances.some(({ state }) => state === "running");
  const state = isRunning ? "running" : run.stateOf(position);
  const telling = instances.find((each) => each.state === state) ?? instances[0];
  const { output: _output, artifacts: _artifacts, runsFor: _runsFor, ...told } = telling ?? { attempts: 0 };
  return { ...told, state, instances };
}

async function instanceResult(
  run: RunFold,
  instance: number,
  { outcomes, losses, blobs, runningOn }: TaskSources,
): Promise<InstanceResult> {
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
  const lost = state === "crashed" ? losses.get(instance) : undefined;
  const runsFor = launchedFor(run.artifacts.inputOf(instance));
  const artifacts = run.artifacts.producedBy(instance);
  return {
    state,
    attempts,
    ...(worker === undefined ? {} : { worker }),
    ...(ranMs === undefined ? {} : { durationMs: ranMs }),
    ...(output === undefined ? {} : { output }),
    ...errorOf(run, instance, outcome),
    ...(outcome?.state === "skipped" ? { skipped: outcome.message } : {}),
    ...(lost === undefined ? {} : { losses: lost }),
    ...(runsFor === undefined ? {} : { runsFor }),
    ...(artifacts.length === 0 ? {} : { artifacts: artifacts.map(toTold) }),
  };
}

/** The message says whose it is; after the last attempt also how many there were; what was cancelled with its run has the run's reason. */
function errorOf(run: RunFold, instance: number, outcome: Outcome | undefined): { error?: TaskError } {
  const { instances, endMessage: message } = run;
  const state = instances.state(instance);
  const position = instances.positionOf(instance);
  const isOneOfSeveral = instances.countOf(position) > 1;
  const name = instanceName(run.idOf({ instance, attempt: 0 }), { isOneOfSeveral });
  const why = run.whyNotLaunched(position);
  if (why !== undefined) {
    return {
      error: { reason: "too-many-instances", message: `Task '${name}' could not be launched: ${why}` },
    };
  }
  if (state === "cancelled" && message !== "") return { error: { reason: "cancelled", message } };
  if (outcome?.state !== "failed") return {};
  const attempts = instances.attempt(instance);
  const times = attempts === 1 ? "1 attempt" : `${attempts} attempts`;
  const isOver = state === "failed" || state === "crashed";
  const how = outcome.error.reason === "not-yet" ? "gave up" : "failed";
  const which = isOver ? ` ${how} after ${times}` : `, attempt ${outcome.attempt}`;
  return { error: { ...outcome.error, message: `Task '${name}'${which}: ${outcome.error.message}` } };
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
