/**
 * Hears and probes the workers, tells which of them are dead, and sees to it that what they held is ended: as
 * `lost`, or as `timed-out` what is held far beyond its time limit.
 *
 * Nobody is judged by what this executor could not hear: after its own disconnect, or when its own loop stood still,
 * everybody has a full term again, and a connection that is gone says nothing until its worker was heard once more.
 *
 * There is one for all shares that are driven here. It ends only attempts of their runs.
 */
import {
  deathSignOf,
  type DeathSign,
  isBlocked,
  isOverdue,
  isPathGood,
  type LivenessLimits,
} from "../core/liveness.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import type { Observer } from "../ports/observer.ts";
import type { Heartbeat, Presence, Subscription, Took } from "../ports/presence.ts";
import { type Claimed, type Held, idOf, LiveTable, type LiveWorker } from "./live-table.ts";
import { Losses, type LossesOptions } from "./losses.ts";
import { Prober } from "./prober.ts";
import { Verdicts, type VerdictsOptions } from "./verdicts.ts";

const TICK_MS = 1_000;
/** A tick that comes so late says that this process stood still. */
const STALL_MS = 3_000;
/** What was taken less than that ago may well have ended since its worker told what it holds. */
const FRESH_MS = 500;

export interface OverseerOptions
  extends VerdictsOptions, Pick<LossesOptions, "queue" | "enqueued" | "knowsAll"> {
  readonly presence: Presence;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly limits: LivenessLimits;
  /** How long a worker may be unheard before it is probed, in milliseconds. */
  readonly probeIntervalMs: number;
  /** A worker has just said that it holds this. */
  claimed(claim: Claimed): void;
  /** The connection was lost and is back. */
  reconnected(): void;
  /** Runs in this partition are driven here; another executor judges all others. */
  isOurs(partition: number): boolean;
}

export class Overseer {
  readonly table = new LiveTable();
  readonly #options: OverseerOptions;
  readonly #verdicts: Verdicts;
  readonly #losses: Losses;
  readonly #prober: Prober;
  #subscription: Subscription | undefined;
  #timer: Timer | undefined;
  #lastTick = 0;
  #isRollCalled = false;

  constructor(options: OverseerOptions) {
    const { table } = this;
    const { probeIntervalMs: intervalMs, limits } = options;
    this.#options = options;
    this.#verdicts = new Verdicts(options);
    this.#losses = new Losses({ ...options, ...limits, table, verdicts: this.#verdicts });
    this.#prober = new Prober({ ...options, table, intervalMs, onSign: (worker) => this.#judge(worker) });
  }

  async start(): Promise<void> {
    const { presence, clock, reconnected } = this.#options;
    this.#subscription = await presence.watch({
      heartbeat: (beat) => this.#onHeartbeat(beat),
      took: (notice) => this.#onTook(notice),
      reconnected: () => {
        this.excuseAll();
        reconnected();
      },
    });
    this.#lastTick = clock.monotonic();
    this.#prober.start();
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.#prober.stop();
    this.#losses.stop();
    await this.#subscription?.stop();
  }

  /** What was not heard so far was perhaps our own doing; all are asked to report. */
  excuseAll(): void {
    this.table.excuseAll(this.#options.clock.monotonic());
    this.#losses.excuse();
    this.callRoll();
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

  /** More runs are driven here than before: it can be told what of them is over, and what was lost. */
  tookOver(): void {
    this.#stopAllThatIsOver();
    this.#losses.tookOver();
  }

  #onHeartbeat(beat: Heartbeat): void {
    const { observer, clock } = this.#options;
    const { workerId, incarnation, slots, blockedMs } = beat;
    if (beat.goodbye) {
      this.table.left(incarnation, clock.monotonic());
      observer.observe({ kind: "worker-left", workerId, incarnation });
      return;
    }
    const before = this.table.heartbeat(beat, clock.monotonic());
    if (before === undefined) observer.observe({ kind: "worker-joined", workerId, incarnation, slots });
    if (isBlocked(blockedMs) && !isBlocked(before?.beat.blockedMs ?? 0)) {
      observer.observe({ kind: "worker-blocked", workerId, incarnation, ms: blockedMs });
    }
    const worker = this.table.workerOf(incarnation);
    if (worker !== undefined) this.#stopWhatIsOver(worker);
  }

  #stopAllThatIsOver(): void {
    for (const worker of this.table.workers) this.#stopWhatIsOver(worker);
  }

  /**
   * Who holds an attempt that is over works in vain, as one does who was frozen and comes back. It is told to stop,
   * again and again until it holds it no more: commands may be lost. What it has taken just now has more likely ended
   * since it said so.
   */
  #stopWhatIsOver({ beat: { incarnation }, held }: LiveWorker): void {
    const { mayAct, presence, clock } = this.#options;
    const now = clock.monotonic();
    for (const { attempt, since } of held.values()) {
      if (now - since < FRESH_MS || !this.#isOver(attempt) || !mayAct(attempt.partition)) continue;
      presence.command({ kind: "stop-attempt", attempt: idOf(attempt) }, incarnation);
    }
  }

  /** Before all runs are known, nobody can tell. */
  #isOver(claim: Claimed): boolean {
    const { knowsAll, find } = this.#options;
    return knowsAll(claim.partition) && find(claim) === undefined;
  }

  #onTook(notice: Took): void {
    const { presence, observer, clock, isOurs, claimed } = this.#options;
    const ours = notice.attempts.filter(({ partition }) => isOurs(partition));
    const attempts = ours.filter((claim) => !this.#isOver(claim));
    const isKnown = this.table.took({ ...notice, attempts }, clock.monotonic());
    // A notice may come after the fact that ended its attempt; whether the worker still holds it, it says itself.
    if (!isKnown || attempts.length < ours.length) presence.command({ kind: "report" }, notice.incarnation);
    for (const attempt of ours) {
      claimed(attempt);
      observer.observe({ kind: "attempt-started", attempt, workerId: notice.workerId });
    }
  }

  #schedule(): void {
    this.#timer = this.#options.clock.after(TICK_MS, () => {
      this.#schedule();
      this.#tick();
    });
  }

  #tick(): void {
    const { clock, presence } = this.#options;
    const now = clock.monotonic();
    const stoodStill = now - this.#lastTick > STALL_MS;
    this.#lastTick = now;
    if (stoodStill || presence.server() === undefined) this.excuseAll();
    for (const worker of [...this.table.workers]) this.#judge(worker);
    this.#stopAllThatIsOver();
    this.#losses.endOrphans();
    for (const held of [...this.table.held()]) this.#checkTime(held, now);
  }

  #judge(worker: LiveWorker): void {
    const { clock, presence, limits } = this.#options;
    const ownServer = presence.server();
    if (ownServer === undefined) return;
    const place = {
      now: clock.monotonic(),
      isPathGood: isPathGood(worker, this.table.workers, { ownServer, limits }),
    };
    const sign = deathSignOf(worker.signs, place, limits);
    if (sign !== undefined) this.#bury(worker, sign);
  }

  #bury(worker: LiveWorker, sign: DeathSign): void {
    const { workerId, incarnation } = worker.beat;
    const held = worker.held.size;
    this.table.remove(incarnation);
    this.#options.observer.observe({ kind: "worker-dead", workerId, incarnation, held, sign });
    this.#losses.died(worker, sign);
  }

  #checkTime(held: Held, now: number): void {
    const { find, mayAct, limits, presence } = this.#options;
    const { attempt, workerId, incarnation, since } = held;
    const found = mayAct(attempt.partition) ? find(attempt) : undefined;
    // It may have ended in time, and its outcome waits to be stored.
    const mayHaveEnded = (): boolean => this.table.waits(incarnation);
    if (found === undefined || mayHaveEnded()) return;
    const timeoutMs = found.run.timeoutMsOf(found.run.taskOf(found.instance));
    if (timeoutMs === undefined || !isOverdue(now - since, timeoutMs, limits)) return;
    void this.#verdicts.pass({
      attempt,
      reason: "timed-out",
      message: `still held long after its time limit of ${timeoutMs / 1_000} s`,
      workerId,
      durationMs: now - since,
      stands: () => this.table.holderOf(attempt)?.incarnation === incarnation && !mayHaveEnded(),
    });
    presence.command({ kind: "stop-attempt", attempt: idOf(attempt) }, incarnation);
  }
}
