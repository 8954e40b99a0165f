/**
 * Holds one lease, for as long as it is wanted. Its age is taken from the monotonic clock at the moment before it
 * was asked for, so this side always lets go before the other side may take it.
 *
 * It is renewed on a schedule of its own: taking over replays the log, and may take longer than the lease lasts.
 */
import type { Clock, Timer } from "../ports/clock.ts";
import type { Lease } from "../ports/lease.ts";

export interface LeadershipOptions {
  readonly lease: Lease;
  readonly clock: Clock;
  readonly owner: string;
  /** The lease is ours: resolves when the take-over is done. Rejects when it failed; the lease is given up then. */
  gained(): Promise<void>;
  /** It is ours for one more term; perhaps it was too old to act on for a while. */
  renewed(): void;
  /** It is about to be given up: resolves when what is under way has come to its end. It is still ours meanwhile. */
  finish(): Promise<void>;
  /** The lease is no longer ours, perhaps in the middle of the take-over. */
  lost(how: "lapsed" | "released"): Promise<void>;
  trouble(what: string, error: unknown): void;
}

/** Longer than others wait before they take what nobody has taken. */
const MAX_REST_TERMS = 3;

export class Leadership {
  readonly #options: LeadershipOptions;
  #renewedAt = Number.NEGATIVE_INFINITY;
  #leads = false;
  /** Counts how often it was gained. */
  #terms = 0;
  #stopped = false;
  /** Take-overs that failed, one after the other; after each it is left to others for longer. */
  #failures = 0;
  #restsUntil = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  #turn: Promise<void> = Promise.resolve();
  #asking: Promise<void> | undefined;
  #leaving: Promise<void> | undefined;
  /** The take-over under way, or done. Does not reject. */
  #takeOver: Promise<void> = Promise.resolve();

  constructor(options: LeadershipOptions) {
    this.#options = options;
  }

  /** The lease is ours, perhaps too old to act on. */
  get leads(): boolean {
    return this.#leads;
  }

  /** For how long the lease, if it is ours, may still be acted on; 0 where it is not or is too old. */
  get leftMs(): number {
    const { clock, lease } = this.#options;
    return this.#leads ? Math.max(0, this.#renewedAt + lease.termMs - clock.monotonic()) : 0;
  }

  /** It is about to be given up in order. */
  get isLeaving(): boolean {
    return this.#leaving !== undefined;
  }

  /** Asks for the lease. Resolves when it is answered; a take-over may go on for as long as the log is long. */
  take(): Promise<void> {
    this.#asking ??= this.#inTurn(() => this.#acquire()).finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  /** Gives it up in order, if it is ours. */
  giveUp(): Promise<void> {
    this.#leaving ??= this.#leave().finally(() => (this.#leaving = undefined));
    return this.#leaving;
  }

  /** Gives it up at once, if it is ours. */
  async stepDown(): Promise<void> {
    await this.#inTurn(() => this.#resign());
    // It ends soon once the lease is given up.
    await this.#takeOver;
  }

  /** Gives it up in order, and takes it no more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#turn;
    await this.giveUp();
  }

  #inTurn(act: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(act).catch((error: unknown) => this.#options.trouble("at a lease", error));
    return this.#turn;
  }

  async #acquire(): Promise<void> {
    const { lease, owner, clock } = this.#options;
    const askedAt = clock.monotonic();
    if (this.#leads || this.#stopped || this.isLeaving || askedAt < this.#restsUntil) return;
    try {
      if (!(await lease.acquire(owner))) return;
    } catch (error) {
      this.#options.trouble("asking for a lease", error);
      return;
    }
    this.#renewedAt = askedAt;
    this.#leads = true;
    this.#renewLater();
    this.#takeOver = this.#lead(++this.#terms);
  }

  #renewLater(): void {
    this.#timer = this.#options.clock.after(this.#options.lease.termMs / 3, () => {
      void this.#inTurn(() => this.#renew());
    });
  }

  async #renew(): Promise<void> {
    if (!this.#leads) return;
    const { lease, owner, clock } = this.#options;
    const askedAt = clock.monotonic();
    try {
      if (await lease.renew(owner)) {
        this.#renewedAt = askedAt;
        this.#options.renewed();
      } else {
        await this.#follow("lapsed");
      }
    } catch (error) {
      this.#options.trouble("renewing a lease", error);
      if (this.leftMs === 0) await this.#follow("lapsed");
    }
    if (this.#leads) this.#renewLater();
  }

  async #lead(term: number): Promise<void> {
    try {
      await this.#options.gained();
      this.#failures = 0;
    } catch (error) {
      this.#options.trouble("taking over runs", error);
      if (term !== this.#terms) return;
      const { clock, lease } = this.#options;
      const rest = (lease.termMs / 3) * 2 ** this.#failures++;
      this.#restsUntil = clock.monotonic() + Math.min(rest, MAX_REST_TERMS * lease.termMs);
      void this.#inTurn(() => this.#resign());
    }
  }

  async #leave(): Promise<void> {
    if (!this.#leads) return;
    await this.#options.finish();
    await this.stepDown();
  }

  async #follow(how: "lapsed" | "released"): Promise<void> {
    this.#timer?.cancel();
    this.#leads = false;
    await this.#options.lost(how);
  }

  async #resign(): Promise<void> {
    if (!this.#leads) return;
    await this.#follow("released");
    const { lease, owner } = this.#options;
    await lease.release(owner).catch((error: unknown) => this.#options.trouble("releasing a lease", error));
  }
}
