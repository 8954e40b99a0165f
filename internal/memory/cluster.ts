/** The small ports in one process, and all of them together. */
import type { Clock } from "../ports/clock.ts";
import { type ClusterView, type ExecutorView, merged } from "../core/cluster-view.ts";
import type { Desk } from "../ports/desk.ts";
import type { Link } from "../ports/link.ts";
import type {
  Heartbeat,
  Presence,
  PresenceHandlers,
  ProbeAnswer,
  Subscription,
  Took,
  WorkerCommand,
} from "../ports/presence.ts";
import type { Pressure } from "../ports/storing.ts";
import { MemoryLogs } from "./attempt-logs.ts";
import { MemoryBlobs } from "./blobs.ts";
import { MemoryCatalog } from "./catalog.ts";
import { MemoryCheckpoints, MemoryHistory } from "./history.ts";
import { MemoryDeadLetters } from "./dead-letters.ts";
import { MemoryLeases } from "./leases.ts";
import { MemoryReferee } from "./referee.ts";
import { MemoryRunLog } from "./run-log.ts";
import { MemoryTaskQueue } from "./task-queue.ts";

/** There is one place only. */
const SERVER = "memory";

export class MemoryPresence implements Presence {
  readonly #watchers = new Set<PresenceHandlers>();
  readonly #workers = new Set<{
    readonly incarnation: string;
    readonly handler: (command: WorkerCommand) => void;
  }>();

  heartbeat(beat: Heartbeat): void {
    this.#tell((watcher) => watcher.heartbeat(beat));
  }
  took(notice: Took): void {
    this.#tell((watcher) => watcher.took(notice));
  }
  async onCommand(incarnation: string, handler: (command: WorkerCommand) => void): Promise<Subscription> {
    const hearer = { incarnation, handler };
    this.#workers.add(hearer);
    return { stop: async () => void this.#workers.delete(hearer) };
  }
  async watch(handlers: PresenceHandlers): Promise<Subscription> {
    this.#watchers.add(handlers);
    return { stop: async () => void this.#watchers.delete(handlers) };
  }
  command(command: WorkerCommand, incarnation?: string): void {
    for (const worker of this.#workers) {
      if (incarnation !== undefined && worker.incarnation !== incarnation) continue;
      queueMicrotask(() => {
        if (this.#workers.has(worker)) worker.handler(command);
      });
    }
  }

  async probe(incarnation: string): Promise<ProbeAnswer> {
    const isThere = [...this.#workers].some((worker) => worker.incarnation === incarnation);
    return isThere ? { kind: "there", server: SERVER } : { kind: "gone" };
  }

  server(): string | undefined {
    return SERVER;
  }

  /** In a turn of its own: who tells is not called back from within. */
  #tell(notice: (watcher: PresenceHandlers) => void): void {
    for (const watcher of this.#watchers) {
      queueMicrotask(() => {
        if (this.#watchers.has(watcher)) notice(watcher);
      });
    }
  }
}

export class MemoryDesk implements Desk {
  readonly #answers = new Set<() => ExecutorView | undefined>();

  async serve(answer: () => ExecutorView | undefined): Promise<{ stop(): Promise<void> }> {
    this.#answers.add(answer);
    return { stop: async () => void this.#answers.delete(answer) };
  }
  async ask(): Promise<ClusterView | undefined> {
    return merged([...this.#answers].flatMap((answer) => answer() ?? []));
  }
}

export interface MemoryClusterOptions {
  readonly clock: Clock;
  readonly leaseTermMs?: number;
  readonly ackWaitMs?: number;
  /** Path of a file that is not there yet, for values that come as streams. Default: they are in memory too. */
  newPath?(): string;
}

/** Nothing lies between. */
const ALWAYS_UP: Link = { isUp: () => true, onRestored: () => ({ cancel: () => undefined }) };

/** All ports of one process; nothing outlives it. */
export class MemoryCluster {
  readonly log: MemoryRunLog;
  readonly queue: MemoryTaskQueue;
  readonly blobs: MemoryBlobs;
  readonly presence = new MemoryPresence();
  readonly leases: MemoryLeases;
  readonly deadLetters: MemoryDeadLetters;
  /** There is always room in memory. */
  readonly pressure: Pressure = { why: () => undefined };
  readonly desk = new MemoryDesk();
  readonly referee = new MemoryReferee();
  readonly link: Link = ALWAYS_UP;
  readonly catalog: MemoryCatalog;
  readonly history: MemoryHistory;
  readonly checkpoints = new MemoryCheckpoints();
  readonly logs: MemoryLogs;

  constructor({ clock, leaseTermMs = 5_000, ackWaitMs = 60_000, newPath }: MemoryClusterOptions) {
    this.blobs = new MemoryBlobs(newPath);
    this.log = new MemoryRunLog({ clock, onForgotten: (runId) => void this.blobs.removeRun(runId) });
    this.queue = new MemoryTaskQueue({ clock, ackWaitMs });
    this.leases = new MemoryLeases(clock, leaseTermMs);
    this.catalog = new MemoryCatalog(clock);
    this.history = new MemoryHistory(clock);
    this.logs = new MemoryLogs(clock);
    this.deadLetters = new MemoryDeadLetters(clock);
  }
}
