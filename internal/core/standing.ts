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
export function standingOf(
  run: RunFold | undefined,
  { task, index, attempt, runSeq }: AttemptOfRun,
): Standing {
  const position = index === 0 ? run?.graph.position(task) : undefined;
  if (run === undefined || run.seq !== runSeq || position === undefined || run.retired) return "over";
  if (run.isCurrent(position, attempt)) return "current";
  // A run that has ended may go on, but what has succeeded is kept.
  return !isKept(run.instances.state(position)) && attempt > run.instances.attempt(position)
    ? "to-come"
    : "over";
}
