/**
 * Who is alive and who holds what, as this executor hears it. Observations only: they may be late or wrong,
 * and the log decides.
 */
import { type AttemptId, attemptKey } from "../core/attempt.ts";
import type { HeldView, WorkerView } from "../core/cluster-view.ts";
import type { Claim, Heartbeat, Took } from "../ports/presence.ts";

export interface Held {
  readonly attempt: Omit<Claim, "queue">;
  readonly incarnation: string;
  readonly workerId: string;
  /** When this executor learned of it, by its monotonic clock. */
  readonly since: number;
  /** The notice that told of it; 0 where a heartbeat did. */
  readonly n: number;
}

export interface LiveWorker {
  readonly beat: Heartbeat;
  /** By attempt key. */
  readonly held: Map<string, Held>;
  /** When it was last heard of, by the executor's monotonic clock. */
  heardAt: number;
}

export class LiveTable {
  readonly #workers = new Map<string, LiveWorker>();
  readonly #holders = new Map<string, Held>();

  get workers(): Iterable<LiveWorker> {
    return this.#workers.values();
  }
  get workerCount(): number {
    return this.#workers.size;
  }
  /** Attempts that some worker says it holds. */
  get heldCount(): number {
    return this.#holders.size;
  }

  /** Takes in a heartbeat; tells whether the worker is new. */
  heartbeat(beat: Heartbeat, now: number): boolean {
    const known = this.#workers.get(beat.incarnation);
    const before = known?.held ?? new Map<string, Held>();
    for (const held of before.values()) this.#letGo(held);
    const worker: LiveWorker = { beat, held: new Map(), heardAt: now };
    this.#workers.set(beat.incarnation, worker);
    for (const attempt of beat.held) {
      this.#hold(worker, attempt, { since: before.get(attemptKey(attempt))?.since ?? now - attempt.heldMs });
    }
    // A notice may overtake the heartbeats that were sent before it.
    for (const held of before.values()) if (held.n > beat.told) this.#hold(worker, held.attempt, held);
    return known === undefined;
  }

  /** Takes in a notice; a worker that is not known yet must report first. */
  took(notice: Took, now: number): boolean {
    const worker = this.#workers.get(notice.incarnation);
    if (worker === undefined) return false;
    worker.heardAt = now;
    const { n } = notice;
    // A later heartbeat knows better.
    if (n <= worker.beat.told) return true;
    for (const attempt of notice.attempts) this.#hold(worker, attempt, { since: now, n });
    return true;
  }

  ended(attempt: AttemptId): void {
    const key = attemptKey(attempt);
    const held = this.#holders.get(key);
    if (held === undefined) return;
    this.#holders.delete(key);
    this.#workers.get(held.incarnation)?.held.delete(key);
  }

  holderOf(attempt: AttemptId): Held | undefined {
    return this.#holders.get(attemptKey(attempt));
  }

  remove(incarnation: string): void {
    const worker = this.#workers.get(incarnation);
    if (worker === undefined) return;
    for (const held of worker.held.values()) this.#letGo(held);
    this.#workers.delete(incarnation);
  }

  /** Everybody gets a full term again: what was silent was perhaps this executor. */
  forgive(now: number): void {
    for (const worker of this.#workers.values()) worker.heardAt = now;
  }

  slotsOf(queue: string): number {
    let slots = 0;
    for (const { beat } of this.#workers.values()) {
      if (!beat.draining && serves(beat, queue)) slots += beat.slots;
    }
    return slots;
  }

  workersOf(queue: string): number {
    return [...this.#workers.values()].filter(({ beat }) => serves(beat, queue)).length;
  }

  /** Queues that live workers name. */
  servedQueues(): Set<string> {
    const named = [...this.#workers.values()].flatMap(({ beat }) => beat.queues);
    return new Set(named.filter((queue) => queue !== "*"));
  }

  held(): Iterable<Held> {
    return this.#holders.values();
  }

  /** With the attempts of those partitions only that are ours. */
  workerViews(now: number, isOurs: (partition: number) => boolean): WorkerView[] {
    return [...this.#workers.values()].map(({ beat, held, heardAt }) => ({
      workerId: beat.workerId,
      host: beat.host,
      pid: beat.pid,
      queues: beat.queues,
      functions: beat.functions,
      slots: beat.slots,
      active: [...held.values()].filter(({ attempt }) => isOurs(attempt.partition)).length,
      draining: beat.draining,
      silentMs: Math.round(now - heardAt),
    }));
  }

  heldViews(now: number, isOurs: (partition: number) => boolean): HeldView[] {
    return [...this.#holders.values()]
      .filter(({ attempt }) => isOurs(attempt.partition))
      .map(({ attempt: { runId, task, index, attempt }, workerId, since }) => ({
        runId,
        task,
        index,
        attempt,
        workerId,
        sinceMs: Math.round(now - since),
      }));
  }

  /** Another may have it by now. */
  #letGo({ attempt, incarnation }: Held): void {
    const key = attemptKey(attempt);
    if (this.#holders.get(key)?.incarnation === incarnation) this.#holders.delete(key);
  }

  #hold(
    worker: LiveWorker,
    { runId, task, index, attempt, partition }: Omit<Claim, "queue">,
    { since, n = 0 }: { readonly since: number; readonly n?: number },
  ): void {
    const id = { runId, task, index, attempt, partition };
    const { incarnation, workerId } = worker.beat;
    const held: Held = { attempt: id, incarnation, workerId, since, n };
    const key = attemptKey(id);
    worker.held.set(key, held);
    this.#holders.set(key, held);
  }
}

/** `*` stands for every queue. */
function serves({ queues }: Heartbeat, queue: string): boolean {
  return queues.includes(queue) || queues.includes("*");
}
