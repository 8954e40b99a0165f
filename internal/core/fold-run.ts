/** A run out of its facts. */
import type { LoggedFact } from "./facts.ts";
import type { Graph } from "./graph.ts";
import { RunFold } from "./run-fold.ts";

/** `undefined` when the facts do not begin with the run's submission. */
export function foldRun(facts: readonly LoggedFact[], graph: Graph): RunFold | undefined {
  const [first] = facts;
  if (first === undefined || first.fact.kind !== "submitted") return undefined;
  const run = new RunFold(first, first.fact, graph);
  for (const fact of facts) run.apply(fact);
  return run;
}
