/**
 * Everything that a worker has taken and not yet settled: what waits for a slot, what runs on one, and what has
 * ended and is being stored.
 *
 * A slot is free as soon as its attempt has ended; the outcome is on its way meanwhile. A copy that cannot start
 * soon is given back: another worker may be idle.
 */
import { type AttemptId, attemptKey, type Work } from "../core/attempt.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Clock } from "../ports/clock.ts";
import type { Delivery } from "../ports/task-queue.ts";
import { Stop, type StopReason } from "./attempt.ts";

/** A copy that waited so long here for a slot is given back. */
const MAX_WAIT_MS = 500;
/** One that is so old was overtaken by a standstill of this process: it does not start, whatever was said of it. */
const STALE_MS = 2_000;

/** A copy that this worker has taken. */
export interface Hold {
  /** Of its attempt. */
  readonly key: string;
  readonly delivery: Delivery;
  readonly takenAt: number;
  /** Set once it may start. */
  isAdmitted?: true;
  /** Set once it has started. */
  started?: { readonly stop: Stop; readonly at: number };
  /** Set once it is settled or let go. */
  isGone?: true;
}

export interface SlotsOptions {
  /** Attempts that run at a time. */
  readonly size: number;
  readonly clock: Clock;
  /** Whether this process would hear of what must not start. */
  mayStart(): boolean;
  /** Runs an attempt to its end; never rejects. */
  run(work: Work, stop: Stop): Promise<Outcome>;
  onEnded(delivery: Delivery, outcome: Outcome): void;
  /** There may be room for more. */
  onRoom(): void;
  /** It is not here any more. */
  onGone(work: Work): void;
  /** Something was let go that has no outcome. */
  onLetGo(): void;
}

export class Slots {
  readonly #options: SlotsOptions;
  /** By attempt key; what waits for a slot is in `#waiting` too. */
  readonly #holds = new Map<string, Hold>();
  readonly #waiting: Hold[] = [];
  #running = 0;
  #isLookingAgain = false;
  #whenNothingRuns: (() => void) | undefined;

  constructor(options: SlotsOptions) {
    this.#options = options;
  }

  get running(): number {
    return this.#running;
  }
  get waiting(): number {
    return this.#waiting.length;
  }
  get holds(): readonly Hold[] {
    return [...this.#holds.values()];
  }

  /** A copy of this attempt is here. Its outcome settles every other copy too. */
  has(attempt: AttemptId): boolean {
    return this.#holds.has(attemptKey(attempt));
  }

  /** Takes a copy in, the first of its attempt; it starts no sooner than `admit` says. */
  take(delivery: Delivery): Hold {
    const key = attemptKey(delivery.work);
    const hold: Hold = { key, delivery, takenAt: this.#options.clock.monotonic() };
    this.#holds.set(key, hold);
    this.#waiting.push(hold);
    return hold;
  }

  /** These may start, as soon as there are slots. */
  admit(holds: readonly Hold[]): void {
    for (const hold of holds) hold.isAdmitted = true;
    this.#fill();
  }

  /** Its outcome is stored, or never will be. `false` when it was let go before. */
  settle(work: Work): boolean {
    const hold = this.#holds.get(attemptKey(work));
    if (hold !== undefined) this.#forget(hold);
    return hold !== undefined;
  }

  /** Somebody else will see to this attempt, if it is here. */
  release(attempt: AttemptId): void {
    const hold = this.#holds.get(attemptKey(attempt));
    if (hold !== undefined) this.end("released", (work) => work === hold.delivery.work);
  }

  /** Ends what runs of the work that is meant; what waits of it is dropped when it is cancelled, and else given back. */
  end(reason: StopReason, isMeant: (work: Work) => boolean): void {
    this.#letGo(
      ({ delivery }) => isMeant(delivery.work),
      ({ delivery }) => (reason === "cancelled" ? delivery.ack() : delivery.giveBack()),
    );
    for (const { delivery, started } of this.#holds.values()) {
      if (isMeant(delivery.work)) started?.stop.now(reason);
    }
    this.#options.onRoom();
  }

  /** Nothing of what waits will start. */
  giveBackWaiting(): void {
    this.#letGo(
      () => true,
      ({ delivery }) => delivery.giveBack(),
    );
  }

  async nothingRuns(): Promise<void> {
    if (this.#running === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenNothingRuns = resolve;
    });
  }

  #fill(): void {
    const { size, mayStart } = this.#options;
    if (mayStart()) this.#giveBackOlder(STALE_MS);
    while (mayStart() && this.#running < size && this.#waiting[0]?.isAdmitted === true) {
      const hold = this.#waiting.shift();
      if (hold !== undefined) void this.#start(hold);
    }
    if (this.#waiting.length > 0) this.#lookAgainSoon();
  }

  async #start(hold: Hold): Promise<void> {
    const { clock, run, onEnded, onRoom } = this.#options;
    const stop = new Stop();
    hold.started = { stop, at: clock.monotonic() };
    this.#running++;
    const outcome = await run(hold.delivery.work, stop);
    onEnded(hold.delivery, outcome);
    this.#running--;
    this.#fill();
    onRoom();
    if (this.#running === 0) this.#whenNothingRuns?.();
  }

  #lookAgainSoon(): void {
    if (this.#isLookingAgain) return;
    this.#isLookingAgain = true;
    this.#options.clock.after(MAX_WAIT_MS, () => {
      this.#isLookingAgain = false;
      // Without a connection nothing can be given back.
      if (this.#options.mayStart()) this.#giveBackOlder(MAX_WAIT_MS);
      if (this.#waiting.length > 0) this.#lookAgainSoon();
    });
  }

  #giveBackOlder(ms: number): void {
    const limit = this.#options.clock.monotonic() - ms;
    // What came first is in front.
    const [oldest] = this.#waiting;
    if (oldest === undefined || oldest.takenAt > limit) return;
    this.#letGo(
      ({ takenAt }) => takenAt <= limit,
      ({ delivery }) => delivery.giveBack(),
    );
  }

  #letGo(isMeant: (hold: Hold) => boolean, act: (hold: Hold) => void): void {
    for (const hold of this.#waiting.splice(0)) {
      if (!isMeant(hold)) {
        this.#waiting.push(hold);
        continue;
      }
      this.#forget(hold);
      act(hold);
      this.#options.onLetGo();
    }
  }

  #forget(hold: Hold): void {
    hold.isGone = true;
    this.#holds.delete(hold.key);
    this.#options.onGone(hold.delivery.work);
  }
}
