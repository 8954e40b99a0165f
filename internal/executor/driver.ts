/**
 * All that drives runs in this process: a coordinator for each share that is held, and what they have in common. So
 * dispatch is fair over all runs, and there is one picture of the workers.
 */
import type { AttemptId } from "../core/attempt.ts";
import type { ExecutorView, QueueView } from "../core/cluster-view.ts";
import { nextAverage } from "../core/flow.ts";
import { shareOf } from "../core/hash.ts";
import type { RunFold } from "../core/run-fold.ts";
import { Coordinator, type FoundAttempt } from "./coordinator.ts";
import { Dispatcher } from "./dispatcher.ts";
import { LogTime } from "./log-time.ts";
import { Overseer } from "./overseer.ts";
import { Reconciler } from "./reconciler.ts";
import { Retirement } from "./retirement.ts";
import type { ExecutorSettings, Ports, RunListener } from "./settings.ts";
import { WorkBuilder } from "./work-builder.ts";

export interface DriverOptions extends Ports, ExecutorSettings {
  /** Names this executor in the facts that it writes; safe in subjects. */
  readonly incarnation: string;
  /** For how long it may write for the runs of this share, in milliseconds: what is left of its lease; 0 without it. */
  leaseLeftMs(share: number): number;
  /** How many executors drive runs. */
  executors(): number;
  readonly onRun: RunListener;
  /** The log has lost its end: nothing that was folded of this share holds any more. */
  onRewound(share: number): void;
}

export class Driver {
  readonly #options: DriverOptions;
  readonly #coordinators = new Map<number, Coordinator>();
  readonly #averages = new Map<string, number>();
  readonly #dispatcher: Dispatcher;
  readonly #overseer: Overseer;
  readonly #reconciler: Reconciler;
  readonly #retirement: Retirement | undefined;
  readonly #logTime: LogTime;
  #started: Promise<void> | undefined;

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#logTime = new LogTime(options.clock, options.clock.now());
    this.#dispatcher = new Dispatcher({
      ...options,
      builder: new WorkBuilder({ ...options, trustedUntil: (run) => this.#trustedUntil(run) }),
      mayEnqueue: ({ partition }) => this.#of(partition)?.mayBegin() === true,
      isFree: ({ partition }, attempt) =>
        this.#of(partition)?.reportsAreIn === true && this.#overseer.table.holderOf(attempt) === undefined,
      logTime: () => this.#logTime.now(),
      windowOf: (queue) => this.#windowOf(queue),
    });
    this.#overseer = new Overseer({
      ...options,
      mayAct: (partition) => this.#of(partition)?.mayAct() === true,
      isOurs: (partition) => this.#of(partition) !== undefined,
      knowsAll: (partition) => this.#of(partition)?.knowsAll === true,
      find: (attempt) => this.#find(attempt),
      enqueued: () => this.#dispatcher.queued(),
      claimed: (claim) => this.#of(claim.partition)?.claimed(claim),
      reconnected: () => {
        for (const coordinator of this.#all) coordinator.reportsAsked();
        void this.#reconciler.reconcile();
      },
    });
    this.#reconciler = new Reconciler({
      ...options,
      dispatcher: this.#dispatcher,
      folded: async (seq) => {
        await Promise.all(this.#all.map((coordinator) => coordinator.folded(seq)));
      },
      find: (attempt) => this.#find(attempt),
      isIdle: () => this.#coordinators.size === 0,
      isHeld: (attempt) => this.#overseer.table.holderOf(attempt) !== undefined,
      knowsAll: (partition) => this.#of(partition)?.knowsAll === true,
      mayAct: (partition) => this.#of(partition)?.mayAct() === true,
    });
    const { retention } = options;
    if (retention === undefined) return;
    this.#retirement = new Retirement({
      ...options,
      retention,
      owns: (partition) => this.#of(partition)?.mayBegin() === true,
      goesOn: (runId) => this.#all.some((coordinator) => coordinator.isAtHand(runId)),
    });
  }

  /** Takes a share over; resolves with whether its runs are driven here, or it was closed meanwhile. Rejects when it cannot. */
  async open(share: number): Promise<boolean> {
    const { leaseLeftMs, onRewound } = this.#options;
    const coordinator = new Coordinator({
      ...this.#options,
      share,
      dispatcher: this.#dispatcher,
      table: this.#overseer.table,
      logTime: this.#logTime,
      mayAct: () => leaseLeftMs(share) > 0,
      onAccepted: (queue, durationMs) => {
        this.#averages.set(queue, nextAverage(this.#averages.get(queue) ?? 0, durationMs));
      },
      onLate: (runId) => this.#retirement?.late(runId),
      onRewound: () => onRewound(share),
    });
    this.#coordinators.set(share, coordinator);
    this.#started ??= this.#start();
    await this.#started;
    this.#overseer.callRoll();
    await coordinator.start();
    if (this.#coordinators.get(share) !== coordinator) return false;
    this.#overseer.tookOver();
    return true;
  }

  /** The share's lease was renewed. */
  goOn(share: number): void {
    this.#coordinators.get(share)?.goOn();
  }

  /** Lets what is under way for a share come to its end, for a short while. */
  async finish(share: number): Promise<void> {
    await this.#coordinators.get(share)?.finish();
  }

  /** The share is no longer ours. */
  async close(share: number): Promise<void> {
    const coordinator = this.#coordinators.get(share);
    this.#coordinators.delete(share);
    await coordinator?.stop();
  }

  /** All shares are closed. */
  async stop(): Promise<void> {
    this.#reconciler.stop();
    this.#retirement?.stop();
    await this.#started?.catch(() => undefined);
    await this.#overseer.stop();
  }

  /** Runs in this partition are driven here, or will be once the log is replayed. */
  drives(partition: number): boolean {
    return this.#of(partition) !== undefined;
  }
  /** Runs in this partition are driven here. */
  hasRecovered(partition: number): boolean {
    return this.#of(partition)?.recovered === true;
  }
  /** All facts of a run of this partition that began at this position were, or will be, handed on. */
  hasFacts(partition: number, seq: number): boolean {
    const coordinator = this.#of(partition);
    return coordinator?.recovered === true && coordinator.replayedFrom <= seq;
  }
  /** How many shares are held, and of how many the log has been replayed. */
  get counts(): { readonly held: number; readonly recovered: number } {
    return { held: this.#all.length, recovered: this.#shares().length };
  }

  view(): ExecutorView {
    const { table } = this.#overseer;
    const waits = this.#options.pressure.why();
    const now = this.#options.clock.monotonic();
    const isOurs = (partition: number): boolean => this.drives(partition);
    return {
      ...(waits === undefined ? {} : { waits }),
      executor: this.#options.incarnation,
      executors: this.#options.executors(),
      shares: this.#shares(),
      workers: table.workerViews(now, isOurs),
      held: table.heldViews(now, isOurs),
      queues: this.#queueViews(),
      activeRuns: this.#all.reduce((sum, { activeRuns }) => sum + activeRuns, 0),
    };
  }

  get #all(): Coordinator[] {
    return [...this.#coordinators.values()];
  }

  /** After that another may drive it, in the log's time. */
  #trustedUntil({ partition }: RunFold): number {
    return Math.floor(this.#logTime.now() + this.#options.leaseLeftMs(shareOf(partition)));
  }

  #of(partition: number): Coordinator | undefined {
    return this.#coordinators.get(shareOf(partition));
  }

  #shares(): number[] {
    return [...this.#coordinators].flatMap(([share, { recovered }]) => (recovered ? [share] : []));
  }

  #find(attempt: AttemptId): FoundAttempt | undefined {
    for (const coordinator of this.#coordinators.values()) {
      const found = coordinator.find(attempt);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async #start(): Promise<void> {
    try {
      await this.#overseer.start();
    } catch (error) {
      // It is tried again with the next share.
      this.#started = undefined;
      throw error;
    }
    this.#reconciler.start();
    this.#retirement?.start();
  }

  #windowOf(queue: string): number {
    const { windowOf, executors } = this.#options;
    return windowOf({
      slots: this.#overseer.table.slotsOf(queue),
      averageMs: this.#averages.get(queue) ?? 0,
      executors: executors(),
    });
  }

  /** Of every queue that holds something of ours, or that a live worker takes from. */
  #queueViews(): QueueView[] {
    const { table } = this.#overseer;
    const running = new Map<string, number>();
    for (const { attempt } of table.held()) {
      const found = this.#find(attempt);
      if (found === undefined) continue;
      const { queue } = found.run.taskOf(found.instance);
      running.set(queue, (running.get(queue) ?? 0) + 1);
    }
    const depths = this.#dispatcher.depths();
    for (const queue of table.servedQueues())
      if (!depths.has(queue)) depths.set(queue, { depth: 0, queued: 0 });
    return [...depths]
      .map(([queue, { depth, queued }]) => ({
        queue,
        depth,
        queued,
        window: this.#windowOf(queue),
        running: running.get(queue) ?? 0,
        workers: table.workersOf(queue),
      }))
      .filter(({ depth, workers }) => depth > 0 || workers > 0)
      .toSorted((a, b) => (a.queue < b.queue ? -1 : 1));
  }
}
