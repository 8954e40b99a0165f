/**
 * Takes attempts from one queue's consumer, never more than were asked for.
 *
 * The client's own `consume` has a fixed number of messages on their way; how much a worker may take changes
 * with every attempt that ends, so this speaks the pull protocol itself.
 *
 * I1 `#outstanding` is what was asked for and has not come. It is corrected by what the server says of requests that ended.
 * I2 Requests and their answers have an inbox. When requests are void (reconnect, election, silence), the next
 *    ones get a new inbox: the server drops requests that nobody listens to, so nothing is asked for twice.
 * I3 What still comes to an inbox that was left is delivered all the same, and after `stop` it is given back:
 *    it need not wait for its ack wait.
 */
import { createInbox, type Msg, type Subscription } from "@nats-io/transport-node";
import { decodeWork } from "../contract/work.ts";
import { isVouchedFor, type Work } from "../core/attempt.ts";
import type { Delivery, Intake } from "../ports/task-queue.ts";
import { type Context, guarded } from "./context.ts";
import { type DeliveryInfo, readDelivery } from "./delivery-info.ts";
import { within } from "./patience.ts";

export interface IntakeOptions {
  readonly context: Context;
  readonly queue: string;
  /** `$JS.API.CONSUMER.MSG.NEXT.<stream>.<consumer>`. */
  readonly pullSubject: string;
  onDelivery(delivery: Delivery): void;
  /** The consumer is gone: create it again. */
  onLost(): Promise<void>;
  /** What was asked for is void, and perhaps what the server knew of deliveries. */
  onInterrupted(): void;
  /** Nobody can have had this copy before, by its position in the stream. */
  isFresh(seq: number): boolean;
  readonly ackWaitMs: number;
}

const EXPIRES_MS = 5_000;
const HEARTBEAT_MS = 1_000;
const NANOS = 1_000_000;
/** No message and no heartbeat for so long: the requests are void. */
const SILENCE_MS = 2_500;
const RETRY_MS = 250;
/** How long `stop` waits for a server that does not answer. */
const DRAIN_MS = 2_000;

const encoder = new TextEncoder();
const ACK = encoder.encode("+ACK");
const NAK = encoder.encode("-NAK");
const TERM = encoder.encode("+TERM");

interface Inbox {
  readonly name: string;
  readonly subscription: Subscription;
}

export class NatsIntake implements Intake {
  readonly #options: IntakeOptions;
  readonly #watch: NodeJS.Timeout;
  #inbox: Inbox;
  #demand = 0;
  #outstanding = 0;
  #heardAt = 0;
  /** Of the newest delivery, its number among all of its consumer. */
  #consumerSeq = 0;
  #paused = false;
  #stopped = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#inbox = this.#open();
    this.#watch = setInterval(() => this.#checkSilence(), HEARTBEAT_MS);
    this.#watch.unref();
  }

  demand(n: number): void {
    this.#demand = n;
    this.#ask();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#demand = 0;
    clearInterval(this.#watch);
    await within(this.#inbox.subscription.drain(), DRAIN_MS);
  }

  /** Requests do not survive a connection. */
  reconnected(): void {
    if (this.#stopped) return;
    this.#renew();
    this.#ask();
  }

  #open(): Inbox {
    const { context, queue } = this.#options;
    const name = createInbox();
    const what = `taking from queue '${queue}'`;
    const hear = (message: Msg): void => this.#onArrival(message, name);
    return { name, subscription: context.nc.subscribe(name, guarded(context.onTrouble, what, hear)) };
  }

  /** All requests so far are void. */
  #renew(): void {
    const { subscription } = this.#inbox;
    this.#inbox = this.#open();
    this.#outstanding = 0;
    // Not before what is on its way has come.
    subscription.drain().catch(() => undefined);
  }

  /** A few large requests instead of many small ones: asks again when half of them have come. */
  #ask(): void {
    if (this.#paused || this.#stopped || this.#outstanding > this.#demand / 2) return;
    const batch = this.#demand - this.#outstanding;
    if (batch <= 0) return;
    if (this.#outstanding === 0) this.#heardAt = performance.now();
    this.#outstanding += batch;
    const request = { batch, expires: EXPIRES_MS * NANOS, idle_heartbeat: HEARTBEAT_MS * NANOS };
    this.#publish(this.#options.pullSubject, encoder.encode(JSON.stringify(request)), this.#inbox.name);
  }

  #onArrival(message: Msg, inbox: string): void {
    const isPresent = inbox === this.#inbox.name;
    if (isPresent) this.#heardAt = performance.now();
    const status = message.headers?.code ?? 0;
    if (status !== 0 && message.data.length === 0) {
      if (isPresent) this.#onStatus(message, status);
      return;
    }
    if (isPresent) this.#outstanding = Math.max(0, this.#outstanding - 1);
    this.#onTask(message);
  }

  #onTask(message: Msg): void {
    const { subject, data, reply = "" } = message;
    const { context, queue, onDelivery } = this.#options;
    const decoded = decodeWork(data);
    if ("wrong" in decoded) {
      this.#putAside(message, decoded.wrong);
      return;
    }
    const work = decoded.value;
    if (work.queue !== queue || context.names.task(queue, work) !== subject) {
      this.#putAside(
        message,
        `names another attempt than its subject: ${context.names.task(work.queue, work)}`,
      );
      return;
    }
    this.#demand = Math.max(0, this.#demand - 1);
    const info = readDelivery(reply);
    // The consumer was created anew meanwhile, and knows nothing of what it had delivered.
    if (info.consumerSeq <= this.#consumerSeq) this.#options.onInterrupted();
    this.#consumerSeq = info.consumerSeq;
    const delivery: Delivery = {
      work,
      ...trustOf(info, work, this.#options),
      receipt: reply,
      ack: () => this.#publish(reply, ACK),
      giveBack: (delayMs = 0) => {
        const delay = Math.round(delayMs * NANOS);
        this.#publish(reply, delay === 0 ? NAK : encoder.encode(`-NAK {"delay": ${delay}}`));
      },
    };
    if (this.#stopped) delivery.giveBack();
    else onDelivery(delivery);
  }

  /** It uses up no demand. Ended only once its bytes are safe; until then it comes again after each ack wait. */
  #putAside({ subject, data, reply = "" }: Msg, reason: string): void {
    void this.#options.context.putAside(subject, reason, data).then((isSafe) => {
      if (isSafe) this.#publish(reply, TERM);
    });
    this.#ask();
  }

  #onStatus({ headers }: Msg, status: number): void {
    if (status === 100 || this.#stopped) return;
    const description = headers?.description ?? "";
    if (status === 408 || status === 404) {
      // The request is over; this many of its messages did not come.
      const left = Number(headers?.get("Nats-Pending-Messages") ?? 0);
      this.#outstanding = Math.max(0, this.#outstanding - left);
      this.#ask();
      return;
    }
    this.#recover(status === 503 || /consumer (deleted|not found)/i.test(description));
  }

  /** After a refusal: a little later, and with the consumer created again where it is gone. */
  #recover(isLost: boolean): void {
    if (this.#paused || this.#stopped) return;
    this.#paused = true;
    this.#renew();
    this.#options.onInterrupted();
    setTimeout(() => {
      const ready = isLost ? this.#options.onLost() : Promise.resolve();
      void ready
        .catch((error: unknown) => {
          this.#options.context.onTrouble(`queue '${this.#options.queue}': ${String(error)}`);
        })
        .then(() => {
          this.#paused = false;
          this.#ask();
        });
    }, RETRY_MS).unref();
  }

  #checkSilence(): void {
    if (!this.#options.context.isUp()) return;
    if (this.#outstanding === 0) {
      this.#ask();
      return;
    }
    const isSilent = (): boolean => performance.now() - this.#heardAt > SILENCE_MS;
    if (!isSilent()) return;
    // After this process stood still, what has come meanwhile is read before it is judged.
    setImmediate(() => {
      if (isSilent()) this.#recover(true);
    });
  }

  /** On a connection that is down this is lost, and the ack wait takes over. */
  #publish(subject: string, bytes: Uint8Array, reply?: string): void {
    const { nc } = this.#options.context;
    if (!nc.isClosed()) nc.publish(subject, bytes, reply === undefined ? {} : { reply });
  }
}

/** The count says how often it was given back too, but who vanishes with a copy keeps it for an ack wait. */
function trustOf(
  { deliveries, seq, time }: DeliveryInfo,
  work: Work,
  { isFresh, ackWaitMs }: IntakeOptions,
): Pick<Delivery, "isSuspect" | "losses"> {
  if (deliveries === 1) return { isSuspect: !isFresh(seq) || !isVouchedFor(work, time), losses: 0 };
  const waits = Math.max(0, Math.floor((Date.now() - time) / ackWaitMs));
  return { isSuspect: true, losses: Math.min(deliveries - 1, waits) };
}
