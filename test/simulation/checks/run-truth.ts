/**
 * What is true of one run, from the log alone. The plain model keeps it by its own rules beside the fold's; the two are
 * held against each other at each fact.
 */
import { attemptKey } from "../../../internal/core/attempt.ts";
import type { Change, Owed } from "../../../internal/core/change.ts";
import { DEFAULT_FAN_OUT_LIMIT } from "../../../internal/core/fan-out.ts";
import type { Fact, LoggedFact, Submitted } from "../../../internal/core/facts.ts";
import type { Graph } from "../../../internal/core/graph.ts";
import type { Outcome } from "../../../internal/core/outcome.ts";
import { RunFold } from "../../../internal/core/run-fold.ts";
import { differenceOf } from "../../support/run-difference.ts";
import { RunModel } from "../../support/run-model.ts";
import { isForged } from "../actors/forger.ts";
import { digest } from "./digest.ts";
import { inputToFind } from "./inputs.ts";
import { resultOf } from "./results.ts";

export interface RunTruthOptions {
  readonly graph: Graph;
  /** The log was put back at some time: what was said before is still on its way. */
  wasRewound(): boolean;
  /** Something that must never be, is. */
  fail(invariant: string, message: string): void;
}

export interface OwedAttempt {
  readonly key: string;
  /** The artifacts that it is to find. */
  readonly input: string;
}

export class RunTruth {
  readonly fold: RunFold;
  /** All facts so far, with the digest of the fold after each. */
  readonly facts: { readonly logged: LoggedFact; readonly digest: string }[] = [];
  /** What anybody may be told of the run's end. */
  readonly results = new Set<string>();
  readonly #model: RunModel;
  readonly #options: RunTruthOptions;
  readonly #ended = new Set<string>();

  constructor(first: LoggedFact, submitted: Submitted, options: RunTruthOptions) {
    const { graph } = options;
    this.#options = options;
    this.fold = new RunFold(first, submitted, graph);
    const { lossCap, fanOutLimit: limit = DEFAULT_FAN_OUT_LIMIT } = submitted.defaults;
    this.#model = new RunModel({ dag: graph.dag, limit, lossCap, seq: first.seq, time: first.time });
  }

  apply(logged: LoggedFact): Change {
    const change = this.fold.apply(logged);
    const counting = this.#model.apply(logged);
    this.facts.push({ logged, digest: digest(this.fold) });
    for (const outcome of change.accepted) this.#accepted(outcome, logged.fact);
    const { fail } = this.#options;
    const [told, wanted] = [namesOf(change.accepted), namesOf(counting)];
    if (told !== wanted) fail("the first outcome counts", `${told} count, not ${wanted}`);
    const difference = differenceOf(this.fold, this.#model);
    if (difference !== undefined) fail("a run does what the model says", `${this.fold.runId}: ${difference}`);
    for (const owed of change.owed) this.#checkDue(owed);
    if (this.fold.end !== undefined) this.results.add(resultOf(this.fold));
    return change;
  }

  /** What this fact made owed. */
  newlyOwed({ owed }: Change): OwedAttempt[] {
    const all = this.facts.length === 1 ? this.fold.owed() : owed;
    return all.flatMap((each) => {
      const id = this.fold.idOf(each);
      const instance = this.#model.instance(id);
      const task = this.fold.taskOf(each.instance);
      return instance === undefined ? [] : { key: attemptKey(id), input: inputToFind(instance, task) };
    });
  }

  #accepted(outcome: Outcome, fact: Fact): void {
    const key = attemptKey({ ...outcome, runId: this.fold.runId });
    if (this.#ended.has(key)) this.#options.fail("one outcome an attempt", `${key} has a second one`);
    this.#ended.add(key);
    const reason = outcome.state === "failed" ? outcome.error.reason : undefined;
    if (reason === "artifact-missing") {
      this.#options.fail("files stay as long as they are needed", `${key} finds one missing`);
    }
    // Those of a run that was cancelled do not count.
    if (reason === "cancelled" && !isForged(fact) && !this.#options.wasRewound()) {
      this.#options.fail("nothing is cancelled but with its run", key);
    }
  }

  #checkDue(owed: Owed): void {
    const id = this.fold.idOf(owed);
    const instance = this.#model.instance(id);
    const { due: [from, to] = [Infinity, 0] } = (instance && this.#model.attemptOf(instance)) ?? {};
    if (owed.dueAt >= from && owed.dueAt <= to) return;
    const message = `${attemptKey(id)} is due at ${owed.dueAt}, not from ${from} to ${to}`;
    this.#options.fail("tried again as it was asked", message);
  }
}

function namesOf(outcomes: readonly Outcome[]): string {
  return outcomes.map(({ task, index, attempt, state }) => `${task}.${index}.${attempt} ${state}`).join(", ");
}
