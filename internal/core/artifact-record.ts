/** Artifacts as they are written outside: on the wire, in files, and in what tasks are given. */
import type { Artifact, ProducedArtifact } from "./artifact.ts";
import type { JsonObject } from "./json.ts";
import type { BlobRef } from "./stored.ts";

export interface ArtifactRecord {
  readonly id: string;
  readonly file_name: string;
  readonly file_size: number | null;
  readonly mime_type: string | null;
  readonly metadata: JsonObject;
  /** Absent: as the rules of `originOf` have it. */
  readonly origin_artifact_id?: string | null | undefined;
  readonly produced_by?: string | undefined;
  readonly file?: BlobRef | undefined;
}

export function toRecord(from: ProducedArtifact & { readonly producedBy?: string }): ArtifactRecord {
  return {
    id: from.id,
    file_name: from.name,
    file_size: from.size,
    mime_type: from.mimeType,
    metadata: from.metadata,
    ...(from.origin === undefined ? {} : { origin_artifact_id: from.origin }),
    ...(from.producedBy === undefined ? {} : { produced_by: from.producedBy }),
    ...(from.file === undefined ? {} : { file: from.file }),
  };
}

export function toProduced(record: ArtifactRecord): ProducedArtifact {
  const { origin_artifact_id: origin, file } = record;
  return {
    id: record.id,
    name: record.file_name,
    size: record.file_size,
    mimeType: record.mime_type,
    metadata: record.metadata,
    ...(origin === undefined ? {} : { origin }),
    ...(file === undefined ? {} : { file }),
  };
}

/** One that an instance gets. */
export function toArtifact(record: ArtifactRecord): Artifact {
  const { origin_artifact_id: origin = null, produced_by: producedBy = "" } = record;
  return { ...toProduced(record), origin, producedBy };
}
