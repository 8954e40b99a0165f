/** Large values in one process: in its memory, and those that come as streams in files of its own where it may have some. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import type { BlobRef } from "../core/stored.ts";
import {
  BlobDamaged,
  BlobMissing,
  type BlobOwner,
  type BlobPlace,
  type Blobs,
  NotWanted,
} from "../ports/blobs.ts";

/** The bytes, or where they are. */
type Kept = Uint8Array | { readonly path: string };

export class MemoryBlobs implements Blobs {
  /** By owner, then by name. */
  readonly #values = new Map<string, Map<string, Kept>>();
  readonly #newPath: (() => string) | undefined;

  /** `newPath` is that of a file which is not there yet, for a stream; without it those are in memory too. */
  constructor(newPath?: () => string) {
    this.#newPath = newPath;
  }

  async put(owner: BlobOwner, name: string, bytes: Uint8Array): Promise<BlobRef> {
    // Copied like this, since a Buffer's `slice` is no copy.
    this.#keep({ owner, name }, new Uint8Array(bytes));
    return { name, bytes: bytes.length, chunks: 1 };
  }

  within(): Pick<Blobs, "put"> {
    return this;
  }

  async putStream(place: BlobPlace, parts: AsyncIterable<Uint8Array>, wanted: AbortSignal): Promise<BlobRef> {
    const hash = createHash("sha256");
    let bytes = 0;
    const counted = async function* (): AsyncGenerator<Uint8Array> {
      for await (const part of parts) {
        if (wanted.aborted) throw new NotWanted();
        hash.update(part);
        bytes += part.length;
        yield part;
      }
    };
    this.#keep(place, await this.#store(counted()));
    return { name: place.name, bytes, chunks: 1, sha256: hash.digest("hex") };
  }

  async get(owner: BlobOwner, ref: BlobRef): Promise<Uint8Array> {
    const all: Uint8Array[] = [];
    for await (const part of this.getStream(owner, ref)) all.push(part);
    return new Uint8Array(Buffer.concat(all));
  }

  async *getStream(owner: BlobOwner, { name, sha256 }: BlobRef): AsyncGenerator<Uint8Array> {
    const kept = this.#values.get(keyOf(owner))?.get(name);
    if (kept === undefined) throw new BlobMissing(name);
    const hash = createHash("sha256");
    for await (const part of "path" in kept ? createReadStream(kept.path) : [kept]) {
      hash.update(part as Uint8Array);
      yield part as Uint8Array;
    }
    if (sha256 !== undefined && hash.digest("hex") !== sha256) throw new BlobDamaged(name);
  }

  async removeRun(runId: string): Promise<void> {
    const key = keyOf({ runId });
    const values = [...(this.#values.get(key)?.values() ?? [])];
    this.#values.delete(key);
    await Promise.all(values.map(remove));
  }

  /** Removes all values. */
  async clear(): Promise<void> {
    const values = [...this.#values.values()].flatMap((each) => [...each.values()]);
    this.#values.clear();
    await Promise.all(values.map(remove));
  }

  async #store(parts: AsyncIterable<Uint8Array>): Promise<Kept> {
    if (this.#newPath === undefined) {
      const all: Uint8Array[] = [];
      for await (const part of parts) all.push(part);
      return new Uint8Array(Buffer.concat(all));
    }
    const kept = { path: this.#newPath() };
    try {
      await pipeline(parts, createWriteStream(kept.path, { flags: "wx", mode: 0o600 }));
    } catch (error) {
      await remove(kept);
      throw error;
    }
    return kept;
  }

  /** A name keeps its first bytes. */
  #keep({ owner, name }: BlobPlace, kept: Kept): void {
    const key = keyOf(owner);
    const values = this.#values.get(key) ?? new Map<string, Kept>();
    this.#values.set(key, values);
    if (values.has(name)) void remove(kept);
    else values.set(name, kept);
  }
}

async function remove(kept: Kept): Promise<void> {
  if ("path" in kept) await rm(kept.path, { force: true }).catch(() => undefined);
}

function keyOf(owner: BlobOwner): string {
  return owner === "definitions" ? owner : `run.${owner.runId}`;
}
