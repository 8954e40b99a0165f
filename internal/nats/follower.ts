/**
 * Follows a stream in order, each message once.
 *
 * A push consumer without acknowledgements delivers to an inbox; the client's own ordered consumer pulls, which
 * costs a request for each batch and stalls for seconds after an election. Whatever ends this one (a reconnect, a
 * deleted consumer, a lost message), another begins right after the last message that was handed over.
 *
 * F1 Deliveries of one consumer are numbered without gaps: a number that does not fit means that one was lost.
 * F2 Each consumer has an inbox of its own, so nothing of an earlier one is taken for the present one's.
 * F3 A heartbeat comes after all that was sent before it, and says how far in the stream the consumer has looked;
 *    so positions without a message for us (another run's, deleted ones) are known to be behind us. The next consumer
 *    looks at them again: in a stream that was put back meanwhile, messages for us may stand there.
 */
import { AckPolicy, DeliverPolicy, ReplayPolicy } from "@nats-io/jetstream";
import { createInbox, type Msg, type Subscription } from "@nats-io/transport-node";
import type { Follower } from "../ports/run-log.ts";
import { type Context, guarded } from "./context.ts";
import { type DeliveryInfo, readDelivery } from "./delivery-info.ts";
import { patiently } from "./patience.ts";
import { getFromLeader, type StreamMessage } from "./stored-message.ts";

export interface FollowStreamOptions {
  readonly context: Pick<Context, "nc" | "jsm" | "isUp" | "onTrouble" | "closing">;
  readonly stream: string;
  /** Several only where the server can: `Context.takesFilters`. */
  readonly filter: string | readonly string[];
  readonly from: number;
  /** Messages come without their bytes. Default `false`. */
  readonly headersOnly?: boolean;
  onMessage(message: StreamMessage): void;
  /** Everything that the stream held at the beginning was handed over; may be called again. */
  onCaughtUp?(): void;
  /** The stream ended before what was handed over, as after a restore: it is handed over again from the beginning. */
  onRewound?(): void;
}

const NANOS = 1_000_000;
const HEARTBEAT_MS = 500;
/** Neither message nor heartbeat for so long: the consumer is gone. */
const SILENCE_MS = 2_500;
const RETRY_MS = 250;
/** The server removes a consumer that nobody listens to for so long. */
const ABANDONED_MS = 10_000;

interface Waiter {
  readonly seq: number;
  resolve(): void;
}

/**
 * Hands over what a stream holds now, in order, up to the position `to`, and up to `limit` messages (default: all).
 * Rejects when it cannot be read, or the connection is closed meanwhile.
 */
export async function readStream(
  options: FollowStreamOptions,
  {
    to = Number.POSITIVE_INFINITY,
    limit = Number.POSITIVE_INFINITY,
  }: { readonly to?: number; readonly limit?: number } = {},
): Promise<void> {
  const { closing } = options.context;
  let count = 0;
  let follower: StreamFollower | undefined;
  let giveUp = (): void => undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      giveUp = () => reject(new Error(`the connection was closed while ${options.stream} was read`));
      closing.addEventListener("abort", giveUp);
      const onMessage = (message: StreamMessage): void => {
        if (message.seq <= to && ++count <= limit) options.onMessage(message);
        if (message.seq >= to || count >= limit) resolve();
      };
      follower = new StreamFollower({ ...options, onMessage, onCaughtUp: resolve });
      follower.start().catch(reject);
    });
  } finally {
    closing.removeEventListener("abort", giveUp);
    await follower?.stop();
  }
}

export class StreamFollower implements Follower {
  readonly #options: FollowStreamOptions;
  /** Everything before this position was handed over, or is not for us. */
  #next: number;
  /** Where the next consumer begins: right after what was handed over last. */
  #resume: number;
  /** What was handed over last. */
  #newest: Pick<StreamMessage, "seq" | "time"> | undefined;
  #subscription: Subscription | undefined;
  /** Name of the present consumer, once it is known. */
  #consumer = "";
  /** Counts the consumers; what belongs to an earlier one is void. */
  #epoch = 0;
  #received = 0;
  #heardAt = 0;
  #retry: NodeJS.Timeout | undefined;
  #watch: NodeJS.Timeout | undefined;
  #isLooking = false;
  /** No message for us lies between. */
  #quiet = { after: 0, to: 0 };
  #stopped = false;
  #waiters: Waiter[] = [];

  constructor(options: FollowStreamOptions) {
    this.#options = options;
    this.#resume = Math.max(1, options.from);
    this.#next = this.#resume;
  }

  /** Resolves once messages can come; rejects when the stream cannot be followed. */
  async start(): Promise<void> {
    await this.#begin();
    if (this.#stopped) return;
    this.#watch = setInterval(() => this.#checkSilence(), HEARTBEAT_MS);
    this.#watch.unref();
  }

  reached(seq: number): Promise<void> {
    if (seq < this.#next || this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.push({ seq, resolve });
      void this.#look();
    });
  }

  /**
   * Finds out where the newest message for us is. Once that is handed over, all that anybody waits for is behind us:
   * the next heartbeats would say so too, up to a second later. Not of a filter that nearly everything passes.
   */
  async #look(): Promise<void> {
    const { context, stream, filter } = this.#options;
    if (this.#isLooking || typeof filter === "string") return;
    this.#isLooking = true;
    const to = Math.max(...this.#waiters.map(({ seq }) => seq));
    const looks = filter.map((last_by_subj) => getFromLeader(context.jsm, stream, { last_by_subj }));
    const found = await Promise.all(looks).catch(() => undefined);
    this.#isLooking = false;
    if (found === undefined) return;
    this.#quiet = { after: Math.max(0, ...found.map((message) => message?.seq ?? 0)), to };
    this.#wake();
    if (this.#waiters.some(({ seq }) => seq > to)) void this.#look();
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    clearTimeout(this.#retry);
    clearInterval(this.#watch);
    this.#end();
    for (const waiter of this.#waiters.splice(0)) waiter.resolve();
  }

  /** What was sent on the lost connection is missing. */
  reconnected(): void {
    this.#again(0);
  }

  async #begin(): Promise<void> {
    const epoch = ++this.#epoch;
    const { nc, jsm, onTrouble } = this.#options.context;
    const { stream, filter, headersOnly = false } = this.#options;
    const inbox = createInbox();
    this.#received = 0;
    this.#heardAt = performance.now();
    const hear = (message: Msg): void => {
      if (epoch === this.#epoch && !this.#stopped) this.#onArrival(message);
    };
    this.#subscription = nc.subscribe(inbox, guarded(onTrouble, `following ${stream}`, hear));
    const asked = await patiently(async () => {
      if (epoch !== this.#epoch) return undefined;
      if (epoch > 1) await this.#checkRewound();
      return jsm.consumers.add(stream, {
        deliver_subject: inbox,
        ...(typeof filter === "string" ? { filter_subject: filter } : { filter_subjects: [...filter] }),
        headers_only: headersOnly,
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: this.#resume,
        ack_policy: AckPolicy.None,
        replay_policy: ReplayPolicy.Instant,
        max_deliver: 1,
        flow_control: true,
        idle_heartbeat: HEARTBEAT_MS * NANOS,
        inactive_threshold: ABANDONED_MS * NANOS,
        mem_storage: true,
        num_replicas: 1,
      });
    });
    if (asked === undefined) return;
    if (epoch !== this.#epoch) {
      this.#discard(asked.name);
      return;
    }
    this.#consumer = asked.name;
    // With deliveries, the last of them says that it is the last.
    if (asked.num_pending === 0 && asked.delivered.consumer_seq === 0) this.#options.onCaughtUp?.();
  }

  /**
   * A consumer that began above the end of a stream would skip what is new until it gets there. What was written
   * since the stream lost its end cannot be told from what was there before, so all of it is handed over again.
   */
  async #checkRewound(): Promise<void> {
    const { context, stream, onRewound } = this.#options;
    const { state } = await context.jsm.streams.info(stream);
    const known = this.#resume - 1;
    if (state.last_seq >= known && (await this.#holdsNewest())) return;
    const what = `the stream ${stream} ends at ${state.last_seq}, and not as it was read up to ${known}: it has lost its end`;
    context.onTrouble(`${what}, and is read again from the beginning`);
    this.#resume = 1;
    this.#next = 1;
    this.#newest = undefined;
    onRewound?.();
  }

  /** By now it may be longer again than it was. A message that was removed tells nothing, and reading again does no harm. */
  async #holdsNewest(): Promise<boolean> {
    const { context, stream, onRewound } = this.#options;
    if (onRewound === undefined || this.#newest === undefined) return true;
    const { seq, time } = this.#newest;
    return (await getFromLeader(context.jsm, stream, { seq }))?.time === time;
  }

  /** The present consumer is done with. */
  #end(): void {
    this.#epoch++;
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    if (this.#consumer !== "") this.#discard(this.#consumer);
    this.#consumer = "";
  }

  /** It would go by itself, some seconds later. */
  #discard(consumer: string): void {
    const { context, stream } = this.#options;
    if (context.isUp()) context.jsm.consumers.delete(stream, consumer).catch(() => undefined);
  }

  #again(delayMs: number): void {
    clearTimeout(this.#retry);
    if (this.#stopped) return;
    this.#end();
    this.#next = this.#resume;
    this.#quiet = { after: 0, to: 0 };
    const { context, stream } = this.#options;
    this.#retry = setTimeout(() => {
      this.#begin().catch((error: unknown) => {
        context.onTrouble(`following ${stream}: ${String(error)}`);
        this.#again(RETRY_MS);
      });
    }, delayMs);
    this.#retry.unref();
  }

  #checkSilence(): void {
    const isSilent = (): boolean => performance.now() - this.#heardAt > SILENCE_MS;
    if (!this.#options.context.isUp() || this.#consumer === "" || !isSilent()) return;
    // After this process stood still, what has come meanwhile is read before it is judged.
    setImmediate(() => {
      if (isSilent()) this.#again(0);
    });
  }

  #onArrival(message: Msg): void {
    this.#heardAt = performance.now();
    const status = message.headers?.code ?? 0;
    if (message.data.length === 0 && status !== 0) {
      if (status === 100) this.#onControl(message);
      else this.#again(RETRY_MS);
      return;
    }
    const info = readDelivery(message.reply ?? "");
    if (info.consumerSeq !== this.#received + 1) {
      this.#again(0);
      return;
    }
    this.#received++;
    this.#handOver(message, info);
  }

  #handOver({ subject, data, headers }: Msg, { seq, time, pending }: DeliveryInfo): void {
    this.#resume = seq + 1;
    this.#next = this.#resume;
    this.#newest = { seq, time };
    try {
      this.#options.onMessage({ subject, data, seq, time, headers });
    } finally {
      this.#wake();
      if (pending === 0) this.#options.onCaughtUp?.();
    }
  }

  /** Flow control wants an answer; a heartbeat tells where the consumer is. */
  #onControl(message: Msg): void {
    const { headers } = message;
    const stalled = headers?.get("Nats-Consumer-Stalled") ?? "";
    if (message.reply !== undefined && message.reply !== "") message.respond();
    else if (stalled !== "") this.#options.context.nc.publish(stalled);
    const delivered = headers?.get("Nats-Last-Consumer") ?? "";
    if (delivered === "") return;
    if (Number(delivered) !== this.#received) {
      this.#again(0);
      return;
    }
    this.#next = Math.max(this.#next, Number(headers?.get("Nats-Last-Stream")) + 1);
    this.#wake();
    if (stalled === "") this.#options.onCaughtUp?.();
  }

  #wake(): void {
    if (this.#waiters.length === 0) return;
    const { after, to } = this.#quiet;
    if (this.#next > after && this.#next <= to) this.#next = to + 1;
    this.#waiters = this.#waiters.filter((waiter) => {
      if (waiter.seq >= this.#next) return true;
      waiter.resolve();
      return false;
    });
  }
}
