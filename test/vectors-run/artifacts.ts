/** Artifacts as the cases have them. */
import type { Artifact, PlacedArtifact } from "../../internal/core/artifact.ts";
import type { JsonObject } from "../../internal/core/json.ts";

interface Facts {
  readonly file_name: string;
  readonly file_size: number | null;
  readonly mime_type: string | null;
  readonly metadata: JsonObject;
}

export function artifactOf(
  given: Facts & { readonly id: string; readonly origin?: string | null },
): Artifact {
  return { ...factsOf(given), id: given.id, origin: given.origin ?? null, producedBy: "" };
}

export function placedOf(given: Facts & { readonly file_path: string }): PlacedArtifact {
  return { ...factsOf(given), path: given.file_path };
}

function factsOf({ file_name, file_size, mime_type, metadata }: Facts): Omit<PlacedArtifact, "path"> {
  return { name: file_name, size: file_size, mimeType: mime_type, metadata };
}
