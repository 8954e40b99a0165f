/** What the ends of a task's instances come to for the task, and so for what depends on it. */
import type { FoldState, Instances } from "./instances.ts";

/** open: not all have ended. skipped: all of them were. failed: one did not succeed, and may not fail. */
export type TaskResult = "open" | "completed" | "skipped" | "failed";

export function resultOf(
  position: number,
  instances: Pick<Instances, "of" | "state" | "hasEnded">,
  { allowFailure }: { readonly allowFailure: boolean },
): TaskResult {
  if (!instances.hasEnded(position)) return "open";
  let isSkipped = true;
  for (const instance of instances.of(position)) {
    const state = instances.state(instance);
    isSkipped &&= state === "skipped";
    const isBad =
      state === "upstream_failed" ||
      state === "cancelled" ||
      (!allowFailure && (state === "failed" || state === "crashed"));
    if (isBad) return "failed";
  }
  return isSkipped ? "skipped" : "completed";
}

/** All of its instances were. Of most tasks the first instance tells that it is not so. */
export function isSkipped(
  position: number,
  instances: Pick<Instances, "countOf" | "numberOf" | "state">,
): boolean {
  for (let index = 0; index < instances.countOf(position); index++) {
    const instance = instances.numberOf(position, index);
    if (instance === undefined || instances.state(instance) !== "skipped") return false;
  }
  return true;
}

/** The worst first. */
const TELLING: Readonly<Record<TaskResult, readonly FoldState[]>> = {
  open: ["retrying", "pending"],
  completed: ["completed", "failed", "crashed", "filtered", "skipped"],
  skipped: ["skipped"],
  failed: ["crashed", "failed", "cancelled", "upstream_failed"],
};

/** The state that is shown of a task. */
export function stateOf(
  position: number,
  instances: Pick<Instances, "of" | "state">,
  result: TaskResult,
): FoldState {
  const states = new Set(instances.of(position).map((instance) => instances.state(instance)));
  return TELLING[result].find((state) => states.has(state)) ?? instances.state(position);
}
