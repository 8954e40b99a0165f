/**
 * Publishes into streams and knows for each message whether it is stored.
 *
 * P1 A publish settles only with the server's answer; time-outs, elections, full streams and reconnects are waited out.
 * P2 Answers come to one inbox, and up to 512 of each stream are awaited at a time: one awaited publish after the other
 *    is several times slower.
 * P3 A message whose answer was lost is sent again. Where a subject takes one message, the second is refused, which means stored.
 * P4 Messages of one stream are sent first in the order in which they were given.
 * P5 A stream that is full, or does not answer, holds up no other.
 */
import { createInbox, type Msg, type MsgHdrs, type NatsConnection } from "@nats-io/transport-node";
import type { WriteOptions } from "../ports/storing.ts";
import { guarded } from "./context.ts";
import { within } from "./patience.ts";
import { type Message, type Published, PublishLane } from "./publish-lane.ts";

const SWEEP_MS = 1_000;
/** How long a server that is there takes for the simplest answer, at most. */
const THERE_MS = 750;

export interface PublisherOptions {
  readonly nc: NatsConnection;
  /** The stream that takes this subject. */
  streamOf(subject: string): string;
  onTrouble(what: string): void;
}

export interface PublishOptions extends WriteOptions {
  readonly headers?: MsgHdrs;
  /** Asked each time before it is sent, which may be long after it was asked for: a no ends it. */
  readonly isWanted?: (() => boolean) | undefined;
  /** What is sent instead when a try before may have been stored. Default: the same. */
  readonly repeated?: () => Uint8Array;
}

interface NamedLane {
  readonly lane: PublishLane;
  readonly stream: string;
}

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #inbox = createInbox();
  readonly #lanes: NamedLane[] = [];
  readonly #byStream = new Map<string, PublishLane>();
  readonly #sweeper: NodeJS.Timeout;
  #isServerThere = false;
  #closed = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
    const { nc, onTrouble } = options;
    const hear = (message: Msg): void => this.#onAnswer(message);
    nc.subscribe(`${this.#inbox}.>`, guarded(onTrouble, "hearing what was stored", hear));
    this.#sweeper = setInterval(() => void this.#sweep(), SWEEP_MS);
    this.#sweeper.unref();
  }

  /** Rejects when the connection is closed, or the server will never take the message; with `NotStored` when its time is over. */
  publish(
    subject: string,
    bytes: Uint8Array,
    { withinMs = Number.POSITIVE_INFINITY, ...how }: PublishOptions = {},
  ): Promise<Published> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(notStored(subject));
        return;
      }
      const giveUpAt = performance.now() + withinMs;
      const fresh = { token: "", again: 0, isResting: false, unanswered: 0 };
      this.#laneOf(subject).add({ subject, bytes, ...how, giveUpAt, ...fresh, resolve, reject });
    });
  }

  /** Why what is written has to wait, in these streams or in any, if it has. */
  pressure(streams?: readonly string[]): string | undefined {
    for (const { lane, stream } of this.#lanes) {
      if (streams?.includes(stream) === false) continue;
      const why = lane.pressure(this.#isServerThere);
      if (why !== undefined) return why;
    }
    return undefined;
  }

  /** What was on its way when the connection was lost may never have arrived. */
  reconnected(): void {
    for (const { lane } of this.#lanes) lane.reconnected();
  }

  /** The server has told that this user may not publish there; it does not answer such a message. */
  denied(subject: string): void {
    for (const { lane } of this.#lanes) lane.denied(subject);
  }

  /** Nothing is waited for any more. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#sweeper);
    for (const { lane } of this.#lanes) lane.close(notStored);
  }

  #laneOf(subject: string): PublishLane {
    const stream = this.#options.streamOf(subject);
    const known = this.#byStream.get(stream);
    if (known !== undefined) return known;
    const { nc, onTrouble } = this.#options;
    const replyTo = `${this.#inbox}.${this.#lanes.length}`;
    const send = ({ subject: to, bytes, headers, token, repeated, unanswered }: Message): void => {
      const reply = `${replyTo}.${token}`;
      const body = unanswered > 0 ? (repeated?.() ?? bytes) : bytes;
      nc.publish(to, body, headers === undefined ? { reply } : { reply, headers });
    };
    const lane = new PublishLane({ stream, send, onTrouble });
    this.#lanes.push({ lane, stream });
    this.#byStream.set(stream, lane);
    return lane;
  }

  /** The reply subject is `<inbox>.<lane>.<token>`. */
  #onAnswer(answer: Msg): void {
    const from = this.#inbox.length + 1;
    const dot = answer.subject.indexOf(".", from);
    const named = this.#lanes[Number(answer.subject.slice(from, dot))];
    named?.lane.onAnswer(answer.subject.slice(dot + 1), answer);
  }

  async #sweep(): Promise<void> {
    if (this.#lanes.some(({ lane }) => lane.isSilent)) await this.#lookForServer();
    for (const { lane } of this.#lanes) {
      const why = lane.pressure(this.#isServerThere);
      lane.sweep(why);
    }
  }

  /** A disk that is full looks like this: the server is there, answers what it is asked, and stores nothing. */
  async #lookForServer(): Promise<void> {
    this.#isServerThere = false;
    const flushed = this.#options.nc.flush().then(() => (this.#isServerThere = true));
    await within(flushed, THERE_MS);
  }
}

function notStored(subject: string): Error {
  return new Error(`the connection was closed before ${subject} was stored`);
}
