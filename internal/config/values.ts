/** The values of settings: read from text as a person writes it, the same for flags, environment and files. */
import { z } from "zod";
import { NAME, NAME_RULE } from "../core/check.ts";
import { parseMountRoot } from "../core/docker-fields.ts";
import { IMAGE, IMAGE_RULE, ImagePatterns } from "../core/docker-image.ts";
import { readNetEntry } from "../core/net-entry.ts";
import { canonicalType, problemOfType } from "../core/task-types.ts";
import { DURATION_RULE, formatDuration, parseDuration } from "../spec/duration.ts";
import type { Setting } from "./setting.ts";

/** Durations in milliseconds. */
export interface KindValues {
  address: string;
  file: string;
  image: string;
  command: string[];
  name: string;
  names: string[];
  types: string[];
  "plugin-types": string[];
  networks: string[];
  images: string[];
  mounts: string[];
  user: string;
  variables: string[];
  duration: number;
  count: number;
  bytes: number;
  level: string;
  switch: boolean;
}

export type Read = { readonly value: KindValues[keyof KindValues] } | { readonly wrong: string };

/** What the text stands for, or what is allowed instead. */
export function readValue(setting: Setting, text: string): Read {
  const parsed = schemaOf(setting).safeParse(text);
  if (parsed.success) return { value: parsed.data };
  const rule = parsed.error.issues[0]?.message ?? "it cannot be read";
  return { wrong: `'${text}' is not allowed: ${rule}` };
}

function schemaOf({
  kind,
  min = 0,
  max = Number.MAX_SAFE_INTEGER,
}: Setting): z.ZodType<KindValues[keyof KindValues]> {
  switch (kind) {
    case "address":
    case "file":
      return z.string().min(1, "it must not be empty");
    case "command":
      return z
        .string()
        .transform((text) => text.split(/\s+/).filter((part) => part !== ""))
        .pipe(z.array(z.string()).min(1, "it must not be empty"));
    case "name":
      return name;
    case "names":
      return listOf((entry) => (NAME.test(entry) ? undefined : `'${entry}' is no name: use ${NAME_RULE}`));
    case "types":
      return listOf((entry) => problemOfType(canonicalType(entry) ?? entry)).transform((types) => [
        ...new Set(types.map((type) => canonicalType(type) ?? type)),
      ]);
    case "plugin-types":
      return listOf((entry) =>
        canonicalType(entry) === undefined
          ? problemOfType(entry)
          : `'${entry}' is built in, which everybody knows: leave it out`,
      );
    case "networks":
      return listOf((entry) => problemIn(readNetEntry(entry)));
    case "images":
      return listOf((entry) => problemIn(ImagePatterns.of([entry])));
    case "mounts":
      return listOf((entry) => problemIn(parseMountRoot(entry)));
    case "image":
      return z.string().regex(IMAGE, `it must be ${IMAGE_RULE}`);
    case "user":
      return z.string().refine(isUser, `the name of a user, UID, or UID:GID, with numbers up to ${MAX_ID}`);
    case "variables":
      return listOf((entry) =>
        /^([^\s=*]+\*?|\*)$/.test(entry) ? undefined : "names of variables; a * only at the end of one",
      );
    case "duration":
      return z.string().transform((text, context) => {
        const ms = parseDuration(text);
        if (ms !== undefined && ms > 0 && ms >= min && ms <= max) return ms;
        const limit = max === Number.MAX_SAFE_INTEGER ? "up" : `to ${formatDuration(max)}`;
        const bounds = min === 0 ? "longer than 0" : `from ${formatDuration(min)} ${limit}`;
        const rule = ms === undefined ? DURATION_RULE : `it must be ${bounds}; ${DURATION_RULE}`;
        context.addIssue({ code: "custom", message: rule });
        return z.NEVER;
      });
    case "count":
    case "bytes": {
      const limit = max === Number.MAX_SAFE_INTEGER ? "up" : `to ${max}`;
      const rule = `a whole number from ${min} ${limit}`;
      return z
        .string()
        .regex(/^\d+$/, rule)
        .transform(Number)
        .refine((value) => value >= min && value <= max, rule);
    }
    case "level":
      return z.enum(["trace", "debug", "info", "warn", "error", "silent"], {
        error: "one of trace, debug, info, warn, error, silent",
      });
    case "switch":
      return z.string().transform((text, context) => {
        const word = text.toLowerCase();
        if (ON.has(word) || OFF.has(word)) return ON.has(word);
        context.addIssue({ code: "custom", message: "true or false" });
        return z.NEVER;
      });
  }
}

/** The words that people write into variables and files. */
const ON = new Set(["true", "yes", "on", "1"]);
const OFF = new Set(["false", "no", "off", "0"]);

/** It is a part of what streams and connections are called, for which other things need room too. */
const name = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, "1 to 64 of A-Z a-z 0-9 _ -");

/** Entries separated by commas, each judged by itself. */
function listOf(problemOf: (entry: string) => string | undefined): z.ZodType<string[], string> {
  return z.string().transform((text, context) => {
    const entries = text.split(",").map((entry) => entry.trim());
    for (const entry of entries) {
      const problem = entry === "" ? "an entry is empty" : problemOf(entry);
      if (problem === undefined) continue;
      context.addIssue({ code: "custom", message: problem });
      return z.NEVER;
    }
    return entries;
  });
}

function problemIn(read: unknown): string | undefined {
  return typeof read === "string" ? read : undefined;
}

/** The last one stands for nobody. */
const MAX_ID = 4_294_967_294;

function isUser(text: string): boolean {
  if (!/^([^\s:]+|\d+:\d+)$/.test(text)) return false;
  return text.split(":").every((part) => !/^\d+$/.test(part) || Number(part) <= MAX_ID);
}
