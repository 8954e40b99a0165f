/** The settings as options of a command line. */
import { Command as Program, CommanderError, Option } from "commander";
import type { Command, Setting } from "./setting.ts";
import { defaultOf, environmentName, settingsOf } from "./settings.ts";

/** What stands behind a flag; a switch is on by being there. */
const PLACEHOLDERS: Record<Setting["kind"], string> = {
  address: " <address>",
  file: " <file>",
  image: " <image>",
  command: " <command>",
  name: " <name>",
  names: " <names>",
  types: " <types>",
  "plugin-types": " <types>",
  networks: " <networks>",
  images: " <images>",
  mounts: " <mounts>",
  user: " <user>",
  variables: " <names>",
  duration: " <time>",
  count: " <number>",
  bytes: " <bytes>",
  level: " <level>",
  switch: "",
};
const GROUP = "Settings (by flag, by the environment variable in brackets, or in a configuration file):";

/** Adds the flags of a command's settings; those that are there already stay as they are. */
export function addSettings(program: Program, command: Command): Program {
  const known = new Set(program.options.map(({ long }) => long));
  for (const [, setting] of settingsOf(command)) {
    if (known.has(`--${setting.flag}`)) continue;
    const value = defaultOf(setting, command);
    const preset = value === undefined ? "" : ` (default ${value})`;
    const text = `${setting.sentence}${preset} [${environmentName(setting)}]`;
    const option = new Option(`--${setting.flag}${PLACEHOLDERS[setting.kind]}`, text);
    program.addOption(option.helpGroup(GROUP));
  }
  return program;
}

/** Values of the flags that were given, by flag name; a switch has `true`. */
export function givenFlags(program: Program, command: Command): Record<string, string | undefined> {
  const values = program.optsWithGlobals<Record<string, string | true | undefined>>();
  return Object.fromEntries(
    settingsOf(command).map(([, { flag }]) => {
      const value = values[flag.replaceAll(/-(\w)/g, (_all, c: string) => c.toUpperCase())];
      return [flag, value === true ? "true" : value];
    }),
  );
}

/** The flag as it stands on a command line that gives it this value. */
export function writtenFlag({ flag, kind }: Setting, value: string): string[] {
  return kind === "switch" ? [`--${flag}`] : [`--${flag}`, value];
}

/** Runs a command line. Wrong use is exit code 2, help and version 0. */
export async function runProgram(program: Program, argv: readonly string[]): Promise<number | undefined> {
  try {
    await program.parseAsync([...argv]);
    return undefined;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : 2;
  }
}
