/**
 * What is true of one run, from the log alone and kept by its own simple rules beside the fold's: which attempts
 * were ever owed, which outcome each has, what was spent.
 */
import { type AttemptOfRun, attemptKey } from "../../../internal/core/attempt.ts";
import type { LoggedFact, Submitted } from "../../../internal/core/facts.ts";
import type { Graph } from "../../../internal/core/graph.ts";
import { FAILURES, type Outcome } from "../../../internal/core/outcome.ts";
import type { Change } from "../../../internal/core/change.ts";
import { RunFold } from "../../../internal/core/run-fold.ts";
import { isForged } from "../actors/forger.ts";
import { AgainTruth } from "./again-truth.ts";
import { digest } from "./digest.ts";

export interface RunTruthOptions {
  /** Something that must never be, is. */
  fail(invariant: string, message: string): void;
}

export class RunTruth {
  readonly fold: RunFold;
  /** All facts so far, with the digest of the fold after each. */
  readonly facts: { readonly logged: LoggedFact; readonly digest: string }[] = [];
  /** By attempt key. */
  readonly owed = new Set<string>();
  readonly #options: RunTruthOptions;
  readonly #ended = new Set<string>();
  /** By task: the newest outcome that counts, in this generation or kept from one before. */
  readonly #last = new Map<string, Outcome>();
  readonly #spent = new Map<string, number>();
  readonly #again: AgainTruth;

  constructor(
    first: LoggedFact,
    submitted: Submitted,
    { graph, ...options }: RunTruthOptions & { graph: Graph },
  ) {
    this.#options = options;
    this.fold = new RunFold(first, submitted, graph);
    this.#again = new AgainTruth(this.fold, first.time, (message) =>
      options.fail("tried again as it was asked", message),
    );
  }

  apply(logged: LoggedFact): Change {
    const before = this.facts.length === 0 ? this.fold.owed() : [];
    const current = new Map(this.fold.owed().map(({ instance, attempt }) => [instance, attempt]));
    const { gen } = this.fold;
    this.#again.passed(logged.time);
    const change = this.fold.apply(logged);
    this.facts.push({ logged, digest: digest(this.fold) });
    if (this.fold.gen !== gen) this.#begunAgain();
    for (const outcome of change.accepted) this.#accepted(outcome, logged, current);
    for (const { instance, attempt } of [...before, ...change.owed]) this.#isOwed(instance, attempt);
    this.#again.check(change);
    return change;
  }

  /** Also one that does not count; not a forged one. */
  holdsOutcomeOf({ task, attempt, runSeq }: AttemptOfRun): boolean {
    const isOf = (item: Outcome): boolean => item.task === task && item.attempt === attempt;
    return this.facts.some(({ logged: { fact } }) => {
      if (fact.kind !== "outcomes" || fact.runSeq !== runSeq || isForged(fact)) return false;
      return fact.items.some(isOf);
    });
  }

  #accepted(outcome: Outcome, { fact }: LoggedFact, current: ReadonlyMap<number, number>): void {
    const key = this.#keyOf(outcome.task, outcome.attempt);
    const { fail } = this.#options;
    if (this.#ended.has(key)) fail("one outcome an attempt", `${key} has a second one`);
    if (fact.kind === "outcomes" && fact.runSeq !== this.fold.seq) {
      fail("one outcome an attempt", `that of ${key} is meant for another run`);
    }
    const position = this.fold.graph.position(outcome.task) ?? -1;
    if (current.get(position) !== outcome.attempt && !this.owed.has(key)) {
      fail("one outcome an attempt", `that of ${key} counts, but the attempt was never owed`);
    }
    this.#ended.add(key);
    this.#last.set(outcome.task, outcome);
    this.#spend(outcome, position);
  }

  /** Budgets are for one generation. */
  #spend(outcome: Outcome, position: number): void {
    if (outcome.state !== "failed") return;
    const { budget } = FAILURES[outcome.error.reason];
    if (budget !== "retries" && budget !== "losses") return;
    const key = `${outcome.task} ${budget}`;
    const spent = (this.#spent.get(key) ?? 0) + 1;
    this.#spent.set(key, spent);
    const allowed =
      budget === "retries" ? this.fold.task(position).retries : this.fold.submitted.defaults.lossCap;
    if (spent > allowed + 1) {
      this.#options.fail(
        "caps",
        `${this.fold.runId}.${outcome.task} has used ${spent} of ${allowed} ${budget}`,
      );
    }
  }

  #isOwed(position: number, attempt: number): void {
    const { id, dependsOn } = this.fold.task(position);
    for (const parent of dependsOn) {
      const outcome = this.#last.get(parent);
      const isAllowed = this.fold.task(this.fold.graph.position(parent) ?? -1).allowFailure;
      if (outcome?.state === "completed" || (outcome?.state === "failed" && isAllowed)) continue;
      this.#options.fail(
        "starts after its upstream",
        `${this.fold.runId}.${id} is owed, but ${parent} has not succeeded`,
      );
    }
    this.owed.add(this.#keyOf(id, attempt));
  }

  #keyOf(task: string, attempt: number): string {
    return attemptKey({ runId: this.fold.runId, task, index: 0, attempt });
  }

  #begunAgain(): void {
    this.#spent.clear();
    this.#again.begunAgain();
    for (const task of this.#last.keys()) {
      const position = this.fold.graph.position(task) ?? -1;
      if (this.fold.instances.state(position) === "pending") this.#last.delete(task);
    }
  }
}
