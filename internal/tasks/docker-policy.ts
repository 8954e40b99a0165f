/** What docker tasks may ask for on this worker. */
import type { DockerTask } from "../core/docker-command.ts";
import { ImagePatterns, type ImageReference, imageName, parseImage } from "../core/docker-image.ts";
import type { TaskError } from "../core/outcome.ts";
import { type DockerEngine, engineError } from "./docker-engine.ts";
import { type Mount, MountRoots } from "./docker-mounts.ts";

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

export class DockerPolicy {
  readonly #image: ImageReference;
  readonly #images: ImagePatterns;
  readonly #roots: MountRoots;
  readonly #limits: DockerLimits;

  private constructor(
    limits: DockerLimits,
    parts: {
      readonly image: ImageReference;
      readonly images: ImagePatterns;
      readonly roots: MountRoots;
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
    const roots = MountRoots.of(limits.allowMount ?? []);
    if (typeof roots === "string") return { option: "allowMount", wrong: roots };
    return new DockerPolicy(limits, { image, images, roots });
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
      const mount = await this.#roots.judge(text, engine.socket);
      if ("reason" in mount) return mount;
      mounts.push(mount);
    }
    return { image, memoryMb, mounts, ...(cpuPercent === Infinity ? {} : { cpuPercent }) };
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

function refused(message: string): TaskError {
  return { reason: "refused", message };
}
