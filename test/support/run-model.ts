/**
 * What a run does, fact by fact: the plain model of its graph, and beside it by rules of its own which outcomes count,
 * which attempt comes next, and when.
 */
import type { ProducedArtifact } from "../../internal/core/artifact.ts";
import { endOf, type Fact, type LoggedFact } from "../../internal/core/facts.ts";
import type { Dag, Task } from "../../internal/core/model.ts";
import { FAILURES, type Outcome, type TaskError } from "../../internal/core/outcome.ts";
import { GATE } from "../../internal/core/task-types.ts";
import { GraphModel, type HandedArtifact, type ModelNode, type ModelTask } from "./graph-model.ts";
import { filterOf } from "./random-data.ts";

/** The present attempt of a task, and what the run has spent on it in this generation. */
export interface ModelAttempt {
  number: number;
  isRetrying: boolean;
  /** Log time from which it is due, and the latest that it may be. */
  due: readonly [from: number, to: number];
  failures: number;
  losses: number;
  lookingSince: number | undefined;
}

export interface RunModelOptions {
  readonly dag: Dag;
  /** At most so many instances of a task. */
  readonly limit: number;
  readonly lossCap: number;
  /** Log sequence and time of `submitted`. */
  readonly seq: number;
  readonly time: number;
}

type Pieces = Extract<Fact, { kind: "outcomes" }>["pieces"];

export class RunModel {
  readonly graph: GraphModel;
  gen = 0;
  readonly #options: RunModelOptions;
  readonly #attempts = new Map<ModelTask, ModelAttempt>();
  /** By task of the DAG: the highest number that any of its attempts had. */
  readonly #highest = new Map<string, number>();
  readonly #told: NonNullable<Pieces>[number][] = [];
  #now: number;
  #isRetired = false;

  constructor(options: RunModelOptions) {
    const { dag, limit, time } = options;
    this.#options = options;
    this.#now = time;
    this.graph = new GraphModel(dag.tasks.map(nodeOf), { limit, onFailure: dag.onFailure });
    this.graph.start();
    this.#begin();
  }

  /** Instances that are owed an attempt, or have one that has not ended. */
  owed(): { readonly task: string; readonly index: number; readonly attempt: number }[] {
    return this.graph.queued().map((task) => ({
      task: task.node,
      index: this.graph.tasks.get(task.node)?.indexOf(task) ?? -1,
      attempt: this.attemptOf(task)?.number ?? -1,
    }));
  }

  attemptOf(task: ModelTask): Readonly<ModelAttempt> | undefined {
    return this.#attempts.get(task);
  }
  instance({ task, index }: { readonly task: string; readonly index: number }): ModelTask | undefined {
    return this.graph.tasks.get(task)?.[index];
  }

  /** The outcomes that count. */
  apply({ fact, time }: LoggedFact): Outcome[] {
    this.#now = Math.max(this.#now, time);
    switch (fact.kind) {
      case "outcomes":
        if (fact.runSeq !== this.#options.seq) return [];
        this.#told.push(...(fact.pieces ?? []).filter((piece) => this.#isCurrent(piece)));
        return fact.items.filter((outcome) => this.#takes(outcome));
      case "cancel":
        if (fact.gen === this.gen) this.graph.abort(endOf(fact));
        return [];
      case "retry":
        if (!this.#isRetired && fact.gen === this.gen + 1 && this.graph.retry(fact.tasks)) {
          this.gen = fact.gen;
          this.#begin();
        }
        return [];
      case "retired":
        this.graph.abort(fact.state);
        this.#isRetired = true;
        // A retry that had no effect counts here.
        this.gen = fact.gen - 1;
        return [];
      case "submitted":
      case "finished":
        return [];
    }
  }

  /** Whether the outcome counts. */
  #takes(outcome: Outcome): boolean {
    const task = this.instance(outcome);
    if (task === undefined || this.#attempts.get(task)?.number !== outcome.attempt) return false;
    const isCurrent = this.#isCurrent(outcome);
    if (isCurrent) this.#settle(task, outcome);
    // It is told how it has ended, and nothing follows.
    else if (this.graph.run !== "running" && outcome.state === "failed" && !this.#isRetired)
      this.graph.end(task, FAILURES[outcome.error.reason].exhausted);
    return isCurrent;
  }

  #isCurrent(of: { readonly task: string; readonly index: number; readonly attempt: number }): boolean {
    const task = this.instance(of);
    return task?.state === "queued" && this.#attempts.get(task)?.number === of.attempt;
  }

  #settle(task: ModelTask, outcome: Outcome): void {
    const handed = outcome.state === "completed" ? this.#handed(outcome) : undefined;
    if (outcome.state === "skipped") this.graph.end(task, "skipped");
    else if (handed !== undefined) this.graph.end(task, "completed", handed.map(modelOf));
    else {
      const error = outcome.state === "failed" ? outcome.error : MISSING;
      if (this.#triesAgain(task, error)) return;
      this.graph.end(task, FAILURES[error.reason].exhausted);
    }
    this.#begin();
  }

  /** `undefined` when some of it was never told. */
  #handed({ artifacts, ...of }: Extract<Outcome, { state: "completed" }>): ProducedArtifact[] | undefined {
    if (artifacts === undefined) return [];
    if ("inline" in artifacts) return [...artifacts.inline];
    const own = this.#told.filter(
      (each) =>
        each.task === of.task &&
        each.index === of.index &&
        each.attempt === of.attempt &&
        each.set === artifacts.set,
    );
    const whole: ProducedArtifact[] = [];
    for (let piece = 0; piece < artifacts.pieces; piece++) {
      const found = own.find((each) => each.piece === piece);
      if (found === undefined) return undefined;
      whole.push(...found.artifacts);
    }
    return whole;
  }

  /** Goes on with the next attempt, if there is to be one. */
  #triesAgain(task: ModelTask, error: TaskError): boolean {
    const attempt = this.#attempts.get(task);
    const { retries, retry } = this.#taskOf(task);
    if (attempt === undefined || error.isFinal === true) return false;
    const { againAfterMs = error.reason === "not-yet" ? 10_000 : 0, giveUpAfterMs = Infinity } = error;
    let due: ModelAttempt["due"] = [this.#now + againAfterMs, this.#now + againAfterMs];
    if (error.reason === "not-yet") {
      attempt.lookingSince ??= this.#now;
      const end = attempt.lookingSince + giveUpAfterMs;
      if (this.#now >= end) return false;
      due = [Math.min(due[0], end), Math.min(due[1], end)];
    }
    switch (FAILURES[error.reason].budget) {
      case "never":
        return false;
      case "none":
        break;
      case "losses":
        if (attempt.losses++ >= this.#options.lossCap) return false;
        break;
      case "retries":
        if (attempt.failures++ >= retries) return false;
        due = [due[0], Math.max(due[1], this.#now + retry.maxMs * (1 + retry.jitter))];
    }
    this.#number(task, attempt, attempt.number + 1);
    Object.assign(attempt, { isRetrying: true, due });
    return true;
  }

  /** The first attempts of what was just launched, or starts over. */
  #begin(): void {
    const before = new Map(this.#highest);
    for (const task of this.graph.dispatched) {
      const last = this.#attempts.get(task)?.number ?? before.get(task.node) ?? 0;
      const due = [this.#now, this.#now] as const;
      const attempt = { number: 0, isRetrying: false, due, failures: 0, losses: 0, lookingSince: undefined };
      this.#attempts.set(task, attempt);
      this.#number(task, attempt, last + 1);
    }
  }

  #number({ node }: ModelTask, attempt: ModelAttempt, number: number): void {
    attempt.number = number;
    this.#highest.set(node, Math.max(number, this.#highest.get(node) ?? 0));
  }

  #taskOf({ node }: ModelTask): Task {
    const found = this.#options.dag.tasks.find(({ id }) => id === node);
    if (found === undefined) throw new Error(`no task ${node}`);
    return found;
  }
}

const MISSING: TaskError = { reason: "invalid-outcome", message: "" };

function modelOf({ id, size, origin, metadata, file }: ProducedArtifact): HandedArtifact {
  return { id, size, origin, kind: metadata.kind as string | undefined, isFile: file !== undefined };
}

function nodeOf({ id, dependsOn, fanMode, type, ...task }: Task): ModelNode {
  const filters = Object.entries(task.edgeFilters ?? {});
  return {
    slug: id,
    dependsOn,
    fanMode,
    isGate: task.isPassthrough === true,
    runsNothing: type === GATE,
    mayFail: task.allowFailure,
    isCritical: task.critical,
    filters: Object.fromEntries(filters.map(([from, filter]) => [from, filterOf(filter)])),
  };
}
