/** What is known of a run while it goes on, made of observations; the displays draw it. */
import type { RunEndState } from "../core/facts.ts";
import type { Observation } from "../ports/observer.ts";

export interface RunningTask {
  readonly task: string;
  readonly attempt: number;
  readonly worker: string;
  readonly since: number;
}

export interface RetryingTask {
  readonly task: string;
  /** The one to come. */
  readonly attempt: number;
  /** By the same clock as `since`. */
  readonly dueAt: number;
  /** Nothing is wrong: what it waits for is not there yet. */
  readonly isLooking: boolean;
}

export class Progress {
  readonly runId: string;
  readonly dag: string;
  readonly total: number;
  readonly startedAt: number;
  readonly running = new Map<string, RunningTask>();
  readonly retrying = new Map<string, RetryingTask>();
  completed = 0;
  failed = 0;
  end: RunEndState | undefined;
  /** The newest attempt that has ended, by task: a notice that comes late must not bring it back. */
  readonly #ended = new Map<string, number>();
  readonly #now: () => number;

  constructor(
    run: { readonly runId: string; readonly dag: string; readonly tasks: number },
    now: () => number,
  ) {
    this.runId = run.runId;
    this.dag = run.dag;
    this.total = run.tasks;
    this.#now = now;
    this.startedAt = now();
  }

  get elapsed(): number {
    return this.#now() - this.startedAt;
  }

  /** Takes in an observation; tells whether it changed anything. */
  take(observation: Observation): boolean {
    switch (observation.kind) {
      case "attempt-started": {
        const { runId, task, attempt } = observation.attempt;
        if (runId !== this.runId || (this.#ended.get(task) ?? 0) >= attempt) return false;
        this.retrying.delete(task);
        this.running.set(task, { task, attempt, worker: observation.workerId, since: this.#now() });
        return true;
      }
      case "attempt-ended":
        if (observation.runId !== this.runId) return false;
        this.#takeEnd(observation);
        return true;
      case "run-finished":
        if (observation.runId !== this.runId) return false;
        this.end = observation.state;
        return true;
      default:
        return false;
    }
  }

  #takeEnd({ outcome, retryInMs }: Observation & { kind: "attempt-ended" }): void {
    const { task, attempt } = outcome;
    this.#ended.set(task, attempt);
    this.running.delete(task);
    if (outcome.state !== "failed") this.completed++;
    else if (retryInMs === undefined) this.failed++;
    else {
      const isLooking = outcome.error.reason === "not-yet";
      const dueAt = this.#now() + retryInMs;
      this.retrying.set(task, { task, attempt: attempt + 1, dueAt, isLooking });
    }
  }
}
