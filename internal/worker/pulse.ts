/**
 * Shows that a worker lives and what it holds: heartbeats, answers to probes and to `report`, and extension of what
 * it holds. It needs nothing of the worker but what it is told, so it may run anywhere, and does best where no
 * task runs.
 */
import { type AttemptId, attemptKey } from "../core/attempt.ts";
import { isBlocked } from "../core/liveness.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import type { HeldCopy, Lifeline, Liveness, WorkerIdentity, WorkerStatus } from "../ports/liveness.ts";
import type { Claim, Presence, Subscription } from "../ports/presence.ts";
import type { Extender } from "../ports/task-queue.ts";
import { every } from "./every.ts";

export interface PulseSurroundings {
  readonly presence: Pick<Presence, "heartbeat" | "onCommand" | "server">;
  readonly queue: Extender;
  readonly clock: Clock;
  readonly heartbeatMs: number;
  /** How long the queue waits for an acknowledgement, in milliseconds; what takes longer is extended in time. */
  readonly ackWaitMs: number;
  /** For how long the worker's loop has not turned, in milliseconds. */
  blockedMs(): number;
}

/** Pulses on the loop that this runs on, where their workers run too: what blocks them blocks it. */
export function loopLiveness(surroundings: Omit<PulseSurroundings, "blockedMs">): Liveness {
  return {
    begin: async (identity, status) => {
      const pulse = new Pulse({ ...surroundings, blockedMs: () => 0 }, identity, status);
      await pulse.begin();
      return pulse;
    },
  };
}

/** How often it is looked whether the worker's loop turns; a loop that stops, and one that turns again, is told at once. */
const LOOK_MS = 500;

interface Held {
  readonly claim: Claim;
  readonly receipt: string;
  readonly since: number;
}

export class Pulse implements Lifeline {
  readonly #surroundings: PulseSurroundings;
  readonly #identity: WorkerIdentity;
  readonly #held = new Map<string, Held>();
  readonly #timers: Timer[] = [];
  #status: WorkerStatus;
  #told = 0;
  #isBeatComing = false;
  #wasBlocked = false;
  #commands: Subscription | undefined;

  constructor(surroundings: PulseSurroundings, identity: WorkerIdentity, status: WorkerStatus) {
    this.#surroundings = surroundings;
    this.#identity = identity;
    this.#status = status;
  }

  async begin(): Promise<void> {
    const { presence, clock, heartbeatMs, ackWaitMs } = this.#surroundings;
    this.#commands = await presence.onCommand(this.#identity.incarnation, ({ kind }) => {
      if (kind === "report") this.#beatNow();
    });
    this.#beatNow();
    this.#timers.push(
      every(clock, heartbeatMs, () => this.#beatNow()),
      every(clock, ackWaitMs / 3, () => this.#extend()),
      every(clock, LOOK_MS, () => this.#lookAtLoop()),
    );
  }

  hold(copies: readonly HeldCopy[], n: number): void {
    this.#told = Math.max(this.#told, n);
    const since = this.#surroundings.clock.monotonic();
    for (const { claim, receipt } of copies) this.#held.set(attemptKey(claim), { claim, receipt, since });
  }

  letGo(attempt: AttemptId): void {
    this.#held.delete(attemptKey(attempt));
  }

  update(status: WorkerStatus): void {
    this.#status = status;
  }

  beat(): void {
    if (this.#isBeatComing) return;
    this.#isBeatComing = true;
    this.#surroundings.clock.soon(() => {
      if (this.#isBeatComing) this.#beatNow();
    });
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    await this.#commands?.stop();
    this.#say({ goodbye: true });
  }

  #beatNow(): void {
    this.#say({ goodbye: false });
  }

  #say({ goodbye }: { readonly goodbye: boolean }): void {
    const { presence, clock, blockedMs } = this.#surroundings;
    const now = clock.monotonic();
    this.#isBeatComing = false;
    presence.heartbeat({
      ...this.#identity,
      ...this.#status,
      server: presence.server() ?? "",
      held: [...this.#held.values()].map(({ claim, since }) => ({
        ...claim,
        heldMs: Math.round(now - since),
      })),
      told: this.#told,
      blockedMs: Math.round(blockedMs()),
      time: clock.now(),
      goodbye,
    });
  }

  /** The queue must not take what is still held for lost. */
  #extend(): void {
    this.#surroundings.queue.extend([...this.#held.values()].map(({ receipt }) => receipt));
  }

  #lookAtLoop(): void {
    const isNow = isBlocked(this.#surroundings.blockedMs());
    if (isNow === this.#wasBlocked) return;
    this.#wasBlocked = isNow;
    this.#beatNow();
  }
}
