/** How a run stands, for who shows it. */
import type { RunEndState } from "../core/facts.ts";
import type { FoldState } from "../core/instances.ts";
import type { RunFold } from "../core/run-fold.ts";

export interface RunStatus {
  readonly state: "running" | RunEndState;
  /** Why the run ended before all of its tasks did; empty when they did. */
  readonly message: string;
  /** By slug: how many tasks are in each state; `undefined` for a node that was not launched. */
  readonly nodes: Readonly<Record<string, NodeStatus | undefined>>;
  /** By slug: why nothing of the node could be launched, where that is so. */
  readonly problems: Readonly<Record<string, string>>;
}

/** `queued` are those that were dispatched and have not ended. */
export type NodeStatus = Readonly<
  Partial<
    Record<"queued" | "completed" | "failed" | "crashed" | "cancelled" | "skipped" | "filtered", number>
  >
>;

export function statusOf(run: RunFold): RunStatus {
  const tasks = run.graph.dag.tasks;
  const problems = tasks.flatMap(({ id }, position) => {
    const why = run.whyNotLaunched(position);
    return why === undefined ? [] : [[id, why] as const];
  });
  return {
    state: run.end ?? "running",
    message: run.endMessage,
    nodes: Object.fromEntries(tasks.map(({ id }, position) => [id, nodeStatus(run, position)])),
    problems: Object.fromEntries(problems),
  };
}

function nodeStatus(run: RunFold, position: number): NodeStatus | undefined {
  const counts: Partial<Record<keyof NodeStatus, number>> = {};
  for (const instance of run.instances.of(position)) {
    const state = run.instances.state(instance);
    if (NOT_REACHED.has(state) && !run.instances.wasBegun(instance)) return undefined;
    const shown = run.instances.isUnfinished(instance) ? "queued" : (state as keyof NodeStatus);
    counts[shown] = (counts[shown] ?? 0) + 1;
  }
  return counts;
}

/** What was begun is in other states, or was dispatched. */
const NOT_REACHED: ReadonlySet<FoldState> = new Set(["pending", "cancelled"]);
