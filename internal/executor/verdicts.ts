/**
 * Ends attempts that their workers will not end. A verdict is a fact like any other: written to the log, and void
 * if the worker's own outcome is before it. It is judged again right before each try of its write: the server may
 * have been away for long.
 */
import { type AttemptId, attemptKey } from "../core/attempt.ts";
import type { FailureReason } from "../core/outcome.ts";
import type { RunFold } from "../core/run-fold.ts";
import type { Observer } from "../ports/observer.ts";
import type { RunLog } from "../ports/run-log.ts";
import type { Claimed } from "./live-table.ts";

export interface VerdictsOptions {
  readonly log: RunLog;
  readonly observer: Observer;
  /** Names this executor in the facts that it writes. */
  readonly incarnation: string;
  /** Whether it may judge attempts of runs in this partition now: the lease of its share is held. */
  mayAct(partition: number): boolean;
  /** The run and instance of an attempt that is current; nothing for any other. */
  find(attempt: AttemptId): { readonly run: RunFold; readonly instance: number } | undefined;
}

export interface Verdict {
  readonly attempt: Claimed;
  readonly reason: FailureReason;
  readonly message: string;
  /** Who held it, as far as is known. */
  readonly workerId?: string;
  /** How long it was held, in milliseconds. */
  readonly durationMs: number;
  /** Whether what it rests on still holds. */
  stands(): boolean;
}

export class Verdicts {
  readonly #options: VerdictsOptions;
  /** Attempts with a verdict on its way into the log. */
  readonly #underWay = new Set<string>();
  #count = 0;

  constructor(options: VerdictsOptions) {
    this.#options = options;
  }

  /** Resolves with whether the log has it now. One verdict at a time of each attempt. */
  async pass(verdict: Verdict): Promise<boolean> {
    const key = attemptKey(verdict.attempt);
    const found = this.#options.find(verdict.attempt);
    if (found === undefined || this.#underWay.has(key)) return false;
    this.#underWay.add(key);
    try {
      return await this.#write(found.run, verdict);
    } catch (error) {
      const what = `ending ${key} as ${verdict.reason}`;
      this.#options.observer.observe({ kind: "trouble", what, error: String(error) });
      return false;
    } finally {
      this.#underWay.delete(key);
    }
  }

  async #write(run: RunFold, verdict: Verdict): Promise<boolean> {
    const { log, mayAct, find, incarnation } = this.#options;
    const { attempt, reason, message, workerId, durationMs, stands } = verdict;
    const outcome = {
      task: attempt.task,
      index: attempt.index,
      attempt: attempt.attempt,
      state: "failed",
      error: { reason, message },
      ...(workerId === undefined ? {} : { worker: workerId }),
      durationMs: Math.round(durationMs),
    } as const;
    const n = ++this.#count;
    const { stored } = await log.append(
      run,
      { kind: "outcomes", runSeq: run.seq, queue: "executor", incarnation, n, items: [outcome] },
      { isWanted: () => mayAct(attempt.partition) && find(attempt) !== undefined && stands() },
    );
    return stored;
  }
}
