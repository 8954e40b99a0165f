/**
 * Where the batches of one execution are kept. Its head stays; of what comes after, the newest does: a batch of it takes
 * the slot of the oldest. So what is kept is bounded although nobody removes anything, and it is there as soon as it was
 * printed, whatever becomes of the worker.
 */

/** Which part of what may be kept is for the newest, and how much of it at most, in bytes. */
const TAIL_PART = 1 / 4;
const MAX_TAIL = 1_024 * 1_024;
/** Of the tail so much waits in the worker at most: it goes from time to time, and who prints fast prints much meanwhile. */
const WAITING_PART = 1 / 3;
/** A batch is at most so much, in bytes: as JSON it may be six times as long, and stays below the server's 1 MiB. */
export const MAX_BATCH = 128 * 1_024;
/** A batch counts as so much at least: thousands of very short ones are too many. */
const LEAST = 256;

/** Where a batch of the tail goes, and slots whose batches go for it. */
export interface Place {
  readonly slot: string;
  readonly emptied: readonly string[];
}

export class LogSlots {
  /** So much is of the head, in bytes. */
  readonly head: number;
  readonly #tail: number;
  #inHead = 0;
  /** What the tail holds, the oldest first. */
  readonly #kept: { readonly slot: string; readonly bytes: number }[] = [];
  #keptBytes = 0;
  readonly #empty: string[] = [];
  #inTail = 0;

  /** `limit`: so much is kept of an execution, in bytes. */
  constructor(limit: number) {
    this.#tail = Math.min(Math.floor(limit * TAIL_PART), MAX_TAIL);
    this.head = limit - this.#tail;
  }

  /** What may wait of the tail, in bytes. */
  get waiting(): number {
    return Math.floor(this.#tail * WAITING_PART);
  }

  /** The slot of the next batch of the head. */
  nextOfHead(): string {
    return `h${this.#inHead++}`;
  }

  /** The place of the next batch of the tail, which takes so many bytes, `MAX_BATCH` at most. */
  nextOfTail(size: number): Place {
    const bytes = Math.max(size, LEAST);
    const emptied: string[] = [];
    while (this.#keptBytes + bytes > this.#tail) {
      const oldest = this.#kept.shift();
      if (oldest === undefined) break;
      this.#keptBytes -= oldest.bytes;
      emptied.push(oldest.slot);
    }
    const slot = emptied.shift() ?? this.#empty.pop() ?? `t${this.#inTail++}`;
    this.#empty.push(...emptied);
    this.#kept.push({ slot, bytes });
    this.#keptBytes += bytes;
    return { slot, emptied };
  }
}
