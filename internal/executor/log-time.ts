import type { Clock } from "../ports/clock.ts";

/** Time as the log's server tells it: the last that was heard of it, carried on by this process's monotonic clock. */
export class LogTime {
  readonly #clock: Clock;
  #newest: number;
  #seenAt: number;

  /** `now` is the server's time just now, in milliseconds since 1970. */
  constructor(clock: Clock, now: number) {
    this.#clock = clock;
    this.#newest = now;
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
