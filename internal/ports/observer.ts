/** What services tell about their work; logs, metrics and the progress display are made from it. An observer that throws never breaks the work. */
import type { AttemptId } from "../core/attempt.ts";
import type { RunEndState } from "../core/facts.ts";
import type { DeathSign } from "../core/liveness.ts";
import type { Outcome, VoidReason } from "../core/outcome.ts";

export interface LaunchedTask {
  readonly task: string;
  readonly instances: number;
  /** How many of them have not ended. */
  readonly open: number;
}

export type Observation =
  | {
      readonly kind: "run-submitted";
      readonly runId: string;
      readonly dagName: string;
      readonly tasks: number;
    }
  | {
      readonly kind: "run-retried";
      readonly runId: string;
      readonly dagName: string;
      /** Those that run again. */
      readonly tasks: number;
      readonly gen: number;
    }
  /** What a fact has brought about, as far as that is more than the ends of attempts. */
  | {
      readonly kind: "run-advanced";
      readonly runId: string;
      /** How many of its tasks have not ended. */
      readonly openTasks: number;
      /** Tasks with several instances some of which are owed since. */
      readonly launched: readonly LaunchedTask[];
    }
  | { readonly kind: "attempt-queued"; readonly attempt: AttemptId; readonly queue: string }
  | { readonly kind: "attempt-started"; readonly attempt: AttemptId; readonly workerId: string }
  /** An outcome that counts is in the log. `type` is that of its task. */
  | {
      readonly kind: "attempt-ended";
      readonly runId: string;
      readonly type: string;
      readonly outcome: Outcome;
      readonly retryInMs?: number;
    }
  /** Worker: an attempt begins, and ends, on one of its slots; the log decides what its outcome means. */
  | { readonly kind: "execution-started"; readonly attempt: AttemptId; readonly type: string }
  | {
      readonly kind: "execution-ended";
      readonly runId: string;
      readonly type: string;
      readonly outcome: Outcome;
    }
  /** Worker: it could not know whether it may run a copy, and was told. */
  | { readonly kind: "copy-judged"; readonly attempt: AttemptId; readonly judgement: string }
  /** By the `log` of a task that runs in this process, or printed by a function on a thread; a line may hold several. */
  | { readonly kind: "task-logged"; readonly attempt: AttemptId; readonly line: string }
  /** Worker: an attempt has ended that printed something; so many bytes of it are not kept, or were dropped since too much waited. */
  | {
      readonly kind: "attempt-printed";
      readonly attempt: AttemptId;
      readonly bytes: number;
      readonly dropped: number;
    }
  | {
      readonly kind: "outcome-void";
      readonly runId: string;
      readonly outcome: Outcome;
      readonly why: VoidReason;
    }
  | {
      readonly kind: "run-finished";
      readonly runId: string;
      readonly state: RunEndState;
      readonly durationMs: number;
    }
  /** Facts of runs that ended some time ago went from the log into the history. */
  | { readonly kind: "runs-retired"; readonly runs: number; readonly facts: number }
  /** All that was left of these runs is gone. */
  | { readonly kind: "history-dropped"; readonly runs: number }
  | {
      readonly kind: "worker-joined";
      readonly workerId: string;
      readonly incarnation: string;
      readonly slots: number;
    }
  | { readonly kind: "worker-left"; readonly workerId: string; readonly incarnation: string }
  | {
      readonly kind: "worker-dead";
      readonly workerId: string;
      readonly incarnation: string;
      readonly held: number;
      readonly sign: DeathSign;
    }
  /** Executor: the worker lives, and its loop has not turned for so long. */
  | {
      readonly kind: "worker-blocked";
      readonly workerId: string;
      readonly incarnation: string;
      readonly ms: number;
    }
  /** Worker: the loop of its process did not turn for so long; nothing else there went on. */
  | { readonly kind: "loop-blocked"; readonly ms: number }
  /** Shares of the runs that this executor drives from now on. */
  | { readonly kind: "lease-taken"; readonly owner: string; readonly shares: readonly number[] }
  | { readonly kind: "lease-lost"; readonly owner: string; readonly shares: readonly number[] }
  /** They were given back in order: to another executor, since this one ends, or since it could not take over. */
  | { readonly kind: "lease-released"; readonly owner: string; readonly shares: readonly number[] }
  /** It killed its workers, and has a dead letter. */
  | { readonly kind: "task-crashed"; readonly runId: string; readonly task: string; readonly index: number }
  /** A message that could not be read was put aside. */
  | { readonly kind: "dead-letter"; readonly subject: string; readonly reason: string }
  /** `error` is empty where `what` says it all. */
  | { readonly kind: "trouble"; readonly what: string; readonly error: string };

export interface Observer {
  observe(observation: Observation): void;
}

/** An observer that may throw as it likes. */
export function safely(observer: Observer): Observer {
  return {
    observe(observation: Observation): void {
      try {
        observer.observe(observation);
      } catch {
        // There is nobody left to tell.
      }
    },
  };
}
