/**
 * Holds the lease that says which executor drives the runs. Its age is taken from the monotonic clock at the
 * moment before it was asked for, so this side always lets go before the other side may take it.
 *
 * It is renewed on a schedule of its own: taking over replays the log, and may take longer than the lease lasts.
 */
import type { Clock, Timer } from "../ports/clock.ts";
import type { Lease } from "../ports/lease.ts";
import type { Observer } from "../ports/observer.ts";

export interface LeadershipOptions {
  readonly lease: Lease;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly owner: string;
  /** The lease is ours: resolves when the take-over is done. Rejects when it failed; it is tried again later. */
  gained(): Promise<void>;
  /** It is ours for one more term; perhaps it was too old to act on for a while. */
  renewed(): void;
  /** The lease is no longer ours, perhaps in the middle of the take-over. */
  lost(): Promise<void>;
}

export class Leadership {
  readonly #options: LeadershipOptions;
  #renewedAt = Number.NEGATIVE_INFINITY;
  #leads = false;
  #stopped = false;
  #timer: Timer | undefined;
  #turn: Promise<void> = Promise.resolve();
  /** The take-over under way, or done. Does not reject. */
  #takeOver: Promise<void> = Promise.resolve();

  constructor(options: LeadershipOptions) {
    this.#options = options;
  }

  /** The lease is ours and not too old to act on. */
  get holds(): boolean {
    const { clock, lease } = this.#options;
    return this.#leads && clock.monotonic() - this.#renewedAt < lease.termMs;
  }

  /** Resolves when it is known who leads; a take-over may go on for as long as the log is long. */
  async start(): Promise<void> {
    await this.#takeTurn();
    this.#schedule();
  }

  /** Gives the lease up for now; the next turn asks for it again, and takes over anew. */
  stepDown(): void {
    this.#turn = this.#turn.then(() => this.#resign());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#turn;
    await this.#resign();
    // It ends soon once the lease is given up.
    await this.#takeOver;
  }

  #schedule(): void {
    this.#timer = this.#options.clock.after(this.#options.lease.termMs / 3, () => {
      this.#turn = this.#takeTurn().finally(() => {
        if (!this.#stopped) this.#schedule();
      });
    });
  }

  async #takeTurn(): Promise<void> {
    const { lease, owner, clock } = this.#options;
    const askedAt = clock.monotonic();
    try {
      if (this.#leads ? await lease.renew(owner) : await lease.acquire(owner)) {
        this.#renewedAt = askedAt;
        if (this.#leads) this.#options.renewed();
        else this.#takeOver = this.#lead();
      } else if (this.#leads) {
        await this.#follow();
      }
    } catch (error) {
      this.#trouble(this.#leads ? "renewing the lease" : "asking for the lease", error);
      if (this.#leads && !this.holds) await this.#follow();
    }
  }

  async #lead(): Promise<void> {
    this.#leads = true;
    try {
      await this.#options.gained();
      if (this.#leads) this.#options.observer.observe({ kind: "lease-taken", owner: this.#options.owner });
    } catch (error) {
      this.#trouble("taking over the runs", error);
      // Another may be able to; if not, it is tried again at the next turn.
      await this.#resign();
    }
  }

  async #follow(kind: "lease-lost" | "lease-released" = "lease-lost"): Promise<void> {
    this.#leads = false;
    await this.#options.lost();
    this.#options.observer.observe({ kind, owner: this.#options.owner });
  }

  /** Gives the lease up, if it is ours. */
  async #resign(): Promise<void> {
    if (!this.#leads) return;
    await this.#follow("lease-released");
    await this.#options.lease.release(this.#options.owner).catch((error: unknown) => {
      this.#trouble("releasing the lease", error);
    });
  }

  #trouble(what: string, error: unknown): void {
    this.#options.observer.observe({ kind: "trouble", what, error: String(error) });
  }
}
