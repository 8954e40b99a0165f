/** Puts together what a run has come to, from its fold and the facts that hold the outputs. */
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
export type RunningOn = (task: string, attempt: number) => string | undefined;

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
    const outcome = outcomes.get(position);
    tasks.push([id, await taskResult(run, position, { outcome, told, ...more })]);
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
  const positions = Array.from({ length: run.graph.size }, (_, position) => position);
  const seqs = new Set(positions.map((position) => run.instances.outcomeSeq(position)));
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

/** By position: the last outcome that counts. */
function lastOutcomes(run: RunFold, facts: Iterable<LoggedFact>): Map<number, Outcome> {
  const outcomes = new Map<number, Outcome>();
  for (const { seq, fact } of facts) {
    if (fact.kind !== "outcomes") continue;
    for (const item of fact.items) {
      const position = run.graph.position(item.task);
      if (position !== undefined && run.instances.outcomeSeq(position) === seq) outcomes.set(position, item);
    }
  }
  return outcomes;
}

interface TaskSources {
  readonly outcome: Outcome | undefined;
  /** All that has ended, of a run with tasks that crashed. */
  readonly told: ToldRun | undefined;
  readonly blobs: Blobs;
  readonly runningOn?: RunningOn;
}

async function taskResult(
  run: RunFold,
  position: number,
  { outcome, told, blobs, runningOn }: TaskSources,
): Promise<TaskResult> {
  const { id } = run.task(position);
  const attempts = run.instances.attempt(position);
  const folded = run.instances.state(position);
  const holder = folded === "pending" || folded === "retrying" ? runningOn?.(id, attempts) : undefined;
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
    ...errorOf(run, position, outcome),
    ...(outcome?.state === "skipped" ? { skipped: outcome.message } : {}),
    ...(told === undefined || state !== "crashed" ? {} : { losses: lossesOf(told, id) }),
  };
}

/** The message says whose it is; after the last attempt also how many there were; what was cancelled with its run has the run's reason. */
function errorOf(run: RunFold, position: number, outcome: Outcome | undefined): { error?: TaskError } {
  const { instances, endMessage: message } = run;
  const state = instances.state(position);
  if (state === "cancelled" && message !== "") return { error: { reason: "cancelled", message } };
  if (outcome?.state !== "failed") return {};
  const attempts = instances.attempt(position);
  const times = attempts === 1 ? "1 attempt" : `${attempts} attempts`;
  const { id } = run.task(position);
  const isOver = state === "failed" || state === "crashed";
  const how = outcome.error.reason === "not-yet" ? "gave up" : "failed";
  const which = isOver ? ` ${how} after ${times}` : `, attempt ${outcome.attempt}`;
  const text = `Task '${id}'${which}: ${outcome.error.message}`;
  return { error: { ...outcome.error, message: text } };
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
