/** How long things took: until a loss was known, until what was lost ran elsewhere, and how long a task waited at most. */
import type { LoggedFact } from "../../../internal/core/facts.ts";
import { type Execution, type Fault, grouped, type SubmittedRun } from "./evidence.ts";
import { type Accepted, readRun, type RunReading } from "./log-reading.ts";

export interface Measured {
  /** Tasks that the faults hit. */
  readonly hit: number;
  /** Of these, those that have neither run elsewhere nor ended otherwise: one phrase for each. */
  readonly stuck: readonly string[];
  /** From the fault to the verdict in the log, for each verdict, in milliseconds. */
  readonly detectionMs: readonly number[];
  /** From the fault to the start elsewhere, for each task that started elsewhere, in milliseconds. */
  readonly recoveryMs: readonly number[];
}

/** Of faults of workers, each of which has a name of its own. */
export function measureLosses(
  faults: readonly Fault[],
  { facts, executions }: { readonly facts: readonly LoggedFact[]; readonly executions: readonly Execution[] },
): Measured {
  const detectionMs: number[] = [];
  const recoveryMs: number[] = [];
  let hit = 0;
  const stuck: string[] = [];
  const readings = new Map([...grouped(facts, ({ runId }) => runId)].map(([id, all]) => [id, readRun(all)]));
  const tasks = grouped(executions, ({ run, task }) => `${run} ${task}`);
  for (const fault of faults) {
    for (const { run, task, attempt } of hitBy(fault, readings, executions)) {
      hit++;
      const reading = readings.get(run);
      const accepted = reading?.accepted.get(task) ?? [];
      const lost = accepted[attempt - 1];
      if (isLost(lost)) detectionMs.push(lost.at - fault.from);
      const next = tasks
        .get(`${run} ${task}`)
        ?.find(({ startedAt, worker }) => startedAt > fault.from && worker !== fault.target);
      if (next !== undefined) recoveryMs.push(next.startedAt - fault.from);
      const isOver = lost?.outcome.state === "completed" || (reading?.end ?? "completed") !== "completed";
      if (next === undefined && !isOver) stuck.push(`${run} ${task} attempt ${attempt} of ${fault.target}`);
    }
  }
  return { hit, stuck, detectionMs, recoveryMs };
}

interface Hit {
  readonly run: string;
  readonly task: string;
  readonly attempt: number;
}

/** What ran there when it came, and what was lost with it unseen. */
function hitBy(
  fault: Fault,
  readings: ReadonlyMap<string, RunReading>,
  executions: readonly Execution[],
): Hit[] {
  const hits = new Map<string, Hit>();
  const add = ({ run, task, attempt }: Hit): void =>
    void hits.set(`${run} ${task} ${attempt}`, { run, task, attempt });
  for (const execution of executions) {
    const { worker, startedAt, end } = execution;
    if (worker === fault.target && startedAt <= fault.from && (end?.at ?? Infinity) > fault.from)
      add(execution);
  }
  for (const [run, { accepted }] of readings) {
    for (const [task, outcomes] of accepted) {
      for (const one of outcomes) {
        const isOfFault = one.at >= fault.from && (fault.to === undefined || one.at <= fault.to);
        if (isLost(one) && one.outcome.worker === fault.target && isOfFault) {
          add({ run, task, attempt: one.outcome.attempt });
        }
      }
    }
  }
  return [...hits.values()];
}

function isLost(one: Accepted | undefined): one is Accepted {
  return one?.outcome.state === "failed" && one.outcome.error.reason === "lost";
}

/** The longest that anything waited from the moment that it could have started, in milliseconds. */
export function longestWaitMs(
  runs: readonly SubmittedRun[],
  { facts, executions }: { readonly facts: readonly LoggedFact[]; readonly executions: readonly Execution[] },
): number {
  const byRun = grouped(facts, ({ runId }) => runId);
  const started = grouped(executions, ({ run, task, attempt }) => `${run} ${task} ${attempt}`);
  let longest = 0;
  for (const { runId, dag } of runs) {
    const all = byRun.get(runId) ?? [];
    const { accepted } = readRun(all);
    for (const { id, dependsOn } of dag.tasks) {
      const ends = accepted.get(id) ?? [];
      const upstream = dependsOn.map((each) => accepted.get(each)?.at(-1)?.at ?? Infinity);
      for (let attempt = 1; attempt <= ends.length; attempt++) {
        const first = started.get(`${runId} ${id} ${attempt}`)?.[0];
        const owedAt = Math.max(all[0]?.time ?? 0, ...upstream, ends[attempt - 2]?.at ?? 0);
        if (first !== undefined) longest = Math.max(longest, first.startedAt - owedAt);
      }
    }
  }
  return longest;
}
