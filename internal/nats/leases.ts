/**
 * Leases as keys in a bucket whose keys expire; taken and renewed by expected revision.
 * They are read from the leader: a replica that lags behind would show a lease that is over.
 */
import { type JetStreamClient, jetstream } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import type { Lease, LeaseBoard, Leases } from "../ports/lease.ts";
import { CODES, isApiError, isDenied, isFull, isPassing } from "./answers.ts";
import type { Context } from "./context.ts";
import { NatsLeaseBoard } from "./lease-board.ts";
import { patiently } from "./patience.ts";

/** An answer that takes longer is asked for again while the lease still lasts. */
const TRIES_IN_A_TERM = 4;

export class NatsLeases implements Leases {
  readonly termMs: number;
  readonly #context: Context;
  readonly #kv: KV;
  readonly #boards = new Set<NatsLeaseBoard>();

  constructor(context: Context, kv: KV, termMs: number) {
    this.termMs = termMs;
    this.#context = context;
    this.#kv = kv;
  }

  named(name: string): Lease {
    return new NatsLease(this.#kv, name, this.termMs);
  }

  async watch(onChange: () => void): Promise<LeaseBoard> {
    const { termMs } = this;
    const board = new NatsLeaseBoard({ context: this.#context, termMs, onChange });
    this.#boards.add(board);
    const stop = async (): Promise<void> => {
      this.#boards.delete(board);
      await board.stop();
    };
    try {
      await board.start();
    } catch (error) {
      await stop();
      throw error;
    }
    return { holders: () => board.holders(), stop };
  }

  reconnected(): void {
    for (const board of this.#boards) board.reconnected();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#boards].map((board) => board.stop()));
  }
}

class NatsLease implements Lease {
  readonly termMs: number;
  readonly #kv: KV;
  readonly #key: string;
  /** The newest write of this process that was stored. */
  #written: { readonly owner: string; readonly revision: number } | undefined;
  /** It could not be renewed then, and nobody could take it. */
  #wasFull = false;

  constructor(kv: KV, key: string, termMs: number) {
    this.termMs = termMs;
    this.#kv = kv;
    this.#key = key;
  }

  async acquire(owner: string): Promise<boolean> {
    const held = await this.#held();
    if (held !== undefined && held.owner !== owner) return false;
    return this.#write(owner, held?.revision);
  }

  /**
   * A server that is full refuses everybody, so that nobody can take it meanwhile: it stays ours. Once it could not be
   * written for a term it is over at the server, and ours again if nobody was faster.
   */
  async renew(owner: string): Promise<boolean> {
    if (this.#written?.owner !== owner) return false;
    try {
      const isOurs = await this.#write(owner, this.#written.revision);
      if (isOurs || !this.#wasFull) return isOurs;
      this.#wasFull = false;
      return await this.acquire(owner);
    } catch (error) {
      if (!isFull(error)) throw error;
      this.#wasFull = true;
      return true;
    }
  }

  async release(owner: string): Promise<void> {
    const held = await this.#held();
    if (held?.owner !== owner) return;
    try {
      await this.#kv.delete(this.#key, { previousSeq: held.revision });
    } catch (error) {
      // Over and taken by another in between.
      if (!isApiError(error, CODES.wrongLastSequence)) throw error;
    }
  }

  async holder(): Promise<string | undefined> {
    return (await this.#held())?.owner;
  }

  async #held(): Promise<{ readonly owner: string; readonly revision: number } | undefined> {
    const entry = await patiently(() => this.#kv.get(this.#key), this.termMs);
    if (entry === null || entry.operation !== "PUT") return undefined;
    return { owner: entry.string(), revision: entry.revision };
  }

  /** A write that was stored while its answer was lost looks like somebody else's; reading back tells. */
  async #write(owner: string, previous: number | undefined): Promise<boolean> {
    const store = (): Promise<number> =>
      previous === undefined
        ? this.#kv.create(this.#key, owner)
        : this.#kv.update(this.#key, owner, previous);
    try {
      const revision = await patiently(store, this.termMs, isWorthAsking);
      this.#written = { owner, revision };
      this.#wasFull = false;
      return true;
    } catch (error) {
      if (!isApiError(error, CODES.wrongLastSequence)) throw error;
      const held = await this.#held();
      if (held?.owner !== owner) return false;
      this.#written = held;
      return true;
    }
  }
}

/** A server that is full says so at once. Whoever asks until it has room hears of it when the lease is over. */
function isWorthAsking(error: unknown): boolean {
  return isPassing(error) && !isFull(error);
}

/** Opens the bucket, and creates it where it is missing; the first one's term stays. */
export async function openLeases(context: Context, termMs: number): Promise<NatsLeases> {
  const { nc, names } = context;
  const js = jetstream(nc, { timeout: Math.max(250, termMs / TRIES_IN_A_TERM) });
  const term = (await termOf(js, names.leaseBucket, termMs)) ?? termMs;
  return new NatsLeases(context, await new Kvm(js).open(names.leaseBucket), term);
}

/** The bucket's term; `undefined` when this user may not see the bucket, as a worker need not. */
async function termOf(js: JetStreamClient, bucket: string, termMs: number): Promise<number | undefined> {
  const open = async (): Promise<number> => {
    const kv = await new Kvm(js).create(bucket, { ttl: termMs, history: 1 });
    return (await kv.status()).ttl;
  };
  try {
    return await patiently(open);
  } catch (error) {
    if (isDenied(error)) return undefined;
    // Another process has just created it with a term of its own.
    if (isApiError(error, CODES.streamExists)) return patiently(open);
    throw error;
  }
}
