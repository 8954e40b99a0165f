/**
 * Holds what really ran against what the log says, after all runs have ended. It knows the promises and nothing of how
 * they are kept; it believes the tasks' own lines and the log's order, and no state that the product has worked out,
 * except to compare it.
 */
import type { LoggedFact } from "../../../internal/core/facts.ts";
import type { RunResult } from "../../../internal/core/result.ts";
import { Blame } from "./blame.ts";
import {
  type Execution,
  executionsOf,
  type Fault,
  grouped,
  type SubmittedRun,
  type TruthLine,
} from "./evidence.ts";
import { type Accepted, readRun, type RunReading } from "./log-reading.ts";

export interface Evidence {
  readonly runs: readonly SubmittedRun[];
  /** Of all runs, in the log's order. */
  readonly facts: readonly LoggedFact[];
  readonly truth: readonly TruthLine[];
  readonly faults: readonly Fault[];
  /** What the product shows of the runs, where it was asked. */
  readonly results?: ReadonlyMap<string, RunResult>;
  /** How long after a cancel something may still start: what it takes to tell everybody, in milliseconds. */
  readonly cancelMs: number;
}

/** One sentence for each violation. */
export interface Findings {
  readonly lost: string[];
  readonly acceptedTwice: string[];
  readonly dependencyBroken: string[];
  readonly startedAfterCancel: string[];
  /** Executions beyond the first of an attempt, and verdicts about workers, that no fault explains. */
  readonly unexplained: string[];
  /** Attempts that were executed more than once, by how often beyond the first. */
  doubled: number;
  /** Tasks that ran again because their worker was lost or gave them back. */
  again: number;
  /** What explains these, by kind of fault. */
  readonly explainedBy: Record<string, number>;
  /** Outcomes that did not count, by why. */
  readonly voids: Record<string, number>;
}

/** The server's clock and the tasks' are the same; one counts in fractions of a millisecond and the other may not. */
const CLOCK_MS = 2;

export function check(evidence: Evidence): Findings {
  const findings: Findings = {
    lost: [],
    acceptedTwice: [],
    dependencyBroken: [],
    startedAfterCancel: [],
    unexplained: [],
    doubled: 0,
    again: 0,
    explainedBy: {},
    voids: {},
  };
  const factsOf = grouped(evidence.facts, ({ runId }) => runId);
  const executionsByRun = grouped(executionsOf(evidence.truth), ({ run }) => run);
  const blame = new Blame(evidence.faults, findings);
  for (const run of evidence.runs) {
    const result = evidence.results?.get(run.runId);
    const one: OneRun = {
      run,
      reading: readRun(factsOf.get(run.runId) ?? []),
      executions: executionsByRun.get(run.runId) ?? [],
      ...(result === undefined ? {} : { result }),
    };
    checkEnd(one, findings);
    checkResult(one, findings);
    checkStarts(one, findings);
    checkCancel(one, evidence.cancelMs, findings);
    blame.take(one);
    for (const { why } of one.reading.voids) findings.voids[why] = (findings.voids[why] ?? 0) + 1;
  }
  const known = new Set(evidence.runs.map(({ runId }) => runId));
  for (const runId of executionsByRun.keys()) {
    if (!known.has(runId))
      findings.dependencyBroken.push(`${runId}: something ran for a run nobody submitted`);
  }
  return findings;
}

export interface OneRun {
  readonly run: SubmittedRun;
  readonly reading: RunReading;
  readonly executions: readonly Execution[];
  readonly result?: RunResult;
}

/** It has ended, as it had to, and what the log says completed has really run to its end. */
function checkEnd({ run, reading, executions }: OneRun, { lost }: Findings): void {
  const { runId, dag, mayEndAs } = run;
  if (!reading.isSubmitted) lost.push(`${runId}: accepted, and the log does not know it`);
  else if (reading.end === undefined) lost.push(`${runId}: has not ended`);
  else if (!mayEndAs.includes(reading.end)) {
    lost.push(`${runId}: ended as ${reading.end} and not as ${mayEndAs.join(" or ")}`);
  }
  const ran = new Map(executions.map((execution) => [execution.token, execution]));
  for (const { id } of dag.tasks) {
    const last = reading.accepted.get(id)?.at(-1);
    if (last?.outcome.state === "completed") {
      const execution = ran.get(last.token ?? "");
      if (
        execution?.task !== id ||
        execution.attempt !== last.outcome.attempt ||
        execution.end?.how !== "completed"
      ) {
        lost.push(
          `${runId} ${id}: completed, says the log, and its attempt ${last.outcome.attempt} never did`,
        );
      }
    } else if (reading.end === "completed") {
      lost.push(`${runId} ${id}: its run completed without it`);
    }
  }
}

/** Everybody goes by the same outcome: what depends on a task, and who asks the product. */
function checkResult({ run, reading, executions, result }: OneRun, { acceptedTwice }: Findings): void {
  const tokenOf = (task: string): string | undefined => reading.accepted.get(task)?.at(-1)?.token;
  for (const { task, attempt, inputs } of executions) {
    for (const [upstream, token] of Object.entries(inputs)) {
      if (token === tokenOf(upstream)) continue;
      acceptedTwice.push(
        `${run.runId} ${task} attempt ${attempt}: was given another outcome of ${upstream} than the log's`,
      );
    }
  }
  if (result === undefined) return;
  if (result.state !== reading.end)
    acceptedTwice.push(`${run.runId}: is shown as ${result.state}, announced as ${reading.end}`);
  for (const [task, shown] of Object.entries(result.tasks)) {
    if (shown.state === "completed" && shown.output?.token !== tokenOf(task)) {
      acceptedTwice.push(`${run.runId} ${task}: another outcome is shown than the log's first`);
    }
  }
}

/** An attempt starts after all that it waits for, and after the attempt before it has failed. */
function checkStarts({ run, reading, executions }: OneRun, { dependencyBroken }: Findings): void {
  const tasks = new Map(run.dag.tasks.map((task) => [task.id, task]));
  for (const { task, attempt, startedAt, inputs } of executions) {
    const what = `${run.runId} ${task} attempt ${attempt}`;
    const isBefore = (accepted: Accepted | undefined): boolean =>
      accepted !== undefined && accepted.at <= startedAt + CLOCK_MS;
    for (const upstream of tasks.get(task)?.dependsOn ?? []) {
      const last = reading.accepted.get(upstream)?.at(-1);
      if (last?.outcome.state !== "completed" || !isBefore(last)) {
        dependencyBroken.push(`${what}: started before ${upstream} had completed`);
      } else if (inputs[upstream] === undefined) {
        dependencyBroken.push(`${what}: started without the output of ${upstream}`);
      }
    }
    const previous = reading.accepted.get(task)?.[attempt - 2];
    if (attempt > 1 && (previous?.outcome.state !== "failed" || !isBefore(previous))) {
      dependencyBroken.push(`${what}: started before attempt ${attempt - 1} had failed`);
    }
  }
}

function checkCancel({ run, reading, executions }: OneRun, cancelMs: number, findings: Findings): void {
  if (reading.cancelledAt === undefined) return;
  for (const { task, attempt, startedAt, worker } of executions) {
    const late = Math.round(startedAt - reading.cancelledAt);
    if (late > cancelMs) {
      findings.startedAfterCancel.push(
        `${run.runId} ${task} attempt ${attempt}: started on ${worker} ${late} ms after the cancel`,
      );
    }
  }
}
