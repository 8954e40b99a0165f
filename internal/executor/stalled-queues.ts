/**
 * Queues that stand still: copies wait in them, workers wait for copies, and nothing moves. Servers were seen to come
 * to this; a consumer that is created anew delivers again. Two looks must find the same: between them the reconcile
 * pass leaves far more time than any delivery takes.
 */
import { hash32, PARTITIONS } from "../core/hash.ts";
import type { Observer } from "../ports/observer.ts";
import type { TaskQueue } from "../ports/task-queue.ts";

export interface StalledQueuesOptions {
  readonly queue: Pick<TaskQueue, "depth" | "renew">;
  readonly observer: Observer;
  /** Runs of this partition are driven here, and the lease of its share is held. */
  mayAct(partition: number): boolean;
}

/** What moves when anything does. */
interface Look {
  readonly deliveredSeq: number;
  readonly inFlight: number;
  readonly waiting: number;
}

export class StalledQueues {
  readonly #options: StalledQueuesOptions;
  /** What the last look has found of queues that may stand still. */
  #suspected = new Map<string, Look>();

  constructor(options: StalledQueuesOptions) {
    this.#options = options;
  }

  /** Looks at these queues, and renews those that did not move since the last look. */
  async check(queues: Iterable<string>): Promise<void> {
    const before = this.#suspected;
    this.#suspected = new Map();
    for (const queue of queues) {
      if (this.#isOurs(queue)) await this.#look(queue, before.get(queue));
    }
  }

  /** Of several executors one renews it. */
  #isOurs(queue: string): boolean {
    return this.#options.mayAct(hash32(queue) % PARTITIONS);
  }

  async #look(queue: string, before: Look | undefined): Promise<void> {
    const { deliveredSeq, inFlight, waiting, isWanted } = await this.#options.queue.depth(queue);
    if (waiting === 0 || !isWanted) return;
    const stoodStill =
      before?.deliveredSeq === deliveredSeq && before.inFlight === inFlight && before.waiting === waiting;
    if (!stoodStill) {
      this.#suspected.set(queue, { deliveredSeq, inFlight, waiting });
      return;
    }
    const what = `queue '${queue}' has stopped delivering while ${waiting} attempts wait: it is begun anew`;
    this.#options.observer.observe({ kind: "trouble", what, error: "" });
    await this.#options.queue.renew(queue);
  }
}
