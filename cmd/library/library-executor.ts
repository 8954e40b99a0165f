/** What the three executors of the library have in common: definitions are checked here, the work is the service's. */
import type { JsonObject } from "../../internal/core/json.ts";
import type { LogEntry } from "../../internal/core/attempt-log.ts";
import type { Dag } from "../../internal/core/model.ts";
import { problemOfType } from "../../internal/core/task-types.ts";
import type { RunResult } from "../../internal/core/result.ts";
import {
  BadInput,
  type CancelAnswer,
  type ExecutorStatus,
  type RetryHandle,
  type RunHandle,
} from "../../internal/executor/executor.ts";
import type { ExecutorService, Role } from "../../internal/executor/service.ts";
import type { ClusterView, ExecutorView } from "../../internal/core/cluster-view.ts";
import type { LogsOf } from "../../internal/ports/attempt-logs.ts";
import type { TaskExecutor, TaskFunction } from "../../internal/ports/task-executor.ts";
import { type DagSource, ensureDag } from "../../internal/spec/read.ts";
import type { DagDefinition } from "../../internal/spec/schema.ts";
import { isDefined } from "../../internal/tasks/define-function.mjs";
import type { DefinedFunction } from "../../internal/tasks/defined-function.ts";
import { checkFields, checkParams, checkText, type FieldsOf } from "./check-input.ts";
import { type ResolvedOptions, type Tasks, wholeNumber } from "./options.ts";

/** One run to be executed. */
export interface DagRun {
  /** What `loadDag` or `parseDag` gave, a builder, or a definition as a file has it. */
  readonly dag: Dag | DagDefinition | DagSource;
  /** Over the definition's own params; those that its `inputs` require have to be there. Default none. */
  readonly params?: JsonObject;
  /** 1 to 128 of `A-Z a-z 0-9 _ -`; one that was used before is refused. Default: a new random id. */
  readonly runId?: string;
  /** Default: the definition's tenant. */
  readonly tenantId?: string;
}

const RUN_FIELDS: FieldsOf<DagRun> = { dag: true, params: true, runId: true, tenantId: true };

const AT_REST: ExecutorStatus = {
  running: false,
  activeTasks: 0,
  completedTasks: 0,
  failedTasks: 0,
  workerCount: 0,
  queueDepth: 0,
};

/** Which of a run's logs are meant. */
export interface LogsOptions {
  /** Default: all tasks. */
  readonly task?: string;
  /** Which instance of the task, from 0. Default: all of them. */
  readonly index?: number;
  /** Default: all attempts. */
  readonly attempt?: number;
}

/** What an executor works with. */
export interface Opened {
  readonly service: ExecutorService;
  readLogs(which: LogsOf): Promise<LogEntry[]>;
}

export abstract class LibraryExecutor {
  protected readonly tasks: Tasks;
  protected readonly options: ResolvedOptions;
  #service: ExecutorService | undefined;
  #readLogs: Opened["readLogs"] | undefined;
  #starting: Promise<void> | undefined;

  constructor(tasks: Tasks, options: ResolvedOptions) {
    this.tasks = tasks;
    this.options = options;
  }

  /** Brings together the ports; rejects when the infrastructure is not there. */
  protected abstract open(): Promise<Opened>;
  /** Lets go of the ports. */
  protected abstract close(): Promise<void>;

  /** Gets ready for work. Idempotent. Rejects when the infrastructure is not there. */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /** Runs a DAG to its end. Resolves also when the run failed; rejects only on bad input or lost infrastructure. Aborting the signal cancels the run. */
  async execute(run: DagRun, options: { readonly signal?: AbortSignal } = {}): Promise<RunResult> {
    checkFields<typeof options>("the options of execute", options, { signal: true });
    return this.#running().execute(this.#read(run, "execute"), options);
  }

  /** Accepts a run; it goes on without the caller. */
  async submit(run: DagRun): Promise<RunHandle> {
    return this.#running().submit(this.#read(run, "submit"));
  }

  /** Runs again what did not succeed in a run that has ended otherwise; of `tasks` only, with what depends on them. Rejects with `BadInput` when there is nothing to retry. */
  async retry(runId: string, options: { readonly tasks?: readonly string[] } = {}): Promise<RetryHandle> {
    checkFields<typeof options>("the options of retry", options, { tasks: true });
    return this.#running().retry(runId, options);
  }

  /** Ends a run before its time. */
  async cancel(runId: string): Promise<CancelAnswer> {
    return this.#running().cancel(runId);
  }

  /** Where a run stands; `undefined` when it is unknown. */
  async inspect(runId: string): Promise<RunResult | undefined> {
    return this.#running().inspect(runId);
  }

  /** What the tasks of a run printed and logged so far, in the order of time; nothing of a run that is unknown. */
  async logs(runId: string, options: LogsOptions = {}): Promise<LogEntry[]> {
    checkFields<LogsOptions>("the options of logs", options, { task: true, index: true, attempt: true });
    if (this.#readLogs === undefined) throw notRunning();
    const { task, index, attempt } = options;
    checkText("task", task);
    return this.#readLogs({
      runId,
      ...(task === undefined ? {} : { task }),
      ...(index === undefined ? {} : { index: wholeNumber("index", index, 0) }),
      ...(attempt === undefined ? {} : { attempt: wholeNumber("attempt", attempt, 1) }),
    });
  }

  /** Who does what, at most 1 s old; `undefined` while nobody drives the cluster. */
  look(): ClusterView | undefined {
    return this.#service?.look();
  }

  /** What this executor drives itself; `undefined` while it drives nothing. */
  own(): ExecutorView | undefined {
    return this.#service?.own();
  }

  /** What it is for its cluster now. */
  get role(): Role {
    return this.#service?.role ?? "starting";
  }

  /** A snapshot that is at most 1 s old. */
  getStatus(): ExecutorStatus {
    return this.#service?.getStatus() ?? AT_REST;
  }

  /** Attempts that run in this process; unlike `activeTasks`, also those that were called off and have not ended. */
  runningHere(): number {
    return this.tasks.calls.count;
  }

  /** Adds, or replaces, what runs one type of task in this process, and makes the type known to definitions. */
  registerTaskExecutor(executor: TaskExecutor): void {
    const given = executor as Partial<TaskExecutor> | null | undefined;
    if (typeof given?.execute !== "function") {
      throw new BadInput("registerTaskExecutor takes { type, execute(call, context) {…} }");
    }
    const problem = problemOfType(executor.type);
    if (problem !== undefined) throw new BadInput(`registerTaskExecutor: ${problem}`);
    this.tasks.registry.register(executor);
  }

  /** Adds a function that tasks of type `function` may name: one that was defined, under its own name or another. */
  registerFunction(fn: DefinedFunction): void;
  registerFunction(name: string, fn: TaskFunction | DefinedFunction): void;
  registerFunction(nameOrFn: string | DefinedFunction, fn?: TaskFunction | DefinedFunction): void {
    const given: unknown = typeof nameOrFn === "string" ? fn : nameOrFn;
    if (!isDefined(given) && (typeof given !== "function" || typeof nameOrFn !== "string")) {
      const which = typeof nameOrFn === "string" ? `'${nameOrFn}', …` : "…";
      throw new BadInput(
        `registerFunction(${which}) takes a name and a function, or what defineFunction made`,
      );
    }
    const name = typeof nameOrFn === "string" ? nameOrFn : nameOrFn.name;
    this.tasks.registerFunction(name, given as TaskFunction | DefinedFunction);
  }

  /** Lets running attempts end within the shutdown time, ends the others, releases everything. Idempotent. */
  async stop(): Promise<void> {
    await this.#starting?.catch(() => undefined);
    await this.#service?.stop();
    await this.#release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #start(): Promise<void> {
    try {
      await this.tasks.load();
      const opened = await this.open();
      this.#service = opened.service;
      this.#readLogs = (which) => opened.readLogs(which);
      await this.#service.start();
    } catch (error) {
      this.#service = undefined;
      await this.#release();
      throw error;
    }
  }

  async #release(): Promise<void> {
    await this.tasks.close();
    await this.close();
  }

  #read(run: DagRun, method: string): DagRun & { readonly dag: Dag } {
    checkFields(`${method}({ dag, … })`, run, RUN_FIELDS);
    if (run.params !== undefined) checkParams(run.params);
    checkText("runId", run.runId);
    checkText("tenantId", run.tenantId);
    return { ...run, dag: ensureDag(run.dag, { types: this.types() }) };
  }

  /** The types of tasks that definitions may name. */
  protected types(): readonly string[] {
    return this.tasks.registry.types();
  }

  #running(): ExecutorService {
    if (this.#service === undefined) throw notRunning();
    return this.#service;
  }
}

function notRunning(): Error {
  return new Error("the executor is not running: call start() before");
}
