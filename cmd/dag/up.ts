/** `dag up`: a cluster on this machine until Ctrl-C. */
import type { Settings } from "../../internal/config/load.ts";
import { writtenFlag } from "../../internal/config/options.ts";
import { SETTINGS, settingsOf } from "../../internal/config/settings.ts";
import type { RunningServer } from "../../internal/nats/server/run.ts";
import { formatDuration } from "../../internal/spec/duration.ts";
import { pc } from "../../internal/telemetry/colours.ts";
import { columns, counted } from "../../internal/telemetry/text.ts";
import { DataFolder } from "../local/data-folder.ts";
import { findWithProgress } from "../local/find-server.ts";
import { LocalCluster, USUAL_PORT } from "../local/local-cluster.ts";
import { ServiceLog } from "../local/service-log.ts";
import { StopSignals } from "../local/stop-signals.ts";
import { whyNoDocker } from "../docker.ts";
import { VERSION } from "../version.ts";

/** As docker compose up, and as dag run: a script can tell that somebody ended it. */
const INTERRUPTED = 130;

export interface UpFlags {
  readonly json: boolean;
  /** The settings that stand on the command line, by flag. */
  readonly given: Readonly<Record<string, string | undefined>>;
  /** Where programs are looked for, as in the variable PATH. */
  readonly path: string;
}

/** Resolves with the exit code when it was told to end, and all that it started has ended. */
export async function up(flags: UpFlags, settings: Settings): Promise<number> {
  // With --json, stdout is for the log.
  const out = flags.json ? process.stderr : process.stdout;
  const say = (text: string): void => void out.write(`${text}\n`);
  const data = await DataFolder.open({ path: settings.data, version: VERSION, onWait: say });
  const signals = new StopSignals(() => process.exit(INTERRUPTED));
  try {
    const finding = findWithProgress(settings.natsServer, flags.path, out);
    const found = await Promise.race([finding, signals.first]);
    if (found === undefined) return INTERRUPTED;
    if (found.warning !== undefined) say(pc.yellow(found.warning));
    await serve(found.path, { data, flags, settings, signals, say });
    say(`stopped; the next dag up goes on with what is in ${settings.data}`);
    return INTERRUPTED;
  } finally {
    await data.lock.release();
    signals.stop();
  }
}

interface Surroundings {
  readonly data: DataFolder;
  readonly flags: UpFlags;
  readonly settings: Settings;
  readonly signals: StopSignals;
  say(text: string): void;
}

/** Runs the cluster until the first signal. */
async function serve(binary: string, { data, flags, settings, signals, say }: Surroundings): Promise<void> {
  const { workerProcesses, shutdownTimeout, logLevel, port, httpPort } = settings;
  const log = new ServiceLog({
    json: flags.json,
    level: logLevel,
    services: LocalCluster.namesOf(workerProcesses),
  });
  const cluster = new LocalCluster({
    data,
    log,
    binary,
    ...(port === undefined ? {} : { port }),
    ...(httpPort === undefined ? {} : { httpPort }),
    workerProcesses,
    executor: flagsFor("executor", flags.given, logLevel),
    worker: flagsFor("worker", flags.given, logLevel),
    drainMs: shutdownTimeout,
    graceMs: settings.grace,
  });
  try {
    const server = await Promise.race([cluster.start(), signals.first]);
    if (server !== undefined) {
      const whyNoEngine = await whyNoDocker(settings);
      if (whyNoEngine !== undefined) say(pc.yellow(`docker tasks cannot run: ${whyNoEngine}`));
      process.stdout.write(flags.json ? readyJson(server, data) : ready(server, settings));
      // Not before: who reads the output begins with where the server is.
      await cluster.follow();
      await signals.first;
    }
    say(`stopping: what runs has ${formatDuration(shutdownTimeout)} to end; Ctrl-C once more ends it now`);
    void signals.second.then(() => cluster.hurry());
  } finally {
    await cluster.stop();
    await log.stop();
  }
}

/** What stands on our command line for the services; what the environment says they read themselves. */
function flagsFor(program: "executor" | "worker", given: UpFlags["given"], logLevel: string): string[] {
  const level = SETTINGS.logLevel.flag;
  const own = settingsOf(program).filter(([name]) => name !== "logLevel" && name !== "httpPort");
  const flags = own.flatMap(([, setting]) => {
    const value = given[setting.flag];
    return value === undefined ? [] : writtenFlag(setting, value);
  });
  // They say at level info that they have started; what is shown of it we choose ourselves.
  return [...flags, `--${level}`, logLevel === "trace" || logLevel === "debug" ? logLevel : "info"];
}

function readyJson({ url }: RunningServer, { path }: DataFolder): string {
  return `${JSON.stringify({ url, pid: process.pid, data: path })}\n`;
}

function ready(server: RunningServer, settings: Settings): string {
  const { data, namespace, workerProcesses, workers } = settings;
  const done = pc.green("✓");
  const taken = settings.port === undefined && server.port !== USUAL_PORT;
  const count = workerProcesses === 1 ? "a worker" : `${workerProcesses} workers`;
  const exports = [
    `export NATS_URL=${server.url}`,
    ...(namespace === SETTINGS.namespace.default ? [] : [`export JETDAG_NAMESPACE=${namespace}`]),
  ];
  const next = [
    ...exports.map((line, i) => [line, i === 0 ? "in another terminal, and then:" : ""]),
    ["dag run FILE", "runs a DAG on this cluster"],
    ["dag workers", "lists the workers"],
    ["Ctrl-C", "stops all of it; the next dag up goes on where it was"],
  ];
  const lines = [
    `${done} nats-server ${server.version} with JetStream at ${server.url}, its data in ${data}`,
    ...(taken ? [pc.yellow(`  port ${USUAL_PORT} is taken, so it has another one`)] : []),
    `${done} an executor and ${count} are up; each worker runs ${counted(workers, "task")} at a time`,
    "",
    ...columns(next).map((line) => `  ${line}`),
    "",
  ];
  return `${lines.join("\n")}\n`;
}
