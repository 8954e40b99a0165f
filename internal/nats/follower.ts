/**
 * Follows a stream in order, each message once, through reconnects, elections and lost consumers: whatever
 * ends the consumer, another begins right after the last message that was handed over.
 */
import { type ConsumerMessages, DeliverPolicy, type JetStreamClient, type JsMsg } from "@nats-io/jetstream";
import type { Follower } from "../ports/run-log.ts";

export interface StreamMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly seq: number;
  /** Milliseconds since 1970. */
  readonly time: number;
}

export interface FollowStreamOptions {
  readonly js: JetStreamClient;
  readonly stream: string;
  readonly filter: string;
  readonly from: number;
  onMessage(message: StreamMessage): void;
  onTrouble(what: string): void;
}

/** With the client's defaults a consumer that was lost is noticed after 45 s. */
const CONSUME = { max_messages: 1_000, expires: 3_000, idle_heartbeat: 750 } as const;
const RETRY_MS = 250;

export async function followStream(options: FollowStreamOptions): Promise<Follower> {
  const follower = new StreamFollower(options);
  await follower.start();
  return follower;
}

class StreamFollower implements Follower {
  readonly #options: FollowStreamOptions;
  #next: number;
  #messages: ConsumerMessages | undefined;
  #stopped = false;
  #waiters: { readonly seq: number; resolve(): void }[] = [];

  constructor(options: FollowStreamOptions) {
    this.#options = options;
    this.#next = options.from;
  }

  async start(): Promise<void> {
    await this.#consume();
  }

  reached(seq: number): Promise<void> {
    if (seq < this.#next || this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.push({ seq, resolve });
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#messages?.stop();
    for (const waiter of this.#waiters.splice(0)) waiter.resolve();
  }

  async #consume(): Promise<void> {
    const { js, stream, filter } = this.#options;
    const consumer = await js.consumers.get(stream, {
      filter_subjects: filter,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: Math.max(1, this.#next),
    });
    const messages = await consumer.consume({ ...CONSUME, callback: (message) => this.#onMessage(message) });
    this.#messages = messages;
    void messages.closed().then((error) => {
      if (this.#stopped) return;
      if (error instanceof Error) this.#options.onTrouble(`following ${stream}: ${error.message}`);
      this.#again();
    });
    if (this.#stopped) messages.stop();
  }

  #again(): void {
    setTimeout(() => {
      if (this.#stopped) return;
      this.#consume().catch((error: unknown) => {
        this.#options.onTrouble(`following ${this.#options.stream} again: ${String(error)}`);
        this.#again();
      });
    }, RETRY_MS).unref();
  }

  #onMessage(message: JsMsg): void {
    const { seq } = message;
    if (this.#stopped || seq < this.#next) return;
    this.#next = seq + 1;
    this.#options.onMessage(asStreamMessage(message));
    if (this.#waiters.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => {
      if (waiter.seq >= this.#next) return true;
      waiter.resolve();
      return false;
    });
  }
}

export function asStreamMessage({ subject, data, seq, info }: JsMsg): StreamMessage {
  return { subject, data, seq, time: Math.floor(info.timestampNanos / 1_000_000) };
}
