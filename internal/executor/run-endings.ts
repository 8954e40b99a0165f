/**
 * What is left to do for a run that has ended: its queues are cleared, its tasks are stopped, its end is announced.
 *
 * Who stops waits for what is under way here: the process may leave right after.
 */
import type { RunFold } from "../core/run-fold.ts";
import { CrashLetters } from "./crash-letters.ts";
import type { QueuedAttempt } from "../ports/task-queue.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { LiveTable } from "./live-table.ts";
import type { Ports } from "./settings.ts";

export interface RunEndingsOptions extends Pick<
  Ports,
  "log" | "queue" | "presence" | "deadLetters" | "clock" | "observer"
> {
  readonly dispatcher: Pick<Dispatcher, "end">;
  readonly table: Pick<LiveTable, "holderOf">;
  mayAct(): boolean;
}

export class RunEndings {
  /** Of tasks that crashed: written before the end of their run is announced. */
  readonly letters: CrashLetters;
  readonly #options: RunEndingsOptions;
  readonly #sweeps = new Map<string, Promise<void>>();
  /** Sweeps that wait for the lease to be renewed. */
  readonly #heldUp: (() => void)[] = [];
  #stopped = false;
  /** Ended runs whose end the log does not hold yet, by run; with the announcement that is under way. */
  readonly #unannounced = new Map<RunFold, Promise<void> | undefined>();

  constructor(options: RunEndingsOptions) {
    this.#options = options;
    this.letters = new CrashLetters(options);
  }

  /** The run has just ended. */
  begin(run: RunFold): void {
    const sweep = this.#sweep(run).finally(() => this.#sweeps.delete(run.runId));
    this.#sweeps.set(run.runId, sweep);
    this.announce(run);
  }

  /** The clearing of a run's queues, while it is under way. */
  sweepOf(runId: string): Promise<void> | undefined {
    return this.#sweeps.get(runId);
  }

  /** The run has ended, perhaps long ago. */
  announce(run: RunFold): void {
    this.#unannounced.set(run, undefined);
    this.#announceLeft();
  }

  /** The lease was renewed: what had to wait while it was too old to act on is done now. */
  goOn(): void {
    this.#announceLeft();
    for (const act of this.#heldUp.splice(0)) act();
  }

  /** The lease is gone: what waits for it ends. */
  stop(): void {
    this.#stopped = true;
    for (const act of this.#heldUp.splice(0)) act();
  }

  /** Tries again what could not be announced. */
  #announceLeft(): void {
    for (const [run, underWay] of this.#unannounced) {
      if (underWay === undefined && this.#options.mayAct()) {
        this.#unannounced.set(run, this.#announce(run));
      }
    }
  }

  /** The log holds its end, or it goes on. */
  forget(run: RunFold): void {
    this.#unannounced.delete(run);
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await Promise.all([...this.#sweeps.values(), ...this.#unannounced.values()]);
  }

  async #announce(run: RunFold): Promise<void> {
    const { gen, end: state } = run;
    if (state === undefined) return;
    // Taken now: the run may go on while this waits, and then it is the end before that is announced.
    const finished = { kind: "finished", gen, state, durationMs: run.endedAt - run.begunAt } as const;
    try {
      await this.letters.written(run);
      await this.#options.log.append(run, finished);
    } catch (error) {
      this.#trouble(`announcing the end of run ${run.runId}`, error);
      if (this.#unannounced.has(run)) this.#unannounced.set(run, undefined);
    }
  }

  /**
   * What runs is told to stop, and what is still queued goes. It is told once more at the end, for what has begun
   * meanwhile; the overseer goes on with who has heard neither. Copies in flight go one by one: a purge frees their
   * places too, but wakes who waits for work only seconds later.
   */
  async #sweep(run: RunFold): Promise<void> {
    const { queue, presence, dispatcher, table } = this.#options;
    const { runId, gen } = run;
    const { attempts, sent } = dispatcher.end(run);
    if (attempts.length === 0) return;
    const tellWorkers = (): void => presence.command({ kind: "stop-run", runId, gen });
    tellWorkers();
    await sent;
    while (!this.#options.mayAct()) {
      // Who holds the lease by then finds the run ended, and its copies with it.
      if (this.#stopped) return;
      await new Promise<void>((resolve) => this.#heldUp.push(resolve));
    }
    const isHeld = (attempt: QueuedAttempt): boolean => table.holderOf(attempt) !== undefined;
    const queues = new Set(attempts.filter((attempt) => !isHeld(attempt)).map((attempt) => attempt.queue));
    try {
      await Promise.all(attempts.filter(isHeld).map((attempt) => queue.remove(attempt)));
      if (queues.size > 0) await queue.purge(run.runId, [...queues]);
    } catch (error) {
      this.#trouble(`clearing the queue of run ${run.runId}`, error);
    } finally {
      tellWorkers();
    }
  }

  #trouble(what: string, error: unknown): void {
    this.#options.observer.observe({ kind: "trouble", what, error: String(error) });
  }
}
