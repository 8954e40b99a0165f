/** What a retry runs again: what did not succeed; of some tasks only, with all that depends on them. */
import type { Graph } from "./graph.ts";
import type { FoldState, Instances } from "./instances.ts";

/** Positions in topological order. `tasks` limits it to these and their downstream; empty means no limit. What succeeded is kept. */
export function toRunAgain(
  graph: Graph,
  instances: Pick<Instances, "state">,
  tasks: readonly string[],
): number[] {
  const chosen = new Uint8Array(graph.size).fill(tasks.length === 0 ? 1 : 0);
  for (const task of tasks) {
    const position = graph.position(task);
    if (position !== undefined) chosen[position] = 1;
  }
  const again: number[] = [];
  for (const position of graph.order) {
    if (chosen[position] === 0) continue;
    if (tasks.length > 0) for (const child of graph.childrenOf(position)) chosen[child] = 1;
    if (!isKept(instances.state(position))) again.push(position);
  }
  return again;
}

/** It has what it was to have: a retry leaves it alone. */
export function isKept(state: FoldState): boolean {
  return state === "completed" || state === "skipped";
}
