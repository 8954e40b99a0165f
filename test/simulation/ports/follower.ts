/** Follows the log: each fact once and in order, beginning again after whatever ends it. */
import { readPartition } from "../../../internal/contract/subjects.ts";
import type { LoggedFact } from "../../../internal/core/facts.ts";
import type { Follower, FollowOptions } from "../../../internal/ports/run-log.ts";
import type { Stored } from "../server/stream.ts";
import type { Client } from "./client.ts";
import { readFact, runOf } from "./facts.ts";

/** The consumer says how far it has looked, so often. */
const HEARTBEAT_MS = 500;
const RETRY_MS = 250;
const OFTEN_LATE = 0.3;

/** At the server. Its deliveries are numbered: a number that does not fit means that something was lost, or came from another. */
interface Consumer {
  readonly epoch: number;
  sent: number;
  /** It may lag behind; what comes later is not sent before. */
  sendsAt: number;
}

interface Waiter {
  readonly seq: number;
  resolve(): void;
}

export class SimFollower implements Follower {
  readonly #client: Client;
  readonly #options: FollowOptions;
  readonly #onFact: (fact: LoggedFact) => void;
  /** Everything before this position was handed over, or is not for us. */
  #next: number;
  /** Where the next consumer begins: right after what was handed over last. */
  #resume: number;
  #newest: Stored | undefined;
  #epoch = 0;
  #received = 0;
  #consumer: Consumer | undefined;
  #unlisten = (): void => undefined;
  #waiters: Waiter[] = [];
  #isAsking = false;
  #stopped = false;

  constructor(client: Client, options: FollowOptions, onFact: (fact: LoggedFact) => void) {
    this.#client = client;
    this.#options = options;
    this.#onFact = onFact;
    this.#resume = Math.max(1, options.from);
    this.#next = this.#resume;
    client.link.onReconnect(() => this.#again());
    client.link.onLost(() => this.#unlisten());
  }

  start(): Promise<void> {
    return this.#begin();
  }

  reached(seq: number): Promise<void> {
    if (seq < this.#next || this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.push({ seq, resolve });
      this.#askPosition();
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#epoch++;
    this.#unlisten();
    for (const waiter of this.#waiters.splice(0)) waiter.resolve();
  }

  #again(): void {
    if (this.#stopped) return;
    this.#unlisten();
    this.#next = this.#resume;
    this.#begin().catch(() => {
      this.#client.clock.after(RETRY_MS, () => this.#again());
    });
  }

  async #begin(): Promise<void> {
    const epoch = ++this.#epoch;
    this.#received = 0;
    const { link, server } = this.#client;
    await this.#client.patiently(async () => {
      if (epoch !== this.#epoch) return;
      if (epoch > 1) await this.#checkRewound(epoch);
      if (epoch !== this.#epoch) return;
      const from = this.#resume;
      await this.#client.request("follow", () => {
        if (epoch !== this.#epoch || !link.process.isAlive) return;
        const consumer = { epoch, sent: 0, sendsAt: 0 };
        this.#consumer = consumer;
        const messages = [...server.runs.messages].filter(({ seq }) => seq >= from);
        this.#unlisten();
        this.#unlisten = server.runs.listen({ stored: (message) => this.#push([message], consumer) });
        this.#push(messages, consumer);
      });
    });
  }

  async #checkRewound(epoch: number): Promise<void> {
    const { runs } = this.#client.server;
    const newest = this.#newest;
    const isRewound = await this.#client.request("ask for the log's end", () => {
      if (runs.lastSeq < this.#resume - 1) return true;
      return this.#options.onRewound !== undefined && newest !== undefined && runs.at(newest.seq) !== newest;
    });
    if (epoch !== this.#epoch || !isRewound) return;
    this.#resume = 1;
    this.#next = 1;
    this.#newest = undefined;
    this.#options.onRewound?.();
  }

  /** At the server. */
  #push(messages: readonly Stored[], consumer: Consumer): void {
    const meant = messages.filter((message) => this.#isMeant(message));
    if (meant.length === 0) return;
    const { epoch } = consumer;
    const n = ++consumer.sent;
    const { link, server } = this.#client;
    const { world } = link.process;
    const { followLagMs } = server.moods;
    const lag = world.random.chance(OFTEN_LATE) ? world.random.next() * followLagMs : 0;
    consumer.sendsAt = Math.max(consumer.sendsAt, world.now + lag);
    if (consumer.sendsAt === world.now) this.#send(meant, n, epoch);
    else world.after(consumer.sendsAt - world.now, "", () => this.#send(meant, n, epoch));
  }

  #send(messages: readonly Stored[], n: number, epoch: number): void {
    this.#client.link.toClient("facts", () => {
      if (epoch !== this.#epoch || this.#stopped) return;
      if (n !== this.#received + 1) {
        this.#again();
        return;
      }
      this.#received = n;
      for (const message of messages) {
        if (epoch !== this.#epoch || this.#stopped) return;
        this.#handOver(message);
      }
    });
  }

  #isMeant(message: Stored): boolean {
    const { runId, partitions } = this.#options;
    if (runId !== undefined) return runOf(message) === runId;
    const partition = readPartition(message.subject);
    return partitions === undefined || (partition !== undefined && partitions.includes(partition));
  }

  #handOver(message: Stored): void {
    this.#resume = message.seq + 1;
    this.#next = this.#resume;
    this.#newest = message;
    const fact = readFact(message);
    try {
      if (fact !== undefined) this.#onFact(fact);
    } finally {
      this.#wakeWaiters();
    }
  }

  /**
   * Positions without a message for us are known to be behind us only when the consumer says so. As are positions that
   * the log does not have any more: it may have been put back since it was asked for its end.
   */
  #askPosition(): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const { clock, link, server } = this.#client;
    const epoch = this.#epoch;
    const wanted = this.#waiters.map(({ seq }) => seq);
    clock.after(HEARTBEAT_MS, () => {
      this.#isAsking = false;
      if (this.#waiters.length > 0) this.#askPosition();
    });
    link.toServer("position", () => {
      // It is the consumer that tells, after all that it has to hand over.
      if (this.#consumer?.epoch !== epoch) return;
      const passed = Math.max(server.runs.lastSeq, ...wanted);
      const tell = (): void => link.toClient("position", () => this.#onPosition(passed, epoch));
      const { world } = link.process;
      world.after(this.#consumer.sendsAt - world.now, "", tell);
    });
  }

  #onPosition(passed: number, epoch: number): void {
    if (epoch !== this.#epoch) return;
    this.#next = Math.max(this.#next, passed + 1);
    this.#wakeWaiters();
  }

  #wakeWaiters(): void {
    if (this.#waiters.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => {
      if (waiter.seq >= this.#next) return true;
      waiter.resolve();
      return false;
    });
  }
}
