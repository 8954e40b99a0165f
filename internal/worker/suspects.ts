/**
 * Copies that this worker must not run before somebody has said so. They are not among what it holds: whoever holds
 * them is what is being asked.
 *
 * U1 A judgement counts only if it was asked for on the connection that stands now.
 * U2 Of each share one question at a time is under way; what comes meanwhile goes with the next.
 * U3 As long as a copy is here it is extended: an answer must not come when somebody else has been given it.
 */
import { attemptKey, type Work } from "../core/attempt.ts";
import type { Clock } from "../ports/clock.ts";
import type { Link } from "../ports/link.ts";
import type { Observer } from "../ports/observer.ts";
import type { Delivery, Extender } from "../ports/task-queue.ts";
import { byShare } from "./judge.ts";
import type { Judgement } from "./own-judgement.ts";

export interface SuspectsOptions {
  readonly clock: Pick<Clock, "soon" | "after">;
  /** The queue is not to deliver them again while they are asked about. */
  readonly queue: Extender;
  readonly link: Pick<Link, "isUp">;
  readonly observer: Observer;
  judge(copies: readonly Delivery[]): Promise<ReadonlyMap<Delivery, Judgement>>;
  /** It may run. */
  onCleared(delivery: Delivery): void;
  /** It has come to nothing too often, and nobody else is there to say so. */
  onLost(delivery: Delivery): void;
  /** There may be room for more. */
  onRoom(): void;
  onError(error: unknown): void;
}

/** How long a copy that another worker holds, or that nobody can judge now, is left alone. */
const HELD_MS = 2_000;
const MAX_ASKED = 256;
/** Well below any ack wait. */
const EXTEND_MS = 1_000;

export class Suspects {
  readonly #options: SuspectsOptions;
  /** By run and attempt; the newest copy of each. */
  readonly #copies = new Map<string, Delivery>();
  /** Shares of which a question is under way. */
  readonly #asking = new Set<number>();
  /** Counts the connections. */
  #epoch = 0;
  #isAskingSoon = false;
  #isExtending = false;

  constructor(options: SuspectsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#copies.size;
  }

  add(delivery: Delivery): void {
    this.#copies.set(keyOf(delivery.work), delivery);
    this.#askSoon();
    this.#extendLater();
  }

  /** The connection was lost and is back: what came before goes back, and what was said of it means nothing now. */
  startOver(): void {
    this.#epoch++;
    this.#asking.clear();
    this.giveBack();
  }

  /** Drops the work that is meant. */
  end(isMeant: (work: Work) => boolean): void {
    this.#letGo(
      (delivery) => isMeant(delivery.work),
      (delivery) => delivery.ack(),
    );
  }

  giveBack(): void {
    this.#letGo(
      () => true,
      (delivery) => delivery.giveBack(),
    );
  }

  #letGo(isMeant: (delivery: Delivery) => boolean, act: (delivery: Delivery) => void): void {
    for (const [key, delivery] of this.#copies) {
      if (!isMeant(delivery)) continue;
      this.#copies.delete(key);
      act(delivery);
    }
  }

  #extendLater(): void {
    if (this.#isExtending) return;
    this.#isExtending = true;
    this.#options.clock.after(EXTEND_MS, () => {
      this.#isExtending = false;
      if (this.#copies.size === 0) return;
      this.#options.queue.extend([...this.#copies.values()].map(({ receipt }) => receipt));
      this.#extendLater();
    });
  }

  #askSoon(): void {
    if (this.#isAskingSoon) return;
    this.#isAskingSoon = true;
    this.#options.clock.soon(() => {
      this.#isAskingSoon = false;
      this.#ask();
    });
  }

  #ask(): void {
    if (!this.#options.link.isUp()) return;
    for (const [share, copies] of byShare(this.#copies.values())) {
      if (!this.#asking.has(share)) void this.#askOf(share, copies.slice(0, MAX_ASKED));
    }
  }

  async #askOf(share: number, copies: readonly Delivery[]): Promise<void> {
    const epoch = this.#epoch;
    this.#asking.add(share);
    const judged = await this.#options.judge(copies).catch((error: unknown) => {
      if (epoch === this.#epoch) this.#options.onError(error);
      return new Map<Delivery, Judgement>();
    });
    if (epoch !== this.#epoch || !this.#options.link.isUp()) return;
    this.#asking.delete(share);
    for (const copy of copies) this.#settle(copy, judged.get(copy) ?? "held");
    this.#options.onRoom();
    this.#askSoon();
  }

  #settle({ work }: Delivery, judgement: Judgement): void {
    const key = keyOf(work);
    // Given back or dropped meanwhile; a newer copy is the same attempt.
    const delivery = this.#copies.get(key);
    if (delivery === undefined) return;
    this.#copies.delete(key);
    this.#options.observer.observe({ kind: "copy-judged", attempt: work, judgement });
    switch (judgement) {
      case "run":
        this.#options.onCleared(delivery);
        return;
      case "held":
        delivery.giveBack(HELD_MS);
        return;
      case "over":
        delivery.ack();
        return;
      case "lost":
        this.#options.onLost(delivery);
    }
  }
}

/** A log that was put back may have another run of the same id, and its attempts are others. */
function keyOf(work: Work): string {
  return `${work.runSeq}.${attemptKey(work)}`;
}
