/**
 * Which copies in the work queue may be trusted at their first delivery: those that were stored after this process
 * had looked where the stream ends.
 *
 * A server that was killed forgets acks, and how often it has delivered what is left. Whatever may lie between this
 * process and the server's memory (a new connection, an election, a time in which this process itself stood still)
 * makes what the stream holds by then doubtful.
 */
import { isDenied } from "./answers.ts";
import type { Context } from "./context.ts";
import { patiently, pause } from "./patience.ts";

const TICK_MS = 500;
/** A tick that comes so late says that this process stood still; what is read now may have come long ago. */
const STALL_MS = 2_000;
const RETRY_MS = 1_000;

export class Freshness {
  readonly #context: Context;
  /** Nothing, until the end is known. */
  #trustedAbove = Number.POSITIVE_INFINITY;
  #looks = 0;
  #tick: NodeJS.Timeout | undefined;
  #tickedAt = 0;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Resolves when the end is known, or cannot be. */
  async start(): Promise<void> {
    if (this.#tick !== undefined) return;
    this.#tickedAt = performance.now();
    this.#tick = setInterval(() => this.#noticeStall(), TICK_MS);
    this.#tick.unref();
    await this.renew();
  }

  stop(): void {
    clearInterval(this.#tick);
  }

  isFresh(seq: number): boolean {
    this.#noticeStall();
    return seq > this.#trustedAbove;
  }

  /** After a standstill the tick may come before what has waited in the connection, or after. */
  #noticeStall(): void {
    const now = performance.now();
    const lateMs = now - this.#tickedAt;
    this.#tickedAt = now;
    if (lateMs > STALL_MS) void this.renew();
  }

  /** What the stream holds by now is doubtful. */
  async renew(): Promise<void> {
    const look = ++this.#looks;
    const { jsm, names, closing, onTrouble } = this.#context;
    this.#trustedAbove = Number.POSITIVE_INFINITY;
    while (look === this.#looks && !closing.aborted) {
      try {
        const { state } = await patiently(() => jsm.streams.info(names.tasksStream));
        if (look === this.#looks) this.#trustedAbove = state.last_seq;
        return;
      } catch (error) {
        if (closing.aborted) return;
        onTrouble(`where the stream ${names.tasksStream} ends is not known: ${String(error)}`);
        if (isDenied(error)) return;
      }
      await pause(RETRY_MS);
    }
  }
}
