/** A run out of its facts. */
import type { LoggedFact } from "../core/facts.ts";
import { foldRun } from "../core/fold-run.ts";
import type { RunFold } from "../core/run-fold.ts";
import { isRunId } from "../core/run-id.ts";
import type { Ports } from "./settings.ts";

/** All facts of a run; none when there is no such run, also where the text is no id at all. */
export async function factsOfRun(runId: string, { log }: Pick<Ports, "log">): Promise<LoggedFact[]> {
  return isRunId(runId) ? log.factsOf(runId) : [];
}

/** `undefined` when the facts do not begin with the run's submission. */
export async function foldOf(
  facts: readonly LoggedFact[],
  { definitions }: Pick<Ports, "definitions">,
): Promise<RunFold | undefined> {
  const [first] = facts;
  if (first === undefined || first.fact.kind !== "submitted") return undefined;
  return foldRun(facts, await definitions.get(first.fact.definition));
}
