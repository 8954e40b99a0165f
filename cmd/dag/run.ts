/** `dag run FILE` */
import type { Settings } from "../../internal/config/load.ts";
import type { JsonObject } from "../../internal/core/json.ts";
import type { Dag } from "../../internal/core/model.ts";
import type { RunResult } from "../../internal/core/result.ts";
import { withoutSecrets } from "../../internal/nats/connection.ts";
import { loadParams, parseParam } from "../../internal/spec/params.ts";
import { loadDag } from "../../internal/spec/parse.ts";
import { loadFunctions } from "../../internal/tasks/load-functions.ts";
import type { NextStep } from "../../internal/telemetry/summary.ts";
import { DistributedExecutor } from "../library/distributed.ts";
import { distributedOptions, executorOptions } from "../library/from-settings.ts";
import type { LibraryExecutor } from "../library/library-executor.ts";
import { LocalExecutor, SequentialExecutor } from "../library/local.ts";
import { missing, nextSteps } from "./advice.ts";
import { plan, planJson } from "./dry-run.ts";
import { Interrupts } from "./interrupts.ts";
import { RunView } from "./run-view.ts";
import { UsageError } from "./usage-error.ts";

export interface RunFlags {
  readonly local: boolean;
  readonly sequential: boolean;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly param: readonly string[];
  readonly params?: string;
  readonly runId?: string;
  readonly tenant?: string;
  /** The settings that stand on the command line, by flag. */
  readonly given: ReadonlySet<string>;
  /** Stdout is a terminal that can be drawn on. */
  readonly live: boolean;
}

/** What a program adds that runs the command as a part of its own. */
export interface RunHooks {
  /** Rejects when the run can no longer come to an end. */
  readonly broken?: Promise<never>;
  /** What to try next, instead of the command's own advice. */
  next?(result: RunResult): readonly NextStep[];
}

/** Resolves with the exit code. */
export async function run(
  file: string,
  flags: RunFlags,
  { settings, ...hooks }: RunHooks & { readonly settings: Settings },
): Promise<number> {
  const where = placeOf(flags, settings);
  const dag = await loadDag(file);
  const params = await paramsOf(dag, flags);
  if (flags.dryRun) {
    process.stdout.write(flags.json ? planJson(dag, flags.tenant) : plan(dag, flags.tenant));
    return 0;
  }
  const view = new RunView({ dag, ...flags });
  if (where === "cluster") for (const flag of idle(flags)) view.say(flag);
  const executor = await createExecutor(where, settings, view);
  const interrupts = new Interrupts(view.say);
  const { runId, tenant } = flags;
  const dagRun = {
    dag,
    params,
    ...(runId === undefined ? {} : { runId }),
    ...(tenant === undefined ? {} : { tenantId: tenant }),
  };
  try {
    await executor.start();
    if (where === "cluster") view.watch(() => missing(dag, executor.look()));
    const ending = executor.execute(dagRun, { signal: interrupts.signal });
    const result = await (hooks.broken === undefined ? ending : Promise.race([ending, hooks.broken]));
    const cluster = where === "cluster" ? { cluster: clusterFlags(flags, settings) } : {};
    view.end(result, hooks.next?.(result) ?? nextSteps(result, { file, ...cluster }));
    if (interrupts.signal.aborted) return 130;
    return result.state === "completed" ? 0 : 1;
  } finally {
    view.clear();
    await executor.stop();
    interrupts.stop();
  }
}

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

/** What stands on the command line and has no say on a cluster. */
function idle({ given }: RunFlags): string[] {
  return ["functions", "workers"]
    .filter((flag) => given.has(flag))
    .map((flag) => `--${flag} is for runs in this process and ignored here: give it to the workers`);
}

/** What leads to the same cluster from the command line, without secrets; what the environment says needs no flag. */
function clusterFlags({ given }: RunFlags, { nats = "", creds, namespace }: Settings): string {
  const flags: [flag: string, value: string | undefined][] = [
    ["nats", withoutSecrets(nats)],
    ["creds", creds],
    ["namespace", namespace],
  ];
  return flags.flatMap(([flag, value]) => (given.has(flag) ? `--${flag} ${value ?? ""}` : [])).join(" ");
}

async function createExecutor(where: Place, settings: Settings, view: RunView): Promise<LibraryExecutor> {
  if (where === "cluster") {
    return new DistributedExecutor(distributedOptions({ ...settings, nats: settings.nats ?? "" }, view));
  }
  const options = executorOptions(settings, view);
  const executor =
    where === "sequential"
      ? new SequentialExecutor(options)
      : new LocalExecutor({ ...options, workerCount: settings.workers });
  if (settings.functions !== undefined) {
    for (const [name, fn] of await loadFunctions(settings.functions)) executor.registerFunction(name, fn);
  }
  return executor;
}

/** The definition's defaults come below; then the file, then the flags. */
async function paramsOf(dag: Dag, { params, param }: RunFlags): Promise<JsonObject> {
  const fromFile = params === undefined ? {} : await loadParams(params);
  const given = param.map((text) => parseParam(text, { ...dag.params, ...fromFile }));
  return { ...fromFile, ...Object.fromEntries(given) };
}
