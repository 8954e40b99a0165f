/** What is told of a run in words and as JSON alike. */
import type { Ending } from "../../internal/core/endings.ts";
import type { Outcome, VoidReason } from "../../internal/core/outcome.ts";
import type { Explanation } from "./explain.ts";

/** `exit-nonzero: exit code 7`, with what a void one is called first. */
export function describeEnding({ outcome, void: why }: Ending): string {
  const how = describeOutcome(outcome);
  return why === undefined ? how : `void (${why}): ${how}`;
}

function describeOutcome(outcome: Outcome): string {
  switch (outcome.state) {
    case "completed":
      return "completed";
    case "skipped":
      return `skipped: ${outcome.message}`;
    case "failed":
      return `${outcome.error.reason}: ${outcome.error.message}`;
  }
}

/** Those that there are. */
export function voidCounts(endings: readonly Ending[]): Partial<Record<VoidReason, number>> {
  const counts: Partial<Record<VoidReason, number>> = {};
  for (const { void: why } of endings) if (why !== undefined) counts[why] = (counts[why] ?? 0) + 1;
  return counts;
}

/** By instance: how its last attempt ended that counts. */
export function lastEndings({ run, endings }: Pick<Explanation, "run" | "endings">): Map<number, Ending> {
  const last = new Map<number, Ending>();
  for (const each of endings) {
    const instance = run.instanceOf(each.outcome);
    if (each.void === undefined && instance !== undefined) last.set(instance, each);
  }
  return last;
}
