/**
 * What is on its way into one stream. A stream that takes nothing holds up no other.
 *
 * A full stream and a server that does not answer are waited out: at most a window of messages is sent, again and
 * again, and the rest stays here. Of those that a full stream refused a few are tried each second; with every one that
 * is stored, two more.
 */
import type { Msg, MsgHdrs } from "@nats-io/transport-node";
import { NotStored } from "../ports/storing.ts";
import { type ApiError, judge } from "./answers.ts";

const WINDOW = 512;
const ANSWER_MS = 5_000;
const RETRY_MS = 250;
const FULL_RETRY_MS = 1_000;
/** So many of those that had no room are tried at a time. */
const PROBES = 16;
/** No message was stored or refused for so long: it is time to say so. */
const SILENT_MS = 3_000;
/** After so many messages that are done with, the backlog's front is cut off. */
const CUT = 4_096;

/** `unwanted`: it was not sent, or not again; a try before may have been stored. Else it is there already. */
export type Published =
  { readonly stored: true; readonly seq: number } | { readonly stored: false; readonly unwanted?: true };

export interface Message {
  readonly subject: string;
  readonly bytes: Uint8Array;
  readonly headers?: MsgHdrs;
  readonly isWanted?: (() => boolean) | undefined;
  readonly repeated?: () => Uint8Array;
  /** By the monotonic clock. */
  readonly giveUpAt: number;
  /** Names it in the answer, once it was sent. */
  token: string;
  /** When it is sent again without an answer, by the monotonic clock. */
  again: number;
  /** There was no room for it, and it is not under way. */
  isResting: boolean;
  /** How often it was sent and may have been stored, for all that is known. */
  unanswered: number;
  resolve(answer: Published): void;
  reject(error: Error): void;
}

export interface LaneOptions {
  readonly stream: string;
  /** Throws what makes it impossible to send. */
  send(message: Message): void;
  onTrouble(what: string): void;
}

interface PubAck {
  readonly seq: number;
  readonly error?: ApiError;
}

const decoder = new TextDecoder();

export class PublishLane {
  readonly #options: LaneOptions;
  readonly #awaited = new Map<string, Message>();
  readonly #backlog: Message[] = [];
  /** Of the awaited ones those that there was no room for so far, the next to be tried first. */
  readonly #stuck = new Set<Message>();
  #fullBecause = "";
  /** When the stream last answered what became of a message, or the first one began to wait; by the monotonic clock. */
  #heardAt = 0;
  #probing: NodeJS.Timeout | undefined;
  #head = 0;
  #token = 0;
  #isPumping = false;
  #hasImpatient = false;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  add(message: Message): void {
    if (this.#awaited.size === 0) this.#heardAt = performance.now();
    this.#hasImpatient ||= message.giveUpAt !== Number.POSITIVE_INFINITY;
    this.#backlog.push(message);
    this.#pump();
  }

  /** Nothing was stored or refused for a while, although something waits. */
  get isSilent(): boolean {
    return this.#awaited.size > 0 && performance.now() - this.#heardAt > SILENT_MS;
  }

  /** Why what is written has to wait, if it has. */
  pressure(isServerThere: boolean): string | undefined {
    const where = `(stream ${this.#options.stream})`;
    if (this.#stuck.size > 0) return `the server is full: ${this.#fullBecause} ${where}`;
    if (!this.isSilent) return undefined;
    return isServerThere
      ? `the server stores nothing: it elects a leader, or its disk is full; then make room and restart it ${where}`
      : `the server has no answer ${where}`;
  }

  onAnswer(token: string, { data, headers }: Msg): void {
    const message = this.#awaited.get(token);
    if (message === undefined) return;
    if (data.length === 0 || (headers?.code ?? 0) >= 400) {
      // Nobody there: an election, or a stream that is not created yet.
      message.unanswered--;
      this.#later(message, RETRY_MS);
      return;
    }
    const { seq, error } = JSON.parse(decoder.decode(data)) as PubAck;
    const verdict = error === undefined ? "stored" : judge(error);
    if (verdict !== "busy") this.#heardAt = performance.now();
    if (error !== undefined) {
      this.#onError(message, error);
      return;
    }
    this.#settle(message, () => message.resolve({ stored: true, seq }));
    if (this.#stuck.size > 0) this.#probe(2);
  }

  /** What was on its way when the connection was lost may never have arrived. */
  reconnected(): void {
    for (const message of [...this.#awaited.values()]) if (!message.isResting) this.#send(message);
  }

  denied(subject: string): void {
    for (const message of [...this.#awaited.values()]) {
      if (message.subject !== subject) continue;
      const error = new Error(`this user may not publish to ${subject}: the server's permissions forbid it`);
      this.#settle(message, () => message.reject(error));
    }
  }

  /** Sends again what has no answer, and gives up what cannot wait any longer. */
  sweep(why: string | undefined): void {
    const now = performance.now();
    if (this.isSilent) this.#options.onTrouble(`messages wait to be stored: ${why ?? ""}`);
    if (this.#hasImpatient) this.#giveUp(now, why ?? "there was no time left");
    for (const message of [...this.#awaited.values()]) if (message.again <= now) this.#send(message);
  }

  close(error: (subject: string) => Error): void {
    clearInterval(this.#probing);
    const left = [...this.#awaited.values(), ...this.#backlog.slice(this.#head)];
    this.#awaited.clear();
    this.#stuck.clear();
    this.#backlog.length = 0;
    this.#head = 0;
    for (const message of left) message.reject(error(message.subject));
  }

  #pump(): void {
    // What cannot be sent is settled at once, and would come here again from within.
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (this.#awaited.size < WINDOW && this.#head < this.#backlog.length) {
      const message = this.#backlog[this.#head++];
      if (message === undefined) break;
      message.token = String(++this.#token);
      this.#awaited.set(message.token, message);
      this.#send(message);
    }
    this.#isPumping = false;
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
    message.isResting = false;
    try {
      this.#options.send(message);
      message.unanswered++;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#settle(message, () => message.reject(new Error(`cannot publish to ${message.subject}: ${why}`)));
    }
  }

  #onError(message: Message, error: ApiError): void {
    switch (judge(error)) {
      case "refused":
        this.#settle(message, () => message.resolve({ stored: false }));
        return;
      case "full":
        this.#noRoom(message, error.description);
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

  #noRoom(message: Message, description: string): void {
    message.again = Number.POSITIVE_INFINITY;
    message.isResting = true;
    message.unanswered--;
    // To the end: others get their turn.
    this.#stuck.delete(message);
    this.#stuck.add(message);
    this.#fullBecause = description;
    this.#options.onTrouble(
      `the server is full, waiting for room: ${description} (stream ${this.#options.stream})`,
    );
    this.#probing ??= setInterval(() => this.#probe(PROBES), FULL_RETRY_MS).unref();
  }

  #probe(count: number): void {
    if (this.#stuck.size === 0) {
      clearInterval(this.#probing);
      this.#probing = undefined;
      return;
    }
    let left = count;
    for (const message of [...this.#stuck]) {
      if (!message.isResting) continue;
      if (left-- === 0) return;
      this.#send(message);
    }
  }

  /** One timer a message at most, however often it is answered: the newest time counts. */
  #later(message: Message, ms: number): void {
    const at = performance.now() + ms;
    message.again = at;
    setTimeout(() => {
      if (message.again === at && this.#awaited.has(message.token)) this.#send(message);
    }, ms).unref();
  }

  #giveUp(now: number, why: string): void {
    const what = ({ subject }: Message): string => `a message to ${subject}`;
    for (const message of [...this.#awaited.values()]) {
      if (message.giveUpAt > now) continue;
      const isOpen = !this.#stuck.has(message);
      this.#settle(message, () => message.reject(new NotStored({ what: what(message), why, isOpen })));
    }
    const waiting = this.#backlog.splice(this.#head);
    const late = waiting.filter(({ giveUpAt }) => giveUpAt <= now);
    this.#backlog.push(...waiting.filter(({ giveUpAt }) => giveUpAt > now));
    for (const message of late) {
      message.reject(new NotStored({ what: what(message), why, isOpen: false }));
    }
    const left = [...this.#awaited.values(), ...this.#backlog.slice(this.#head)];
    this.#hasImpatient = left.some(({ giveUpAt }) => giveUpAt !== Number.POSITIVE_INFINITY);
  }

  #settle(message: Message, tell: () => void): void {
    this.#awaited.delete(message.token);
    this.#stuck.delete(message);
    tell();
    this.#pump();
  }
}
