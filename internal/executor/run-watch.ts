/** Waits for the end of one run that this process submitted, or retried. */
import type { RunResult } from "../core/result.ts";
import type { RunKey } from "../ports/run-log.ts";

export class RunWatch {
  readonly runId: string;
  readonly partition: number;
  /** The generation whose end is waited for. */
  readonly gen: number;
  readonly result: Promise<RunResult>;
  /** Resolves when the result is there, or never will be. */
  readonly settled: Promise<void>;
  /** Position of the newest fact that was taken in; facts may come twice when the source changes. */
  seen = 0;
  /** Position of `submitted`, once it is known. */
  seq = 0;
  #settle: { resolve(result: RunResult): void; reject(error: unknown): void } | undefined;

  constructor({ runId, partition, gen = 0 }: RunKey & { readonly gen?: number }) {
    this.runId = runId;
    this.partition = partition;
    this.gen = gen;
    this.result = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // Whoever asked for the result hears of its rejection; nobody has to ask.
    this.settled = this.result.then(
      () => undefined,
      () => undefined,
    );
  }

  end(result: RunResult): void {
    this.#settle?.resolve(result);
  }

  fail(error: unknown): void {
    this.#settle?.reject(error);
  }
}
