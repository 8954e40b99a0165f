/** Finds for whatever ran more than once, and for every worker that was declared dead, the fault that explains it. */
import type { Outcome } from "../../../internal/core/outcome.ts";
import type { Findings, OneRun } from "./checker.ts";
import { type Execution, type Fault, type FaultKind, grouped } from "./evidence.ts";

/** For so long after it, in milliseconds, a fault may still show: the copies that it made are on their way. */
const AFTERMATH_MS = 5_000;

export class Blame {
  readonly #faults: readonly Fault[];
  readonly #findings: Findings;

  constructor(faults: readonly Fault[], findings: Findings) {
    this.#faults = faults;
    this.#findings = findings;
  }

  take({ run, reading, executions }: OneRun): void {
    for (const [task, all] of grouped(executions, (execution) => execution.task)) {
      const accepted = reading.accepted.get(task) ?? [];
      for (const [i, next] of all.entries()) {
        const before = all[i - 1];
        if (before !== undefined) this.#explain(before, next, accepted[before.attempt - 1]?.outcome);
      }
    }
    for (const { outcome, at } of [...reading.accepted.values()].flat()) {
      if (reasonOf(outcome) !== "lost" || this.#canBeDead(outcome.worker, at)) continue;
      const { task, attempt, worker = "nobody" } = outcome;
      const what = `${run.runId} ${task} attempt ${attempt}`;
      this.#findings.unexplained.push(`${what}: lost with ${worker}, to whom nothing was done`);
    }
  }

  #explain(before: Execution, next: Execution, outcome: Outcome | undefined): void {
    const reason = reasonOf(outcome);
    const isLater = next.attempt > before.attempt;
    const isOver = reason !== undefined && reason !== "lost" && reason !== "released";
    // A failure that uses a retry.
    if (isLater && isOver && outcome?.worker === before.worker) return;
    if (isLater) this.#findings.again++;
    else this.#findings.doubled++;
    const fault = this.#faults.find((each) => explains(each, { before, next, reason }));
    if (fault === undefined) {
      const late = Math.round(next.startedAt - before.startedAt);
      this.#findings.unexplained.push(
        `${before.run} ${before.task}: attempt ${before.attempt} on ${before.worker}, and attempt ` +
          `${next.attempt} on ${next.worker} ${late} ms later`,
      );
    } else {
      this.#findings.explainedBy[fault.kind] = (this.#findings.explainedBy[fault.kind] ?? 0) + 1;
    }
  }

  /** A verdict without a name is about somebody who could not say what he took. */
  #canBeDead(worker: string | undefined, at: number): boolean {
    return this.#faults.some(
      (fault) =>
        ENDS_OR_SILENCES.has(fault.kind) &&
        (worker === undefined || fault.target === worker) &&
        fault.from <= at &&
        at <= endOf(fault),
    );
  }
}

const ENDS_OR_SILENCES = new Set<FaultKind>(["worker killed", "worker frozen", "worker cut off"]);

interface Pair {
  readonly before: Execution;
  readonly next: Execution;
  /** How the earlier one's attempt failed, if it did. */
  readonly reason: string | undefined;
}

/** What happens to an executor explains nothing: no attempt may run twice for it. */
function explains(fault: Fault, { before, next, reason }: Pair): boolean {
  if (fault.from > next.startedAt || before.startedAt > endOf(fault)) return false;
  if (fault.kind === "server killed") return true;
  if (fault.kind === "worker drained") return reason === "released" && fault.target === before.worker;
  return ENDS_OR_SILENCES.has(fault.kind) && (fault.target === before.worker || fault.target === next.worker);
}

function endOf({ to = Number.POSITIVE_INFINITY }: Fault): number {
  return to + AFTERMATH_MS;
}

function reasonOf(outcome: Outcome | undefined): string | undefined {
  return outcome?.state === "failed" ? outcome.error.reason : undefined;
}
