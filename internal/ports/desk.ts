/** Questions to the executor that holds the lease: what it observes and no log says. */
import type { AttemptId } from "../core/attempt.ts";

export interface WorkerView {
  readonly workerId: string;
  readonly host: string;
  readonly pid: number;
  readonly queues: readonly string[];
  readonly functions: readonly string[];
  readonly slots: number;
  readonly active: number;
  readonly draining: boolean;
  /** Milliseconds since the executor last heard of it. */
  readonly silentMs: number;
}

export interface HeldView extends AttemptId {
  readonly workerId: string;
  /** Milliseconds since the executor learned of it. */
  readonly sinceMs: number;
}

export interface QueueView {
  readonly queue: string;
  /** Owed and not yet in the queue, plus queued or in flight. */
  readonly depth: number;
  /** Of these, those that a worker holds. */
  readonly running: number;
  /** Live workers that take from it. */
  readonly workers: number;
}

export interface ClusterView {
  readonly executor: string;
  readonly workers: readonly WorkerView[];
  readonly held: readonly HeldView[];
  readonly queues: readonly QueueView[];
  readonly activeRuns: number;
}

export interface Desk {
  /** Executor: answers from now on. */
  serve(answer: () => ClusterView): Promise<{ stop(): Promise<void> }>;
  /** Anyone: asks; `undefined` when no executor answers within `timeoutMs`. */
  ask(timeoutMs: number): Promise<ClusterView | undefined>;
}
