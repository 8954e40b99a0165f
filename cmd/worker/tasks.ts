/** What a worker can run, as its settings say. */
import type { Settings } from "../../internal/config/load.ts";
import type { Observer } from "../../internal/ports/observer.ts";
import { BashTaskExecutor } from "../../internal/tasks/bash.ts";
import { BashUser } from "../../internal/tasks/bash-user.ts";
import { DockerTaskExecutor } from "../../internal/tasks/docker.ts";
import { FunctionTaskExecutor } from "../../internal/tasks/function.ts";
import { FunctionThreads } from "../../internal/tasks/function-threads.ts";
import { HttpTaskExecutor } from "../../internal/tasks/http.ts";
import { TaskExecutorRegistry } from "../../internal/tasks/registry.ts";
import type { Logger } from "../../internal/telemetry/logger.ts";
import { dockerPolicyOf } from "../docker.ts";
import { netPolicyOf } from "../net-policy.ts";
import { loadAllowed } from "../plugins.ts";

export interface Tasks {
  readonly registry: TaskExecutorRegistry;
  readonly functions: FunctionTaskExecutor;
  readonly docker: DockerTaskExecutor | undefined;
}

interface Surroundings {
  readonly workerId: string;
  readonly observer: Observer;
  readonly logger: Logger;
}

/** Rejects with `ConfigError`, `CannotRunAs`, `FunctionsNotLoaded` and `PluginsNotLoaded`. */
export async function tasksOf(settings: Settings<"worker">, around: Surroundings): Promise<Tasks> {
  const { functions: file, functionMemory: memoryMb, outputLimit, bodyLimit } = settings;
  const { allowNet, allowEnv, runAs } = settings;
  const functions = new FunctionTaskExecutor();
  if (file !== undefined) {
    functions.registerThreads(await FunctionThreads.load({ file, memoryMb, observer: around.observer }));
  }
  const bash = new BashTaskExecutor({
    outputLimit,
    ...(allowEnv === undefined ? {} : { allowEnv }),
    ...(runAs === undefined ? {} : { user: await BashUser.of(runAs) }),
  });
  const http = new HttpTaskExecutor({ bodyLimit, netPolicy: netPolicyOf(allowNet) });
  const registry = new TaskExecutorRegistry([bash, http, functions, ...(await loadAllowed(settings))]);
  const docker = settings.docker ? await openDocker(settings, around) : undefined;
  if (docker !== undefined) registry.register(docker);
  return { registry, functions, docker };
}

/** An engine that is not there may come: until then docker tasks fail as engine-gone, and the worker is not ready. */
async function openDocker(
  settings: Settings<"worker">,
  { workerId, logger }: Surroundings,
): Promise<DockerTaskExecutor> {
  return DockerTaskExecutor.open({
    policy: dockerPolicyOf(settings),
    worker: workerId,
    outputLimit: settings.outputLimit,
    onGone: (why) => logger.error({ why }, "docker tasks cannot run"),
    onNews: (what) => logger.info({ what }, "docker"),
  });
}
