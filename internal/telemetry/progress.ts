/** What is known of a run while it goes on, made of observations; the displays draw it. */
import type { AttemptId } from "../core/attempt.ts";
import type { InstanceState, RunEndState } from "../core/facts.ts";
import { instanceName } from "../core/instance-name.ts";
import type { LaunchedTask, Observation } from "../ports/observer.ts";

export interface RunningAttempt {
  readonly instance: InstanceId;
  readonly attempt: number;
  readonly worker: string;
  readonly since: number;
}

export interface RetryingInstance {
  readonly instance: InstanceId;
  /** The one to come. */
  readonly attempt: number;
  /** By the same clock as `since`. */
  readonly dueAt: number;
  /** Nothing is wrong: what it waits for is not there yet. */
  readonly isLooking: boolean;
}

/** What is known of a task with several instances. */
export interface Launched {
  readonly task: string;
  readonly instances: number;
  /** Those that have ended well or have nothing to do, and those that have not. */
  completed: number;
  failed: number;
  running: number;
}

type InstanceId = Pick<AttemptId, "task" | "index">;

export class Progress {
  readonly runId: string;
  readonly dag: string;
  /** How many tasks there are. */
  readonly total: number;
  readonly startedAt: number;
  readonly running = new Map<string, RunningAttempt>();
  readonly retrying = new Map<string, RetryingInstance>();
  /** By task; of those with several instances alone. */
  readonly launched = new Map<string, Launched>();
  /** Tasks that have ended, whatever they came to. */
  done = 0;
  /** Tasks that have failed, or instances of theirs. */
  readonly failed = new Set<string>();
  /** Instances that have failed for good. */
  failures = 0;
  end: RunEndState | undefined;
  /** The newest attempt that has ended, by instance: a notice that comes late must not bring it back. */
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

  nameOf(instance: InstanceId): string {
    return instanceName(instance, { isOneOfSeveral: this.launched.has(instance.task) });
  }

  /** Takes in an observation; tells whether it changed anything. */
  take(observation: Observation): boolean {
    switch (observation.kind) {
      case "run-advanced":
        if (observation.runId !== this.runId) return false;
        this.done = this.total - observation.openTasks;
        for (const each of observation.launched) this.#launch(each);
        return true;
      case "run-retried":
        if (observation.runId !== this.runId) return false;
        // What has failed before runs again.
        this.launched.clear();
        this.failed.clear();
        this.failures = 0;
        return true;
      case "attempt-started": {
        const { runId, attempt, ...instance } = observation.attempt;
        const key = keyOf(instance);
        if (runId !== this.runId || (this.#ended.get(key) ?? 0) >= attempt) return false;
        this.retrying.delete(key);
        if (!this.running.has(key)) this.#count(instance.task, "running", 1);
        this.running.set(key, { instance, attempt, worker: observation.workerId, since: this.#now() });
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

  /** A task that is known loses nothing of what is known. */
  #launch({ task, instances, open }: LaunchedTask): void {
    if (this.launched.has(task)) return;
    const running = [...this.running.values()].filter(({ instance }) => instance.task === task).length;
    this.launched.set(task, { task, instances, completed: instances - open, failed: 0, running });
  }

  #count(task: string, what: "completed" | "failed" | "running", by: 1 | -1): void {
    const launched = this.launched.get(task);
    if (launched !== undefined) launched[what] += by;
  }

  #takeEnd({ outcome, retryInMs }: Observation & { kind: "attempt-ended" }): void {
    const { task, index, attempt } = outcome;
    const key = keyOf(outcome);
    this.#ended.set(key, attempt);
    if (this.running.delete(key)) this.#count(task, "running", -1);
    // It ended before it was due, as an attempt that was lost may.
    this.retrying.delete(key);
    if (outcome.state !== "failed") this.#count(task, "completed", 1);
    else if (retryInMs === undefined) {
      this.failures++;
      this.failed.add(task);
      this.#count(task, "failed", 1);
    } else {
      const isLooking = outcome.error.reason === "not-yet";
      const dueAt = this.#now() + retryInMs;
      this.retrying.set(key, { instance: { task, index }, attempt: attempt + 1, dueAt, isLooking });
    }
  }
}

/** What `instanceCounts` makes text of. */
export function countsOf({ instances, completed, failed, running }: Launched): Map<InstanceState, number> {
  return new Map([
    ["completed", completed],
    ["failed", failed],
    ["running", running],
    ["pending", instances - completed - failed - running],
  ]);
}

function keyOf({ task, index }: InstanceId): string {
  return `${task}[${index}]`;
}
