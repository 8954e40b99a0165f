/** Whether an instance that failed is tried again, and when. The state that this takes goes with the run's fold. */
import { attemptKey } from "./attempt.ts";
import type { Instances } from "./instances.ts";
import type { Task } from "./model.ts";
import { type Budget, FAILURES, LOOK_AGAIN_MS, type TaskError } from "./outcome.ts";
import { retryDelayMs } from "./retry.ts";

export interface NextAttemptsOptions {
  readonly runId: string;
  /** How often an instance may be lost with its worker. */
  readonly lossCap: number;
  readonly instances: Pick<Instances, "indexOf" | "attempt" | "failures" | "useFailure" | "useLoss">;
  taskOf(instance: number): Task;
}

export class NextAttempts {
  readonly #options: NextAttemptsOptions;
  /** Log time of the first look of instances that look again and again. */
  readonly #lookingSince = new Map<number, number>();
  /** Those whose last attempt looked in vain. */
  readonly #looking = new Set<number>();

  constructor(options: NextAttemptsOptions) {
    this.#options = options;
  }

  /** Milliseconds from log time `now` until the next attempt is due, which uses its budget; `undefined` when there is none. */
  delayMs(instance: number, error: TaskError, now: number): number | undefined {
    const { reason, isFinal } = error;
    const againAfterMs = error.againAfterMs ?? (reason === "not-yet" ? LOOK_AGAIN_MS : 0);
    const { budget } = FAILURES[reason];
    const lookMs = reason === "not-yet" ? this.#leftToLookMs(instance, error, now) : undefined;
    if (lookMs === undefined) this.#looking.delete(instance);
    if (isFinal === true || (lookMs !== undefined && lookMs <= 0)) return undefined;
    if (!this.#use(instance, budget)) return undefined;
    // The last look is at the end of the time for it, not after.
    if (lookMs !== undefined) return Math.min(againAfterMs, lookMs);
    // Only a failure waits, and what asks for it; what was lost or given back is owed at once.
    return Math.max(againAfterMs, budget === "retries" ? this.#backoffMs(instance) : 0);
  }

  /** What it waits for was not there at the last look. */
  looksAgain(instance: number): boolean {
    return this.#looking.has(instance);
  }

  /** As if it had never been tried. */
  startOver(instance: number): void {
    this.#lookingSince.delete(instance);
    this.#looking.delete(instance);
  }

  /** How much of the time for it is left after a look in vain, in milliseconds. */
  #leftToLookMs(instance: number, { giveUpAfterMs = Infinity }: TaskError, now: number): number {
    const since = this.#lookingSince.get(instance) ?? now;
    this.#lookingSince.set(instance, since);
    this.#looking.add(instance);
    return since + giveUpAfterMs - now;
  }

  /** Takes one from the budget; `false` when it is spent. */
  #use(instance: number, budget: Budget): boolean {
    const { instances, lossCap, taskOf } = this.#options;
    switch (budget) {
      case "never":
        return false;
      case "none":
        return true;
      case "losses":
        return instances.useLoss(instance, lossCap);
      case "retries":
        return instances.useFailure(instance, taskOf(instance).retries);
    }
  }

  #backoffMs(instance: number): number {
    const { instances, runId } = this.#options;
    const task = this.#options.taskOf(instance);
    const index = instances.indexOf(instance);
    const key = attemptKey({ runId, task: task.id, index, attempt: instances.attempt(instance) });
    return retryDelayMs(task.retry, instances.failures(instance), key);
  }
}
