/** Which copies may be trusted at their first delivery: those stored after this process had looked where the stream ends. */
import type { Client } from "./client.ts";

const TICK_MS = 500;
const STALL_MS = 2_000;
const RETRY_MS = 1_000;

export class Freshness {
  readonly #client: Client;
  /** Nothing, until the end is known. */
  #trustedAbove = Number.POSITIVE_INFINITY;
  #looks = 0;
  #tickedAt: number | undefined;

  constructor(client: Client) {
    this.#client = client;
    client.link.onReconnect(() => {
      if (this.#tickedAt !== undefined) void this.renew();
    });
  }

  async start(): Promise<void> {
    if (this.#tickedAt !== undefined) return;
    this.#tick();
    await this.renew();
  }

  isFresh(seq: number): boolean {
    this.#noticeStall();
    return seq > this.#trustedAbove;
  }

  /** What the stream holds by now is doubtful. */
  async renew(): Promise<void> {
    const look = ++this.#looks;
    const { server } = this.#client;
    this.#trustedAbove = Number.POSITIVE_INFINITY;
    while (look === this.#looks) {
      try {
        const end = await this.#client.patiently(() =>
          this.#client.request("ask for the end of tasks", () => server.tasks.lastSeq),
        );
        if (look === this.#looks) this.#trustedAbove = end;
        return;
      } catch {
        await this.#client.pause(RETRY_MS);
      }
    }
  }

  #tick(): void {
    this.#noticeStall();
    this.#client.clock.after(TICK_MS, () => this.#tick());
  }

  /** After a standstill the tick may come before what has waited in the connection, or after. */
  #noticeStall(): void {
    const now = this.#client.clock.monotonic();
    const lateMs = now - (this.#tickedAt ?? now);
    this.#tickedAt = now;
    if (lateMs > STALL_MS) void this.renew();
  }
}
