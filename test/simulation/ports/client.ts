/** What the adapters of one process share: requests with patience, and publishes that are sent until they are answered. */
import type { Published } from "../../../internal/nats/publish-lane.ts";
import type { Clock, Timer } from "../../../internal/ports/clock.ts";
import type { Link } from "../engine/link.ts";
import type { Publication, PublishAnswer, SimServer } from "../server/server.ts";
import type { Stream } from "../server/stream.ts";

/** Nobody answers now, and perhaps later. */
export class NoAnswer extends Error {
  constructor() {
    super("no answer");
    this.name = "NoAnswer";
  }
}

const REQUEST_MS = 5_000;
const PATIENCE_MS = 30_000;
const RETRY_MS = 250;
const FULL_RETRY_MS = 1_000;
const ANSWER_MS = 5_000;
const FLUSH_MS = 2_000;

export interface WantedPublication extends Publication {
  /** Asked before each try: a no ends it as not stored. */
  readonly isWanted?: (() => boolean) | undefined;
  /** What is sent instead when a try before may have been stored. */
  readonly repeated?: () => Publication["value"];
}

interface Message extends WantedPublication {
  readonly stream: Stream;
  isSent: boolean;
  timer: Timer | undefined;
  resolve(answer: Published): void;
  reject(error: Error): void;
}

export class Client {
  readonly link: Link;
  readonly server: SimServer;
  readonly clock: Clock;
  readonly #awaited = new Set<Message>();
  #isClosed = false;

  constructor(link: Link, server: SimServer) {
    this.link = link;
    this.server = server;
    this.clock = link.process.clock;
    link.onReconnect(() => {
      for (const message of [...this.#awaited]) this.#send(message);
    });
  }

  /** `ask` runs at the server. Rejects with `NoAnswer` when none comes. */
  request<T>(label: string, ask: () => T, timeoutMs = REQUEST_MS): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = this.clock.after(timeoutMs, () => reject(new NoAnswer()));
      this.link.toServer(label, () => {
        if (this.server.moods.isBusy || !this.server.isUp) {
          this.#answer(timer, label, () => reject(new NoAnswer()));
          return;
        }
        const value = ask();
        this.#answer(timer, label, () => resolve(value));
      });
    });
  }

  /** Asks again while there is no answer, for 30 s. */
  async patiently<T>(ask: () => Promise<T>, patienceMs = PATIENCE_MS): Promise<T> {
    const giveUpAt = this.clock.monotonic() + patienceMs;
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof NoAnswer) || this.clock.monotonic() + RETRY_MS > giveUpAt) throw error;
      }
      await this.pause(RETRY_MS);
    }
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.clock.after(ms, resolve);
    });
  }

  /** A question that is asked until there is an answer. */
  ask<T>(label: string, ask: () => T): Promise<T> {
    return this.patiently(() => this.request(label, ask));
  }

  publish(stream: Stream, publication: WantedPublication): Promise<Published> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) {
        reject(notStored(publication));
        return;
      }
      const message: Message = { ...publication, stream, isSent: false, timer: undefined, resolve, reject };
      this.#awaited.add(message);
      this.#send(message);
    });
  }

  /** What was sent before has arrived, or never will. */
  async close(): Promise<void> {
    await this.request("flush", () => undefined, FLUSH_MS).catch(() => undefined);
    this.#isClosed = true;
    for (const message of [...this.#awaited]) {
      this.#settle(message);
      message.reject(notStored(message));
    }
  }

  #answer(timer: Timer, label: string, settle: () => void): void {
    this.link.toClient(`answer to ${label}`, () => {
      timer.cancel();
      settle();
    });
  }

  #send(message: Message): void {
    if (message.isWanted?.() === false) {
      this.#settle(message);
      message.resolve({ stored: false, unwanted: true });
      return;
    }
    const value = message.isSent ? (message.repeated?.() ?? message.value) : message.value;
    message.isSent = true;
    this.#again(message, ANSWER_MS);
    this.link.toServer(`publish ${message.subject}`, () => {
      this.server.publish(message.stream, { subject: message.subject, value }, (answer) => {
        this.link.toClient(`answer for ${message.subject}`, () => this.#onAnswer(message, answer));
      });
    });
  }

  #onAnswer(message: Message, answer: PublishAnswer): void {
    if (!this.#awaited.has(message)) return;
    if (answer === "full") this.#again(message, FULL_RETRY_MS);
    else if (answer === "busy") this.#again(message, RETRY_MS);
    else {
      this.#settle(message);
      message.resolve(answer === "refused" ? { stored: false } : { stored: true, seq: answer.seq });
    }
  }

  #again(message: Message, ms: number): void {
    message.timer?.cancel();
    message.timer = this.clock.after(ms, () => this.#send(message));
  }

  #settle(message: Message): void {
    message.timer?.cancel();
    this.#awaited.delete(message);
  }
}

function notStored({ subject }: Publication): Error {
  return new Error(`the connection was closed before ${subject} was stored`);
}
