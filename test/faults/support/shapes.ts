/** DAGs for the load: small ones of several shapes, of tasks that mostly wait, so that the machine is no bottleneck. */
import { fileURLToPath } from "node:url";
import type { Dag, Task } from "../../../internal/core/model.ts";
import { dag, task } from "../../support/dags.ts";
import type { SeededRandom } from "../../support/random.ts";

const SCRIPT = `. "${fileURLToPath(new URL("./task.sh", import.meta.url))}"`;

export interface Timing {
  /** How long a task takes, in milliseconds, at least and at most. */
  readonly ms: readonly [number, number];
}

/** Makes DAGs of all shapes in turn, with names that spread over the partitions. */
export class Shapes {
  readonly #random: SeededRandom;
  readonly #timing: Timing;
  #made = 0;

  constructor(random: SeededRandom, timing: Timing) {
    this.#random = random;
    this.#timing = timing;
  }

  next(): Dag {
    const shapes = [
      () => this.#chain(5),
      () => this.#fanOut(4),
      () => this.#random8(),
      () => this.#fanOut(10),
      () => this.#flaky(),
      () => this.#mixed(),
    ];
    const shape = shapes[this.#made % shapes.length];
    if (shape === undefined) throw new Error("internal: no shape");
    const name = `load-${this.#made % 41}`;
    this.#made++;
    return dag(shape(), { name });
  }

  #chain(length: number): Task[] {
    return Array.from({ length }, (_, i) => this.#work(`t${i}`, i === 0 ? [] : [`t${i - 1}`]));
  }

  /** 1 → n → 1 */
  #fanOut(n: number): Task[] {
    const middle = Array.from({ length: n }, (_, i) => `m${i}`);
    return [
      this.#work("first", []),
      ...middle.map((id) => this.#work(id, ["first"])),
      this.#work("last", middle),
    ];
  }

  #random8(): Task[] {
    return Array.from({ length: 8 }, (_, i) => {
      const before = Array.from({ length: i }, (_unused, j) => `t${j}`);
      return this.#work(
        `t${i}`,
        before.filter(() => this.#random.chance(2 / Math.max(2, i))),
      );
    });
  }

  /** Some fail at first and are retried at once. */
  #flaky(): Task[] {
    const retry = { backoff: "none", initialMs: 0, factor: 1, maxMs: 0, jitter: 0 } as const;
    const flaky = (id: string, parents: readonly string[]): Task => {
      const work = this.#work(id, parents);
      return { ...work, params: { ...work.params, fails: 1 }, retries: 1, retry };
    };
    return [this.#work("a", []), flaky("b", ["a"]), flaky("c", ["a"]), this.#work("d", ["b", "c"])];
  }

  /** Functions and bash. */
  #mixed(): Task[] {
    const env = { SECONDS_TO_TAKE: String(this.#ms() / 1_000) };
    return [
      this.#work("a", []),
      task("b", { type: "bash", command: SCRIPT, dependsOn: ["a"], env }),
      this.#work("c", ["a", "b"]),
    ];
  }

  #work(id: string, dependsOn: readonly string[]): Task {
    return task(id, { command: "work", dependsOn, params: { ms: this.#ms() } });
  }

  #ms(): number {
    const [least, most] = this.#timing.ms;
    return least + this.#random.below(most - least + 1);
  }
}
