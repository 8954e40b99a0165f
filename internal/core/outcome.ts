/**
 * How an attempt ended, and what follows from it.
 *
 * `FAILURES` is the one table of reasons: whether a reason is worth another attempt, which budget
 * that attempt uses, and in which state the instance ends when the budget is spent.
 */
import type { Handed } from "./artifact.ts";
import { cutAfter } from "./cut.ts";
import type { JsonObject } from "./json.ts";
import type { Stored } from "./stored.ts";

/** Which budget an attempt that ended so uses: the task's `retries`, the cap on losses, none; `never` allows no further attempt. */
export type Budget = "retries" | "losses" | "none" | "never";

interface FailureRule {
  readonly budget: Budget;
  readonly exhausted: "failed" | "crashed" | "cancelled";
}

export const FAILURES = {
  /** The command ended with an exit code other than 0. */
  "exit-nonzero": { budget: "retries", exhausted: "failed" },
  /** The command was ended by a signal that was not ours. */
  killed: { budget: "retries", exhausted: "failed" },
  /** The attempt outlived its time limit. */
  "timed-out": { budget: "retries", exhausted: "failed" },
  /** The command could not be started. */
  "spawn-failed": { budget: "retries", exhausted: "failed" },
  /** The server answered with a status that is not expected, or with redirects that lead nowhere. */
  "http-status": { budget: "retries", exhausted: "failed" },
  /** The server could not be reached, or the connection broke. */
  network: { budget: "retries", exhausted: "failed" },
  /** The function threw, or ended its thread. */
  "function-error": { budget: "retries", exhausted: "failed" },
  /** The function used more memory than its thread may. */
  "out-of-memory": { budget: "retries", exhausted: "failed" },
  /** No worker of the queue knows the function. */
  "unknown-function": { budget: "never", exhausted: "failed" },
  /** The worker has no executor for the task's type. */
  "unknown-type": { budget: "never", exhausted: "failed" },
  /** The task's own definition or input cannot be used. */
  "bad-input": { budget: "never", exhausted: "failed" },
  /** It would have more instances than a task may have; nothing was run. */
  "too-many-instances": { budget: "never", exhausted: "failed" },
  /** What the task asks for is not allowed on this worker; the message names the setting. */
  refused: { budget: "never", exhausted: "failed" },
  /** A secret that the task names is not to be had on this worker. */
  "missing-secret": { budget: "retries", exhausted: "failed" },
  /** The file of an artifact that the task is given is gone, or is not what was stored. */
  "artifact-missing": { budget: "retries", exhausted: "failed" },
  /** The container's image is not there and cannot be fetched. */
  "image-missing": { budget: "retries", exhausted: "failed" },
  /** The Docker engine does not answer, or the connection to it broke. */
  "engine-gone": { budget: "retries", exhausted: "failed" },
  /** What the task waits for is not there; it looks again, see `againAfterMs` and `giveUpAfterMs`. */
  "not-yet": { budget: "none", exhausted: "failed" },
  /** What it hands over cannot be used: a command's output file, an artifact, the body of an answer, or a function's result that is held to a schema. */
  "bad-output": { budget: "retries", exhausted: "failed" },
  /** The output cannot be written as JSON. */
  "output-not-serialisable": { budget: "never", exhausted: "failed" },
  /** A fault of the worker itself. */
  "worker-error": { budget: "retries", exhausted: "failed" },
  /** The outcome that was reported has the wrong shape. */
  "invalid-outcome": { budget: "retries", exhausted: "failed" },
  /** The worker that held the attempt is dead, or what ran it there. */
  lost: { budget: "losses", exhausted: "crashed" },
  /** The worker ended the attempt through no fault of its own: it drains, or another task killed what ran it. It runs again. */
  released: { budget: "none", exhausted: "failed" },
  /** The run was cancelled. */
  cancelled: { budget: "never", exhausted: "cancelled" },
} as const satisfies Record<string, FailureRule>;

export type FailureReason = keyof typeof FAILURES;

export interface TaskError {
  readonly reason: FailureReason;
  /** One line a person can act on; see `shortMessage`. */
  readonly message: string;
  readonly exitCode?: number;
  readonly signal?: string;
  /** No further attempt can do better, whatever is left of the budget. */
  readonly isFinal?: true;
  /** The next attempt, if there is one, begins no sooner, in milliseconds from the outcome on. Of `not-yet` 10,000 by default. */
  readonly againAfterMs?: number;
  /** Of `not-yet`: once so long has passed since the first such outcome, the task fails, in milliseconds. Without it it looks for ever. */
  readonly giveUpAfterMs?: number;
}

/** What looks in vain, and does not say when it looks again. */
export const LOOK_AGAIN_MS = 10_000;

const MAX_MESSAGE = 4_096;

/** A message as an outcome may carry it: what is above 4,096 characters is cut, and says so. */
export function shortMessage(text: string): string {
  return cutAfter(text, MAX_MESSAGE);
}

interface OutcomeBase {
  readonly task: string;
  readonly index: number;
  readonly attempt: number;
  /** Id of the worker that ran it; absent when the executor ended it. */
  readonly worker?: string;
  /** How long the attempt ran, in milliseconds. */
  readonly durationMs: number;
  /** Kept for a failure too (an HTTP answer of 500, the last lines of a script). */
  readonly output?: Stored<JsonObject>;
}

/**
 * Why an outcome does not count: its attempt is no longer, or not yet, its instance's current one; the run had ended; it
 * is of another run of the same id; the run has no such task.
 */
export const VOID_REASONS = ["not-current", "run-over", "other-run", "unknown-task"] as const;
export type VoidReason = (typeof VOID_REASONS)[number];

export interface VoidOutcome {
  readonly outcome: Outcome;
  readonly why: VoidReason;
}

export type Outcome =
  | (OutcomeBase & { readonly state: "completed"; readonly artifacts?: Handed })
  /** There was nothing to do: `message` says why. */
  | (OutcomeBase & { readonly state: "skipped"; readonly message: string })
  | (OutcomeBase & { readonly state: "failed"; readonly error: TaskError });

/** Of an outcome that does not count; `position` is that of its task, `end` that of the run. */
export function whyVoid(position: number | undefined, end: string | undefined): VoidReason {
  if (position === undefined) return "unknown-task";
  return end === undefined ? "not-current" : "run-over";
}

export function hasOutput({ output }: Outcome): boolean {
  return output !== undefined && ("ref" in output || Object.keys(output.inline).length > 0);
}
