/** Reads the settings from flags and environment, once; the only place that looks at the environment. */
import { z } from "zod";
import { DURATION_RULE, formatDuration, parseDuration } from "../spec/duration.ts";
import { nearest } from "../spec/problems.ts";
import {
  type Command,
  environmentName,
  type Kind,
  type Setting,
  type SettingName,
  SETTINGS,
  settingsOf,
} from "./settings.ts";

/** A setting cannot be used; the message names the flag or variable, its value, and what is allowed. */
export class ConfigError extends Error {
  readonly code = "BAD_CONFIG";
  constructor(message: string) {
    super(message);
    this.name = "ConfigError";
  }
}

/** Durations in milliseconds. */
interface KindValues {
  address: string;
  file: string;
  name: string;
  names: string[];
  duration: number;
  count: number;
  bytes: number;
  level: string;
}

type ValueOf<S> = S extends { kind: infer K extends Kind }
  ? S extends { default: string }
    ? KindValues[K]
    : KindValues[K] | undefined
  : never;

export type Settings = { readonly [N in SettingName]: ValueOf<(typeof SETTINGS)[N]> };

export interface Sources {
  /** Values of the flags that were given, by flag name without dashes. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The settings in force for a command; those of other commands are at their defaults. Throws `ConfigError`. */
export function loadSettings(command: Command, { flags, env }: Sources): Settings {
  const own = new Set(settingsOf(command).map(([name]) => name));
  const values = (Object.entries(SETTINGS) as [SettingName, Setting][]).map(([name, setting]) => {
    const flag = own.has(name) ? flags[setting.flag] : undefined;
    const variable = own.has(name) ? env[environmentName(setting)] : undefined;
    if (flag !== undefined) return [name, read(setting, flag, `--${setting.flag}`)];
    if (variable !== undefined && variable !== "")
      return [name, read(setting, variable, environmentName(setting))];
    return [name, setting.default === undefined ? undefined : read(setting, setting.default, name)];
  });
  const settings = Object.fromEntries(values) as Settings;
  checkTogether(command, settings);
  return settings;
}

/** What a bash task finds in its environment: a script may well call us. */
const OF_TASKS = /^JETDAG_(RUN_ID|TASK_ID|INDEX|ATTEMPT|IDEMPOTENCY_KEY|PARAMS_FILE|OUTPUT_FILE|PARAM_.*)$/;
/** What Kubernetes injects for a service that is called jetdag or jetdag-something. */
const OF_SERVICES = /_(SERVICE|PORT)(_|$)/;

/** Variables with our prefix that mean nothing to us: worth a warning, never an error. */
export function unknownVariables(env: Sources["env"]): string[] {
  const known = Object.values(SETTINGS).map(environmentName);
  return Object.keys(env)
    .filter((name) => name.startsWith("JETDAG_") && !known.includes(name))
    .filter((name) => !OF_TASKS.test(name) && !OF_SERVICES.test(name))
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

function read(setting: Setting, text: string, source: string): unknown {
  const parsed = schemaOf(setting).safeParse(text);
  if (parsed.success) return parsed.data;
  throw new ConfigError(
    `${source}: '${text}' is not allowed: ${parsed.error.issues[0]?.message ?? "it cannot be read"}`,
  );
}

function schemaOf({ kind, min = 0, max = Number.MAX_SAFE_INTEGER }: Setting): z.ZodType {
  switch (kind) {
    case "address":
    case "file":
      return z.string().min(1, "it must not be empty");
    case "name":
      return name;
    case "names":
      return z
        .string()
        .transform((text) => text.split(",").map((part) => part.trim()))
        .pipe(z.array(name));
    case "duration":
      return z.string().transform((text, context) => {
        const ms = parseDuration(text);
        if (ms !== undefined && ms > 0) return ms;
        context.addIssue({ code: "custom", message: DURATION_RULE });
        return z.NEVER;
      });
    case "count":
    case "bytes": {
      const limit = max === Number.MAX_SAFE_INTEGER ? "up" : `to ${max}`;
      const message = `a whole number from ${min} ${limit}`;
      return z
        .string()
        .regex(/^\d+$/, message)
        .transform(Number)
        .refine((value) => value >= min && value <= max, message);
    }
    case "level":
      return z.enum(["trace", "debug", "info", "warn", "error", "silent"], {
        error: "one of trace, debug, info, warn, error, silent",
      });
  }
}

const name = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, "1 to 64 of A-Z a-z 0-9 _ -");

/** A limit that is too near to the heartbeat takes the living for dead. */
function checkTogether(command: Command, { heartbeat, ackWait, deadAfter }: Settings): void {
  const values = (flag: string, ms: number): string =>
    `--${flag} is ${formatDuration(ms)}, --heartbeat ${formatDuration(heartbeat)}`;
  if ((command === "worker" || command === "up") && ackWait < heartbeat * 3) {
    const rule =
      "--ack-wait must be at least three times --heartbeat, or live attempts would be delivered twice";
    throw new ConfigError(`${rule}: ${values("ack-wait", ackWait)}`);
  }
  if ((command === "executor" || command === "dag" || command === "up") && deadAfter < heartbeat * 3) {
    const rule =
      "--dead-after must be at least three times the workers' --heartbeat, or live workers would be taken for dead";
    throw new ConfigError(`${rule}: ${values("dead-after", deadAfter)}`);
  }
}
