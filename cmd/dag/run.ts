/** `dag run` */
import type { Settings } from "../../internal/config/load.ts";
import { formOf } from "../../internal/core/dag-form.ts";
import type { JsonObject } from "../../internal/core/json.ts";
import type { Dag } from "../../internal/core/model.ts";
import { loadParams, parseParam } from "../../internal/spec/params.ts";
import { nearest } from "../../internal/spec/problems.ts";
import type { TaskExecutor } from "../../internal/ports/task-executor.ts";
import { loadAllowed } from "../plugins.ts";
import { DistributedExecutor } from "../library/distributed.ts";
import { distributedOptions, localOptions } from "../library/from-settings.ts";
import type { LibraryExecutor } from "../library/library-executor.ts";
import { LocalExecutor, SequentialExecutor } from "../library/local.ts";
import { inputOfRun } from "../../internal/executor/run-input.ts";
import { clusterFlags } from "./cluster-flags.ts";
import { loadDefinition, versionOf } from "./definition.ts";
import { detach } from "./detach.ts";
import { drive, type RunHooks } from "./drive.ts";
import { plan, planJson } from "./dry-run.ts";
import type { RunView } from "./run-view.ts";
import { divertOthers } from "./stdout.ts";
import { UsageError } from "./usage-error.ts";
import { sweepScratchFolders } from "../../internal/tasks/scratch.ts";

export interface RunFlags {
  readonly local: boolean;
  readonly sequential: boolean;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly param: readonly string[];
  readonly params?: string;
  readonly runId?: string;
  readonly tenant?: string;
  /** Of a deployed DAG. Default: the newest. */
  readonly version?: string;
  /** The run is submitted, and not waited for. */
  readonly detach: boolean;
  /** The settings that stand on the command line, by flag. */
  readonly given: ReadonlySet<string>;
  /** Stdout is a terminal that can be drawn on. */
  readonly live: boolean;
}

/** Resolves with the exit code. */
export async function run(
  what: string,
  flags: RunFlags,
  { settings, ...hooks }: RunHooks & { readonly settings: Settings },
): Promise<number> {
  const where = placeOf(flags, settings);
  const version = flags.version === undefined ? {} : { version: versionOf(flags.version) };
  const plugins = where === "cluster" ? [] : await loadAllowed(settings);
  const types = [...(settings.types ?? []), ...plugins.map(({ type }) => type)];
  const dag = await loadDefinition(what, { settings, types, ...version });
  const { runId, tenant } = flags;
  const dagRun = {
    dag,
    params: await paramsOf(dag, flags),
    ...(runId === undefined ? {} : { runId }),
    ...(tenant === undefined ? {} : { tenantId: tenant }),
  };
  if (flags.dryRun) {
    process.stdout.write(flags.json ? planJson(dagRun) : plan(dagRun));
    return 0;
  }
  // Before anything is connected to, or made.
  inputOfRun(dagRun);
  if (flags.detach) {
    if (where !== "cluster") throw new UsageError("--detach needs a cluster: give its address by --nats");
    return detach(dagRun, flags, settings);
  }
  // As a worker does: what a run here has left that was killed.
  if (where !== "cluster") await sweepScratchFolders();
  const cluster = where === "cluster" ? { cluster: clusterFlags(flags.given, settings) } : {};
  return drive(
    {
      dag,
      createExecutor: (view) => createExecutor(where, settings, { view, flags, plugins }),
      begin: (executor) => executor.submit(dagRun),
      advice: { definition: what, ...cluster },
    },
    flags,
    hooks,
  );
}

/** Flags that say how tasks run: of runs on a cluster the workers decide. */
const ONLY_HERE = [
  "functions",
  "plugins",
  "function-memory",
  "workers",
  "grace",
  "shutdown-timeout",
  "output-limit",
  "allow",
  "secrets-dir",
  "secrets-command",
  "body-limit",
  "allow-net",
  "docker",
  "docker-image",
  "allow-image",
  "allow-mount",
  "max-memory",
  "max-cpu",
];
const ONLY_CLUSTER = [
  "creds",
  "namespace",
  "heartbeat",
  "dead-after",
  "probe-interval",
  "gone-after",
  "ack-wait",
  "lease-term",
  "loss-cap",
  "inline-limit",
];

type Place = "cluster" | "local" | "sequential";

/** A cluster is used only when it was asked for, and then always. */
function placeOf({ local, sequential, given }: RunFlags, { nats }: Settings): Place {
  if (local && sequential) throw new UsageError("--local and --sequential exclude each other");
  if (given.has("nats") && (local || sequential)) {
    throw new UsageError(`--nats and --${local ? "local" : "sequential"} exclude each other`);
  }
  if (sequential && given.has("workers")) {
    throw new UsageError("--workers and --sequential exclude each other: sequential is one at a time");
  }
  if (sequential) return "sequential";
  if (local || nats === undefined) return "local";
  return "cluster";
}

function createExecutor(
  where: Place,
  settings: Settings,
  {
    view,
    flags,
    plugins,
  }: { readonly view: RunView; readonly flags: RunFlags; readonly plugins: readonly TaskExecutor[] },
): LibraryExecutor {
  const ignored = (where === "cluster" ? ONLY_HERE : ONLY_CLUSTER).filter((each) => flags.given.has(each));
  for (const flag of ignored) {
    view.say(
      where === "cluster"
        ? `--${flag} is for runs in this process and ignored here: give it to the workers`
        : `--${flag} is for runs on a cluster and ignored here`,
    );
  }
  if (where === "cluster") {
    return new DistributedExecutor(distributedOptions({ ...settings, nats: settings.nats ?? "" }, view));
  }
  if (flags.json) divertOthers();
  const options = localOptions(settings, view);
  const executor =
    where === "sequential"
      ? new SequentialExecutor(options)
      : new LocalExecutor({ ...options, workerCount: settings.workers });
  for (const plugin of plugins) executor.registerTaskExecutor(plugin);
  return executor;
}

/** The definition's defaults come below; then the file, then the flags. */
async function paramsOf(dag: Dag, { params, param }: RunFlags): Promise<JsonObject> {
  const fromFile = params === undefined ? {} : await loadParams(params);
  const form = formOf(dag);
  const defaults = form.flatMap(({ name, default: preset }) =>
    preset === undefined ? [] : [[name, preset]],
  );
  const like = { ...(Object.fromEntries(defaults) as JsonObject), ...fromFile };
  const known = new Set([...form.map(({ name }) => name), ...Object.keys(fromFile)]);
  const given = param.map((text) => parseParam(text, like));
  for (const [key] of given) {
    if (!known.has(key)) throw undeclared(key, dag.name, [...known]);
  }
  return { ...fromFile, ...Object.fromEntries(given) };
}

function undeclared(key: string, dag: string, known: readonly string[]): UsageError {
  const near = nearest(key, known);
  const hint = near === undefined ? "" : `; did you mean '${near}'?`;
  const declared = known.length === 0 ? "it has no params" : `its params are ${known.join(", ")}`;
  return new UsageError(`--param ${key}: DAG '${dag}' declares no such param${hint} (${declared})`);
}
