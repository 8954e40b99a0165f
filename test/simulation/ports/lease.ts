/** The lease over the simulated server, as its adapter keeps it: taken and renewed by expected revision. */
import type { Lease } from "../../../internal/ports/lease.ts";
import type { Client } from "./client.ts";

const KEY = "executor";
const TRIES_IN_A_TERM = 4;

export class SimLease implements Lease {
  readonly termMs: number;
  readonly #client: Client;
  #written: { readonly owner: string; readonly revision: number } | undefined;

  constructor(client: Client, termMs: number) {
    this.#client = client;
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
    await this.#once("release lease", () => leases.delete(KEY, held.revision));
  }

  async holder(): Promise<string | undefined> {
    return (await this.#held())?.value;
  }

  #held(): Promise<{ readonly value: string; readonly revision: number } | undefined> {
    const { leases } = this.#client.server;
    return this.#ask("read lease", () => leases.get(KEY));
  }

  async #write(owner: string, previous: number): Promise<boolean> {
    const { leases } = this.#client.server;
    const revision = await this.#ask(`lease for ${owner}`, () => leases.put(KEY, owner, previous));
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
