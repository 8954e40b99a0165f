/** Watches what the workers start. */
import { type AttemptId, attemptKey } from "../../../internal/core/attempt.ts";
import type { SimWorker } from "../actors/sim-worker.ts";
import type { TaskCall } from "../../../internal/ports/task-executor.ts";
import type { World } from "../engine/world.ts";
import { inputFound } from "./inputs.ts";
import type { Truth } from "./truth.ts";

/** Who reads the log may see it so long after. */
const LAG_MS = 10;

export interface StartsOptions {
  readonly world: World;
  readonly truth: Truth;
  /** Nothing goes wrong in this seed: no attempt may start twice. */
  readonly isCalm: boolean;
}

interface Copy {
  /** When it came. */
  readonly at: number;
  /** No copy of the attempt had come to any worker before. */
  readonly isFirst: boolean;
}

export class Starts {
  total = 0;
  /** Attempts that were started more than once. */
  doubled = 0;
  readonly #options: StartsOptions;
  readonly #count = new Map<string, number>();
  readonly #running = new Map<SimWorker, Set<string>>();
  /** The newest copy that came to a worker, by attempt key. */
  readonly #copies = new WeakMap<SimWorker, Map<string, Copy>>();
  readonly #everDelivered = new Set<string>();

  constructor(options: StartsOptions) {
    this.#options = options;
  }

  /** Of living workers. */
  get running(): number {
    let running = 0;
    for (const [worker, keys] of this.#running) if (worker.process.isAlive) running += keys.size;
    return running;
  }

  delivered(attempt: AttemptId, worker: SimWorker): void {
    const key = attemptKey(attempt);
    let copies = this.#copies.get(worker);
    if (copies === undefined) this.#copies.set(worker, (copies = new Map()));
    copies.set(key, { at: this.#options.world.now, isFirst: !this.#everDelivered.has(key) });
    this.#everDelivered.add(key);
  }

  begun(attempt: TaskCall, worker: SimWorker): void {
    const { world, truth, isCalm } = this.#options;
    const key = attemptKey(attempt);
    world.note(`${worker.name} starts ${key}`);
    this.total++;
    const times = (this.#count.get(key) ?? 0) + 1;
    this.#count.set(key, times);
    if (times > 1) this.doubled++;
    this.#set(worker).add(key);
    const inputs = truth.everOwed.get(key);
    const found = inputFound(attempt, worker.files);
    if (inputs === undefined) world.fail("starts after its upstream", `${key} starts, but was never owed`);
    else if (!inputs.has(found))
      world.fail(
        "it finds the artifacts that count",
        `${key}: ${found} instead of ${[...inputs].join(" or ")}`,
      );
    if (times > 1 && isCalm) world.fail("runs once", `${key} starts again on ${worker.name}`);
    this.#checkCancel(attempt, worker);
    this.#checkOver(key, worker);
  }

  ended(attempt: AttemptId, worker: SimWorker): void {
    this.#options.world.note(`${worker.name} ends ${attemptKey(attempt)}`);
    this.#set(worker).delete(attemptKey(attempt));
  }

  #set(worker: SimWorker): Set<string> {
    let keys = this.#running.get(worker);
    if (keys === undefined) this.#running.set(worker, (keys = new Set()));
    return keys;
  }

  /**
   * A copy that comes when its attempt has an outcome is none to be trusted. An outcome is written by who had a copy, or
   * about who had one, so that the first copy of all may be trusted; only a forged outcome may be before that.
   */
  #checkOver(key: string, worker: SimWorker): void {
    const { world, truth } = this.#options;
    const copy = this.#copies.get(worker)?.get(key);
    const endedAt = truth.endedAt.get(key);
    if (copy === undefined || endedAt === undefined || copy.at <= endedAt + LAG_MS) return;
    if (copy.isFirst && truth.forged.has(key)) return;
    const late = Math.round(copy.at - endedAt);
    world.fail("what is over does not run", `${key} starts on ${worker.name}, ${late} ms after its outcome`);
  }

  /** A worker that was told starts nothing of the run. */
  #checkCancel(attempt: AttemptId, worker: SimWorker): void {
    const { world, truth } = this.#options;
    const key = attemptKey(attempt);
    const cancelledAt = truth.cancelledAt.get(key);
    const toldAt = worker.toldAt.get(attempt.runId);
    if (cancelledAt === undefined || toldAt === undefined || toldAt < cancelledAt) return;
    world.fail(
      "nothing starts after a cancel",
      `${key} starts on ${worker.name}, which was told to stop its run`,
    );
  }
}
