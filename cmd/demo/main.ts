#!/usr/bin/env node
/**
 * `npm start`: a real cluster on this machine, a real DAG run, seen to its end. Everything it starts, it stops.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pc from "picocolors";
import { loadSettings } from "../../internal/config/load.ts";
import { findServer, type FindProgress } from "../../internal/nats/server/find.ts";
import { type RunningServer, runServer } from "../../internal/nats/server/run.ts";
import { run } from "../dag/run.ts";
import { Service } from "./service.ts";
import { startRatesServer } from "./rates-server.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const EXAMPLE = join(ROOT, "examples", "quickstart");

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** Undone in the opposite order, whatever happens. */
const cleanups: (() => Promise<void>)[] = [];

async function main(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "jetdag-demo-"));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  const server = await startServer();
  cleanups.push(() => server.stop());
  const services = await startServices(server.url, folder);
  say(`${pc.green("✓")} executor and 2 workers are up, with 4 slots each\n`);

  const rates = await startRatesServer(join(EXAMPLE, "rates.json"));
  cleanups.push(() => rates.stop());
  const file = await copyFor(rates.host, folder);
  const settings = loadSettings("dag", { flags: { nats: server.url }, env: {} });
  const param = [`data=${join(EXAMPLE, "sales.csv")}`];
  const flags = { json: false, local: false, sequential: false, dryRun: false, natsGiven: true, param };
  const code = await Promise.race([run(file, flags, settings), ...services.map((service) => service.died)]);
  if (code === 0) say(NEXT);
  return code;
}

/** The example with the address of the rates server that was just started. */
async function copyFor(host: string, folder: string): Promise<string> {
  const text = await readFile(join(EXAMPLE, "quickstart.yaml"), "utf8");
  const file = join(folder, "quickstart.yaml");
  await writeFile(file, text.replaceAll("127.0.0.1:8099", host));
  return file;
}

async function startServices(nats: string, logs: string): Promise<Service[]> {
  const worker = ["--workers", "4", "--functions", join(EXAMPLE, "functions.js")];
  const services = [
    new Service("executor", ["--nats", nats], logs),
    ...["worker-1", "worker-2"].map((id) => new Service(id, ["--nats", nats, "--id", id, ...worker], logs)),
  ];
  for (const service of services) cleanups.push(() => service.stop());
  await Promise.all(services.map((service) => service.ready()));
  return services;
}

async function startServer(): Promise<RunningServer> {
  const progress = new ProgressLine();
  const { natsServer } = loadSettings("dag", { flags: {}, env: process.env });
  const found = await findServer({
    ...(natsServer === undefined ? {} : { setting: natsServer }),
    path: process.env.PATH ?? "",
    onProgress: (step) => progress.show(step),
  });
  progress.end();
  if (found.warning !== undefined) say(pc.yellow(found.warning));
  const server = await runServer({ binary: found.path });
  say(`${pc.green("✓")} nats-server ${found.version} with JetStream at ${server.url}`);
  return server;
}

/** What is being fetched: one line that is written over, or a line a step when piped. */
class ProgressLine {
  #last = "";

  show({ what, bytes, total }: FindProgress): void {
    const amount =
      bytes === undefined ? "" : ` ${mib(bytes)}${total === undefined ? "" : ` of ${mib(total)}`}`;
    if (process.stdout.isTTY) process.stdout.write(`\r\u001B[K  ${what}${amount}`);
    else if (what !== this.#last) say(`  ${what}`);
    this.#last = what;
  }

  end(): void {
    if (process.stdout.isTTY && this.#last !== "") process.stdout.write("\r\u001B[K");
  }
}

function mib(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MiB`;
}

const NEXT = `
What to try next:
  npx dag run examples/weekly-ops/weekly-ops.yaml --functions examples/weekly-ops/functions.js
  npx dag run examples/quickstart/quickstart.yaml --dry-run
  npx dag validate examples/*/*.yaml
  npx worker --help, npx executor --help: a cluster of your own
  README.md: the DAG file, task types, the library`;

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${pc.red("✗")} ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  for (const cleanup of cleanups.toReversed()) await cleanup();
}
process.exit();
