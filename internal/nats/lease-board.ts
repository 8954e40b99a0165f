/**
 * What is known of all leases, from the stream under their bucket. The server does not tell when a key expires: what
 * was not written for a term is over. A lease may be over a little later at the server; who asks too early is refused.
 */
import type { LeaseBoard } from "../ports/lease.ts";
import type { Context } from "./context.ts";
import { StreamFollower } from "./follower.ts";
import { patiently } from "./patience.ts";
import type { StreamMessage } from "./stored-message.ts";

export interface LeaseBoardOptions {
  readonly context: Context;
  readonly termMs: number;
  onChange(): void;
}

const decoder = new TextDecoder();

export class NatsLeaseBoard implements LeaseBoard {
  readonly #options: LeaseBoardOptions;
  readonly #prefix: string;
  readonly #held = new Map<string, { readonly owner: string; readonly until: number }>();
  #follower: StreamFollower | undefined;
  /** What the server's clock is ahead of our monotonic one, in milliseconds; absent once all is news. */
  #offset: number | undefined;

  constructor(options: LeaseBoardOptions) {
    this.#options = options;
    this.#prefix = `$KV.${options.context.names.leaseBucket}.`;
  }

  /** Resolves when what is held now is known. */
  async start(): Promise<void> {
    const { context } = this.#options;
    const stream = `KV_${context.names.leaseBucket}`;
    const { ts } = await patiently(() => context.jsm.streams.info(stream));
    // Servers before 2.10 do not tell their time; this machine's stands in for it.
    this.#offset = (ts === undefined ? Date.now() : Date.parse(ts)) - performance.now();
    await new Promise<void>((resolve, reject) => {
      this.#follower = new StreamFollower({
        context,
        stream,
        filter: `${this.#prefix}>`,
        from: 1,
        onMessage: (message) => this.#take(message),
        onCaughtUp: () => {
          this.#offset = undefined;
          resolve();
        },
      });
      this.#follower.start().catch(reject);
    });
  }

  holders(): ReadonlyMap<string, string> {
    const now = performance.now();
    for (const [name, { until }] of this.#held) if (until <= now) this.#held.delete(name);
    return new Map([...this.#held].map(([name, { owner }]) => [name, owner]));
  }

  reconnected(): void {
    this.#follower?.reconnected();
  }

  async stop(): Promise<void> {
    await this.#follower?.stop();
  }

  #take({ subject, data, time, headers }: StreamMessage): void {
    const name = subject.slice(this.#prefix.length);
    const before = this.#held.get(name)?.owner;
    // A deletion says so in a header.
    if ((headers?.get("KV-Operation") ?? "") === "") {
      const now = performance.now();
      const storedAt = this.#offset === undefined ? now : Math.min(now, time - this.#offset);
      const owner = decoder.decode(data);
      this.#held.set(name, { owner, until: storedAt + this.#options.termMs });
      if (owner !== before) this.#options.onChange();
    } else if (this.#held.delete(name)) {
      this.#options.onChange();
    }
  }
}
