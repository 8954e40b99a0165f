/** What it costs to know where a run stands: the fold alone, without a server. */
import type { ProducedArtifact } from "../internal/core/artifact.ts";
import { type Fact, type LoggedFact, SEMANTICS, type Submitted } from "../internal/core/facts.ts";
import { Graph } from "../internal/core/graph.ts";
import type { Dag } from "../internal/core/model.ts";
import type { Outcome } from "../internal/core/outcome.ts";
import { RunFold } from "../internal/core/run-fold.ts";
import { ensureDag } from "../internal/spec/read.ts";
import { definition, throughArtifacts } from "./jetdag.ts";
import type { Shape } from "./shapes.ts";

/** Microseconds a fact, where each is the outcome of one task; of so many runs one after the other. */
export function factCost(shape: Shape, runs: number): number {
  const dag = ensureDag(definition(shape, "inline"));
  let ms = 0;
  for (let i = 0; i < runs; i++) ms += foldCost(begin(dag));
  return (ms * 1_000) / (runs * shape.tasks);
}

function foldCost(run: RunFold): number {
  const facts = [...run.graph.order].map((position, i) =>
    ended(i, { task: run.task(position).id, index: 0 }),
  );
  const from = performance.now();
  for (const fact of facts) run.apply(fact);
  const ms = performance.now() - from;
  if (run.end !== "completed") throw new Error(`the run ended as ${run.end}`);
  return ms;
}

/** Milliseconds of the fact that launches one task for all artifacts of so many. */
export function aggregateCost(count: number): number {
  const run = begin(ensureDag(throughArtifacts(count)));
  const artifact = (id: number): ProducedArtifact => {
    return { id: `${id}`, name: "", size: null, mimeType: null, metadata: {} };
  };
  const all = Array.from({ length: count }, (_, i) => artifact(i));
  run.apply(ended(0, { task: "out", index: 0 }, all));
  const last = count - 1;
  for (let i = 0; i < last; i++) run.apply(ended(i + 1, { task: "on", index: i }, [artifact(count + i)]));
  const from = performance.now();
  const { owed } = run.apply(ended(count, { task: "on", index: last }, [artifact(count + last)]));
  const ms = performance.now() - from;
  const [aggregate] = owed;
  const given = aggregate && run.artifacts.inputOf(aggregate.instance)?.artifacts.length;
  if (given !== count) throw new Error(`it was launched with ${given} artifacts`);
  return ms;
}

function begin(dag: Dag): RunFold {
  const submitted: Submitted = {
    kind: "submitted",
    dagName: dag.name,
    tenantId: dag.tenantId,
    definition: { name: "", bytes: 0, chunks: 0 },
    params: { inline: {} },
    defaults: { lossCap: 0 },
    semantics: SEMANTICS,
    nonce: "",
  };
  return new RunFold(logged(1, submitted), submitted, new Graph(dag));
}

function ended(
  i: number,
  { task, index }: Pick<Outcome, "task" | "index">,
  artifacts: readonly ProducedArtifact[] = [],
): LoggedFact {
  const handed = artifacts.length === 0 ? {} : { artifacts: { inline: artifacts } };
  const outcome: Outcome = { task, index, attempt: 1, state: "completed", durationMs: 0, ...handed };
  const writer = { queue: "", incarnation: "", n: i };
  return logged(i + 2, { kind: "outcomes", runSeq: 1, items: [outcome], ...writer });
}

function logged(seq: number, fact: Fact): LoggedFact {
  return { seq, time: 0, runId: "run", partition: 0, fact };
}
