/** What a worker tells of itself: what it takes, at once, and all that it holds, with each heartbeat. */
import type { Work } from "../core/attempt.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import type { Claim, Heartbeat, Presence } from "../ports/presence.ts";
import { every } from "./every.ts";
import type { Hold } from "./slots.ts";

export interface NoticesOptions {
  readonly workerId: string;
  readonly incarnation: string;
  readonly presence: Presence;
  readonly clock: Clock;
  readonly heartbeatMs: number;
  heartbeat(): Omit<Heartbeat, "goodbye">;
  /** The notice of these has left the process. */
  onTold(holds: readonly Hold[]): void;
}

export class Notices {
  readonly #options: NoticesOptions;
  #untold: Hold[] = [];
  #isBeatComing = false;
  #timer: Timer | undefined;

  constructor(options: NoticesOptions) {
    this.#options = options;
  }

  start(): void {
    const { clock, heartbeatMs } = this.#options;
    this.beat();
    this.#timer = every(clock, heartbeatMs, () => this.beat());
  }

  /** The last word. */
  stop(): void {
    const { presence, heartbeat } = this.#options;
    this.#timer?.cancel();
    presence.heartbeat({ ...heartbeat(), goodbye: true });
  }

  beat(): void {
    const { presence, heartbeat } = this.#options;
    presence.heartbeat({ ...heartbeat(), goodbye: false });
  }

  /** What is let go without an outcome is known to others only by a heartbeat. */
  beatSoon(): void {
    if (this.#isBeatComing) return;
    this.#isBeatComing = true;
    this.#options.clock.soon(() => {
      this.#isBeatComing = false;
      this.beat();
    });
  }

  /** One notice for all that came within this turn of the loop. It has left the process by the turn after. */
  took(hold: Hold): void {
    this.#untold.push(hold);
    if (this.#untold.length > 1) return;
    this.#options.clock.soon(() => {
      const { workerId, incarnation, presence, clock, onTold } = this.#options;
      const holds = this.#untold;
      this.#untold = [];
      presence.took({ workerId, incarnation, attempts: holds.map(({ delivery }) => claimOf(delivery.work)) });
      clock.soon(() => onTold(holds));
    });
  }
}

/** The identity alone, with the queue and the partition. */
export function claimOf({ runId, task, index, attempt, queue, partition }: Work): Claim {
  return { runId, task, index, attempt, queue, partition };
}
