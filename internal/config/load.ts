/** Reads the settings from flags and environment, once; the only place that looks at the environment. */
import { z } from "zod";
import { DURATION_RULE, parseDuration } from "../spec/duration.ts";
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
  text: string;
  name: string;
  duration: number;
  count: number;
  bytes: number;
  names: string[];
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

/** Variables with our prefix that mean nothing to us: worth a warning (a cluster may inject such names), never an error. */
export function unknownVariables(env: Sources["env"]): string[] {
  const known = Object.values(SETTINGS).map(environmentName);
  return Object.keys(env)
    .filter(
      (name) => name.startsWith("JETDAG_") && !known.includes(name) && !/_(SERVICE|PORT)(_|$)/.test(name),
    )
    .map((name) => {
      const near = nearest(name, known);
      return `environment variable ${name} is not known${near === undefined ? "" : `; did you mean ${near}?`}`;
    });
}

function read(setting: Setting, text: string, source: string): unknown {
  const parsed = schemaOf(setting).safeParse(text);
  if (parsed.success) return parsed.data;
  throw new ConfigError(
    `${source}: '${text}' is not allowed: ${parsed.error.issues[0]?.message ?? "it cannot be read"}`,
  );
}

function schemaOf({ kind, min = 0 }: Setting): z.ZodType {
  switch (kind) {
    case "text":
      return z.string();
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
      const message = `a whole number from ${min} up`;
      return z
        .string()
        .regex(/^\d+$/, message)
        .transform(Number)
        .refine((value) => value >= min, message);
    }
    case "level":
      return z.enum(["trace", "debug", "info", "warn", "error", "silent"], {
        error: "one of trace, debug, info, warn, error, silent",
      });
  }
}

const name = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, "1 to 64 of A-Z a-z 0-9 _ -");

function checkTogether(command: Command, settings: Settings): void {
  if (command === "worker" && settings.heartbeat * 3 > settings.ackWait) {
    throw new ConfigError(
      "--ack-wait must be at least three times --heartbeat, or live attempts would be delivered twice",
    );
  }
}
