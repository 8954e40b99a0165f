/** The lease as a key in a bucket whose keys expire; taken and renewed by expected revision. */
import { type JetStreamClient } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import type { Lease } from "../ports/lease.ts";
import { CODES, isApiError } from "./answers.ts";

const KEY = "executor";

export class NatsLease implements Lease {
  readonly termMs: number;
  readonly #kv: KV;
  /** The newest write of this process that was stored. */
  #written: { readonly owner: string; readonly revision: number } | undefined;

  constructor(kv: KV, termMs: number) {
    this.#kv = kv;
    this.termMs = termMs;
  }

  async acquire(owner: string): Promise<boolean> {
    const entry = await this.#kv.get(KEY);
    const held = entry !== null && entry.operation === "PUT";
    if (held && entry.string() !== owner) return false;
    return this.#write(owner, held ? entry.revision : 0);
  }

  async renew(owner: string): Promise<boolean> {
    if (this.#written?.owner !== owner) return false;
    return this.#write(owner, this.#written.revision);
  }

  async release(owner: string): Promise<void> {
    const entry = await this.#kv.get(KEY);
    if (entry?.string() === owner) await this.#kv.delete(KEY, { previousSeq: entry.revision });
  }

  async holder(): Promise<string | undefined> {
    const entry = await this.#kv.get(KEY);
    return entry !== null && entry.operation === "PUT" ? entry.string() : undefined;
  }

  /** A write that was stored while its answer was lost looks like somebody else's; reading back tells. */
  async #write(owner: string, previous: number): Promise<boolean> {
    try {
      const storing = previous === 0 ? this.#kv.create(KEY, owner) : this.#kv.update(KEY, owner, previous);
      this.#written = { owner, revision: await storing };
      return true;
    } catch (error) {
      if (!isApiError(error, CODES.wrongLastSequence)) throw error;
      const entry = await this.#kv.get(KEY);
      if (entry?.operation !== "PUT" || entry.string() !== owner) return false;
      this.#written = { owner, revision: entry.revision };
      return true;
    }
  }
}

/** Opens the bucket, and creates it where it is missing; the first one's term stays. */
export async function openLease(js: JetStreamClient, bucket: string, termMs: number): Promise<NatsLease> {
  const kv = await new Kvm(js).create(bucket, { ttl: termMs, history: 1 });
  const { ttl } = await kv.status();
  return new NatsLease(kv, ttl > 0 ? ttl : termMs);
}
