/**
 * Takes attempts from one queue's consumer, never more than were asked for.
 *
 * The client's own `consume` has a fixed number of messages on their way; how much a worker may take changes
 * with every attempt that ends, so this speaks the pull protocol itself.
 *
 * I1 `#outstanding` is what was asked for and has not come. It is corrected by what the server says of requests that ended, and by silence.
 * I2 What comes after `stop` is given back, so that it need not wait for its ack wait.
 */
import { createInbox, type Msg, type NatsConnection, type Subscription } from "@nats-io/transport-node";
import { decodeWork } from "../contract/work.ts";
import type { Delivery, Intake } from "../ports/task-queue.ts";

export interface IntakeOptions {
  readonly nc: NatsConnection;
  /** `$JS.API.CONSUMER.MSG.NEXT.<stream>.<consumer>`. */
  readonly pullSubject: string;
  onDelivery(delivery: Delivery): void;
  onBad(subject: string, reason: string, bytes: Uint8Array): void;
  /** The consumer is gone: create it again. */
  onLost(): Promise<void>;
}

const EXPIRES_MS = 5_000;
const HEARTBEAT_MS = 1_000;
const NANOS = 1_000_000;
/** No message and no heartbeat for so long: the requests are void. */
const SILENCE_MS = 2_500;
const RETRY_MS = 250;

const encoder = new TextEncoder();
const ACK = encoder.encode("+ACK");
const NAK = encoder.encode("-NAK");
const WORKING = encoder.encode("+WPI");
const TERM = encoder.encode("+TERM");

export class NatsIntake implements Intake {
  readonly #options: IntakeOptions;
  readonly #inbox = createInbox();
  readonly #subscription: Subscription;
  readonly #watch: NodeJS.Timeout;
  #demand = 0;
  #outstanding = 0;
  #heardAt = 0;
  #paused = false;
  #stopped = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#subscription = options.nc.subscribe(this.#inbox, {
      callback: (_error, message) => this.#onMessage(message),
    });
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
    await this.#subscription.drain().catch(() => undefined);
  }

  /** Requests do not survive a connection. */
  reconnected(): void {
    this.#outstanding = 0;
    this.#ask();
  }

  /** A few large requests instead of many small ones: asks again when half of them have come. */
  #ask(): void {
    if (this.#paused || this.#stopped || this.#outstanding > this.#demand / 2) return;
    const batch = this.#demand - this.#outstanding;
    if (batch <= 0) return;
    if (this.#outstanding === 0) this.#heardAt = performance.now();
    this.#outstanding += batch;
    const request = { batch, expires: EXPIRES_MS * NANOS, idle_heartbeat: HEARTBEAT_MS * NANOS };
    this.#publish(this.#options.pullSubject, encoder.encode(JSON.stringify(request)), this.#inbox);
  }

  #onMessage(message: Msg): void {
    this.#heardAt = performance.now();
    const status = message.headers?.code ?? 0;
    if (status !== 0 && message.data.length === 0) {
      this.#onStatus(message, status);
      return;
    }
    this.#outstanding = Math.max(0, this.#outstanding - 1);
    this.#demand = Math.max(0, this.#demand - 1);
    this.#onTask(message);
  }

  #onTask({ subject, data, reply = "" }: Msg): void {
    const decoded = decodeWork(data);
    if ("wrong" in decoded) {
      this.#options.onBad(subject, decoded.wrong, data);
      this.#publish(reply, TERM);
      return;
    }
    const delivery: Delivery = {
      work: decoded.value,
      redelivered: deliveryCount(reply) > 1,
      ack: () => this.#publish(reply, ACK),
      giveBack: (delayMs = 0) => {
        const delay = delayMs === 0 ? NAK : encoder.encode(`-NAK {"delay": ${delayMs * NANOS}}`);
        this.#publish(reply, delay);
      },
      working: () => this.#publish(reply, WORKING),
    };
    if (this.#stopped) delivery.giveBack();
    else this.#options.onDelivery(delivery);
  }

  #onStatus(message: Msg, status: number): void {
    if (status === 100) return;
    const pending = Number(message.headers?.get("Nats-Pending-Messages") ?? 0);
    this.#outstanding = Math.max(0, this.#outstanding - pending);
    const isLost = status === 503 || /consumer (deleted|not found)/i.test(message.headers?.description ?? "");
    if (isLost) this.#recover(true);
    else if (status === 409) this.#recover(false);
    else this.#ask();
  }

  /** After a refusal: a little later, and with the consumer created again where it is gone. */
  #recover(lost: boolean): void {
    if (this.#paused || this.#stopped) return;
    this.#paused = true;
    this.#outstanding = 0;
    setTimeout(() => {
      const ready = lost ? this.#options.onLost() : Promise.resolve();
      void ready
        .catch(() => undefined)
        .then(() => {
          this.#paused = false;
          this.#ask();
        });
    }, RETRY_MS).unref();
  }

  #checkSilence(): void {
    if (this.#outstanding === 0) {
      this.#ask();
      return;
    }
    if (performance.now() - this.#heardAt < SILENCE_MS) return;
    this.#recover(true);
  }

  /** On a connection that is down this is lost, and the ack wait takes over. */
  #publish(subject: string, bytes: Uint8Array, reply?: string): void {
    if (this.#options.nc.isClosed()) return;
    this.#options.nc.publish(subject, bytes, reply === undefined ? {} : { reply });
  }
}

/** `$JS.ACK.<stream>.<consumer>.<deliveries>.…`, with two more parts before the stream on newer servers. */
function deliveryCount(reply: string): number {
  const parts = reply.split(".");
  return Number(parts[parts.length <= 9 ? 4 : 6] ?? 1);
}
