/** `dag run FILE` */
import type { Settings } from "../../internal/config/load.ts";
import type { JsonObject } from "../../internal/core/json.ts";
import type { Dag } from "../../internal/core/model.ts";
import type { RunResult } from "../../internal/core/result.ts";
import type { Observation } from "../../internal/ports/observer.ts";
import { loadParams, parseParam } from "../../internal/spec/params.ts";
import { leavesOf } from "../../internal/core/check.ts";
import { loadDag } from "../../internal/spec/parse.ts";
import { loadFunctions } from "../../internal/tasks/load-functions.ts";
import { LiveDisplay } from "../../internal/telemetry/live-display.ts";
import { PlainDisplay } from "../../internal/telemetry/plain-display.ts";
import { Progress } from "../../internal/telemetry/progress.ts";
import { summary } from "../../internal/telemetry/summary.ts";
import { DistributedExecutor } from "../library/distributed.ts";
import { distributedOptions, executorOptions } from "../library/from-settings.ts";
import type { LibraryExecutor } from "../library/library-executor.ts";
import { LocalExecutor, SequentialExecutor } from "../library/local.ts";
import { plan, planJson } from "./dry-run.ts";
import { Interrupts } from "./interrupts.ts";
import { runJson } from "./json.ts";
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
  /** `--nats` stands on the command line. */
  readonly natsGiven: boolean;
}

/** Resolves with the exit code. */
export async function run(file: string, flags: RunFlags, settings: Settings): Promise<number> {
  const where = placeOf(flags, settings);
  const dag = await loadDag(file);
  const params = await paramsOf(dag, flags);
  if (flags.dryRun) {
    process.stdout.write(flags.json ? planJson(dag) : plan(dag, flags.tenant));
    return 0;
  }
  const view = new RunView(dag, flags.json);
  const executor = await createExecutor(where, settings, view);
  const interrupts = new Interrupts();
  try {
    await executor.start();
    view.begin(() => (executor.getStatus().workerCount === 0 ? "waiting for a worker" : ""));
    const { runId, tenant } = flags;
    const ids = {
      ...(runId === undefined ? {} : { runId }),
      ...(tenant === undefined ? {} : { tenantId: tenant }),
    };
    const result = await executor.execute({ dag, params, ...ids }, { signal: interrupts.signal });
    view.end(result);
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
function placeOf({ local, sequential, natsGiven }: RunFlags, { nats }: Settings): Place {
  if (local && sequential) throw new UsageError("--local and --sequential exclude each other");
  if (natsGiven && (local || sequential)) {
    throw new UsageError(`--nats and --${local ? "local" : "sequential"} exclude each other`);
  }
  if (sequential) return "sequential";
  return local || nats === undefined ? "local" : "cluster";
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

/** What the user sees of the run. With `--json` that is nothing before the end. */
class RunView {
  readonly #dag: Dag;
  readonly #json: boolean;
  #progress: Progress | undefined;
  #plain: PlainDisplay | undefined;
  #live: LiveDisplay | undefined;
  #notice: () => string = () => "";

  constructor(dag: Dag, json: boolean) {
    this.#dag = dag;
    this.#json = json;
  }

  /** `notice` tells what the user should know while nothing moves. */
  begin(notice: () => string): void {
    this.#notice = notice;
  }

  observe(observation: Observation): void {
    if (observation.kind === "trouble") {
      const detail = observation.error === "" ? "" : `: ${observation.error}`;
      process.stderr.write(`dag: ${observation.what}${detail}\n`);
    }
    if (this.#json) return;
    if (observation.kind === "run-submitted") this.#open(observation.runId);
    if (this.#progress?.take(observation) === true) this.#plain?.show(observation);
  }

  end(result: RunResult): void {
    this.clear();
    if (this.#json) process.stdout.write(`${runJson(result)}\n`);
    else
      process.stdout.write(
        summary(result, { width: process.stdout.columns ?? 120, leaves: leavesOf(this.#dag) }),
      );
  }

  clear(): void {
    this.#live?.stop();
    this.#live = undefined;
  }

  #open(runId: string): void {
    if (this.#progress !== undefined) return;
    const run = { runId, dag: this.#dag.name, tasks: this.#dag.tasks.length };
    this.#progress = new Progress(run, () => performance.now());
    if (process.stdout.isTTY)
      this.#live = new LiveDisplay(this.#progress, process.stdout, () => this.#notice());
    else this.#plain = new PlainDisplay(this.#progress, (line) => process.stdout.write(line));
  }
}
