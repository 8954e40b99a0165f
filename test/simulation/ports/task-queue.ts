/** The work queue over the simulated server, as its adapter keeps it. */
import { readTaskSubject } from "../../../internal/contract/subjects.ts";
import { encodeWork } from "../../../internal/contract/work.ts";
import type { Work } from "../../../internal/core/attempt.ts";
import type {
  Delivery,
  Enqueued,
  Intake,
  QueueDepth,
  QueuedAttempt,
  TaskQueue,
} from "../../../internal/ports/task-queue.ts";
import type { Client } from "./client.ts";
import { Freshness } from "./freshness.ts";
import { readReceipt, SimIntake } from "./intake.ts";

/** All that extending needs is a connection. */
export function extendBy({ link, server }: Client, receipts: readonly string[]): void {
  if (receipts.length === 0) return;
  link.toServer("still at it", () => {
    for (const receipt of receipts) {
      const { queue, seq } = readReceipt(receipt);
      if (server.isUp) server.consumer(queue).working(seq);
    }
  });
}

export class SimTaskQueue implements TaskQueue {
  readonly #client: Client;
  readonly #ackWaitMs: number;
  readonly #freshness: Freshness;
  readonly #created = new Map<string, Promise<void>>();

  constructor(client: Client, ackWaitMs: number) {
    this.#client = client;
    this.#ackWaitMs = ackWaitMs;
    this.#freshness = new Freshness(client);
  }

  async enqueue(work: Work, isWanted?: () => boolean): Promise<Enqueued> {
    await this.#consumer(work.queue);
    const { server } = this.#client;
    return this.#client.publish(server.tasks, {
      subject: server.names.task(work.queue, work),
      value: encodeWork(work),
      isWanted,
      repeated: () => encodeWork({ ...work, mayBeHeld: true }),
    });
  }

  extend(receipts: readonly string[]): void {
    extendBy(this.#client, receipts);
  }

  list(): Promise<QueuedAttempt[]> {
    const { tasks } = this.#client.server;
    return this.#client.ask("list tasks", () =>
      [...tasks.subjects].flatMap((subject) => readTaskSubject(subject) ?? []),
    );
  }

  seqOf(attempt: QueuedAttempt): Promise<number | undefined> {
    const { server } = this.#client;
    const subject = server.names.task(attempt.queue, attempt);
    return this.#client.ask(`find ${subject}`, () => server.tasks.of(subject)?.seq);
  }

  async remove(attempt: QueuedAttempt): Promise<void> {
    const { server } = this.#client;
    const subject = server.names.task(attempt.queue, attempt);
    const seq = await this.seqOf(attempt);
    if (seq === undefined) return;
    await this.#client.ask(`delete ${subject}`, () => server.tasks.remove(seq, "deleted"));
  }

  async purge(runId: string, queues: readonly string[]): Promise<void> {
    const { server } = this.#client;
    const purge = (queue: string): Promise<void> => {
      const prefix = server.names.tasksOf(queue, runId).slice(0, -1);
      return this.#client.ask(`purge ${prefix}`, () =>
        server.tasks.purge(({ subject }) => subject.startsWith(prefix)),
      );
    };
    await Promise.all(queues.map(purge));
  }

  depth(queue: string): Promise<QueueDepth> {
    return this.#client.ask(`depth of ${queue}`, () => this.#client.server.consumer(queue).depth);
  }

  renew(queue: string): Promise<void> {
    return this.#client.ask(`renew ${queue}`, () => this.#client.server.consumer(queue).renew());
  }

  async open(queue: string, onDelivery: (delivery: Delivery) => void): Promise<Intake> {
    await Promise.all([this.#consumer(queue), this.#freshness.start()]);
    return new SimIntake({
      client: this.#client,
      queue,
      onDelivery,
      ackWaitMs: this.#ackWaitMs,
      isFresh: (seq) => this.#freshness.isFresh(seq),
      onInterrupted: () => void this.#freshness.renew(),
    });
  }

  #consumer(queue: string): Promise<void> {
    const known = this.#created.get(queue);
    if (known !== undefined) return known;
    const created = this.#client.ask(`create ${queue}`, () => void this.#client.server.consumer(queue));
    this.#created.set(queue, created);
    created.catch(() => this.#created.delete(queue));
    return created;
  }
}
