/** Which folders of the host, and volumes of the engine, docker tasks may have on this worker. */
import { realpath, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import { type MountRoot, parseMountRoot, parseVolume, type Volume } from "../core/docker-fields.ts";
import type { TaskError } from "../core/outcome.ts";

export interface Mount {
  readonly kind: "folder" | "volume";
  /** A path without symbolic links, or the name of a volume. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** Who can talk to one of these has the machine. */
const ENGINE_SOCKETS = [
  "/var/run/docker.sock",
  "/run/docker.sock",
  "/run/containerd/containerd.sock",
  "/run/podman/podman.sock",
  "/run/crio/crio.sock",
];
/** Folders in which an engine that a user runs without root has its own: `docker.sock`, or `podman/podman.sock`. */
const OF_USERS = /^\/run\/user(?:\/\d+(?:\/podman)?)?$/;

export class MountRoots {
  /** The one that says most about a folder comes first. */
  readonly #roots: readonly MountRoot[];

  private constructor(roots: readonly MountRoot[]) {
    this.#roots = nearestFirst(roots);
  }

  /** Reads entries of `--allow-mount`; a text says what is wrong with one. */
  static of(entries: readonly string[]): MountRoots | string {
    const roots = entries.map(readRoot);
    const wrong = roots.find((root) => typeof root === "string");
    return wrong ?? new MountRoots(roots.filter((root) => typeof root !== "string"));
  }

  /** `socket` is that of the engine, where it is on this machine. */
  async judge(text: string, socket: string | undefined): Promise<Mount | TaskError> {
    const volume = parseVolume(text);
    if (typeof volume === "string") return badInput(volume);
    const source = isAbsolute(volume.source) ? resolve(volume.source) : volume.source;
    const isFolder = isAbsolute(source);
    const found = this.#roots.find((root) =>
      isFolder ? isWithin(source, root.source) : source === root.source,
    );
    if (found === undefined) return refused(`${text}: ${source} is not among those of --allow-mount`);
    const { target, readOnly } = volume;
    if (found.readOnly && !readOnly) return forReadingAlone(volume, found);
    if (!isFolder) return { kind: "volume", source, target, readOnly };
    const real = socket === undefined ? asNamed(source, found) : await realSource(source, found, socket);
    if (typeof real !== "string") return real;
    const problem = readOnly ? undefined : await this.#problemOfWriting({ ...volume, source }, real, socket);
    return problem ?? { kind: "folder", source: real, target, readOnly };
  }

  /** By whatever way a folder is reached, and from however far above: what is for reading alone is not written to. */
  async #problemOfWriting(
    volume: Volume,
    real: string,
    socket: string | undefined,
  ): Promise<TaskError | undefined> {
    const folders = this.#roots.filter(({ source }) => isAbsolute(source));
    const roots = nearestFirst(
      await Promise.all(
        folders.map(async (root) => ({
          ...root,
          named: root.source,
          source: socket === undefined ? root.source : await realOrToCome(root.source),
        })),
      ),
    );
    const nearest = roots.find((root) => isWithin(real, root.source));
    if (nearest?.readOnly === true) return forReadingAlone(volume, { source: nearest.named });
    const held = roots.find((root) => root.readOnly && isWithin(root.source, real));
    if (held === undefined) return undefined;
    return refused(
      `${volume.source}: it holds ${held.named}, which --allow-mount has for reading alone: mount it with :ro, or only the folders in it that are to be written to`,
    );
  }
}

/** Of several for the same folder the one for reading alone counts. */
function nearestFirst<T extends MountRoot>(roots: readonly T[]): T[] {
  return roots.toSorted(
    (one, other) => other.source.length - one.source.length || Number(other.readOnly) - Number(one.readOnly),
  );
}

/** The files are those of another machine, and we cannot see where its links lead. */
function asNamed(source: string, root: MountRoot): string | TaskError {
  if (source === root.source) return source;
  return refused(
    `${source}: of an engine elsewhere only what --allow-mount names itself, ${root.source}, can be had`,
  );
}

/**
 * Follows symbolic links, as the engine will. Somebody who can write to the folders above the source could put
 * another link there before the engine looks.
 */
async function realSource(source: string, root: MountRoot, socket: string): Promise<string | TaskError> {
  const [real, realRoot] = await Promise.all([realpath(source), realpath(root.source)]).catch(() => []);
  if (real === undefined || realRoot === undefined) {
    return badInput(`${source} is not there on the worker's host`);
  }
  if (!isWithin(real, realRoot)) return refused(`${source}: it leads out of ${root.source} of --allow-mount`);
  const isSocket = (await stat(real)).isSocket();
  if (!isSocket && !(await holdsSocket(real, [socket, ...ENGINE_SOCKETS]))) return real;
  return refused(
    `${source}: sockets of the host, and folders that hold that of an engine, cannot be mounted, whatever --allow-mount says`,
  );
}

/** What is not there yet may be made where it would be. */
async function realOrToCome(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    return path === "/" ? path : join(await realOrToCome(dirname(path)), basename(path));
  }
}

function readRoot(entry: string): MountRoot | string {
  const root = parseMountRoot(entry);
  if (typeof root === "string" || !isAbsolute(root.source)) return root;
  return { ...root, source: resolve(root.source) };
}

function isWithin(path: string, root: string): boolean {
  if (!isAbsolute(root)) return false;
  const way = relative(root, path);
  return way !== ".." && !way.startsWith("../");
}

async function holdsSocket(folder: string, sockets: readonly string[]): Promise<boolean> {
  if (OF_USERS.test(folder)) return true;
  const real = await Promise.all(sockets.map((each) => realpath(each).catch(() => each)));
  return real.some((each) => isWithin(each, folder));
}

function forReadingAlone({ source, target }: Volume, root: Pick<MountRoot, "source">): TaskError {
  return refused(
    `${source}:${target}: --allow-mount has ${root.source} for reading alone: write ${source}:${target}:ro`,
  );
}

function refused(why: string): TaskError {
  return { reason: "refused", message: `volume ${why}` };
}

function badInput(why: string): TaskError {
  return { reason: "bad-input", message: `volumes: ${why}` };
}
