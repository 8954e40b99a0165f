/**
 * Takes attempts from its queues, runs them on its slots and writes their outcomes.
 *
 * W1 What it holds is told at once (`took`) and again with each heartbeat. Nothing starts before the notice has left
 *    this process: a task that ends or blocks it is known to have been here, and counts as lost.
 * W2 A slot is free as soon as its attempt has ended; the outcome is on its way meanwhile.
 * W3 A copy that cannot start soon is given back: another worker may be idle.
 * W4 A drain loses nothing: what has not started is given back, what runs may end within the shutdown time, and
 *    what is ended then is `released`: it runs elsewhere and uses no budget.
 * W5 A drain ends, also when nothing can be stored: it tells what it leaves behind, and that runs again.
 */
import { type AttemptId, attemptKey, type Work } from "../core/attempt.ts";
import { nextAverage, prefetchSize } from "../core/flow.ts";
import type { Timer } from "../ports/clock.ts";
import { type Observer, safely } from "../ports/observer.ts";
import type { Presence, Subscription, WorkerCommand } from "../ports/presence.ts";
import type { RunLog } from "../ports/run-log.ts";
import type { Delivery, Intake, QueuedAttempt, TaskQueue } from "../ports/task-queue.ts";
import { type AttemptOptions, runAttempt, Stop, type StopReason } from "./attempt.ts";
import { OutcomeWriter } from "./outcome-writer.ts";
import { Patience } from "./patience.ts";

export interface WorkerOptions extends Omit<AttemptOptions, "log"> {
  /** One start of this worker: its id plus a nonce, safe in subjects. */
  readonly incarnation: string;
  readonly host: string;
  readonly pid: number;
  readonly queues: readonly string[];
  /** Attempts it runs at a time. */
  readonly slots: number;
  readonly queue: TaskQueue;
  readonly log: RunLog;
  readonly presence: Presence;
  readonly observer: Observer;
  readonly heartbeatMs: number;
  /** How long the queue waits for an acknowledgement, in milliseconds; what takes longer is extended in time. */
  readonly ackWaitMs: number;
  /** How long running attempts may go on during a drain, in milliseconds. */
  readonly shutdownTimeoutMs: number;
  /** Names of the functions it knows. */
  functions(): readonly string[];
  /** A line that a task has logged. */
  onTaskLine?(work: Work, line: string): void;
}

/** What ending a task takes beyond its grace period, at most. */
const ENDING_MS = 3_000;
/** How long outcomes may still be on their way when the shutdown time is over. */
const STORING_MS = 2_000;

/** A copy that waited so long here for a slot is given back. */
const MAX_WAIT_MS = 500;

/** A copy that this worker has taken. */
interface Hold {
  readonly delivery: Delivery;
  readonly takenAt: number;
  /** The notice of it has left this process; before, it must not start. */
  told?: true;
  /** Set once it runs. */
  running?: { readonly stop: Stop; readonly since: number };
}

export class Worker {
  readonly #options: WorkerOptions;
  readonly #attempts: AttemptOptions;
  readonly #writer: OutcomeWriter;
  readonly #intakes = new Map<string, Intake>();
  readonly #averages = new Map<string, number>();
  /** Everything taken and not yet settled, by attempt key; what waits for a slot is in `#waiting` too. */
  readonly #holds = new Map<string, Hold>();
  readonly #waiting: Hold[] = [];
  #running = 0;
  #untold: Hold[] = [];
  #commands: Subscription | undefined;
  #timers: Timer[] = [];
  #reconsidering = false;
  #beating = false;
  #draining: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  readonly #patience: Patience;
  #leftBehind: readonly AttemptId[] = [];

  constructor(options: WorkerOptions) {
    this.#options = { ...options, observer: safely(options.observer) };
    this.#attempts = { ...options, log: (work, line) => options.onTaskLine?.(work, line) };
    this.#patience = new Patience(options.clock);
    this.#writer = new OutcomeWriter({
      log: options.log,
      incarnation: options.incarnation,
      onStored: (delivery) => this.#holds.delete(attemptKey(delivery.work)),
      onError: (work, error) => {
        this.#holds.delete(attemptKey(work));
        this.#trouble(`storing the outcome of ${attemptKey(work)}`, error);
      },
    });
  }

  get id(): string {
    return this.#options.workerId;
  }
  /** Attempts whose outcomes were not stored when the drain had to end; they run again. */
  get leftBehind(): readonly AttemptId[] {
    return this.#leftBehind;
  }

  /** Attempts that run now. */
  get active(): number {
    return this.#running;
  }
  get isDraining(): boolean {
    return this.#draining !== undefined;
  }

  /** Resolves when it takes attempts from all its queues. */
  async start(): Promise<void> {
    const { presence, incarnation, queues, queue, heartbeatMs, ackWaitMs } = this.#options;
    this.#commands = await presence.onCommand(incarnation, (command) => this.#onCommand(command));
    this.#beat();
    this.#every(heartbeatMs, () => this.#beat());
    this.#every(ackWaitMs / 3, () => this.#extend());
    for (const name of queues) {
      this.#intakes.set(name, await queue.open(name, (delivery) => this.#onDelivery(delivery)));
    }
    this.#ask();
  }

  /**
   * Drains and ends; a second call waits for the first. Takes the shutdown time at most, and what it takes to end
   * what runs then.
   */
  stop(): Promise<void> {
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  /** Ends what runs without waiting for the shutdown time, and hardly waits for the server; for the second signal. */
  hurry(): void {
    this.#stopAll("released");
    this.#patience.hurry();
  }

  #onDelivery(delivery: Delivery): void {
    const { clock } = this.#options;
    if (this.#draining !== undefined) {
      delivery.giveBack();
      return;
    }
    const key = attemptKey(delivery.work);
    // A second copy of what runs here: the first one's outcome settles both.
    if (this.#holds.has(key)) return;
    const hold: Hold = { delivery, takenAt: clock.monotonic() };
    this.#holds.set(key, hold);
    this.#waiting.push(hold);
    this.#tell(hold);
    this.#ask();
  }

  #begin(hold: Hold): void {
    const { clock, observer } = this.#options;
    const stop = new Stop();
    hold.running = { stop, since: clock.monotonic() };
    this.#running++;
    const { runId, queue, type } = hold.delivery.work;
    observer.observe({ kind: "execution-started", attempt: hold.delivery.work, type });
    void runAttempt(hold.delivery.work, stop, this.#attempts).then((outcome) => {
      observer.observe({ kind: "execution-ended", runId, type, outcome });
      this.#averages.set(queue, nextAverage(this.#averages.get(queue) ?? 0, outcome.durationMs));
      this.#writer.add(hold.delivery, outcome);
      this.#running--;
      this.#next();
    });
  }

  /** A slot is free. */
  #next(): void {
    this.#fill();
    if (this.#draining === undefined) this.#ask();
    else if (this.#running === 0) this.#wake?.();
  }

  #fill(): void {
    while (this.#running < this.#options.slots && this.#waiting[0]?.told === true) {
      const hold = this.#waiting.shift();
      if (hold !== undefined) this.#begin(hold);
    }
    if (this.#waiting.length > 0) this.#reconsiderSoon();
  }

  #reconsiderSoon(): void {
    if (this.#reconsidering) return;
    this.#reconsidering = true;
    this.#options.clock.after(MAX_WAIT_MS, () => this.#reconsider());
  }

  /** Gives back what has waited too long (W3). */
  #reconsider(): void {
    this.#reconsidering = false;
    const limit = this.#options.clock.monotonic() - MAX_WAIT_MS;
    const stays = this.#waiting.splice(0).filter((hold) => {
      if (hold.takenAt > limit) return true;
      this.#giveBack(hold);
      return false;
    });
    this.#waiting.push(...stays);
    if (stays.length > 0) this.#reconsiderSoon();
  }

  #giveBack(hold: Hold): void {
    this.#holds.delete(attemptKey(hold.delivery.work));
    hold.delivery.giveBack();
    this.#beatSoon();
  }

  /** What is let go without an outcome is known to others only by a heartbeat. */
  #beatSoon(): void {
    if (this.#beating) return;
    this.#beating = true;
    setImmediate(() => {
      this.#beating = false;
      this.#beat();
    });
  }

  /** Tells each queue how much more may come. */
  #ask(): void {
    const { slots } = this.#options;
    for (const [queue, intake] of this.#intakes) {
      const ahead = prefetchSize(slots, this.#averages.get(queue) ?? 0);
      intake.demand(Math.max(0, slots + ahead - this.#running - this.#waiting.length));
    }
  }

  /** One notice for all that came within this turn of the loop; what it names may start in the next one. */
  #tell(hold: Hold): void {
    this.#untold.push(hold);
    if (this.#untold.length > 1) return;
    setImmediate(() => {
      const { workerId, incarnation, presence } = this.#options;
      const holds = this.#untold;
      this.#untold = [];
      presence.took({ workerId, incarnation, attempts: holds.map(({ delivery }) => queued(delivery.work)) });
      setImmediate(() => {
        for (const each of holds) each.told = true;
        this.#fill();
      });
    });
  }

  #onCommand(command: WorkerCommand): void {
    switch (command.kind) {
      case "report":
        this.#beat();
        return;
      case "stop-run":
        this.#stop("cancelled", ({ runId }) => runId === command.runId);
        return;
      case "stop-attempt": {
        const key = attemptKey(command.attempt);
        // Who says so may be wrong, and then it runs once more; as cancelled it would be over.
        this.#stop("released", (work) => attemptKey(work) === key);
      }
    }
  }

  /** What waits is dropped, what runs is ended. */
  #stop(reason: StopReason, concerns: (work: Work) => boolean): void {
    const dropped = this.#waiting.filter((hold) => concerns(hold.delivery.work));
    if (dropped.length > 0) {
      this.#waiting.splice(
        0,
        this.#waiting.length,
        ...this.#waiting.filter((hold) => !dropped.includes(hold)),
      );
    }
    for (const hold of dropped) {
      this.#holds.delete(attemptKey(hold.delivery.work));
      hold.delivery.ack();
      this.#beatSoon();
    }
    for (const hold of this.#holds.values()) {
      if (concerns(hold.delivery.work)) hold.running?.stop.now(reason);
    }
    this.#ask();
  }

  #stopAll(reason: StopReason): void {
    for (const hold of this.#holds.values()) hold.running?.stop.now(reason);
  }

  async #drain(): Promise<void> {
    const { clock, shutdownTimeoutMs, graceMs, presence } = this.#options;
    const alive = clock.stayAlive();
    const begunAt = clock.monotonic();
    await Promise.all([...this.#intakes.values()].map((intake) => intake.stop()));
    for (const hold of this.#waiting.splice(0)) this.#giveBack(hold);
    this.#beat();
    const limit = clock.after(shutdownTimeoutMs, () => this.#stopAll("released"));
    const endingMs = graceMs + ENDING_MS;
    await this.#patience.wait(this.#nothingRuns(), { ms: shutdownTimeoutMs + endingMs, hurriedMs: endingMs });
    limit.cancel();
    const left = Math.max(0, shutdownTimeoutMs - (clock.monotonic() - begunAt));
    await this.#patience.wait(this.#writer.idle(), { ms: left + STORING_MS, hurriedMs: STORING_MS });
    this.#leaveBehind();
    for (const timer of this.#timers) timer.cancel();
    await this.#commands?.stop();
    presence.heartbeat({ ...this.#heartbeat(), goodbye: true });
    alive.cancel();
  }

  async #nothingRuns(): Promise<void> {
    if (this.#running === 0) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Another worker need not wait for its ack wait. */
  #leaveBehind(): void {
    const left = [...this.#holds.values()];
    this.#leftBehind = left.map(({ delivery }) => queued(delivery.work));
    for (const { delivery } of left) delivery.giveBack();
    this.#holds.clear();
  }

  #beat(): void {
    this.#options.presence.heartbeat(this.#heartbeat());
  }

  #heartbeat(): Parameters<Presence["heartbeat"]>[0] {
    const { workerId, incarnation, host, pid, queues, slots, clock, functions } = this.#options;
    const now = clock.monotonic();
    const held = [...this.#holds.values()].map(({ delivery: { work }, running }) => ({
      ...queued(work),
      runningMs: running === undefined ? 0 : Math.round(now - running.since),
    }));
    return {
      workerId,
      incarnation,
      host,
      pid,
      queues,
      slots,
      held,
      functions: functions(),
      active: this.#running,
      time: clock.now(),
      draining: this.#draining !== undefined,
      goodbye: false,
    };
  }

  /** The queue must not take what is still held for lost. */
  #extend(): void {
    for (const { delivery } of this.#holds.values()) delivery.working();
  }

  #every(ms: number, act: () => void): void {
    const at = this.#timers.length;
    const again = (): void => {
      this.#timers[at] = this.#options.clock.after(ms, () => {
        act();
        again();
      });
    };
    again();
  }

  #trouble(what: string, error: unknown): void {
    this.#options.observer.observe({ kind: "trouble", what, error: String(error) });
  }
}

function queued({ runId, task, index, attempt, queue }: Work): QueuedAttempt {
  return { runId, task, index, attempt, queue };
}
