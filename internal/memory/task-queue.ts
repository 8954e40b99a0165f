/** The work queue in one process. */
import { attemptKey, isVouchedFor, type Work } from "../core/attempt.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import type {
  Delivery,
  Enqueued,
  Intake,
  QueueDepth,
  QueuedAttempt,
  TaskQueue,
} from "../ports/task-queue.ts";

/** Opened under this name, an intake takes from every queue: in one process there is nobody else to serve them. */
export const ANY_QUEUE = "*";

interface Copy {
  readonly work: Work;
  readonly seq: number;
  readonly storedAt: number;
  deliveries: number;
  /** Deliveries whose ack wait was over. */
  losses: number;
  /** Set while it is in flight. */
  ackTimer: Timer | undefined;
}

interface Taker {
  demand: number;
  onDelivery(delivery: Delivery): void;
}

interface Lane {
  /** In the order of delivery; what is in flight is not here. */
  readonly waiting: Map<string, Copy>;
  readonly takers: Set<Taker>;
  deliveredSeq: number;
}

export interface MemoryTaskQueueOptions {
  readonly clock: Clock;
  /** What is not settled for so long is delivered again, in milliseconds. Default 60,000. */
  readonly ackWaitMs?: number;
}

export class MemoryTaskQueue implements TaskQueue {
  readonly #clock: Clock;
  readonly #ackWaitMs: number;
  readonly #copies = new Map<string, Copy>();
  readonly #lanes = new Map<string, Lane>();
  #newest = 0;
  #serving = false;

  constructor({ clock, ackWaitMs = 60_000 }: MemoryTaskQueueOptions) {
    this.#clock = clock;
    this.#ackWaitMs = ackWaitMs;
  }

  async enqueue(work: Work, isWanted?: () => boolean): Promise<Enqueued> {
    if (isWanted?.() === false) return { stored: false, unwanted: true };
    const key = keyOf(work);
    if (this.#copies.has(key)) return { stored: false };
    const seq = ++this.#newest;
    const copy: Copy = {
      work,
      seq,
      storedAt: this.#clock.now(),
      deliveries: 0,
      losses: 0,
      ackTimer: undefined,
    };
    this.#copies.set(key, copy);
    this.#lane(work.queue).waiting.set(key, copy);
    this.#serve();
    return { stored: true, seq };
  }

  async list(): Promise<QueuedAttempt[]> {
    return [...this.#copies.values()].map(({ work: { runId, task, index, attempt, queue } }) => ({
      runId,
      task,
      index,
      attempt,
      queue,
    }));
  }

  async seqOf(attempt: QueuedAttempt): Promise<number | undefined> {
    return this.#copies.get(keyOf(attempt))?.seq;
  }

  async remove(attempt: QueuedAttempt): Promise<void> {
    this.#delete(attempt);
  }

  async purge(runId: string, queues: readonly string[]): Promise<void> {
    for (const { work } of [...this.#copies.values()]) {
      if (work.runId === runId && queues.includes(work.queue)) this.#delete(work);
    }
  }

  async depth(queue: string): Promise<QueueDepth> {
    const all = [...this.#copies.values()].filter(({ work }) => work.queue === queue).length;
    const { waiting, deliveredSeq } = this.#lane(queue);
    const takers = [...this.#lane(queue).takers, ...this.#lane(ANY_QUEUE).takers];
    const isWanted = takers.some(({ demand }) => demand > 0);
    const inFlight = all - waiting.size;
    return { waiting: waiting.size, inFlight, limit: Number.POSITIVE_INFINITY, deliveredSeq, isWanted };
  }

  async renew(queue: string): Promise<void> {
    for (const [key, copy] of [...this.#copies]) {
      if (copy.work.queue === queue && copy.ackTimer !== undefined) this.#again(key, copy);
    }
  }

  extend(receipts: readonly string[]): void {
    for (const receipt of receipts) {
      const copy = this.#copies.get(receipt);
      if (copy?.ackTimer !== undefined) this.#awaitAck(receipt, copy);
    }
  }

  async open(queue: string, onDelivery: (delivery: Delivery) => void): Promise<Intake> {
    const taker: Taker = { demand: 0, onDelivery };
    const { takers } = this.#lane(queue);
    takers.add(taker);
    return {
      demand: (n) => {
        taker.demand = n;
        this.#serve();
      },
      stop: async () => {
        takers.delete(taker);
      },
    };
  }

  /** In a turn of its own, so that a taker is never called from within its own call. */
  #serve(): void {
    if (this.#serving) return;
    this.#serving = true;
    queueMicrotask(() => {
      this.#serving = false;
      for (const lane of this.#lanes.values()) this.#serveLane(lane);
    });
  }

  #serveLane(lane: Lane): void {
    this.#handOut(lane, lane.takers);
    this.#handOut(lane, this.#lane(ANY_QUEUE).takers);
  }

  /** Who got one goes to the end of the takers. */
  #handOut(lane: Lane, takers: Set<Taker>): void {
    for (const taker of [...takers]) {
      while (taker.demand > 0 && takers.has(taker)) {
        const [next] = lane.waiting;
        if (next === undefined) return;
        const [key, copy] = next;
        lane.waiting.delete(key);
        taker.demand--;
        takers.delete(taker);
        takers.add(taker);
        lane.deliveredSeq = Math.max(lane.deliveredSeq, copy.seq);
        taker.onDelivery(this.#deliver(key, copy));
      }
    }
  }

  #deliver(key: string, copy: Copy): Delivery {
    copy.deliveries++;
    // A late answer must not touch a newer copy of the same attempt.
    const isThere = (): boolean => this.#copies.get(key) === copy;
    this.#awaitAck(key, copy);
    return {
      work: copy.work,
      isSuspect: copy.deliveries > 1 || !isVouchedFor(copy.work, copy.storedAt),
      losses: copy.losses,
      receipt: key,
      ack: () => {
        if (isThere()) this.#delete(copy.work);
      },
      giveBack: (delayMs = 0) => {
        if (!isThere()) return;
        if (delayMs > 0) this.#wait(copy, delayMs, () => this.#again(key, copy));
        else this.#again(key, copy);
      },
    };
  }

  #awaitAck(key: string, copy: Copy): void {
    this.#wait(copy, this.#ackWaitMs, () => {
      copy.losses++;
      this.#again(key, copy);
    });
  }

  #wait(copy: Copy, ms: number, act: () => void): void {
    copy.ackTimer?.cancel();
    copy.ackTimer = this.#clock.after(ms, act);
  }

  #again(key: string, copy: Copy): void {
    copy.ackTimer?.cancel();
    copy.ackTimer = undefined;
    if (this.#copies.get(key) !== copy) return;
    this.#lane(copy.work.queue).waiting.set(key, copy);
    this.#serve();
  }

  #delete(attempt: QueuedAttempt): void {
    const key = keyOf(attempt);
    const copy = this.#copies.get(key);
    if (copy === undefined) return;
    copy.ackTimer?.cancel();
    this.#copies.delete(key);
    this.#lane(copy.work.queue).waiting.delete(key);
  }

  #lane(queue: string): Lane {
    let lane = this.#lanes.get(queue);
    if (lane === undefined) {
      lane = { waiting: new Map(), takers: new Set(), deliveredSeq: 0 };
      this.#lanes.set(queue, lane);
    }
    return lane;
  }
}

function keyOf(attempt: QueuedAttempt): string {
  return `${attempt.queue}.${attemptKey(attempt)}`;
}
