/**
 * The consumer of one queue on the stream of tasks, as the real server was seen to keep it.
 *
 * Q1 Explicit acks, and nobody checks whose: a late ack of a first delivery removes what another works on.
 * Q2 What is not acknowledged within the ack wait is delivered again, also after an outage.
 * Q3 A kill of the server forgets who has what: it is delivered again, at once, and as if for the first time.
 */
import type { QueueDepth } from "../../../internal/ports/task-queue.ts";
import type { SimEvent } from "../engine/event-heap.ts";
import type { World } from "../engine/world.ts";
import type { Removal, Stored, Stream } from "./stream.ts";

export interface PulledMessage {
  readonly message: Stored;
  /** How often it was delivered, this time included. */
  readonly deliveries: number;
}

/** A pull request that waits at the consumer. */
export interface Pull {
  left: number;
  deliver(message: PulledMessage): void;
  /** The consumer is no more; it will not be served. */
  deleted(): void;
}

interface InFlight {
  /** The end of its ack wait, or of the delay that a worker asked for. */
  again: SimEvent;
}

export interface QueueConsumerOptions {
  readonly world: World;
  readonly stream: Stream;
  readonly subjectPrefix: string;
  readonly ackWaitMs: number;
  readonly maxAckPending: number;
  /** A purge leaves the places of what is in flight taken until the ack wait. */
  readonly keepsPurgedPlaces: boolean;
  /** How late waiting pulls wake, in milliseconds; usually 0. */
  wakeDelayMs(): number;
  isUp(): boolean;
}

/** After a purge waiting pulls wake late. */
const PURGE_WAKE_MS = 1_900;
const WAKE = "pulls wake";

export class QueueConsumer {
  readonly #options: QueueConsumerOptions;
  /** Not delivered, or to be delivered again; in the order of the stream. */
  #pending: Stored[] = [];
  /** Delivered and not acknowledged, by sequence. */
  readonly #inFlight = new Map<number, InFlight>();
  readonly #deliveries = new Map<number, number>();
  #deliveredSeq = 0;
  #pulls: Pull[] = [];
  #wakeAt = Number.POSITIVE_INFINITY;
  #isStalled = false;

  constructor(options: QueueConsumerOptions) {
    this.#options = options;
    const { stream } = options;
    for (const message of stream.messages) this.#stored(message);
    stream.listen({
      stored: (message) => this.#stored(message),
      removed: (message, how) => this.#removed(message, how),
    });
  }

  get depth(): QueueDepth {
    return {
      waiting: this.#pending.length,
      inFlight: this.#inFlight.size,
      limit: Number.POSITIVE_INFINITY,
      deliveredSeq: this.#deliveredSeq,
      isWanted: this.#pulls.length > 0,
    };
  }

  /** It delivers nothing more, until it is created anew. */
  stall(): void {
    this.#isStalled = true;
  }

  /** Deleted, and created anew: who waits for deliveries is told. */
  renew(): void {
    const pulls = this.#pulls;
    this.forget();
    this.#deliveredSeq = 0;
    this.#isStalled = false;
    for (const pull of pulls) pull.deleted();
  }

  pull(pull: Pull): void {
    this.#pulls.push(pull);
    this.#serve();
  }
  /** Nobody listens to it any more. */
  drop(pull: Pull): void {
    this.#pulls = this.#pulls.filter((each) => each !== pull);
  }

  ack(seq: number): void {
    // Not delivered, as far as the server knows: it has forgotten that it was.
    if (seq > this.#deliveredSeq) return;
    this.#options.stream.remove(seq, "acked");
    this.#serve();
  }

  nak(seq: number, delayMs: number): void {
    const entry = this.#inFlight.get(seq);
    if (entry === undefined) return;
    if (delayMs > 0) this.#wait(seq, delayMs);
    else this.#deliverAgain(seq);
  }

  working(seq: number): void {
    if (this.#inFlight.has(seq)) this.#wait(seq, this.#options.ackWaitMs);
  }

  /** Killed: what was in flight comes again at once, as if it never had. */
  forget(): void {
    for (const [seq, { again }] of this.#inFlight) {
      again.isCancelled = true;
      const message = this.#options.stream.at(seq);
      if (message !== undefined) this.#pending.push(message);
    }
    this.#deliveredSeq = Math.min(this.#deliveredSeq, ...[...this.#inFlight.keys()].map((seq) => seq - 1));
    this.#inFlight.clear();
    this.#deliveries.clear();
    this.#pending.sort((a, b) => a.seq - b.seq);
    this.disconnected();
  }

  /** Pull requests do not survive the server. */
  disconnected(): void {
    this.#pulls = [];
  }

  /** The server is up again. */
  goOn(): void {
    this.#serve();
  }

  /** It was removed by an ack that the server has forgotten. */
  broughtBack(message: Stored): void {
    if (!message.subject.startsWith(this.#options.subjectPrefix)) return;
    this.#pending.push(message);
    this.#pending.sort((a, b) => a.seq - b.seq);
  }

  #stored(message: Stored): void {
    if (!message.subject.startsWith(this.#options.subjectPrefix)) return;
    this.#pending.push(message);
    this.#wake(this.#options.wakeDelayMs());
  }

  #removed(message: Stored, how: Removal): void {
    const { seq } = message;
    this.#pending = this.#pending.filter((each) => each.seq !== seq);
    const entry = this.#inFlight.get(seq);
    if (entry === undefined) return;
    if (how === "purged" && this.#options.keepsPurgedPlaces) return;
    entry.again.isCancelled = true;
    this.#inFlight.delete(seq);
    this.#deliveries.delete(seq);
    this.#wake(how === "purged" ? PURGE_WAKE_MS : 0);
  }

  #wake(delayMs: number): void {
    const { world } = this.#options;
    const at = world.now + delayMs;
    if (at >= this.#wakeAt) return;
    this.#wakeAt = at;
    world.after(delayMs, WAKE, () => {
      if (this.#wakeAt <= world.now) this.#wakeAt = Number.POSITIVE_INFINITY;
      this.#serve();
    });
  }

  #serve(): void {
    const { maxAckPending, isUp } = this.#options;
    while (isUp() && !this.#isStalled && this.#pending.length > 0 && this.#inFlight.size < maxAckPending) {
      const pull = this.#pulls.shift();
      if (pull === undefined) return;
      const message = this.#pending.shift();
      if (message === undefined) return;
      this.#deliver(message, pull);
      // Who got one goes to the end.
      if (--pull.left > 0) this.#pulls.push(pull);
    }
  }

  #deliver(message: Stored, pull: Pull): void {
    const deliveries = (this.#deliveries.get(message.seq) ?? 0) + 1;
    this.#deliveries.set(message.seq, deliveries);
    this.#deliveredSeq = Math.max(this.#deliveredSeq, message.seq);
    this.#wait(message.seq, this.#options.ackWaitMs);
    pull.deliver({ message, deliveries });
  }

  #wait(seq: number, ms: number): void {
    const known = this.#inFlight.get(seq);
    if (known !== undefined) known.again.isCancelled = true;
    const again = this.#options.world.after(ms, "ack wait is over", () => this.#deliverAgain(seq));
    this.#inFlight.set(seq, { again });
  }

  #deliverAgain(seq: number): void {
    const entry = this.#inFlight.get(seq);
    if (entry !== undefined) entry.again.isCancelled = true;
    this.#inFlight.delete(seq);
    const message = this.#options.stream.at(seq);
    if (message !== undefined) this.#pending.unshift(message);
    this.#serve();
  }
}
