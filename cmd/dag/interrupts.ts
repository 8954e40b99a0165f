/** Ctrl-C: the first cancels what is going on, the second leaves at once. */
export class Interrupts {
  readonly #controller = new AbortController();
  readonly #say: (text: string) => void;
  readonly #onSignal = (): void => {
    if (this.#controller.signal.aborted) process.exit(130);
    this.#say("interrupted: cancelling the run (once more to leave at once)");
    this.#controller.abort();
  };

  constructor(say: (text: string) => void) {
    this.#say = say;
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, this.#onSignal);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  stop(): void {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, this.#onSignal);
  }
}
