#!/usr/bin/env node
/** The coordinating service of a cluster. */
import { setFlagsFromString } from "node:v8";
import { Command } from "commander";
import { ConfigError, type Settings, unknownVariables } from "../../internal/config/load.ts";
import { addSettings, runProgram } from "../../internal/config/options.ts";
import { readSettings } from "../../internal/config/read-settings.ts";
import { ConnectFailed, withoutSecrets } from "../../internal/nats/connection.ts";
import type { Observer } from "../../internal/ports/observer.ts";
import { PortNotUsable } from "../../internal/server/service-port.ts";
import { createLogger, type Logger } from "../../internal/telemetry/logger.ts";
import { executorMetrics } from "../../internal/telemetry/metrics.ts";
import { DistributedExecutor } from "../library/distributed.ts";
import { distributedOptions, retentionOptions } from "../library/from-settings.ts";
import { openServiceHttp } from "../service-http.ts";
import { VERSION } from "../version.ts";

// By default V8 lets the heap double before it looks for what is no longer needed. Facts come and go in masses here,
// and a service of 250 MB that needs 50 is no good neighbour; collecting sooner costs it a few per cent of its time.
setFlagsFromString("--heap-growing-percent=20");

const RETRY_MS = 3_000;
const EXAMPLES = `
Examples:
  executor --nats nats://localhost:4222 --http-port 8080
  NATS_URL=nats://nats:4222 executor --log-level debug`;

const program = addSettings(new Command("executor"), "executor")
  .description("Drives the runs of a jetdag cluster.")
  .version(VERSION)
  .addHelpText("after", EXAMPLES)
  .exitOverride()
  .action(async () => {
    process.exitCode = await run(await readSettings(program, "executor", process.env));
  });

/** What there is of it so far. */
interface State {
  executor?: DistributedExecutor;
  isStopping: boolean;
}

async function run(settings: Settings<"executor">): Promise<number> {
  const logger = createLogger(settings.logLevel, "executor");
  for (const warning of unknownVariables(process.env)) logger.warn({ warning }, "setting ignored");
  const state: State = { isStopping: false };
  const http = await openServiceHttp({
    service: "executor",
    port: settings.httpPort,
    logger,
    createMetrics: () =>
      executorMetrics(
        () => state.executor?.own(),
        () => state.executor?.whyHeldUp,
      ),
    whyNotReady: () => whyNotReady(state),
  });
  const stopped = onSignal((signal) => {
    logger.info({ signal }, "stopping");
    state.isStopping = true;
  });
  if (await start(state, { settings, logger, observer: http.observer, stopped })) {
    logger.info("executor started");
    await stopped;
    await state.executor?.stop();
  }
  await http.close();
  logger.info("executor ended");
  return 0;
}

/** SIGTERM or SIGINT ends it in order; a second one ends it at once. */
function onSignal(act: (signal: NodeJS.Signals) => void): Promise<void> {
  const signals = ["SIGTERM", "SIGINT"] as const;
  return new Promise((resolve) => {
    const heard = (signal: NodeJS.Signals): void => {
      for (const each of signals) process.removeListener(each, heard);
      act(signal);
      resolve();
    };
    for (const each of signals) process.on(each, heard);
  });
}

function whyNotReady({ executor, isStopping }: State): string | undefined {
  if (isStopping) return "it is stopping";
  if (executor?.isConnected !== true) return "not connected to the NATS server";
  switch (executor.role) {
    case "starting":
      return "it is starting";
    case "catching up":
      return "it is reading the log of the runs";
    case "stopped":
      return "it is stopping";
    case "leads":
    case "stands by":
      return executor.whyHeldUp;
  }
}

interface Surroundings {
  readonly settings: Settings<"executor">;
  readonly logger: Logger;
  readonly observer: Observer;
  readonly stopped: Promise<void>;
}

/** Waits for the server for as long as it takes; what waiting cannot mend is an error. Resolves with whether it started. */
async function start(state: State, { settings, logger, observer, stopped }: Surroundings): Promise<boolean> {
  let told = "";
  for (;;) {
    const executor = new DistributedExecutor({
      ...distributedOptions(settings, observer),
      dedicated: true,
      retention: retentionOptions(settings),
    });
    state.executor = executor;
    try {
      await executor.start();
      return true;
    } catch (error) {
      if (!(error instanceof ConnectFailed) || error.reason !== "unreachable") throw error;
      const why = error.message;
      if (why !== told)
        logger.warn({ nats: withoutSecrets(settings.nats), why }, "waiting for the NATS server");
      told = why;
    }
    await Promise.race([new Promise((resolve) => setTimeout(resolve, RETRY_MS)), stopped]);
    if (state.isStopping) return false;
  }
}

try {
  const code = await runProgram(program, process.argv);
  if (code !== undefined) process.exitCode = code;
} catch (error) {
  const known =
    error instanceof ConfigError || error instanceof ConnectFailed || error instanceof PortNotUsable;
  process.stderr.write(`executor: ${known ? error.message : String((error as Error).stack ?? error)}\n`);
  process.exitCode = known ? 2 : 1;
}
process.exit();
