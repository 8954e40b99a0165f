/** What a retry runs again: what did not succeed; of some tasks only, with all that depends on them. */
import type { Graph } from "./graph.ts";
import type { Instances } from "./instances.ts";

/** Positions in topological order. `tasks` limits it to these and their downstream; empty means no limit. What completed is kept. */
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
    if (instances.state(position) !== "completed") again.push(position);
  }
  return again;
}
