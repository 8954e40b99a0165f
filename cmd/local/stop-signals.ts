/** Ctrl-C and what else asks a program to end: the first to end in order, the second to hurry, the third at once. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export class StopSignals {
  readonly first: Promise<undefined>;
  readonly second: Promise<undefined>;
  readonly #arrived: (() => void)[] = [];
  readonly #onSignal: () => void;

  /** `leave` ends the process. */
  constructor(leave: () => never) {
    const next = (): Promise<undefined> =>
      new Promise((resolve) => this.#arrived.push(() => resolve(undefined)));
    this.first = next();
    this.second = next();
    this.#onSignal = () => (this.#arrived.shift() ?? leave)();
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
  }

  stop(): void {
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
  }
}
