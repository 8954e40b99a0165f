/**
 * Writes outcomes into the run log and acknowledges their tasks, in this order and never the other way round:
 * outcome stored → task acknowledged. What ends within one turn of the loop goes as one message for each run.
 */
import type { Work } from "../core/attempt.ts";
import type { JsonObject } from "../core/json.ts";
import type { Outcome } from "../core/outcome.ts";
import { jsonSize } from "../core/size.ts";
import type { RunLog } from "../ports/run-log.ts";
import type { Delivery } from "../ports/task-queue.ts";

/** An `outcomes` fact stays below this many characters or so. */
const MAX_FACT = 256 * 1_024;

interface Ended {
  readonly outcome: Outcome;
  readonly delivery: Delivery;
}

export interface OutcomeWriterOptions {
  readonly log: RunLog;
  readonly incarnation: string;
  /** An outcome could not be stored; its task is not acknowledged and comes again. */
  onError(work: Work, error: unknown): void;
  /** The outcome is stored. */
  onStored(delivery: Delivery): void;
}

export class OutcomeWriter {
  readonly #options: OutcomeWriterOptions;
  #bag: Ended[] = [];
  #armed = false;
  #counter = 0;
  readonly #underWay = new Set<Promise<void>>();

  constructor(options: OutcomeWriterOptions) {
    this.#options = options;
  }

  add(delivery: Delivery, outcome: Outcome): void {
    this.#bag.push({ delivery, outcome });
    if (this.#armed) return;
    this.#armed = true;
    setImmediate(() => this.#flush());
  }

  /** Resolves when everything added so far is stored. */
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
    for (const group of byRun.values()) for (const part of parts(group)) this.#write(part);
  }

  #write(group: readonly Ended[]): void {
    const first = group[0]?.delivery.work;
    if (first === undefined) return;
    const { log, incarnation, onError, onStored } = this.#options;
    const writing = log
      .append(first, {
        kind: "outcomes",
        runSeq: first.runSeq,
        items: group.map(({ outcome }) => outcome),
        queue: first.queue,
        incarnation,
        n: ++this.#counter,
      })
      .then(
        () => {
          for (const { delivery } of group) {
            delivery.ack();
            onStored(delivery);
          }
        },
        (error: unknown) => {
          for (const { delivery } of group) onError(delivery.work, error);
        },
      )
      .finally(() => this.#underWay.delete(writing));
    this.#underWay.add(writing);
  }
}

/** Splits a group so that no fact grows above its limit. */
function parts(group: readonly Ended[]): Ended[][] {
  const all: Ended[][] = [];
  let part: Ended[] = [];
  let room = MAX_FACT;
  for (const ended of group) {
    const size = jsonSize(ended.outcome as unknown as JsonObject, MAX_FACT);
    if (size > room && part.length > 0) {
      all.push(part);
      part = [];
      room = MAX_FACT;
    }
    part.push(ended);
    room -= size;
  }
  return part.length === 0 ? all : [...all, part];
}
