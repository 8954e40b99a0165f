/** Files of this host, on its disk. */
import { constants, type Stats } from "node:fs";
import { chmod, chown, type FileHandle, mkdir, open, realpath, rm, writeFile } from "node:fs/promises";
import { dirname, isAbsolute, join, relative } from "node:path";
import mime from "mime";
import type { Whereabouts } from "../core/new-artifact.ts";
import {
  type FileReader,
  FileTrouble,
  type FolderOfFiles,
  type HostFiles,
  type OpenFile,
} from "../ports/host-files.ts";
import { newScratchPath } from "./scratch.ts";

/** So much is read at a time: what a piece of a stored value holds. */
const PART_BYTES = 512 * 1_024;

export const hostFiles: HostFiles = {
  open: openFile,
  makeFolder,
  typeOf: (name) => mime.getType(name),
};

async function openFile(path: string, within?: Whereabouts): Promise<OpenFile> {
  try {
    const file = await opened(path, within);
    const stat = await file.stat();
    const wrong = problemOf(stat, within?.owner);
    if (wrong === undefined)
      return { bytes: stat.size, read: () => read(file, stat), close: () => file.close() };
    await file.close();
    throw new FileTrouble(wrong);
  } catch (error) {
    throw troubleOf(error);
  }
}

/**
 * A pipe would keep us waiting. Where it has to be in a folder, the way there is gone once, without links, before it is
 * opened. Somebody could put a link there in between; but who can gains nothing, since he runs as we do, or the file
 * must be his own.
 */
async function opened(path: string, within: Whereabouts | undefined): Promise<FileHandle> {
  const flags = constants.O_RDONLY | constants.O_NONBLOCK;
  if (within === undefined) return open(path, flags);
  const real = await realpath(path);
  if (!isWithin(real, await realpath(within.folder)))
    throw new FileTrouble("leads out of the folder of its task: copy it there");
  return open(real, flags | constants.O_NOFOLLOW);
}

function isWithin(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== "" && way !== ".." && !way.startsWith("../") && !isAbsolute(way);
}

function problemOf(stat: Stats, owner: number | undefined): string | undefined {
  if (stat.isDirectory()) return "is a folder, and no file";
  if (!stat.isFile()) return "is no plain file";
  if (owner !== undefined && stat.uid !== owner) return "belongs to somebody other than its task";
  return undefined;
}

async function* read(file: FileHandle, first: Stats): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < first.size;) {
    // Not used again: whoever has it may still be sending it.
    const buffer = Buffer.allocUnsafeSlow(Math.min(PART_BYTES, first.size - at));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) break;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
  const { size, mtimeMs } = await file.stat();
  if (size !== first.size || mtimeMs !== first.mtimeMs)
    throw new FileTrouble("changes while it is read: something still writes to it");
}

/** What the system says, in words for who wrote the task. */
function troubleOf(error: unknown): unknown {
  switch ((error as NodeJS.ErrnoException).code) {
    case "ENOENT":
    case "ENOTDIR":
      return new FileTrouble("is not there");
    case "ELOOP":
      return new FileTrouble("is a link that leads nowhere");
    case "EACCES":
    case "EPERM":
      return new FileTrouble("cannot be read by the worker: permission denied");
    case "ENAMETOOLONG":
      return new FileTrouble("has a path that is too long for the system");
    case "ENXIO":
      return new FileTrouble("is no plain file");
    default:
      return error;
  }
}

async function makeFolder(reader?: FileReader): Promise<FolderOfFiles> {
  const path = newScratchPath();
  await mkdir(path, { mode: 0o700 });
  if (reader !== undefined) {
    // It stays ours: what is in it can be read by that user's group, and changed or put elsewhere by nobody.
    await chown(path, process.getuid?.() ?? 0, reader.gid);
    await chmod(path, 0o750);
  }
  return {
    path,
    write: (to, parts) => write(join(path, to), parts),
    remove: () => rm(path, { recursive: true, force: true }).catch(() => undefined),
  };
}

async function write(path: string, parts: AsyncIterable<Uint8Array>): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder);
  const file = await open(path, "wx", 0o600);
  try {
    await writeFile(file, parts);
    // Whatever our own umask says: the folder above says who may come here.
    await file.chmod(0o444);
    await chmod(folder, 0o755);
  } finally {
    await file.close();
  }
}
