import type { Clock, Timer } from "../ports/clock.ts";

/** Waits, but never longer than it may; once hurried, even less. */
export class Patience {
  readonly #clock: Clock;
  #isHurried = false;
  #onHurry: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Nobody wants to wait any more. */
  hurry(): void {
    this.#isHurried = true;
    this.#onHurry?.();
  }

  /** Resolves with what is waited for, or without it: after `ms`, or `hurriedMs` after both this call and `hurry`. */
  async wait(
    done: Promise<unknown>,
    { ms, hurriedMs }: { readonly ms: number; readonly hurriedMs: number },
  ): Promise<void> {
    const timers: Timer[] = [];
    const limit = new Promise<void>((resolve) => {
      const giveUpAfter = (after: number): void => void timers.push(this.#clock.after(after, resolve));
      this.#onHurry = () => giveUpAfter(hurriedMs);
      giveUpAfter(this.#isHurried ? Math.min(ms, hurriedMs) : ms);
    });
    await Promise.race([done, limit]);
    this.#onHurry = undefined;
    for (const timer of timers) timer.cancel();
  }
}
