/**
 * The executor as callers see it. It accepts runs and waits for their ends; it drives those of the shares that it
 * holds, and follows the others that were submitted here.
 */
import { type ClusterView, type ExecutorView, merged } from "../core/cluster-view.ts";
import type { RunResult } from "../core/result.ts";
import type { Timer } from "../ports/clock.ts";
import { safely } from "../ports/observer.ts";
import type { Subscription, Took } from "../ports/presence.ts";
import type { TaskExecutor } from "../ports/task-executor.ts";
import { Driver } from "./driver.ts";
import {
  BadInput,
  type CancelAnswer,
  type DagRun,
  type Executor,
  type ExecutorStatus,
  type RetryHandle,
  type RunHandle,
} from "./executor.ts";
import { cancelRun, inspectRun, prepareRetry } from "./inspection.ts";
import { RunReport } from "./run-report.ts";
import { RunWatch } from "./run-watch.ts";
import type { ExecutorSettings, Ports } from "./settings.ts";
import { Shares } from "./shares.ts";
import { calledOff, prepareRun, usedBefore } from "./submission.ts";
import { Watches } from "./watches.ts";

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
  /** It drives only what no executor service does. */
  readonly standsIn: boolean;
}

/** What an executor is for its cluster: it drives runs (`leads`), or stands by while others do. */
export type Role = "starting" | "catching up" | "leads" | "stands by" | "stopped";

/** How often all executors are asked how things are. */
const ASK_EVERY_MS = 700;
const ASK_TIMEOUT_MS = 500;

export class ExecutorService implements Executor {
  readonly #options: ServiceOptions;
  readonly #driver: Driver;
  readonly #shares: Shares;
  readonly #watches: Watches;
  readonly #report: RunReport;
  #seen: ClusterView | undefined;
  #asking: Timer | undefined;
  #notices: Subscription | undefined;
  #serving: Promise<{ stop(): Promise<void> }> | undefined;
  #started: Promise<void> | undefined;
  #isUp = false;
  #stopped: Promise<void> | undefined;

  constructor(options: ServiceOptions) {
    this.#options = { ...options, observer: safely(options.observer) };
    this.#report = new RunReport(this.#options.observer);
    const incarnation = options.random.id();
    const startOver = (share: number): void => {
      this.#shares.stepDown(share);
      this.#watches.startOver(share);
    };
    this.#watches = new Watches({
      ...this.#options,
      report: this.#report,
      isDriven: (partition) => this.#driver.hasRecovered(partition),
      hasFacts: (partition, seq) => this.#driver.hasFacts(partition, seq),
      onRewound: startOver,
    });
    this.#driver = new Driver({
      ...this.#options,
      incarnation,
      leaseLeftMs: (share) => this.#shares.leftMs(share),
      executors: () => this.#shares.holders,
      onRun: this.#watches.onRun,
      onRewound: startOver,
    });
    this.#shares = new Shares({
      ...this.#options,
      owner: incarnation,
      gained: (share) => this.#gain(share),
      renewed: (share) => this.#driver.goOn(share),
      finish: (share) => this.#driver.finish(share),
      lost: (share) => this.#lose(share),
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
      this.cancel(handle.runId).catch((error: unknown) => this.#watches.fail(handle.runId, error));
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
    return this.#watches.add(new RunWatch({ runId, partition }), admit);
  }

  async retry(
    runId: string,
    { tasks = [] }: { readonly tasks?: readonly string[] } = {},
  ): Promise<RetryHandle> {
    await this.#running();
    const retry = await prepareRetry(runId, tasks, this.#options);
    if (this.#watches.has(runId)) throw new BadInput(`run '${runId}' is being retried already`);
    const watch = new RunWatch(retry);
    watch.seen = retry.before;
    const handle = await this.#watches.add(watch, async () => {
      watch.retriedAt = await retry.admit();
      return retry.seq;
    });
    return { ...handle, again: retry.again };
  }

  async #running(): Promise<void> {
    if (this.#started === undefined || this.#stopped !== undefined) {
      throw new Error("the executor is not running: call start() before");
    }
    await this.#started;
  }

  async cancel(runId: string): Promise<CancelAnswer> {
    return cancelRun(runId, this.#options);
  }

  async inspect(runId: string): Promise<RunResult | undefined> {
    const view = this.#drivesAlone ? this.look() : await this.#options.desk.ask(ASK_TIMEOUT_MS);
    return inspectRun(runId, { ...this.#options, view });
  }

  /** Who does what in the cluster, at most 1 s old; `undefined` while nobody drives it. */
  look(): ClusterView | undefined {
    return this.#drivesAlone ? merged([this.#driver.view()]) : this.#seen;
  }

  /** What this executor drives itself; `undefined` while it drives nothing. */
  own(): ExecutorView | undefined {
    return this.#driver.counts.recovered > 0 ? this.#driver.view() : undefined;
  }

  get role(): Role {
    if (this.#stopped !== undefined) return "stopped";
    const { held, recovered } = this.#driver.counts;
    if (held > 0) return recovered > 0 ? "leads" : "catching up";
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
      reconnected: () => void this.#watches.reconnected(),
      took: (notice) => this.#onTook(notice),
    });
    await this.#shares.start();
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
    const tellStopped = this.#watches.close();
    await this.#shares.stop();
    await this.#driver.stop();
    await (await this.#serving)?.stop();
    await this.#notices?.stop();
    tellStopped();
  }

  /** Of runs that are driven here the overseer tells. */
  #onTook({ attempts, workerId }: Took): void {
    for (const attempt of attempts) {
      if (!this.#watches.has(attempt.runId) || this.#driver.drives(attempt.partition)) continue;
      this.#options.observer.observe({ kind: "attempt-started", attempt, workerId });
    }
  }

  async #gain(share: number): Promise<void> {
    // Lost again meanwhile.
    if (!(await this.#driver.open(share))) return;
    this.#watches.driven(share);
    this.#serving ??= this.#options.desk.serve(() => this.own());
    await this.#serving;
  }

  async #lose(share: number): Promise<void> {
    await this.#driver.close(share);
    this.#watches.left(share);
  }

  /** Nobody else can tell more of the cluster. */
  get #drivesAlone(): boolean {
    return this.#driver.counts.recovered > 0 && this.#shares.holders === 1;
  }

  /** Keeps the answers of all executors fresh, for `look` and `getStatus`. */
  #keepAsking(): void {
    this.#asking = this.#options.clock.after(ASK_EVERY_MS, () => {
      if (this.#stopped !== undefined) return;
      void this.#ask().finally(() => this.#keepAsking());
    });
  }

  async #ask(): Promise<void> {
    if (this.#drivesAlone) return;
    this.#seen = await this.#options.desk.ask(ASK_TIMEOUT_MS).catch(() => undefined);
  }
}
