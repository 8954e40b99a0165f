/** The work queue on a stream; the promises are in ports/task-queue.ts. */
import { AckPolicy } from "@nats-io/jetstream";
import { MAX_ACK_PENDING, MAX_WAITING } from "../contract/streams.ts";
import { readTaskSubject } from "../contract/subjects.ts";
import { encodeWork } from "../contract/work.ts";
import type { Work } from "../core/attempt.ts";
import type {
  Delivery,
  Enqueued,
  Intake,
  QueueDepth,
  QueuedAttempt,
  TaskQueue,
} from "../ports/task-queue.ts";
import { CODES, isApiError, isDenied } from "./answers.ts";
import { coalesced } from "./coalesced.ts";
import type { Context } from "./context.ts";
import { extendBy } from "./extender.ts";
import { Freshness } from "./freshness.ts";
import { NatsIntake } from "./intake.ts";
import { patiently } from "./patience.ts";
import { getFromLeader } from "./stored-message.ts";

const NANOS = 1_000_000;
/** Of a queue that nobody has used yet. */
const EMPTY: QueueDepth = {
  waiting: 0,
  inFlight: 0,
  limit: MAX_ACK_PENDING,
  deliveredSeq: 0,
  isWanted: false,
};

/** The consumer of a queue, on its way or there. */
interface Consumer {
  readonly created: Promise<void>;
  /** Enqueues that wait for it; who comes later must not overtake them. */
  waiting: number;
  ready: boolean;
}

export class NatsTaskQueue implements TaskQueue {
  readonly #context: Context;
  readonly #ackWaitMs: number;
  readonly #freshness: Freshness;
  readonly #consumers = new Map<string, Consumer>();
  readonly #intakes = new Set<NatsIntake>();

  constructor(context: Context, options: { readonly ackWaitMs: number }) {
    this.#context = context;
    this.#ackWaitMs = options.ackWaitMs;
    this.#freshness = new Freshness(context);
  }

  async enqueue(work: Work, isWanted?: () => boolean): Promise<Enqueued> {
    const { names, publisher } = this.#context;
    const consumer = this.#consumer(work.queue);
    if (!consumer.ready || consumer.waiting > 0) {
      consumer.waiting++;
      await consumer.created.finally(() => consumer.waiting--);
    }
    const repeated = (): Uint8Array => encodeWork({ ...work, mayBeHeld: true });
    return publisher.publish(names.task(work.queue, work), encodeWork(work), { isWanted, repeated });
  }

  /** Many shares may be taken over at the same time. */
  readonly list = coalesced(async (): Promise<QueuedAttempt[]> => {
    const { jsm, names } = this.#context;
    const options = { subjects_filter: names.allTasks };
    const { state } = await patiently(() => jsm.streams.info(names.tasksStream, { ...options }));
    return Object.keys(state.subjects ?? {}).flatMap((subject) => readTaskSubject(subject) ?? []);
  });

  async seqOf(attempt: QueuedAttempt): Promise<number | undefined> {
    const { jsm, names } = this.#context;
    const subject = names.task(attempt.queue, attempt);
    return (await getFromLeader(jsm, names.tasksStream, { last_by_subj: subject }))?.seq;
  }

  async remove(attempt: QueuedAttempt): Promise<void> {
    const { jsm, names } = this.#context;
    const seq = await this.seqOf(attempt);
    if (seq === undefined) return;
    try {
      await patiently(() => jsm.streams.deleteMessage(names.tasksStream, seq, false));
    } catch (error) {
      // Acknowledged or deleted in between.
      if (!isApiError(error, CODES.nothingToDelete)) throw error;
    }
  }

  /** A filter for each queue: only then are the places of what is in flight free at once. */
  async purge(runId: string, queues: readonly string[]): Promise<void> {
    const { jsm, names } = this.#context;
    const purge = (queue: string): Promise<unknown> =>
      patiently(() => jsm.streams.purge(names.tasksStream, { filter: names.tasksOf(queue, runId) }));
    await Promise.all(queues.map(purge));
  }

  async depth(queue: string): Promise<QueueDepth> {
    const { jsm, names } = this.#context;
    try {
      const info = await patiently(() => jsm.consumers.info(names.tasksStream, consumerName(queue)));
      const { num_pending: waiting, num_ack_pending: inFlight, delivered, num_waiting } = info;
      const { max_ack_pending: limit = MAX_ACK_PENDING } = info.config;
      return { waiting, inFlight, limit, deliveredSeq: delivered.stream_seq, isWanted: num_waiting > 0 };
    } catch (error) {
      if (isApiError(error, CODES.consumerNotFound)) return EMPTY;
      throw error;
    }
  }

  async renew(queue: string): Promise<void> {
    const { jsm, names } = this.#context;
    try {
      await patiently(() => jsm.consumers.delete(names.tasksStream, consumerName(queue)));
    } catch (error) {
      if (!isApiError(error, CODES.consumerNotFound)) throw error;
    }
    this.#consumers.delete(queue);
    await this.#consumer(queue).created;
  }

  extend(receipts: readonly string[]): void {
    extendBy(this.#context.nc, receipts);
  }

  async open(queue: string, onDelivery: (delivery: Delivery) => void): Promise<Intake> {
    const { names } = this.#context;
    await Promise.all([this.#consumer(queue).created, this.#freshness.start()]);
    const intake = new NatsIntake({
      context: this.#context,
      queue,
      pullSubject: `$JS.API.CONSUMER.MSG.NEXT.${names.tasksStream}.${consumerName(queue)}`,
      onDelivery,
      onLost: () => {
        this.#consumers.delete(queue);
        return this.#consumer(queue).created;
      },
      onInterrupted: () => void this.#freshness.renew(),
      isFresh: (seq) => this.#freshness.isFresh(seq),
      ackWaitMs: this.#ackWaitMs,
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
    if (this.#intakes.size > 0) void this.#freshness.renew();
    for (const intake of this.#intakes) intake.reconnected();
  }

  async close(): Promise<void> {
    this.#freshness.stop();
    await Promise.all([...this.#intakes].map((intake) => intake.stop()));
  }

  #consumer(queue: string): Consumer {
    const known = this.#consumers.get(queue);
    if (known !== undefined) return known;
    const consumer: Consumer = { created: this.#create(queue), waiting: 0, ready: false };
    this.#consumers.set(queue, consumer);
    consumer.created.then(
      () => (consumer.ready = true),
      () => this.#consumers.delete(queue),
    );
    return consumer;
  }

  /** The first ack wait stays: another process may rely on it. */
  async #create(queue: string): Promise<void> {
    const { jsm, names, onTrouble } = this.#context;
    const config = {
      durable_name: consumerName(queue),
      filter_subject: names.tasksOf(queue),
      ack_policy: AckPolicy.Explicit,
      ack_wait: this.#ackWaitMs * NANOS,
      max_deliver: -1,
      max_ack_pending: MAX_ACK_PENDING,
      max_waiting: MAX_WAITING,
    };
    try {
      await patiently(() => jsm.consumers.add(names.tasksStream, config));
    } catch (error) {
      if (isApiError(error, CODES.consumerExists)) return;
      if (!isDenied(error)) throw error;
      // It may be there all the same; if not, whoever may create it has not been here yet.
      onTrouble(`this user may not create queue '${queue}'; it is used as it is`);
    }
  }
}

function consumerName(queue: string): string {
  return `queue_${queue}`;
}
