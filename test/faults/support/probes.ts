/** Small runs that show how soon somebody drives the runs of every partition again. */
import { dag, task } from "../../support/dags.ts";
import type { Execution } from "./evidence.ts";
import type { Witness } from "./witness.ts";

/** Spread over the partitions by their names. */
const PROBES = 24;

export class Probes {
  readonly #from: number;
  readonly #ids: ReadonlySet<string>;

  private constructor(from: number, ids: readonly string[]) {
    this.#from = from;
    this.#ids = new Set(ids);
  }

  /** Something has just been done; resolves once they are submitted. */
  static async send(witness: Witness): Promise<Probes> {
    const from = Date.now();
    const one = task("one", { command: "work", params: { ms: 1 } });
    const dags = Array.from({ length: PROBES }, (_, i) => dag([one], { name: `probe-${i}` }));
    return new Probes(from, await Promise.all(dags.map((each) => witness.submit(each))));
  }

  /** From then to the first start of the last of them, in milliseconds; `undefined` until all have started. */
  slowestMs(executions: readonly Execution[]): number | undefined {
    const starts = new Map<string, number>();
    for (const { run, startedAt } of executions) {
      if (this.#ids.has(run) && !starts.has(run)) starts.set(run, startedAt);
    }
    return starts.size < this.#ids.size ? undefined : Math.max(...starts.values()) - this.#from;
  }
}
