#!/usr/bin/env node
/** A worker: takes attempts from its queues and runs them until it is told to end. */
import { hostname } from "node:os";
import { Command } from "commander";
import { ConfigError, type Settings, unknownVariables } from "../../internal/config/load.ts";
import { addSettings, runProgram } from "../../internal/config/options.ts";
import { readSettings } from "../../internal/config/read-settings.ts";
import { StoredDefinitions } from "../../internal/contract/definitions.ts";
import { attemptKey } from "../../internal/core/attempt.ts";
import { queuesOf } from "../../internal/core/task-types.ts";
import { systemClock, systemRandom } from "../../internal/memory/system.ts";
import { type NatsCluster, openCluster } from "../../internal/nats/cluster.ts";
import { ConnectFailed, withoutSecrets } from "../../internal/nats/connection.ts";
import type { Liveness } from "../../internal/ports/liveness.ts";
import type { Observer } from "../../internal/ports/observer.ts";
import type { Secrets } from "../../internal/ports/secrets.ts";
import { PortNotUsable } from "../../internal/server/service-port.ts";
import type { DockerTaskExecutor } from "../../internal/tasks/docker.ts";
import { EngineNotThere } from "../../internal/tasks/docker-engine.ts";
import type { FunctionTaskExecutor } from "../../internal/tasks/function.ts";
import { hostFiles } from "../../internal/tasks/host-files.ts";
import { sweepScratchFolders } from "../../internal/tasks/scratch.ts";
import { createLogger, type Logger } from "../../internal/telemetry/logger.ts";
import { workerMetrics } from "../../internal/telemetry/metrics.ts";
import { BufferedLogs } from "../../internal/worker/attempt-logs.ts";
import { Worker } from "../../internal/worker/worker.ts";
import { ThreadedLiveness } from "../liveness/threaded-liveness.ts";
import { endProcess } from "../end-process.ts";
import { openServiceHttp } from "../service-http.ts";
import { VERSION } from "../version.ts";
import { Ending } from "./ending.ts";
import { tasksOf } from "./tasks.ts";
import { RunningCalls, type TaskExecutors } from "../running-calls.ts";
import { linearPatterns } from "../../internal/patterns/linear-patterns.ts";

const RETRY_MS = 3_000;
const ASK_MS = 1_000;
/** How long the last logs of tasks may still be on their way when it ends. */
const LOGS_MS = 1_000;
/** Nothing here holds up the loop: functions of modules run on threads. */
const TELLING_MS = 100;
const EXAMPLES = `
Examples:
  worker --nats nats://localhost:4222 --workers 10 --http-port 8080
  worker --queues default,gpu --functions ./functions.js --timeout 1h
  worker --docker --allow-image python:* --allow-mount /data/in:ro`;

const program = addSettings(new Command("worker"), "worker")
  .description("Takes tasks from a jetdag cluster and runs them.")
  .version(VERSION)
  .addHelpText("after", EXAMPLES)
  .exitOverride()
  .action(async () => {
    process.exitCode = await run(await readSettings(program, "worker", process.env));
  });

/** What there is of it so far. */
interface State {
  cluster?: NatsCluster;
  worker?: Worker;
  docker?: DockerTaskExecutor;
  isTaking: boolean;
  isStopping: boolean;
}

async function run(settings: Settings<"worker">): Promise<number> {
  const logger = createLogger(settings.logLevel, "worker");
  for (const warning of unknownVariables(process.env)) logger.warn({ warning }, "setting ignored");
  const calls = new RunningCalls();
  const ending = new Ending(logger, calls);
  const state: State = { isTaking: false, isStopping: false };
  const http = await openServiceHttp({
    service: "worker",
    port: settings.httpPort,
    logger,
    createMetrics: () =>
      workerMetrics(
        () => ({ slots: settings.workers, active: state.worker?.active ?? 0 }),
        () => state.cluster?.pressure.why(),
      ),
    whyNotReady: () => whyNotReady(state),
  });
  void ending.begun.then((signal) => {
    state.isStopping = true;
    const active = state.worker?.active ?? 0;
    logger.info({ signal, active, shutdown_timeout_ms: settings.shutdownTimeout }, "draining");
  });
  await sweepScratchFolders();
  const { observer } = http;
  const liveness = new ThreadedLiveness({
    servers: settings.nats,
    ...(settings.creds === undefined ? {} : { creds: settings.creds }),
    namespace: settings.namespace,
    heartbeatMs: settings.heartbeat,
    ackWaitMs: settings.ackWait,
    tellingMs: TELLING_MS,
    observer,
  });
  const workerId = idOf(settings);
  const loading = tasksOf(settings, { workerId, observer, logger });
  const tasks = await Promise.race([loading, ending.begun.then(() => undefined)]);
  if (tasks === undefined) {
    logger.info("worker ended before its modules had loaded");
    return ending.code;
  }
  const { functions, docker, registry, secrets } = tasks;
  if (docker !== undefined) state.docker = docker;
  const cluster = await connect(settings, { logger, observer, stopped: ending.begun });
  if (cluster !== undefined) {
    const logs = attemptLogs(settings, { cluster, logger, observer });
    const parts = {
      workerId,
      cluster,
      liveness,
      logs,
      observer,
      functions,
      registry: calls.watching(registry),
      secrets,
    };
    const queues = settings.queues ?? queuesOf(registry.types(), settings.allow);
    const worker = createWorker(settings, { ...parts, queues });
    Object.assign(state, { cluster, worker });
    const started = worker.start().then(() => true);
    // A server that does not answer may hold it up for as long as it likes.
    if (await Promise.race([started, ending.begun.then(() => false)])) {
      state.isTaking = true;
      logger.info({ worker_id: worker.id, slots: settings.workers, queues }, "worker started");
      void sayWhenAlone(cluster, logger);
    }
    await ending.begun;
    void ending.hurried.then((signal) => {
      logger.info({ signal, active: worker.active }, "ending what runs");
      worker.hurry();
    });
    await worker.stop();
    if (cluster.link.isUp()) await logs.settled(LOGS_MS);
    await Promise.all([liveness.close(), cluster.close()]);
  }
  docker?.close();
  await http.close();
  const attempts = (state.worker?.leftBehind ?? []).map(attemptKey);
  if (attempts.length === 0) {
    logger.info("worker ended");
    return ending.code;
  }
  logger.error({ attempts }, "worker ended, outcomes not stored: these attempts run again");
  return 1;
}

function whyNotReady({ cluster, docker, isTaking, isStopping }: State): string | undefined {
  if (isStopping) return "it is draining";
  if (cluster?.link.isUp() !== true) return "not connected to the NATS server";
  return isTaking ? (cluster.pressure.why() ?? docker?.whyNotReady) : "it is starting";
}

function idOf({ id }: Settings<"worker">): string {
  return id ?? `${hostname().replaceAll(/[^A-Za-z0-9_-]/g, "-")}-${systemRandom.id().slice(0, 8)}`;
}

function createWorker(
  settings: Settings<"worker">,
  parts: {
    readonly workerId: string;
    readonly cluster: NatsCluster;
    readonly liveness: Liveness;
    readonly logs: BufferedLogs;
    readonly observer: Observer;
    readonly functions: FunctionTaskExecutor;
    readonly registry: TaskExecutors;
    readonly queues: readonly string[];
    readonly secrets: Secrets;
  },
): Worker {
  const { workerId, cluster, liveness, logs, observer, functions, registry, queues, secrets } = parts;
  return new Worker({
    queue: cluster.queue,
    log: cluster.log,
    blobs: cluster.blobs,
    desk: cluster.desk,
    referee: cluster.referee,
    pressure: cluster.pressure,
    link: cluster.link,
    definitions: new StoredDefinitions(cluster.blobs),
    presence: cluster.presence,
    liveness,
    workerId,
    host: hostname(),
    registry,
    clock: systemClock,
    random: systemRandom,
    patterns: linearPatterns(),
    observer,
    incarnation: `${workerId}-${systemRandom.id()}`,
    pid: process.pid,
    queues,
    slots: settings.workers,
    functions: () => functions.names(),
    taskTimeoutMs: settings.timeout,
    graceMs: settings.grace,
    shutdownTimeoutMs: settings.shutdownTimeout,
    inlineLimit: settings.inlineLimit,
    files: hostFiles,
    artifactLimits: { bytes: settings.artifactLimit, count: settings.artifactCount },
    secrets,
    ...(settings.allow === undefined ? {} : { allow: settings.allow }),
    attemptLogs: logs,
  });
}

function attemptLogs(
  { logLimit: limit }: Settings<"worker">,
  { cluster, logger, observer }: { cluster: NatsCluster; logger: Logger; observer: Observer },
): BufferedLogs {
  return new BufferedLogs({
    store: cluster.logs,
    clock: systemClock,
    incarnation: systemRandom.id(),
    limit,
    onLine: ({ runId, task, attempt }, line) =>
      logger.debug({ run_id: runId, task_id: task, attempt, line }, "task logged"),
    onEnded: (attempt, printed) => observer.observe({ kind: "attempt-printed", attempt, ...printed }),
  });
}

interface Surroundings {
  readonly logger: Logger;
  readonly observer: Observer;
  readonly stopped: Promise<unknown>;
}

/** Waits for the server for as long as it takes; what waiting cannot mend is an error. */
async function connect(
  settings: Settings<"worker">,
  { logger, observer, stopped }: Surroundings,
): Promise<NatsCluster | undefined> {
  let isStopped = false;
  void stopped.then(() => {
    isStopped = true;
  });
  let told = "";
  for (;;) {
    try {
      return await openCluster({
        servers: settings.nats,
        ...(settings.creds === undefined ? {} : { creds: settings.creds }),
        name: "jetdag worker",
        namespace: settings.namespace,
        ackWaitMs: settings.ackWait,
        leaseTermMs: settings.leaseTerm,
        onTrouble: (what) => observer.observe({ kind: "trouble", what, error: "" }),
        onDeadLetter: ({ subject, reason }) => observer.observe({ kind: "dead-letter", subject, reason }),
      });
    } catch (error) {
      if (!(error instanceof ConnectFailed) || error.reason !== "unreachable") throw error;
      if (isStopped) return undefined;
      const why = error.message;
      if (why !== told)
        logger.warn({ nats: withoutSecrets(settings.nats), why }, "waiting for the NATS server");
      told = why;
    }
    await Promise.race([new Promise((resolve) => setTimeout(resolve, RETRY_MS)), stopped]);
    if (isStopped) return undefined;
  }
}

async function sayWhenAlone(cluster: NatsCluster, logger: Logger): Promise<void> {
  if ((await cluster.desk.ask(ASK_MS)) === undefined) {
    logger.info("no executor yet: waiting for one");
  }
}

try {
  const code = await runProgram(program, process.argv);
  if (code !== undefined) process.exitCode = code;
} catch (error) {
  const known =
    error instanceof ConfigError ||
    error instanceof ConnectFailed ||
    error instanceof EngineNotThere ||
    error instanceof PortNotUsable;
  process.stderr.write(`worker: ${known ? error.message : String((error as Error).stack ?? error)}\n`);
  process.exitCode = known ? 2 : 1;
}
await endProcess();
