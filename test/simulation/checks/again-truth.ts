/**
 * What is true of one run's next attempts, by simple rules beside the fold's: what ended for good is not tried again, what
 * asked for a time is not due before it, and what looks again does so until its time is over.
 */
import type { Outcome } from "../../../internal/core/outcome.ts";
import type { Change } from "../../../internal/core/change.ts";
import type { RunFold } from "../../../internal/core/run-fold.ts";

export class AgainTruth {
  readonly #run: RunFold;
  readonly #fail: (message: string) => void;
  /** Log time: the highest so far. */
  #now: number;
  /** By task, of this generation: why there is no further attempt. */
  readonly #over = new Map<string, string>();
  /** By task, of this generation: log time of its first look. */
  readonly #since = new Map<string, number>();

  constructor(run: RunFold, now: number, fail: (message: string) => void) {
    this.#run = run;
    this.#now = now;
    this.#fail = fail;
  }

  passed(time: number): void {
    this.#now = Math.max(this.#now, time);
  }

  /** A new generation has all of the time, and tries again what did not succeed. */
  begunAgain(): void {
    this.#since.clear();
    for (const task of this.#over.keys()) if (this.#stateOf(task) === "pending") this.#over.delete(task);
  }

  /** Called when the fact is folded. */
  check({ accepted, owed }: Change): void {
    const due = new Map(owed.map(({ instance, dueAt }) => [this.#run.taskOf(instance).id, dueAt]));
    for (const task of due.keys()) {
      const why = this.#over.get(task);
      if (why !== undefined) this.#fail(`${this.#run.runId}.${task} is owed again, and was ${why}`);
    }
    for (const outcome of accepted) {
      this.#checkOne(outcome, due.get(outcome.task));
      this.#checkBelow(outcome.task);
    }
  }

  #checkOne(outcome: Outcome, dueAt: number | undefined): void {
    const { task } = outcome;
    const name = `${this.#run.runId}.${task}`;
    if (outcome.state !== "failed") {
      this.#over.set(task, outcome.state);
      if (dueAt !== undefined) this.#fail(`${name} is owed again, and was ${outcome.state}`);
      return;
    }
    const { reason, isFinal, againAfterMs = 0, giveUpAfterMs = Infinity } = outcome.error;
    if (isFinal === true) this.#over.set(task, "final");
    if (isFinal === true && dueAt !== undefined) this.#fail(`${name} is owed again, and was final`);
    if (reason !== "not-yet") {
      if (dueAt !== undefined && dueAt < this.#now + againAfterMs) this.#fail(`${name} is due too soon`);
      return;
    }
    const since = this.#since.get(task) ?? this.#now;
    this.#since.set(task, since);
    const end = since + giveUpAfterMs;
    if (this.#now >= end) {
      if (dueAt !== undefined) this.#fail(`${name} looks again, and its time is over`);
    } else if (this.#run.end === undefined && dueAt !== Math.min(this.#now + againAfterMs, end)) {
      this.#fail(`${name} looks again at ${dueAt}, not ${againAfterMs} ms after ${this.#now}`);
    }
  }

  /** Nothing that depends on what was skipped goes on, once all is over that it waits for. */
  #checkBelow(task: string): void {
    const { graph, instances } = this.#run;
    for (const child of graph.childrenOf(graph.position(task) ?? -1)) {
      const parents = [...graph.parentsOf(child)];
      const skipped = parents.find((parent) => instances.state(parent) === "skipped");
      if (skipped === undefined || !parents.every((parent) => instances.hasEnded(parent))) continue;
      const state = instances.state(child);
      if (state === "skipped" || state === "upstream_failed") continue;
      if (state === "cancelled" && this.#run.end !== undefined) continue;
      const name = `${this.#run.runId}.${this.#run.task(child).id}`;
      this.#fail(`${name} is ${state}, and ${this.#run.task(skipped).id} was skipped`);
    }
  }

  #stateOf(task: string): string {
    return this.#run.instances.state(this.#run.graph.position(task) ?? -1);
  }
}
