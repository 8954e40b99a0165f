/** The files of a docker task, as an engine takes and gives them: in archives. So it may be on another machine. */
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { Readable } from "node:stream";
import { create, Header, Parser, type ReadEntry } from "tar";
import type { AttemptFiles } from "./attempt-env.ts";
import { engineError } from "./docker-engine.ts";
import { BadOutputFile } from "./output-file.ts";

const BLOCK = 512;
const PARAMS = "params.json";
/** What the task writes; all that is in it is read in the end. */
const FOLDER = "attempt";
const OUTPUT = `${FOLDER}/output`;
const MANIFEST = `${FOLDER}/artifacts`;
/** Files that it hands over. */
const ARTIFACTS = "artifacts";
/** Files that it is given. */
const GIVEN = "in";

/** Where they are, in the folder into which the archives are unpacked. */
export function filesIn(
  folder: string,
): AttemptFiles & { readonly ownFolder: string; readonly givenFolder: string } {
  return {
    paramsFile: `${folder}/${PARAMS}`,
    outputFile: `${folder}/${OUTPUT}`,
    artifactsFile: `${folder}/${MANIFEST}`,
    artifactsFolder: `${folder}/${ARTIFACTS}`,
    ownFolder: `${folder}/${FOLDER}`,
    givenFolder: `${folder}/${GIVEN}`,
  };
}

/**
 * The params, and what the task may write to: an empty output file and manifest, and the folder for what it hands over.
 * It may run as any user of its container; an engine leaves the folder itself as it is, so they are in others further
 * down.
 */
export function packFiles(params: string): Buffer {
  return Buffer.concat([
    ...entry({ path: PARAMS, type: "File", mode: 0o444 }, Buffer.from(params)),
    ...entry({ path: `${FOLDER}/`, type: "Directory", mode: 0o777 }),
    ...entry({ path: OUTPUT, type: "File", mode: 0o666 }),
    ...entry({ path: MANIFEST, type: "File", mode: 0o666 }),
    ...entry({ path: `${ARTIFACTS}/`, type: "Directory", mode: 0o777 }),
    Buffer.alloc(2 * BLOCK),
  ]);
}

function entry(
  data: { readonly path: string; readonly type: "File" | "Directory"; readonly mode: number },
  content: Buffer = Buffer.alloc(0),
): Buffer[] {
  const header = Buffer.alloc(BLOCK);
  new Header({ ...data, size: content.length, uid: 0, gid: 0, mtime: new Date(0) }).encode(header);
  const rest = content.length % BLOCK;
  return [header, content, Buffer.alloc(rest === 0 ? 0 : BLOCK - rest)];
}

/** What is in a folder of this host, which a task is given; the folder itself is for nobody but us. */
export async function packGiven(folder: string): Promise<Readable> {
  const names = await readdir(folder);
  return Readable.from(create({ cwd: folder, prefix: GIVEN, portable: true }, names), { objectMode: false });
}

export interface OwnFiles {
  /** Of the output file; empty where there is none. */
  readonly output: string;
  /** Empty where there is none. */
  readonly manifest: Buffer;
}

interface Limits {
  /** In bytes. */
  readonly output: number;
  readonly manifest: number;
}

/** What a task has written to its own files, out of the archive of their folder. Rejects with `BadOutputFile` when one is none, or larger than its limit. */
export async function unpackOwnFiles(archive: Readable, limits: Limits): Promise<OwnFiles> {
  const read: Record<keyof OwnFiles, Buffer[]> = { output: [], manifest: [] };
  let left = limits.output + limits.manifest;
  await unpack(archive, ({ path, type, size, entry: each }) => {
    left -= size;
    const what = path === "output" ? "output" : path === "artifacts" ? "manifest" : undefined;
    if (what !== undefined) checkOwn(what, { type, size }, limits[what]);
    if (left < 0) throw new BadOutputFile(`there is too much in the folder of its output file`);
    if (what === undefined) return undefined;
    return collect(each, read[what]);
  });
  return { output: Buffer.concat(read.output).toString("utf8"), manifest: Buffer.concat(read.manifest) };
}

const CALLED: Readonly<Record<keyof OwnFiles, string>> = { output: "output file", manifest: "manifest" };

function checkOwn(
  what: keyof OwnFiles,
  { type, size }: Pick<Unpacked, "type" | "size">,
  limit: number,
): void {
  if (type !== "File") throw new BadOutputFile(`the ${CALLED[what]} is no file`);
  if (size > limit)
    throw new BadOutputFile(`the ${CALLED[what]} has ${size} bytes; at most ${limit} are allowed`);
}

async function collect(entry: AsyncIterable<Uint8Array>, parts: Uint8Array[]): Promise<void> {
  for await (const part of entry) parts.push(part);
}

/** What is in the archive of a folder. */
export interface Unpacked {
  /** From the folder on. */
  readonly path: string;
  readonly type: "File" | "Directory" | "other";
  readonly size: number;
  /** Its bytes. */
  readonly entry: AsyncIterable<Uint8Array>;
}

/**
 * Goes over all that is in the archive of a folder, one after the other; `take` reads what it returns a promise for, and
 * no more is read of the archive than that takes. Ends it. Rejects with what `take` throws, and with `EngineError` where
 * the archive is none, or not whole.
 */
export async function unpack(
  archive: Readable,
  take: (unpacked: Unpacked) => Promise<void> | undefined,
): Promise<void> {
  const taking: Promise<void>[] = [];
  const failure = new AbortController();
  const parser = new Parser({
    strict: true,
    onReadEntry: (each) => {
      try {
        const taken = failure.signal.aborted ? undefined : take(unpacked(each));
        if (taken === undefined) each.resume();
        else taking.push(taken.catch((error: unknown) => failure.abort(error)));
      } catch (error) {
        failure.abort(error);
        each.resume();
      }
    },
  });
  parser.on("error", (error: unknown) => failure.abort(engineError(error)));
  try {
    for await (const chunk of archive) {
      const goesOn = parser.write(chunk as Buffer) || once(parser, "drain", { signal: failure.signal });
      if (goesOn !== true) await goesOn.catch(() => undefined);
      // Nothing of what is too large is read.
      if (failure.signal.aborted) break;
    }
  } catch (error) {
    failure.abort(engineError(error));
  } finally {
    archive.destroy();
    // Also where it has broken off: who reads an entry must not wait for the rest of it.
    parser.end();
    await Promise.all(taking);
  }
  if (failure.signal.aborted) throw failure.signal.reason;
}

function unpacked(entry: ReadEntry): Unpacked {
  const { path, type, size } = entry;
  const [, ...names] = path.split("/").filter((name) => name !== "");
  return {
    path: names.join("/"),
    type: type === "File" || type === "OldFile" ? "File" : type === "Directory" ? "Directory" : "other",
    size,
    entry: entry as AsyncIterable<Uint8Array>,
  };
}
