/** Waits for the end of one run that this process submitted, or retried. */
import type { Fact, LoggedFact } from "../core/facts.ts";
import type { RunResult } from "../core/result.ts";
import type { RunKey } from "../ports/run-log.ts";

/** Where a fact stands, and when it was stored: enough to know it again. */
export type Mark = Pick<LoggedFact, "seq" | "time">;

export class RunWatch {
  readonly runId: string;
  readonly partition: number;
  /** The generation whose end is waited for. */
  readonly gen: number;
  readonly result: Promise<RunResult>;
  /** Resolves when the result is there, or never will be. */
  readonly settled: Promise<void>;
  /** The newest fact that was taken in; facts may come twice when the source changes. */
  seen: Mark = { seq: 0, time: 0 };
  /** Position of `submitted`, once the generation is written. */
  seq = 0;
  /** Position of the retry that begins the generation; 0 while it is not known. */
  retriedAt = 0;
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

  /** Position of what begins the generation; 0 while it is not known. */
  get begunAt(): number {
    return this.gen === 0 ? this.seq : this.retriedAt;
  }

  /** The newest that is known here of what the log holds, as long as it is not put back to an older state; at 0 nothing is known. */
  get newest(): { readonly seq: number; is(logged: LoggedFact): boolean } {
    const { seen, begunAt } = this;
    if (seen.seq > begunAt) return { seq: seen.seq, is: ({ time }) => time === seen.time };
    return { seq: begunAt, is: ({ runId, fact }) => runId === this.runId && this.#isBegunBy(fact) };
  }

  end(result: RunResult): void {
    this.#settle?.resolve(result);
  }

  fail(error: unknown): void {
    this.#settle?.reject(error);
  }

  #isBegunBy(fact: Fact): boolean {
    return fact.kind === "retry" ? fact.gen === this.gen : fact.kind === "submitted" && this.gen === 0;
  }
}
