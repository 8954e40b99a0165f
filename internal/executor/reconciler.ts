/**
 * Holds the queue against what it ought to hold, from time to time: an attempt that vanished from it is queued
 * again, and a copy of an attempt that is over is taken out. Safe to run at any moment.
 *
 * The order is that of recovery: list the queue, then fold to the log's end, and only then compare; an attempt that
 * is still current then had no outcome when its copy was missing.
 */
import { type AttemptId, attemptKey } from "../core/attempt.ts";
import type { Timer } from "../ports/clock.ts";
import type { QueuedAttempt } from "../ports/task-queue.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Ports } from "./settings.ts";

const EVERY_MS = 15_000;

export interface ReconcilerOptions extends Pick<Ports, "log" | "queue" | "clock" | "observer"> {
  readonly dispatcher: Pick<Dispatcher, "queued" | "again" | "pump">;
  /** Resolves when everything up to this position was folded. */
  folded(seq: number): Promise<void>;
  isCurrent(attempt: AttemptId): boolean;
  /** A live worker says that it holds the attempt: whatever has become of its copy, its outcome will come. */
  isHeld(attempt: AttemptId): boolean;
  mayAct(): boolean;
}

export class Reconciler {
  readonly #options: ReconcilerOptions;
  #timer: Timer | undefined;
  #underWay: Promise<void> | undefined;
  #stopped = false;
  /** Copies of attempts that were over at the last look: their acks may be on their way, so they get one more. */
  #over = new Set<string>();

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = this.#options.clock.after(EVERY_MS, () => {
      void this.reconcile().finally(() => {
        if (!this.#stopped) this.start();
      });
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** Does not reject: what fails is told, and tried again the next time. */
  reconcile(): Promise<void> {
    this.#underWay ??= this.#compare()
      .catch((error: unknown) => {
        if (this.#stopped) return;
        this.#options.observer.observe({
          kind: "trouble",
          what: "comparing the queue with the log",
          error: String(error),
        });
      })
      .finally(() => (this.#underWay = undefined));
    return this.#underWay;
  }

  async #compare(): Promise<void> {
    const { log, queue, dispatcher, folded, mayAct, isCurrent, isHeld } = this.#options;
    if (!mayAct()) return;
    const before = dispatcher.queued();
    const listed = await queue.list();
    const end = await log.end();
    await folded(end.seq);
    if (this.#stopped || !mayAct()) return;
    const keys = new Set(listed.map(attemptKey));
    for (const attempt of before) {
      if (!keys.has(attemptKey(attempt)) && isCurrent(attempt) && !isHeld(attempt)) dispatcher.again(attempt);
    }
    await this.#removeOver(listed.filter((attempt) => !isCurrent(attempt)));
    dispatcher.pump();
  }

  async #removeOver(copies: readonly QueuedAttempt[]): Promise<void> {
    const known = this.#over;
    this.#over = new Set(copies.map(attemptKey));
    const again = copies.filter((copy) => known.has(attemptKey(copy)));
    await Promise.all(again.map((copy) => this.#options.queue.remove(copy)));
  }
}
