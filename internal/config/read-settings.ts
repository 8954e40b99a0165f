/** Reads the settings of a program, once: the one way from a command line to what is in force. */
import type { Command as Program } from "commander";
import { readConfigFile } from "./config-file.ts";
import { loadSettings, type Settings, type Sources } from "./load.ts";
import { givenFlags } from "./options.ts";
import type { Command } from "./setting.ts";

/** Rejects with `ConfigError`. */
export async function readSettings<C extends Command>(
  program: Program,
  command: C,
  env: Sources["env"],
): Promise<Settings<C>> {
  return loadSettings(command, await withConfigFile({ flags: givenFlags(program, command), env }));
}

/** Adds the configuration file that is in force. Rejects with `ConfigError`. */
export async function withConfigFile(sources: Omit<Sources, "file">): Promise<Sources> {
  const file = await readConfigFile(sources);
  return file === undefined ? sources : { ...sources, file };
}
