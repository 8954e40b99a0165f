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
  /** Id of the server that it was sent to. */
  readonly server: string;
  readonly queues: readonly string[];
  readonly functions: readonly string[];
  readonly slots: number;
  /** Every attempt it has taken and not yet let go. */
  readonly held: readonly HeldAttempt[];
  /** Number of the newest notice that is accounted for in `held`; notices and heartbeats may overtake each other. */
  readonly told: number;
  /** For how long its main loop has not turned, in milliseconds; less than a second means nothing. */
  readonly blockedMs: number;
  /** The worker's clock, milliseconds since 1970; for display only. */
  readonly time: number;
  readonly draining: boolean;
  /** Why its outcomes wait to be stored; absent while they do not. */
  readonly waits?: string;
  /** The last one: the worker has ended in order and holds nothing. */
  readonly goodbye: boolean;
}

/** An attempt as its worker knows it. Its run's partition says which executor has to judge it. */
export interface Claim extends QueuedAttempt {
  readonly partition: number;
}

export interface HeldAttempt extends Claim {
  /** Milliseconds since it was taken. */
  readonly heldMs: number;
}

/** What a worker has just taken: it begins now, or as soon as a slot is free. */
export interface Took {
  readonly workerId: string;
  readonly incarnation: string;
  /** Counts the notices of this incarnation, from 1. */
  readonly n: number;
  readonly attempts: readonly Claim[];
}

/** What an executor tells workers. */
export type WorkerCommand =
  | { readonly kind: "report" }
  /** End what you hold of this run, up to this generation: it has ended. Who says so may have been held up, and the run be retried since. */
  | { readonly kind: "stop-run"; readonly runId: string; readonly gen: number }
  /** End this attempt: it is no longer yours, or its time is over. */
  | { readonly kind: "stop-attempt"; readonly attempt: AttemptId };

export interface Presence {
  /** Worker: tells all executors what it is and holds. */
  heartbeat(beat: Heartbeat): void;
  /** Worker: tells at once what it has taken. The notice has left the process by the next turn of its loop, if the connection stands. */
  took(notice: Took): void;
  /** Worker: hears commands to all workers and to this incarnation, and answers probes of it. Several parts of one worker may do so. */
  onCommand(incarnation: string, handler: (command: WorkerCommand) => void): Promise<Subscription>;
  /** Executor and observers: hear heartbeats and notices of all workers. */
  watch(handlers: PresenceHandlers): Promise<Subscription>;
  /** Executor: tells all workers, or one incarnation. */
  command(command: WorkerCommand, incarnation?: string): void;
  /** Executor: asks whether anybody hears as this incarnation. Does not reject. */
  probe(incarnation: string, timeoutMs: number): Promise<ProbeAnswer>;
  /** Id of the server that this process is connected to; nothing while the connection is down. */
  server(): string | undefined;
}

/** `there`: it answers, from this server. `gone`: nobody hears there, it has no connection. `late`: no answer in time; it may be slow, frozen or cut off, or this process may be. */
export type ProbeAnswer =
  { readonly kind: "there"; readonly server: string } | { readonly kind: "gone" } | { readonly kind: "late" };

export interface PresenceHandlers {
  heartbeat(beat: Heartbeat): void;
  took(notice: Took): void;
  /** This process lost its connection and has it again: what it heard before is out of date. */
  reconnected(): void;
}

export interface Subscription {
  stop(): Promise<void>;
}
