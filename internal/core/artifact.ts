/** What a task instance produced for those downstream: a file, or a record that has metadata alone. Never changed. */
import type { JsonObject } from "./json.ts";

/** What rules of edge filters look at. */
export interface ArtifactFacts {
  /** Of a file, with its folders; empty for a record without one. */
  readonly name: string;
  /** In bytes; `null` where it is not known. */
  readonly size: number | null;
  /** Such as `video/mp4`; `null` where it is not known. */
  readonly mimeType: string | null;
  readonly metadata: JsonObject;
}

export interface Artifact extends ArtifactFacts {
  readonly id: string;
  /**
   * Id of the artifact at the root of the graph that it goes back to; `null` where it goes back to several and so
   * belongs to every group.
   */
  readonly origin: string | null;
}

/** An artifact as a task finds it. */
export interface PlacedArtifact extends ArtifactFacts {
  /** Where the file is; `null` for a record without one. */
  readonly path: string | null;
}

/** An artifact as an attempt handed it over: where it says no origin, the rules of `originOf` hold. */
export interface ProducedArtifact extends Omit<Artifact, "origin"> {
  readonly origin?: string | null;
}
