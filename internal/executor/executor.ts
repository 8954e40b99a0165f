/** What every executor offers: sequential, local and distributed differ only by the ports they are given. */
import type { Dag } from "../core/model.ts";
import type { JsonObject } from "../core/json.ts";
import type { RunResult } from "../core/result.ts";
import type { TaskExecutor } from "../ports/task-executor.ts";

/** One run to be executed. */
export interface DagRun {
  readonly dag: Dag;
  /** Over the definition's own params; those that its `inputs` require have to be there. Default none. */
  readonly params?: JsonObject;
  /** `[A-Za-z0-9_-]`, at most 128 characters; one that was used before is refused. Default: a new random id. */
  readonly runId?: string;
  /** Default: the definition's tenant. */
  readonly tenantId?: string;
}

/** A run that was accepted. */
export interface RunHandle {
  readonly runId: string;
  /** Resolves when the run has ended, however it ended; rejects when the infrastructure is lost or the executor stops before. */
  result(): Promise<RunResult>;
}

/** A task of which a retry runs something again. */
export interface RetriedTask {
  readonly task: string;
  /** Of a task with several instances that keeps them: the indices of those that run again. */
  readonly instances?: readonly number[];
}

/** A retry that was accepted. */
export interface RetryHandle extends RunHandle {
  /** In topological order. */
  readonly again: readonly RetriedTask[];
}

/** A snapshot that is at most 1 s old. */
export interface ExecutorStatus {
  /** Between `start` and `stop`. */
  readonly running: boolean;
  /** Attempts that run now. */
  readonly activeTasks: number;
  /** Tasks that completed since `start`. */
  readonly completedTasks: number;
  /** Tasks that failed for good since `start`. */
  readonly failedTasks: number;
  /** Live workers (distributed), or slots of this process. */
  readonly workerCount: number;
  /** Attempts that are owed or queued and do not run yet. */
  readonly queueDepth: number;
}

export type CancelAnswer = "accepted" | "already-ended" | "unknown";

export interface Executor {
  /** Gets ready for work. Idempotent. */
  start(): Promise<void>;
  /** Runs a DAG to its end. Resolves also when the run failed; rejects only on bad input or lost infrastructure. Aborting the signal cancels the run. */
  execute(run: DagRun, options?: { readonly signal?: AbortSignal }): Promise<RunResult>;
  /** Accepts a run; it goes on without the caller. */
  submit(run: DagRun): Promise<RunHandle>;
  /** Runs again what did not succeed in a run that has ended otherwise; of `tasks` only, with what depends on them. Rejects with `BadInput` when there is nothing to retry. */
  retry(runId: string, options?: { readonly tasks?: readonly string[] }): Promise<RetryHandle>;
  /** Ends a run before its time. */
  cancel(runId: string): Promise<CancelAnswer>;
  /** Where a run stands; `undefined` when the run is unknown. */
  inspect(runId: string): Promise<RunResult | undefined>;
  getStatus(): ExecutorStatus;
  /** Adds, or replaces, what runs one type of task in this process. */
  registerTaskExecutor(executor: TaskExecutor): void;
  /** Lets running attempts end within the shutdown time limit, ends the others, releases everything. Idempotent. */
  stop(): Promise<void>;
}

/** The log of the runs has no room for a new one; those that go on end as ever. */
export class LogFull extends Error {
  readonly code = "LOG_FULL";
  constructor(fill: number) {
    const taken = `${Math.floor(fill * 100)} % of the room for runs, or for their values, is taken`;
    const advice =
      "raise the limit of the stream RUNS or BLOBS (--values-bytes), or have runs retired sooner (--retire-after)";
    super(`${taken}, and the rest is kept for the runs that go on: try again later, ${advice}`);
    this.name = "LogFull";
  }
}

/** The input of a caller cannot be used. */
export class BadInput extends Error {
  readonly code: string = "BAD_INPUT";
  constructor(message: string) {
    super(message);
    this.name = "BadInput";
  }
}
