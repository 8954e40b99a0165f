/** What a retry runs again: what did not succeed; of some tasks only, with all that depends on them. */
import type { Graph } from "./graph.ts";
import type { FoldState, Instances } from "./instances.ts";

/** What a retry looks at. */
export interface EndedRun {
  readonly graph: Graph;
  readonly instances: Pick<Instances, "of" | "state">;
  whyNotLaunched(position: number): string | undefined;
}

/** Positions in topological order. `tasks` limits it to these and their downstream; empty means no limit. What succeeded is kept. */
export function toRunAgain({ graph, instances }: EndedRun, tasks: readonly string[]): number[] {
  const chosen = new Uint8Array(graph.size).fill(tasks.length === 0 ? 1 : 0);
  for (const task of tasks) {
    const position = graph.position(task);
    if (position !== undefined) chosen[position] = 1;
  }
  const again: number[] = [];
  for (const position of graph.order) {
    if (chosen[position] === 0) continue;
    if (tasks.length > 0) for (const child of graph.childrenOf(position)) chosen[child] = 1;
    if (instances.of(position).some((instance) => !isKept(instances.state(instance)))) again.push(position);
  }
  return again;
}

/**
 * Whether a task that runs again does so with the instances that it has: some of them failed, and what they were
 * launched for stays. Others lose what their instances did.
 */
export function keepsItsPlace(position: number, run: EndedRun, again: ReadonlySet<number>): boolean {
  const { graph, instances } = run;
  if (run.whyNotLaunched(position) !== undefined) return false;
  if (graph.parentsOf(position).some((parent) => again.has(parent))) return false;
  return instances.of(position).some((instance) => hasFailed(instances.state(instance)));
}

/** A task of which a retry runs something again. */
export interface RunsAgain {
  readonly position: number;
  /** By their numbers, those of its instances that run again; the others stay. Absent where it is launched anew as a whole. */
  readonly instances?: readonly number[];
}

/** In topological order; `tasks` as for `toRunAgain`. */
export function runsAgain(run: EndedRun, tasks: readonly string[]): RunsAgain[] {
  const positions = toRunAgain(run, tasks);
  const all = new Set(positions);
  const { instances } = run;
  return positions.map((position) =>
    keepsItsPlace(position, run, all)
      ? { position, instances: instances.of(position).filter((each) => !isKept(instances.state(each))) }
      : { position },
  );
}

function hasFailed(state: FoldState): boolean {
  return state === "failed" || state === "crashed";
}

/** It has what it was to have: a retry leaves it alone. */
export function isKept(state: FoldState): boolean {
  return state === "completed" || state === "skipped" || state === "filtered";
}
