/** The runs that were used last, so that they need not be read from their beginning again. */
import type { StoredRun } from "./run-log.ts";

/** So many, and fewer of large ones. */
const MAX_RUNS = 500;
/** Nodes, events and artifacts of all of them together. */
const MAX_WEIGHT = 500_000;

export class RunsAtHand {
  readonly #runs = new Map<string, { readonly run: StoredRun; readonly weight: number }>();
  #weight = 0;

  get(runId: string): StoredRun | undefined {
    return this.#runs.get(runId)?.run;
  }

  /** It was used just now. The one that was used longest ago goes where there is no room. */
  keep(run: StoredRun): void {
    const { runId } = run.fold;
    this.#forget(runId);
    this.#runs.set(runId, { run, weight: run.weight });
    this.#weight += run.weight;
    while (this.#runs.size > MAX_RUNS || (this.#weight > MAX_WEIGHT && this.#runs.size > 1)) {
      const [oldest = runId] = this.#runs.keys();
      this.#forget(oldest);
    }
  }

  #forget(runId: string): void {
    this.#weight -= this.#runs.get(runId)?.weight ?? 0;
    this.#runs.delete(runId);
  }
}
