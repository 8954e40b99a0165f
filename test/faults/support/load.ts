/** Keeps a cluster busy: submits a run every so often until it is told to stop, whatever is done to the cluster meanwhile. */
import type { SeededRandom } from "../../support/random.ts";
import { Shapes, type Timing } from "./shapes.ts";
import type { Witness } from "./witness.ts";

export interface LoadOptions extends Timing {
  readonly random: SeededRandom;
  readonly runsPerSecond: number;
}

export class Load implements AsyncDisposable {
  readonly #witness: Witness;
  readonly #shapes: Shapes;
  readonly #timer: NodeJS.Timeout;
  readonly #underWay = new Set<Promise<unknown>>();
  #error: Error | undefined;

  constructor(witness: Witness, options: LoadOptions) {
    this.#witness = witness;
    this.#shapes = new Shapes(options.random, options);
    this.#timer = setInterval(() => this.#submit(), 1_000 / options.runsPerSecond);
  }

  /** Submits no more; resolves once all that was submitted is in the log. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
    if (this.#error !== undefined) throw this.#error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
  }

  #submit(): void {
    const submitting = this.#witness
      .submit(this.#shapes.next())
      .catch((error: Error) => (this.#error ??= error))
      .finally(() => this.#underWay.delete(submitting));
    this.#underWay.add(submitting);
  }
}
