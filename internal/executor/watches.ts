/**
 * The runs whose ends are waited for in this process. While their share is driven here, the coordinator's facts are
 * theirs; else each follows its run alone. So shares may come and go.
 */
import type { LoggedFact } from "../core/facts.ts";
import { shareOf } from "../core/hash.ts";
import type { Change, RunFold } from "../core/run-fold.ts";
import type { RunHandle } from "./executor.ts";
import type { RunReport } from "./run-report.ts";
import { endResult } from "./run-result.ts";
import type { RunWatch } from "./run-watch.ts";
import type { Ports, RunListener } from "./settings.ts";

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

export interface WatchesOptions extends Pick<Ports, "log" | "history" | "definitions" | "blobs" | "clock"> {
  readonly report: RunReport;
  /** Runs of this partition are driven here: their facts come by `onRun`. */
  isDriven(partition: number): boolean;
  /** So do all facts of such a run that began at this position; those of runs that were over before the log was replayed do not. */
  hasFacts(partition: number, seq: number): boolean;
  /** The log has lost its end. */
  onRewound(share: number): void;
}

export class Watches {
  readonly #options: WatchesOptions;
  readonly #watches = new Map<string, RunWatch>();

  constructor(options: WatchesOptions) {
    this.#options = options;
  }

  has(runId: string): boolean {
    return this.#watches.has(runId);
  }

  /** Whether the run is waited for here and nobody in this process drives it. */
  followsAlone(runId: string): boolean {
    const watch = this.#watches.get(runId);
    return watch !== undefined && !this.#options.isDriven(watch.partition);
  }

  /** `admit` writes what begins it and resolves with the position of the run's `submitted`. */
  async add(watch: RunWatch, admit: () => Promise<number>): Promise<RunHandle> {
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
    if (!this.#options.hasFacts(watch.partition, watch.seq)) this.#follow(watch);
    return { runId, result: () => watch.result };
  }

  fail(runId: string, error: unknown): void {
    this.#watches.get(runId)?.fail(error);
  }

  /** Hears what becomes of every run that is driven or followed here. */
  readonly onRun: RunListener = (run, change, logged) => {
    const watch = this.#watches.get(run.runId);
    if (watch !== undefined) this.#tell(watch, { run, change, logged });
    else if (this.#options.isDriven(run.partition)) this.#options.report.tell(run, change, logged);
  };

  /** The share is driven here from now on. */
  async driven(share: number): Promise<void> {
    for (const watch of this.#ofShare(share)) {
      if (this.#options.hasFacts(watch.partition, watch.seq)) await watch.unfollow();
    }
  }

  /** The share is no longer driven here. */
  left(share: number): void {
    for (const watch of this.#ofShare(share)) this.#follow(watch);
  }

  /** The log has lost its end: who waits for a run that went with it is told. */
  startOver(share: number): void {
    for (const watch of this.#ofShare(share)) {
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

  /** Nobody waits any more; resolves with a function that tells them so. */
  close(): () => Promise<void> {
    const open = [...this.#watches.values()];
    this.#watches.clear();
    return async () => {
      for (const watch of open) {
        await watch.unfollow();
        watch.fail(new ExecutorStopped(watch.runId));
      }
    };
  }

  #ofShare(share: number): RunWatch[] {
    return [...this.#watches.values()].filter(({ partition }) => shareOf(partition) === share);
  }

  #follow(watch: RunWatch): void {
    const { log, definitions, onRewound } = this.#options;
    const { onRun } = this;
    watch.follow({ log, definitions, onRun, onRewound: () => onRewound(shareOf(watch.partition)) });
  }

  #tell(
    watch: RunWatch,
    { run, change, logged }: { readonly run: RunFold; readonly change: Change; readonly logged: LoggedFact },
  ): void {
    if (logged.seq <= watch.seen) return;
    watch.seen = logged.seq;
    this.#options.report.tell(run, change, logged);
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

  #lose(watch: RunWatch): void {
    this.#watches.delete(watch.runId);
    watch.fail(new RunLost(watch.runId));
    void watch.unfollow();
  }
}
