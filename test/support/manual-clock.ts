/** Time that stands still until a test lets it pass. */
import type { Clock, Timer } from "../../internal/ports/clock.ts";

interface Pending extends Timer {
  readonly at: number;
  readonly fn: () => void;
}

export class ManualClock implements Clock {
  #now = 1_700_000_000_000;
  #monotonic = 0;
  readonly #timers = new Set<Pending>();

  now(): number {
    return this.#now;
  }
  monotonic(): number {
    return this.#monotonic;
  }
  after(ms: number, fn: () => void): Timer {
    const timer: Pending = {
      at: this.#monotonic + ms,
      fn,
      cancel: () => void this.#timers.delete(timer),
    };
    this.#timers.add(timer);
    return timer;
  }

  soon(fn: () => void): void {
    setImmediate(fn);
  }

  /** Nothing to keep alive here. */
  stayAlive(): Timer {
    return { cancel: () => undefined };
  }

  /** Runs every timer that is due on the way, in order, each followed by what it set off. */
  async advance(ms: number): Promise<void> {
    const end = this.#monotonic + ms;
    await settled();
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#step(Math.max(0, next.at - this.#monotonic));
      next.fn();
      await settled();
    }
    this.#step(end - this.#monotonic);
  }

  /** Time passes while the process stands still: what is due runs late, at the next chance. */
  standStill(ms: number): void {
    this.#step(ms);
  }

  #step(ms: number): void {
    this.#monotonic += ms;
    this.#now += ms;
  }
}

/** Lets everything run that does not wait for time. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
