#!/usr/bin/env node
/** The command line: runs DAGs, here or on a cluster, and looks after runs. */
import { Command } from "commander";
import { ConfigError, loadSettings, type Settings, unknownVariables } from "../../internal/config/load.ts";
import { addSettings, givenFlags, runProgram } from "../../internal/config/options.ts";
import { BadInput } from "../../internal/executor/executor.ts";
import { ConnectFailed } from "../../internal/nats/connection.ts";
import { ServerNotFound } from "../../internal/nats/server/find.ts";
import { BadParam } from "../../internal/spec/params.ts";
import { DefinitionError } from "../../internal/spec/problems.ts";
import { FunctionsNotLoaded } from "../../internal/tasks/load-functions.ts";
import { VERSION } from "../version.ts";
import { cancel, status, workers } from "./look.ts";
import { run } from "./run.ts";
import { UsageError } from "./usage-error.ts";
import { validate } from "./validate.ts";

const EXAMPLES = `
Examples:
  dag run etl.yaml                                  in this process
  dag run etl.yaml --param day=2026-01-31 --json
  dag run etl.yaml --nats nats://localhost:4222     on a cluster
  dag validate *.yaml
  dag status 3f9c… --nats nats://localhost:4222`;

interface Flags {
  readonly json?: boolean;
  readonly local?: boolean;
  readonly sequential?: boolean;
  readonly dryRun?: boolean;
  readonly param?: string[];
  readonly params?: string;
  readonly runId?: string;
  readonly tenant?: string;
  readonly nats?: string;
}

const program = new Command("dag")
  .description("Runs DAGs of tasks, in this process or on a cluster over NATS JetStream.")
  .version(VERSION)
  .addHelpText("after", EXAMPLES)
  .exitOverride();

function add(
  name: string,
  description: string,
  act: (command: Command, settings: Settings) => Promise<number>,
): Command {
  const command = addSettings(program.command(name), "dag")
    .description(description)
    .option("--json", "print JSON alone on stdout")
    .exitOverride();
  return command.action(async () => {
    const settings = loadSettings("dag", { flags: givenFlags(command, "dag"), env: process.env });
    for (const warning of unknownVariables(process.env)) process.stderr.write(`dag: ${warning}\n`);
    process.exitCode = await act(command, settings);
  });
}

function flagsOf(command: Command): Flags & { json: boolean } {
  const flags = command.opts<Flags>();
  return { ...flags, json: flags.json ?? false };
}

add("run <file>", "run a DAG file and wait for its end", (command, settings) => {
  const {
    json,
    local = false,
    sequential = false,
    dryRun = false,
    param = [],
    nats,
    ...rest
  } = flagsOf(command);
  const flags = { json, local, sequential, dryRun, param, natsGiven: nats !== undefined, ...rest };
  return run(command.args[0] ?? "", flags, settings);
})
  .option("--local", "run in this process (the default without an address)")
  .option("--sequential", "run in this process, one task at a time")
  .option("--dry-run", "print the plan; nothing runs")
  .option(
    "--param <key=value>",
    "a param of the run; may be repeated",
    (value, all: string[]) => [...all, value],
    [],
  )
  .option("--params <file>", "params of the run from a YAML or JSON file")
  .option("--run-id <id>", "an id of your own for the run")
  .option("--tenant <id>", "whose run it is, instead of the definition's tenant");

add("validate <files...>", "check DAG files and print every problem", (command) =>
  validate(command.args, flagsOf(command)),
);

add("status <run>", "show where a run on the cluster stands", (command, settings) =>
  status(command.args[0] ?? "", flagsOf(command), settings),
);

add("cancel <run>", "end a run on the cluster before its time", (command, settings) =>
  cancel(command.args[0] ?? "", flagsOf(command), settings),
);

add("workers", "list the live workers of the cluster", (command, settings) =>
  workers(flagsOf(command), settings),
);

const EXPECTED = [
  BadInput,
  BadParam,
  ConfigError,
  ConnectFailed,
  DefinitionError,
  FunctionsNotLoaded,
  ServerNotFound,
  UsageError,
];

// A reader that has seen enough (`| head`) is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

try {
  const code = await runProgram(program, process.argv);
  if (code !== undefined) process.exitCode = code;
} catch (error) {
  const expected = EXPECTED.some((kind) => error instanceof kind);
  const text = error instanceof Error ? (expected ? error.message : error.stack) : String(error);
  process.stderr.write(`${error instanceof DefinitionError ? "" : "dag: "}${text}\n`);
  process.exitCode = expected ? 2 : 1;
}
// Idle sockets of tasks may hold the process; everything of ours has ended, and what was printed is written.
process.stdout.write("", () => process.exit());
