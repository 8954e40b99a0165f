/**
 * Publishes into streams and knows for each message whether it is stored.
 *
 * P1 A publish settles only with the server's answer; time-outs, elections, full streams and reconnects are waited out.
 * P2 Answers come to one inbox, and up to 512 are awaited at a time: one awaited publish after the other is several times slower.
 * P3 A message whose answer was lost is sent again. Where a subject takes one message, the second is refused, which means stored.
 * P4 Messages are sent first in the order in which they were given.
 */
import { createInbox, type Msg, type MsgHdrs, type NatsConnection } from "@nats-io/transport-node";
import { type ApiError, judge } from "./answers.ts";
import { guarded } from "./context.ts";

const WINDOW = 512;
const ANSWER_MS = 5_000;
const RETRY_MS = 250;
const FULL_RETRY_MS = 1_000;
const SWEEP_MS = 1_000;
/** So many answers of nobody in a row, 5 s or so, are worth a word to the operator. */
const MANY_RETRIES = 20;
const NO_ANSWER = "messages wait to be stored: the server has no answer now";
/** After so many messages that are done with, the backlog's front is cut off. */
const CUT = 4_096;

/** `unwanted`: it was not sent, or not again; a try before may have been stored. Else it is there already. */
export type Published =
  { readonly stored: true; readonly seq: number } | { readonly stored: false; readonly unwanted?: true };

export interface PublishOptions {
  readonly headers?: MsgHdrs;
  /** Asked each time before it is sent, which may be long after it was asked for: a no ends it. */
  readonly isWanted?: (() => boolean) | undefined;
  /** What is sent instead when a try before may have been stored. Default: the same. */
  readonly repeated?: () => Uint8Array;
}

interface Message extends PublishOptions {
  readonly token: string;
  readonly subject: string;
  readonly bytes: Uint8Array;
  /** When it is sent again without an answer, by the monotonic clock. */
  again: number;
  /** How often it was sent. */
  sent: number;
  retries: number;
  resolve(answer: Published): void;
  reject(error: Error): void;
}

interface PubAck {
  readonly seq: number;
  readonly error?: ApiError;
}

const decoder = new TextDecoder();

export class Publisher {
  readonly #nc: NatsConnection;
  readonly #onTrouble: (what: string) => void;
  readonly #inbox = createInbox();
  readonly #awaited = new Map<string, Message>();
  readonly #backlog: Message[] = [];
  readonly #sweeper: NodeJS.Timeout;
  #head = 0;
  #token = 0;
  #pumping = false;
  #closed = false;

  constructor(nc: NatsConnection, onTrouble: (what: string) => void) {
    this.#nc = nc;
    this.#onTrouble = onTrouble;
    const what = "hearing what was stored";
    nc.subscribe(
      `${this.#inbox}.*`,
      guarded(onTrouble, what, (message) => this.#onAnswer(message)),
    );
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
    this.#sweeper.unref();
  }

  /** Rejects when the connection is closed, or the server will never take the message. */
  publish(subject: string, bytes: Uint8Array, how: PublishOptions = {}): Promise<Published> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(notStored(subject));
        return;
      }
      const token = String(++this.#token);
      const counts = { again: 0, sent: 0, retries: 0 };
      this.#backlog.push({ ...how, ...counts, token, subject, bytes, resolve, reject });
      this.#pump();
    });
  }

  /** What was on its way when the connection was lost may never have arrived. */
  reconnected(): void {
    for (const message of [...this.#awaited.values()]) this.#send(message);
  }

  /** The server has told that this user may not publish there; it does not answer such a message. */
  denied(subject: string): void {
    for (const message of [...this.#awaited.values()]) {
      if (message.subject !== subject) continue;
      const error = new Error(`this user may not publish to ${subject}: the server's permissions forbid it`);
      this.#settle(message, () => message.reject(error));
    }
  }

  /** Nothing is waited for any more. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#sweeper);
    const left = [...this.#awaited.values(), ...this.#backlog.slice(this.#head)];
    this.#awaited.clear();
    this.#backlog.length = 0;
    this.#head = 0;
    for (const message of left) message.reject(notStored(message.subject));
  }

  #pump(): void {
    // What cannot be sent is settled at once, and would come here again from within.
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#awaited.size < WINDOW && this.#head < this.#backlog.length) {
      const message = this.#backlog[this.#head++];
      if (message === undefined) break;
      this.#awaited.set(message.token, message);
      this.#send(message);
    }
    this.#pumping = false;
    if (this.#head === this.#backlog.length) {
      this.#backlog.length = 0;
      this.#head = 0;
    } else if (this.#head > CUT) {
      this.#backlog.splice(0, this.#head);
      this.#head = 0;
    }
  }

  #send(message: Message): void {
    if (message.isWanted?.() === false) {
      this.#settle(message, () => message.resolve({ stored: false, unwanted: true }));
      return;
    }
    message.again = performance.now() + ANSWER_MS;
    const { subject, bytes, headers, token } = message;
    const reply = `${this.#inbox}.${token}`;
    try {
      const body = message.sent++ > 0 ? (message.repeated?.() ?? bytes) : bytes;
      this.#nc.publish(subject, body, headers === undefined ? { reply } : { reply, headers });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#settle(message, () => message.reject(new Error(`cannot publish to ${subject}: ${why}`)));
    }
  }

  #onAnswer({ subject, data, headers }: Msg): void {
    const message = this.#awaited.get(subject.slice(this.#inbox.length + 1));
    if (message === undefined) return;
    if (data.length === 0 || (headers?.code ?? 0) >= 400) {
      // Nobody there: an election, or a stream that is not created yet.
      this.#busy(message);
      return;
    }
    const { seq, error } = JSON.parse(decoder.decode(data)) as PubAck;
    if (error === undefined) this.#settle(message, () => message.resolve({ stored: true, seq }));
    else this.#onError(message, error);
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
        this.#busy(message);
        return;
      case "fatal":
        this.#settle(message, () => {
          message.reject(new Error(`the server refuses ${message.subject}: ${error.description}`));
        });
    }
  }

  #busy(message: Message): void {
    if (++message.retries % MANY_RETRIES === 0) this.#onTrouble(NO_ANSWER);
    this.#later(message, RETRY_MS);
  }

  /** One timer a message at most, however often it is answered: the newest time counts. */
  #later(message: Message, ms: number): void {
    const at = performance.now() + ms;
    message.again = at;
    setTimeout(() => {
      if (message.again === at && this.#awaited.has(message.token)) this.#send(message);
    }, ms).unref();
  }

  #sweep(): void {
    const now = performance.now();
    for (const message of [...this.#awaited.values()]) {
      if (message.again > now) continue;
      this.#onTrouble(NO_ANSWER);
      this.#send(message);
    }
  }

  #settle(message: Message, tell: () => void): void {
    this.#awaited.delete(message.token);
    tell();
    this.#pump();
  }
}

function notStored(subject: string): Error {
  return new Error(`the connection was closed before ${subject} was stored`);
}
