/** All that a fold says of its run, as text: equal folds have equal digests. */
import type { RunFold } from "../../../internal/core/run-fold.ts";

export function digest(run: RunFold): string {
  const { instances, graph } = run;
  const parts: (string | number | boolean | undefined)[] = [
    run.gen,
    run.end,
    run.endedAt,
    run.endMessage,
    run.announced,
    run.begunAt,
    run.deadline,
  ];
  for (let position = 0; position < graph.size; position++) {
    parts.push(
      instances.state(position),
      instances.attempt(position),
      instances.outcomeSeq(position),
      instances.hasOutput(position),
    );
  }
  for (const { instance, attempt, dueAt } of run.owed()) parts.push(instance, attempt, dueAt);
  return parts.join(" ");
}
