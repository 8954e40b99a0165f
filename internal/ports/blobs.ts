/** Large values, stored before the fact that names them. They never cross runs; definitions are shared by content hash. */
import type { BlobRef } from "../core/stored.ts";

/** Whose value it is: that of a run, removed with it, or a definition. */
export type BlobOwner = { readonly runId: string } | "definitions";

export interface ReadOptions {
  /** A server that does not answer is waited for until this is aborted. Default: half a minute. */
  readonly until?: AbortSignal;
}

export interface Blobs {
  /** Stores the bytes under a name; a name that is there already keeps its first bytes (the same bytes, since names are unique or hashes). Resolves once all of it is stored. */
  put(owner: BlobOwner, name: string, bytes: Uint8Array): Promise<BlobRef>;
  /** For a writer who waits so many milliseconds at most, and is told by `NotStored` then. */
  within(ms: number): Pick<Blobs, "put">;
  /** The bytes. Rejects with `BlobMissing` when any part is gone, and when there was no answer for too long. */
  get(owner: BlobOwner, ref: BlobRef, options?: ReadOptions): Promise<Uint8Array>;
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
