/** Takes attempts from one queue, never more than were asked for. */
import { decodeWork } from "../../../internal/contract/work.ts";
import { isVouchedFor, type Work } from "../../../internal/core/attempt.ts";
import type { Delivery, Intake } from "../../../internal/ports/task-queue.ts";
import type { Timer } from "../../../internal/ports/clock.ts";
import type { Pull, PulledMessage } from "../server/queue-consumer.ts";
import type { Stored } from "../server/stream.ts";
import type { Client } from "./client.ts";

/** A request waits so long at the server. */
const EXPIRES_MS = 5_000;
/** Neither message nor end of a request for so long: it is void. */
const SILENCE_MS = 8_000;
/** So long without a heartbeat of the server says the same. */
const NO_HEARTBEAT_MS = 3_000;

export interface SimIntakeOptions {
  readonly client: Client;
  readonly queue: string;
  readonly ackWaitMs: number;
  onDelivery(delivery: Delivery): void;
  /** A copy at this position was surely never delivered before its first delivery. */
  isFresh(seq: number): boolean;
  /** Requests were void: what comes now may have come before. */
  onInterrupted(): void;
}

/** What a delivery's receipt says. */
export function readReceipt(receipt: string): { readonly queue: string; readonly seq: number } {
  const [queue = "", seq] = receipt.split(" ");
  return { queue, seq: Number(seq) };
}

export class SimIntake implements Intake {
  readonly #options: SimIntakeOptions;
  #demand = 0;
  /** Asked for, and not come. */
  #outstanding = 0;
  /** What comes for an earlier one is not counted any more, but taken all the same. */
  #epoch = 0;
  #silence: Timer | undefined;
  #stopped = false;

  constructor(options: SimIntakeOptions) {
    this.#options = options;
    const { link, clock } = options.client;
    link.onReconnect(() => this.#renew());
    link.onSilent(() => {
      const since = link.troubledAt;
      clock.after(NO_HEARTBEAT_MS, () => this.#checkSilence(since));
    });
  }

  demand(n: number): void {
    this.#demand = n;
    this.#ask();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#demand = 0;
    this.#silence?.cancel();
    // What is on its way comes before the answer, and is given back.
    const { client, queue } = this.#options;
    await client.request(`leave ${queue}`, () => undefined, 2_000).catch(() => undefined);
  }

  #renew(): void {
    if (this.#stopped) return;
    this.#epoch++;
    this.#outstanding = 0;
    this.#ask();
  }

  #ask(): void {
    if (this.#stopped || this.#outstanding > this.#demand / 2) return;
    const batch = this.#demand - this.#outstanding;
    if (batch <= 0) return;
    this.#outstanding += batch;
    this.#heard();
    const { client, queue } = this.#options;
    client.link.toServer(`pull ${queue}`, () => this.#pullAtServer(batch, this.#epoch));
  }

  #heard(): void {
    this.#silence?.cancel();
    this.#silence = this.#options.client.clock.after(SILENCE_MS, () => this.#interrupted());
  }

  /** While something is asked for, the server tells each second that it is there. */
  #checkSilence(since: number): void {
    const { link } = this.#options.client;
    if (!link.isSilent || link.troubledAt !== since || this.#stopped || this.#outstanding === 0) return;
    this.#interrupted();
  }

  #interrupted(): void {
    this.#options.onInterrupted();
    this.#renew();
  }

  #pullAtServer(batch: number, epoch: number): void {
    const { client, queue } = this.#options;
    const { server, link } = client;
    if (!server.isUp || !link.isUp) return;
    const consumer = server.consumer(queue);
    const pull: Pull = {
      left: batch,
      deliver: (message) => {
        link.toClient(`task ${message.message.subject}`, () => this.#onMessage(message, epoch));
      },
      deleted: () => {
        pull.left = 0;
        link.toClient("the consumer was deleted", () => {
          if (epoch === this.#epoch) this.#interrupted();
        });
      },
    };
    link.onLost(() => consumer.drop(pull));
    client.link.process.world.after(EXPIRES_MS, "a pull ends", () => {
      if (pull.left === 0) return;
      consumer.drop(pull);
      const { left } = pull;
      pull.left = 0;
      link.toClient("a pull has ended", () => this.#onEnd(left, epoch));
    });
    consumer.pull(pull);
  }

  #onEnd(left: number, epoch: number): void {
    if (epoch !== this.#epoch || this.#stopped) return;
    this.#heard();
    this.#outstanding = Math.max(0, this.#outstanding - left);
    this.#ask();
  }

  #onMessage({ message, deliveries }: PulledMessage, epoch: number): void {
    if (epoch === this.#epoch) this.#outstanding = Math.max(0, this.#outstanding - 1);
    const { client, queue, onDelivery } = this.#options;
    const decoded = decodeWork(message.value as Uint8Array);
    const settle = (what: string, act: () => void): void => {
      client.link.toServer(`${what} ${message.subject}`, () => {
        if (client.server.isUp) act();
      });
    };
    const consumer = client.server.consumer(queue);
    const { seq } = message;
    if ("wrong" in decoded) {
      settle("term", () => consumer.ack(seq));
      this.#ask();
      return;
    }
    this.#demand = Math.max(0, this.#demand - 1);
    const delivery: Delivery = {
      work: decoded.value,
      ...this.#trustOf(message, deliveries, decoded.value),
      receipt: `${queue} ${seq}`,
      ack: () => settle("ack", () => client.server.acked(decoded.value, () => consumer.ack(seq))),
      giveBack: (delayMs = 0) => settle("nak", () => consumer.nak(seq, delayMs)),
    };
    if (this.#stopped) delivery.giveBack();
    else onDelivery(delivery);
  }

  /** The count says how often it was given back too, but who vanishes with a copy keeps it for an ack wait. */
  #trustOf({ seq, time }: Stored, deliveries: number, work: Work): Pick<Delivery, "isSuspect" | "losses"> {
    const { ackWaitMs, isFresh, client } = this.#options;
    if (deliveries === 1) return { isSuspect: !isFresh(seq) || !isVouchedFor(work, time), losses: 0 };
    const waits = Math.max(0, Math.floor((client.clock.now() - time) / ackWaitMs));
    return { isSuspect: true, losses: Math.min(deliveries - 1, waits) };
  }
}
