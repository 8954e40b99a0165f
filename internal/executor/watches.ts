/**
 * The runs whose ends are waited for in this process. While their share is driven here, the coordinator's facts are
 * theirs; else the share is followed for them. So shares may come and go.
 */
import type { LoggedFact } from "../core/facts.ts";
import { shareOf } from "../core/hash.ts";
import type { Change } from "../core/change.ts";
import type { RunFold } from "../core/run-fold.ts";
import type { RunHandle } from "./executor.ts";
import { FollowedShare } from "./followed-share.ts";
import { foldOf } from "./load-run.ts";
import type { RunReport } from "./run-report.ts";
import { endResult } from "./run-result.ts";
import type { RunWatch } from "./run-watch.ts";
import type { Ports, RunListener } from "./settings.ts";

/** No answer, after the patience of the log. */
const ASK_AGAIN_MS = 1_000;

export class ExecutorStopped extends Error {
  readonly code = "EXECUTOR_STOPPED";
  constructor(runId: string) {
    super(`the executor was stopped before run '${runId}' ended`);
    this.name = "ExecutorStopped";
  }
}

export class RunLost extends Error {
  readonly code = "RUN_LOST";
  constructor({ runId, gen }: Pick<RunWatch, "runId" | "gen">) {
    const what = gen === 0 ? `run '${runId}'` : `the retry of run '${runId}'`;
    super(`${what} is gone: the log was put back to an older state`);
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
  readonly #followed = new Map<number, FollowedShare>();

  constructor(options: WatchesOptions) {
    this.#options = options;
  }

  has(runId: string): boolean {
    return this.#watches.has(runId);
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
  driven(share: number): void {
    for (const watch of this.#ofShare(share)) {
      if (this.#options.hasFacts(watch.partition, watch.seq)) this.#unfollow(watch);
    }
  }

  /** The share is no longer driven here. */
  left(share: number): void {
    // The oldest first: what it is read for, the others get with it.
    const admitted = this.#ofShare(share).filter(({ seq }) => seq > 0);
    for (const watch of admitted.toSorted((a, b) => a.seq - b.seq)) this.#follow(watch);
  }

  /** The log has lost its end: who waits for a run that went with it, or for its retry, is told. */
  startOver(share: number): void {
    for (const watch of this.#ofShare(share)) {
      watch.seen = { seq: 0, time: 0 };
      // What has yet to be written comes into the log as it is now.
      if (watch.seq > 0) void this.#lookAgain(watch);
    }
  }

  /**
   * The connection was away, and the log may have been put back meanwhile: who reads it for a run notices that by the
   * facts that it has had, but it may have had none yet, or have begun anew since. Of what was lost, the newest went first.
   */
  async reconnected(): Promise<void> {
    const admitted = [...this.#watches.values()].filter(({ seq }) => seq > 0);
    const [newest] = admitted.map((watch) => watch.newest).toSorted((a, b) => b.seq - a.seq);
    if (newest === undefined || (await this.#untilAnswered(() => this.#holds(newest)))) return;
    for (const share of new Set(admitted.map(({ partition }) => shareOf(partition)))) this.startOver(share);
  }

  /** Nobody waits any more; resolves with a function that tells them so. */
  close(): () => void {
    const open = [...this.#watches.values()];
    this.#watches.clear();
    return () => {
      for (const followed of this.#followed.values()) followed.stop();
      for (const watch of open) watch.fail(new ExecutorStopped(watch.runId));
    };
  }

  #ofShare(share: number): RunWatch[] {
    return [...this.#watches.values()].filter(({ partition }) => shareOf(partition) === share);
  }

  #follow({ runId, partition, seq }: RunWatch): void {
    const share = shareOf(partition);
    let followed = this.#followed.get(share);
    if (followed === undefined) {
      followed = new FollowedShare({
        ...this.#options,
        share,
        onRun: this.onRun,
        isAwaited: (id) => this.#watches.has(id),
        onError: (id, error) => this.fail(id, error),
        onRewound: () => this.#options.onRewound(share),
      });
      this.#followed.set(share, followed);
    }
    followed.add(runId, seq);
  }

  #unfollow({ runId, partition }: RunWatch): void {
    this.#followed.get(shareOf(partition))?.remove(runId);
  }

  #tell(
    watch: RunWatch,
    { run, change, logged }: { readonly run: RunFold; readonly change: Change; readonly logged: LoggedFact },
  ): void {
    const { seq, time, fact } = logged;
    if (seq > watch.seen.seq) {
      watch.seen = { seq, time };
      this.#options.report.tell(run, change, logged);
    }
    // Also where it was seen before: of a log that was put back meanwhile that says nothing.
    if (run.gen < watch.gen) {
      // It was meant for the end of a run that goes on again, and its place is taken.
      if (fact.kind === "retry" && fact.gen === watch.gen) this.#lose(watch);
    } else if (run.end !== undefined) {
      void this.#end(watch, run, logged);
    }
  }

  async #end(watch: RunWatch, run: RunFold, logged: LoggedFact): Promise<void> {
    this.#watches.delete(watch.runId);
    try {
      watch.end(await endResult(run, logged, this.#options));
    } catch (error) {
      watch.fail(error);
    }
    // Somebody may wait for its retry by now.
    if (!this.#watches.has(watch.runId)) this.#unfollow(watch);
  }

  async #lookAgain(watch: RunWatch): Promise<void> {
    try {
      const facts = await this.#options.log.factsOf(watch.runId);
      const run = await foldOf(facts, this.#options);
      if (run !== undefined && run.gen >= watch.gen) {
        watch.seq = run.seq;
        return;
      }
      // A replica that lags behind may not have what begins it yet.
      const wasRead = facts.some(({ seq }) => seq === watch.begunAt);
      const isGone = wasRead || !(await this.#holds(watch.newest));
      if (isGone && this.#watches.get(watch.runId) === watch) this.#lose(watch);
    } catch (error) {
      watch.fail(error);
    }
  }

  /** Asks who surely knows, where the nearest replica does not. */
  async #holds({ seq, is }: RunWatch["newest"]): Promise<boolean> {
    const [logged] = seq === 0 ? [] : await this.#options.log.read([seq]);
    return logged !== undefined && is(logged);
  }

  /** Resolves with an answer, or as if it were a yes once nobody waits any more. */
  async #untilAnswered(ask: () => Promise<boolean>): Promise<boolean> {
    while (this.#watches.size > 0) {
      try {
        return await ask();
      } catch {
        await new Promise<void>((resolve) => void this.#options.clock.after(ASK_AGAIN_MS, resolve));
      }
    }
    return true;
  }

  #lose(watch: RunWatch): void {
    this.#watches.delete(watch.runId);
    watch.fail(new RunLost(watch));
    this.#unfollow(watch);
  }
}
