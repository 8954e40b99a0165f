/**
 * Takes attempts from its queues, runs them on its slots and writes their outcomes.
 *
 * W1 What it holds is told at once (`took`) and again with each heartbeat. Nothing starts before the notice has left
 *    this process: a task that ends or blocks it is known to have been here, and counts as lost.
 * W2 A drain loses nothing: what has not started is given back, what runs may end within the shutdown time, and
 *    what is ended then is `released`: it runs elsewhere and uses no budget.
 * W3 A drain ends, also when nothing can be stored: it tells what it leaves behind, and that runs again.
 * W4 Nothing starts without a connection, nor on a copy that came before the connection that stands now, nor on one
 *    that is suspect, until somebody who knows the log's present end has said that it may.
 */
import { type AttemptId, attemptKey, type Work } from "../core/attempt.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Timer } from "../ports/clock.ts";
import type { Desk } from "../ports/desk.ts";
import type { Link } from "../ports/link.ts";
import { type Observer, safely } from "../ports/observer.ts";
import type { Lifeline, Liveness, WorkerStatus } from "../ports/liveness.ts";
import type { Presence, Subscription, WorkerCommand } from "../ports/presence.ts";
import type { RunLog } from "../ports/run-log.ts";
import type { Pressure } from "../ports/storing.ts";
import type { Delivery, TaskQueue } from "../ports/task-queue.ts";
import { type AttemptOptions, runAttempt } from "./attempt.ts";
import { Elsewhere } from "./elsewhere.ts";
import { Judge, type JudgeOptions } from "./judge.ts";
import { lostOutcome } from "./own-judgement.ts";
import { every } from "./every.ts";
import { Notices, claimOf } from "./notices.ts";
import { OutcomeWriter } from "./outcome-writer.ts";
import { Patience } from "./patience.ts";
import { Slots } from "./slots.ts";
import { Suspects } from "./suspects.ts";
import { Supply } from "./supply.ts";

export interface WorkerOptions extends Omit<AttemptOptions, "tell">, JudgeOptions {
  /** One start of this worker: its id plus a nonce, safe in subjects. */
  readonly incarnation: string;
  readonly link: Link;
  readonly host: string;
  readonly pid: number;
  readonly queues: readonly string[];
  /** Attempts it runs at a time. */
  readonly slots: number;
  readonly queue: TaskQueue;
  readonly log: RunLog;
  readonly presence: Presence;
  readonly liveness: Liveness;
  readonly desk: Pick<Desk, "ask">;
  readonly observer: Observer;
  readonly pressure: Pressure;
  /** How long running attempts may go on during a drain, in milliseconds. */
  readonly shutdownTimeoutMs: number;
  /** Names of the functions it knows. */
  functions(): readonly string[];
}

/** Functions may be added while it works. */
const STATUS_MS = 5_000;
/** For so long, a copy of a run that was stopped is asked about: it may have been on its way, or the run was retried. */
const STOPPED_MS = 60_000;
/** What ending a task takes beyond its grace period, at most. */
const ENDING_MS = 3_000;
/** How long outcomes may still be on their way when the shutdown time is over. */
const STORING_MS = 2_000;
const UNSTORED = "many outcomes are not stored yet";
/** What was left to another worker is not delivered again at once: this one may be the only one with a free slot. */
const PASS_ON_MS = 250;

export class Worker {
  readonly #options: WorkerOptions;
  readonly #supply: Supply;
  readonly #slots: Slots;
  readonly #notices: Notices;
  readonly #writer: OutcomeWriter;
  readonly #patience: Patience;
  readonly #elsewhere: Elsewhere;
  readonly #judge: Judge;
  readonly #suspects: Suspects;
  /** Attempts of which it is found out whether another can do them. */
  readonly #passing = new Set<Promise<void>>();
  readonly #stoppedRuns = new Map<string, Timer>();
  /** Why outcomes have to wait, at the last look. */
  #waits: string | undefined;
  #restored: { cancel(): void } | undefined;
  #commands: Subscription | undefined;
  #lifeline: Lifeline | undefined;
  #telling: Timer | undefined;
  #draining: Promise<void> | undefined;
  #leftBehind: readonly AttemptId[] = [];

  constructor(options: WorkerOptions) {
    this.#options = { ...options, observer: safely(options.observer) };
    this.#supply = new Supply(options.slots);
    this.#slots = this.#makeSlots();
    this.#notices = new Notices({
      ...options,
      identity: options,
      onTaken: (copies, n) => this.#lifeline?.hold(copies, n),
      onTold: (holds) => this.#slots.admit(holds),
    });
    this.#writer = new OutcomeWriter({
      ...options,
      onStored: ({ work }) => {
        this.#slots.settle(work);
        if (this.#waits !== undefined) this.#askForMore();
      },
      onError: (work, error) => {
        this.#slots.settle(work);
        this.#trouble(`storing the outcome of ${attemptKey(work)}`, error);
      },
    });
    this.#patience = new Patience(options.clock);
    this.#elsewhere = new Elsewhere(options);
    this.#judge = new Judge(options);
    this.#suspects = new Suspects({
      ...this.#options,
      judge: (copies) => this.#judge.judge(copies),
      onCleared: (delivery) => this.#hold(delivery),
      onLost: (delivery) => this.#writer.add(delivery, lostOutcome(delivery)),
      onRoom: () => this.#askForMore(),
      onError: (error) => this.#trouble("judging copies that may not just be run", error),
    });
  }

  get id(): string {
    return this.#options.workerId;
  }
  /** Attempts that run now. */
  get active(): number {
    return this.#slots.running;
  }
  get isDraining(): boolean {
    return this.#draining !== undefined;
  }
  /** Attempts whose outcomes were not stored when the drain had to end; they run again. */
  get leftBehind(): readonly AttemptId[] {
    return this.#leftBehind;
  }

  /** Resolves when it takes attempts from all its queues. */
  async start(): Promise<void> {
    const { presence, liveness, workerId, incarnation, host, pid, queues, slots } = this.#options;
    const { queue, clock, link } = this.#options;
    this.#restored = link.onRestored(() => this.#doubtAll());
    this.#commands = await presence.onCommand(incarnation, (command) => this.#obey(command));
    const identity = { workerId, incarnation, host, pid, queues, slots };
    this.#lifeline = await liveness.begin(identity, this.#status());
    this.#telling = every(clock, STATUS_MS, () => {
      this.#askForMore();
      this.#lifeline?.update(this.#status());
    });
    await this.#supply.open(queue, queues, (delivery) => this.#take(delivery));
    this.#askForMore();
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
    this.#releaseAll();
    this.#patience.hurry();
  }

  #makeSlots(): Slots {
    const { slots, clock, observer, link } = this.#options;
    const options: AttemptOptions = {
      ...this.#options,
      tell: (work, piece) => this.#writer.tell(work, piece),
    };
    return new Slots({
      size: slots,
      clock,
      mayStart: () => link.isUp() && !this.isDraining,
      run: (work, stop) => {
        observer.observe({ kind: "execution-started", attempt: work, type: work.type });
        return runAttempt(work, stop, options);
      },
      onEnded: (delivery, outcome) => {
        const { runId, type } = delivery.work;
        observer.observe({ kind: "execution-ended", runId, type, outcome });
        this.#supply.ended(delivery.work.queue, outcome.durationMs);
        if (outcome.state === "failed" && outcome.error.reason === "unknown-function") {
          const passing = this.#passOn(delivery, outcome).finally(() => this.#passing.delete(passing));
          this.#passing.add(passing);
        } else {
          this.#writer.add(delivery, outcome);
        }
      },
      onRoom: () => this.#askForMore(),
      onGone: (work) => this.#lifeline?.letGo(work),
      // What is let go without an outcome is known to others only by a heartbeat.
      onLetGo: () => this.#lifeline?.beat(),
    });
  }

  /** Workers of one queue may have different functions: who lacks one leaves it to who has it. */
  async #passOn(delivery: Delivery, outcome: Outcome): Promise<void> {
    // While it drains, anybody is better.
    const isBetterElsewhere = this.isDraining || (await this.#elsewhere.knowsFunction(delivery.work));
    if (!isBetterElsewhere && !this.isDraining) {
      this.#writer.add(delivery, outcome);
      return;
    }
    if (!this.#slots.settle(delivery.work)) return;
    delivery.giveBack(PASS_ON_MS);
    this.#lifeline?.beat();
  }

  #take(delivery: Delivery): void {
    if (this.isDraining) {
      delivery.giveBack();
      return;
    }
    if (!this.#slots.has(delivery.work)) {
      if (delivery.isSuspect || this.#stoppedRuns.has(delivery.work.runId)) this.#suspects.add(delivery);
      else this.#hold(delivery);
    }
    // Also after a second copy of what is here: it has used up a demand.
    this.#askForMore();
  }

  #hold(delivery: Delivery): void {
    this.#notices.took(this.#slots.take(delivery));
  }

  #askForMore(): void {
    if (this.isDraining) return;
    this.#lookForRoom();
    if (this.#waits === undefined) {
      this.#supply.ask(this.#slots.running + this.#slots.waiting + this.#suspects.size);
    } else {
      this.#supply.askNothing();
    }
  }

  /** While outcomes have to wait, more of them would only fill the memory. */
  #lookForRoom(): void {
    const before = this.#waits;
    this.#waits = this.#options.pressure.why("log", "values") ?? (this.#writer.isFull ? UNSTORED : undefined);
    if ((before === undefined) === (this.#waits === undefined)) return;
    this.#lifeline?.update(this.#status());
    this.#lifeline?.beat();
  }

  /**
   * While it heard of nothing, what it holds may have been cancelled, or become another's. What has not started is
   * given back, and not asked about here: the server may have delivered it once more, and of two copies of an
   * attempt, each with a worker that asks, both could be let run.
   */
  #doubtAll(): void {
    this.#suspects.startOver();
    this.#slots.giveBackWaiting();
    this.#lifeline?.beat();
    this.#endWhatIsOver().catch((error: unknown) => this.#trouble("judging what runs", error));
  }

  async #endWhatIsOver(): Promise<void> {
    const judged = await this.#judge.judge(this.#slots.holds.map(({ delivery }) => delivery));
    for (const [{ work }, judgement] of judged) {
      if (judgement !== "over") continue;
      this.#slots.release(work);
    }
  }

  #trouble(what: string, error: unknown): void {
    this.#options.observer.observe({ kind: "trouble", what, error: String(error) });
  }

  #obey(command: WorkerCommand): void {
    switch (command.kind) {
      case "report":
        // Its lifeline hears it too.
        return;
      case "stop-run":
        this.#stopRun(command);
        return;
      case "stop-attempt":
        // Who says so may be wrong, and then it runs once more; as cancelled it would be over.
        this.#slots.release(command.attempt);
    }
  }

  #stopRun({ runId, gen }: Extract<WorkerCommand, { kind: "stop-run" }>): void {
    const isMeant = (work: Work): boolean => work.runId === runId && (work.gen ?? 0) <= gen;
    this.#suspects.end(isMeant);
    this.#slots.end("cancelled", isMeant);
    this.#stoppedRuns.get(runId)?.cancel();
    const forget = (): void => void this.#stoppedRuns.delete(runId);
    this.#stoppedRuns.set(runId, this.#options.clock.after(STOPPED_MS, forget));
  }

  async #drain(): Promise<void> {
    const { clock, shutdownTimeoutMs, graceMs } = this.#options;
    const alive = clock.stayAlive();
    const endsAt = clock.monotonic() + shutdownTimeoutMs;
    const left = (): number => Math.max(0, endsAt - clock.monotonic());
    const limit = clock.after(shutdownTimeoutMs, () => this.#releaseAll());
    // Begun before anything is given back: it would come here again.
    const stopping = this.#supply.stop();
    this.#slots.giveBackWaiting();
    this.#suspects.giveBack();
    await stopping;
    this.#lifeline?.update(this.#status());
    this.#lifeline?.beat();
    const endingMs = graceMs + ENDING_MS;
    await this.#patience.wait(this.#slots.nothingRuns(), { ms: left() + endingMs, hurriedMs: endingMs });
    limit.cancel();
    const settled = Promise.all(this.#passing).then(() => this.#writer.idle());
    await this.#patience.wait(settled, { ms: left() + STORING_MS, hurriedMs: STORING_MS });
    this.#leaveBehind();
    this.#telling?.cancel();
    this.#restored?.cancel();
    await this.#commands?.stop();
    await this.#lifeline?.stop();
    alive.cancel();
  }

  #releaseAll(): void {
    for (const { started } of this.#slots.holds) started?.stop.now("released");
  }

  /** Another worker need not wait for its ack wait. */
  #leaveBehind(): void {
    const left = this.#slots.holds.map(({ delivery }) => delivery);
    this.#leftBehind = left.map(({ work }) => claimOf(work));
    for (const delivery of left) {
      delivery.giveBack();
      this.#slots.settle(delivery.work);
    }
  }

  #status(): WorkerStatus {
    const waits = this.#waits === undefined ? {} : { waits: this.#waits };
    return { functions: this.#options.functions(), draining: this.isDraining, ...waits };
  }
}
