/** The executor on a cluster. */
import { SETTINGS } from "../../internal/config/settings.ts";
import { StoredDefinitions } from "../../internal/contract/definitions.ts";
import { isNamespace, NAMESPACE_RULE } from "../../internal/contract/subjects.ts";
import { windowSize } from "../../internal/core/flow.ts";
import { DEFAULT_QUEUE } from "../../internal/core/model.ts";
import { defaultQueueOf, queuesOf } from "../../internal/core/task-types.ts";
import { BadInput } from "../../internal/executor/executor.ts";
import { logsOfRun } from "../../internal/executor/run-logs.ts";
import { ExecutorService } from "../../internal/executor/service.ts";
import type { ExecutorSettings, Ports } from "../../internal/executor/settings.ts";
import type { TaskExecutor } from "../../internal/ports/task-executor.ts";
import type { LogBounds } from "../../internal/contract/streams.ts";
import { systemClock, systemRandom } from "../../internal/memory/system.ts";
import { type NatsCluster, openCluster } from "../../internal/nats/cluster.ts";
import type { BufferedLogs } from "../../internal/worker/attempt-logs.ts";
import { attemptLogs } from "./attempt-logs.ts";
import { checkFields, checkText, type FieldsOf } from "./check-input.ts";
import { ThreadedLiveness } from "../liveness/threaded-liveness.ts";
import { LibraryExecutor, type Opened } from "./library-executor.ts";
import {
  type Duration,
  EXECUTOR_OPTIONS,
  type ExecutorOptions,
  executorSettings,
  HEARTBEAT_MS,
  milliseconds,
  resolveOptions,
  Tasks,
  wholeNumber,
} from "./options.ts";
import {
  resolveLogBounds,
  resolveValuesBytes,
  resolveRetention,
  type RetentionOptions,
} from "./retention.ts";

export interface DistributedOptions extends Omit<ExecutorOptions, "queueSize"> {
  /** `nats://host:4222`, several separated by commas; user and password or a token may stand in the address. */
  readonly nats: string;
  /** Path of a credentials file. */
  readonly creds?: string;
  /** Keeps several installations on one server apart. Default `jetdag`. */
  readonly namespace?: string;
  /** Attempts that run at a time in this process. Default 0: the cluster's workers do the work. */
  readonly workerCount?: number;
  /** A worker that was not heard of for so long is dead. Default 30s. */
  readonly deadAfter?: Duration;
  /** How long a worker may be unheard before it is asked whether its connection stands. Default 1s. */
  readonly probeInterval?: Duration;
  /** A worker whose connection is gone for so long is dead, unless it may be the path to it that is broken. Default 2s. */
  readonly goneAfter?: Duration;
  /** It takes its part of the runs, as executor services do. Default false: it drives only what no service does. */
  readonly dedicated?: boolean;
  /** How long an executor that vanished keeps the others waiting; fixed when the cluster is first used. Default 3s. */
  readonly leaseTerm?: Duration;
  /** How long the queue waits before it delivers an attempt again that nobody extends. Default 60s. */
  readonly ackWait?: Duration;
  /** How often an instance may be lost with its worker before it ends as `crashed`. Default 5. */
  readonly lossCap?: number;
  /** Values above this many bytes go by reference; 1,024 at least. Default 65,536. */
  readonly inlineLimit?: number;
  /** Types of tasks that only the plug-ins of workers have: definitions may name them. Default none. */
  readonly types?: readonly string[];
  /**
   * Retire runs that have ended, and keep the history, and the logs of attempts, within these bounds; `{}` for the
   * defaults. Without it that is left to others, as to the `executor` program: who only submits runs need not know how long they are kept.
   */
  readonly retention?: RetentionOptions;
}

const { queueSize: _, ...SHARED_OPTIONS } = EXECUTOR_OPTIONS;
const DISTRIBUTED_OPTIONS: FieldsOf<DistributedOptions> = {
  ...SHARED_OPTIONS,
  nats: true,
  creds: true,
  namespace: true,
  deadAfter: true,
  probeInterval: true,
  goneAfter: true,
  dedicated: true,
  leaseTerm: true,
  ackWait: true,
  lossCap: true,
  inlineLimit: true,
  types: true,
  retention: true,
};

/** How long the last logs of tasks may still be on their way when it ends. */
const LOGS_MS = 2_000;
/** A live worker whose connection broke has it again by then. */
const RECONNECT_MS = 1_000;

/** Submits runs to a cluster, and drives it while no other executor does. Workers are processes of their own. */
export class DistributedExecutor extends LibraryExecutor {
  readonly #settings: ExecutorSettings;
  readonly #distributed: DistributedOptions;
  #cluster: NatsCluster | undefined;
  #liveness: ThreadedLiveness | undefined;
  readonly #logBounds: LogBounds | undefined;
  readonly #valuesBytes: number | undefined;
  #logs: BufferedLogs | undefined;

  constructor(options: DistributedOptions) {
    checkFields("new DistributedExecutor", options, DISTRIBUTED_OPTIONS);
    if (options.nats === undefined)
      throw new BadInput("nats is missing: the address of the server, nats://host:4222");
    for (const name of ["nats", "creds"] as const) checkText(name, options[name]);
    super(new Tasks(options), resolveOptions(options, { default: 0, min: 0 }));
    if (options.namespace !== undefined && !isNamespace(options.namespace)) {
      throw new BadInput(`namespace '${options.namespace}' is not allowed: ${NAMESPACE_RULE}`);
    }
    const { types } = options;
    if (types !== undefined && !(Array.isArray(types) && types.every((each) => typeof each === "string"))) {
      throw new BadInput("types must be a list of names of task types");
    }
    this.#distributed = options;
    const settings = executorSettings(this.options, windowSize);
    const given = (name: "deadAfter" | "goneAfter" | "probeInterval", presetMs: number): number =>
      milliseconds(name, options[name] ?? presetMs / 1_000);
    const deadAfterMs = given("deadAfter", settings.limits.deadAfterMs);
    const goneAfterMs = given("goneAfter", settings.limits.goneAfterMs);
    if (goneAfterMs < RECONNECT_MS) {
      throw new BadInput(
        "goneAfter must be at least 1s, or workers that connect again would be taken for dead",
      );
    }
    const leaseTermMs = milliseconds("leaseTerm", options.leaseTerm ?? "3s");
    if (leaseTermMs < SETTINGS.leaseTerm.min || leaseTermMs > SETTINGS.leaseTerm.max) {
      throw new BadInput("leaseTerm must be from 1s to 1h");
    }
    this.#logBounds = options.retention === undefined ? undefined : resolveLogBounds(options.retention);
    this.#valuesBytes = resolveValuesBytes(options.retention ?? {});
    this.#settings = {
      ...settings,
      limits: { deadAfterMs, goneAfterMs, overtimeMs: this.options.graceMs + deadAfterMs },
      probeIntervalMs: given("probeInterval", settings.probeIntervalMs),
      lossCap: wholeNumber("lossCap", options.lossCap ?? settings.lossCap, 0),
      inlineLimit: wholeNumber("inlineLimit", options.inlineLimit ?? settings.inlineLimit, 1_024),
      ...(options.retention === undefined ? {} : { retention: resolveRetention(options.retention) }),
    };
  }

  /** Before `start`, where this process has slots: they serve the queue of the type's name too. */
  override registerTaskExecutor(executor: TaskExecutor): void {
    super.registerTaskExecutor(executor);
    const isServed = defaultQueueOf(executor.type) === DEFAULT_QUEUE;
    if (this.#cluster === undefined || this.options.workerCount === 0 || isServed) return;
    throw new BadInput(
      `registerTaskExecutor: '${executor.type}' has to be registered before start, or no slot takes its tasks`,
    );
  }

  protected override types(): readonly string[] {
    return [...super.types(), ...(this.#distributed.types ?? [])];
  }

  /** Whether the connection to the cluster stands; when it is lost, it is tried again all the time. */
  get isConnected(): boolean {
    return this.#cluster?.link.isUp() ?? false;
  }

  /** Why what it writes has to wait: the server is full, or has no answer. Nothing while it has not. */
  get whyHeldUp(): string | undefined {
    return this.#cluster?.pressure.why();
  }

  protected override async open(): Promise<Opened> {
    const { nats, creds, namespace = "jetdag", ackWait = "60s", leaseTerm = "3s" } = this.#distributed;
    const { observer } = this.options;
    const cluster = await openCluster({
      servers: nats,
      ...(creds === undefined ? {} : { creds }),
      name: "jetdag executor",
      namespace,
      ackWaitMs: milliseconds("ackWait", ackWait),
      leaseTermMs: milliseconds("leaseTerm", leaseTerm),
      ...(this.#logBounds === undefined ? {} : { logBounds: this.#logBounds }),
      ...(this.#valuesBytes === undefined ? {} : { valuesBytes: this.#valuesBytes }),
      onTrouble: (what) => observer.observe({ kind: "trouble", what, error: "" }),
      onDeadLetter: ({ subject, reason }) => observer.observe({ kind: "dead-letter", subject, reason }),
    });
    this.#cluster = cluster;
    const liveness = new ThreadedLiveness({
      servers: nats,
      ...(creds === undefined ? {} : { creds }),
      namespace,
      heartbeatMs: HEARTBEAT_MS,
      ackWaitMs: milliseconds("ackWait", ackWait),
      // Functions that were registered run on this loop.
      tellingMs: 0,
      observer,
    });
    this.#liveness = liveness;
    const ports: Ports = {
      ...cluster,
      definitions: new StoredDefinitions(cluster.blobs),
      clock: systemClock,
      random: systemRandom,
      observer,
    };
    this.#logs = attemptLogs(cluster.logs, this.options);
    const service = new ExecutorService({
      ...ports,
      ...this.#settings,
      workers: this.tasks.workers(
        this.options.workerCount,
        { ...ports, liveness, link: cluster.link, attemptLogs: this.#logs },
        { ...this.options, queues: queuesOf(this.tasks.registry.types(), this.options.allow) },
      ),
      registry: this.tasks.registry,
      standsIn: this.#distributed.dedicated !== true,
    });
    return { service, readLogs: (which) => logsOfRun(which, cluster) };
  }

  protected override async close(): Promise<void> {
    const cluster = this.#cluster;
    this.#cluster = undefined;
    await this.#logs?.settled(LOGS_MS);
    await Promise.all([this.#liveness?.close(), cluster?.close()]);
  }
}
