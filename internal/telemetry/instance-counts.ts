/** How far a task with several instances has come. */
import type { InstanceState } from "../core/facts.ts";

export type StateCounts = ReadonlyMap<InstanceState, number>;

/** Said of them besides how many have completed, in this order; what is only yet to come is not. */
const TOLD = [
  "failed",
  "crashed",
  "cancelled",
  "upstream_failed",
  "skipped",
  "filtered",
  "running",
  "queued",
  "retrying",
] as const satisfies readonly InstanceState[];

/** `312/500, 3 failed, 10 running` */
export function instanceCounts(counts: StateCounts): string {
  let all = 0;
  for (const count of counts.values()) all += count;
  const told = TOLD.flatMap((state) => {
    const count = counts.get(state) ?? 0;
    return count === 0 ? [] : [`, ${count} ${state}`];
  });
  return `${counts.get("completed") ?? 0}/${all}${told.join("")}`;
}

export function countStates(states: Iterable<InstanceState>): StateCounts {
  const counts = new Map<InstanceState, number>();
  for (const state of states) counts.set(state, (counts.get(state) ?? 0) + 1);
  return counts;
}
