/** Which tasks may be launched: those whose dependencies have all ended, in waves in the order of the definition. */
import type { Graph } from "./graph.ts";

export class Readiness {
  readonly #graph: Graph;
  /** By position: dependencies that have not ended. */
  readonly #waiting: Int32Array;
  #ready: number[] = [];

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#waiting = Int32Array.from(graph.indegree);
    for (let position = 0; position < graph.size; position++) {
      if (this.#waiting[position] === 0) this.#ready.push(position);
    }
  }

  /** All instances of the task have ended. */
  release(position: number): void {
    for (const child of this.#graph.childrenOf(position)) {
      const left = (this.#waiting[child] ?? 0) - 1;
      this.#waiting[child] = left;
      if (left === 0) this.#ready.push(child);
    }
  }

  /** What was ready and never taken, since the run had ended, is told again by `reset`. */
  startOver(): void {
    this.#ready = [];
  }

  /** It waits for so many dependencies, whatever it did before; for none it may be launched, unless it has been. */
  reset(position: number, pending: number, { isLaunched }: { readonly isLaunched: boolean }): void {
    this.#waiting[position] = pending;
    if (pending === 0 && !isLaunched) this.#ready.push(position);
  }

  /** Those that may be launched and have not been taken yet. */
  take(): readonly number[] {
    if (this.#ready.length === 0) return this.#ready;
    const wave = this.#ready.toSorted((a, b) => a - b);
    this.#ready = [];
    return wave;
  }
}
