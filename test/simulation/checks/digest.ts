/** All that a fold says of its run, as text: equal folds have equal digests. */
import type { RunFold } from "../../../internal/core/run-fold.ts";

export function digest(run: RunFold): string {
  const { instances, graph, artifacts } = run;
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
    for (const instance of instances.of(position)) {
      parts.push(
        instances.state(instance),
        instances.attempt(instance),
        instances.outcomeSeq(instance),
        instances.hasOutput(instance),
      );
      for (const { id } of artifacts.inputOf(instance)?.artifacts ?? []) parts.push(id);
      for (const { id, origin } of artifacts.producedBy(instance)) parts.push(id, origin ?? "");
    }
  }
  for (const { instance, attempt, dueAt } of run.owed()) parts.push(instance, attempt, dueAt);
  return parts.join(" ");
}
