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
import { canDraw } from "./run-view.ts";
import { UsageError } from "./usage-error.ts";
import { validate } from "./validate.ts";

const EXAMPLES = `
Examples:
  dag run etl.yaml                                  in this process
  dag run etl.yaml --param day=2026-01-31 --json
  dag run etl.yaml --nats nats://localhost:4222     on a cluster
  dag validate *.yaml
  dag status 3f9c… --nats nats://localhost:4222

Exit codes:
  0 completed, 1 failed, crashed or cancelled, 2 bad input or no server, 130 interrupted`;

interface Flags {
  readonly json?: boolean;
  readonly local?: boolean;
  readonly sequential?: boolean;
  readonly dryRun?: boolean;
  readonly param?: string[];
  readonly params?: string;
  readonly runId?: string;
  readonly tenant?: string;
}

const program = new Command("dag")
  .description("Runs DAGs of tasks, in this process or on a cluster over NATS JetStream.")
  .version(VERSION)
  .addHelpText("after", EXAMPLES)
  .exitOverride();

function add(name: string, description: string, act: (command: Command) => Promise<number>): Command {
  const command = program
    .command(name)
    .description(description)
    .option("--json", "print JSON alone on stdout")
    .exitOverride();
  return command.action(async () => {
    for (const warning of unknownVariables(process.env)) process.stderr.write(`dag: ${warning}\n`);
    process.exitCode = await act(command);
  });
}

/** A command that asks the cluster. */
function addLook(
  name: string,
  description: string,
  act: (flags: { readonly json: boolean }, settings: Settings, argument: string) => Promise<number>,
): void {
  const command = add(name, description, (self) => {
    const settings = loadSettings("look", { flags: givenFlags(self, "look"), env: process.env });
    return act(flagsOf(self), settings, self.args[0] ?? "");
  });
  addSettings(command, "look");
}

function flagsOf(command: Command): Flags & { json: boolean } {
  const flags = command.opts<Flags>();
  return { ...flags, json: flags.json ?? false };
}

const runCommand = add("run <file>", "run a DAG file and wait for its end", (command) => {
  const { json, local = false, sequential = false, dryRun = false, param = [], ...rest } = flagsOf(command);
  const flags = givenFlags(command, "dag");
  const settings = loadSettings("dag", { flags, env: process.env });
  const given = new Set(Object.keys(flags).filter((flag) => flags[flag] !== undefined));
  const { params, runId, tenant } = rest;
  const more = {
    ...(params === undefined ? {} : { params }),
    ...(runId === undefined ? {} : { runId }),
    ...(tenant === undefined ? {} : { tenant }),
  };
  const all = { json, local, sequential, dryRun, param, given, live: canDraw(process.env.TERM), ...more };
  return run(command.args[0] ?? "", all, { settings });
})
  .option("--local", "run in this process (the default without an address)")
  .option("--sequential", "run in this process, one task at a time")
  .option("--dry-run", "print the plan; nothing runs")
  .option("--param <key=value>", "a param of the run; may be repeated", (value, all?: string[]) => [
    ...(all ?? []),
    value,
  ])
  .option("--params <file>", "params of the run from a YAML or JSON file")
  .option("--run-id <id>", "an id of your own for the run")
  .option("--tenant <id>", "whose run it is, instead of the definition's tenant");
addSettings(runCommand, "dag");

add("validate <files...>", "check DAG files and print every problem", (command) =>
  validate(command.args, flagsOf(command)),
);
addLook("status <run>", "show where a run on the cluster stands", status);
addLook("cancel <run>", "end a run on the cluster before its time", cancel);
addLook("workers", "list the live workers of the cluster", workers);

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

// A reader that has seen enough (`| head`) is no error, and no reason to leave a run half done.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
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
