/** What docker tasks may ask for on this worker. */
import { realpath, stat } from "node:fs/promises";
import { isAbsolute, relative, resolve } from "node:path";
import type { DockerTask } from "../core/docker-command.ts";
import { parseVolume, type Volume } from "../core/docker-fields.ts";
import { ImagePatterns, type ImageReference, imageName, parseImage } from "../core/docker-image.ts";
import type { TaskError } from "../core/outcome.ts";
import { type DockerEngine, engineError } from "./docker-engine.ts";

export interface DockerLimits {
  /** Of tasks that name none. Default `python:3.11-slim`. */
  readonly dockerImage?: string;
  /** Patterns. Default: any image. */
  readonly allowImage?: readonly string[];
  /** Folders and named volumes, `:ro` behind them for reading alone. Default: none. */
  readonly allowMount?: readonly string[];
  /** The most memory that a task may ask for, in MiB. Default: as much as it likes. */
  readonly maxMemoryMb?: number;
  /** The most that it may ask for in percent of one CPU, and what it gets when it asks for nothing. Default: no limit. */
  readonly maxCpuPercent?: number;
}

export interface WrongLimit {
  readonly option: "dockerImage" | "allowImage" | "allowMount";
  readonly wrong: string;
}

const DEFAULT_IMAGE = "python:3.11-slim";
const DEFAULT_MEMORY_MB = 1_024;

/** What a container of a task may have. */
export interface Allowed {
  readonly image: ImageReference;
  readonly memoryMb: number;
  readonly cpuPercent?: number;
  readonly mounts: readonly Mount[];
}

export interface Mount {
  readonly kind: "folder" | "volume";
  /** A path without symbolic links, or the name of a volume. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

interface Root {
  readonly source: string;
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

export class DockerPolicy {
  readonly #image: ImageReference;
  readonly #images: ImagePatterns;
  readonly #roots: readonly Root[];
  readonly #limits: DockerLimits;

  private constructor(
    limits: DockerLimits,
    parts: {
      readonly image: ImageReference;
      readonly images: ImagePatterns;
      readonly roots: readonly Root[];
    },
  ) {
    this.#limits = limits;
    this.#image = parts.image;
    this.#images = parts.images;
    this.#roots = parts.roots;
  }

  /** What cannot be used is told. */
  static of(limits: DockerLimits): DockerPolicy | WrongLimit {
    const image = parseImage(limits.dockerImage ?? DEFAULT_IMAGE);
    if (typeof image === "string") return { option: "dockerImage", wrong: image };
    const images = ImagePatterns.of(limits.allowImage ?? ["*"]);
    if (typeof images === "string") return { option: "allowImage", wrong: images };
    const roots = (limits.allowMount ?? []).map(readRoot);
    const wrong = roots.find((root) => typeof root === "string");
    if (wrong !== undefined) return { option: "allowMount", wrong };
    // The one that says most about a folder comes first.
    const sorted = roots
      .filter((root) => typeof root !== "string")
      .toSorted((one, other) => other.source.length - one.source.length);
    return new DockerPolicy(limits, { image, images, roots: sorted });
  }

  /** Rejects with `EngineError`. */
  async judge(
    task: DockerTask,
    engine: Pick<DockerEngine, "network" | "socket">,
  ): Promise<Allowed | TaskError> {
    const image = task.image === undefined ? this.#image : parseImage(task.image);
    if (typeof image === "string") return { reason: "bad-input", message: `image: ${image}` };
    if (!this.#images.allows(image)) {
      return refused(`image ${imageName(image)} is not among those of --allow-image`);
    }
    const { maxMemoryMb = Infinity, maxCpuPercent = Infinity } = this.#limits;
    const memoryMb = task.memory_mb ?? Math.min(DEFAULT_MEMORY_MB, maxMemoryMb);
    if (memoryMb > maxMemoryMb) {
      return refused(`memory_mb is ${memoryMb}, and --max-memory allows ${maxMemoryMb}`);
    }
    const cpuPercent = task.cpu_quota ?? maxCpuPercent;
    if (cpuPercent > maxCpuPercent) {
      return refused(`cpu_quota is ${cpuPercent}, and --max-cpu allows ${maxCpuPercent}`);
    }
    const problem = await problemOfNetwork(task.network, engine);
    if (problem !== undefined) return problem;
    const mounts: Mount[] = [];
    for (const text of task.volumes ?? []) {
      const mount = await this.#mount(text, engine.socket);
      if ("reason" in mount) return mount;
      mounts.push(mount);
    }
    return { image, memoryMb, mounts, ...(cpuPercent === Infinity ? {} : { cpuPercent }) };
  }

  async #mount(text: string, socket: string | undefined): Promise<Mount | TaskError> {
    const volume = parseVolume(text);
    if (typeof volume === "string") return { reason: "bad-input", message: `volumes: ${volume}` };
    const source = isAbsolute(volume.source) ? resolve(volume.source) : volume.source;
    const isFolder = isAbsolute(source);
    const found = this.#roots.find((root) =>
      isFolder ? isWithin(source, root.source) : source === root.source,
    );
    if (found === undefined) return refused(`volume ${text}: ${source} is not among those of --allow-mount`);
    if (found.readOnly && !volume.readOnly) {
      return refused(
        `volume ${text}: --allow-mount has ${found.source} for reading alone: write ${volume.source}:${volume.target}:ro`,
      );
    }
    const { target, readOnly } = volume;
    if (!isFolder) return { kind: "volume", source, target, readOnly };
    const real = await this.#realSource({ ...volume, source }, found, socket);
    return typeof real === "string" ? { kind: "folder", source: real, target, readOnly } : real;
  }

  /**
   * Follows symbolic links, as the engine will. Somebody who can write to the folders above the source could put
   * another link there before the engine looks.
   */
  async #realSource({ source }: Volume, root: Root, socket: string | undefined): Promise<string | TaskError> {
    if (socket === undefined) {
      // The files are those of another machine, and we cannot see where its links lead.
      if (source === root.source) return source;
      return refused(
        `volume ${source}: of an engine elsewhere only what --allow-mount names itself, ${root.source}, can be had`,
      );
    }
    const [real, realRoot] = await Promise.all([realpath(source), realpath(root.source)]).catch(() => []);
    if (real === undefined || realRoot === undefined) {
      return { reason: "bad-input", message: `volumes: ${source} is not there on the worker's host` };
    }
    if (!isWithin(real, realRoot))
      return refused(`volume ${source}: it leads out of ${root.source} of --allow-mount`);
    const isSocket = (await stat(real)).isSocket();
    if (isSocket || (await holdsSocket(real, [socket, ...ENGINE_SOCKETS]))) {
      return refused(
        `volume ${source}: sockets of the host, and folders that hold that of an engine, cannot be mounted, whatever --allow-mount says`,
      );
    }
    return real;
  }
}

/** Of its own name alone: an engine takes the id of a network as well, and so that of the host's. */
async function problemOfNetwork(
  name = "bridge",
  engine: Pick<DockerEngine, "network">,
): Promise<TaskError | undefined> {
  if (name === "bridge" || name === "none") return undefined;
  const never = refused(
    `network ${name}: no worker lets a task into the network of its host or of another container; use bridge, none or the name of a network`,
  );
  if (name === "host" || name.startsWith("container:")) return never;
  try {
    const { Name, Driver } = await engine.network(name);
    return Name === name && Driver !== "host" ? undefined : never;
  } catch (error) {
    if (engineError(error).status !== 404) throw error;
    return { reason: "bad-input", message: `the Docker engine has no network '${name}'` };
  }
}

function readRoot(entry: string): Root | string {
  const source = entry.replace(/:r[ow]$/, "");
  const readOnly = entry.endsWith(":ro");
  if (isAbsolute(source) && !source.includes(":")) return { source: resolve(source), readOnly };
  if (/^[A-Za-z0-9][\w.-]{1,127}$/.test(source)) return { source, readOnly };
  return `'${entry}' is neither a path that begins with / nor the name of a volume`;
}

function isWithin(path: string, root: string): boolean {
  if (!isAbsolute(root)) return false;
  const way = relative(root, path);
  return way !== ".." && !way.startsWith("../");
}

async function holdsSocket(folder: string, sockets: readonly string[]): Promise<boolean> {
  const real = await Promise.all(sockets.map((each) => realpath(each).catch(() => each)));
  return real.some((each) => isWithin(each, folder));
}

function refused(message: string): TaskError {
  return { reason: "refused", message };
}
