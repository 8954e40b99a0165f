/**
 * Drives the runs: folds the facts of all of them, keeps the queues filled with what is owed, announces ends.
 * It decides nothing by itself; `core` does, from the facts.
 *
 * C1 One fact at a time, in the order of the log.
 * C2 Every effect (enqueue, remove, purge, announce) is safe to repeat.
 * C3 Recovery is the normal path in a fixed order: list the queue, read the log's end, fold up to it, and only
 *    then enqueue what is owed and not listed. Folding first would run hundreds twice.
 */
import { type AttemptId, attemptKey } from "../core/attempt.ts";
import type { LoggedFact } from "../core/facts.ts";
import { nextAverage } from "../core/flow.ts";
import type { Graph } from "../core/graph.ts";
import type { Outcome } from "../core/outcome.ts";
import { RunFold } from "../core/run-fold.ts";
import type { Timer } from "../ports/clock.ts";
import type { ClusterView, QueueView } from "../ports/desk.ts";
import type { Follower } from "../ports/run-log.ts";
import type { QueuedAttempt } from "../ports/task-queue.ts";
import { Arbiter } from "./arbiter.ts";
import { Dispatcher } from "./dispatcher.ts";
import { foldOf } from "./load-run.ts";
import { LogTime } from "./log-time.ts";
import { Overseer } from "./overseer.ts";
import { Reconciler } from "./reconciler.ts";
import { RunEndings } from "./run-endings.ts";
import type { CoordinatorOptions } from "./settings.ts";
import { WorkBuilder } from "./work-builder.ts";

/** A run that is at hand. */
interface OpenRun {
  readonly run: RunFold;
  deadline?: Timer;
}
/** A run at hand, or the facts that wait for it. */
type Entry = OpenRun | { readonly waiting: LoggedFact[] };

/** How long stopping waits for what is under way for runs that have ended. */
const FINISH_MS = 3_000;

export class Coordinator {
  readonly #options: CoordinatorOptions;
  readonly #runs = new Map<string, Entry>();
  readonly #averages = new Map<string, number>();
  readonly #dispatcher: Dispatcher;
  readonly #overseer: Overseer;
  readonly #endings: RunEndings;
  readonly #reconciler: Reconciler;
  readonly #arbiter: Arbiter;
  readonly #logTime: LogTime;
  #loading = new Set<Promise<void>>();
  #follower: Follower | undefined;
  #recovered = false;
  #stopped = false;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
    this.#logTime = new LogTime(options.clock, options.clock.now());
    const mayAct = (): boolean => this.#recovered && !this.#stopped && options.mayAct();
    this.#dispatcher = new Dispatcher({
      ...options,
      builder: new WorkBuilder(options),
      mayAct,
      logTime: () => this.#logTime.now(),
      windowOf: (queue) =>
        options.windowOf(this.#overseer.table.slotsOf(queue), this.#averages.get(queue) ?? 0),
    });
    this.#overseer = new Overseer({
      ...options,
      mayAct,
      find: (attempt) => this.#find(attempt),
      knowsAll: () => this.#recovered,
      reconnected: () => {
        this.#arbiter.reportsAsked();
        void this.#reconciler.reconcile();
      },
    });
    const { table } = this.#overseer;
    this.#endings = new RunEndings({ ...options, mayAct, dispatcher: this.#dispatcher, table });
    this.#reconciler = new Reconciler({
      ...options,
      mayAct,
      dispatcher: this.#dispatcher,
      folded: (seq) => this.#folded(seq),
      isCurrent: (attempt) => this.#find(attempt) !== undefined,
      isHeld: (attempt) => table.holderOf(attempt) !== undefined,
    });
    this.#arbiter = new Arbiter({
      ...options,
      folded: (seq) => this.#folded(seq),
      find: (attempt) => this.#find(attempt),
      holderOf: (attempt) => table.holderOf(attempt)?.incarnation,
    });
  }

  /** It has caught up with the log and acts; before, facts are only replayed. */
  get recovered(): boolean {
    return this.#recovered;
  }
  async start(): Promise<void> {
    const { queue, log } = this.#options;
    const listed = await queue.list();
    const end = await log.end();
    if (this.#stopped) return;
    await this.#overseer.start();
    this.#follower = await log.follow({ from: 1, onRewound: this.#options.onRewound }, (fact) => {
      this.#onFact(fact);
    });
    if (this.#stopped) await this.#follower.stop();
    await this.#folded(end.seq);
    if (this.#stopped) return;
    this.#logTime.saw((await log.end()).time);
    this.#recover(listed);
    this.#reconciler.start();
    await this.#arbiter.start();
  }

  /** The lease was renewed: what had to wait while it was too old to act on is done now. */
  goOn(): void {
    if (!this.#recovered) return;
    this.#dispatcher.pump();
    this.#endings.announceLeft();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#reconciler.stop();
    await Promise.all([this.#arbiter.stop(), this.#follower?.stop(), this.#overseer.stop()]);
    this.#dispatcher.stop();
    for (const entry of this.#runs.values()) if ("run" in entry) entry.deadline?.cancel();
    this.#runs.clear();
  }

  /** Lets what it does for ended runs come to its end, for a short while: its process may leave after. */
  async finish(): Promise<void> {
    let timer: Timer | undefined;
    const late = new Promise<void>((resolve) => {
      timer = this.#options.clock.after(FINISH_MS, resolve);
    });
    await Promise.race([this.#endings.settled(), late]);
    timer?.cancel();
  }

  view(): ClusterView {
    const { table } = this.#overseer;
    const now = this.#options.clock.monotonic();
    return {
      executor: this.#options.incarnation,
      workers: table.workerViews(now),
      held: table.heldViews(now),
      queues: this.#queueViews(),
      activeRuns: this.#runs.size,
    };
  }

  /** Of every queue that holds something, or that a live worker takes from. */
  #queueViews(): QueueView[] {
    const { table } = this.#overseer;
    const running = new Map<string, number>();
    for (const { attempt } of table.held()) {
      const found = this.#find(attempt);
      if (found === undefined) continue;
      const { queue } = found.run.task(found.position);
      running.set(queue, (running.get(queue) ?? 0) + 1);
    }
    const depths = this.#dispatcher.depths();
    for (const queue of table.servedQueues()) if (!depths.has(queue)) depths.set(queue, 0);
    return [...depths]
      .map(([queue, depth]) => ({
        queue,
        depth,
        running: running.get(queue) ?? 0,
        workers: table.workersOf(queue),
      }))
      .filter(({ depth, workers }) => depth > 0 || workers > 0)
      .toSorted((a, b) => (a.queue < b.queue ? -1 : 1));
  }

  async #folded(seq: number): Promise<void> {
    await this.#follower?.reached(seq);
    while (this.#loading.size > 0) await Promise.all(this.#loading);
  }

  /** The queue is in step with the log: from here on every change acts at once. */
  #recover(listed: readonly QueuedAttempt[]): void {
    const queued = new Map(listed.map((attempt) => [attemptKey(attempt), attempt]));
    this.#recovered = true;
    for (const entry of [...this.#runs.values()]) {
      if (!("run" in entry)) continue;
      const { run } = entry;
      this.#dispatcher.resume(run, run.owed(), (key) => queued.has(key));
      this.#watchDeadline(entry);
      if (run.end !== undefined) this.#endings.announce(run);
    }
    this.#overseer.prune();
    for (const attempt of queued.values()) if (this.#find(attempt) === undefined) this.#removeCopy(attempt);
    this.#dispatcher.pump();
  }

  #onFact(logged: LoggedFact): void {
    if (this.#stopped) return;
    if (this.#recovered) this.#logTime.saw(logged.time);
    if (logged.fact.kind === "outcomes") this.#letGo(logged.runId, logged.fact.items);
    const entry = this.#runs.get(logged.runId);
    if (entry !== undefined && "waiting" in entry) entry.waiting.push(logged);
    else if (logged.fact.kind === "retry") this.#goOn(logged, entry);
    else if (entry !== undefined) this.#apply(entry, logged);
    else if (logged.fact.kind === "submitted") this.#open(logged);
    else if (logged.fact.kind === "outcomes") this.#tooLate(logged.runId, logged.fact.items);
    if (this.#recovered) this.#dispatcher.pump();
  }

  /** Whether it counts or not: who has written an outcome holds the attempt no longer. */
  #letGo(runId: string, outcomes: readonly Outcome[]): void {
    for (const { task, index, attempt } of outcomes) {
      this.#overseer.table.ended({ runId, task, index, attempt });
    }
  }

  /** Of a run that was let go after its end. */
  #tooLate(runId: string, outcomes: readonly Outcome[]): void {
    if (!this.#recovered) return;
    for (const outcome of outcomes) {
      this.#options.observer.observe({ kind: "outcome-void", runId, outcome, why: "run-over" });
    }
  }

  #open(logged: LoggedFact): void {
    if (logged.fact.kind !== "submitted") return;
    const graph = this.#options.definitions.get(logged.fact.definition);
    if (graph instanceof Promise) {
      this.#wait(logged, "reading the definition", async () => this.#begin(logged, await graph));
    } else {
      this.#begin(logged, graph);
    }
  }

  /** A retry of a run that has ended. It was let go, unless its end is not announced yet; its queues may still be cleared. */
  #goOn(logged: LoggedFact, open: OpenRun | undefined): void {
    const sweep = this.#endings.sweepOf(logged.runId);
    if (open !== undefined && sweep === undefined) {
      this.#apply(open, logged);
      return;
    }
    this.#wait(logged, "reading it again", async () => {
      await sweep;
      const facts = await this.#options.log.factsOf(logged.runId);
      const run = await foldOf(
        facts.filter(({ seq }) => seq < logged.seq),
        this.#options,
      );
      if (run === undefined || this.#stopped) return;
      const entry = { run };
      this.#runs.set(run.runId, entry);
      this.#apply(entry, logged);
    });
  }

  /** Facts that come meanwhile are applied after. What cannot be read cannot go on; it stays in the log and is tried again at the next start. */
  #wait({ runId }: LoggedFact, what: string, load: () => Promise<void>): void {
    const waiting: LoggedFact[] = [];
    this.#runs.set(runId, { waiting });
    const loading = load()
      .then(
        () => {
          if (this.#stopped) return;
          const entry = this.#runs.get(runId);
          if (entry !== undefined && "waiting" in entry) this.#runs.delete(runId);
          for (const fact of waiting) this.#onFact(fact);
          this.#dispatcher.pump();
        },
        (error: unknown) => {
          this.#runs.delete(runId);
          this.#trouble(`run ${runId}: ${what}`, error);
        },
      )
      .finally(() => this.#loading.delete(loading));
    this.#loading.add(loading);
  }

  #begin(logged: LoggedFact, graph: Graph): void {
    if (logged.fact.kind !== "submitted" || this.#stopped) return;
    const run = new RunFold(logged, logged.fact, graph);
    const entry = { run };
    this.#runs.set(run.runId, entry);
    this.#options.onRun(run, run.apply(logged), logged);
    if (!this.#recovered) return;
    this.#dispatcher.add(run, run.owed());
    this.#watchDeadline(entry);
  }

  #apply(entry: OpenRun, logged: LoggedFact): void {
    const { run } = entry;
    const change = run.apply(logged);
    for (const outcome of change.accepted) this.#accepted(run, outcome);
    if (this.#recovered && change.owed.length > 0) this.#dispatcher.add(run, change.owed);
    if (this.#recovered && logged.fact.kind === "retry") this.#watchDeadline(entry);
    if (change.ended) this.#ended(entry);
    this.#options.onRun(run, change, logged);
    if (run.end === undefined || run.announced) this.#endings.forget(run);
    if (run.announced) this.#runs.delete(run.runId);
  }

  #accepted(run: RunFold, outcome: Outcome): void {
    const id = { runId: run.runId, task: outcome.task, index: outcome.index, attempt: outcome.attempt };
    const position = run.graph.position(outcome.task) ?? -1;
    const { queue } = run.task(position);
    this.#dispatcher.settle(run, position, outcome.attempt);
    this.#averages.set(queue, nextAverage(this.#averages.get(queue) ?? 0, outcome.durationMs));
    if (!this.#recovered) return;
    // The copy of an attempt that its worker did not end itself is still in the queue and would come again.
    if (outcome.state === "failed" && outcome.error.reason === "lost") this.#removeCopy({ ...id, queue });
  }

  #ended({ run, deadline }: OpenRun): void {
    deadline?.cancel();
    if (this.#recovered) this.#endings.begin(run);
  }

  #watchDeadline(entry: OpenRun): void {
    const { run } = entry;
    if (run.deadline === undefined || run.end !== undefined) return;
    const { gen } = run;
    entry.deadline = this.#options.clock.after(run.deadline - this.#logTime.now(), () => {
      const limit = (run.graph.dag.timeoutMs ?? 0) / 1_000;
      const message = `the run's time limit of ${limit} s is reached`;
      this.#options.log
        .append(run, { kind: "cancel", gen, cause: "time-limit", message })
        .catch((error: unknown) => this.#trouble(`ending run ${run.runId} at its time limit`, error));
    });
  }

  #find(attempt: AttemptId): { run: RunFold; position: number } | undefined {
    const entry = this.#runs.get(attempt.runId);
    if (entry === undefined || !("run" in entry) || attempt.index !== 0) return undefined;
    const position = entry.run.graph.position(attempt.task);
    if (position === undefined || !entry.run.isCurrent(position, attempt.attempt)) return undefined;
    return { run: entry.run, position };
  }

  #removeCopy(attempt: QueuedAttempt): void {
    this.#options.queue
      .remove(attempt)
      .catch((error: unknown) => this.#trouble(`removing the copy of ${attemptKey(attempt)}`, error));
  }

  #trouble(what: string, error: unknown): void {
    this.#options.observer.observe({ kind: "trouble", what, error: String(error) });
  }
}
