/** Whether an instance that failed is tried again, and when. The state that this takes goes with the run's fold. */
import { attemptKey } from "./attempt.ts";
import type { Instances } from "./instances.ts";
import type { Task } from "./model.ts";
import { type Budget, FAILURES, type TaskError } from "./outcome.ts";
import { retryDelayMs } from "./retry.ts";

export interface NextAttemptsOptions {
  readonly runId: string;
  /** How often an instance may be lost with its worker. */
  readonly lossCap: number;
  readonly instances: Pick<Instances, "attempt" | "failures" | "useFailure" | "useLoss">;
  task(position: number): Task;
}

export class NextAttempts {
  readonly #options: NextAttemptsOptions;
  /** Log time of the first look of instances that look again and again. */
  readonly #lookingSince = new Map<number, number>();

  constructor(options: NextAttemptsOptions) {
    this.#options = options;
  }

  /** Milliseconds from log time `now` until the next attempt is due, which uses its budget; `undefined` when there is none. */
  delayMs(position: number, error: TaskError, now: number): number | undefined {
    const { budget } = FAILURES[error.reason];
    if (error.isFinal === true || this.#hasLookedLongEnough(position, error, now)) return undefined;
    if (!this.#use(position, budget)) return undefined;
    // Only a failure waits, and what asks for it; what was lost or given back is owed at once.
    return Math.max(error.againAfterMs ?? 0, budget === "retries" ? this.#backoffMs(position) : 0);
  }

  /** As if it had never been tried. */
  startOver(position: number): void {
    this.#lookingSince.delete(position);
  }

  #hasLookedLongEnough(
    position: number,
    { reason, giveUpAfterMs = Infinity }: TaskError,
    now: number,
  ): boolean {
    if (reason !== "not-yet") return false;
    const since = this.#lookingSince.get(position) ?? now;
    this.#lookingSince.set(position, since);
    return now - since >= giveUpAfterMs;
  }

  /** Takes one from the budget; `false` when it is spent. */
  #use(position: number, budget: Budget): boolean {
    const { instances, lossCap, task } = this.#options;
    switch (budget) {
      case "never":
        return false;
      case "none":
        return true;
      case "losses":
        return instances.useLoss(position, lossCap);
      case "retries":
        return instances.useFailure(position, task(position).retries);
    }
  }

  #backoffMs(position: number): number {
    const { instances, runId } = this.#options;
    const task = this.#options.task(position);
    const key = attemptKey({ runId, task: task.id, index: 0, attempt: instances.attempt(position) });
    return retryDelayMs(task.retry, instances.failures(position), key);
  }
}
