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
 * An instance is known by its number, see `Instances`; of a task that has one it is the task's position in the graph.
 */
import type { ArtifactPiece, Handed } from "./artifact.ts";
import type { AttemptId } from "./attempt.ts";
import { type Change, NO_CHANGE, type Owed } from "./change.ts";
import {
  type Cancel,
  endOf,
  type LoggedFact,
  type Outcomes,
  type Retired,
  type Retry,
  type RunEndState,
  type Submitted,
} from "./facts.ts";
import type { ArtifactFlow } from "./artifact-flow.ts";
import { DEFAULT_FAN_OUT_LIMIT } from "./fan-out.ts";
import type { Graph } from "./graph.ts";
import { type FoldState, Instances } from "./instances.ts";
import { Lifetime } from "./lifetime.ts";
import type { Task } from "./model.ts";
import { NextAttempts } from "./next-attempts.ts";
import { FAILURES, hasOutput, type Outcome, type TaskError, type VoidOutcome, whyVoid } from "./outcome.ts";
import { toRunAgain } from "./rerun.ts";
import { StagedArtifacts } from "./staged-artifacts.ts";
import { TaskFlow } from "./task-flow.ts";
import { stateOf, type TaskResult } from "./task-result.ts";

const NOTHING: Handed = { inline: [] };

const PIECES_MISSING: TaskError = {
  reason: "invalid-outcome",
  message: "the outcome names artifacts that the log does not hold",
};

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
  readonly #flow: TaskFlow;
  readonly #staged = new StagedArtifacts();
  /** When attempts in back-off are due; what is not here is due at once. */
  readonly #dueAt = new Map<number, number>();
  /** The running maximum of the server's timestamps over the run's facts. */
  #time: number;
  readonly #lifetime: Lifetime;
  readonly #next: NextAttempts;
  /** What the fact being applied makes owed, and what it ends. */
  #owed: Owed[] = [];
  #cancelled: Owed[] = [];

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
    this.#next = new NextAttempts({
      runId: this.runId,
      lossCap: submitted.defaults.lossCap,
      instances: this.#instances,
      taskOf: (instance) => this.taskOf(instance),
    });
    this.#flow = new TaskFlow({
      graph,
      instances: this.#instances,
      fanOutLimit: submitted.defaults.fanOutLimit ?? DEFAULT_FAN_OUT_LIMIT,
      begin: (instance) => this.#owe(instance, 0),
      stop: (message) => this.#finish(this.#flow.verdict.end, message),
    });
    this.#flow.launchReady();
    this.#finishIfDone();
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
  get instances(): Omit<Instances, "launch" | "withdraw" | "become" | "startOver" | "nextAttempt"> {
    return this.#instances;
  }
  get artifacts(): Pick<ArtifactFlow, "inputOf" | "producedBy" | "artifactsOf" | "edgesOf"> {
    return this.#flow.artifacts;
  }

  /** Nothing later has taken this attempt's place: it ought to be queued or running. */
  isCurrent(instance: number, attempt: number): boolean {
    return (
      this.end === undefined &&
      this.#instances.wasBegun(instance) &&
      this.#instances.isUnfinished(instance) &&
      this.#instances.attempt(instance) === attempt
    );
  }

  task(position: number): Task {
    return this.graph.task(position);
  }
  taskOf(instance: number): Task {
    return this.graph.task(this.#instances.positionOf(instance));
  }
  /** `undefined` when the run has no such instance. */
  instanceOf({ task, index }: Pick<AttemptId, "task" | "index">): number | undefined {
    const position = this.graph.position(task);
    return position === undefined ? undefined : this.#instances.numberOf(position, index);
  }
  idOf({ instance, attempt }: Pick<Owed, "instance" | "attempt">): AttemptId {
    const index = this.#instances.indexOf(instance);
    return { runId: this.runId, task: this.taskOf(instance).id, index, attempt };
  }
  /** Why nothing of the task could be launched, where that is so. */
  whyNotLaunched(position: number): string | undefined {
    return this.#flow.whyNotLaunched(position);
  }

  /** Time limit of one attempt of this task, in milliseconds; without it the worker's own counts. */
  timeoutMsOf(task: Task): number | undefined {
    return task.timeoutMs ?? this.submitted.defaults.taskTimeoutMs;
  }

  resultOf(position: number): TaskResult {
    return this.#flow.resultOf(position);
  }

  /** Of a task with several instances: that of those which decide what it comes to. */
  stateOf(position: number): FoldState {
    return stateOf(position, this.#instances, this.resultOf(position));
  }

  /** Of an instance that is unfinished: what it waits for was not there at its last look. */
  looksAgain(instance: number): boolean {
    return this.#next.looksAgain(instance);
  }

  /** All attempts that are owed now, in topological order. */
  owed(): Owed[] {
    const all: Owed[] = [];
    for (const position of this.graph.order) {
      if (this.#instances.hasEnded(position)) continue;
      for (const instance of this.#instances.of(position)) {
        const attempt = this.#instances.attempt(instance);
        if (!this.isCurrent(instance, attempt)) continue;
        all.push({ instance, attempt, dueAt: this.#dueAt.get(instance) ?? 0 });
      }
    }
    return all;
  }

  /** Folds the next fact of this run. */
  apply(logged: LoggedFact): Change {
    this.#time = Math.max(this.#time, logged.time);
    this.#owed = [];
    this.#cancelled = [];
    const { fact } = logged;
    switch (fact.kind) {
      case "submitted":
        return { ...NO_CHANGE, ended: this.end !== undefined };
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
    for (const piece of fact.pieces ?? []) this.#stage(piece);
    for (const outcome of fact.items) {
      const instance = this.instanceOf(outcome);
      if (instance === undefined || !this.isCurrent(instance, outcome.attempt)) {
        refused.push({ outcome, why: whyVoid(instance, this.end) });
        if (instance !== undefined) this.#note(instance, outcome);
        continue;
      }
      this.#instances.recordOutcome(instance, seq, hasOutput(outcome) ? 1 : 0);
      accepted.push(outcome);
      this.#settle(instance, outcome);
      this.#flow.launchReady();
      this.#finishIfDone();
    }
    const ended = wentOn && this.end !== undefined;
    return { owed: this.#stillOwed(), accepted, void: refused, cancelled: this.#cancelled, ended };
  }

  #applyCancel(fact: Cancel): Change {
    if (this.end !== undefined || fact.gen !== this.gen) return NO_CHANGE;
    this.#finish(endOf(fact), fact.message);
    return { ...NO_CHANGE, cancelled: this.#cancelled, ended: true };
  }

  /** A new generation: what is to run again starts over, and readiness is worked out anew over the whole graph. */
  #applyRetry(fact: Retry, seq: number): Change {
    if (this.end === undefined || this.end === "completed" || fact.gen !== this.gen + 1) return NO_CHANGE;
    if (this.retired) return NO_CHANGE;
    const again = toRunAgain(this, fact.tasks);
    if (again.length === 0) return NO_CHANGE;
    this.#lifetime.goOn(fact.gen, { seq, time: this.#time });
    this.#flow.again(again, (instance) => this.#next.startOver(instance));
    this.#finishIfDone();
    const ended = this.end !== undefined;
    return { ...NO_CHANGE, owed: this.#stillOwed(), cancelled: this.#cancelled, ended };
  }

  /** What led to the end may be gone from the log already: then the end is as it says. */
  #applyRetired({ state, gen }: Retired): Change {
    const ended = this.end === undefined;
    if (ended) this.#finish(state);
    this.#lifetime.retire(gen - 1);
    return { ...NO_CHANGE, cancelled: this.#cancelled, ended };
  }

  #settle(instance: number, outcome: Outcome): void {
    const handed = (outcome.state === "completed" ? outcome.artifacts : undefined) ?? NOTHING;
    // Also of one that has ended otherwise: what it told is of no use then.
    const artifacts = this.#staged.take(this.idOf({ instance, attempt: outcome.attempt }), handed);
    if (outcome.state === "failed") this.#settleFailure(instance, outcome.error);
    else if (outcome.state === "skipped") this.#flow.pass(instance, "skipped");
    else if (artifacts === undefined) this.#settleFailure(instance, PIECES_MISSING);
    else this.#flow.complete(instance, artifacts);
  }

  /** What is not of a current attempt will not count. */
  #stage(piece: ArtifactPiece): void {
    const instance = this.instanceOf(piece);
    if (instance === undefined || !this.isCurrent(instance, piece.attempt)) return;
    this.#staged.add(this.idOf({ instance, attempt: piece.attempt }), piece);
  }

  #settleFailure(instance: number, error: TaskError): void {
    const delayMs = this.#next.delayMs(instance, error, this.#time);
    if (delayMs === undefined) {
      this.#flow.endBadly(instance, FAILURES[error.reason].exhausted, error.message);
      return;
    }
    this.#instances.become(instance, "retrying");
    this.#dueAt.delete(instance);
    this.#owe(instance, delayMs);
  }

  #owe(instance: number, delayMs: number): void {
    const attempt = this.#instances.nextAttempt(instance);
    const dueAt = this.#time + delayMs;
    if (delayMs > 0) this.#dueAt.set(instance, dueAt);
    this.#owed.push({ instance, attempt, dueAt });
  }

  /** What became owed by the fact being applied, and did not end by it too. */
  #stillOwed(): Owed[] {
    return this.#owed.filter(({ instance, attempt }) => this.isCurrent(instance, attempt));
  }

  /** How an attempt failed that was cancelled with its run: it is shown, and nothing follows from it. */
  #note(instance: number, outcome: Outcome): void {
    if (this.end === undefined || this.retired || outcome.state !== "failed") return;
    const wasCancelled =
      this.#instances.wasBegun(instance) && this.#instances.state(instance) === "cancelled";
    if (!wasCancelled || outcome.attempt !== this.#instances.attempt(instance)) return;
    this.#instances.become(instance, FAILURES[outcome.error.reason].exhausted);
  }

  #finishIfDone(): void {
    if (this.end === undefined && this.#instances.unfinished === 0) this.#finish(this.#flow.verdict.end);
  }

  /** What this fact made owed comes last, in the order in which it was launched. */
  #owedBeforeAndNow(): Owed[] {
    const now = this.#stillOwed();
    const fresh = new Set(now.map(({ instance }) => instance));
    return [...this.owed().filter(({ instance }) => !fresh.has(instance)), ...now];
  }

  /** Ends the run; what is unfinished is cancelled at once. */
  #finish(end: RunEndState, message = ""): void {
    this.#cancelled = this.#instances.unfinished === 0 ? [] : this.#owedBeforeAndNow();
    this.#lifetime.finish(end, message, this.#time);
    this.#dueAt.clear();
    this.#staged.forget();
    for (const instance of this.#instances.unfinishedOnes()) this.#instances.become(instance, "cancelled");
  }
}
