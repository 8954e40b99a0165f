/** The leases over the simulated server, as their adapter keeps them: taken and renewed by expected revision. */
import type { Lease, LeaseBoard, Leases } from "../../../internal/ports/lease.ts";
import type { Entry } from "../server/key-values.ts";
import type { Client } from "./client.ts";
import { SimLeaseBoard } from "./lease-board.ts";

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
    const board = new SimLeaseBoard(this.#client, { termMs: this.termMs, onChange });
    await board.start();
    return board;
  }
}

class SimLease implements Lease {
  readonly termMs: number;
  readonly #client: Client;
  readonly #name: string;
  #written: { readonly owner: string; readonly revision: number } | undefined;

  constructor(client: Client, name: string, termMs: number) {
    this.#client = client;
    this.#name = name;
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
    await this.#once(`release ${this.#name}`, () => leases.delete(this.#name, held.revision));
  }

  async holder(): Promise<string | undefined> {
    return (await this.#held())?.value;
  }

  #held(): Promise<Entry | undefined> {
    const { leases } = this.#client.server;
    return this.#ask(`read ${this.#name}`, () => leases.get(this.#name));
  }

  async #write(owner: string, previous: number): Promise<boolean> {
    const { leases } = this.#client.server;
    const revision = await this.#ask(`lease ${this.#name}`, () => leases.put(this.#name, owner, previous));
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
