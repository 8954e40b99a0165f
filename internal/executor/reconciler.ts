/**
 * Holds the queue against what it ought to hold, from time to time: an attempt that vanished from it is queued
 * again, a copy of an attempt that is over is taken out, and a queue that stands still is begun anew. Safe to run at
 * any moment.
 *
 * The order is that of recovery: list the queue, then fold to the log's end, and only then compare; an attempt that
 * is still current then had no outcome when its copy was missing. A copy whose run is not at hand here is another
 * executor's, unless the log says that its run belongs here: then it is over.
 */
import { type AttemptId, attemptKey } from "../core/attempt.ts";
import type { Timer } from "../ports/clock.ts";
import type { QueuedAttempt } from "../ports/task-queue.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Ports } from "./settings.ts";
import { StalledQueues } from "./stalled-queues.ts";

const EVERY_MS = 15_000;

export interface ReconcilerOptions extends Pick<Ports, "log" | "queue" | "clock" | "observer"> {
  readonly dispatcher: Pick<Dispatcher, "queued" | "again" | "pump">;
  /** Resolves when everything up to this position was folded. */
  folded(seq: number): Promise<void>;
  /** The run of an attempt that is current and ours; nothing for any other. */
  find(attempt: AttemptId): { readonly run: { readonly partition: number } } | undefined;
  /** Every run in this partition is known: what `find` does not find is over. */
  knowsAll(partition: number): boolean;
  /** No runs are driven here. */
  isIdle(): boolean;
  /** A live worker says that it holds the attempt: whatever has become of its copy, its outcome will come. */
  isHeld(attempt: AttemptId): boolean;
  /** Runs of this partition are driven here, and the lease of its share is held. */
  mayAct(partition: number): boolean;
}

export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #stalled: StalledQueues;
  #timer: Timer | undefined;
  #underWay: Promise<void> | undefined;
  #stopped = false;
  /** Copies of attempts that were not current at the last look: their acks may be on their way, so they get one more. */
  #over = new Set<string>();
  /** The partitions of their runs, for as long as such copies are in the queue. */
  #partitions = new Map<string, number | undefined>();

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#stalled = new StalledQueues(options);
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
    const { log, queue, dispatcher, folded, find, isHeld, isIdle } = this.#options;
    if (isIdle()) return;
    const before = dispatcher.queued();
    const listed = await queue.list();
    const end = await log.end();
    await folded(end.seq);
    if (this.#stopped) return;
    const keys = new Set(listed.map(attemptKey));
    for (const attempt of before) {
      if (!keys.has(attemptKey(attempt)) && this.#isOurs(attempt) && !isHeld(attempt)) {
        dispatcher.again(attempt);
      }
    }
    dispatcher.pump();
    await this.#removeOver(listed.filter((attempt) => find(attempt) === undefined));
    await this.#stalled.check(new Set(listed.map((copy) => copy.queue)));
  }

  #isOurs(attempt: AttemptId): boolean {
    const found = this.#options.find(attempt);
    return found !== undefined && this.#options.mayAct(found.run.partition);
  }

  async #removeOver(copies: readonly QueuedAttempt[]): Promise<void> {
    const known = this.#over;
    this.#over = new Set(copies.map(attemptKey));
    const again = copies.filter((copy) => known.has(attemptKey(copy)));
    await this.#learn(new Set(again.map(({ runId }) => runId)));
    const isOver = (copy: QueuedAttempt): boolean => {
      const partition = this.#partitions.get(copy.runId);
      const { mayAct, knowsAll, find } = this.#options;
      // It may have been taken over meanwhile.
      return partition !== undefined && mayAct(partition) && knowsAll(partition) && find(copy) === undefined;
    };
    await Promise.all(again.filter(isOver).map((copy) => this.#options.queue.remove(copy)));
  }

  /** A run is in one partition for ever, so each is looked up once. */
  async #learn(runIds: ReadonlySet<string>): Promise<void> {
    const known = this.#partitions;
    this.#partitions = new Map();
    for (const runId of runIds) {
      const partition = known.get(runId) ?? (await this.#options.log.partitionOf(runId));
      this.#partitions.set(runId, partition);
    }
  }
}
