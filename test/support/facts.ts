/** Facts for tests of the fold. */
import {
  type Fact,
  type LoggedFact,
  type RunDefaults,
  SEMANTICS,
  type Submitted,
} from "../../internal/core/facts.ts";
import { Graph } from "../../internal/core/graph.ts";
import type { Dag } from "../../internal/core/model.ts";
import type { FailureReason, Outcome, TaskError } from "../../internal/core/outcome.ts";
import { RunFold } from "../../internal/core/run-fold.ts";

export const RUN_SEQ = 7;
export const START = 1_000_000;

export function submitted(dag: Dag): Submitted {
  return {
    kind: "submitted",
    dagName: dag.name,
    tenantId: dag.tenantId,
    definition: { name: "hash", bytes: 0, chunks: 0 },
    params: { inline: dag.params },
    defaults: { taskTimeoutMs: 60_000, lossCap: 2 },
    semantics: SEMANTICS,
    nonce: "nonce",
  };
}

/** A log of one run, as a test writes it. */
export class TestRun {
  readonly facts: LoggedFact[] = [];
  readonly fold: RunFold;
  readonly dag: Dag;
  #seq = RUN_SEQ;

  constructor(dag: Dag, defaults: Partial<RunDefaults> = {}) {
    this.dag = dag;
    this.fold = newFold(dag, defaults);
  }

  /** Folds the next fact; `afterMs` is the log time since the one before. */
  add(fact: Fact, afterMs = 10): ReturnType<RunFold["apply"]> {
    const before = this.facts.at(-1)?.time ?? START;
    const logged = asLogged(fact, ++this.#seq, before + afterMs);
    this.facts.push(logged);
    return this.fold.apply(logged);
  }

  outcomes(...items: Outcome[]): ReturnType<RunFold["apply"]> {
    return this.add({ kind: "outcomes", runSeq: RUN_SEQ, items, queue: "q", incarnation: "w", n: this.#seq });
  }

  /** The state of every task, by id. */
  states(): Record<string, string> {
    return statesOf(this.fold);
  }
}

export function newFold(dag: Dag, defaults: Partial<RunDefaults> = {}): RunFold {
  const plain = submitted(dag);
  const fact = { ...plain, defaults: { ...plain.defaults, ...defaults } };
  return new RunFold(asLogged(fact, RUN_SEQ, START), fact, new Graph(dag));
}

export function statesOf(fold: RunFold): Record<string, string> {
  return Object.fromEntries(fold.graph.dag.tasks.map(({ id }, i) => [id, fold.instances.state(i)]));
}

export function completed(task: string, attempt = 1): Outcome {
  return { task, index: 0, attempt, state: "completed", durationMs: 1, output: { inline: { of: task } } };
}

export function failed(task: string, attempt = 1, reason: FailureReason = "exit-nonzero"): Outcome {
  return { task, index: 0, attempt, state: "failed", durationMs: 1, error: { reason, message: "boom" } };
}

export function skipped(task: string, attempt = 1): Outcome {
  return { task, index: 0, attempt, state: "skipped", durationMs: 1, message: "nothing to do" };
}

/** A failure that says more of itself than its reason. */
export function failedWith(task: string, attempt: number, error: Partial<TaskError>): Outcome {
  const whole: TaskError = { reason: "network", message: "boom", ...error };
  return { task, index: 0, attempt, state: "failed", durationMs: 1, error: whole };
}

export function asLogged(fact: Fact, seq: number, time: number): LoggedFact {
  return { seq, time, runId: "run", partition: 0, fact };
}
