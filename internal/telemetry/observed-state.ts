/** The states of tasks and instances with what is only observed: that one runs, or is queued. */
import type { InstanceState } from "../core/facts.ts";
import type { RunFold } from "../core/run-fold.ts";
import type { Wait } from "../core/waiting.ts";
import { countStates, type StateCounts } from "./instance-counts.ts";

/** A run, and what its unfinished instances wait for. */
export interface Observed {
  readonly run: RunFold;
  readonly waits: ReadonlyMap<number, Wait>;
}

export function instanceState({ run, waits }: Observed, instance: number): InstanceState {
  switch (waits.get(instance)?.kind) {
    case "running":
      return "running";
    case "queued":
    case "queue-limit":
      return "queued";
    default:
      return run.instances.state(instance);
  }
}

/** Of a task with several instances: what the liveliest of them does, and at last what they have come to. */
export function taskState(observed: Observed, position: number): InstanceState {
  const { run } = observed;
  if (run.instances.countOf(position) === 1) return instanceState(observed, position);
  if (run.resultOf(position) !== "open") return run.stateOf(position);
  const counts = instanceStates(observed, position);
  return (["running", "queued"] as const).find((state) => counts.has(state)) ?? run.stateOf(position);
}

export function instanceStates(observed: Observed, position: number): StateCounts {
  return countStates(observed.run.instances.of(position).map((each) => instanceState(observed, each)));
}

export function taskStates(observed: Observed): StateCounts {
  const { tasks } = observed.run.graph.dag;
  return countStates(tasks.map((_task, position) => taskState(observed, position)));
}

/** Positions of the tasks that have several instances. */
export function severalOf({ graph, instances }: Pick<RunFold, "graph" | "instances">): number[] {
  return graph.dag.tasks.flatMap((_task, position) => (instances.countOf(position) > 1 ? [position] : []));
}
