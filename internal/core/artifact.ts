/** What a task instance produced for those downstream: a file, or a record that has metadata alone. Never changed. */
import type { JsonObject } from "./json.ts";
import type { BlobRef } from "./stored.ts";

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
  /** Where the bytes of a file are kept; a record has none. */
  readonly file?: BlobRef;
  /**
   * Id of the artifact at the root of the graph that it goes back to; `null` where it goes back to several and so
   * belongs to every group.
   */
  readonly origin: string | null;
  /** Id of the task that handed it over. */
  readonly producedBy: string;
}

/** What is told of an artifact to those outside. */
export type ToldArtifact = Omit<Artifact, "file" | "producedBy">;

export function toTold({ id, name, size, mimeType, metadata, origin }: Artifact): ToldArtifact {
  return { id, name, size, mimeType, metadata, origin };
}

/** An artifact as a task finds it. */
export interface PlacedArtifact extends ArtifactFacts {
  /** Where the file is; `null` for a record without one. */
  readonly path: string | null;
}

/** An artifact as an attempt handed it over: where it says no origin, the rules of `originOf` hold. */
export interface ProducedArtifact extends Omit<Artifact, "origin" | "producedBy"> {
  readonly origin?: string | null;
}

/** Some of the artifacts of an attempt, told before its outcome: they are too many for that. */
export interface ArtifactPiece {
  readonly task: string;
  readonly index: number;
  readonly attempt: number;
  /** Name of the whole; whoever runs the same attempt once more tells another one. */
  readonly set: string;
  /** Its place in the whole, from 0. */
  readonly piece: number;
  readonly artifacts: readonly ProducedArtifact[];
}

/** What an attempt hands over: here, or in pieces that stand in the log before. */
export type Handed =
  { readonly inline: readonly ProducedArtifact[] } | { readonly set: string; readonly pieces: number };
