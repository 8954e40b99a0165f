#!/usr/bin/env node
/** The command line: runs DAGs, here or on a cluster, and looks after runs. */
import { Command } from "commander";
import { ConfigError } from "../../internal/config/load.ts";
import { addSettings, givenFlags, runProgram } from "../../internal/config/options.ts";
import { readSettings } from "../../internal/config/read-settings.ts";
import { BadInput, LogFull } from "../../internal/executor/executor.ts";
import { HistoryGone } from "../../internal/executor/load-run.ts";
import { ConnectFailed } from "../../internal/nats/connection.ts";
import { ServerNotFound } from "../../internal/nats/server/find.ts";
import { BadParam } from "../../internal/spec/params.ts";
import { NotStored } from "../../internal/ports/storing.ts";
import { DefinitionError } from "../../internal/spec/problems.ts";
import { EngineNotThere } from "../../internal/tasks/docker-engine.ts";
import { FunctionsNotLoaded } from "../../internal/tasks/function-threads.ts";
import { endProcess } from "../end-process.ts";
import { CannotStart } from "../local/cannot-start.ts";
import { VERSION } from "../version.ts";
import { addConfigFlags, config } from "./config.ts";
import { addCompletion } from "./completion.ts";
import { commandsOf, given, isJson } from "./commands.ts";
import { addDead } from "./dead-commands.ts";
import { deploy, diff, list, show } from "./deployments.ts";
import { explain } from "./explain.ts";
import { examplesOf } from "./examples.ts";
import { form } from "./form.ts";
import { follow, wait } from "./follow.ts";
import { cancel, status, workers } from "./look.ts";
import { queues } from "./queues.ts";
import { retry } from "./retry.ts";
import { logs, type LogsFlags } from "./logs.ts";
import { newDag } from "./new.ts";
import { run } from "./run.ts";
import { runs, type RunsFlags } from "./runs.ts";
import { canDraw } from "./run-view.ts";
import { schema } from "./schema.ts";
import { printed, watchOutput } from "./stdout.ts";
import { up } from "./up.ts";
import { UsageError } from "./usage-error.ts";
import { validate } from "./validate.ts";

const EXAMPLES = `
Examples:
  dag new etl                                       write a DAG file to begin with
  dag run etl.yaml                                  in this process
  dag up                                            a cluster on this machine, until Ctrl-C
  dag run etl.yaml --nats nats://localhost:4222     on a cluster
  dag deploy etl.yaml; dag run etl                  by name, with NATS_URL set
  dag runs --state failed --since 24h; dag retry RUN

Exit codes:
  0 completed, 1 failed, crashed or cancelled, 2 bad input or no server, 130 interrupted`;

interface RunOptions {
  readonly local?: boolean;
  readonly sequential?: boolean;
  readonly dryRun?: boolean;
  readonly detach?: boolean;
  readonly param?: string[];
  readonly params?: string;
  readonly runId?: string;
  readonly tenant?: string;
  readonly version?: string;
}

const program = new Command("dag")
  .description("Runs DAGs of tasks, in this process or on a cluster over NATS JetStream.")
  .version(VERSION)
  .addHelpText("after", EXAMPLES)
  // A command may have a --version of its own: that of a DAG.
  .enablePositionalOptions()
  .exitOverride();

const { add, addLook } = commandsOf(program, process.env);

function collect(value: string, all?: string[]): string[] {
  return [...(all ?? []), value];
}

const runCommand = add("run <file-or-name>", "run a DAG, and wait for its end", async (command) => {
  const {
    local = false,
    sequential = false,
    dryRun = false,
    detach = false,
    ...options
  } = command.opts<RunOptions>();
  const { param = [], params, runId, tenant, version } = options;
  const settings = await readSettings(command, "dag", process.env);
  const flags = {
    json: isJson(command),
    live: canDraw(process.env.TERM),
    given: given(command, "dag"),
    ...{ local, sequential, dryRun, detach, param },
    ...(params === undefined ? {} : { params }),
    ...(runId === undefined ? {} : { runId }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(version === undefined ? {} : { version }),
  };
  return run(command.args[0] ?? "", flags, { settings });
})
  .option("--local", "run in this process (the default without an address)")
  .option("--sequential", "run in this process, one task at a time")
  .option("--dry-run", "print the plan; nothing runs")
  .option("--detach", "submit the run, print its id, and leave it to the cluster")
  .option("--version <n>", "of a deployed DAG, instead of the newest")
  .option("--param <key=value>", "a param of the run; may be repeated", collect)
  .option("--params <file>", "params of the run from a YAML or JSON file")
  .option("--run-id <id>", "an id of your own for the run")
  .option("--tenant <id>", "whose run it is, instead of the definition's tenant");
addSettings(runCommand, "dag");

const validateCommand = add(
  "validate <files...>",
  "check DAG files and print every problem",
  async (command) => {
    const settings = await readSettings(command, "check", process.env);
    return validate(command.args, { json: isJson(command), types: settings.types ?? [] });
  },
);
addSettings(validateCommand, "check");

const formCommand = add("form <file-or-name>", "print what a run of a DAG takes", async (command) => {
  const { types = [] } = await readSettings(command, "check", process.env);
  const settings = await readSettings(command, "look", process.env);
  const flags = command.opts<{ jsonSchema?: boolean; version?: string }>();
  return form({ ...flags, json: isJson(command), types }, settings, command.args[0] ?? "");
})
  .option("--json-schema", "print it as JSON Schema (2020-12), for pages that show it")
  .option("--version <n>", "of a deployed DAG, instead of the newest");
addSettings(addSettings(formCommand, "look"), "check");

add("new <name>", "write a commented DAG file to begin with into this folder", (command) =>
  newDag(command.args[0] ?? "", { json: isJson(command) }),
);
const schemaCommand = add("schema", "print the JSON Schema of a DAG file, for editors", async (command) => {
  const { types = [] } = await readSettings(command, "check", process.env);
  return schema(types);
});
addSettings(schemaCommand, "check");

addLook<RunsFlags>("runs", "list the runs on the cluster, newest first", ({ flags, settings }) =>
  runs(flags, settings),
)
  .option("--dag <name>", "only of this DAG")
  .option("--state <state>", "only in this state: running, completed, failed, crashed, cancelled")
  .option("--tenant <id>", "only of this tenant")
  .option("--since <time>", "only since then: 90m, 24h, 2026-01-31, 2026-01-31T08:00:00Z")
  .option("--limit <n>", "at most so many (default 25)");

addLook<{ follow?: boolean }>(
  "status <run>",
  "show where a run on the cluster stands",
  ({ flags, settings, args: [runId = ""] }) =>
    flags.follow === true ? follow(flags, settings, runId) : status(flags, settings, runId),
).option("-f, --follow", "and go on showing it, to its end");

addLook(
  "explain <run> [task]",
  "tell what a run or a task waits for, or how its attempts ended",
  ({ flags, settings, args }) => explain(flags, settings, args),
);

addLook<Omit<LogsFlags, "json">>(
  "logs <run> [task]",
  "print what the tasks of a run printed and logged",
  ({ flags, settings, args }) => logs(flags, settings, args),
)
  .option("--attempt <n>", "only of this attempt; of all by default")
  .option("-f, --follow", "and go on with what comes, to the end of the run, or of the task")
  .option("--timestamps", "with the time of each line");

addLook("wait <run>", "wait for the end of a run; the exit code is the run's", ({ flags, settings, args }) =>
  wait(flags, settings, args[0] ?? ""),
);

addLook("cancel <run>", "end a run on the cluster before its time", ({ flags, settings, args }) =>
  cancel(flags, settings, args[0] ?? ""),
);

const retryCommand = add(
  "retry <run>",
  "run again what did not succeed in a run, and wait",
  async (command) => {
    const { task = [], detach = false } = command.opts<{ task?: string[]; detach?: boolean }>();
    const settings = await readSettings(command, "dag", process.env);
    const flags = { json: isJson(command), live: canDraw(process.env.TERM), given: given(command, "dag") };
    return retry({ ...flags, task, detach }, settings, command.args[0] ?? "");
  },
)
  .option("--task <id>", "only this task and what depends on it; may be repeated", collect)
  .option("--detach", "leave it to the cluster, and do not wait");
addSettings(retryCommand, "dag");

const deployCommand = add(
  "deploy <files...>",
  "store DAG files on the cluster, each as the next version of its DAG",
  async (command) => {
    const { types = [] } = await readSettings(command, "check", process.env);
    const settings = await readSettings(command, "look", process.env);
    return deploy({ json: isJson(command), types }, settings, command.args);
  },
);
addSettings(addSettings(deployCommand, "look"), "check");
addLook<{ tag?: string }>("list", "list the deployed DAGs", ({ flags, settings }) =>
  list(flags, settings),
).option("--tag <name>", "only those with this tag");
addLook<{ version?: string }>(
  "show <name>",
  "print a deployed DAG as it was written",
  ({ flags, settings, args }) => show(flags, settings, args[0] ?? ""),
).option("--version <n>", "instead of the newest");
addLook<{ from?: string; to?: string }>(
  "diff <name> [file]",
  "compare a deployed DAG with its version before, or with a file",
  ({ flags, settings, args }) => diff(flags, settings, args),
)
  .option("--from <n>", "the older version (default: the one before)")
  .option("--to <n>", "the newer version (default: the newest)");

addLook("workers", "list the live workers of the cluster", ({ flags, settings }) => workers(flags, settings));
addLook("queues", "list the queues: what waits, what is in flight, who takes it", ({ flags, settings }) =>
  queues(flags, settings),
);

const dead = addDead(program, process.env);

addConfigFlags(
  add("config", "print every setting in force, and where it comes from", (command) =>
    config({ json: isJson(command) }, command, process.env),
  ),
);

const upCommand = add("up", "start a cluster on this machine, until Ctrl-C", async (command) => {
  const flags = givenFlags(command, "up");
  const settings = await readSettings(command, "up", process.env);
  return up({ json: isJson(command), given: flags, path: process.env.PATH ?? "" }, settings);
});
addSettings(upCommand, "up");

addCompletion(program);
for (const command of [...program.commands, ...dead.commands]) {
  if (!command.options.some(({ long }) => long === "--version")) command.version(VERSION);
  command.addHelpText("after", examplesOf(nameOf(command)));
}

/** As it is typed after `dag`. */
function nameOf(command: Command): string {
  return command.parent === null || command.parent === program
    ? command.name()
    : `${command.parent.name()} ${command.name()}`;
}

const EXPECTED = [
  BadInput,
  BadParam,
  CannotStart,
  ConfigError,
  ConnectFailed,
  DefinitionError,
  EngineNotThere,
  FunctionsNotLoaded,
  HistoryGone,
  LogFull,
  NotStored,
  ServerNotFound,
  UsageError,
];

const wasLost = watchOutput();
try {
  const code = await runProgram(program, process.argv);
  if (code !== undefined) process.exitCode = code;
} catch (error) {
  const expected = EXPECTED.some((kind) => error instanceof kind);
  const text = error instanceof Error ? (expected ? error.message : error.stack) : String(error);
  process.stderr.write(`${error instanceof DefinitionError ? "" : "dag: "}${text}\n`);
  process.exitCode = expected ? 2 : 1;
}
await printed();
if (wasLost()) process.exitCode ||= 1;
await endProcess();
