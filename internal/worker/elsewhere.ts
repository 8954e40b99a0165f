/** Whether another worker can do what this one cannot; the executor knows all live ones. */
import type { Work } from "../core/attempt.ts";
import type { Clock } from "../ports/clock.ts";
import type { ClusterView } from "../core/cluster-view.ts";
import type { Desk } from "../ports/desk.ts";

const ASK_MS = 1_000;
/** An answer counts for so long: many attempts may fail for the same reason at once. */
const FRESH_MS = 1_000;

export class Elsewhere {
  readonly #desk: Pick<Desk, "ask">;
  readonly #clock: Clock;
  #answer: { readonly view: Promise<ClusterView | undefined>; readonly askedAt: number } | undefined;

  constructor({ desk, clock }: { readonly desk: Pick<Desk, "ask">; readonly clock: Clock }) {
    this.#desk = desk;
    this.#clock = clock;
  }

  /** A live worker that takes from the attempt's queue has its function. */
  async knowsFunction({ queue, command }: Work): Promise<boolean> {
    const view = await this.#view();
    if (view === undefined) return false;
    return view.workers.some(
      ({ queues, functions, draining }) =>
        !draining && functions.includes(command) && (queues.includes(queue) || queues.includes("*")),
    );
  }

  #view(): Promise<ClusterView | undefined> {
    const now = this.#clock.monotonic();
    if (this.#answer === undefined || now - this.#answer.askedAt > FRESH_MS) {
      const view = this.#desk.ask(ASK_MS).catch(() => undefined);
      this.#answer = { view, askedAt: now };
    }
    return this.#answer.view;
  }
}
