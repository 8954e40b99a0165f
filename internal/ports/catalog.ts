/**
 * The catalog: definitions that were deployed under their DAG's name, each with all its versions.
 *
 * K1 Versions of a name are 1, 2, 3 …, without gaps, and never change.
 * K2 Of two that deploy at once, both become versions, one after the other.
 */
import type { BlobRef } from "../core/stored.ts";

export interface NewVersion {
  readonly name: string;
  readonly description?: string;
  readonly tags: readonly string[];
  /** How many tasks it has. */
  readonly tasks: number;
  /** The definition, as `Definitions` stores it. */
  readonly definition: BlobRef;
  /** The text that it was read from, under the hash of its bytes among the definitions' blobs. */
  readonly source: BlobRef;
}

export interface DeployedVersion extends NewVersion {
  /** From 1 up. */
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly deployedAt: number;
}

export interface Catalog {
  /** Adds the next version; `undefined` when the newest has the very same source. Rejects with `NotStored`. */
  add(version: NewVersion): Promise<DeployedVersion | undefined>;
  /** All versions of one name, oldest first; none when the name is unknown. */
  versions(name: string): Promise<DeployedVersion[]>;
  /** The newest version of each name, by name. */
  newest(): Promise<DeployedVersion[]>;
}
