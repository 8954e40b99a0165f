/** What an engine is told of a container: nothing but what is here, so nothing of it can be asked for in another way. */
import type { ContainerCreateOptions, HostConfig, MountSettings } from "dockerode";
import type { DockerTask } from "../core/docker-command.ts";
import { OWN_FOLDER } from "../core/docker-fields.ts";
import { imageName } from "../core/docker-image.ts";
import type { Mount } from "./docker-mounts.ts";
import type { Allowed } from "./docker-policy.ts";

const MIB = 1_024 * 1_024;
const DEFAULT_PIDS = 1_024;
/** The part of a CPU is counted over so many microseconds; one percent of them is a thousand. */
const CPU_PERIOD = 100_000;

export interface Container {
  readonly task: DockerTask;
  readonly allowed: Allowed;
  readonly env: Readonly<Record<string, string>>;
  /** Beside those of the task. */
  readonly labels: Readonly<Record<string, string>>;
}

export function containerConfig({ task, allowed, env, labels }: Container): ContainerCreateOptions {
  return {
    Image: imageName(allowed.image),
    ...commandOf(task),
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    ...(task.working_dir === undefined ? {} : { WorkingDir: task.working_dir }),
    ...(task.user === undefined ? {} : { User: String(task.user) }),
    Labels: { ...task.labels, ...labels },
    // A task is no service.
    Healthcheck: { Test: ["NONE"] },
    HostConfig: hostConfig(task, allowed),
  };
}

/** By default the image's own entry point is not asked: many are programs that know nothing of a shell. */
function commandOf({ command, entrypoint }: DockerTask): Pick<ContainerCreateOptions, "Entrypoint" | "Cmd"> {
  const hasCommand = command.trim() !== "";
  if (entrypoint !== undefined && entrypoint.length > 0) {
    return { Entrypoint: [...entrypoint], Cmd: hasCommand ? [command] : [] };
  }
  if (!hasCommand) return {};
  return entrypoint === undefined
    ? { Entrypoint: ["sh", "-c"], Cmd: [command] }
    : { Cmd: ["sh", "-c", command] };
}

function hostConfig(task: DockerTask, { memoryMb, cpuPercent, mounts }: Allowed): HostConfig {
  const memory = memoryMb * MIB;
  return {
    NetworkMode: task.network ?? "bridge",
    Privileged: false,
    CapDrop: ["ALL"],
    SecurityOpt: ["no-new-privileges"],
    // A first process that reaps, and hands on signals.
    Init: true,
    Memory: memory,
    // Together with swap: none of that.
    MemorySwap: memory,
    ...(cpuPercent === undefined ? {} : { CpuPeriod: CPU_PERIOD, CpuQuota: (CPU_PERIOD / 100) * cpuPercent }),
    PidsLimit: task.pids_limit ?? DEFAULT_PIDS,
    ReadonlyRootfs: task.read_only ?? false,
    Tmpfs: tmpfsOf(task),
    Mounts: [OWN_FILES, ...mounts.map(mountOf)],
    ...(task.gpus === undefined ? {} : { DeviceRequests: [gpuRequest(task.gpus)] }),
    // What it prints is ours to keep; of a container that stays, somebody may want to read it there.
    LogConfig: keeps(task)
      ? { Type: "json-file", Config: { "max-size": "10m", "max-file": "1" } }
      : { Type: "none", Config: {} },
  };
}

export function keeps({ remove_on_exit: removes = true }: DockerTask): boolean {
  return !removes;
}

/** A volume of its own, which can be written to whatever the rest allows, and goes with the container. */
const OWN_FILES: MountSettings = { Type: "volume", Source: "", Target: OWN_FOLDER };

function mountOf({ kind, source, target, readOnly }: Mount): MountSettings {
  const mount = { Source: source, Target: target, ReadOnly: readOnly };
  return kind === "volume"
    ? { ...mount, Type: "volume" }
    : { ...mount, Type: "bind", BindOptions: { Propagation: "rprivate" } };
}

function tmpfsOf({ tmpfs = {} }: DockerTask): Record<string, string> {
  return Object.fromEntries(
    Object.entries(tmpfs).map(([path, mib]) => [path, `rw,nosuid,nodev,mode=1777,size=${mib}m`]),
  );
}

/** An engine takes a number or ids, and refuses both together; -1 is all of them. */
function gpuRequest(
  gpus: NonNullable<DockerTask["gpus"]>,
): NonNullable<HostConfig["DeviceRequests"]>[number] {
  const Capabilities = [["gpu"]];
  if (typeof gpus === "object") return { DeviceIDs: gpus.map(String), Capabilities };
  return { Count: gpus === "all" ? -1 : gpus, Capabilities };
}
