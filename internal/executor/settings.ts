/** What the services of an executor are given. */
import type { LoggedFact } from "../core/facts.ts";
import type { QueueLoad } from "../core/flow.ts";
import type { LivenessLimits } from "../core/liveness.ts";
import type { Retention } from "../core/retention.ts";
import type { Change } from "../core/change.ts";
import type { RunFold } from "../core/run-fold.ts";
import type { Blobs } from "../ports/blobs.ts";
import type { Checkpoints } from "../ports/checkpoints.ts";
import type { Clock, Random } from "../ports/clock.ts";
import type { DeadLetters } from "../ports/dead-letters.ts";
import type { Definitions } from "../ports/definitions.ts";
import type { Desk } from "../ports/desk.ts";
import type { History } from "../ports/history.ts";
import type { Leases } from "../ports/lease.ts";
import type { Observer } from "../ports/observer.ts";
import type { Presence } from "../ports/presence.ts";
import type { Referee } from "../ports/referee.ts";
import type { RunLog } from "../ports/run-log.ts";
import type { Pressure } from "../ports/storing.ts";
import type { TaskQueue } from "../ports/task-queue.ts";

/** The world that an executor works on. */
export interface Ports {
  readonly log: RunLog;
  readonly history: History;
  readonly checkpoints: Checkpoints;
  readonly queue: TaskQueue;
  readonly blobs: Blobs;
  readonly definitions: Definitions;
  readonly presence: Presence;
  readonly leases: Leases;
  readonly deadLetters: Pick<DeadLetters, "put">;
  readonly pressure: Pressure;
  readonly desk: Desk;
  readonly referee: Referee;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: Observer;
}

export interface ExecutorSettings {
  readonly limits: LivenessLimits;
  /** How long a worker may be unheard before it is probed, in milliseconds. */
  readonly probeIntervalMs: number;
  /** Time limit of an attempt whose task names none, in milliseconds; without it the worker's own counts. */
  readonly taskTimeoutMs?: number;
  /** How often an instance may be lost with its worker. */
  readonly lossCap: number;
  /** So many instances may a task have. Default 100,000. */
  readonly fanOutLimit?: number;
  /** Values above this many characters of JSON go by reference. */
  readonly inlineLimit: number;
  /** How long runs are kept; without it this executor retires none. */
  readonly retention?: Retention;
  /** How many attempts of a queue may be queued or running for the runs that one executor drives. */
  windowOf(load: QueueLoad): number;
}

/** Hears what each fact of a run changed, after the change. */
export type RunListener = (run: RunFold, change: Change, logged: LoggedFact) => void;
