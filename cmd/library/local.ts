/** Executors that run everything in this process. */
import { StoredDefinitions } from "../../internal/contract/definitions.ts";
import { logsOfRun } from "../../internal/executor/run-logs.ts";
import { ExecutorService } from "../../internal/executor/service.ts";
import type { Ports } from "../../internal/executor/settings.ts";
import { MemoryCluster } from "../../internal/memory/cluster.ts";
import { ANY_QUEUE } from "../../internal/memory/task-queue.ts";
import { systemClock, systemRandom } from "../../internal/memory/system.ts";
import { newScratchPath } from "../../internal/tasks/scratch.ts";
import { loopLiveness } from "../../internal/worker/pulse.ts";
import { attemptLogs } from "./attempt-logs.ts";
import { checkFields } from "./check-input.ts";
import { LibraryExecutor, type Opened } from "./library-executor.ts";
import {
  EXECUTOR_OPTIONS,
  type ExecutorOptions,
  executorSettings,
  HEARTBEAT_MS,
  resolveOptions,
  type ResolvedOptions,
  Tasks,
} from "./options.ts";

const ACK_WAIT_MS = 60_000;

/** A pool of slots in this process; nothing outlives it. */
export class LocalExecutor extends LibraryExecutor {
  readonly #cluster = clusterInProcess();

  constructor(options: ExecutorOptions = {}) {
    checkFields("new LocalExecutor", options, EXECUTOR_OPTIONS);
    super(new Tasks(options), resolveOptions(options, { default: 5, min: 1 }));
  }

  protected override async open(): Promise<Opened> {
    return openInProcess(this.#cluster, this.tasks, this.options);
  }
  protected override close(): Promise<void> {
    return this.#cluster.blobs.clear();
  }
}

type SequentialOptions = Omit<ExecutorOptions, "workerCount" | "queueSize">;

const { workerCount: _, queueSize: _0, ...SEQUENTIAL_OPTIONS } = EXECUTOR_OPTIONS;

/** One task at a time, in topological order, ties in the order of the definition. For trying out and for debugging. */
export class SequentialExecutor extends LibraryExecutor {
  readonly #cluster = clusterInProcess();

  constructor(options: SequentialOptions = {}) {
    checkFields("new SequentialExecutor (one task at a time)", options, SEQUENTIAL_OPTIONS);
    super(new Tasks(options), { ...resolveOptions(options, { default: 1, min: 1 }), queueSize: 1 });
  }

  protected override async open(): Promise<Opened> {
    return openInProcess(this.#cluster, this.tasks, this.options);
  }
  protected override close(): Promise<void> {
    return this.#cluster.blobs.clear();
  }
}

function clusterInProcess(): MemoryCluster {
  return new MemoryCluster({ clock: systemClock, ackWaitMs: ACK_WAIT_MS, newPath: newScratchPath });
}

function openInProcess(cluster: MemoryCluster, tasks: Tasks, options: ResolvedOptions): Opened {
  const ports: Ports = {
    log: cluster.log,
    queue: cluster.queue,
    history: cluster.history,
    checkpoints: cluster.checkpoints,
    blobs: cluster.blobs,
    presence: cluster.presence,
    leases: cluster.leases,
    desk: cluster.desk,
    referee: cluster.referee,
    deadLetters: cluster.deadLetters,
    pressure: cluster.pressure,
    definitions: new StoredDefinitions(cluster.blobs),
    clock: systemClock,
    random: systemRandom,
    observer: options.observer,
  };
  const { presence, queue } = cluster;
  const ackWaitMs = ACK_WAIT_MS;
  const liveness = loopLiveness({
    presence,
    queue,
    clock: systemClock,
    heartbeatMs: HEARTBEAT_MS,
    ackWaitMs,
  });
  const service = new ExecutorService({
    ...ports,
    ...executorSettings(options, () => options.queueSize),
    workers: tasks.workers(
      options.workerCount,
      { ...ports, liveness, link: cluster.link, attemptLogs: attemptLogs(cluster.logs, options) },
      { ...options, queues: [ANY_QUEUE] },
    ),
    registry: tasks.registry,
    standsIn: false,
  });
  return { service, readLogs: (which) => logsOfRun(which, cluster) };
}
