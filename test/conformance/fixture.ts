/** What a suite needs to hold an implementation of the ports to its promises. */
import type { LogStore } from "../../internal/ports/attempt-logs.ts";
import type { Blobs } from "../../internal/ports/blobs.ts";
import type { Catalog } from "../../internal/ports/catalog.ts";
import type { Checkpoints } from "../../internal/ports/checkpoints.ts";
import type { DeadLetters } from "../../internal/ports/dead-letters.ts";
import type { Desk } from "../../internal/ports/desk.ts";
import type { History } from "../../internal/ports/history.ts";
import type { Leases } from "../../internal/ports/lease.ts";
import type { Presence } from "../../internal/ports/presence.ts";
import type { Referee } from "../../internal/ports/referee.ts";
import type { RunLog } from "../../internal/ports/run-log.ts";
import type { TaskQueue } from "../../internal/ports/task-queue.ts";

export interface Ports {
  readonly log: RunLog;
  readonly queue: TaskQueue;
  readonly blobs: Blobs;
  readonly presence: Presence;
  readonly leases: Leases;
  readonly deadLetters: DeadLetters;
  readonly desk: Desk;
  readonly referee: Referee;
  readonly catalog: Catalog;
  readonly history: History;
  readonly checkpoints: Checkpoints;
  readonly logs: LogStore;
}

export interface Fixture extends AsyncDisposable {
  /** The ports as one process sees them; a second call gives those of another process. */
  open(): Promise<Ports>;
  /** Time passes: the clock is moved on where it is ours, else it is waited. */
  elapse(ms: number): Promise<void>;
}

export interface FixtureOptions {
  /** Default long: nothing comes again by itself. */
  readonly ackWaitMs?: number;
  readonly leaseTermMs?: number;
}

/** An empty cluster. */
export type MakeFixture = (options?: FixtureOptions) => Promise<Fixture>;
