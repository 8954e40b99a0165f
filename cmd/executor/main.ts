#!/usr/bin/env node
/** The coordinating service of a cluster. */
import { setFlagsFromString } from "node:v8";
import { Command } from "commander";
import { ConfigError, type Settings, unknownVariables } from "../../internal/config/load.ts";
import { addSettings, runProgram } from "../../internal/config/options.ts";
import { readSettings } from "../../internal/config/read-settings.ts";
import { ConnectFailed, withoutSecrets } from "../../internal/nats/connection.ts";
import { logObserver } from "../../internal/telemetry/log-observer.ts";
import { createLogger, type Logger } from "../../internal/telemetry/logger.ts";
import { DistributedExecutor } from "../library/distributed.ts";
import { distributedOptions } from "../library/from-settings.ts";
import { VERSION } from "../version.ts";

// By default V8 lets the heap double before it looks for what is no longer needed. Facts come and go in masses here,
// and a service of 250 MB that needs 50 is no good neighbour; collecting sooner costs it a few per cent of its time.
setFlagsFromString("--heap-growing-percent=20");

const RETRY_MS = 3_000;
const EXAMPLES = `
Examples:
  executor --nats nats://localhost:4222
  NATS_URL=nats://nats:4222 executor --log-level debug`;

const program = addSettings(new Command("executor"), "executor")
  .description("Drives the runs of a jetdag cluster.")
  .version(VERSION)
  .addHelpText("after", EXAMPLES)
  .exitOverride()
  .action(async () => {
    process.exitCode = await run(await readSettings(program, "executor", process.env));
  });

async function run(settings: Settings<"executor">): Promise<number> {
  const logger = createLogger(settings.logLevel, "executor");
  for (const warning of unknownVariables(process.env)) logger.warn({ warning }, "setting ignored");
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve());
  });
  const executor = await start(settings, logger, stopped);
  if (executor === undefined) return 0;
  logger.info("executor started");
  await stopped;
  await executor.stop();
  logger.info("executor ended");
  return 0;
}

/** Waits for the server for as long as it takes; what waiting cannot mend is an error. */
async function start(
  settings: Settings<"executor">,
  logger: Logger,
  stopped: Promise<void>,
): Promise<DistributedExecutor | undefined> {
  let isStopped = false;
  void stopped.then(() => {
    isStopped = true;
  });
  for (;;) {
    const executor = new DistributedExecutor(distributedOptions(settings, logObserver(logger)));
    try {
      await executor.start();
      return executor;
    } catch (error) {
      if (!(error instanceof ConnectFailed) || error.reason !== "unreachable") throw error;
      logger.warn({ nats: withoutSecrets(settings.nats), why: error.message }, "waiting for the NATS server");
    }
    await Promise.race([new Promise((resolve) => setTimeout(resolve, RETRY_MS)), stopped]);
    if (isStopped) return undefined;
  }
}

try {
  const code = await runProgram(program, process.argv);
  if (code !== undefined) process.exitCode = code;
} catch (error) {
  const known = error instanceof ConfigError || error instanceof ConnectFailed;
  process.stderr.write(`executor: ${known ? error.message : String((error as Error).stack ?? error)}\n`);
  process.exitCode = known ? 2 : 1;
}
process.exit();
