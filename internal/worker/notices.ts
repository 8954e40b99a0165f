/** What a worker tells of what it takes, before it begins any of it: to its lifeline, and to all executors. */
import type { Work } from "../core/attempt.ts";
import type { Clock } from "../ports/clock.ts";
import type { HeldCopy, WorkerIdentity } from "../ports/liveness.ts";
import type { Claim, Presence } from "../ports/presence.ts";
import type { Hold } from "./slots.ts";

export interface NoticesOptions {
  readonly identity: Pick<WorkerIdentity, "workerId" | "incarnation">;
  readonly presence: Pick<Presence, "took">;
  readonly clock: Clock;
  /** It holds these from now on, as notice `n` says. */
  onTaken(copies: readonly HeldCopy[], n: number): void;
  /** The notice of these has left the process. */
  onTold(holds: readonly Hold[]): void;
}

export class Notices {
  readonly #options: NoticesOptions;
  #untold: Hold[] = [];
  #count = 0;

  constructor(options: NoticesOptions) {
    this.#options = options;
  }

  /** One notice for all that came within this turn of the loop. It has left the process by the turn after. */
  took(hold: Hold): void {
    this.#untold.push(hold);
    if (this.#untold.length > 1) return;
    this.#options.clock.soon(() => this.#tell());
  }

  #tell(): void {
    const { identity, presence, clock, onTaken, onTold } = this.#options;
    const { workerId, incarnation } = identity;
    // What was given back within the same turn is not told of at all.
    const holds = this.#untold.filter(({ isGone }) => isGone === undefined);
    this.#untold = [];
    if (holds.length === 0) return;
    const n = ++this.#count;
    const copies = holds.map(({ delivery: { work, receipt } }) => ({ claim: claimOf(work), receipt }));
    onTaken(copies, n);
    presence.took({ workerId, incarnation, n, attempts: copies.map(({ claim }) => claim) });
    clock.soon(() => onTold(holds));
  }
}

/** The identity alone, with the queue and the partition. */
export function claimOf({ runId, task, index, attempt, queue, partition }: Work): Claim {
  return { runId, task, index, attempt, queue, partition };
}
