/**
 * The executor as callers see it. It accepts runs and waits for their ends; while it holds the lease, its
 * coordinator drives all runs, else it follows just the runs that were submitted here.
 */
import type { LoggedFact } from "../core/facts.ts";
import type { RunResult } from "../core/result.ts";
import type { Change, RunFold } from "../core/run-fold.ts";
import type { Timer } from "../ports/clock.ts";
import type { ClusterView } from "../ports/desk.ts";
import { safely } from "../ports/observer.ts";
import type { Subscription, Took } from "../ports/presence.ts";
import type { TaskExecutor } from "../ports/task-executor.ts";
import { Coordinator } from "./coordinator.ts";
import {
  BadInput,
  type CancelAnswer,
  type DagRun,
  type Executor,
  type ExecutorStatus,
  type RunHandle,
} from "./executor.ts";
import { cancelRun, inspectRun, prepareRetry } from "./inspection.ts";
import { Leadership } from "./leadership.ts";
import { RunReport } from "./run-report.ts";
import { endResult } from "./run-result.ts";
import { RunWatch } from "./run-watch.ts";
import type { ExecutorSettings, Ports, RunListener } from "./settings.ts";
import { calledOff, prepareRun, usedBefore } from "./submission.ts";

/** A worker that lives in this process. */
export interface OwnWorker {
  start(): Promise<void>;
  /** Drains it. */
  stop(): Promise<void>;
}

export interface ServiceOptions extends Ports, ExecutorSettings {
  /** Started and stopped with the executor; none where workers are processes of their own. */
  readonly workers: readonly OwnWorker[];
  readonly registry: { register(executor: TaskExecutor): void };
}

/** What an executor is for its cluster: one `leads` and drives the runs, the others stand by to take over. */
export type Role = "starting" | "catching up" | "leads" | "stands by" | "stopped";

/** How often the lease holder is asked how things are. */
const ASK_EVERY_MS = 700;
const ASK_TIMEOUT_MS = 500;

export class ExecutorStopped extends Error {
  readonly code = "EXECUTOR_STOPPED";
  constructor(runId: string) {
    super(`the executor was stopped before run '${runId}' ended`);
    this.name = "ExecutorStopped";
  }
}

export class RunLost extends Error {
  readonly code = "RUN_LOST";
  constructor(runId: string) {
    super(`run '${runId}' is gone: the log was put back to an older state`);
    this.name = "RunLost";
  }
}

export class ExecutorService implements Executor {
  readonly #options: ServiceOptions;
  readonly #leadership: Leadership;
  readonly #report: RunReport;
  readonly #watches = new Map<string, RunWatch>();
  readonly #incarnation: string;
  #coordinator: Coordinator | undefined;
  #takeOvers = 0;
  #seen: ClusterView | undefined;
  #asking: Timer | undefined;
  #notices: Subscription | undefined;
  #serving: { stop(): Promise<void> } | undefined;
  #started: Promise<void> | undefined;
  #isUp = false;
  #stopped: Promise<void> | undefined;

  constructor(options: ServiceOptions) {
    this.#options = { ...options, observer: safely(options.observer) };
    this.#incarnation = options.random.id();
    this.#report = new RunReport(this.#options.observer);
    this.#leadership = new Leadership({
      ...this.#options,
      owner: this.#incarnation,
      gained: () => this.#lead(),
      renewed: () => this.#coordinator?.goOn(),
      lost: () => this.#follow(),
    });
  }

  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  async execute(run: DagRun, { signal }: { readonly signal?: AbortSignal } = {}): Promise<RunResult> {
    const isAborted = (): boolean => signal?.aborted === true;
    if (isAborted()) return calledOff(prepareRun(run, this.#options), run);
    const handle = await this.submit(run);
    const cancel = (): void => {
      this.cancel(handle.runId).catch((error: unknown) => this.#watches.get(handle.runId)?.fail(error));
    };
    // Aborted while it was being submitted.
    if (isAborted()) cancel();
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      return await handle.result();
    } finally {
      signal?.removeEventListener("abort", cancel);
    }
  }

  async submit(run: DagRun): Promise<RunHandle> {
    await this.#running();
    const { runId, partition, admit } = prepareRun(run, this.#options);
    if (this.#watches.has(runId)) throw usedBefore(runId);
    return this.#watch(new RunWatch({ runId, partition }), admit);
  }

  async retry(
    runId: string,
    { tasks = [] }: { readonly tasks?: readonly string[] } = {},
  ): Promise<RunHandle> {
    await this.#running();
    const retry = await prepareRetry(runId, tasks, this.#options);
    if (this.#watches.has(runId)) throw new BadInput(`run '${runId}' is being retried already`);
    const watch = new RunWatch(retry);
    watch.seen = retry.before;
    return this.#watch(watch, async () => {
      await retry.admit();
      return retry.seq;
    });
  }

  async #running(): Promise<void> {
    if (this.#started === undefined || this.#stopped !== undefined) {
      throw new Error("the executor is not running: call start() before");
    }
    await this.#started;
  }

  /** `admit` writes what begins it and resolves with the position of the run's `submitted`. */
  async #watch(watch: RunWatch, admit: () => Promise<number>): Promise<RunHandle> {
    const { runId } = watch;
    this.#watches.set(runId, watch);
    // A back-off may be all that is pending: no socket, no child, only a timer.
    const alive = this.#options.clock.stayAlive();
    void watch.settled.finally(() => alive.cancel());
    try {
      watch.seq = await admit();
    } catch (error) {
      this.#watches.delete(runId);
      watch.fail(error);
      throw error;
    }
    if (this.#coordinator === undefined) this.#followAlone(watch);
    return { runId, result: () => watch.result };
  }

  async cancel(runId: string): Promise<CancelAnswer> {
    return cancelRun(runId, this.#options);
  }

  async inspect(runId: string): Promise<RunResult | undefined> {
    const view = this.#coordinator?.view() ?? (await this.#options.desk.ask(ASK_TIMEOUT_MS));
    return inspectRun(runId, { ...this.#options, view });
  }

  /** Who does what in the cluster, at most 1 s old; `undefined` while nobody drives it. */
  look(): ClusterView | undefined {
    return this.#coordinator?.view() ?? this.#seen;
  }

  get role(): Role {
    if (this.#stopped !== undefined) return "stopped";
    if (this.#coordinator !== undefined) return this.#coordinator.recovered ? "leads" : "catching up";
    return this.#isUp ? "stands by" : "starting";
  }

  getStatus(): ExecutorStatus {
    const view = this.look();
    const active = view?.held.length ?? 0;
    const depth = view?.queues.reduce((sum, queue) => sum + queue.depth, 0) ?? 0;
    return {
      running: this.#started !== undefined && this.#stopped === undefined,
      activeTasks: active,
      completedTasks: this.#report.completedTasks,
      failedTasks: this.#report.failedTasks,
      workerCount: view?.workers.length ?? 0,
      queueDepth: Math.max(0, depth - active),
    };
  }

  registerTaskExecutor(executor: TaskExecutor): void {
    this.#options.registry.register(executor);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #start(): Promise<void> {
    const { presence, workers } = this.#options;
    this.#notices = await presence.watch({
      heartbeat: () => undefined,
      reconnected: () => undefined,
      took: (notice) => this.#onTook(notice),
    });
    await this.#leadership.start();
    await Promise.all(workers.map((worker) => worker.start()));
    this.#isUp = true;
    this.#keepAsking();
  }

  async #stop(): Promise<void> {
    const alive = this.#options.clock.stayAlive();
    try {
      await this.#letGo();
    } finally {
      alive.cancel();
    }
  }

  async #letGo(): Promise<void> {
    await this.#started?.catch(() => undefined);
    this.#asking?.cancel();
    await Promise.all(this.#options.workers.map((worker) => worker.stop()));
    const open = [...this.#watches.values()];
    this.#watches.clear();
    await this.#coordinator?.finish();
    await this.#leadership.stop();
    await this.#notices?.stop();
    for (const watch of open) {
      await watch.unfollow();
      watch.fail(new ExecutorStopped(watch.runId));
    }
  }

  /** While it drives the runs, the coordinator tells of all notices. */
  #onTook({ attempts, workerId }: Took): void {
    if (this.#coordinator !== undefined) return;
    for (const attempt of attempts) {
      if (!this.#watches.has(attempt.runId)) continue;
      this.#options.observer.observe({ kind: "attempt-started", attempt, workerId });
    }
  }

  /** The lease is ours: the coordinator replays the log and takes over; who follows alone need not any more. */
  async #lead(): Promise<void> {
    const coordinator = new Coordinator({
      ...this.#options,
      // A name of its own for each: what one writes must not be taken for what the one before wrote.
      incarnation: `${this.#incarnation}-${++this.#takeOvers}`,
      mayAct: () => this.#leadership.holds,
      onRun: (run, change, logged) => this.#onRun(run, change, logged),
      onRewound: () => this.#startOver(),
    });
    this.#coordinator = coordinator;
    await coordinator.start();
    if (this.#coordinator !== coordinator) return;
    this.#serving = await this.#options.desk.serve(() => coordinator.view());
    for (const watch of this.#watches.values()) await watch.unfollow();
  }

  async #follow(): Promise<void> {
    const coordinator = this.#coordinator;
    this.#coordinator = undefined;
    const serving = this.#serving;
    this.#serving = undefined;
    await serving?.stop();
    await coordinator?.stop();
    for (const watch of this.#watches.values()) this.#followAlone(watch);
  }

  /** The log has lost its end: it is replayed whole, and who waits for a run that went with it is told. */
  #startOver(): void {
    this.#leadership.stepDown();
    for (const watch of this.#watches.values()) {
      watch.seen = 0;
      this.#options.log.factsOf(watch.runId).then(
        ([first]) => {
          if (first === undefined) this.#lose(watch);
          else watch.seq = first.seq;
        },
        (error: unknown) => watch.fail(error),
      );
    }
  }

  #lose(watch: RunWatch): void {
    this.#watches.delete(watch.runId);
    watch.fail(new RunLost(watch.runId));
    void watch.unfollow();
  }

  #followAlone(watch: RunWatch): void {
    const { log, definitions } = this.#options;
    const onRun: RunListener = (run, change, logged) => this.#onRun(run, change, logged);
    watch.follow({ log, definitions, onRun, onRewound: () => this.#startOver() });
  }

  #onRun(run: RunFold, change: Change, logged: LoggedFact): void {
    const watch = this.#watches.get(run.runId);
    if (watch === undefined) {
      if (this.#coordinator?.recovered === true) this.#report.tell(run, change, logged);
      return;
    }
    if (logged.seq <= watch.seen) return;
    watch.seen = logged.seq;
    this.#report.tell(run, change, logged);
    if (run.end !== undefined && run.gen >= watch.gen) void this.#end(watch, run);
  }

  async #end(watch: RunWatch, run: RunFold): Promise<void> {
    this.#watches.delete(watch.runId);
    try {
      watch.end(await endResult(run, this.#options));
    } catch (error) {
      watch.fail(error);
    }
    await watch.unfollow();
  }

  /** Keeps the answer of the lease holder fresh, for `getStatus`. */
  #keepAsking(): void {
    this.#asking = this.#options.clock.after(ASK_EVERY_MS, () => {
      if (this.#stopped !== undefined) return;
      void this.#ask().finally(() => this.#keepAsking());
    });
  }

  async #ask(): Promise<void> {
    if (this.#coordinator !== undefined) return;
    this.#seen = await this.#options.desk.ask(ASK_TIMEOUT_MS).catch(() => undefined);
  }
}
