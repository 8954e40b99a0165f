/**
 * What a command wrote to its manifest, wherever it ran: a line of JSON for each artifact that it hands over, with
 * `path` (of a file in its folder), `name`, `mime_type`, `metadata`, `id` and `origin`. All of them may be left out; null
 * means the same, but for the origin.
 */
import { posix } from "node:path";
import { cutAfter } from "../core/cut.ts";
import type { JsonObject } from "../core/json.ts";
import { type NewArtifact, problemOfNewArtifact } from "../core/new-artifact.ts";

/** What a command hands over cannot be found or read; the message says what to do about it. */
export class BadArtifacts extends Error {}

export interface ManifestEntry {
  /** Of a file: its path in the folder of the command. */
  readonly path?: string;
  readonly artifact: Omit<NewArtifact, "path" | "within">;
}

/** More bytes than this are not read. */
export const MAX_MANIFEST_BYTES = 32 * 1_024 * 1_024;
/** More than any artifact that can be handed over needs. A line is read in one go, and nothing else goes on meanwhile: one of 30 MB may take ten seconds. */
const MAX_LINE = 512 * 1_024;

const FIELDS = ["path", "name", "mime_type", "metadata", "id", "origin"];
const MAX_QUOTED = 80;

export interface Manifest {
  /** The bytes of the file. */
  readonly parts: AsyncIterable<Uint8Array>;
  /** The folder, as the command calls it. */
  readonly folder: string;
  /** More entries than this are not read. */
  readonly limit: number;
}

/** Rejects with `BadArtifacts`, and with what `parts` throws. */
export async function readManifest({ parts, folder, limit }: Manifest): Promise<ManifestEntry[]> {
  const entries: ManifestEntry[] = [];
  let number = 0;
  for await (const line of linesOf(parts)) {
    number++;
    if (line.trim() === "") continue;
    if (entries.length >= limit)
      throw new BadArtifacts(`the manifest has more than ${limit} artifacts, see --artifact-count`);
    const entry = entryOf(line, folder);
    if (typeof entry === "string") throw new BadArtifacts(`line ${number} of the manifest: ${entry}`);
    entries.push(entry);
  }
  return entries;
}

async function* linesOf(parts: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let bytes = 0;
  let rest: string[] = [];
  for await (const part of parts) {
    bytes += part.length;
    if (bytes > MAX_MANIFEST_BYTES)
      throw new BadArtifacts(`the manifest has more than ${MAX_MANIFEST_BYTES} bytes`);
    const [first = "", ...more] = decoder.decode(part, { stream: true }).split("\n");
    rest.push(first);
    for (const begun of more) {
      yield rest.join("");
      rest = [begun];
    }
  }
  yield rest.join("") + decoder.decode();
}

/** What is wrong with it otherwise. */
function entryOf(line: string, folder: string): ManifestEntry | string {
  if (line.length > MAX_LINE) return `has ${line.length} characters; at most ${MAX_LINE} are allowed`;
  let told: unknown;
  try {
    told = JSON.parse(line);
  } catch {
    return `is no JSON: ${cutAfter(line, MAX_QUOTED)}`;
  }
  if (typeof told !== "object" || told === null || Array.isArray(told))
    return `must be a JSON object with ${FIELDS.join(", ")}`;
  const unknown = Object.keys(told).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) return `unknown field '${unknown}'; use ${FIELDS.join(", ")}`;
  const given = Object.entries(told).filter(([field, value]) => value !== null || field === "origin");
  const { path, mime_type: mimeType, ...more }: JsonObject = Object.fromEntries(given);
  const artifact = { ...more, ...(mimeType === undefined ? {} : { mimeType }) } as ManifestEntry["artifact"];
  const problem = problemOfNewArtifact(artifact)?.replace(/^mimeType:/, "mime_type:");
  if (problem !== undefined) return problem;
  if (path === undefined) return { artifact };
  if (typeof path !== "string" || path === "") return "path: must be the path of a file";
  const way = wayOf(path, folder);
  return way === undefined ? `path: '${path}' is not in ${folder}` : { path: way, artifact };
}

/** From the folder on; `undefined` where it leads out of it. */
function wayOf(path: string, folder: string): string | undefined {
  const way = posix.relative(folder, posix.resolve(folder, path));
  return way === "" || way === ".." || way.startsWith("../") || path.includes("\0") ? undefined : way;
}
