#!/usr/bin/env node
/**
 * `npm start`: a real cluster on this machine, a real DAG run, seen to its end. Everything it starts, it stops; and
 * what it starts ends by itself when this process is gone.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { ConfigError, loadSettings, type Settings } from "../../internal/config/load.ts";
import { addSettings, givenFlags, runProgram } from "../../internal/config/options.ts";
import { ServerNotFound } from "../../internal/nats/server/find.ts";
import { type RunningServer, runServer } from "../../internal/nats/server/run.ts";
import { pc } from "../../internal/telemetry/colours.ts";
import type { NextStep } from "../../internal/telemetry/summary.ts";
import { run } from "../dag/run.ts";
import { canDraw } from "../dag/run-view.ts";
import { findWithProgress } from "../local/find-server.ts";
import { Service } from "../local/service.ts";
import { startRatesServer } from "./rates-server.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const EXAMPLE = join(ROOT, "examples", "quickstart");
/** The address that the example has for trying it out by hand. */
const EXAMPLE_HOST = "127.0.0.1:8099";
const INTERRUPTED = 130;

const NEXT: NextStep[] = [
  ["npx dag validate examples/*/*.yaml", "tells every problem of a DAG file"],
  ["npx dag run examples/quickstart/quickstart.yaml --dry-run", "the plan; nothing runs"],
  ["npx dag run examples/hello.yaml", "in one process, without a server"],
  ["npx dag up", "a cluster of your own on this machine, until Ctrl-C"],
  ["README.md", "the DAG file, task types, the library"],
];

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** Undone in the opposite order, whatever happens. */
const cleanups: (() => Promise<void>)[] = [];
/** While the run goes on, Ctrl-C is its own business: it is cancelled, and comes to an end. */
let isRunning = false;

async function demonstrate({ natsServer }: Settings): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "jetdag-demo-"));
  let keepLogs = false;
  cleanups.push(async () => {
    if (!keepLogs) await rm(folder, { recursive: true, force: true });
  });
  const server = await startServer(natsServer);
  const services = await startServices(server.url, folder);
  say(`${pc.green("✓")} an executor and 2 workers are up; each worker runs 4 tasks at a time\n`);

  const rates = await startRatesServer(join(EXAMPLE, "rates.json"));
  cleanups.push(() => rates.stop());
  const file = await copyFor(rates.host, folder);
  const settings = loadSettings("dag", { flags: { nats: server.url }, env: {} });
  const flags = {
    json: false,
    local: false,
    sequential: false,
    dryRun: false,
    detach: false,
    live: canDraw(process.env.TERM),
    given: new Set(["nats"]),
    param: [`data=${join(EXAMPLE, "sales.csv")}`],
  };
  const broken = Promise.race(services.map((service) => service.died));
  const next = ({ state }: { readonly state: string }): NextStep[] => {
    keepLogs = state !== "completed";
    return keepLogs ? [[`less ${folder}/*.log`, "what the executor and the workers say"]] : NEXT;
  };
  isRunning = true;
  try {
    return await run(file, flags, { settings, broken, next });
  } finally {
    isRunning = false;
  }
}

/** The example with the address of the rates server that was just started. */
async function copyFor(host: string, folder: string): Promise<string> {
  const text = await readFile(join(EXAMPLE, "quickstart.yaml"), "utf8");
  const file = join(folder, "quickstart.yaml");
  await writeFile(file, text.replaceAll(EXAMPLE_HOST, host));
  return file;
}

async function startServices(nats: string, logs: string): Promise<Service[]> {
  const config = join(logs, "jetdag.yaml");
  await writeFile(config, "# Nothing of the user's own configuration is for the demonstration.\n");
  // Both say at level info that they have started.
  const all = ["--config", config, "--nats", nats, "--log-level", "info"];
  const worker = [...all, "--workers", "4", "--functions", join(EXAMPLE, "functions.js")];
  const services = [
    new Service({ program: "executor", name: "executor", args: all, logs }),
    ...["worker-1", "worker-2"].map(
      (name) => new Service({ program: "worker", name, args: [...worker, "--id", name], logs }),
    ),
  ];
  for (const service of services) cleanups.push(() => service.stop());
  await Promise.all(services.map((service) => service.ready()));
  return services;
}

async function startServer(setting: string | undefined): Promise<RunningServer> {
  const found = await findWithProgress(setting, process.env.PATH ?? "");
  if (found.warning !== undefined) say(pc.yellow(found.warning));
  const server = await runServer({ binary: found.path });
  cleanups.push(() => server.stop());
  say(`${pc.green("✓")} nats-server ${found.version} with JetStream at ${server.url}`);
  return server;
}

/** Resolves at Ctrl-C, unless the run is there to take it. */
function interrupted(): Promise<number> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => {
        if (!isRunning || signal === "SIGHUP") resolve(INTERRUPTED);
      });
    }
  });
}

const program = addSettings(new Command("npm start --"), "demo")
  .description("Starts a cluster on this machine, runs an example, and stops everything.")
  .exitOverride()
  .action(async () => {
    const settings = loadSettings("demo", { flags: givenFlags(program, "demo"), env: process.env });
    process.exitCode = await Promise.race([demonstrate(settings), interrupted()]);
  });

// A reader that has seen enough (`| head`) is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

try {
  const code = await runProgram(program, process.argv);
  if (code !== undefined) process.exitCode = code;
} catch (error) {
  process.stderr.write(`${pc.red("✗")} ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof ServerNotFound || error instanceof ConfigError ? 2 : 1;
} finally {
  for (const cleanup of cleanups.toReversed()) await cleanup();
}
process.exit();
