/**
 * The state of one run: a fold over its facts, in the order of the log.
 *
 * F1 Deterministic: the same facts in the same order give the same state; no clock, no chance.
 * F2 Total: no fact makes it throw; what does not fit is void.
 * F3 The first outcome of an instance's current attempt counts; every other one is void.
 * F4 Terminal instances and ended runs change by a retry alone, and a retired run by nothing.
 * F5 A fact costs O(its out-degree), whatever the size of the DAG.
 *
 * The state is owned here and mutable; services read it, and only `apply` changes it.
 * A plain task has one instance, so positions in the graph name instances.
 */
import { type Change, NO_CHANGE, type Owed } from "./change.ts";
import type { Cancel, LoggedFact, Outcomes, Retired, Retry, RunEndState, Submitted } from "./facts.ts";
import type { Graph } from "./graph.ts";
import { Instances } from "./instances.ts";
import { Lifetime } from "./lifetime.ts";
import type { Task } from "./model.ts";
import { NextAttempts } from "./next-attempts.ts";
import { FAILURES, hasOutput, type Outcome, type TaskError, type VoidOutcome, whyVoid } from "./outcome.ts";
import { toRunAgain } from "./rerun.ts";
import { Verdict } from "./verdict.ts";

export class RunFold {
  readonly runId: string;
  readonly partition: number;
  /** Log sequence of `submitted`. */
  readonly seq: number;
  /** Log time of `submitted`, milliseconds since 1970. */
  readonly submittedAt: number;
  readonly submitted: Submitted;
  readonly graph: Graph;

  readonly #instances: Instances;
  /** Parents that do not let the instance start yet. */
  readonly #waiting: Int32Array;
  /** When attempts in back-off are due; what is not here is due at once. */
  readonly #dueAt = new Map<number, number>();
  /** The running maximum of the server's timestamps over the run's facts. */
  #time: number;
  readonly #lifetime: Lifetime;
  readonly #verdict: Verdict;
  readonly #next: NextAttempts;
  /** What the fact being applied makes owed. */
  #owed: Owed[] = [];

  constructor(logged: LoggedFact, submitted: Submitted, graph: Graph) {
    this.runId = logged.runId;
    this.partition = logged.partition;
    this.seq = logged.seq;
    this.submittedAt = logged.time;
    this.submitted = submitted;
    this.graph = graph;
    this.#time = logged.time;
    this.#lifetime = new Lifetime(logged);
    this.#instances = new Instances(graph.size);
    this.#verdict = new Verdict(graph.dag.onFailure);
    this.#next = new NextAttempts({
      runId: this.runId,
      lossCap: submitted.defaults.lossCap,
      instances: this.#instances,
      task: (position) => this.task(position),
    });
    this.#waiting = Int32Array.from(graph.indegree);
    for (const position of graph.order) if (graph.indegree[position] === 0) this.#owe(position, 0);
  }

  /** Counts the retries of the run: 0 at first. */
  get gen(): number {
    return this.#lifetime.gen;
  }
  /** The state that the run ended in, once it has. */
  get end(): RunEndState | undefined {
    return this.#lifetime.end;
  }
  /** Log time of the fact that ended the run; 0 while it goes on. */
  get endedAt(): number {
    return this.#lifetime.endedAt;
  }
  /** Why the run ended before all of its tasks did; empty when they did. */
  get endMessage(): string {
    return this.#lifetime.message;
  }
  /** The log holds the `finished` of the end that was reached. */
  get announced(): boolean {
    return this.#lifetime.isAnnounced;
  }
  /** It is over for good, and its facts are in the history: the log has no more than a part of them. */
  get retired(): boolean {
    return this.#lifetime.isRetired;
  }
  /** Log sequence of the `submitted` or `retry` that began the generation. */
  get begunSeq(): number {
    return this.#lifetime.begunSeq;
  }
  /** Log time at which the generation began: that of its `submitted` or `retry`. */
  get begunAt(): number {
    return this.#lifetime.begunAt;
  }
  /** Log time at which the run's time limit is reached; each generation has all of it. */
  get deadline(): number | undefined {
    const { timeoutMs } = this.graph.dag;
    return timeoutMs === undefined ? undefined : this.begunAt + timeoutMs;
  }
  get instances(): Pick<Instances, "counts" | "state" | "attempt" | "outcomeSeq" | "hasOutput"> {
    return this.#instances;
  }

  /** Nothing later has taken this attempt's place: it ought to be queued or running. */
  isCurrent(position: number, attempt: number): boolean {
    return (
      this.end === undefined &&
      attempt > 0 &&
      this.#waiting[position] === 0 &&
      this.#instances.isUnfinished(position) &&
      this.#instances.attempt(position) === attempt
    );
  }

  task(position: number): Task {
    const task = this.graph.dag.tasks[position];
    if (task === undefined) throw new Error(`internal: no task at position ${position}`);
    return task;
  }

  /** Time limit of one attempt of this task, in milliseconds; without it the worker's own counts. */
  timeoutMsOf(task: Task): number | undefined {
    return task.timeoutMs ?? this.submitted.defaults.taskTimeoutMs;
  }

  /** Of an instance that has ended: its children may start. */
  countsAsSuccess(position: number): boolean {
    const state = this.#instances.state(position);
    if (state === "completed") return true;
    return this.task(position).allowFailure && (state === "failed" || state === "crashed");
  }

  /** Of an instance that is unfinished: what it waits for was not there at its last look. */
  looksAgain(position: number): boolean {
    return this.#next.looksAgain(position);
  }

  /** All attempts that are owed now, in topological order. */
  owed(): Owed[] {
    const all: Owed[] = [];
    for (const position of this.graph.order) {
      const attempt = this.#instances.attempt(position);
      if (!this.isCurrent(position, attempt)) continue;
      all.push({ position, attempt, dueAt: this.#dueAt.get(position) ?? 0 });
    }
    return all;
  }

  /** Folds the next fact of this run. */
  apply(logged: LoggedFact): Change {
    this.#time = Math.max(this.#time, logged.time);
    const { fact } = logged;
    switch (fact.kind) {
      case "submitted":
        return NO_CHANGE;
      case "outcomes":
        return this.#applyOutcomes(fact, logged.seq);
      case "cancel":
        return this.#applyCancel(fact);
      case "retry":
        return this.#applyRetry(fact, logged.seq);
      case "retired":
        return this.#applyRetired(fact);
      case "finished":
        this.#lifetime.announce(fact.gen);
        return NO_CHANGE;
    }
  }

  #applyOutcomes(fact: Outcomes, seq: number): Change {
    if (fact.runSeq !== this.seq)
      return { ...NO_CHANGE, void: fact.items.map((outcome) => ({ outcome, why: "other-run" })) };
    const wentOn = this.end === undefined;
    const accepted: Outcome[] = [];
    const refused: VoidOutcome[] = [];
    this.#owed = [];
    for (const outcome of fact.items) {
      const position = outcome.index === 0 ? this.graph.position(outcome.task) : undefined;
      if (position === undefined || !this.isCurrent(position, outcome.attempt)) {
        refused.push({ outcome, why: whyVoid(position, this.end) });
        continue;
      }
      this.#instances.recordOutcome(position, seq, hasOutput(outcome) ? 1 : 0);
      accepted.push(outcome);
      this.#settle(position, outcome);
    }
    const ended = wentOn && this.end !== undefined;
    const owed = this.#owed.filter(({ position, attempt }) => this.isCurrent(position, attempt));
    return { owed, accepted, void: refused, ended };
  }

  #applyCancel(fact: Cancel): Change {
    if (this.end !== undefined || fact.gen !== this.gen) return NO_CHANGE;
    this.#finish(fact.cause === "time-limit" ? "failed" : "cancelled", fact.message);
    return { ...NO_CHANGE, ended: true };
  }

  /** A new generation: what is to run again starts over, and readiness is worked out anew over the whole graph. */
  #applyRetry(fact: Retry, seq: number): Change {
    if (this.end === undefined || this.end === "completed" || fact.gen !== this.gen + 1) return NO_CHANGE;
    if (this.retired) return NO_CHANGE;
    const again = toRunAgain(this.graph, this.#instances, fact.tasks);
    if (again.length === 0) return NO_CHANGE;
    this.#lifetime.goOn(fact.gen, { seq, time: this.#time });
    this.#verdict.startOver();
    this.#owed = [];
    for (const position of again) {
      this.#instances.startOver(position);
      this.#next.startOver(position);
    }
    for (const position of this.graph.order) this.#rejoin(position);
    if (this.#instances.unfinished === 0) this.#finish(this.#verdict.end);
    return { ...NO_CHANGE, owed: this.#owed, ended: this.end !== undefined };
  }

  /** What led to the end may be gone from the log already: then the end is as it says. */
  #applyRetired({ state, gen }: Retired): Change {
    const ended = this.end === undefined;
    if (ended) this.#finish(state);
    this.#lifetime.retire(gen - 1);
    return { ...NO_CHANGE, ended };
  }

  /** The place of an instance in a new generation; its parents have theirs. */
  #rejoin(position: number): void {
    const task = this.task(position);
    if (!this.#instances.isUnfinished(position)) {
      const state = this.#instances.state(position);
      if (state !== "skipped" && !this.countsAsSuccess(position)) this.#verdict.add(task, state);
      return;
    }
    const parents = this.graph.parentsOf(position);
    const pending = parents.filter((parent) => this.#instances.isUnfinished(parent));
    this.#waiting[position] = pending.length;
    const isFree = parents.every(
      (parent) => this.#instances.isUnfinished(parent) || this.countsAsSuccess(parent),
    );
    if (parents.some((parent) => this.#instances.state(parent) === "skipped")) {
      this.#instances.become(position, "skipped");
    } else if (!isFree) {
      this.#instances.become(position, "upstream_failed");
      this.#verdict.add(task, "upstream_failed");
    } else if (pending.length === 0) {
      this.#owe(position, 0);
    }
  }

  #settle(position: number, outcome: Outcome): void {
    switch (outcome.state) {
      case "completed":
        this.#instances.become(position, "completed");
        this.#releaseChildren(position);
        break;
      case "skipped":
        this.#instances.become(position, "skipped");
        this.#endDownstream(position, "skipped");
        break;
      case "failed":
        this.#settleFailure(position, outcome.error);
    }
    if (this.end === undefined && this.#instances.unfinished === 0) this.#finish(this.#verdict.end);
  }

  #settleFailure(position: number, error: TaskError): void {
    const delayMs = this.#next.delayMs(position, error, this.#time);
    if (delayMs === undefined) {
      this.#endBadly(position, FAILURES[error.reason].exhausted);
      return;
    }
    this.#instances.become(position, "retrying");
    this.#dueAt.delete(position);
    this.#owe(position, delayMs);
  }

  #owe(position: number, delayMs: number): void {
    const attempt = this.#instances.nextAttempt(position);
    const dueAt = this.#time + delayMs;
    if (delayMs > 0) this.#dueAt.set(position, dueAt);
    this.#owed.push({ position, attempt, dueAt });
  }

  #endBadly(position: number, state: "failed" | "crashed" | "cancelled"): void {
    this.#instances.become(position, state);
    const task = this.task(position);
    if (task.allowFailure) {
      this.#releaseChildren(position);
      return;
    }
    this.#verdict.add(task, state);
    switch (this.graph.dag.onFailure) {
      case "stop":
        this.#finish(this.#verdict.end, `task '${task.id}' ${state}, and the policy is stop`);
        break;
      case "continue":
      case "allow_partial":
        this.#endDownstream(position, "upstream_failed");
        break;
    }
  }

  /** What depends on an instance that ended in this way never starts. */
  #endDownstream(from: number, state: "upstream_failed" | "skipped"): void {
    const stack = [from];
    for (let position = stack.pop(); position !== undefined; position = stack.pop()) {
      for (const child of this.graph.childrenOf(position)) {
        if (!this.#instances.isUnfinished(child)) continue;
        this.#instances.become(child, state);
        if (state === "upstream_failed") this.#verdict.add(this.task(child), state);
        stack.push(child);
      }
    }
  }

  #releaseChildren(position: number): void {
    for (const child of this.graph.childrenOf(position)) {
      const left = (this.#waiting[child] ?? 0) - 1;
      this.#waiting[child] = left;
      if (left === 0 && this.#instances.isUnfinished(child)) this.#owe(child, 0);
    }
  }

  /** Ends the run; what is unfinished is cancelled at once. */
  #finish(end: RunEndState, message = ""): void {
    this.#lifetime.finish(end, message, this.#time);
    this.#dueAt.clear();
    if (this.#instances.unfinished === 0) return;
    for (let position = 0; position < this.graph.size; position++) {
      if (this.#instances.isUnfinished(position)) this.#instances.become(position, "cancelled");
    }
  }
}
