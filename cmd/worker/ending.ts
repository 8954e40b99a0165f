/** What makes a worker end: a signal, or an error that nobody has caught. */
import type { Logger } from "../../internal/telemetry/logger.ts";
import type { RunningCalls } from "../running-calls.ts";

export class Ending {
  /** Resolves when it is to drain, with the signal if there was one. */
  readonly begun: Promise<NodeJS.Signals | undefined>;
  /** Resolves at the second signal: what runs is to end at once. */
  readonly hurried: Promise<NodeJS.Signals>;
  #begin: (signal?: NodeJS.Signals) => void = () => undefined;
  #hurry: (signal: NodeJS.Signals) => void = () => undefined;
  #code = 0;
  #signals = 0;

  constructor(logger: Logger, calls: RunningCalls) {
    this.begun = new Promise((resolve) => (this.#begin = resolve));
    this.hurried = new Promise((resolve) => (this.#hurry = resolve));
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.on(signal, () => {
        this.#signals++;
        if (this.#signals > 1) this.#hurry(signal);
        else this.#begin(signal);
      });
    }
    // Nobody knows what it has left behind: what runs may end, and a fresh process takes the rest.
    process.on("uncaughtException", (error: unknown) => {
      const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
      logger.error({ error: stack, running: calls.keys() }, "error thrown outside of any task's call");
      this.#code = 1;
      this.#begin();
    });
  }

  /** The exit code. */
  get code(): number {
    return this.#code;
  }
}
