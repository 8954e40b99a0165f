/** A stream as the real server keeps it, with the rules that the contract asks for. */
import type { StreamSpec } from "../../../internal/contract/streams.ts";

export interface Stored {
  readonly seq: number;
  readonly subject: string;
  /** The server's time, in milliseconds since 1970. */
  readonly time: number;
  /** When it was stored, in simulated time. */
  readonly at: number;
  readonly value: unknown;
}

/** The server's wall clock, and simulated time. */
export type StreamClock = () => { readonly time: number; readonly at: number };

export type Removal = "deleted" | "purged" | "acked";

export interface StreamListener {
  stored?(message: Stored): void;
  removed?(message: Stored, how: Removal): void;
}

export interface Backup {
  readonly messages: readonly Stored[];
  readonly lastSeq: number;
}

export class Stream {
  readonly spec: StreamSpec;
  readonly #clock: StreamClock;
  readonly #messages = new Map<number, Stored>();
  readonly #bySubject = new Map<string, Stored>();
  readonly #listeners = new Set<StreamListener>();
  #lastSeq = 0;
  /** When anything was removed last, in simulated time. */
  removedAt = Number.NEGATIVE_INFINITY;

  constructor(spec: StreamSpec, clock: StreamClock) {
    this.spec = spec;
    this.#clock = clock;
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }
  get size(): number {
    return this.#messages.size;
  }
  get messages(): Iterable<Stored> {
    return this.#messages.values();
  }
  get subjects(): Iterable<string> {
    return this.#bySubject.keys();
  }

  listen(listener: StreamListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  at(seq: number): Stored | undefined {
    return this.#messages.get(seq);
  }
  of(subject: string): Stored | undefined {
    return this.#bySubject.get(subject);
  }

  /** `undefined`: refused, the subject is taken. */
  publish(subject: string, value: unknown): Stored | undefined {
    const before = this.#bySubject.get(subject);
    if (before !== undefined && this.spec.perSubject === "first") return undefined;
    if (before !== undefined) this.#drop(before, "deleted");
    const { time, at } = this.#clock();
    const message: Stored = { seq: ++this.#lastSeq, subject, time, at, value };
    this.#put(message);
    for (const listener of this.#listeners) listener.stored?.(message);
    return message;
  }

  remove(seq: number, how: Removal): void {
    const message = this.#messages.get(seq);
    if (message !== undefined) this.#drop(message, how);
  }

  purge(isMeant: (message: Stored) => boolean): void {
    for (const message of [...this.#messages.values()]) if (isMeant(message)) this.#drop(message, "purged");
  }

  /** A message that was removed is there again, unless its subject is taken: the server has forgotten an ack. */
  bringBack(message: Stored): boolean {
    if (this.#bySubject.has(message.subject) || this.#messages.has(message.seq)) return false;
    this.#put(message);
    return true;
  }

  backUp(): Backup {
    return { messages: [...this.#messages.values()], lastSeq: this.#lastSeq };
  }

  /** It is as it was then; positions are given out anew. Nobody is told. */
  restore({ messages, lastSeq }: Backup): void {
    this.#messages.clear();
    this.#bySubject.clear();
    for (const message of messages) this.#put(message);
    this.#lastSeq = lastSeq;
  }

  #put(message: Stored): void {
    this.#messages.set(message.seq, message);
    this.#bySubject.set(message.subject, message);
  }

  #drop(message: Stored, how: Removal): void {
    this.removedAt = this.#clock().at;
    this.#messages.delete(message.seq);
    if (this.#bySubject.get(message.subject) === message) this.#bySubject.delete(message.subject);
    for (const listener of this.#listeners) listener.removed?.(message, how);
  }
}
