/**
 * Where the batches of one execution are kept. Its head stays; of what comes after, the newest does: these batches go
 * round in two laps, and one of the lap before last gives its slot to the next. So what is kept is bounded although
 * nothing is ever removed, and it is there as soon as it was printed, whatever becomes of the worker.
 */

/** Which part of what may be kept is for the newest, and how much of it at most, in bytes. */
const TAIL_PART = 1 / 4;
const MAX_TAIL = 1_024 * 1_024;
/** As much of the tail is taken by the present lap, by the one before, and by what is left of the one before that. */
const LAPS = 3;
/** A batch is at most so much, in bytes: as JSON it may be six times as long, and stays below the server's 1 MiB. */
export const MAX_BATCH = 128 * 1_024;
/** A rest of a lap that is smaller is none. */
const SMALLEST_BATCH = 512;

export class LogSlots {
  /** So much is of the head, in bytes. */
  readonly head: number;
  readonly #lap: number;
  #inHead = 0;
  #laps = 0;
  /** Of the present lap. */
  #inLap = 0;
  #written = 0;

  /** `limit`: so much is kept of an execution, in bytes. */
  constructor(limit: number) {
    const tail = Math.min(Math.floor(limit * TAIL_PART), MAX_TAIL);
    this.head = limit - tail;
    this.#lap = Math.floor(tail / LAPS);
  }

  /** What may wait of the tail, in bytes: of more, the oldest would give its place to the newest at once. */
  get tail(): number {
    return this.#lap;
  }
  /** What the next batch of the tail may hold, in bytes. */
  get room(): number {
    return Math.min(this.#lap - this.#written, MAX_BATCH);
  }

  /** The slot of the next batch of the head. */
  nextOfHead(): string {
    return `h${this.#inHead++}`;
  }

  /** The slot of the next batch of the tail, which takes so many bytes, `room` at most. */
  nextOfTail(bytes: number): string {
    const slot = `t${this.#laps % 2}-${this.#inLap}`;
    this.#written += bytes;
    this.#inLap++;
    if (this.#lap - this.#written < SMALLEST_BATCH) {
      this.#laps++;
      this.#inLap = 0;
      this.#written = 0;
    }
    return slot;
  }
}
