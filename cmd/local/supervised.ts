/** Keeps one process of the local cluster running: when it ends by itself it is started again, with a back-off. */

export interface Running {
  /** Resolves when it has ended, with what ended it. */
  readonly gone: Promise<string>;
  /** Ends it in good order and waits until it is gone. */
  stop(): Promise<void>;
}

export interface SupervisedOptions<T extends Running> {
  /** Starts it once more. */
  again(): Promise<T>;
  /** It has ended by itself, or could not be started again; the next try is in so many milliseconds. */
  onEnded(why: string, againInMs: number): void;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** Who has run so long has recovered: the pauses begin anew. */
const STEADY_MS = 30_000;

export class Supervised<T extends Running> {
  readonly #options: SupervisedOptions<T>;
  readonly #watching: Promise<void>;
  #current: T;
  #stopping = false;
  #wake: (() => void) | undefined;
  #pauseMs = FIRST_PAUSE_MS;

  constructor(first: T, options: SupervisedOptions<T>) {
    this.#current = first;
    this.#options = options;
    this.#watching = this.#watch();
  }

  /** Ends it for good. A second call reaches the process again. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#wake?.();
    await this.#current.stop();
    await this.#watching;
  }

  async #watch(): Promise<void> {
    for (;;) {
      const since = performance.now();
      const why = await this.#current.gone;
      if (performance.now() - since >= STEADY_MS) this.#pauseMs = FIRST_PAUSE_MS;
      if (!(await this.#startAgain(why))) return;
    }
  }

  /** Tries until it runs; resolves with false when it is no longer wanted. */
  async #startAgain(ended: string): Promise<boolean> {
    let why = ended;
    while (!this.#stopping) {
      this.#options.onEnded(why, this.#pauseMs);
      await this.#pause();
      if (this.#stopping) return false;
      try {
        this.#current = await this.#options.again();
        if (this.#stopping) await this.#current.stop();
        return !this.#stopping;
      } catch (error) {
        why = error instanceof Error ? error.message : String(error);
      }
    }
    return false;
  }

  async #pause(): Promise<void> {
    const ms = this.#pauseMs;
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, ms * 2);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
