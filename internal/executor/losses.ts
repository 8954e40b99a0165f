/**
 * What is lost with a worker: what it said it held, at once; and what it had pulled and could not say any more.
 *
 * Of the latter nobody has a word. Such an attempt has been delivered (its position is not above what the queue has
 * delivered), was not given back, and no live worker holds it, also after all of them were asked and had time to
 * read what had come to them. A worker whose loop does not turn cannot tell, so nothing is concluded while there
 * is one; then the queue's own ack wait decides.
 */
import { attemptKey } from "../core/attempt.ts";
import type { DeathSign } from "../core/liveness.ts";
import type { Clock } from "../ports/clock.ts";
import type { Observer } from "../ports/observer.ts";
import type { Claim, Presence } from "../ports/presence.ts";
import type { QueuedAttempt, TaskQueue } from "../ports/task-queue.ts";
import { type Claimed, type LiveTable, type LiveWorker, serves } from "./live-table.ts";
import type { Verdicts, VerdictsOptions } from "./verdicts.ts";

/** An attempt that this executor has put into the queue, and that has no outcome. */
export interface Enqueued extends Claim {
  /** Its position in the queue; unknown of what was there already. */
  readonly seq?: number;
  /** When it was enqueued, by the monotonic clock; unknown of what was there already. */
  readonly at?: number;
}

export interface LossesOptions extends Pick<VerdictsOptions, "mayAct" | "find"> {
  /** Every run in this partition is known, and `find` can be relied on. */
  knowsAll(partition: number): boolean;
  readonly queue: Pick<TaskQueue, "seqOf" | "depth">;
  readonly presence: Pick<Presence, "command">;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly table: LiveTable;
  readonly verdicts: Verdicts;
  /** How long a worker that dies in silence may take until it is known to be dead, in milliseconds. */
  readonly deadAfterMs: number;
  enqueued(): Iterable<Enqueued>;
}

interface Death {
  readonly worker: LiveWorker;
  readonly at: number;
  /** Until then attempts may have come to it, whether it lived or not. */
  readonly servedUntil: number;
  /** How it is known, in words. */
  readonly why: string;
}

/** What a dead worker said it held, and nobody has ended yet. */
interface Orphan {
  readonly death: Death;
  readonly claim: Claimed;
  readonly since: number;
  isPassing: boolean;
}

/** What had come to a worker before the question is in what it says so long after it, if its loop turns. */
const SETTLE_MS = 750;
const TURNS_MS = 250;
const ASK_EVERY_MS = 250;
/** What a worker has asked the queue for comes to it for so long, at most, also when it is frozen. */
const DEMAND_MS = 6_000;
/** What another executor could not do before it died too is done by the one that comes after it; later the ack wait has done it. */
const REMEMBER_MS = 60_000;

export class Losses {
  readonly #options: LossesOptions;
  #orphans: Orphan[] = [];
  /** The dead of late. */
  #deaths: Death[] = [];
  #countsFrom = Number.NEGATIVE_INFINITY;
  #stopped = false;

  constructor(options: LossesOptions) {
    this.#options = options;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** What was not heard until now was perhaps our own doing: nothing is ended before everybody had a full term to say what it holds. */
  excuse(): void {
    const { clock, deadAfterMs } = this.#options;
    this.#countsFrom = clock.monotonic() + deadAfterMs;
  }

  /** It is dead, and out of the table. */
  died(worker: LiveWorker, sign: DeathSign): void {
    const { clock, deadAfterMs } = this.#options;
    const { workerId } = worker.beat;
    const silence = Math.round(deadAfterMs / 1_000);
    const how = sign === "silent" ? `nothing heard of it for ${silence} s` : "its connection is gone";
    const at = clock.monotonic();
    // With a connection goes all that was asked for by it.
    const servedUntil = sign === "silent" ? Math.max(at, worker.signs.heardAt + DEMAND_MS) : at;
    const death: Death = { worker, at, servedUntil, why: `worker '${workerId}' is dead: ${how}` };
    for (const { attempt: claim, since } of worker.held.values()) {
      this.#orphans.push({ death, claim, since, isPassing: false });
    }
    this.#deaths.push(death);
    this.endOrphans();
    void this.#lookForUntold(death);
    if (servedUntil > at) clock.after(servedUntil - at, () => void this.#lookForUntold(death));
  }

  /** It drives more runs than before: what of them was lost with the dead of late, nobody else may have ended. */
  tookOver(): void {
    this.endOrphans();
    for (const death of this.#deaths) void this.#lookForUntold(death);
  }

  /** Ends what the dead had claimed, as far as this executor may by now. */
  endOrphans(): void {
    const { table, clock, find, mayAct, knowsAll, deadAfterMs } = this.#options;
    const since = clock.monotonic() - REMEMBER_MS - deadAfterMs;
    this.#deaths = this.#deaths.filter(({ at }) => at >= since);
    this.#orphans = this.#orphans.filter(
      ({ death, claim }) =>
        death.at >= since &&
        // Else the queue has given it to another, who is alive.
        table.holderOf(claim) === undefined &&
        (!knowsAll(claim.partition) || find(claim) !== undefined),
    );
    for (const orphan of this.#orphans) {
      if (!orphan.isPassing && mayAct(orphan.claim.partition)) void this.#end(orphan);
    }
  }

  async #end(orphan: Orphan): Promise<void> {
    const { clock, verdicts } = this.#options;
    const { death, claim, since } = orphan;
    orphan.isPassing = true;
    // Not tried again once the log has it.
    orphan.isPassing = await verdicts.pass({
      attempt: claim,
      reason: "lost",
      message: death.why,
      workerId: death.worker.beat.workerId,
      durationMs: clock.monotonic() - since,
      stands: () => this.#isLost(claim),
    });
  }

  #isLost(attempt: Claimed): boolean {
    const { clock, table } = this.#options;
    return clock.monotonic() >= this.#countsFrom && table.holderOf(attempt) === undefined;
  }

  async #lookForUntold(death: Death): Promise<void> {
    try {
      await this.#itCounts();
      const doubtful = await this.#delivered(this.#candidates(death));
      if (await this.#allHaveReported(death, doubtful)) this.#endUntold(death, doubtful);
    } catch (error) {
      if (this.#stopped) return;
      const what = `looking for what worker '${death.worker.beat.workerId}' took with it`;
      this.#options.observer.observe({ kind: "trouble", what, error: String(error) });
    }
  }

  /** Resolves when everybody has had a full term to say what it holds. */
  async #itCounts(): Promise<void> {
    const { clock } = this.#options;
    for (let left; (left = this.#countsFrom - clock.monotonic()) > 0;) {
      const term = left;
      await new Promise<void>((resolve) => void clock.after(term, resolve));
    }
  }

  #candidates({ worker, servedUntil }: Death): Enqueued[] {
    return [...this.#options.enqueued()].filter(
      (each) =>
        serves(worker.beat, each.queue) &&
        (each.at ?? Number.NEGATIVE_INFINITY) <= servedUntil &&
        !worker.held.has(attemptKey(each)) &&
        this.#isUnclaimed(each),
    );
  }

  #isUnclaimed(attempt: Claimed): boolean {
    const { table, find } = this.#options;
    return (
      table.holderOf(attempt) === undefined &&
      table.givenBackAt(attempt) === undefined &&
      find(attempt) !== undefined
    );
  }

  async #delivered(candidates: readonly Enqueued[]): Promise<Enqueued[]> {
    const { queue } = this.#options;
    const names = new Set(candidates.map((each) => each.queue));
    const depths = await Promise.all(
      [...names].map(async (name) => [name, await queue.depth(name)] as const),
    );
    const deliveredSeqs = new Map(depths.map(([name, { deliveredSeq }]) => [name, deliveredSeq]));
    const found: Enqueued[] = [];
    for (const each of candidates) {
      const seq = each.seq ?? (await queue.seqOf(toQueued(each)));
      if (seq !== undefined && seq <= (deliveredSeqs.get(each.queue) ?? 0)) found.push(each);
    }
    return found;
  }

  /** Resolves when every live worker that serves a queue of the dead one has said what it holds, or is dead too; with whether there is still a doubt then. */
  async #allHaveReported({ worker }: Death, doubtful: readonly Enqueued[]): Promise<boolean> {
    const { clock, presence, table } = this.#options;
    const countsFrom = clock.monotonic() + SETTLE_MS;
    const isOpen = ({ beat, beatAt }: LiveWorker): boolean =>
      (beatAt < countsFrom || beat.blockedMs > TURNS_MS) &&
      beat.queues.some((queue) => queue === "*" || serves(worker.beat, queue));
    while (!this.#stopped && doubtful.some((each) => this.#isUnclaimed(each))) {
      presence.command({ kind: "report" });
      await new Promise<void>((resolve) => void clock.after(ASK_EVERY_MS, resolve));
      if (![...table.workers].some(isOpen)) return !this.#stopped;
    }
    return false;
  }

  #endUntold({ why }: Death, doubtful: readonly Enqueued[]): void {
    const { verdicts, clock, mayAct } = this.#options;
    for (const attempt of doubtful) {
      if (!mayAct(attempt.partition) || !this.#isUnclaimed(attempt)) continue;
      void verdicts.pass({
        attempt,
        reason: "lost",
        message: `it was taken from the queue, and no live worker has it; ${why}`,
        durationMs: attempt.at === undefined ? 0 : clock.monotonic() - attempt.at,
        stands: () => this.#isLost(attempt),
      });
    }
  }
}

function toQueued({ runId, task, index, attempt, queue }: Claim): QueuedAttempt {
  return { runId, task, index, attempt, queue };
}
