/** Puts the files of the artifacts that an attempt is given into a folder of its own. */
import type { Artifact, PlacedArtifact } from "../core/artifact.ts";
import type { TaskError } from "../core/outcome.ts";
import { BlobDamaged, BlobMissing, type Blobs } from "../ports/blobs.ts";
import type { FolderOfFiles, HostFiles } from "../ports/host-files.ts";
import type { SeesFiles } from "../ports/task-executor.ts";
import { workerError } from "./worker-error.ts";

export interface PlacingOptions {
  readonly blobs: Pick<Blobs, "getStream">;
  readonly files: HostFiles;
}

export interface Placing {
  readonly runId: string;
  readonly seesFiles: SeesFiles | undefined;
  /** The attempt has to end. */
  readonly signal: AbortSignal;
  atEnd(act: () => void): void;
}

export interface Placed {
  /** On this host; absent where there is no file. */
  readonly folder?: string;
  place(artifact: Artifact): Artifact & PlacedArtifact;
}

/** Where there is no file. */
export const NOWHERE: Placed = { place: (artifact) => ({ ...artifact, path: null }) };

const FILES_AT_A_TIME = 4;
/** File systems take 255 bytes. */
const MAX_NAME_BYTES = 200;

/** Each file once, however often its artifact is among them. `undefined` when the attempt had to end. */
export async function placeFiles(
  artifacts: readonly Artifact[],
  { runId, seesFiles = {}, signal, atEnd }: Placing,
  { blobs, files }: PlacingOptions,
): Promise<Placed | { readonly error: TaskError } | undefined> {
  const ways = waysOf(artifacts);
  const folder = await files.makeFolder(seesFiles.reader);
  atEnd(() => void folder.remove());
  const left = [...new Map(artifacts.map((artifact) => [artifact.file?.name, artifact])).values()].values();
  let error: TaskError | undefined;
  const take = async (): Promise<void> => {
    for (const artifact of left) {
      if (artifact.file === undefined) continue;
      if (signal.aborted || error !== undefined) return;
      const parts = blobs.getStream({ runId }, artifact.file, { until: signal });
      const wrong = await write(folder, ways.get(artifact.file.name) ?? "", wanted(parts, signal));
      if (wrong !== undefined) error ??= errorOf(wrong.error, artifact);
    }
  };
  await Promise.all(Array.from({ length: FILES_AT_A_TIME }, take));
  if (signal.aborted) return undefined;
  if (error !== undefined) return { error };
  const seen = seesFiles.at ?? folder.path;
  const pathOf = ({ file }: Artifact): string | null =>
    file === undefined ? null : `${seen}/${ways.get(file.name) ?? ""}`;
  return { folder: folder.path, place: (artifact) => ({ ...artifact, path: pathOf(artifact) }) };
}

async function write(
  folder: FolderOfFiles,
  way: string,
  parts: AsyncIterable<Uint8Array>,
): Promise<{ readonly error: unknown } | undefined> {
  try {
    await folder.write(way, parts);
    return undefined;
  } catch (error) {
    return { error };
  }
}

async function* wanted(parts: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const part of parts) {
    if (signal.aborted) throw new Error("told to end before it was there");
    yield part;
  }
}

function errorOf(error: unknown, { name, id }: Artifact): TaskError {
  const what = `the file of artifact '${id}' (${JSON.stringify(name)})`;
  if (error instanceof BlobMissing || error instanceof BlobDamaged)
    return { reason: "artifact-missing", message: `${what} cannot be had: ${error.message}` };
  return workerError(error, `${what} could not be put on this worker: `);
}

/**
 * By the name of its value, the way to a file in the folder: a folder with a number, in which it is called what its
 * artifact is called. So two of the same name are apart, and a name leads nowhere else.
 */
function waysOf(artifacts: readonly Artifact[]): ReadonlyMap<string, string> {
  const ways = new Map<string, string>();
  for (const { name, file } of artifacts) {
    if (file === undefined || ways.has(file.name)) continue;
    ways.set(file.name, `${ways.size + 1}/${plainName(name)}`);
  }
  return ways;
}

/** The last part of a name, as a file system takes it. */
export function plainName(name: string): string {
  const base = name.slice(name.lastIndexOf("/") + 1);
  const short = shortened(base.replaceAll(/\p{Cc}/gu, "_"));
  return short === "" || /^\.+$/.test(short) ? "file" : short;
}

/** Its end tells what kind of file it is. */
function shortened(name: string): string {
  const chars = Array.from(name);
  let room = MAX_NAME_BYTES;
  const kept: string[] = [];
  for (const char of chars.toReversed()) {
    room -= new TextEncoder().encode(char).length;
    if (room < 0) break;
    kept.push(char);
  }
  return kept.toReversed().join("");
}
