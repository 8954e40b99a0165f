/** The small ports in one process, and all of them together. */
import type { BlobRef } from "../core/stored.ts";
import { BlobMissing, type BlobOwner, type Blobs } from "../ports/blobs.ts";
import type { Clock } from "../ports/clock.ts";
import type { DeadLetter, DeadLetters } from "../ports/dead-letters.ts";
import type { ClusterView, Desk } from "../ports/desk.ts";
import type { Lease } from "../ports/lease.ts";
import type {
  Heartbeat,
  Presence,
  PresenceHandlers,
  Subscription,
  Took,
  WorkerCommand,
} from "../ports/presence.ts";
import { MemoryRunLog } from "./run-log.ts";
import { MemoryTaskQueue } from "./task-queue.ts";

export class MemoryBlobs implements Blobs {
  readonly #values = new Map<string, Uint8Array>();

  async put(owner: BlobOwner, name: string, bytes: Uint8Array): Promise<BlobRef> {
    const key = `${prefix(owner)}${name}`;
    if (!this.#values.has(key)) this.#values.set(key, bytes.slice());
    return { name, bytes: bytes.length, chunks: 1 };
  }

  async get(owner: BlobOwner, { name }: BlobRef): Promise<Uint8Array> {
    const bytes = this.#values.get(`${prefix(owner)}${name}`);
    if (bytes === undefined) throw new BlobMissing(name);
    return bytes.slice();
  }

  async removeRun(runId: string): Promise<void> {
    for (const key of this.#values.keys()) if (key.startsWith(prefix({ runId }))) this.#values.delete(key);
  }
}

function prefix(owner: BlobOwner): string {
  return owner === "definitions" ? "def." : `run.${owner.runId}.`;
}

export class MemoryPresence implements Presence {
  readonly #watchers = new Set<PresenceHandlers>();
  readonly #workers = new Map<string, (command: WorkerCommand) => void>();

  heartbeat(beat: Heartbeat): void {
    for (const watcher of this.#watchers) queueMicrotask(() => watcher.heartbeat(beat));
  }
  took(notice: Took): void {
    for (const watcher of this.#watchers) queueMicrotask(() => watcher.took(notice));
  }
  async onCommand(incarnation: string, handler: (command: WorkerCommand) => void): Promise<Subscription> {
    this.#workers.set(incarnation, handler);
    return { stop: async () => void this.#workers.delete(incarnation) };
  }
  async watch(handlers: PresenceHandlers): Promise<Subscription> {
    this.#watchers.add(handlers);
    return { stop: async () => void this.#watchers.delete(handlers) };
  }
  command(command: WorkerCommand, incarnation?: string): void {
    for (const [name, handler] of this.#workers) {
      if (incarnation === undefined || name === incarnation) queueMicrotask(() => handler(command));
    }
  }
}

export class MemoryLease implements Lease {
  readonly termMs: number;
  readonly #clock: Clock;
  #held: { readonly owner: string; readonly until: number } | undefined;

  constructor(clock: Clock, termMs: number) {
    this.#clock = clock;
    this.termMs = termMs;
  }

  async acquire(owner: string): Promise<boolean> {
    const holder = await this.holder();
    return (holder === undefined || holder === owner) && this.#hold(owner);
  }
  async renew(owner: string): Promise<boolean> {
    return (await this.holder()) === owner && this.#hold(owner);
  }
  async release(owner: string): Promise<void> {
    if ((await this.holder()) === owner) this.#held = undefined;
  }
  async holder(): Promise<string | undefined> {
    const held = this.#held;
    return held !== undefined && this.#clock.monotonic() < held.until ? held.owner : undefined;
  }

  #hold(owner: string): boolean {
    this.#held = { owner, until: this.#clock.monotonic() + this.termMs };
    return true;
  }
}

export class MemoryDeadLetters implements DeadLetters {
  readonly #letters: DeadLetter[] = [];

  async put(letter: DeadLetter): Promise<void> {
    this.#letters.push(letter);
  }
  async list(limit: number): Promise<DeadLetter[]> {
    return this.#letters.slice(-limit).toReversed();
  }
}

export class MemoryDesk implements Desk {
  #answer: (() => ClusterView) | undefined;

  async serve(answer: () => ClusterView): Promise<{ stop(): Promise<void> }> {
    this.#answer = answer;
    return {
      stop: async () => {
        if (this.#answer === answer) this.#answer = undefined;
      },
    };
  }
  async ask(): Promise<ClusterView | undefined> {
    return this.#answer?.();
  }
}

export interface MemoryClusterOptions {
  readonly clock: Clock;
  readonly leaseTermMs?: number;
  readonly ackWaitMs?: number;
}

/** All ports of one process; nothing outlives it. */
export class MemoryCluster {
  readonly log: MemoryRunLog;
  readonly queue: MemoryTaskQueue;
  readonly blobs = new MemoryBlobs();
  readonly presence = new MemoryPresence();
  readonly lease: MemoryLease;
  readonly deadLetters = new MemoryDeadLetters();
  readonly desk = new MemoryDesk();

  constructor({ clock, leaseTermMs = 5_000, ackWaitMs = 60_000 }: MemoryClusterOptions) {
    this.log = new MemoryRunLog(clock);
    this.queue = new MemoryTaskQueue({ clock, ackWaitMs });
    this.lease = new MemoryLease(clock, leaseTermMs);
  }
}
