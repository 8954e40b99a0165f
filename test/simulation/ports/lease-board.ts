/** What is known of all leases, as its adapter keeps it: what was not written for a term is over. */
import type { LeaseBoard } from "../../../internal/ports/lease.ts";
import type { Entry } from "../server/key-values.ts";
import type { Client } from "./client.ts";

export interface SimLeaseBoardOptions {
  readonly termMs: number;
  onChange(): void;
}

const RETRY_MS = 250;

export class SimLeaseBoard implements LeaseBoard {
  readonly #client: Client;
  readonly #options: SimLeaseBoardOptions;
  readonly #held = new Map<string, { readonly owner: string; readonly until: number }>();
  #next = 1;
  #epoch = 0;
  #unlisten = (): void => undefined;
  #stopped = false;

  constructor(client: Client, options: SimLeaseBoardOptions) {
    this.#client = client;
    this.#options = options;
    client.link.onReconnect(() => this.#again());
    client.link.onLost(() => this.#unlisten());
  }

  async start(): Promise<void> {
    await this.#begin();
  }

  holders(): ReadonlyMap<string, string> {
    const now = this.#client.clock.monotonic();
    for (const [name, { until }] of this.#held) if (until <= now) this.#held.delete(name);
    return new Map([...this.#held].map(([name, { owner }]) => [name, owner]));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#epoch++;
    this.#unlisten();
  }

  #again(): void {
    if (this.#stopped) return;
    this.#begin().catch(() => {
      this.#client.clock.after(RETRY_MS, () => this.#again());
    });
  }

  async #begin(): Promise<void> {
    const epoch = ++this.#epoch;
    const { link, server } = this.#client;
    await this.#client.patiently(() =>
      this.#client.request("follow the leases", () => {
        this.#unlisten();
        if (epoch !== this.#epoch || !link.process.isAlive) return;
        const now = link.process.world.now;
        const tell = (entry: Entry, ageMs: number): void => {
          link.toClient("a lease", () => {
            if (epoch === this.#epoch) this.#take(entry, ageMs);
          });
        };
        for (const entry of server.leases.since(this.#next)) tell(entry, now - entry.at);
        this.#unlisten = server.leases.listen((entry) => tell(entry, 0));
      }),
    );
  }

  #take({ key, value, revision }: Entry, ageMs: number): void {
    if (revision < this.#next) return;
    this.#next = revision + 1;
    const before = this.#held.get(key)?.owner;
    if (value === undefined) {
      if (this.#held.delete(key)) this.#options.onChange();
      return;
    }
    const until = this.#client.clock.monotonic() - ageMs + this.#options.termMs;
    this.#held.set(key, { owner: value, until });
    if (value !== before) this.#options.onChange();
  }
}
