/** What settings say of docker tasks. */
import type { Settings } from "../internal/config/load.ts";
import { DockerEngine, engineError } from "../internal/tasks/docker-engine.ts";
import { type DockerLimits, DockerPolicy } from "../internal/tasks/docker-policy.ts";

type Of<N extends keyof Settings> = Pick<Settings, N>;

type OfDocker = Of<"dockerImage" | "allowImage" | "allowMount" | "maxMemory" | "maxCpu">;

export function dockerLimitsOf(settings: OfDocker): DockerLimits {
  const { dockerImage, allowImage, allowMount, maxMemory, maxCpu } = settings;
  return {
    dockerImage,
    allowImage,
    ...(allowMount === undefined ? {} : { allowMount }),
    ...(maxMemory === undefined ? {} : { maxMemoryMb: maxMemory }),
    ...(maxCpu === undefined ? {} : { maxCpuPercent: maxCpu }),
  };
}

/** What docker tasks may ask for. */
export function dockerPolicyOf(settings: OfDocker): DockerPolicy {
  const policy = DockerPolicy.of(dockerLimitsOf(settings));
  if (policy instanceof DockerPolicy) return policy;
  throw new Error(`internal: ${policy.option}: ${policy.wrong}`);
}

/** Why docker tasks cannot run on this machine now; nothing when they can, or were not asked for. */
export async function whyNoDocker({ docker }: Of<"docker">): Promise<string | undefined> {
  if (!docker) return undefined;
  try {
    await (await DockerEngine.open()).ping();
    return undefined;
  } catch (error) {
    return engineError(error).message;
  }
}
