/** Where an attempt stands in its run, as far as that is folded. */
import type { AttemptOfRun } from "./attempt.ts";
import { isKept } from "./rerun.ts";
import type { RunFold } from "./run-fold.ts";

/**
 * over: whatever it comes to, it does not count. to-come: the run has not got so far; who has folded it reads a replica
 * that lags behind, or the log was put back to an older state.
 */
export type Standing = "current" | "to-come" | "over";

/** Without a run it is over. */
export function standingOf(run: RunFold | undefined, { attempt, runSeq, ...id }: AttemptOfRun): Standing {
  if (run === undefined || run.seq !== runSeq || run.retired) return "over";
  const position = run.graph.position(id.task);
  if (position === undefined) return "over";
  const instance = run.instanceOf(id);
  // Its task is yet to launch so many.
  if (instance === undefined) {
    const mayCome = run.task(position).fanMode !== undefined && !run.instances.hasEnded(position);
    return mayCome ? "to-come" : "over";
  }
  if (run.isCurrent(instance, attempt)) return "current";
  // A run that has ended may go on, but what has succeeded is kept.
  return !isKept(run.instances.state(instance)) && attempt > run.instances.attempt(instance)
    ? "to-come"
    : "over";
}
