import { endProcess } from "../end-process.ts";

/** Ctrl-C: the first aborts the signal, the second leaves at once. */
export class Interrupts {
  readonly #controller = new AbortController();
  readonly #say: () => void;
  readonly #onSignal = (): void => {
    if (this.#controller.signal.aborted) {
      void endProcess(130);
      return;
    }
    this.#say();
    this.#controller.abort();
  };

  /** `say` tells what the first one does. */
  constructor(say: () => void) {
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
