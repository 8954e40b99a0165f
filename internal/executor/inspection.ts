/** Looks at a run, cancels it, has it retried: from the log alone, no executor is needed. */
import { type AttemptId, attemptKey } from "../core/attempt.ts";
import type { Dag } from "../core/model.ts";
import type { RunResult } from "../core/result.ts";
import { isKept, type RunsAgain, runsAgain } from "../core/rerun.ts";
import type { RunFold } from "../core/run-fold.ts";
import type { ClusterView } from "../core/cluster-view.ts";
import { BadInput, type CancelAnswer, type RetriedTask } from "./executor.ts";
import { factsOfRun, foldOf, logOfRun } from "./load-run.ts";
import { runResult } from "./run-result.ts";
import type { Mark } from "./run-watch.ts";
import { CALLER_WAITS_MS } from "../ports/storing.ts";
import type { Ports } from "./settings.ts";
import { checkRoom, told } from "./submission.ts";

type LogPorts = Pick<Ports, "log" | "definitions">;
type ReadPorts = LogPorts & Pick<Ports, "history" | "blobs" | "clock">;

/** Where a run stands, or what it has come to; `undefined` when it is unknown. `view` tells what runs where, if anybody could be asked. */
export async function inspectRun(
  runId: string,
  ports: ReadPorts & { readonly view: ClusterView | undefined },
): Promise<RunResult | undefined> {
  const facts = await factsOfRun(runId, ports);
  const run = await foldOf(facts, ports);
  if (run === undefined) return undefined;
  const held = new Map(ports.view?.held.map((each) => [attemptKey(each), each.workerId]));
  const runningOn = (attempt: AttemptId): string | undefined => held.get(attemptKey(attempt));
  return runResult(run, facts, { blobs: ports.blobs, now: ports.clock.now(), runningOn });
}

/** Ends a run before its time. */
export async function cancelRun(runId: string, ports: LogPorts): Promise<CancelAnswer> {
  const run = await foldOf(await logOfRun(runId, ports), ports);
  if (run === undefined) return "unknown";
  if (run.end !== undefined) return "already-ended";
  const cancel = {
    kind: "cancel",
    gen: run.gen,
    cause: "request",
    message: "cancelled by request",
  } as const;
  await told(`the cancel of run '${runId}'`, ports.log.append(run, cancel, { withinMs: CALLER_WAITS_MS }));
  // The run may have ended while this was on its way: the log's order says which was first.
  const after = await foldOf(await logOfRun(runId, ports), ports);
  return after?.end === "cancelled" ? "accepted" : "already-ended";
}

export interface RetryAdmission {
  readonly runId: string;
  readonly partition: number;
  /** Position of the run's `submitted`. */
  readonly seq: number;
  readonly dag: Dag;
  /** The generation that the retry begins. */
  readonly gen: number;
  /** What runs again, in topological order. */
  readonly again: readonly RetriedTask[];
  /** The newest fact before it. */
  readonly before: Mark;
  /** Writes it into the log, unless somebody else was faster, and resolves with its position; 0 when that is not known yet. Rejects with `LogFull`, with `NotStored` when the server takes nothing now, and with `BadInput` when the run was retired meanwhile, or went with a log that was put back. */
  admit(): Promise<number>;
}

/**
 * Has what did not succeed run again; with `tasks`, only these and what depends on them. Rejects with `BadInput` when
 * the run is unknown, goes on, or completed, or when a task is unknown or completed. Nothing is written before `admit`.
 */
export async function prepareRetry(
  runId: string,
  tasks: readonly string[],
  ports: LogPorts,
): Promise<RetryAdmission> {
  const facts = await logOfRun(runId, ports);
  const run = await foldOf(facts, ports);
  if (run === undefined) throw new BadInput(`run '${runId}' is not known: nothing to retry`);
  if (run.retired) throw tooLate(run);
  if (run.end === undefined) {
    throw new BadInput(`run '${runId}' still goes on: wait for its end, or cancel it first`);
  }
  if (run.end === "completed") throw new BadInput(`run '${runId}' completed: run the DAG again instead`);
  for (const task of tasks) checkRetried(run, task);
  const again = runsAgain(run, tasks);
  const positions = new Set(again.map(({ position }) => position));
  for (const task of tasks) checkFree(run, task, positions);
  const { partition, seq } = run;
  const gen = run.gen + 1;
  const newest = facts.at(-1) ?? { seq, time: run.submittedAt };
  return {
    runId,
    partition,
    seq,
    dag: run.graph.dag,
    gen,
    again: again.map((each) => retriedTask(run, each)),
    before: { seq: newest.seq, time: newest.time },
    admit: async () => {
      const what = `the retry of run '${runId}'`;
      await checkRoom(what, ports);
      const retry = { kind: "retry", gen, tasks } as const;
      const stored = ports.log.append(run, retry, { withinMs: CALLER_WAITS_MS });
      const answer = await told(what, stored);
      // The log may have been put back meanwhile, to a state without the run: nobody would ever end it.
      const [first] = await ports.log.read([seq]);
      if (first?.runId !== runId || first.time !== run.submittedAt) throw gone(runId);
      if (answer.stored) return answer.seq;
      const present = await logOfRun(runId, ports);
      const after = await foldOf(present, ports);
      if (after?.retired === true) throw tooLate(after);
      return present.find((logged) => logged.fact.kind === "retry" && logged.fact.gen === gen)?.seq ?? 0;
    },
  };
}

function retriedTask(run: RunFold, { position, instances }: RunsAgain): RetriedTask {
  const { id: task } = run.task(position);
  if (instances === undefined || run.instances.countOf(position) === 1) return { task };
  return { task, instances: instances.map((each) => run.instances.indexOf(each)) };
}

function gone(runId: string): BadInput {
  return new BadInput(`run '${runId}' is not known any more: the log was put back to an older state`);
}

function tooLate({ runId, submitted }: RunFold): BadInput {
  const what = `run '${runId}' ended too long ago to go on: it was retired, and only its history is kept`;
  return new BadInput(`${what}; run '${submitted.dagName}' again instead`);
}

function checkRetried(run: RunFold, task: string): void {
  const position = run.graph.position(task);
  if (position === undefined) {
    throw new BadInput(`task '${task}' is not in run '${run.runId}': its tasks are ${someTasks(run)}`);
  }
  if (run.instances.of(position).every((instance) => isKept(run.instances.state(instance)))) {
    const state = run.stateOf(position);
    throw new BadInput(
      `task '${task}' ${state === "skipped" ? "was skipped" : state} in run '${run.runId}': a retry keeps what succeeded`,
    );
  }
}

/** What waits for a task that is not run again would end as before, at once. */
function checkFree(run: RunFold, task: string, again: ReadonlySet<number>): void {
  const position = run.graph.position(task) ?? -1;
  const blocker = [...run.graph.parentsOf(position)].find(
    (parent) => !again.has(parent) && run.resultOf(parent) === "failed",
  );
  if (blocker === undefined) return;
  const { id } = run.task(blocker);
  const state = run.stateOf(blocker);
  throw new BadInput(
    `task '${task}' waits for '${id}', which is ${state}: retry '${id}', its downstream follows`,
  );
}

const SHOWN_TASKS = 10;

function someTasks(run: RunFold): string {
  const { tasks } = run.graph.dag;
  const names = tasks.slice(0, SHOWN_TASKS).map(({ id }) => id);
  return tasks.length > SHOWN_TASKS ? `${names.join(", ")} …` : names.join(", ");
}
