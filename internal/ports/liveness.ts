/**
 * How a worker shows that it lives and what it holds, whatever its tasks do to its loop: an implementation for
 * workers that run anybody's code does it on a thread and a connection of its own.
 */
import type { AttemptId } from "../core/attempt.ts";
import type { Claim } from "./presence.ts";

export interface Liveness {
  /** Shows a worker's life from now on: heartbeats, answers to probes and to `report`, and extension of all that it holds. Resolves once it is heard. */
  begin(worker: WorkerIdentity, status: WorkerStatus): Promise<Lifeline>;
}

/** What does not change while a worker lives. */
export interface WorkerIdentity {
  readonly workerId: string;
  readonly incarnation: string;
  readonly host: string;
  readonly pid: number;
  readonly queues: readonly string[];
  readonly slots: number;
}

export interface WorkerStatus {
  /** Names of the functions it knows. */
  readonly functions: readonly string[];
  readonly draining: boolean;
  /** Why its outcomes wait to be stored; absent while they do not. */
  readonly waits?: string;
}

/** A copy that a worker has taken. */
export interface HeldCopy {
  readonly claim: Claim;
  /** See `Delivery`. */
  readonly receipt: string;
}

export interface Lifeline {
  /**
   * It holds these too, as notice `n` says. Where tasks run on the loop of the process it counts from here on: what they
   * hold up does not delay it. Elsewhere it may count a moment later; heartbeats say up to which notice they know.
   */
  hold(copies: readonly HeldCopy[], n: number): void;
  /** It holds this no longer. */
  letGo(attempt: AttemptId): void;
  update(status: WorkerStatus): void;
  /** A heartbeat, within the next turn of the loop. */
  beat(): void;
  /** Says goodbye. Resolves when the last word has left, or cannot. */
  stop(): Promise<void>;
}
