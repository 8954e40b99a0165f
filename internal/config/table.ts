/** The table of settings for the README. */
import type { Command, Setting } from "./setting.ts";
import { environmentName, SETTINGS } from "./settings.ts";

export function settingsTable(): string {
  const rows = (Object.values(SETTINGS) as Setting[]).map((setting) => {
    const cells = [
      `\`--${setting.flag}\``,
      `\`${environmentName(setting)}\``,
      defaultsOf(setting),
      setting.kind,
    ];
    return `| ${[...cells, programsOf(setting.commands), setting.sentence].join(" | ")} |`;
  });
  return [
    "| flag | variable | default | kind | of | meaning |",
    "| --- | --- | --- | --- | --- | --- |",
    ...rows,
  ].join("\n");
}

function defaultsOf({ default: preset, defaults = {} }: Setting): string {
  if (preset !== undefined) return `\`${preset}\``;
  const commands = Object.keys(defaults) as Command[];
  const [first = ""] = Object.values(defaults);
  return commands.length === 0 ? "" : `\`${first}\` (${programsOf(commands)})`;
}

function programsOf(commands: readonly Command[]): string {
  const names: Record<Command, string> = {
    dag: commands.includes("look") ? "dag" : "dag run",
    check: commands.includes("look") ? "" : "dag validate, dag deploy, dag schema",
    look: "",
    executor: "executor",
    worker: "worker",
    demo: "npm start",
    up: "dag up",
  };
  return commands
    .map((command) => names[command])
    .filter((name) => name !== "")
    .join(", ");
}
