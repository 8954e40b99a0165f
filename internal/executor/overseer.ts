/**
 * Watches over what workers hold: attempts of dead workers are ended as `lost`, attempts far beyond their time
 * limit as `timed-out`. A verdict is a fact like any other: written to the log, and void if the worker's own
 * outcome is before it. It is judged again right before it is written.
 *
 * Silence counts only while this executor itself could hear: after its own reconnect, or when its own loop
 * stood still, everybody gets a full term again.
 *
 * There is one for all shares that are driven here. It judges only attempts of their runs.
 */
import { type AttemptId, attemptKey } from "../core/attempt.ts";
import { isDead, isOverdue, type LivenessLimits } from "../core/liveness.ts";
import type { FailureReason } from "../core/outcome.ts";
import type { RunFold } from "../core/run-fold.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import type { Observer } from "../ports/observer.ts";
import type { Claim, Heartbeat, Presence, Subscription, Took } from "../ports/presence.ts";
import type { RunLog } from "../ports/run-log.ts";
import { type Held, LiveTable, type LiveWorker } from "./live-table.ts";

const TICK_MS = 1_000;
/** A tick that comes so late says that this process stood still. */
const STALL_MS = 3_000;

export interface OverseerOptions {
  readonly log: RunLog;
  readonly presence: Presence;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly limits: LivenessLimits;
  /** Names this executor in the facts that it writes. */
  readonly incarnation: string;
  /** Whether it may judge attempts of runs in this partition now: the lease of its share is held. */
  mayAct(partition: number): boolean;
  /** The connection was lost and is back. */
  reconnected(): void;
  /** Runs in this partition are driven here; another executor judges all others. */
  isOurs(partition: number): boolean;
  /** Every run in this partition is known, and `find` can be relied on. */
  knowsAll(partition: number): boolean;
  /** The run and position of an attempt that is current; nothing for any other. */
  find(attempt: AttemptId): { readonly run: RunFold; readonly position: number } | undefined;
}

export class Overseer {
  readonly table = new LiveTable();
  readonly #options: OverseerOptions;
  #subscription: Subscription | undefined;
  #timer: Timer | undefined;
  #lastTick = 0;
  #verdicts = 0;
  #stopped = false;
  #isRollCalled = false;
  /** Attempts with a verdict on its way into the log. */
  readonly #judged = new Set<string>();

  constructor(options: OverseerOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { presence, clock } = this.#options;
    this.#subscription = await presence.watch({
      heartbeat: (beat) => this.#onHeartbeat(beat),
      took: (notice) => this.#onTook(notice),
      reconnected: () => {
        this.#forgive();
        this.#options.reconnected();
      },
    });
    this.#lastTick = clock.monotonic();
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#subscription?.stop();
  }

  #onHeartbeat(beat: Heartbeat): void {
    const { observer, clock } = this.#options;
    const { workerId, incarnation, slots } = beat;
    if (beat.goodbye) {
      this.table.remove(incarnation);
      observer.observe({ kind: "worker-left", workerId, incarnation });
      return;
    }
    if (this.table.heartbeat(beat, clock.monotonic())) {
      observer.observe({ kind: "worker-joined", workerId, incarnation, slots });
    }
    this.#dropStale(beat.held);
  }

  /** Has all workers tell what they hold. */
  callRoll(): void {
    if (this.#isRollCalled) return;
    this.#isRollCalled = true;
    this.#options.clock.soon(() => {
      this.#isRollCalled = false;
      this.#options.presence.command({ kind: "report" });
    });
  }

  /** Drops claims of attempts that are over; before all runs are known, nobody can tell. */
  prune(): void {
    this.#dropStale([...this.table.held()].map(({ attempt }) => attempt));
  }

  /**
   * Notices may come after the fact that ended their attempt. Who still claims such an attempt with a heartbeat
   * works in vain, and is told to stop.
   */
  #dropStale(attempts: readonly Omit<Claim, "queue">[]): void {
    for (const attempt of attempts) {
      const { partition } = attempt;
      if (!this.#options.knowsAll(partition) || this.#options.find(attempt) !== undefined) continue;
      const incarnation = this.table.holderOf(attempt)?.incarnation;
      this.table.ended(attempt);
      if (incarnation === undefined || !this.#options.mayAct(partition)) continue;
      this.#options.presence.command({ kind: "stop-attempt", attempt: id(attempt) }, incarnation);
    }
  }

  #onTook(notice: Took): void {
    const { presence, observer, clock } = this.#options;
    const { isOurs, knowsAll, find } = this.#options;
    const ours = notice.attempts.filter(({ partition }) => isOurs(partition));
    const attempts = ours.filter((attempt) => !knowsAll(attempt.partition) || find(attempt) !== undefined);
    const known = this.table.took({ ...notice, attempts }, clock.monotonic());
    if (!known) presence.command({ kind: "report" }, notice.incarnation);
    for (const attempt of ours) {
      observer.observe({ kind: "attempt-started", attempt, workerId: notice.workerId });
    }
  }

  #forgive(): void {
    this.table.forgive(this.#options.clock.monotonic());
    this.callRoll();
  }

  #schedule(): void {
    this.#timer = this.#options.clock.after(TICK_MS, () => {
      if (this.#stopped) return;
      this.#tick();
      this.#schedule();
    });
  }

  #tick(): void {
    const now = this.#options.clock.monotonic();
    const stalled = now - this.#lastTick > STALL_MS;
    this.#lastTick = now;
    if (stalled) this.#forgive();
    for (const worker of [...this.table.workers]) {
      if (isDead(now - worker.heardAt, this.#options.limits) && this.#mayJudgeAll(worker)) this.#bury(worker);
    }
    for (const held of [...this.table.held()]) this.#checkTime(held, now);
  }

  /** A lease may be too old to act on just now: what its holder should judge would be forgotten. */
  #mayJudgeAll({ held }: LiveWorker): boolean {
    const { isOurs, mayAct } = this.#options;
    return [...held.values()].every(({ attempt: { partition } }) => !isOurs(partition) || mayAct(partition));
  }

  #bury(worker: LiveWorker): void {
    const { workerId, incarnation } = worker.beat;
    const held = [...worker.held.values()];
    this.table.remove(incarnation);
    this.#options.observer.observe({ kind: "worker-dead", workerId, incarnation, held: held.length });
    const silence = Math.round(this.#options.limits.deadAfterMs / 1_000);
    for (const entry of held) {
      // The queue has given it to another, who is alive.
      if (this.table.holderOf(entry.attempt) !== undefined) continue;
      this.#judge(entry, "lost", `worker '${workerId}' is dead: nothing heard of it for ${silence} s`);
    }
  }

  #checkTime(held: Held, now: number): void {
    const found = this.#options.find(held.attempt);
    if (found === undefined) return;
    const timeoutMs = found.run.timeoutMsOf(found.run.task(found.position));
    if (timeoutMs === undefined || !this.#options.mayAct(found.run.partition)) return;
    if (!isOverdue(now - held.since, timeoutMs, this.#options.limits)) return;
    this.#judge(held, "timed-out", `still held long after its time limit of ${timeoutMs / 1_000} s`);
    this.#options.presence.command({ kind: "stop-attempt", attempt: id(held.attempt) }, held.incarnation);
  }

  #judge(held: Held, reason: FailureReason, message: string): void {
    const { attempt, workerId, since } = held;
    const found = this.#options.find(attempt);
    const key = attemptKey(attempt);
    if (found === undefined || this.#judged.has(key)) return;
    const { run } = found;
    if (!this.#options.mayAct(run.partition)) return;
    const durationMs = Math.round(this.#options.clock.monotonic() - since);
    this.#judged.add(key);
    this.#options.log
      .append(run, {
        kind: "outcomes",
        runSeq: run.seq,
        queue: "executor",
        incarnation: this.#options.incarnation,
        n: ++this.#verdicts,
        items: [
          {
            ...outcomeId(attempt),
            state: "failed",
            error: { reason, message },
            worker: workerId,
            durationMs,
          },
        ],
      })
      .catch((error: unknown) => {
        const what = `ending ${key} as ${reason}`;
        this.#options.observer.observe({ kind: "trouble", what, error: String(error) });
      })
      .finally(() => this.#judged.delete(key));
  }
}

function outcomeId({ task, index, attempt }: AttemptId): Pick<AttemptId, "task" | "index" | "attempt"> {
  return { task, index, attempt };
}

/** The identity alone, of something that has one. */
function id({ runId, task, index, attempt }: AttemptId): AttemptId {
  return { runId, task, index, attempt };
}
