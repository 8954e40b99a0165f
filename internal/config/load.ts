/** The settings in force, made of flags, environment, configuration file and defaults, in this order. */
import { formatDuration } from "../spec/duration.ts";
import { nearest } from "../spec/problems.ts";
import type { Command, Kind, Setting } from "./setting.ts";
import { defaultOf, environmentName, fileKey, type SettingName, SETTINGS, settingsOf } from "./settings.ts";
import { type KindValues, readValue } from "./values.ts";

/** A setting cannot be used; the message names the flag, variable or place, its value, and what is allowed. */
export class ConfigError extends Error {
  readonly code = "BAD_CONFIG";
  constructor(message: string) {
    super(message);
    this.name = "ConfigError";
  }
}

type ValueOf<S, C extends Command> = S extends { kind: infer K extends Kind }
  ? S extends { default: string } | { defaults: Readonly<Record<C, string>> }
    ? KindValues[K]
    : KindValues[K] | undefined
  : never;

/** Of one command, or of any. */
export type Settings<C extends Command = Command> = {
  readonly [N in SettingName]: ValueOf<(typeof SETTINGS)[N], C>;
} & Origins;

export interface Origins {
  /** Where the value of a setting comes from, as a message about it begins: the flag, the variable, or `file:line: key`. */
  readonly originOf: (name: SettingName) => string;
}

export interface Sources {
  /** Values of the flags that were given, by flag name without dashes. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The configuration file, if there is one. */
  readonly file?: ConfigFile;
}

/** A configuration file that was read, and has nothing wrong in it. */
export interface ConfigFile {
  readonly path: string;
  readonly values: ReadonlyMap<SettingName, { readonly text: string; readonly line: number }>;
}

/** Where a value comes from; `name` is the flag, the variable, or `file:line`. */
export type Source =
  { readonly kind: "flag" | "environment" | "file"; readonly name: string } | { readonly kind: "default" };

export interface InForce {
  readonly name: SettingName;
  readonly setting: Setting;
  /** `undefined` for what is not set and has no default. */
  readonly value: KindValues[Kind] | undefined;
  readonly source: Source;
}

/** The settings in force for a command; those of other commands are at their defaults. Throws `ConfigError`. */
export function loadSettings<C extends Command>(command: C, sources: Sources): Settings<C> {
  const inForce = new Map(settingsInForce(command, sources).map((each) => [each.name, each]));
  const all = (Object.entries(SETTINGS) as [SettingName, Setting][]).map(([name, setting]) => {
    const own = inForce.get(name);
    return [name, own === undefined ? preset(setting, command) : own.value] as const;
  });
  const originOf = (name: SettingName): string => originIn(inForce.get(name), SETTINGS[name]);
  return { ...Object.fromEntries(all), originOf } as Settings<C>;
}

function originIn(each: InForce | undefined, setting: Setting): string {
  if (each === undefined || each.source.kind === "default") return `--${setting.flag}`;
  const { kind, name } = each.source;
  return kind === "file" ? `${name}: ${fileKey(setting)}` : name;
}

/** A command's settings, each with where its value comes from. Throws `ConfigError` with every problem of single ones. */
export function settingsInForce(command: Command, sources: Sources): InForce[] {
  const wrong: string[] = [];
  const all = settingsOf(command).flatMap(([name, setting]): InForce[] => {
    const given = findGiven([name, setting], sources);
    if (given === undefined) {
      return [{ name, setting, value: preset(setting, command), source: { kind: "default" } }];
    }
    const { text, source } = given;
    const answer = readValue(setting, text);
    if ("value" in answer) return [{ name, setting, value: answer.value, source }];
    wrong.push(`${source.name}: ${answer.wrong}`);
    return [];
  });
  if (wrong.length > 0) throw new ConfigError(wrong.join("\n"));
  checkTogether(command, new Map(all.map((each) => [each.name, each])));
  return all;
}

interface Given {
  readonly text: string;
  readonly source: Source & { readonly name: string };
}

function findGiven(
  [name, setting]: [SettingName, Setting],
  { flags, env, file }: Sources,
): Given | undefined {
  const flag = flags[setting.flag];
  if (flag !== undefined) return { text: flag, source: { kind: "flag", name: `--${setting.flag}` } };
  const variable = environmentName(setting);
  const text = env[variable] ?? "";
  if (text !== "") return { text, source: { kind: "environment", name: variable } };
  const inFile = file?.values.get(name);
  if (file === undefined || inFile === undefined) return undefined;
  return { text: inFile.text, source: { kind: "file", name: `${file.path}:${inFile.line}` } };
}

function preset(setting: Setting, command: Command): KindValues[Kind] | undefined {
  const text = defaultOf(setting, command);
  if (text === undefined) return undefined;
  const answer = readValue(setting, text);
  if ("value" in answer) return answer.value;
  throw new Error(`internal: the default of --${setting.flag}: ${answer.wrong}`);
}

/** What a bash task finds in its environment: a script may well call us. */
const OF_TASKS = /^JETDAG_(RUN_ID|TASK_ID|INDEX|ATTEMPT|IDEMPOTENCY_KEY|PARAMS_FILE|OUTPUT_FILE|PARAM_.*)$/;
/** Secrets are not read as settings are, and no name of one is wrong. */
const OF_SECRETS = /^JETDAG_SECRET_/;
/** What Kubernetes injects for a service that is called jetdag or jetdag-something. */
const OF_SERVICES = /_(SERVICE|PORT)(_|$)/;

/** Variables with our prefix that mean nothing to us: worth a warning, never an error. */
export function unknownVariables(env: Sources["env"]): string[] {
  const known = Object.values(SETTINGS).map(environmentName);
  return Object.keys(env)
    .filter((name) => name.startsWith("JETDAG_") && !known.includes(name))
    .filter((name) => !OF_TASKS.test(name) && !OF_SECRETS.test(name) && !OF_SERVICES.test(name))
    .map((name) => {
      const near = nearestVariable(name, known);
      return `environment variable ${name} is not known${near === undefined ? "" : `; did you mean ${near}?`}`;
    });
}

/** The prefix, which all have, must not make everything near; and one of ours has none. */
function nearestVariable(name: string, known: readonly string[]): string | undefined {
  const bare = (text: string): string => text.replace(/^JETDAG_/, "");
  const near = nearest(bare(name), known.map(bare));
  return known.find((variable) => bare(variable) === near);
}

/** A live worker whose connection broke has it again by then. */
const RECONNECT_MS = 1_000;

/** A limit that is too short, or too near to the heartbeat, takes the living for dead. */
function checkTogether(command: Command, all: ReadonlyMap<SettingName, InForce>): void {
  const goneAfter = all.get("goneAfter");
  if (goneAfter !== undefined && Number(goneAfter.value) < RECONNECT_MS) {
    const rule = "--gone-after must be at least 1s, or workers that connect again would be taken for dead";
    throw new ConfigError(`${rule}: ${told(goneAfter)}`);
  }
  const [heartbeat, ackWait, deadAfter] = [all.get("heartbeat"), all.get("ackWait"), all.get("deadAfter")];
  if ((command === "worker" || command === "up") && isTooNear(ackWait, heartbeat)) {
    const rule =
      "--ack-wait must be at least three times --heartbeat, or live attempts would be delivered twice";
    throw new ConfigError(`${rule}: ${told(ackWait)}, ${told(heartbeat)}`);
  }
  if ((command === "executor" || command === "dag" || command === "up") && isTooNear(deadAfter, heartbeat)) {
    const rule =
      "--dead-after must be at least three times the workers' --heartbeat, or live workers would be taken for dead";
    throw new ConfigError(`${rule}: ${told(deadAfter)}, ${told(heartbeat)}`);
  }
}

function isTooNear(limit: InForce | undefined, heartbeat: InForce | undefined): boolean {
  return Number(limit?.value) < Number(heartbeat?.value) * 3;
}

/** `--heartbeat is 30s (jetdag.yaml:3)` */
function told(each: InForce | undefined): string {
  if (each === undefined) return "";
  const { setting, value, source } = each;
  const whence = source.kind === "default" ? "by default" : source.name;
  const flag = `--${setting.flag}`;
  return `${flag} is ${formatDuration(Number(value))}${whence === flag ? "" : ` (${whence})`}`;
}
