/**
 * The work queue: attempts that ought to run, in named queues.
 *
 * Q1 An attempt is in its queue at most once: enqueueing it while it is queued or in flight is refused.
 * Q2 A delivery that is not settled comes again, to any worker, once its ack wait is over (60 s; `extend` begins it anew).
 * Q3 Within a queue, attempts are delivered in the order in which they were enqueued.
 * Q4 A removed or purged attempt is not delivered any more; a copy that is in flight is not called back.
 */
import type { AttemptId, Work } from "../core/attempt.ts";

export interface QueuedAttempt extends AttemptId {
  readonly queue: string;
}

/** Says that deliveries are still worked on. All that it needs of them are their receipts, so it may be done elsewhere than the work. */
export interface Extender {
  /** The ack wait of these begins anew. A receipt that is of no more use is passed over. */
  extend(receipts: readonly string[]): void;
}

/** `seq` is the copy's position among all that were ever enqueued, in any queue. Where it is not `unwanted`, what was not stored is there already. */
export type Enqueued =
  { readonly stored: true; readonly seq: number } | { readonly stored: false; readonly unwanted?: true };

export interface TaskQueue extends Extender {
  /**
   * Puts an attempt into its queue, or learns that it is there already. Creates the queue if it is new. Retries until
   * the answer is known: `isWanted` is asked before each try, and what is sent again is marked (`mayBeHeld`), since
   * the copy before may have been taken and be gone.
   */
  enqueue(work: Work, isWanted?: () => boolean): Promise<Enqueued>;
  /** All attempts that are queued or in flight. */
  list(): Promise<QueuedAttempt[]>;
  /** The position of the one copy of this attempt, queued or in flight; nothing when there is none. */
  seqOf(attempt: QueuedAttempt): Promise<number | undefined>;
  /** Deletes the one copy of this attempt, queued or in flight. */
  remove(attempt: QueuedAttempt): Promise<void>;
  /** Deletes all attempts of a run from these queues. */
  purge(runId: string, queues: readonly string[]): Promise<void>;
  /** How many attempts of a queue wait, how many are in flight, how far it has delivered, and whether more is wanted. */
  depth(queue: string): Promise<QueueDepth>;
  /** Begins a queue's deliveries anew, where they stand still: what is in flight is delivered again too, as suspect. */
  renew(queue: string): Promise<void>;
  /** Begins to take attempts from a queue; nothing comes before there is a demand. */
  open(queue: string, onDelivery: (delivery: Delivery) => void): Promise<Intake>;
}

export interface QueueDepth {
  readonly waiting: number;
  readonly inFlight: number;
  /** So many may be in flight at a time. */
  readonly limit: number;
  /** The highest position that was delivered, given back or not; 0 when nothing was. */
  readonly deliveredSeq: number;
  /** Somebody waits for deliveries. */
  readonly isWanted: boolean;
}

export interface Intake {
  /** `n` more deliveries are wanted, in place of what was said before; each one that comes uses up one. What was asked for already may still come. */
  demand(n: number): void;
  /** Asks for nothing more; resolves when nothing more can come. */
  stop(): Promise<void>;
}

export interface Delivery {
  readonly work: Work;
  /** Whether it may run is not known here: it was delivered before, or perhaps was, or who enqueued it did not know. `Referee` says. */
  readonly isSuspect: boolean;
  /** How often, at most, it was delivered before and came to nothing: neither settled nor given back. */
  readonly losses: number;
  /** Names this delivery to `extend`. */
  readonly receipt: string;
  /** The outcome is stored: the copy may go. */
  ack(): void;
  /** Not started here: any worker may have it, after the delay. */
  giveBack(delayMs?: number): void;
}
