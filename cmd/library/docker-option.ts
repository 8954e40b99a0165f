/** Docker tasks of an executor that a program embeds. */
import { BadInput } from "../../internal/executor/executor.ts";
import type { Observer } from "../../internal/ports/observer.ts";
import { shown } from "../../internal/core/shown.ts";
import { DockerTaskExecutor } from "../../internal/tasks/docker.ts";
import { EngineNotThere } from "../../internal/tasks/docker-engine.ts";
import { DockerPolicy } from "../../internal/tasks/docker-policy.ts";
import { checkText } from "./check-input.ts";

export interface DockerOption {
  /** Docker tasks: with the engine that DOCKER_HOST names or that of this machine, or by an executor of type `docker` that is registered before `start`. Default false. All that follows is only with it. */
  readonly enableDocker?: boolean;
  /** The image of docker tasks that name none. Default `python:3.11-slim`. */
  readonly dockerImage?: string;
  /** Images that docker tasks may have: patterns such as `python:*`. Default `["*"]`. */
  readonly allowImage?: readonly string[];
  /** Folders of this host and volumes by name that docker tasks may have, with `:ro` behind it for reading alone. Default none. */
  readonly allowMount?: readonly string[];
  /** The most memory that a docker task may ask for, in MiB; 6 at least. Default as much as it likes; one that asks for nothing has 1,024 at most. */
  readonly maxMemoryMb?: number;
  /** The most that a docker task may ask for in percent of one CPU, and what it has if it asks for nothing. Default no limit. */
  readonly maxCpuPercent?: number;
}

const NEEDS_DOCKER = ["dockerImage", "allowImage", "allowMount", "maxMemoryMb", "maxCpuPercent"] as const;

/** What docker tasks may ask for; nothing without `enableDocker`. Throws `BadInput`. */
export function dockerPolicyOf(options: DockerOption): DockerPolicy | undefined {
  if (options.enableDocker !== true) {
    const first = NEEDS_DOCKER.find((name) => options[name] !== undefined);
    if (first === undefined) return undefined;
    throw new BadInput(`${first} is for docker tasks: set enableDocker too, or leave it out`);
  }
  checkText("dockerImage", options.dockerImage);
  checkList("allowImage", options.allowImage);
  checkList("allowMount", options.allowMount);
  checkWhole("maxMemoryMb", options.maxMemoryMb, 6);
  checkWhole("maxCpuPercent", options.maxCpuPercent, 1);
  const policy = DockerPolicy.of(options);
  if (policy instanceof DockerPolicy) return policy;
  throw new BadInput(`${policy.option}: ${policy.wrong}`);
}

/** Rejects with `EngineNotThere`: who runs tasks in one process would wait for them in vain. */
export async function openDocker(
  policy: DockerPolicy,
  { outputLimit, observer }: { readonly outputLimit: number; readonly observer: Observer },
): Promise<DockerTaskExecutor> {
  let isOpen = false;
  const docker = await DockerTaskExecutor.open({
    policy,
    worker: "local",
    outputLimit,
    onGone: (error) => {
      if (isOpen) observer.observe({ kind: "trouble", what: "using the Docker engine", error });
    },
    onNews: () => undefined,
  });
  isOpen = true;
  const { whyNotReady } = docker;
  if (whyNotReady === undefined) return docker;
  docker.close();
  throw new EngineNotThere(whyNotReady);
}

function checkList(name: string, given: unknown): void {
  if (given === undefined || (Array.isArray(given) && given.every((each) => typeof each === "string")))
    return;
  throw new BadInput(`${name} must be a list of texts, not ${shown(given)}`);
}

function checkWhole(name: string, given: number | undefined, min: number): void {
  if (given === undefined || (Number.isInteger(given) && given >= min)) return;
  throw new BadInput(`${name} must be a whole number from ${min} up, not ${shown(given)}`);
}
