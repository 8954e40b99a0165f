/** Tells from one thread whether the loop of another one turns: it is asked, and answers when it does. */

export interface LoopWatchOptions {
  /** Asks it; it answers by `answered`. */
  ask(): void;
  /** It has answered after so many milliseconds. */
  onAnswer(ms: number): void;
}

const EVERY_MS = 250;

export class LoopWatch {
  readonly #options: LoopWatchOptions;
  #askedAt: number | undefined;

  constructor(options: LoopWatchOptions) {
    this.#options = options;
    setInterval(() => this.#ask(), EVERY_MS);
  }

  /** For how long it has not answered, in milliseconds. */
  get blockedMs(): number {
    return this.#askedAt === undefined ? 0 : performance.now() - this.#askedAt;
  }

  answered(): void {
    const ms = this.blockedMs;
    this.#askedAt = undefined;
    this.#options.onAnswer(ms);
  }

  #ask(): void {
    if (this.#askedAt !== undefined) return;
    this.#askedAt = performance.now();
    this.#options.ask();
  }
}
