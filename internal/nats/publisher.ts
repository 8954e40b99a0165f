/**
 * Publishes into streams and knows for each message whether it is stored.
 *
 * P1 A publish settles only with the server's answer; time-outs, elections, full streams and reconnects are waited out.
 * P2 Answers come to one inbox, and up to 512 are awaited at a time: one awaited publish after the other is several times slower.
 * P3 A message whose answer was lost is sent again. Where a subject takes one message, the second is refused, which means stored.
 */
import { createInbox, type NatsConnection, type Subscription } from "@nats-io/transport-node";
import { type ApiError, judge } from "./answers.ts";

const WINDOW = 512;
const ANSWER_MS = 5_000;
const RETRY_MS = 250;
const FULL_RETRY_MS = 1_000;
const SWEEP_MS = 1_000;

export type Published = { readonly stored: true; readonly seq: number } | { readonly stored: false };

interface Message {
  readonly token: string;
  readonly subject: string;
  readonly bytes: Uint8Array;
  sentAt: number;
  resolve(answer: Published): void;
  reject(error: Error): void;
}

interface PubAck {
  readonly seq: number;
  readonly error?: ApiError;
}

export class Publisher {
  readonly #nc: NatsConnection;
  readonly #onTrouble: (what: string) => void;
  readonly #inbox = createInbox();
  readonly #awaited = new Map<string, Message>();
  readonly #backlog: Message[] = [];
  #head = 0;
  #token = 0;
  #subscription: Subscription;
  #sweeper: NodeJS.Timeout;

  constructor(nc: NatsConnection, onTrouble: (what: string) => void) {
    this.#nc = nc;
    this.#onTrouble = onTrouble;
    this.#subscription = nc.subscribe(`${this.#inbox}.*`, {
      callback: (_error, message) => {
        const token = message.subject.slice(this.#inbox.length + 1);
        this.#onAnswer(token, message.data, message.headers?.code ?? 0);
      },
    });
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
    this.#sweeper.unref();
  }

  /** Rejects when the connection is closed, or the server will never take the message. */
  publish(subject: string, bytes: Uint8Array): Promise<Published> {
    return new Promise((resolve, reject) => {
      const token = String(++this.#token);
      this.#backlog.push({ token, subject, bytes, sentAt: 0, resolve, reject });
      this.#pump();
    });
  }

  /** What was on its way when the connection was lost may never have arrived. */
  reconnected(): void {
    for (const message of this.#awaited.values()) this.#send(message);
  }

  /** Nothing is waited for any more. */
  close(): void {
    clearInterval(this.#sweeper);
    this.#subscription.unsubscribe();
    const left = [...this.#awaited.values(), ...this.#backlog.slice(this.#head)];
    this.#awaited.clear();
    this.#backlog.length = 0;
    this.#head = 0;
    for (const message of left)
      message.reject(new Error(`the connection was closed before ${message.subject} was stored`));
  }

  #pump(): void {
    while (this.#awaited.size < WINDOW && this.#head < this.#backlog.length) {
      const message = this.#backlog[this.#head++];
      if (message === undefined) break;
      this.#awaited.set(message.token, message);
      this.#send(message);
    }
    if (this.#head === this.#backlog.length) {
      this.#backlog.length = 0;
      this.#head = 0;
    } else if (this.#head > 4_096) {
      this.#backlog.splice(0, this.#head);
      this.#head = 0;
    }
  }

  #send(message: Message): void {
    message.sentAt = performance.now();
    try {
      this.#nc.publish(message.subject, message.bytes, { reply: `${this.#inbox}.${message.token}` });
    } catch (error) {
      this.#settle(message, () => message.reject(error as Error));
    }
  }

  #onAnswer(token: string, data: Uint8Array, status: number): void {
    const message = this.#awaited.get(token);
    if (message === undefined) return;
    if (data.length === 0 || status >= 400) {
      this.#later(message, RETRY_MS);
      return;
    }
    const ack = JSON.parse(new TextDecoder().decode(data)) as PubAck;
    if (ack.error === undefined) {
      this.#settle(message, () => message.resolve({ stored: true, seq: ack.seq }));
    } else {
      this.#onError(message, ack.error);
    }
  }

  #onError(message: Message, error: ApiError): void {
    switch (judge(error)) {
      case "refused":
        this.#settle(message, () => message.resolve({ stored: false }));
        return;
      case "full":
        this.#onTrouble(`the server is full, waiting for room: ${error.description}`);
        this.#later(message, FULL_RETRY_MS);
        return;
      case "busy":
        this.#later(message, RETRY_MS);
        return;
      case "fatal":
        this.#settle(message, () => {
          message.reject(new Error(`the server refuses ${message.subject}: ${error.description}`));
        });
    }
  }

  #later(message: Message, ms: number): void {
    setTimeout(() => {
      if (this.#awaited.get(message.token) === message) this.#send(message);
    }, ms).unref();
  }

  #sweep(): void {
    const limit = performance.now() - ANSWER_MS;
    for (const message of this.#awaited.values()) if (message.sentAt < limit) this.#send(message);
  }

  #settle(message: Message, tell: () => void): void {
    this.#awaited.delete(message.token);
    tell();
    this.#pump();
  }
}
