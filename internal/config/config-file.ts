/** The configuration file: where it is looked for, and what stands in it. */
import { dirname, isAbsolute, join } from "node:path";
import { readText, readTextIfThere } from "../spec/file.ts";
import { isMap } from "../core/not-json.ts";
import { shown } from "../core/shown.ts";
import { DefinitionError, unknownField } from "../spec/problems.ts";
import { type Found, type Made, parseText, type Place } from "../spec/text.ts";
import type { Target } from "../spec/walk.ts";
import { ConfigError, type ConfigFile, type Sources } from "./load.ts";
import type { Kind, Setting } from "./setting.ts";
import { environmentName, fileKey, type SettingName, SETTINGS } from "./settings.ts";
import { readValue } from "./values.ts";

const NAME = "jetdag.yaml";

/** Every setting but the one that names the file. */
const KEYS: ReadonlyMap<string, SettingName> = new Map(
  (Object.entries(SETTINGS) as [SettingName, Setting][])
    .filter(([name]) => name !== "config")
    .map(([name, setting]) => [fileKey(setting), name]),
);

/** The file that flag or variable name, else the first that is there of those that are looked for. Rejects with `ConfigError`. */
export async function readConfigFile({ flags, env }: Sources): Promise<ConfigFile | undefined> {
  const variable = environmentName(SETTINGS.config);
  const [named, by] =
    flags.config === undefined ? [env[variable] ?? "", variable] : [flags.config, "--config"];
  try {
    if (by === "--config" || named !== "") return parseConfig(await readText(named), named);
    for (const path of placesOf(env)) {
      const text = await readTextIfThere(path);
      if (text !== undefined) return parseConfig(text, path);
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error;
    const which = named === "" ? "" : ` that ${by} names`;
    throw new ConfigError(`the configuration file${which} cannot be used:\n${error.message}`);
  }
}

/** Where a file is looked for that nobody names: in the current folder, else in the user's; the same on every system. */
export function placesOf(env: Sources["env"]): string[] {
  const { XDG_CONFIG_HOME: xdg = "", HOME: home = env.USERPROFILE ?? "" } = env;
  if (isAbsolute(xdg)) return [NAME, join(xdg, "jetdag", NAME)];
  return home === "" ? [NAME] : [NAME, join(home, ".config", "jetdag", NAME)];
}

/** Throws `DefinitionError` with every problem. */
export function parseConfig(text: string, path: string): ConfigFile {
  return parseText(text, { file: path }, (value, linesOf) => examine(value, path, linesOf));
}

function examine(
  value: unknown,
  path: string,
  linesOf: (targets: readonly Target[]) => Place[],
): Made<ConfigFile> {
  if (!isMap(value)) {
    const message = `must be a map of settings, such as \`workers: 10\`, not ${shown(value)}`;
    return { problems: [{ path: [], atKey: false, message }] };
  }
  const entries = Object.entries(value);
  const read = entries.map(([key, each]) => readEntry(key, each, dirname(path)));
  const problems = read.filter((each) => "message" in each);
  if (problems.length > 0) return { problems };
  const lines = linesOf(entries.map(([key]) => ({ path: [key], atKey: true })));
  const values = read.flatMap((each, i) =>
    "name" in each ? [[each.name, { text: each.text, line: lines[i]?.line ?? 1 }] as const] : [],
  );
  return { made: { path, values: new Map(values) } };
}

function readEntry(
  key: string,
  value: unknown,
  folder: string,
): Found | { readonly name: SettingName; readonly text: string } {
  const name = KEYS.get(key);
  if (name === undefined) {
    return { path: [key], atKey: true, message: unknownField(key, [...KEYS.keys()], "setting") };
  }
  const setting: Setting = SETTINGS[name];
  const text = textOf(setting.kind, value);
  if (typeof text !== "string") return { path: [key], atKey: false, message: `${key}: ${text.wrong}` };
  const answer = readValue(setting, text);
  if ("wrong" in answer) return { path: [key], atKey: false, message: `${key}: ${answer.wrong}` };
  return { name, text: fromFolder(setting.kind, text, folder) };
}

/** Paths in a file begin where the file is; of a command, only what is written as a path is one. */
function fromFolder(kind: Kind, text: string, folder: string): string {
  if (kind === "file" && !isAbsolute(text)) return join(folder, text);
  return kind === "command" && /^\.\.?\//.test(text) ? `${folder}/${text}` : text;
}

/** The value as a flag would have it. */
function textOf(kind: Kind, value: unknown): string | { readonly wrong: string } {
  if (value === null) return { wrong: "has no value; give it one, or leave the line out" };
  if (typeof value === "string") return value;
  const must = (rule: string): { wrong: string } => ({ wrong: `must be ${rule}, not ${shown(value)}` });
  switch (kind) {
    case "duration":
      return typeof value === "number" ? String(value) : must("a time such as 30s");
    case "count":
    case "bytes":
      return typeof value === "number" ? String(value) : must("a whole number");
    case "names":
    case "types":
    case "plugin-types":
    case "variables":
    case "networks":
    case "images":
    case "mounts": {
      const isList = Array.isArray(value) && value.every((each) => typeof each === "string");
      return isList ? value.join(",") : must(`a list of ${kind === "plugin-types" ? "types" : kind}`);
    }
    case "user":
      return typeof value === "number" ? String(value) : must("text");
    case "switch":
      return typeof value === "boolean" ? String(value) : must("true or false");
    case "address":
    case "file":
    case "image":
    case "command":
    case "name":
    case "level":
      return must("text");
  }
}
