/**
 * Who is alive and who holds what, as this executor hears it. Observations only: they may be late or wrong,
 * and the log decides.
 */
import { type AttemptId, attemptKey } from "../core/attempt.ts";
import type { HeldView, WorkerView } from "../core/cluster-view.ts";
import { excused, isBlocked, type Sign, type Signs, withSign } from "../core/liveness.ts";
import type { Claim, Heartbeat, Took } from "../ports/presence.ts";

/** What is kept of a claim: there may be very many. */
export type Claimed = Omit<Claim, "queue">;

export interface Held {
  readonly attempt: Claimed;
  readonly incarnation: string;
  readonly workerId: string;
  /** When this executor learned of it, by its monotonic clock. */
  readonly since: number;
  /** The notice that told of it; 0 where a heartbeat did. */
  readonly n: number;
}

export interface LiveWorker {
  readonly beat: Heartbeat;
  /** When this heartbeat came, by the executor's monotonic clock. */
  readonly beatAt: number;
  readonly host: string;
  /** By attempt key. */
  readonly held: Map<string, Held>;
  /** The server by which it was last heard. */
  server: string;
  signs: Signs;
}

const MAX_GIVEN_BACK = 10_000;

export class LiveTable {
  readonly #workers = new Map<string, LiveWorker>();
  readonly #holders = new Map<string, Held>();
  /** Attempts that a worker has let go without an outcome that was heard of: their copies are in the queue again. */
  readonly #givenBack = new Map<string, number>();

  get workers(): Iterable<LiveWorker> {
    return this.#workers.values();
  }
  workerOf(incarnation: string): LiveWorker | undefined {
    return this.#workers.get(incarnation);
  }
  get workerCount(): number {
    return this.#workers.size;
  }
  /** Attempts that some worker says it holds. */
  get heldCount(): number {
    return this.#holders.size;
  }

  /** Takes in a heartbeat; gives back what was known of the worker before. */
  heartbeat(beat: Heartbeat, now: number): LiveWorker | undefined {
    const known = this.#workers.get(beat.incarnation);
    const before = known?.held ?? new Map<string, Held>();
    for (const held of before.values()) this.#letGo(held);
    const { host, server } = beat;
    const signs: Signs = { heardAt: now, isExcused: false };
    const worker: LiveWorker = { beat, beatAt: now, host, held: new Map(), server, signs };
    this.#workers.set(beat.incarnation, worker);
    for (const claim of beat.held) {
      this.#hold(worker, claim, { since: before.get(attemptKey(claim))?.since ?? now - claim.heldMs });
    }
    for (const [key, held] of before) {
      if (worker.held.has(key)) continue;
      // A notice may overtake the heartbeats that were sent before it.
      if (held.n > beat.told) this.#hold(worker, held.attempt, held);
      else this.#noteGivenBack(key, now);
    }
    return known;
  }

  /** Takes in a notice; a worker that is not known yet must report first. */
  took(notice: Took, now: number): boolean {
    const worker = this.#workers.get(notice.incarnation);
    if (worker === undefined) return false;
    const { n } = notice;
    // A later heartbeat knows better.
    if (n <= worker.beat.told) return true;
    for (const claim of notice.attempts) this.#hold(worker, claim, { since: now, n });
    return true;
  }

  /** A probe has shown this of a worker. */
  saw(
    incarnation: string,
    sign: Sign,
    { now, server }: { readonly now: number; readonly server?: string },
  ): void {
    const worker = this.#workers.get(incarnation);
    if (worker === undefined) return;
    worker.signs = withSign(worker.signs, sign, now);
    if (server !== undefined) worker.server = server;
  }

  /** There is an outcome, or it is over otherwise: nobody holds it any more. */
  ended(attempt: AttemptId): void {
    const key = attemptKey(attempt);
    this.#givenBack.delete(key);
    const held = this.#holders.get(key);
    if (held === undefined) return;
    this.#holders.delete(key);
    this.#workers.get(held.incarnation)?.held.delete(key);
  }

  holderOf(attempt: AttemptId): Held | undefined {
    return this.#holders.get(attemptKey(attempt));
  }

  /** When its worker let it go without an outcome, and nobody has taken it since; nothing of any other. */
  givenBackAt(attempt: AttemptId): number | undefined {
    return this.#givenBack.get(attemptKey(attempt));
  }

  /** It has ended in order and holds nothing: what it held is in the queue again. */
  left(incarnation: string, now: number): void {
    for (const key of this.#workers.get(incarnation)?.held.keys() ?? []) this.#noteGivenBack(key, now);
    this.remove(incarnation);
  }

  remove(incarnation: string): void {
    const worker = this.#workers.get(incarnation);
    if (worker === undefined) return;
    for (const held of worker.held.values()) this.#letGo(held);
    this.#workers.delete(incarnation);
  }

  /** Everybody gets a full term again: what was silent was perhaps this executor. */
  excuseAll(now: number): void {
    for (const worker of this.#workers.values()) worker.signs = excused(now);
  }

  /** Its outcomes wait to be stored. */
  waits(incarnation: string): boolean {
    return this.#workers.get(incarnation)?.beat.waits !== undefined;
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
    return [...this.#workers.values()].map(({ beat, beatAt, held, signs }) => ({
      workerId: beat.workerId,
      host: beat.host,
      pid: beat.pid,
      queues: beat.queues,
      functions: beat.functions,
      slots: beat.slots,
      active: [...held.values()].filter(({ attempt }) => isOurs(attempt.partition)).length,
      draining: beat.draining,
      ...(beat.waits === undefined ? {} : { waits: beat.waits }),
      blockedMs: isBlocked(beat.blockedMs) ? Math.round(beat.blockedMs + now - beatAt) : 0,
      silentMs: Math.round(now - signs.heardAt),
    }));
  }

  heldViews(now: number, isOurs: (partition: number) => boolean): HeldView[] {
    return [...this.#holders.values()]
      .filter(({ attempt }) => isOurs(attempt.partition))
      .map(({ attempt, workerId, since }) => ({
        ...idOf(attempt),
        workerId,
        sinceMs: Math.round(now - since),
      }));
  }

  /** Attempts that end without an outcome, with their run, stay; to forget them is no harm but a loss too many. */
  #noteGivenBack(key: string, now: number): void {
    if (this.#givenBack.size >= MAX_GIVEN_BACK) this.#givenBack.clear();
    this.#givenBack.set(key, now);
  }

  /** Another may have it by now. */
  #letGo({ attempt, incarnation }: Held): void {
    const key = attemptKey(attempt);
    if (this.#holders.get(key)?.incarnation === incarnation) this.#holders.delete(key);
  }

  #hold(
    worker: LiveWorker,
    { runId, task, index, attempt, partition }: Claimed,
    { since, n = 0 }: { readonly since: number; readonly n?: number },
  ): void {
    const claim = { runId, task, index, attempt, partition };
    const { incarnation, workerId } = worker.beat;
    const held: Held = { attempt: claim, incarnation, workerId, since, n };
    const key = attemptKey(claim);
    worker.held.set(key, held);
    this.#holders.set(key, held);
    this.#givenBack.delete(key);
  }
}

/** `*` stands for every queue. */
export function serves({ queues }: Pick<Heartbeat, "queues">, queue: string): boolean {
  return queues.includes(queue) || queues.includes("*");
}

/** The identity alone, of something that has one. */
export function idOf({ runId, task, index, attempt }: AttemptId): AttemptId {
  return { runId, task, index, attempt };
}
