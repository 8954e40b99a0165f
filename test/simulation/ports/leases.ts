/** The leases over the simulated server, as their adapter keeps them: taken and renewed by expected revision. */
import type { Lease, LeaseBoard, Leases } from "../../../internal/ports/lease.ts";
import type { Client } from "./client.ts";

const TRIES_IN_A_TERM = 4;

export class SimLeases implements Leases {
  readonly termMs: number;
  readonly #client: Client;

  constructor(client: Client, termMs: number) {
    this.#client = client;
    this.termMs = termMs;
  }

  named(name: string): Lease {
    return new SimLease(this.#client, name, this.termMs);
  }

  async watch(onChange: () => void): Promise<LeaseBoard> {
    const board = new SimLeaseBoard(this.#client, this.termMs, onChange);
    await board.start();
    return board;
  }
}

/** What was not written for a term is over, as far as it is known here. */
class SimLeaseBoard implements LeaseBoard {
  readonly #client: Client;
  readonly #termMs: number;
  readonly #onChange: () => void;
  readonly #held = new Map<string, { readonly owner: string; readonly until: number }>();
  #unlisten = (): void => undefined;
  #stopped = false;

  constructor(client: Client, termMs: number, onChange: () => void) {
    this.#client = client;
    this.#termMs = termMs;
    this.#onChange = onChange;
    client.link.onLost(() => this.#unlisten());
    client.link.onReconnect(() => void this.start());
  }

  /** Does not reject: there is a next connection. */
  async start(): Promise<void> {
    const { link, server } = this.#client;
    const begin = (): void => {
      this.#unlisten();
      if (this.#stopped || !link.process.isAlive) return;
      const tell = (key: string, value: string | undefined): void => {
        link.toClient(`lease ${key}`, () => this.#take(key, value));
      };
      this.#unlisten = server.leases.listen(tell);
      for (const [key, { value }] of server.leases.entries) tell(key, value);
    };
    await this.#client.request("watch leases", begin).catch(() => undefined);
  }

  holders(): ReadonlyMap<string, string> {
    const now = this.#client.clock.monotonic();
    const held = [...this.#held].filter(([, { until }]) => now < until);
    return new Map(held.map(([key, { owner }]) => [key, owner]));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unlisten();
  }

  #take(key: string, owner: string | undefined): void {
    if (this.#stopped) return;
    const before = this.#held.get(key)?.owner;
    if (owner === undefined) this.#held.delete(key);
    else this.#held.set(key, { owner, until: this.#client.clock.monotonic() + this.#termMs });
    if (owner !== before) this.#onChange();
  }
}

class SimLease implements Lease {
  readonly termMs: number;
  readonly #client: Client;
  readonly #key: string;
  #written: { readonly owner: string; readonly revision: number } | undefined;

  constructor(client: Client, key: string, termMs: number) {
    this.#client = client;
    this.#key = key;
    this.termMs = termMs;
  }

  async acquire(owner: string): Promise<boolean> {
    const held = await this.#held();
    if (held !== undefined && held.value !== owner) return false;
    return this.#write(owner, held?.revision ?? 0);
  }

  async renew(owner: string): Promise<boolean> {
    if (this.#written?.owner !== owner) return false;
    return this.#write(owner, this.#written.revision);
  }

  async release(owner: string): Promise<void> {
    const held = await this.#held();
    if (held?.value !== owner) return;
    const { leases } = this.#client.server;
    await this.#once(`release lease ${this.#key}`, () => leases.delete(this.#key, held.revision));
  }

  async holder(): Promise<string | undefined> {
    return (await this.#held())?.value;
  }

  #held(): Promise<{ readonly value: string; readonly revision: number } | undefined> {
    const { leases } = this.#client.server;
    return this.#ask(`read lease ${this.#key}`, () => leases.get(this.#key));
  }

  async #write(owner: string, previous: number): Promise<boolean> {
    const { leases } = this.#client.server;
    const revision = await this.#ask(`lease ${this.#key} for ${owner}`, () =>
      leases.put(this.#key, owner, previous),
    );
    if (revision !== undefined) {
      this.#written = { owner, revision };
      return true;
    }
    // Stored while its answer was lost, or somebody else's.
    const held = await this.#held();
    if (held?.value !== owner) return false;
    this.#written = { owner, revision: held.revision };
    return true;
  }

  #ask<T>(label: string, ask: () => T): Promise<T> {
    return this.#client.patiently(() => this.#once(label, ask), this.termMs);
  }

  #once<T>(label: string, ask: () => T): Promise<T> {
    return this.#client.request(label, ask, Math.max(250, this.termMs / TRIES_IN_A_TERM));
  }
}
