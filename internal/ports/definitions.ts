/** Definitions of DAGs, stored once by content hash and shared by all runs of the same definition. */
import type { Graph } from "../core/graph.ts";
import type { Dag } from "../core/model.ts";
import type { BlobRef } from "../core/stored.ts";

export interface Definitions {
  /** Stores a definition; cheap when it is stored already. Rejects with `NotStored`, as `putSource` does. */
  put(dag: Dag): Promise<BlobRef>;
  /** Stores the text that a definition was read from. */
  putSource(text: string): Promise<BlobRef>;
  /** A text that `putSource` stored. */
  source(ref: BlobRef): Promise<string>;
  /** The definition, ready for folding; at once (no promise) when it is at hand. Rejects when it is gone or cannot be read. */
  get(ref: BlobRef): Graph | Promise<Graph>;
}
