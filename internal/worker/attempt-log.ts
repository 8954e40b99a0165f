/** The log of one execution of an attempt: what waits to go, and where the next batch of it is kept. */
import type { LogBatch, LogStream } from "../core/attempt-log.ts";
import type { AttemptOfRun } from "../core/attempt.ts";
import { LogSlots, MAX_BATCH } from "../core/log-slots.ts";
import { LogBacklog, type Taken } from "./log-backlog.ts";
import { LogText } from "./log-text.ts";

export interface Identity {
  readonly attempt: AttemptOfRun;
  readonly worker: string;
  readonly writer: string;
}

export class Outbox {
  readonly #identity: Identity;
  readonly #slots: LogSlots;
  readonly #head = new LogBacklog();
  /** What was printed after the head was full, and not dropped since. */
  readonly #tail = new LogBacklog();
  readonly #text = new LogText();
  /** What the head holds, with what has gone of it; in bytes, and what they cost. */
  #headWeight = 0;
  /** Everything before this position was taken to be sent, or dropped. */
  #taken = 0;
  /** The same of what a batch has told; bytes that are no text yet are told with the rest of it. */
  #told = 0;
  #sent = 0;
  #isEnded = false;
  #isDone = false;
  /** When its turn was last, by the monotonic clock. */
  turnAt = Number.NEGATIVE_INFINITY;

  /** `limit`: so much is kept of it, in bytes. */
  constructor(identity: Identity, limit: number) {
    this.#identity = identity;
    this.#slots = new LogSlots(limit);
  }

  get attempt(): AttemptOfRun {
    return this.#identity.attempt;
  }
  /** What waits here, in bytes and what they cost. */
  get weight(): number {
    return this.#head.weight + this.#tail.weight;
  }
  /** A whole batch waits. What is above the limit goes at its time: the newest of it is enough. */
  get isFull(): boolean {
    return this.#head.weight >= MAX_BATCH;
  }
  /** All that waits is above the limit. */
  get isTail(): boolean {
    return this.#head.weight === 0 && this.#tail.weight > 0;
  }
  get isEnded(): boolean {
    return this.#isEnded;
  }
  /** Everything was printed, and `next` has nothing more. */
  get isDone(): boolean {
    return this.#isDone;
  }
  /** All that was printed, in bytes. */
  get printed(): number {
    return this.#head.total + this.#tail.total;
  }
  /** What of it never went, and will not once it is done. */
  get dropped(): number {
    return this.printed - this.#sent;
  }

  /** Copies the bytes. */
  add(stream: LogStream, bytes: Uint8Array, time: number): void {
    if (this.#tail.total === 0) {
      const before = this.#head.weight;
      if (this.#headWeight + bytes.length <= this.#slots.head) {
        this.#head.add({ stream, bytes, time });
        this.#headWeight += this.#head.weight - before;
        return;
      }
    }
    this.#tail.add({ stream, bytes, time });
    this.#tail.keep(this.#slots.waiting);
  }

  end(): void {
    this.#isEnded = true;
  }

  /** Lets go of so much of the oldest, or a little more. */
  drop(weight: number): void {
    const backlog = this.#head.weight > 0 ? this.#head : this.#tail;
    backlog.keep(Math.max(0, backlog.weight - weight));
  }

  /** The next batch, and those that empty slots for it; none when what waits is no text yet. */
  next(): LogBatch[] {
    const isTail = this.#head.weight === 0 && this.#tail.total > 0;
    const taken = isTail ? this.#takeTail() : this.#head.take(MAX_BATCH);
    const isLast = this.#isEnded && this.weight === 0;
    const pieces = this.#text.decode(taken, isLast);
    this.#isDone = isLast;
    this.#sent += taken.bytes;
    const isGap = taken.from > this.#taken;
    this.#taken = taken.from + taken.bytes;
    if (isGap) this.#told = taken.from;
    if (pieces.length === 0) return [];
    const from = this.#told;
    this.#told = this.#taken;
    const { slot, emptied } = isTail
      ? this.#slots.nextOfTail(taken.weight)
      : { slot: this.#slots.nextOfHead(), emptied: [] };
    const batch = { ...this.#identity, slot, from, bytes: this.#told - from, isTail, pieces };
    return [batch, ...emptied.map((empty) => ({ ...batch, slot: empty, bytes: 0, pieces: [] }))];
  }

  #takeTail(): Taken {
    const taken = this.#tail.take(MAX_BATCH);
    return { ...taken, from: this.#head.total + taken.from };
  }
}
