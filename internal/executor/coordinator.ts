/**
 * Drives the runs of one share: folds their facts, hands on what is owed, announces ends. It decides nothing by
 * itself; `core` does, from the facts. One lives for as long as the share's lease is held without a break.
 *
 * C1 One fact at a time, in the order of the log.
 * C2 Every effect (enqueue, remove, purge, announce) is safe to repeat, and begins only while the lease is held.
 * C3 Recovery is the normal path in a fixed order: list the queue, read the log's end, fold up to it, and only
 *    then enqueue what is owed and not listed. Folding first would run hundreds twice.
 */
import { type AttemptId, attemptKey } from "../core/attempt.ts";
import type { LoggedFact } from "../core/facts.ts";
import { partitionsOf } from "../core/hash.ts";
import type { Outcome } from "../core/outcome.ts";
import type { RunFold } from "../core/run-fold.ts";
import type { Timer } from "../ports/clock.ts";
import type { Follower } from "../ports/run-log.ts";
import type { QueuedAttempt } from "../ports/task-queue.ts";
import { Arbiter } from "./arbiter.ts";
import { Checkpointer } from "./checkpointer.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { LiveTable } from "./live-table.ts";
import type { LogTime } from "./log-time.ts";
import { OpenRuns } from "./open-runs.ts";
import { RunDeadlines } from "./run-deadlines.ts";
import { RunEndings } from "./run-endings.ts";
import type { Ports, RunListener } from "./settings.ts";

export interface CoordinatorOptions extends Ports {
  readonly share: number;
  readonly dispatcher: Dispatcher;
  readonly table: LiveTable;
  readonly logTime: LogTime;
  /** Whether it may write now: the share's lease is held. */
  mayAct(): boolean;
  /** An outcome counts; its task took so long. */
  onAccepted(queue: string, durationMs: number): void;
  readonly onRun: RunListener;
  /** A fact came of a run that is not at hand. */
  onLate(runId: string): void;
  /** The log has lost its end: nothing that was folded holds any more. */
  onRewound(): void;
}

/** A current attempt. */
export interface FoundAttempt {
  readonly run: RunFold;
  readonly instance: number;
}

/** How long it waits for what is under way before the share is given up. */
const FINISH_MS = 3_000;

export class Coordinator {
  readonly #options: CoordinatorOptions;
  readonly #runs: OpenRuns;
  readonly #endings: RunEndings;
  readonly #deadlines: RunDeadlines;
  readonly #arbiter: Arbiter;
  readonly #checkpointer: Checkpointer;
  #follower: Follower | undefined;
  #replayedFrom = 1;
  /** While it catches up. */
  #copies: Copies | undefined;
  #recovered = false;
  #finishing = false;
  #stopped = false;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
    const mayAct = (): boolean => this.mayAct();
    this.#endings = new RunEndings({ ...options, mayAct });
    this.#deadlines = new RunDeadlines({ ...options, mayAct });
    this.#runs = new OpenRuns({
      ...options,
      onBegun: (run) => this.#onBegun(run),
      onFact: (run, logged) => this.#apply(run, logged),
      onOver: (logged) => this.#tooLate(logged),
      onLoaded: () => options.dispatcher.pump(),
      sweepOf: (runId) => this.#endings.sweepOf(runId),
    });
    this.#checkpointer = new Checkpointer({ ...options, mayAct, oldest: () => this.#runs.oldest });
    this.#arbiter = new Arbiter({
      ...options,
      folded: (seq) => this.folded(seq),
      runOf: (runId) => this.#runs.get(runId),
      holderOf: (attempt) => options.table.holderOf(attempt)?.incarnation,
      givenBackAt: (attempt) => options.table.givenBackAt(attempt),
    });
  }

  /** It has caught up with the log and acts; before, facts are only replayed. */
  get recovered(): boolean {
    return this.#recovered;
  }
  /** Every run is at hand that is not over. */
  get knowsAll(): boolean {
    return this.#recovered && this.#runs.allRead;
  }
  get activeRuns(): number {
    return this.#runs.size;
  }

  mayAct(): boolean {
    return this.#recovered && !this.#stopped && this.#options.mayAct();
  }
  /** It may begin something, and is not about to give the share up. */
  mayBegin(): boolean {
    return !this.#finishing && this.mayAct();
  }

  /** Where the log was begun to be read: earlier facts are those of runs that were over. */
  get replayedFrom(): number {
    return this.#replayedFrom;
  }
  isAtHand(runId: string): boolean {
    return this.#runs.has(runId);
  }

  find(attempt: AttemptId): FoundAttempt | undefined {
    const run = this.#runs.get(attempt.runId);
    const instance = run?.instanceOf(attempt);
    if (run === undefined || instance === undefined || !run.isCurrent(instance, attempt.attempt)) {
      return undefined;
    }
    return { run, instance };
  }

  /** Resolves when everything up to this position was folded. */
  async folded(seq: number): Promise<void> {
    await this.#follower?.reached(seq);
    await this.#runs.loaded();
  }

  /** A worker has just said that it holds this attempt. */
  claimed(attempt: AttemptId): void {
    this.#arbiter.claimed(attempt);
  }
  /** Workers have had the time to say what they hold. */
  get reportsAreIn(): boolean {
    return this.#arbiter.reportsAreIn;
  }
  /** Workers were asked just now what they hold. */
  reportsAsked(): void {
    this.#arbiter.reportsAsked();
  }

  async start(): Promise<void> {
    const { log, queue, logTime } = this.#options;
    const listed = await queue.list();
    const end = await log.end();
    const from = await this.#checkpointer.load(end.seq);
    if (this.#stopped) return;
    this.#copies = new Copies(listed);
    await this.#replay(from, end.seq);
    if (!this.#checkpointer.isSound && !this.#stopped) {
      // Nothing of it may be kept: it was made with a checkpoint of another log.
      await this.#follower?.stop();
      this.#runs.clear();
      this.#checkpointer.giveUp();
      await this.#replay(1, end.seq);
    }
    if (this.#stopped) return;
    // Before anything is enqueued that workers ask about: they would ask whoever was here before, and wait in vain.
    await this.#arbiter.start();
    if (this.#stopped) return;
    logTime.saw((await log.end()).time);
    this.#recover(this.#copies);
    this.#checkpointer.start();
  }

  async #replay(from: number, end: number): Promise<void> {
    const { log, share } = this.#options;
    this.#replayedFrom = from;
    const where = { from, partitions: partitionsOf(share), onRewound: () => this.#onRewound() };
    this.#follower = await log.follow(where, (fact) => {
      this.#onFact(fact);
    });
    if (this.#stopped) await this.#follower.stop();
    await this.folded(end);
  }

  /** Nothing that was folded holds any more: what is handed over now is for the one that comes after this. */
  #onRewound(): void {
    void this.stop();
    this.#options.onRewound();
  }

  /** The lease was renewed: what had to wait while it was too old to act on is done now. */
  goOn(): void {
    if (!this.#recovered) return;
    this.#options.dispatcher.pump();
    this.#endings.goOn();
    this.#deadlines.endReached();
  }

  /** Enqueues nothing more, and lets what is under way come to its end, for a short while. */
  async finish(): Promise<void> {
    this.#finishing = true;
    let timer: Timer | undefined;
    const late = new Promise<void>((resolve) => {
      timer = this.#options.clock.after(FINISH_MS, resolve);
    });
    const sent = this.#runs.all().map((run) => this.#options.dispatcher.settled(run));
    await Promise.race([Promise.all([...sent, this.#endings.settled()]), late]);
    timer?.cancel();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#checkpointer.stop();
    this.#deadlines.stop();
    this.#endings.stop();
    for (const run of this.#runs.all()) this.#options.dispatcher.end(run);
    this.#runs.stop();
    await Promise.all([this.#arbiter.stop(), this.#follower?.stop()]);
  }

  /** The queue is in step with the log: from here on every change acts at once. */
  #recover(copies: Copies): void {
    const { dispatcher } = this.#options;
    this.#recovered = true;
    this.#copies = undefined;
    for (const run of this.#runs.all()) {
      dispatcher.resume(run, run.owed(), (key) => copies.has(key));
      this.#deadlines.watch(run);
      this.#endings.letters.recovered(run);
      if (run.end !== undefined) this.#endings.announce(run);
    }
    for (const copy of copies.ofRunsSeen()) if (this.find(copy) === undefined) this.#removeCopy(copy);
    dispatcher.pump();
  }

  #onFact(logged: LoggedFact): void {
    if (this.#stopped) return;
    this.#copies?.saw(logged.runId);
    if (this.#recovered) this.#options.logTime.saw(logged.time);
    if (logged.fact.kind === "outcomes") this.#letGo(logged.runId, logged.fact.items);
    this.#runs.take(logged);
    this.#checkpointer.saw(logged);
    if (this.#recovered) this.#options.dispatcher.pump();
  }

  /** Whether it counts or not: who has written an outcome holds the attempt no longer. */
  #letGo(runId: string, outcomes: readonly Outcome[]): void {
    for (const { task, index, attempt } of outcomes) {
      this.#options.table.ended({ runId, task, index, attempt });
    }
  }

  #tooLate({ runId, fact }: LoggedFact): void {
    if (!this.#recovered || fact.kind === "retired") return;
    this.#options.onLate(runId);
    if (fact.kind !== "outcomes") return;
    for (const outcome of fact.items) {
      this.#options.observer.observe({ kind: "outcome-void", runId, outcome, why: "run-over" });
    }
  }

  #onBegun(run: RunFold): void {
    if (!this.#recovered) return;
    this.#options.dispatcher.add(run, run.owed());
    this.#deadlines.watch(run);
  }

  #apply(run: RunFold, logged: LoggedFact): void {
    const { dispatcher, onRun } = this.#options;
    const change = run.apply(logged);
    for (const outcome of change.accepted) this.#accepted(run, outcome);
    if (this.#recovered) this.#endings.letters.accepted(run, change.accepted);
    if (this.#recovered && change.owed.length > 0) dispatcher.add(run, change.owed);
    if (this.#recovered && logged.fact.kind === "retry") this.#deadlines.watch(run);
    if (change.ended) this.#ended(run);
    onRun(run, change, logged);
    if (run.end === undefined || run.announced) this.#endings.forget(run);
    if (run.announced) this.#runs.delete(run);
  }

  #accepted(run: RunFold, outcome: Outcome): void {
    const id = { runId: run.runId, task: outcome.task, index: outcome.index, attempt: outcome.attempt };
    const instance = run.instanceOf(outcome) ?? -1;
    const { queue } = run.taskOf(instance);
    this.#options.dispatcher.settle(run, instance, outcome.attempt);
    this.#options.onAccepted(queue, outcome.durationMs);
    // The copy of an attempt that its worker did not end itself is still in the queue and would come again.
    if (outcome.state === "failed" && outcome.error.reason === "lost") this.#removeCopy({ ...id, queue });
  }

  #ended(run: RunFold): void {
    this.#deadlines.forget(run);
    if (this.#recovered) this.#endings.begin(run);
  }

  /** What is left out now is found when the queue is compared with the log. */
  #removeCopy(attempt: QueuedAttempt): void {
    if (!this.mayAct()) return;
    const { queue, observer } = this.#options;
    queue.remove(attempt).catch((error: unknown) => {
      const what = `removing the copy of ${attemptKey(attempt)}`;
      observer.observe({ kind: "trouble", what, error: String(error) });
    });
  }
}

/** What the queue held before the replay. Only of runs that the replay shows is it known whether they are of this share. */
class Copies {
  readonly #copies: ReadonlyMap<string, QueuedAttempt>;
  readonly #runIds: ReadonlySet<string>;
  readonly #seen = new Set<string>();

  constructor(listed: readonly QueuedAttempt[]) {
    this.#copies = new Map(listed.map((attempt) => [attemptKey(attempt), attempt]));
    this.#runIds = new Set(listed.map(({ runId }) => runId));
  }

  has(key: string): boolean {
    return this.#copies.has(key);
  }
  saw(runId: string): void {
    if (this.#runIds.has(runId)) this.#seen.add(runId);
  }
  ofRunsSeen(): QueuedAttempt[] {
    return [...this.#copies.values()].filter(({ runId }) => this.#seen.has(runId));
  }
}
