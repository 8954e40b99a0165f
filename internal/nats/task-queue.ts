/** The work queue on a stream; the promises are in ports/task-queue.ts. */
import { AckPolicy, type JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { MAX_ACK_PENDING } from "../contract/streams.ts";
import { type Names, readTaskSubject } from "../contract/subjects.ts";
import { encodeWork } from "../contract/work.ts";
import type { Work } from "../core/attempt.ts";
import type { Delivery, Intake, QueueDepth, QueuedAttempt, TaskQueue } from "../ports/task-queue.ts";
import { CODES, isApiError } from "./answers.ts";
import { NatsIntake } from "./intake.ts";
import type { Publisher } from "./publisher.ts";

const NANOS = 1_000_000;

export interface NatsTaskQueueOptions {
  readonly nc: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly names: Names;
  readonly publisher: Publisher;
  readonly ackWaitMs: number;
  onBad(subject: string, reason: string, bytes: Uint8Array): void;
}

export class NatsTaskQueue implements TaskQueue {
  readonly #options: NatsTaskQueueOptions;
  readonly #consumers = new Map<string, Promise<void>>();
  readonly #intakes = new Set<NatsIntake>();

  constructor(options: NatsTaskQueueOptions) {
    this.#options = options;
  }

  async enqueue(work: Work): Promise<boolean> {
    const { names, publisher } = this.#options;
    if (!this.#consumers.has(work.queue)) await this.#ensureConsumer(work.queue);
    const answer = await publisher.publish(names.task(work.queue, work), encodeWork(work));
    return answer.stored;
  }

  async list(): Promise<QueuedAttempt[]> {
    const { jsm, names } = this.#options;
    const { state } = await jsm.streams.info(names.tasksStream, { subjects_filter: names.allTasks });
    return Object.keys(state.subjects ?? {}).flatMap((subject) => readTaskSubject(subject) ?? []);
  }

  async remove(attempt: QueuedAttempt): Promise<void> {
    const { jsm, names } = this.#options;
    const subject = names.task(attempt.queue, attempt);
    try {
      const message = await jsm.streams.getMessage(names.tasksStream, { last_by_subj: subject });
      if (message !== null) await jsm.streams.deleteMessage(names.tasksStream, message.seq, false);
    } catch (error) {
      if (!isApiError(error, CODES.messageNotFound)) throw error;
    }
  }

  async purge(runId: string, queues: readonly string[]): Promise<void> {
    const { jsm, names } = this.#options;
    for (const queue of queues) {
      await jsm.streams.purge(names.tasksStream, { filter: names.tasksOf(queue, runId) });
    }
  }

  async depth(queue: string): Promise<QueueDepth> {
    const { jsm, names } = this.#options;
    try {
      const info = await jsm.consumers.info(names.tasksStream, consumerName(queue));
      return { waiting: info.num_pending, inFlight: info.num_ack_pending };
    } catch (error) {
      if (isApiError(error, CODES.consumerNotFound)) return { waiting: 0, inFlight: 0 };
      throw error;
    }
  }

  async open(queue: string, onDelivery: (delivery: Delivery) => void): Promise<Intake> {
    const { nc, names, onBad } = this.#options;
    await this.#ensureConsumer(queue);
    const intake = new NatsIntake({
      nc,
      pullSubject: `$JS.API.CONSUMER.MSG.NEXT.${names.tasksStream}.${consumerName(queue)}`,
      onDelivery,
      onBad,
      onLost: () => {
        this.#consumers.delete(queue);
        return this.#ensureConsumer(queue);
      },
    });
    this.#intakes.add(intake);
    return {
      demand: (n) => intake.demand(n),
      stop: async () => {
        this.#intakes.delete(intake);
        await intake.stop();
      },
    };
  }

  reconnected(): void {
    for (const intake of this.#intakes) intake.reconnected();
  }

  #ensureConsumer(queue: string): Promise<void> {
    let creating = this.#consumers.get(queue);
    if (creating === undefined) {
      creating = this.#createConsumer(queue);
      this.#consumers.set(queue, creating);
      creating.catch(() => this.#consumers.delete(queue));
    }
    return creating;
  }

  /** The first ack wait stays: another process may rely on it. */
  async #createConsumer(queue: string): Promise<void> {
    const { jsm, names, ackWaitMs } = this.#options;
    try {
      await jsm.consumers.add(names.tasksStream, {
        durable_name: consumerName(queue),
        filter_subject: names.tasksOf(queue),
        ack_policy: AckPolicy.Explicit,
        ack_wait: ackWaitMs * NANOS,
        max_deliver: -1,
        max_ack_pending: MAX_ACK_PENDING,
      });
    } catch (error) {
      if (!isApiError(error, CODES.consumerExists, 10_013, 10_105)) throw error;
    }
  }
}

function consumerName(queue: string): string {
  return `queue_${queue}`;
}
