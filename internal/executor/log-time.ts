import type { Clock } from "../ports/clock.ts";

/** Time as the log's server tells it: that of the newest fact, carried on by this process's monotonic clock. */
export class LogTime {
  readonly #clock: Clock;
  #newest: number;
  #seenAt: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#newest = clock.now();
    this.#seenAt = clock.monotonic();
  }

  /** A fact was stored just now, at this time of the server; facts that are only replayed say nothing about now. */
  saw(time: number): void {
    this.#newest = time;
    this.#seenAt = this.#clock.monotonic();
  }

  /** Milliseconds since 1970. */
  now(): number {
    return this.#newest + (this.#clock.monotonic() - this.#seenAt);
  }
}
