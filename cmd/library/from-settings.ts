/** The options of the library's executors from the settings of a command. */
import type { Settings } from "../../internal/config/load.ts";
import type { Observer } from "../../internal/ports/observer.ts";
import { dockerLimitsOf } from "../docker.ts";
import { secretsOf } from "../secrets.ts";
import type { DistributedOptions } from "./distributed.ts";
import type { ExecutorOptions } from "./options.ts";
import type { RetentionOptions } from "./retention.ts";

function executorOptions(settings: Settings, observer: Observer): ExecutorOptions {
  return {
    ...(settings.timeout === undefined ? {} : { taskTimeout: settings.timeout / 1_000 }),
    shutdownTimeout: settings.shutdownTimeout / 1_000,
    gracePeriod: settings.grace / 1_000,
    outputLimit: settings.outputLimit,
    fanOutLimit: settings.fanOutLimit,
    observer,
  };
}

/** Of an executor whose tasks run in this process. Throws `ConfigError`. */
export function localOptions(settings: Settings, observer: Observer): ExecutorOptions {
  const secrets = secretsOf(settings, observer);
  return {
    ...executorOptions(settings, observer),
    ...(settings.functions === undefined ? {} : { functions: settings.functions }),
    functionMemoryMb: settings.functionMemory,
    ...(settings.allow === undefined ? {} : { allow: settings.allow }),
    secrets: (name) => secrets.get(name),
    bodyLimit: settings.bodyLimit,
    artifactLimit: settings.artifactLimit,
    artifactCount: settings.artifactCount,
    allowNet: settings.allowNet,
    ...(settings.docker ? { enableDocker: true, ...dockerLimitsOf(settings) } : {}),
  };
}

/** Of an executor that looks after the cluster, and not just after runs of its own. */
export function retentionOptions(settings: Settings): RetentionOptions {
  return {
    retireAfter: settings.retireAfter / 1_000,
    retireAbove: settings.retireAbove,
    historyAge: settings.historyAge / 1_000,
    historyRuns: settings.historyRuns,
    historyBytes: settings.historyBytes,
    ...(settings.valuesBytes === undefined ? {} : { valuesBytes: settings.valuesBytes }),
    logsAge: settings.logsAge / 1_000,
    logsBytes: settings.logsBytes,
  };
}

export function distributedOptions(
  settings: Settings & { readonly nats: string },
  observer: Observer,
): DistributedOptions {
  return {
    ...executorOptions(settings, observer),
    nats: settings.nats,
    ...(settings.creds === undefined ? {} : { creds: settings.creds }),
    namespace: settings.namespace,
    deadAfter: settings.deadAfter / 1_000,
    probeInterval: settings.probeInterval / 1_000,
    goneAfter: settings.goneAfter / 1_000,
    ackWait: settings.ackWait / 1_000,
    leaseTerm: settings.leaseTerm / 1_000,
    lossCap: settings.lossCap,
    inlineLimit: settings.inlineLimit,
  };
}
