/**
 * Who is alive and who holds what: notices that are never stored and may be lost, doubled or late.
 * What rests on them is an observation, never the state of a run.
 */
import type { AttemptId } from "../core/attempt.ts";
import type { QueuedAttempt } from "./task-queue.ts";

export interface Heartbeat {
  readonly workerId: string;
  /** One start of a worker process; the id plus a boot nonce, safe in subjects. */
  readonly incarnation: string;
  readonly host: string;
  readonly pid: number;
  readonly queues: readonly string[];
  readonly functions: readonly string[];
  readonly slots: number;
  /** Attempts that run now. */
  readonly active: number;
  /** Every attempt it has taken and not yet ended, with the milliseconds since it began (0 while it waits for a slot). */
  readonly held: readonly HeldAttempt[];
  /** The worker's clock, milliseconds since 1970; for display only. */
  readonly time: number;
  readonly draining: boolean;
  /** The last one: the worker has ended in order and holds nothing. */
  readonly goodbye: boolean;
}

/** An attempt as its worker knows it. Its run's partition says which executor has to judge it. */
export interface Claim extends QueuedAttempt {
  readonly partition: number;
}

export interface HeldAttempt extends Claim {
  readonly runningMs: number;
}

/** What a worker has just taken: it begins now, or as soon as a slot is free. */
export interface Took {
  readonly workerId: string;
  readonly incarnation: string;
  readonly attempts: readonly Claim[];
}

/** What an executor tells workers. */
export type WorkerCommand =
  | { readonly kind: "report" }
  /** End what you hold of this run: it was cancelled. */
  | { readonly kind: "stop-run"; readonly runId: string }
  /** End this attempt: it is no longer yours, or its time is over. */
  | { readonly kind: "stop-attempt"; readonly attempt: AttemptId };

export interface Presence {
  /** Worker: tells all executors what it is and holds. */
  heartbeat(beat: Heartbeat): void;
  /** Worker: tells at once what it has taken. The notice has left the process by the next turn of its loop, if the connection stands. */
  took(notice: Took): void;
  /** Worker: hears commands to all workers and to this incarnation. */
  onCommand(incarnation: string, handler: (command: WorkerCommand) => void): Promise<Subscription>;
  /** Executor and observers: hear heartbeats and notices of all workers. */
  watch(handlers: PresenceHandlers): Promise<Subscription>;
  /** Executor: tells all workers, or one incarnation. */
  command(command: WorkerCommand, incarnation?: string): void;
}

export interface PresenceHandlers {
  heartbeat(beat: Heartbeat): void;
  took(notice: Took): void;
  /** This process lost its connection and has it again: what it heard before is out of date. */
  reconnected(): void;
}

export interface Subscription {
  stop(): Promise<void>;
}
