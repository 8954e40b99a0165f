/** Artifacts as tasks hand them over, and what may not be in them. */
import type { JsonObject } from "./json.ts";
import { isDeeperThan, jsonSize } from "./size.ts";

/** A file of the host that the task ran on, or a record, which has metadata alone. */
export interface NewArtifact {
  /** Of a file: where it is. It is read after the task has ended. */
  readonly path?: string;
  /** Default: the last part of the path; of a record none. */
  readonly name?: string;
  /** Default: as the name has it. */
  readonly mimeType?: string;
  readonly metadata?: JsonObject;
  /** Default: drawn. The artifacts of an attempt have different ones, and those of a run should. */
  readonly id?: string;
  /** Default: as its task was launched, see `originOf`. */
  readonly origin?: string | null;
  /** Whose the file must be, and in which folder; default: anybody's, anywhere. */
  readonly within?: Whereabouts;
}

export interface Whereabouts {
  /** Path of the folder. */
  readonly folder: string;
  /** Id of the user; default: anybody's. */
  readonly owner?: number;
}

/** The most that an attempt may hand over. */
export interface ArtifactLimits {
  /** Of its files together. */
  readonly bytes: number;
  readonly count: number;
}

export const DEFAULT_ARTIFACT_LIMITS: ArtifactLimits = { bytes: 10 * 1_024 ** 3, count: 100_000 };

export const MAX_METADATA_BYTES = 64 * 1_024;
const MAX_NAME = 4_096;
const MAX_TEXT = 256;
const MAX_DEPTH = 100;

const FIELDS = ["path", "name", "mimeType", "metadata", "id", "origin"];

/** What is wrong with one, whoever wrote it: the rest of a sentence that begins with it. */
export function problemOfNewArtifact(value: unknown): string | undefined {
  if (!isMap(value)) return `must be a map with ${FIELDS.join(", ")}`;
  const { within: _, ...told } = value;
  const unknown = Object.keys(told).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) return `unknown field '${unknown}'; use ${FIELDS.join(", ")}`;
  const { path, name, mimeType, metadata, id, origin } = told;
  if (path !== undefined && !isText(path, MAX_NAME)) return `path: must be ${text(MAX_NAME)}`;
  if (typeof path === "string" && path.includes("\0")) return "path: has a NUL character, which no path has";
  if (path?.startsWith("/") === false) return "path: must begin with /";
  if (name !== undefined && name !== "" && !isText(name, MAX_NAME)) return `name: must be ${text(MAX_NAME)}`;
  if (mimeType !== undefined && !isText(mimeType, MAX_TEXT)) return `mimeType: must be ${text(MAX_TEXT)}`;
  if (id !== undefined && !isText(id, MAX_TEXT)) return `id: must be ${text(MAX_TEXT)}`;
  if (origin !== undefined && origin !== null && !isText(origin, MAX_TEXT))
    return `origin: must be null, or ${text(MAX_TEXT)}`;
  return metadata === undefined ? undefined : problemOfMetadata(metadata);
}

function problemOfMetadata(metadata: unknown): string | undefined {
  if (!isMap(metadata)) return "metadata: must be a map of names to any JSON";
  const json = metadata as JsonObject;
  if (isDeeperThan(json, MAX_DEPTH))
    return `metadata: has objects or lists within each other more than ${MAX_DEPTH} levels deep`;
  if (jsonSize(json, MAX_METADATA_BYTES + 1) <= MAX_METADATA_BYTES) return undefined;
  return `metadata: is larger than ${MAX_METADATA_BYTES} bytes of JSON; put it into a file`;
}

function isText(value: unknown, longest: number): value is string {
  return typeof value === "string" && value !== "" && value.length <= longest;
}

function text(longest: number): string {
  return `text of 1 to ${longest} characters`;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
