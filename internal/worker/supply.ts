/** The queues that a worker takes from, and how much it wants of each. */
import { nextAverage, prefetchSize } from "../core/flow.ts";
import type { Delivery, Intake, TaskQueue } from "../ports/task-queue.ts";

export class Supply {
  readonly #slots: number;
  readonly #intakes = new Map<string, Intake>();
  /** How long attempts take, by queue: of long ones nothing is taken ahead. */
  readonly #averages = new Map<string, number>();

  constructor(slots: number) {
    this.#slots = slots;
  }

  async open(
    queue: TaskQueue,
    names: readonly string[],
    onDelivery: (delivery: Delivery) => void,
  ): Promise<void> {
    for (const name of names) this.#intakes.set(name, await queue.open(name, onDelivery));
  }

  ended(queue: string, durationMs: number): void {
    this.#averages.set(queue, nextAverage(this.#averages.get(queue) ?? 0, durationMs));
  }

  /** Tells each queue how much more may come, when so many attempts are here that run or wait. */
  ask(taken: number): void {
    for (const [queue, intake] of this.#intakes) {
      const ahead = prefetchSize(this.#slots, this.#averages.get(queue) ?? 0);
      intake.demand(Math.max(0, this.#slots + ahead - taken));
    }
  }

  askNothing(): void {
    for (const intake of this.#intakes.values()) intake.demand(0);
  }

  /** Resolves when nothing more can come. */
  async stop(): Promise<void> {
    await Promise.all([...this.#intakes.values()].map((intake) => intake.stop()));
  }
}
