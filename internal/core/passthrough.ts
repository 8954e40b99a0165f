/**
 * Whose artifacts a dependency has: its own; where it has none and hands through, those of the nearest level above it
 * that has any, as long as all between hand through.
 *
 * What is found of a task is kept, so that each edge is looked at once, however many levels of gates there are above it.
 */
import type { Graph } from "./graph.ts";

/** So many levels are looked through, that of the dependency among them: one more has none. */
const MAX_DEPTH = 50;

/** The nearest tasks that have artifacts, in the order in which they are come upon level by level. */
interface Nearest {
  /** Levels above; infinite where nobody has any. */
  readonly distance: number;
  readonly positions: readonly number[];
}

const NOBODY: Nearest = { distance: Infinity, positions: [] };

export interface PassthroughOptions {
  readonly graph: Graph;
  hasArtifacts(position: number): boolean;
}

export class Passthrough {
  readonly #options: PassthroughOptions;
  /** By position. */
  readonly #known = new Map<number, Nearest>();

  constructor(options: PassthroughOptions) {
    this.#options = options;
  }

  /** Positions of those whose artifacts the dependency has, in order. */
  behind(dependency: number): readonly number[] {
    const stack = [dependency];
    for (let position = stack.at(-1); position !== undefined; position = stack.at(-1)) {
      const before = stack.length;
      for (const parent of this.#above(position)) if (!this.#known.has(parent)) stack.push(parent);
      if (stack.length > before) continue;
      stack.pop();
      this.#known.set(position, this.#nearest(position));
    }
    return this.#known.get(dependency)?.positions ?? [];
  }

  /** What the task has is not what it was. */
  changed(position: number): void {
    // That of a task is looked at when it has ended; only after a retry it may change once more.
    if (this.#known.has(position)) this.#known.clear();
  }

  /** Where to look for what the task does not have itself. */
  #above(position: number): Iterable<number> {
    const { graph, hasArtifacts } = this.#options;
    const isLookedThrough =
      !this.#known.has(position) && !hasArtifacts(position) && graph.task(position).isPassthrough === true;
    return isLookedThrough ? graph.parentsOf(position) : [];
  }

  #nearest(position: number): Nearest {
    const known = this.#known.get(position);
    if (known !== undefined) return known;
    if (this.#options.hasArtifacts(position)) return { distance: 0, positions: [position] };
    const above = Array.from(this.#above(position), (parent) => this.#known.get(parent) ?? NOBODY);
    const least = above.reduce((min, { distance }) => Math.min(min, distance), Infinity);
    if (least + 1 >= MAX_DEPTH) return NOBODY;
    const nearest = above.filter(({ distance }) => distance === least);
    const positions = new Set(nearest.flatMap((each) => each.positions));
    return { distance: least + 1, positions: [...positions] };
  }
}
