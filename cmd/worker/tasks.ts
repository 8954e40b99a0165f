/** What a worker can run, as its settings say. */
import type { Settings } from "../../internal/config/load.ts";
import { flagOfType } from "../../internal/core/task-types.ts";
import type { Observer } from "../../internal/ports/observer.ts";
import type { Secrets } from "../../internal/ports/secrets.ts";
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
import { allMade, ofSetting } from "../of-setting.ts";
import { loadAllowed } from "../plugins.ts";
import { secretsOf } from "../secrets.ts";

export interface Tasks {
  readonly registry: TaskExecutorRegistry;
  readonly functions: FunctionTaskExecutor;
  readonly docker: DockerTaskExecutor | undefined;
  readonly secrets: Secrets;
}

interface Surroundings {
  readonly workerId: string;
  readonly observer: Observer;
  readonly logger: Logger;
}

/** Rejects with `ConfigError`. */
export async function tasksOf(settings: Settings<"worker">, around: Surroundings): Promise<Tasks> {
  const { outputLimit, bodyLimit, allowNet, allowEnv } = settings;
  const { logger } = around;
  const [threads, user, plugins, secrets] = await allMade([
    loadThreads(settings, around),
    settings.runAs === undefined ? undefined : ofSetting(settings, "runAs", BashUser.of(settings.runAs)),
    loadAllowed(settings),
    findSecrets(settings, around),
  ]);
  const functions = new FunctionTaskExecutor();
  if (threads !== undefined) functions.registerThreads(threads);
  const bash = new BashTaskExecutor({
    outputLimit,
    ...(allowEnv === undefined ? {} : { allowEnv }),
    ...(user === undefined ? {} : { user }),
  });
  const http = new HttpTaskExecutor({ bodyLimit, netPolicy: netPolicyOf(allowNet) });
  const registry = new TaskExecutorRegistry([bash, http, functions, ...plugins]);
  const docker = settings.docker ? await openDocker(settings, around) : undefined;
  if (docker !== undefined) registry.register(docker);
  for (const type of settings.allow ?? []) {
    if (registry.get(type) === undefined)
      logger.warn({ type, needs: flagOfType(type) }, "worker does not have a type that --allow names");
  }
  return { registry, functions, docker, secrets };
}

async function loadThreads(
  settings: Settings<"worker">,
  { observer }: Surroundings,
): Promise<FunctionThreads | undefined> {
  const { functions: file, functionMemory: memoryMb } = settings;
  if (file === undefined) return undefined;
  return ofSetting(settings, "functions", FunctionThreads.load({ file, memoryMb, observer }));
}

async function findSecrets(settings: Settings<"worker">, { observer }: Surroundings): Promise<Secrets> {
  return secretsOf(settings, observer);
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
