/** Commands of the command line, as all of them are made. */
import type { Command } from "commander";
import { type Settings, unknownVariables } from "../../internal/config/load.ts";
import { addSettings, givenFlags } from "../../internal/config/options.ts";
import { readSettings } from "../../internal/config/read-settings.ts";
import { canDraw } from "./run-view.ts";

export interface Looking<Options> {
  /** What stands on the command line beside the settings. */
  readonly flags: Options & {
    readonly json: boolean;
    readonly live: boolean;
    readonly given: ReadonlySet<string>;
  };
  readonly settings: Settings;
  readonly args: readonly string[];
}

export interface Commands {
  add(name: string, description: string, act: (command: Command) => Promise<number>): Command;
  /** A command that asks the cluster, or tells it something. */
  addLook<Options extends object>(
    name: string,
    description: string,
    act: (looking: Looking<Options>) => Promise<number>,
  ): Command;
}

/** Makes commands below `parent`: `dag` itself, or a group of commands. */
export function commandsOf(parent: Command, env: NodeJS.ProcessEnv): Commands {
  const add: Commands["add"] = (name, description, act) => {
    const command = parent
      .command(name)
      .description(description)
      .option("--json", "print JSON alone on stdout")
      .exitOverride();
    return command.action(async () => {
      for (const warning of unknownVariables(env)) process.stderr.write(`dag: ${warning}\n`);
      process.exitCode = await act(command);
    });
  };
  const addLook = <Options extends object>(
    name: string,
    description: string,
    act: (looking: Looking<Options>) => Promise<number>,
  ): Command => {
    const command = add(name, description, async (self) => {
      const settings = await readSettings(self, "look", env);
      const flags = {
        ...self.opts<Options>(),
        json: isJson(self),
        live: canDraw(env.TERM),
        given: given(self, "look"),
      };
      return act({ flags, settings, args: self.args });
    });
    return addSettings(command, "look");
  };
  return { add, addLook };
}

export function isJson(command: Command): boolean {
  return command.opts<{ json?: boolean }>().json ?? false;
}

/** The settings that stand on the command line. */
export function given(command: Command, of: "dag" | "look"): ReadonlySet<string> {
  const flags = Object.entries(givenFlags(command, of));
  return new Set(flags.flatMap(([flag, value]) => (value === undefined ? [] : flag)));
}
