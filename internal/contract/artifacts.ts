/** Artifacts on the wire. */
import { z } from "zod";
import type { ArtifactRecord } from "../core/artifact-record.ts";
import { blobRef, count, jsonObject } from "./schemas.ts";

export const artifact: z.ZodType<ArtifactRecord> = z.object({
  id: z.string(),
  file_name: z.string(),
  file_size: count.nullable(),
  mime_type: z.string().nullable(),
  metadata: jsonObject,
  origin_artifact_id: z.string().nullable().optional(),
  produced_by: z.string().optional(),
  file: blobRef.optional(),
});
