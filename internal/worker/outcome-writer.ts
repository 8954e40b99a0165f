/**
 * Writes outcomes into the run log and acknowledges their tasks, in this order and never the other way round:
 * outcome stored → task acknowledged. What ends within one turn of the loop goes as one message for each run.
 *
 * What the log will never take must not be lost either, or its task would run again for ever: several are written
 * one half at a time, and in place of a single one goes a small failure that says why.
 */
import type { ArtifactPiece } from "../core/artifact.ts";
import type { Work } from "../core/attempt.ts";
import { MAX_OUTCOMES_BYTES } from "../core/facts.ts";
import { MAX_UNSTORED, MAX_UNSTORED_BYTES } from "../core/flow.ts";
import type { JsonObject } from "../core/json.ts";
import { type Outcome, shortMessage } from "../core/outcome.ts";
import { jsonSize } from "../core/size.ts";
import type { Clock } from "../ports/clock.ts";
import type { RunLog } from "../ports/run-log.ts";
import type { Delivery } from "../ports/task-queue.ts";

interface Ended {
  readonly outcome: Outcome;
  /** Of its JSON; counted up to the limit of a fact. */
  readonly bytes: number;
  readonly delivery: Delivery;
  /** It stands for an outcome that the log did not take. */
  readonly isSubstitute?: true;
}

export interface OutcomeWriterOptions {
  readonly log: RunLog;
  readonly clock: Pick<Clock, "soon">;
  readonly incarnation: string;
  /** Nothing could be stored for this attempt; its task is not acknowledged and comes again. */
  onError(work: Work, error: unknown): void;
  /** The outcome is stored. */
  onStored(delivery: Delivery): void;
}

export class OutcomeWriter {
  readonly #options: OutcomeWriterOptions;
  #bag: Ended[] = [];
  #armed = false;
  #counter = 0;
  #unstored = 0;
  #unstoredBytes = 0;
  readonly #underWay = new Set<Promise<void>>();

  constructor(options: OutcomeWriterOptions) {
    this.#options = options;
  }

  /** So much waits to be stored that there should not be more. */
  get isFull(): boolean {
    return this.#unstored >= MAX_UNSTORED || this.#unstoredBytes >= MAX_UNSTORED_BYTES;
  }

  add(delivery: Delivery, outcome: Outcome): void {
    const bytes = jsonSize(outcome as unknown as JsonObject, MAX_OUTCOMES_BYTES);
    this.#unstored++;
    this.#unstoredBytes += bytes;
    this.#bag.push({ delivery, outcome, bytes });
    if (this.#armed) return;
    this.#armed = true;
    this.#options.clock.soon(() => this.#flush());
  }

  /** Stores a part of what an attempt hands over. Its outcome is added when all of them are. */
  async tell({ runId, partition, runSeq, queue }: Work, piece: ArtifactPiece): Promise<void> {
    const { log, incarnation } = this.#options;
    const fact = { kind: "outcomes", runSeq, items: [], pieces: [piece], queue, incarnation } as const;
    await log.append({ runId, partition }, { ...fact, n: ++this.#counter });
  }

  /** Resolves when everything added so far is stored, or cannot be. */
  async idle(): Promise<void> {
    this.#flush();
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  #flush(): void {
    this.#armed = false;
    const byRun = new Map<string, Ended[]>();
    for (const ended of this.#bag) {
      const { runId, runSeq, queue } = ended.delivery.work;
      const key = `${runId}.${runSeq}.${queue}`;
      const group = byRun.get(key);
      if (group === undefined) byRun.set(key, [ended]);
      else group.push(ended);
    }
    this.#bag = [];
    for (const group of byRun.values()) for (const part of parts(group)) this.#begin(part);
  }

  #begin(group: readonly Ended[]): void {
    const storing = this.#store(group).finally(() => this.#underWay.delete(storing));
    this.#underWay.add(storing);
  }

  /** Never rejects. */
  async #store(group: readonly Ended[]): Promise<void> {
    try {
      await this.#append(group);
    } catch (error) {
      await this.#storeOtherwise(group, error);
      return;
    }
    for (const { delivery, bytes } of group) {
      this.#letGo(bytes);
      delivery.ack();
      this.#options.onStored(delivery);
    }
  }

  #letGo(bytes: number): void {
    this.#unstored--;
    this.#unstoredBytes -= bytes;
  }

  async #append(group: readonly Ended[]): Promise<void> {
    const first = group[0]?.delivery.work;
    if (first === undefined) return;
    const { log, incarnation } = this.#options;
    await log.append(first, {
      kind: "outcomes",
      runSeq: first.runSeq,
      items: group.map(({ outcome }) => outcome),
      queue: first.queue,
      incarnation,
      n: ++this.#counter,
    });
  }

  async #storeOtherwise(group: readonly Ended[], error: unknown): Promise<void> {
    const [first, ...others] = group;
    if (first === undefined) return;
    if (others.length > 0) {
      const half = Math.ceil(group.length / 2);
      await Promise.all([this.#store(group.slice(0, half)), this.#store(group.slice(half))]);
    } else if (first.isSubstitute) {
      this.#letGo(first.bytes);
      this.#options.onError(first.delivery.work, error);
    } else {
      await this.#store([{ ...first, outcome: substitute(first.outcome, error), isSubstitute: true }]);
    }
  }
}

/** A failure keeps its reason, and with it the budget that it uses; an output that would have been is a fault here. */
function substitute(outcome: Outcome, error: unknown): Outcome {
  const { task, index, attempt, worker, durationMs } = outcome;
  const why = `the outcome could not be stored: ${error instanceof Error ? error.message : String(error)}`;
  const reason = outcome.state === "failed" ? outcome.error.reason : "worker-error";
  return {
    task,
    index,
    attempt,
    ...(worker === undefined ? {} : { worker }),
    durationMs,
    state: "failed",
    error: { reason, message: shortMessage(why) },
  };
}

/** Splits a group so that no fact grows above its limit. */
function parts(group: readonly Ended[]): Ended[][] {
  const all: Ended[][] = [];
  let part: Ended[] = [];
  let room = MAX_OUTCOMES_BYTES;
  for (const ended of group) {
    const { bytes: size } = ended;
    if (size > room && part.length > 0) {
      all.push(part);
      part = [];
      room = MAX_OUTCOMES_BYTES;
    }
    part.push(ended);
    room -= size;
  }
  return part.length === 0 ? all : [...all, part];
}
