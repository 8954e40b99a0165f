/** Ends runs at their time limits: by a fact, so that the log decides what was first. */
import type { RunFold } from "../core/run-fold.ts";
import type { Timer } from "../ports/clock.ts";
import type { LogTime } from "./log-time.ts";
import type { Ports } from "./settings.ts";

export interface RunDeadlinesOptions extends Pick<Ports, "log" | "clock" | "observer"> {
  readonly logTime: LogTime;
  mayAct(): boolean;
}

export class RunDeadlines {
  readonly #options: RunDeadlinesOptions;
  readonly #timers = new Map<RunFold, Timer>();
  /** Reached while nothing could be written. */
  readonly #reached = new Set<RunFold>();

  constructor(options: RunDeadlinesOptions) {
    this.#options = options;
  }

  watch(run: RunFold): void {
    if (run.deadline === undefined || run.end !== undefined) return;
    const { clock, logTime } = this.#options;
    this.#timers.get(run)?.cancel();
    this.#timers.set(
      run,
      clock.after(run.deadline - logTime.now(), () => {
        this.#timers.delete(run);
        this.#reached.add(run);
        this.endReached();
      }),
    );
  }

  forget(run: RunFold): void {
    this.#timers.get(run)?.cancel();
    this.#timers.delete(run);
    this.#reached.delete(run);
  }

  /** Ends those whose time is over. */
  endReached(): void {
    for (const run of this.#reached) {
      if (!this.#options.mayAct()) return;
      this.#reached.delete(run);
      this.#end(run);
    }
  }

  stop(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#reached.clear();
  }

  #end(run: RunFold): void {
    const limit = (run.graph.dag.timeoutMs ?? 0) / 1_000;
    const message = `the run's time limit of ${limit} s is reached`;
    this.#options.log
      .append(run, { kind: "cancel", gen: run.gen, cause: "time-limit", message })
      .catch((error: unknown) => {
        const what = `ending run ${run.runId} at its time limit`;
        this.#options.observer.observe({ kind: "trouble", what, error: String(error) });
      });
  }
}
