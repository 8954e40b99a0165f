/** Large values, stored before the fact that names them. They never cross runs; definitions are shared by content hash. */
import type { BlobRef } from "../core/stored.ts";

/** Whose value it is: that of a run, removed with it, or a definition. */
export type BlobOwner = { readonly runId: string } | "definitions";

export interface ReadOptions {
  /** A server that does not answer is waited for until this is aborted. Default: half a minute. */
  readonly until?: AbortSignal;
}

/** The name of a value, and whose it is. */
export interface BlobPlace {
  readonly owner: BlobOwner;
  readonly name: string;
}

export interface Blobs {
  /** Stores the bytes under a name; a name that is there already keeps its first bytes (the same bytes, since names are unique or hashes). Resolves once all of it is stored. */
  put(owner: BlobOwner, name: string, bytes: Uint8Array): Promise<BlobRef>;
  /** For a writer who waits so many milliseconds at most, and is told by `NotStored` then. */
  within(ms: number): Pick<Blobs, "put">;
  /** The bytes. Rejects with `BlobMissing` when any part is gone, and when there was no answer for too long. */
  get(owner: BlobOwner, ref: BlobRef, options?: ReadOptions): Promise<Uint8Array>;
  /**
   * Stores bytes as they come, however many: a few MiB of them are in memory at a time, and no part may be changed once it
   * was given. The reference has their checksum. Rejects with what `parts` throws, and with `NotWanted` once the signal is aborted; what is stored of them by
   * then is removed soon after, or else with the run.
   */
  putStream(place: BlobPlace, parts: AsyncIterable<Uint8Array>, wanted: AbortSignal): Promise<BlobRef>;
  /** The bytes as they come, a few MiB ahead of who reads. Throws as `get` rejects, and in the end `BlobDamaged` when they are not those that were stored. */
  getStream(owner: BlobOwner, ref: BlobRef, options?: ReadOptions): AsyncIterable<Uint8Array>;
  /** Removes all values of a run. */
  removeRun(runId: string): Promise<void>;
}

export class BlobMissing extends Error {
  readonly code = "BLOB_MISSING";
  constructor(name: string) {
    super(`the stored value '${name}' is gone`);
    this.name = "BlobMissing";
  }
}

/** What is kept has changed since it was stored. */
export class BlobDamaged extends Error {
  readonly code = "BLOB_DAMAGED";
  constructor(name: string) {
    super(`the stored value '${name}' is damaged: its checksum is not that of what was stored`);
    this.name = "BlobDamaged";
  }
}

/** Whoever stored it was told to end. */
export class NotWanted extends Error {
  readonly code = "NOT_WANTED";
  constructor() {
    super("told to end before it was stored");
    this.name = "NotWanted";
  }
}
