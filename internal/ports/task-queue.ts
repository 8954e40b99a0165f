/**
 * The work queue: attempts that ought to run, in named queues.
 *
 * Q1 An attempt is in its queue at most once: enqueueing it while it is queued or in flight is refused.
 * Q2 A delivery that is not settled comes again, to any worker, once its ack wait is over (60 s; `working` extends it).
 * Q3 Within a queue, attempts are delivered in the order in which they were enqueued.
 * Q4 A removed or purged attempt is not delivered any more; a copy that is in flight is not called back.
 */
import type { AttemptId, Work } from "../core/attempt.ts";

export interface QueuedAttempt extends AttemptId {
  readonly queue: string;
}

export interface TaskQueue {
  /** Puts an attempt into its queue; `false` when it is there already. Creates the queue if it is new. Retries until the answer is known. */
  enqueue(work: Work): Promise<boolean>;
  /** All attempts that are queued or in flight. */
  list(): Promise<QueuedAttempt[]>;
  /** Deletes the one copy of this attempt, queued or in flight. */
  remove(attempt: QueuedAttempt): Promise<void>;
  /** Deletes all attempts of a run from these queues. */
  purge(runId: string, queues: readonly string[]): Promise<void>;
  /** How many attempts of a queue wait, and how many are in flight. */
  depth(queue: string): Promise<QueueDepth>;
  /** Begins to take attempts from a queue; nothing comes before there is a demand. */
  open(queue: string, onDelivery: (delivery: Delivery) => void): Promise<Intake>;
}

export interface QueueDepth {
  readonly waiting: number;
  readonly inFlight: number;
}

export interface Intake {
  /** `n` more deliveries are wanted, in place of what was said before; each one that comes uses up one. What was asked for already may still come. */
  demand(n: number): void;
  /** Asks for nothing more; resolves when nothing more can come. */
  stop(): Promise<void>;
}

export interface Delivery {
  readonly work: Work;
  /** The queue has delivered this copy before. */
  readonly redelivered: boolean;
  /** The outcome is stored: the copy may go. */
  ack(): void;
  /** Not started here: any worker may have it, after the delay. */
  giveBack(delayMs?: number): void;
  /** Still at it: the ack wait starts again. */
  working(): void;
}
