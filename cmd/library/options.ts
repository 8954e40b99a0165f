/** Options of the executors, as a program that embeds them gives them. */
import { hostname } from "node:os";
import type { Ports, ExecutorSettings } from "../../internal/executor/settings.ts";
import { BadInput } from "../../internal/executor/executor.ts";
import { type ArtifactLimits, DEFAULT_ARTIFACT_LIMITS } from "../../internal/core/new-artifact.ts";
import { DEFAULT_TASK_TIMEOUT_MS } from "../../internal/core/model.ts";
import { canonicalType } from "../../internal/core/task-types.ts";
import type { Link } from "../../internal/ports/link.ts";
import type { Liveness } from "../../internal/ports/liveness.ts";
import type { Observer } from "../../internal/ports/observer.ts";
import type { Secrets } from "../../internal/ports/secrets.ts";
import type { TaskFunction } from "../../internal/ports/task-executor.ts";
import { DURATION_RULE, parseDuration } from "../../internal/spec/duration.ts";
import { shown } from "../../internal/core/shown.ts";
import { BashTaskExecutor } from "../../internal/tasks/bash.ts";
import type { DockerTaskExecutor } from "../../internal/tasks/docker.ts";
import type { DockerPolicy } from "../../internal/tasks/docker-policy.ts";
import type { DefinedFunction } from "../../internal/tasks/defined-function.ts";
import { FunctionTaskExecutor } from "../../internal/tasks/function.ts";
import type { ThreadOptions } from "../../internal/tasks/function-thread.ts";
import { FunctionThreads } from "../../internal/tasks/function-threads.ts";
import { hostFiles } from "../../internal/tasks/host-files.ts";
import { HttpTaskExecutor } from "../../internal/tasks/http.ts";
import { NetPolicy } from "../../internal/tasks/net-policy.ts";
import { TaskExecutorRegistry } from "../../internal/tasks/registry.ts";
import type { AttemptLogs } from "../../internal/ports/attempt-logs.ts";
import { Worker } from "../../internal/worker/worker.ts";
import { RunningCalls } from "../running-calls.ts";
import { dockerPolicyOf, type DockerOption, openDocker } from "./docker-option.ts";
import { checkText, type FieldsOf } from "./check-input.ts";
import { type FindSecret, secretsOfOption } from "./secret-option.ts";
import { tellPrinted } from "./told-lines.ts";
import { DEFAULT_FAN_OUT_LIMIT } from "../../internal/core/fan-out.ts";
import { linearPatterns } from "../../internal/patterns/linear-patterns.ts";

/** A number of seconds, or text such as `500ms`, `30s`, `1h30m`. */
export type Duration = number | string;

export interface ExecutorOptions extends DockerOption {
  /** Attempts that run at a time in this process. Default 5. */
  readonly workerCount?: number;
  /** Attempts that may be queued or running at a time. Default 100. */
  readonly queueSize?: number;
  /** Time limit of an attempt whose task names none. Default 30m. */
  readonly taskTimeout?: Duration;
  /** How many instances a task may have, one for each artifact or group. Default 100,000. */
  readonly fanOutLimit?: number;
  /** How long `stop` lets running attempts go on. Default 15s. */
  readonly shutdownTimeout?: Duration;
  /** How long a task may take to end by itself once it is told to, before it is killed. Default 5s. */
  readonly gracePeriod?: Duration;
  /** How much is kept of what a bash or docker task prints, in bytes, for stdout and stderr each; 1,024 at least. Default 1 MiB. */
  readonly outputLimit?: number;
  /** The most bytes that the files which an attempt hands over as artifacts may have together; 1,024 at least. Default 10 GiB. */
  readonly artifactLimit?: number;
  /** The most artifacts that an attempt may hand over. Default 100,000. */
  readonly artifactCount?: number;
  /** How much is kept of the body of an answer to an http task, in bytes; 1,024 at least. Default 8 MiB. */
  readonly bodyLimit?: number;
  /** Where http tasks may connect to: `public`, `private`, `any`, host names, addresses and networks. Default `["any"]`; link-local and metadata addresses have to be named in any case. */
  readonly allowNet?: readonly string[];
  /** Path of a module whose named exports are functions that tasks of type `function` may name; each call runs on a thread. Default none. */
  readonly functions?: string;
  /** How much heap each of the module's functions may use at a time, in MiB; 16 at least. Default 512. */
  readonly functionMemoryMb?: number;
  /** Types of tasks that may run in this process; a task of another type fails as `refused`. Default: all that it has. */
  readonly allow?: readonly string[];
  /** Finds the values of `secret://NAME` for tasks that run in this process. Default: the variables `JETDAG_SECRET_<NAME>`. */
  readonly secrets?: FindSecret;
  /** How many bytes are kept of the log of each attempt that runs in this process; 16,384 at least. Default 10 MiB. */
  readonly logLimit?: number;
  /** Hears what happens. Default: nobody. */
  readonly observer?: Observer;
}

export const EXECUTOR_OPTIONS: FieldsOf<ExecutorOptions> = {
  workerCount: true,
  queueSize: true,
  taskTimeout: true,
  fanOutLimit: true,
  shutdownTimeout: true,
  gracePeriod: true,
  outputLimit: true,
  artifactLimit: true,
  artifactCount: true,
  bodyLimit: true,
  allowNet: true,
  functions: true,
  functionMemoryMb: true,
  enableDocker: true,
  dockerImage: true,
  allowImage: true,
  allowMount: true,
  maxMemoryMb: true,
  maxCpuPercent: true,
  allow: true,
  secrets: true,
  logLimit: true,
  observer: true,
};

/** All options with their defaults, in milliseconds. */
export interface ResolvedOptions {
  readonly workerCount: number;
  readonly queueSize: number;
  /** Only if the program names one. */
  readonly taskTimeoutMs?: number;
  readonly fanOutLimit: number;
  readonly shutdownTimeoutMs: number;
  readonly graceMs: number;
  /** By their canonical names. */
  readonly allow?: readonly string[];
  readonly secrets: Secrets;
  readonly logLimit: number;
  readonly artifactLimits: ArtifactLimits;
  readonly observer: Observer;
}

const OUTPUT_LIMIT = 1_024 * 1_024;
const LOG_LIMIT = 10 * 1_024 * 1_024;
const MIN_LOG_LIMIT = 16 * 1_024;
const NOBODY: Observer = { observe: () => undefined };

/** Throws `BadInput` when an option is not allowed. */
export function resolveOptions(
  options: ExecutorOptions,
  workers: { readonly default: number; readonly min: number },
): ResolvedOptions {
  const workerCount = wholeNumber("workerCount", options.workerCount ?? workers.default, workers.min);
  if (options.functions !== undefined && workerCount === 0) {
    throw new BadInput(
      "functions: no task runs in this process; set workerCount too, or give the module to the workers",
    );
  }
  if (options.enableDocker === true && workerCount === 0) {
    throw new BadInput(
      "enableDocker: no task runs in this process; set workerCount too, or start the workers with --docker",
    );
  }
  const { bytes, count } = DEFAULT_ARTIFACT_LIMITS;
  const { allow, artifactLimit = bytes, artifactCount = count, observer = NOBODY } = options;
  if (allow !== undefined && !Array.isArray(allow)) {
    throw new BadInput(`allow must be a list of task types, not ${shown(allow)}`);
  }
  if (options.secrets !== undefined && typeof options.secrets !== "function") {
    throw new BadInput("secrets must be a function that takes a name and gives the value of the secret");
  }
  return {
    workerCount,
    queueSize: wholeNumber("queueSize", options.queueSize ?? 100, 1),
    fanOutLimit: wholeNumber("fanOutLimit", options.fanOutLimit ?? DEFAULT_FAN_OUT_LIMIT, 1),
    logLimit: wholeNumber("logLimit", options.logLimit ?? LOG_LIMIT, MIN_LOG_LIMIT),
    artifactLimits: {
      bytes: wholeNumber("artifactLimit", artifactLimit, 1_024),
      count: wholeNumber("artifactCount", artifactCount, 1),
    },
    ...(options.taskTimeout === undefined
      ? {}
      : { taskTimeoutMs: milliseconds("taskTimeout", options.taskTimeout) }),
    shutdownTimeoutMs: milliseconds("shutdownTimeout", options.shutdownTimeout ?? "15s"),
    graceMs: milliseconds("gracePeriod", options.gracePeriod ?? "5s"),
    ...(allow === undefined ? {} : { allow: allow.map((type) => canonicalType(type) ?? type) }),
    secrets: secretsOfOption(options.secrets, observer),
    observer,
  };
}

export const INLINE_LIMIT = 64 * 1_024;
const LOSS_CAP = 5;
export const HEARTBEAT_MS = 10_000;
const DEAD_AFTER_MS = 30_000;
const GONE_AFTER_MS = 2_000;
const PROBE_INTERVAL_MS = 1_000;

export function executorSettings(
  options: ResolvedOptions,
  windowOf: ExecutorSettings["windowOf"],
): ExecutorSettings {
  return {
    limits: {
      deadAfterMs: DEAD_AFTER_MS,
      goneAfterMs: GONE_AFTER_MS,
      overtimeMs: options.graceMs + DEAD_AFTER_MS,
    },
    probeIntervalMs: PROBE_INTERVAL_MS,
    ...(options.taskTimeoutMs === undefined ? {} : { taskTimeoutMs: options.taskTimeoutMs }),
    lossCap: LOSS_CAP,
    fanOutLimit: options.fanOutLimit,
    inlineLimit: INLINE_LIMIT,
    windowOf,
  };
}

/** Throws `BadInput` unless it is a whole number from `min` up. */
export function wholeNumber(name: string, value: number, min: number): number {
  if (Number.isInteger(value) && value >= min) return value;
  throw new BadInput(`${name} must be a whole number from ${min} up, not ${shown(value)}`);
}

export function milliseconds(name: string, value: Duration): number {
  const ms = parseDuration(value);
  if (ms === undefined) throw new BadInput(`${name}: '${value}' is no duration; ${DURATION_RULE}`);
  return ms;
}

/** What runs tasks in this process: the built-in types, and what the program adds. */
export class Tasks {
  readonly functions = new FunctionTaskExecutor();
  readonly registry: TaskExecutorRegistry;
  readonly calls = new RunningCalls();
  readonly #module: ThreadOptions | undefined;
  readonly #dockerPolicy: DockerPolicy | undefined;
  readonly #outputLimit: number;
  readonly #observer: Observer;
  #threads: FunctionThreads | undefined;
  #docker: DockerTaskExecutor | undefined;

  constructor(options: ExecutorOptions) {
    const { outputLimit = OUTPUT_LIMIT, bodyLimit, observer = NOBODY } = options;
    this.#module = moduleOf(options);
    this.#dockerPolicy = dockerPolicyOf(options);
    this.#outputLimit = wholeNumber("outputLimit", outputLimit, 1_024);
    this.#observer = observer;
    const bash = new BashTaskExecutor({ outputLimit });
    const http = new HttpTaskExecutor({
      ...(bodyLimit === undefined ? {} : { bodyLimit: wholeNumber("bodyLimit", bodyLimit, 1_024) }),
      ...netPolicyOf(options),
    });
    this.registry = new TaskExecutorRegistry([bash, http, this.functions]);
  }

  registerFunction(name: string, fn: TaskFunction | DefinedFunction): void {
    this.functions.register(name, fn);
  }

  /** Loads the module of functions, and looks for the Docker engine, if they are asked for. Rejects with `FunctionsNotLoaded` and `EngineNotThere`. */
  async load(): Promise<void> {
    if (this.#module !== undefined) {
      this.#threads = await FunctionThreads.load(this.#module);
      this.functions.registerThreads(this.#threads);
    }
    if (this.#dockerPolicy === undefined || this.registry.get("docker") !== undefined) return;
    const parts = { outputLimit: this.#outputLimit, observer: this.#observer };
    this.#docker = await openDocker(this.#dockerPolicy, parts);
    this.registry.register(this.#docker);
  }

  /** Ends the threads, and looks at the engine no more. */
  async close(): Promise<void> {
    await this.#threads?.close();
    this.#docker?.close();
  }

  /** Workers of one slot each, in this process. */
  workers(
    count: number,
    ports: Ports & { readonly liveness: Liveness; readonly link: Link; readonly attemptLogs: AttemptLogs },
    { queues, ...options }: ResolvedOptions & { readonly queues: readonly string[] },
  ): Worker[] {
    return Array.from({ length: count }, (_, i) => {
      const workerId = `local-${i + 1}`;
      return new Worker({
        ...ports,
        ...options,
        observer: ports.observer,
        workerId,
        incarnation: `${workerId}-${ports.random.id()}`,
        host: hostname(),
        pid: process.pid,
        queues,
        slots: 1,
        registry: this.calls.watching(this.registry),
        functions: () => this.functions.names(),
        taskTimeoutMs: options.taskTimeoutMs ?? DEFAULT_TASK_TIMEOUT_MS,
        inlineLimit: INLINE_LIMIT,
        files: hostFiles,
        patterns: linearPatterns(),
        attemptLogs: tellPrinted(ports.attemptLogs, ports.observer),
      });
    });
  }
}

function netPolicyOf({ allowNet }: ExecutorOptions): { readonly netPolicy?: NetPolicy } {
  if (allowNet === undefined) return {};
  const isList = Array.isArray(allowNet) && allowNet.every((each) => typeof each === "string");
  if (!isList) throw new BadInput(`allowNet must be a list of texts, not ${shown(allowNet)}`);
  const netPolicy = NetPolicy.of(allowNet);
  if (typeof netPolicy === "string") throw new BadInput(`allowNet: ${netPolicy}`);
  return { netPolicy };
}

function moduleOf({
  functions: file,
  functionMemoryMb,
  observer = NOBODY,
}: ExecutorOptions): ThreadOptions | undefined {
  const memoryMb = wholeNumber("functionMemoryMb", functionMemoryMb ?? 512, 16);
  checkText("functions", file);
  if (file === undefined) return undefined;
  return { file, memoryMb, observer };
}
